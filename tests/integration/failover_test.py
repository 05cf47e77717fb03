# SPDX-License-Identifier: Apache-2.0
"""Failover on one machine: the owner dies or hands over, and nothing that was acknowledged is lost."""
import hashlib
import os
import random
import sqlite3
import threading
import time

from lab import LONG, SLOW, Failed, Lab, check, main, wait_until

L = None
SEED = int(os.environ.get("BERTH_SEED", "20101228"))
ROUNDS = 200 if LONG else 6 if SLOW else 15


def test_start():
    """two nodes and a file server come up"""
    global L
    L = Lab()
    L.node("N1", "127.0.0.11")
    L.node("N2", "127.0.0.12")
    L.server("FS", "127.0.0.50", "server", "--preferred", "N1,N2")
    L.user("FS", "alice", admin=True)
    L.share("FS", "data", "--path", "data")


def owner():
    return L.server_state("FS")["owner"]


def test_planned_move():
    """a planned move brings names, shares and files along"""
    result = L.smbclient("//FS/data", "put /etc/hostname before")
    check(result.code == 0, repr(result))
    for target in ("N2", "N1"):
        L.berth("server", "move", "FS", target)
        wait_until("FS is online on " + target, lambda: L.server_state("FS")["state"] == "online" and
                   owner() == target)
        result = L.smbclient("//FS/data", "get before /dev/null; put /etc/hostname after-%s" % target)
        check(result.code == 0 and "NT_STATUS" not in result.text, repr(result))
        result = L.smbclient("//FS/admin$", "ls")
        check(result.code == 0, "ADMIN$ after the move: %r" % result)


class Writer(threading.Thread):
    """Writes files one after the other with write-through and FLUSH, and notes only what was acknowledged."""

    def __init__(self, number):
        super().__init__(daemon=True)
        self.number, self.acknowledged, self.stopping, self.writes = number, {}, False, 0
        self.rng = random.Random(SEED + number)

    def run(self):
        while not self.stopping:
            try:
                self.connection()
            except Exception:  # the server has gone: come back
                time.sleep(0.05)

    def connection(self):
        from impacket.smb3structs import FILE_CREATE, FILE_OVERWRITE_IF, FILE_WRITE_THROUGH
        conn = L.impacket("FS")
        tree = conn.connectTree("data")
        low = conn.getSMBServer()
        while not self.stopping:
            name = "w%d-%d" % (self.number, self.writes)
            self.writes += 1
            data = self.rng.randbytes(self.rng.randrange(1, 60000))
            handle = conn.createFile(tree, name, creationDisposition=FILE_OVERWRITE_IF,
                                     creationOption=FILE_WRITE_THROUGH)
            conn.writeFile(tree, handle, data)
            if self.writes % 2:
                low.flush(tree, handle)
            conn.closeFile(tree, handle)
            self.acknowledged[name] = hashlib.sha256(data).digest()
        conn.close()


def verify(writers):
    volume = os.path.join(L.directory, "volume-FS", "data")
    for w in writers:
        for name, digest in list(w.acknowledged.items()):
            with open(os.path.join(volume, name), "rb") as f:
                check(hashlib.sha256(f.read()).digest() == digest, "%s is not as it was acknowledged" % name)


def test_kill_under_load():
    rng = random.Random(SEED)
    writers = [Writer(i) for i in range(2)]
    for w in writers:
        w.start()
    slowest = 0.0
    for round in range(ROUNDS):
        time.sleep(rng.uniform(0.05, 0.8))
        victim = wait_until("FS has an owner", owner)
        other = "N2" if victim == "N1" else "N1"
        L.nodes[victim].kill()
        began = time.monotonic()
        wait_until("FS is online on %s in round %d" % (other, round),
                   lambda: L.server_state("FS")["state"] == "online" and owner() == other)
        slowest = max(slowest, time.monotonic() - began)
        L.nodes[victim].expect_end = False
        L.nodes[victim].start()
    for w in writers:
        w.stopping = True
    for w in writers:
        w.join(60)
    verify(writers)
    count = sum(len(w.acknowledged) for w in writers)
    check(count > ROUNDS, "only %d files were acknowledged in %d rounds: no load" % (count, ROUNDS))
    print("# %d rounds, %d acknowledged files intact, slowest takeover %.2f s, seed %d" %
          (ROUNDS, count, slowest, SEED), flush=True)


test_kill_under_load.__doc__ = "the owner is killed %d times under load: FS comes back, acknowledged files are intact" % ROUNDS


