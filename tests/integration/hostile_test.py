# SPDX-License-Identifier: Apache-2.0
"""Clients with an account that do what no client does: what they may not have they do not get, and the server stays up."""
import json
import random
import socket
import struct
import threading
import time

from bad_input_test import answer, frame, header, status_of
from lab import LONG, PASSWORD, Lab, check, main

L = None
FS = "127.0.0.50"
NTLM_NEGOTIATE = b"NTLMSSP\0\1\0\0\0" + struct.pack("<I", 0x62088215) + b"\0" * 16
NETWORK_NAME_DELETED = 0xC00000C9
REQUEST_NOT_ACCEPTED = 0xC00000D0
BARE_SESSIONS = 16  # as in cmd_session_setup.c


def still_serving(user="alice"):
    result = L.smbclient("//FS/data", "ls", user=user)
    check(result.code == 0 and "NT_STATUS" not in result.text, "the server no longer serves: %r" % result)


class Raw:
    """A session of impacket's, and frames of our own on it."""

    def __init__(self, dialect=0x0311, user="alice", share="data"):
        self.conn = L.impacket("FS", user=user, dialect=dialect)
        self.low = self.conn.getSMBServer()
        self.tree = self.conn.connectTree(share)
        self.session = self.low._Session["SessionID"]
        self.socket = self.low._NetBIOSSession.get_socket()
        self.socket.settimeout(60)
        self.mid = self.low._Connection["SequenceWindow"]

    def message(self, command, body, next_command=0, message_id=None, tree=None, session=None):
        if message_id is None:
            message_id = self.mid
            self.mid += 1
        return header(command, message_id, credits=10, next_command=next_command,
                      tree=self.tree if tree is None else tree,
                      session=self.session if session is None else session) + body

    def chain(self, *messages):
        """A compound: (command, body[, message id])."""
        out = b""
        for i, (command, body, *rest) in enumerate(messages):
            body += b"\0" * (-len(body) % 8)
            last = i + 1 == len(messages)
            out += self.message(command, body, 0 if last else 64 + len(body), *rest)
        return frame(out)

    def statuses(self, count):
        """The next so many responses: (command, status)."""
        got = []
        while len(got) < count:
            body = answer(self.socket)
            if body is None:
                break
            at = 0
            while True:
                status, command = struct.unpack_from("<IH", body, at + 8)
                got.append((command, status))
                following = struct.unpack_from("<I", body, at + 20)[0]
                if not following:
                    break
                at += following
        return got


def setup(token):
    return struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, len(token), 0) + token


def lock(file_id, offset, length, flags):
    return struct.pack("<HHI", 48, 1, 0) + file_id + struct.pack("<QQII", offset, length, flags, 0)


def test_start():
    """a node with a file server that lets clients leave signing out comes up"""
    global L
    L = Lab()
    L.node("N1", "127.0.0.11", "loops = 2")
    L.server("FS", FS)
    L.user("FS", "alice", admin=True)
    L.user("FS", "bob")
    L.share("FS", "data", "--path", "data")
    L.berth("server", "set", "FS", "signing=enabled")
    L.smbclient("//FS/data", "put /etc/hostname h")


def test_cancel_in_compound():
    """a cancelled request does not end a session under the hands of whoever cancels it"""
    for _ in range(5):
        holder = Raw()
        held = holder.low.create(holder.tree, "h", 0x12019F, 7, 0x40, 1, 0)
        holder.mid = holder.low._Connection["SequenceWindow"]
        holder.socket.sendall(holder.chain((10, lock(held, 0, 10, 0x12))))
        check(holder.statuses(1) == [(10, 0)], "the range cannot be locked")
        client = Raw()
        wanted = client.low.create(client.tree, "h", 0x12019F, 7, 0x40, 1, 0)
        client.mid = client.low._Connection["SequenceWindow"]
        waiting = client.mid
        # A lock that waits, and behind it in the same frame the end of the session.
        client.socket.sendall(client.chain((10, lock(wanted, 0, 10, 2)), (2, struct.pack("<HH", 4, 0))))
        time.sleep(0.3)
        # The session is authenticated anew, and in the same frame the lock is cancelled.
        client.socket.sendall(client.chain((1, setup(NTLM_NEGOTIATE)), (12, struct.pack("<HH", 4, 0), waiting)))
        got = client.statuses(3)
        # What follows the lock is handled when the frame that cancelled it is done.
        check([command for command, _ in got] == [1, 10, 2], "answered: %r" % got)
        client.socket.close()
        holder.socket.close()
    still_serving()


