# SPDX-License-Identifier: Apache-2.0
"""berthd killed at random points of changes to names, streams and descriptors: each is as before or as after.

A client does one change after the other and keeps a record of what must be there: before a change, what it may be if
the server dies in it; after the answer, what it is. After each kill and restart everything is looked at.
"""
import random
import struct
import os
import threading
import time

from lab import LONG, Lab, check, main, wait_until

KILLS = 60 if LONG else 4
NAMES = ["one", "two", "three", "four"]
READ, WRITE, DELETE, READ_DAC, WRITE_DAC = 0x1, 0x2, 0x10000, 0x20000, 0x40000
OPEN, CREATE, OPEN_IF, OVERWRITE_IF = 1, 2, 3, 5
DELETE_ON_CLOSE = 0x1000
DACL = 4
GONE = {0xC0000034}  # OBJECT_NAME_NOT_FOUND

L = None
RANDOM = random.Random(20)


class Client:
    """The changes, and the reading, of one connection."""

    def __init__(self):
        self.conn = L.impacket("FS")
        self.low = self.conn.getSMBServer()
        self.tree = self.conn.connectTree("data")

    def open(self, name, access, disposition, options=0):
        return self.low.create(self.tree, name, access, 7, options, disposition, 0)

    def close(self, handle):
        self.low.close(self.tree, handle)

    def put(self, name, content):
        handle = self.open(name, WRITE, OVERWRITE_IF)
        self.low.write(self.tree, handle, content, 0, len(content))
        self.close(handle)

    def get(self, name):
        try:
            handle = self.open(name, READ, OPEN)
        except Exception as e:
            if getattr(e, "get_error_code", lambda: 0)() in GONE:
                return None
            raise
        try:
            return self.low.read(self.tree, handle, 0, 4096)
        except Exception as e:
            if getattr(e, "get_error_code", lambda: 0)() == 0xC0000011:  # END_OF_FILE
                return b""
            raise
        finally:
            self.close(handle)

    def rename(self, name, to):
        handle = self.open(name, DELETE, OPEN)
        wide = to.encode("utf-16le")
        self.low.setInfo(self.tree, handle, struct.pack("<B7xQI", 1, 0, len(wide)) + wide.ljust(4, b"\0"), 1, 10)
        self.close(handle)

    def delete(self, name):
        self.close(self.open(name, DELETE, OPEN, DELETE_ON_CLOSE))

    def set_dacl(self, name, dacl):
        handle = self.open(name, WRITE_DAC, OPEN)
        self.low.setInfo(self.tree, handle, dacl, 3, 0, DACL)
        self.close(handle)

    def dacl(self, name):
        handle = self.open(name, READ_DAC, OPEN)
        try:
            return bytes(self.low.queryInfo(self.tree, handle, infoType=3, fileInfoClass=0, additionalInformation=DACL))
        finally:
            self.close(handle)

    def look(self, name):
        """(content, stream, how many entries the list has), or None."""
        content = self.get(name)
        if content is None:
            return None
        return content, self.get(name + ":s"), entries(self.dacl(name))


def entries(sd):
    at = struct.unpack_from("<I", sd, 16)[0]
    return struct.unpack_from("<H", sd, at + 4)[0] if at else 0


def dacl_of(count):
    """Full access for everyone, said so often; with many it does not fit into an extended attribute."""
    ace = struct.pack("<BBHI", 0, 0, 20, 0x1F01FF) + bytes.fromhex("010100000000000100000000")
    acl = struct.pack("<BBHHH", 2, 0, 8 + count * len(ace), count, 0) + ace * count
    return struct.pack("<BBHIIII", 1, 0, 0x9004, 0, 0, 0, 20) + acl


