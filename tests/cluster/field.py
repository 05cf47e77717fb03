# SPDX-License-Identifier: Apache-2.0
"""What the cluster tests share: a lab with a file server in it, load on it, and what is compared afterwards."""
import ctypes
import hashlib
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time

from impacket.smbconnection import SMBConnection

import lab as labs

PASSWORD = "Passw0rd-Ünï"
FS = "FS"
ADDRESS = labs.VIRTUAL


class Failed(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failed(text)


def wait_until(what, condition, seconds=60, step=0.05):
    """Polls; gives what condition gave, and how long it took."""
    began = time.monotonic()
    while True:
        value = condition()
        if value:
            return value, time.monotonic() - began
        if time.monotonic() - began > seconds:
            raise Failed("waited %d s in vain until %s" % (seconds, what() if callable(what) else what))
        time.sleep(step)


class Field:
    """A lab, its watcher, and the questions that tests ask of it."""

    def __init__(self, directory=None):
        self.lab = labs.Lab(directory)
        self.watcher = None

    def __enter__(self):
        self.lab.up()
        here = os.path.dirname(os.path.abspath(__file__))
        self.watcher = subprocess.Popen([sys.executable, os.path.join(here, "watcher.py"), self.lab.directory],
                                        stdin=subprocess.DEVNULL)
        return self

    def __exit__(self, *args):
        if self.watcher:
            self.watcher.terminate()
            self.watcher.wait()
        self.lab.down()

    # ---- asking

    def up(self):
        return [h for h in labs.HOSTS if self.lab.pid(h)]

    def run(self, host, *args, ok=True, **options):
        code, text = self.lab.run(host, *args, **options)
        if ok and code:
            raise Failed("%s: %s: %s: %s" % (host, " ".join(args), code, text.strip()[-500:]))
        return text if ok else (code, text)

    def berth(self, host, *args, **options):
        return self.run(host, "berth", *args, **options)

    def status(self, host):
        code, text = self.lab.run(host, "berth", "status", "--json", timeout=30)
        try:
            return json.loads(text) if code == 0 else None
        except ValueError:
            return None

    def server(self, host, name=FS):
        for s in (self.status(host) or {}).get("servers", []):
            if s["name"] == name:
                return s
        return {"state": "unknown", "owner": None, "reason": "", "parts": []}

    def owner(self, host=None, name=FS):
        """Where it is online, as a host that is asked says; None where it is not."""
        for h in [host] if host else self.up():
            s = self.server(h, name)
            if s["state"] == "online":
                return s["owner"]
        return None

    def wait_online(self, host, on=None, but=None, seconds=90):
        def there():
            o = self.owner(host)
            return o if o and o != but and (not on or o == on) else None
        return wait_until(lambda: "FS is online%s: %s\n%s" % (
            " on " + on if on else "", self.server(host), self.lab.run(host, "crm_mon", "-1r")[1]), there, seconds)

    def clean(self):
        """Forget failures, and wait until nothing is under way."""
        host = self.up()[0]
        self.lab.run(host, "crm_resource", "--cleanup")
        self.lab.run(host, "crm_resource", "--wait", "--timeout=60s", timeout=70)

    def everyone_back(self):
        for h in labs.HOSTS:
            if not self.lab.pid(h):
                self.lab.boot(h)
            self.lab.plug(h)

        def quorate():
            code, text = self.lab.run(self.up()[0], "crm_mon", "-1", timeout=20)
            return "Online: [ n1 n2 n3 ]" in text and "UNCLEAN" not in text
        wait_until("all hosts are members again", quorate, 90, 0.3)
        self.clean()
        self.wait_berthd()

    # ---- the file server

    def wait_berthd(self):
        wait_until("berthd answers on all hosts",
                   lambda: all((self.status(h) or {}).get("nodes", [{}])[0].get("state") == "online" for h in labs.HOSTS),
                   60, 0.3)

    def make_server(self, host="n1"):
        self.wait_berthd()
        self.run(host, "mount", "/srv/disk", "/srv/fs")
        self.berth(host, "server", "create", FS, "--volume", "/srv/fs", "--address", ADDRESS + "/24", "--engine",
                   "pacemaker")
        self.berth(host, "user", "add", FS, "alice", "--password-stdin", input=PASSWORD + "\n")
        self.berth(host, "share", "add", FS, "data", "--path", "data")

    def path_on(self, host, path):
        return "/proc/%d/root%s" % (self.lab.pid(host), path)

    def double_mounts(self):
        with open(self.lab.path("mounted")) as f:
            return [line.strip() for line in f if len(line.split()) > 2]

    def berthd(self, host):
        """The pid of berthd on a host, there and out here."""
        inside = self.run(host, "cat", "/run/berthd.pid").strip()
        for pid in subprocess.run(["ip", "netns", "pids", self.lab.namespace(host)], stdout=subprocess.PIPE,
                                  text=True).stdout.split():
            try:
                with open("/proc/%s/status" % pid) as f:
                    if "\nNSpid:\t%s\t%s\n" % (pid, inside) in f.read():
                        return int(inside), int(pid)
            except OSError:
                pass
        raise Failed("no berthd on " + host)


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

    def __init__(self, field, number, seed):
        super().__init__(daemon=True)
        self.field, self.client, self.number = field, Client(field), number
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
            else:
                if not good:
                    self.trouble = text.strip()[-200:]
                time.sleep(0.1)


class Load:
    def __init__(self, field, seed=1, writers=2):
        self.field = field
        self.writers = [Writer(field, i, seed) for i in range(writers)]

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