def test_removed_share():
    """a share that is removed is closed to those who are connected to it"""
    L.share("FS", "gone", "--path", "gone")
    client = Raw(dialect=0x0210, share="gone")
    client.low.create(client.tree, "before", 0x12019F, 7, 0x40, 2, 0)
    L.berth("share", "remove", "FS", "gone")
    try:
        client.low.create(client.tree, "after", 0x12019F, 7, 0x40, 2, 0)
        raise AssertionError("a file was made on a share that has been removed")
    except Exception as e:
        check("NAME_DELETED" in str(e).upper() or getattr(e, "get_error_code", lambda: 0)() == NETWORK_NAME_DELETED,
              "refused with %s" % e)
    still_serving()


def test_half_logins_on_one_connection():
    """before the first login has succeeded, few others can be begun beside it"""
    s = socket.create_connection((FS, L.port), 20)
    s.settimeout(60)
    s.sendall(frame(header(0) + struct.pack("<HHHHI16sQH", 36, 1, 1, 0, 0, b"c" * 16, 0, 0x0210)))
    answer(s)
    refused = begun = 0
    for i in range(1, 40):
        s.sendall(frame(header(1, i) + setup(NTLM_NEGOTIATE)))
        body = answer(s)
        if body is None:
            break
        if status_of(body) == REQUEST_NOT_ACCEPTED:
            refused += 1
        else:
            begun += 1
    check(refused and begun <= BARE_SESSIONS, "%d begun, %d refused" % (begun, refused))
    s.close()
    still_serving()


def test_many_silent_connections():
    """one address cannot take all the places for connections that have no session yet"""
    held = []
    for _ in range(600):
        try:
            s = socket.socket()
            s.bind(("127.0.9.9", 0))
            s.settimeout(20)
            s.connect((FS, L.port))
            held.append(s)
        except OSError:
            break
    still_serving()
    ended = 0
    for s in held:
        s.setblocking(False)
        try:
            ended += s.recv(1) == b""
        except BlockingIOError:
            pass
        except OSError:
            ended += 1
        s.close()
    check(ended >= 600 - 400, "%d of %d were refused" % (ended, len(held)))


def test_group_removed():
    """a session that authenticates anew after its groups changed has no more than it may now"""
    L.user("FS", "carol", admin=True)
    conn = L.impacket("FS", user="carol", dialect=0x0300)
    tree = conn.connectTree("ADMIN$")
    low = conn.getSMBServer()
    low.create(tree, "before", 0x12019F, 7, 0x40, 3, 0)
    L.berth("member", "remove", "FS", "Administrators", "carol")
    # impacket makes new keys of every login; those of a session stay (MS-SMB2 3.3.5.5.2).
    keys = {name: key for name, key in low._Session.items() if name.endswith("Key")}
    conn.login("carol", PASSWORD)
    low._Session.update(keys)
    try:
        low.create(tree, "after", 0x12019F, 7, 0x40, 3, 0)
        raise AssertionError("ADMIN$ is still open to who is no administrator any more")
    except AssertionError:
        raise
    except Exception as e:
        check("ACCESS_DENIED" in str(e), "refused with %s" % e)
    still_serving()