class Writer(threading.Thread):
    """Changes until the server is gone. state: name to what is there; pending: what may be instead."""

    def __init__(self, state):
        super().__init__(daemon=True)
        self.state, self.pending, self.done, self.failure = state, {}, 0, None

    def step(self, client):
        name, text = RANDOM.choice(NAMES), b"%d" % RANDOM.randrange(10 ** 9)
        old = self.state.get(name)
        kind = RANDOM.choice(["put", "stream", "replace", "delete", "dacl"]) if old else "put"
        if kind == "put":
            # An overwrite empties the file and takes its streams along, then the bytes come: no one step.
            count = old[2] if old else None
            new = (text, None, count)
            kept = [None, old[1]] if old else [None]
            self.pending = {name: [old] + [(c, k, count) for c in (text, b"", old and old[0]) for k in kept]}
            client.put(name, text)
            if not old:
                new = (text, None, entries(client.dacl(name)))
        elif kind == "stream":
            new = (old[0], text, old[2])
            self.pending = {name: [old, new, (old[0], b"", old[2]), (old[0], None, old[2])]}
            client.put(name + ":s", text)
        elif kind == "dacl":
            new = (old[0], old[1], RANDOM.choice([1, 2, 400]))
            self.pending = {name: [old, new]}
            client.set_dacl(name, dacl_of(new[2]))
        elif kind == "delete":
            new = None
            self.pending = {name: [old, None]}
            client.delete(name)
        else:
            client.put("new", text)
            client.put("new:s", text)
            client.set_dacl("new", dacl_of(400))
            new = (text, text, 400)
            self.pending = {name: [old, new]}
            client.rename("new", name)
        self.state[name], self.pending = new, {}
        self.done += 1

    def run(self):
        try:
            client = Client()
            while True:
                self.step(client)
        except Exception as e:  # the server is gone, or something is wrong: the looking tells
            self.failure = e


def allowed(seen, wanted):
    """None in place of a count: as the directory gives it to what is new."""
    if seen is None or wanted is None:
        return seen is wanted
    return seen[:2] == wanted[:2] and wanted[2] in (None, seen[2])


def look_at_all(writer):
    client = Client()
    for name in NAMES:
        seen = client.look(name)
        options = writer.pending.get(name, [writer.state.get(name)])
        check(any(allowed(seen, option) for option in options),
              "%s is %r and not one of %r (%r)" % (name, seen, options, writer.failure))
        writer.state[name] = seen
    try:
        client.delete("new")
    except Exception as e:
        check(getattr(e, "get_error_code", lambda: 0)() in GONE, "the remains of a replacement: %s" % e)
    client.conn.close()


def in_depot():
    """How many files have something in the depot, and how many removals are noted there."""
    depot = os.path.join(L.directory, "volume-FS", ".berth", "streams")
    folders = [f for f in os.listdir(depot) if f != "gone"] if os.path.isdir(depot) else []
    gone = os.path.join(depot, "gone")
    return (sum(len(os.listdir(os.path.join(depot, f))) for f in folders),
            len(os.listdir(gone)) if os.path.isdir(gone) else 0)


def test_start():
    """a file server with a share comes up"""
    global L
    L = Lab()
    L.node("N1", "127.0.0.11")
    L.server("FS", "127.0.0.50")
    L.user("FS", "alice", admin=True)
    L.share("FS", "data")


def test_kills():
    """a server killed at random leaves every change done or not done, and every acknowledged one done"""
    state, steps = {}, 0
    for kill in range(KILLS):
        writer = Writer(state)
        writer.start()
        wait_until("there are changes", lambda: writer.done > 3 or writer.failure)
        time.sleep(RANDOM.random() * 0.5)
        L.nodes["N1"].kill()
        writer.join(60)
        check(not writer.is_alive() and writer.done > 3, "no changes: %r" % writer.failure)
        L.nodes["N1"].start()
        L.wait_online("FS")
        look_at_all(writer)
        steps += writer.done
    print("# %d kills, %d changes" % (KILLS, steps), flush=True)


def test_nothing_is_left():
    """what a kill between a removal and its cleaning leaves in the depot goes with the next start"""
    client = Client()
    for name in NAMES:
        if client.get(name) is not None:
            client.delete(name)
    client.conn.close()
    L.nodes["N1"].kill()
    L.nodes["N1"].start()
    L.wait_online("FS")
    check(in_depot() == (0, 0), "left in the depot: %r" % (in_depot(),))


def test_stop():
    """the node stops cleanly"""
    L.nodes["N1"].expect_end = False
    L.__exit__(None, None, None)


if __name__ == "__main__":
    main([v for k, v in list(globals().items()) if k.startswith("test_")])