def test_database_is_sound():
    """after all that the file server's database is sound"""
    copy = os.path.join(L.directory, "copy.db")
    L.berth("server", "offline", "FS")
    wait_until("FS is offline", lambda: L.server_state("FS")["state"] == "offline")
    home = os.path.join(L.directory, "volume-FS", ".berth")
    for suffix in ("", "-wal"):
        if os.path.exists(os.path.join(home, "server.db" + suffix)):
            with open(os.path.join(home, "server.db" + suffix), "rb") as a, open(copy + suffix, "wb") as b:
                b.write(a.read())
    check(sqlite3.connect(copy).execute("pragma integrity_check").fetchall() == [("ok",)], "integrity_check")


def test_offline_is_remembered():
    """offline is remembered across a restart of every node"""
    for node in L.nodes.values():
        node.stop()
    for node in L.nodes.values():
        node.start()
    time.sleep(1)
    check(L.server_state("FS")["state"] == "offline", str(L.server_state("FS")))
    L.berth("server", "online", "FS")
    L.wait_online("FS")


def test_missing_volume():
    """a file server whose volume is gone is failed with the reason, and no other is taken down"""
    L.server("LONER", "127.0.0.60")
    L.berth("server", "offline", "LONER")
    wait_until("LONER is offline", lambda: L.server_state("LONER")["state"] == "offline")
    volume = os.path.join(L.directory, "volume-LONER")
    os.rename(volume, volume + ".away")
    L.berth("server", "online", "LONER", ok=False)
    state = wait_until("LONER is failed", lambda: (lambda s: s if s["state"] == "failed" else None)(
        L.server_state("LONER")))
    check(state["reason"] and "volume" in state["reason"].lower(), str(state))
    check(L.server_state("FS")["state"] == "online", "FS went down with it")
    os.rename(volume + ".away", volume)
    L.berth("server", "online", "LONER")
    L.wait_online("LONER")


def test_damaged_database():
    """a file server with a damaged database is failed with the reason"""
    L.berth("server", "offline", "LONER")
    wait_until("LONER is offline", lambda: L.server_state("LONER")["state"] == "offline")
    db = os.path.join(L.directory, "volume-LONER", ".berth", "server.db")
    size = os.path.getsize(db)
    with open(db, "r+b") as f:
        f.seek(0)
        f.write(b"\xff" * min(size, 8192))
    L.berth("server", "online", "LONER", ok=False)
    state = wait_until("LONER is failed", lambda: (lambda s: s if s["state"] == "failed" else None)(
        L.server_state("LONER")))
    check("database" in (state["reason"] or "").lower(), str(state))
    check(L.server_state("FS")["state"] == "online", "FS went down with it")


def test_address_in_use():
    """a file server whose address is taken is failed with the reason"""
    import socket
    s = socket.socket()
    s.bind(("127.0.0.61", L.port))
    s.listen()
    volume = os.path.join(L.directory, "volume-TAKEN")
    os.makedirs(volume)
    L.berth("server", "create", "TAKEN", "--volume", volume, "--address", "127.0.0.61/8", "--port", str(L.port), ok=False)
    state = wait_until("TAKEN is failed", lambda: (lambda s: s if s["state"] == "failed" else None)(
        L.server_state("TAKEN")))
    check("address" in (state["reason"] or "").lower() and "127.0.0.61" in state["reason"], str(state))
    s.close()
    check(L.server_state("FS")["state"] == "online", "FS went down with it")
    L.berth("server", "online", "TAKEN")
    L.wait_online("TAKEN")


def test_volume_moves_by_itself():
    """a volume brought elsewhere comes up with its shares and accounts"""
    L.user("TAKEN", "dora")
    L.share("TAKEN", "stuff", "--path", "stuff")
    L.servers["TAKEN"] = "127.0.0.61"
    check(L.smbclient("//TAKEN/stuff", "put /etc/hostname h", user="dora").code == 0, "before")
    L.berth("server", "offline", "TAKEN")
    wait_until("TAKEN is offline", lambda: L.server_state("TAKEN")["state"] == "offline")
    with Lab() as other:
        other.node("X1", "127.0.0.31")
        moved = os.path.join(other.directory, "moved")
        os.rename(os.path.join(L.directory, "volume-TAKEN"), moved)
        other.berth("server", "create", "TAKEN", "--volume", moved, "--adopt")
        other.servers["TAKEN"] = "127.0.0.61"
        other.berth("server", "online", "TAKEN", ok=False)
        other.wait_online("TAKEN")
        result = other.smbclient("//TAKEN/stuff", "get h /dev/null", user="dora")
        check(result.code == 0 and "NT_STATUS" not in result.text, repr(result))


def test_stop():
    """the nodes stop cleanly"""
    L.__exit__(None, None, None)


if __name__ == "__main__":
    main([v for k, v in list(globals().items()) if k.startswith("test_")])
