# SPDX-License-Identifier: Apache-2.0
"""Load on the file server of a lab, what is compared afterwards, and a client that notes when it is answered."""
import ctypes
import hashlib
import os
import random
import socket
import subprocess
import threading
import time

from impacket.smbconnection import SMBConnection

from field import ADDRESS, FS, PASSWORD, Failed, check, wait_until


class Client:
    """smbclient in the client's namespace, with a configuration of its own."""

    def __init__(self, field):
        self.field = field
        base = field.lab.path("client")
        os.makedirs(base, exist_ok=True)
        self.conf = os.path.join(base, "conf")
        with open(self.conf, "w") as f:
            f.write("[global]\nworkgroup = WORKGROUP\n")
            for key in ("private dir", "lock directory", "state directory", "cache directory", "pid directory"):
                f.write("%s = %s\n" % (key, base))
        self.auth = os.path.join(base, "auth")
        with open(self.auth, "w") as f:
            f.write("username = alice\npassword = %s\n" % PASSWORD)

    def run(self, commands, timeout=30):
        args = self.field.lab.command("client", ["smbclient", "-s", self.conf, "//%s/data" % FS, "-I", ADDRESS, "-A",
                                                 self.auth, "-t", "5", "-c", commands])
        try:
            p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                               timeout=timeout, text=True, errors="replace")
        except subprocess.TimeoutExpired:
            return False, "no answer"
        return p.returncode == 0 and "NT_STATUS" not in p.stdout and "failed" not in p.stdout, p.stdout


def enter_network(field):
    """From here on this thread is in the client's network."""
    with open("/run/netns/" + field.lab.namespace("client")) as f:
        if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), "setns")


class Writer(threading.Thread):
    """Puts files of random sizes with smbclient, on and on, and has each flushed; remembers those for which both were
    acknowledged."""

    def __init__(self, field, number, seed, pace):
        super().__init__(daemon=True)
        self.field, self.client, self.number = field, Client(field), number
        self.pace = pace
        self.random = random.Random(seed * 100 + number)
        self.name = "s%d-w%d" % (seed, number)
        self.folder = field.lab.path("client", self.name)
        os.makedirs(self.folder, exist_ok=True)
        self.acknowledged, self.tried, self.ending = {}, 0, False
        self.connection = None
        self.last_ok = time.monotonic()
        self.trouble = ""

    def flush(self, name):
        """smbclient has no command for it: another connection flushes the file."""
        try:
            if not self.connection:
                self.connection = SMBConnection(FS, ADDRESS, timeout=5)
                self.connection.login("alice", PASSWORD)
            low = self.connection.getSMBServer()
            tree = self.connection.connectTree("data")
            handle = self.connection.openFile(tree, name)
            low.flush(tree, handle)
            self.connection.closeFile(tree, handle)
            self.connection.disconnectTree(tree)
            return True
        except Exception as e:  # whatever breaks the connection: it was not acknowledged
            self.trouble = "flush: %s" % e
            try:
                if self.connection:
                    self.connection.getSMBServer().get_socket().close()
            except Exception:
                pass
            self.connection = None
            return False

    def run(self):
        enter_network(self.field)
        while not self.ending:
            name = "%s-%06d" % (self.name, self.tried)
            self.tried += 1
            data = self.random.randbytes(self.random.choice((10, 4096, 70000, 300000)))
            path = os.path.join(self.folder, "f")
            with open(path, "wb") as f:
                f.write(data)
            good, text = self.client.run("put %s %s" % (path, name), timeout=20)
            if good and self.flush(name):
                self.acknowledged[name] = hashlib.sha256(data).hexdigest()
                self.last_ok = time.monotonic()
                time.sleep(self.pace)
            else:
                if not good:
                    self.trouble = text.strip()[-200:]
                time.sleep(0.1)


class Load:
    """Some writers, each of which rests for @pace seconds after a file."""

    def __init__(self, field, seed=1, writers=2, pace=0.0):
        self.field = field
        self.writers = [Writer(field, i, seed, pace) for i in range(writers)]

    def __enter__(self):
        for w in self.writers:
            w.start()
        try:
            self.begin()
        except Failed:
            self.__exit__()
            raise
        return self

    def begin(self):
        wait_until(lambda: "load flows (%s)" % [w.trouble for w in self.writers], lambda: all(len(w.acknowledged) > 2 for w in self.writers), 60)

    def flows_again(self, seconds=60):
        since = time.monotonic()
        wait_until(lambda: "load flows again (%s)" % [w.trouble for w in self.writers], lambda: all(w.last_ok > since for w in self.writers), seconds)

    def __exit__(self, *args):
        for w in self.writers:
            w.ending = True
        for w in self.writers:
            w.join(60)

    def compare(self):
        """Every acknowledged file is on the volume as it was sent. Gives how many."""
        host = self.field.owner()
        check(host, "FS is online nowhere")
        root = self.field.path_on(host, "/srv/fs/data")
        wrong, count = [], 0
        for w in self.writers:
            for name, digest in w.acknowledged.items():
                count += 1
                try:
                    with open(os.path.join(root, name), "rb") as f:
                        same = hashlib.sha256(f.read()).hexdigest() == digest
                except OSError:
                    same = False
                if not same:
                    wrong.append(name)
        check(not wrong, "%d of %d acknowledged files are lost or wrong, such as %s" % (len(wrong), count, wrong[:3]))
        return count

    def forget(self):
        """Takes the files away, as a client does: the disk of a lab is small."""
        for w in self.writers:
            good, text = w.client.run("del %s-*" % w.name, timeout=60)
            check(good, text)


NEGOTIATE = bytes.fromhex(
    "0000006a" "fe534d42" "4000" "0000" "00000000" "0000" "0100" "00000000" "00000000" + "00" * 8 + "00" * 8 + "00" * 8 +
    "00" * 16 + "2400" "0300" "0100" "0000" "00000000" + "11" * 16 + "00" * 8 + "0202" "1002" "0003")


class Prober(threading.Thread):
    """Connects again and again as a client would and notes when it gets an answer, and when not. It runs in the
    client's network namespace on a thread of its own."""

    def __init__(self, field):
        super().__init__(daemon=True)
        self.field = field
        self.seen, self.ending = [], False  # (time, answered)

    def run(self):
        enter_network(self.field)
        while not self.ending:
            answered = False
            try:
                with socket.create_connection((ADDRESS, 445), timeout=0.1) as s:
                    s.settimeout(0.25)
                    s.sendall(NEGOTIATE)
                    answered = bool(s.recv(64))
            except OSError:
                pass
            self.seen.append((time.monotonic(), answered))
            time.sleep(0.01)

    def first_answer(self, since):
        """When the first answer after that time came, if one has."""
        return next((when for when, answered in list(self.seen) if answered and when >= since), None)