class Worker(threading.Thread):
    """A client that does one thing after the other, ends without a word, and does not mind what it is told."""

    def __init__(self, number, end):
        super().__init__()
        self.number, self.end, self.rounds, self.done = number, end, 0, 0
        self.rng = random.Random(number)

    def run(self):
        while time.monotonic() < self.end:
            try:
                self.round(Raw(dialect=self.rng.choice((0x0210, 0x0300, 0x0311)), share="common"))
            except Exception:  # refused, disconnected, offline: all of it is meant
                time.sleep(0.05)

    def round(self, client):
        self.rounds += 1
        low, tree = client.low, client.tree
        for _ in range(self.rng.randrange(1, 12)):
            name = "f%d" % self.rng.randrange(4)
            directory = low.create(tree, "", 0x120089, 7, 1, 1, 0)
            file = low.create(tree, name, 0x1F01FF, 7, 0x40, 3, 0, oplockLevel=self.rng.choice((0, 1, 8, 9)))
            client.mid = low._Connection["SequenceWindow"]
            data = b"x" * self.rng.randrange(1, 5000)
            client.socket.sendall(client.chain((9, struct.pack("<HHIQ", 49, 112, len(data), 0) + file +
                                                struct.pack("<IIHHI", 0, 0, 0, 0, 0) + data)))
            client.statuses(1)
            self.done += 1
            low._Connection["SequenceWindow"] = client.mid
            if self.rng.random() < 0.3:
                low.close(tree, file)
                low.close(tree, directory)
                continue
            # What waits is left waiting, and the connection with it.
            kind = self.rng.randrange(4)
            if kind == 0:
                client.socket.sendall(client.chain((10, lock(file, 0, 10, 2)), (6, struct.pack("<HHI", 24, 0, 0) + file)))
            elif kind == 1:
                client.socket.sendall(client.chain((15, struct.pack("<HHI", 32, 1, 4096) + directory +
                                                    struct.pack("<II", 0xFFF, 0))))
            elif kind == 2:
                client.socket.sendall(client.chain((10, lock(file, 0, 10, 2)), (4, struct.pack("<HH", 4, 0)),
                                                   (2, struct.pack("<HH", 4, 0))))
            else:
                target = ("g%d" % self.rng.randrange(4)).encode("utf-16-le")
                body = struct.pack("<B7xQI", 1, 0, len(target)) + target
                client.socket.sendall(client.chain((17, struct.pack("<HBBIHHI", 33, 1, 10, len(body), 96, 0, 0) + file + body)))
            if self.rng.random() < 0.5:
                client.socket.sendall(client.chain((2, struct.pack("<HH", 4, 0))))
            if self.rng.random() < 0.5:
                time.sleep(self.rng.random() / 10)
            break
        client.socket.close()


def test_chaos():
    """handles, sessions, shares and the file server go away under clients that wait, and nothing breaks"""
    L.share("FS", "common", "--path", "common")
    L.smbclient("//FS/common", "ls")
    end = time.monotonic() + (60 if LONG else 15)
    workers = [Worker(i, end) for i in range(6)]
    for worker in workers:
        worker.start()
    rng = random.Random(7)
    while time.monotonic() < end:
        kind = rng.randrange(10)
        if kind < 4:
            for row in json.loads(L.berth("file", "list", "FS", "--json", ok=False).out or "[]")[:3]:
                L.berth("file", "close", "FS", str(row["id"]), ok=False)
        elif kind < 7:
            for row in json.loads(L.berth("session", "list", "FS", "--json", ok=False).out or "[]")[:2]:
                L.berth("session", "close", "FS", str(row["id"]), ok=False)
        elif kind < 9:
            L.berth("share", "remove", "FS", "common", ok=False)
            L.berth("share", "add", "FS", "common", "--path", "common", ok=False)
        else:
            L.berth("server", "offline", "FS", ok=False)
            L.berth("server", "online", "FS", ok=False)
            L.wait_online("FS")
    for worker in workers:
        worker.join()
    check(sum(w.done for w in workers) > 20, "the clients did nothing: %r" % [(w.rounds, w.done) for w in workers])
    L.wait_online("FS")
    still_serving()


def test_stop():
    """the node stops cleanly"""
    L.__exit__(None, None, None)


if __name__ == "__main__":
    main([v for k, v in list(globals().items()) if k.startswith("test_")])
