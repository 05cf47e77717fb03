# SPDX-License-Identifier: Apache-2.0
"""The ends of what can be asked: names, offsets, locks and descriptors at their limits, directories that vanish, a disk
that is full in the middle of every operation. The specified status, and nothing half-done on disk."""
import os
import re
import shutil
import struct
import sys

from lab import Failed, Lab, Skip, check, main, run

L = None
VOLUME = None
FULL = None  # the volume of FULL, a file system of a few megabytes
SIZE = 8 << 20


class Client:
    """A connection to a share; each call gives the status as a name, and 'SUCCESS'."""

    def __init__(self, server="FS", share="data"):
        self.conn = L.impacket(server)
        self.low = self.conn.getSMBServer()
        self.tree = self.conn.connectTree(share)

    def status(self, call):
        self.got = None
        try:
            self.got = call()
            return "SUCCESS"
        except Failed:
            raise
        except Exception as e:  # impacket has several kinds for one thing
            found = re.search(r"STATUS_(\w+)", str(e))
            if not found:
                raise
            return found.group(1)

    def create(self, name, access=0x1f01ff, disposition=3, options=0):
        return self.status(lambda: self.low.create(self.tree, name, access, 7, options, disposition, 0))

    def opened(self, name, **kw):
        status = self.create(name, **kw)
        check(status == "SUCCESS", "open of %s: %s" % (name[:40], status))
        return self.got

    def close(self, handle):
        self.low.close(self.tree, handle)

    def set(self, handle, info_class, data, kind=1, which=0):
        return self.status(lambda: self.low.setInfo(self.tree, handle, data, infoType=kind, fileInfoClass=info_class,
                                                    additionalInformation=which))

    def lock(self, handle, offset, length, flags=0x12):
        from impacket import smb3structs as smb3
        def ask():
            packet = self.low.SMB_PACKET()
            packet["Command"], packet["TreeID"] = smb3.SMB2_LOCK, self.tree
            body = smb3.SMB2Lock()
            body["FileID"], body["LockCount"], body["LockSequence"] = handle, 1, 0
            body["Locks"] = struct.pack("<QQLL", offset, length, flags, 0)
            packet["Data"] = body
            return self.low.recvSMB(self.low.sendSMB(packet)).isValidAnswer(0)
        return self.status(ask)

    def write(self, handle, data, offset=0):
        return self.status(lambda: self.low.write(self.tree, handle, data, offset, len(data)))


def serving(server="FS"):
    result = L.smbclient("//%s/data" % server, "ls")
    check(result.code == 0 and "NT_STATUS" not in result.text, "it serves no longer: %r" % result)


def test_start():
    """a file server comes up beside one on a file system of a few megabytes"""
    global L, VOLUME, FULL
    L = Lab()
    L.node("N1", "127.0.0.11")
    VOLUME = L.server("FS", "127.0.0.50")
    FULL = os.path.join(L.directory, "volume-FULL")
    os.makedirs(FULL)
    mounted = run(["mount", "-t", "tmpfs", "-o", "size=%d" % SIZE, "tmpfs", FULL])
    if mounted.code != 0:
        FULL = None
    else:
        L.server("FULL", "127.0.0.51")
    for server in ["FS"] + (["FULL"] if FULL else []):
        L.user(server, "alice", admin=True)
        L.share(server, "data")


def test_names():
    """a name of 255 characters is one, of 256 none, and of 32 KiB no more than that"""
    c = Client()
    for name, expected in (("n" * 255, "SUCCESS"), ("n" * 256, "OBJECT_NAME_INVALID"), ("n" * 16383, "OBJECT_NAME_INVALID"),
                           ("x\\" * 8000 + "x", "OBJECT_PATH_NOT_FOUND"), ("a" * 255 + "\\b", "OBJECT_PATH_NOT_FOUND")):
        status = c.create(name)
        check(status == expected, "%d characters: %s, not %s" % (len(name), status, expected))
        if status == "SUCCESS":
            c.close(c.got)
    handle = c.opened("f")
    for name in ("n" * 256, "n" * 16000):
        body = struct.pack("<B7xQI", 0, 0, 2 * len(name)) + name.encode("utf-16-le")
        check(c.set(handle, 10, body) == "OBJECT_NAME_INVALID", "renamed to %d characters" % len(name))
    c.close(handle)
    serving()


def test_offsets():
    """offsets at the end of 63 and 64 bits are refused, and the file stays as it was"""
    c = Client()
    handle = c.opened("offsets")
    check(c.write(handle, b"12345") == "SUCCESS", "write")
    for offset in (2**63 - 1, 2**63, 2**64 - 1, 2**64 - 5):
        check(c.write(handle, b"x", offset) in ("INVALID_PARAMETER", "DISK_FULL", "FILE_TOO_LARGE"), "write at %x" % offset)
        status = c.status(lambda: c.low.read(c.tree, handle, offset, 1))
        check(status in ("INVALID_PARAMETER", "END_OF_FILE"), "read at %x: %s" % (offset, status))
        check(c.set(handle, 20, struct.pack("<Q", offset)) != "SUCCESS", "end of file at %x" % offset)
        check(c.set(handle, 19, struct.pack("<Q", offset)) != "SUCCESS", "allocation of %x" % offset)
    check(os.path.getsize(VOLUME + "/data/offsets") == 5, "the file is no longer of 5 bytes")
    c.close(handle)
    serving()


def test_zeros_behind_the_end():
    """zeros that are asked for behind the end of a file are not there, whatever is locked there"""
    one, two = Client(), Client()
    handle = one.opened("zeros")
    check(one.write(handle, b"12345") == "SUCCESS", "write")
    one.close(handle)
    handle, other = one.opened("zeros"), two.opened("zeros")
    check(one.set(handle, 4, bytes(32) + struct.pack("<II", 2, 0)) == "SUCCESS", "hidden, and not to be saved")
    check(two.lock(other, 5, 1000) == "SUCCESS", "a lock behind the end")
    def zero(begin, end):
        return one.status(lambda: one.low.ioctl(one.tree, handle, 0x000980C8, flags=1, inputBlob=struct.pack("<QQ", begin, end),
                                                maxOutputResponse=0))
    def attributes():
        again = one.opened("zeros", access=0x80)
        got = struct.unpack_from("<I", one.low.queryInfo(one.tree, again, infoType=1, fileInfoClass=4), 32)[0]
        one.close(again)
        return got
    check(zero(5, 700) == "SUCCESS" and zero(3, 3) == "SUCCESS", "zeros that are none")
    one.close(handle)
    check(attributes() == 2, "the file is to be saved again: %x" % attributes())
    handle = one.opened("zeros")
    check(zero(2, 700) == "SUCCESS", "zeros to the end and further")
    one.close(handle)
    two.close(other)
    with open(VOLUME + "/data/zeros", "rb") as f:
        content = f.read()
    check(content == b"12\0\0\0" and attributes() == 0x22, "%r, attributes %x" % (content, attributes()))


def test_locks():
    """byte ranges reach to the last byte that a number names, and no further"""
    one, two = Client(), Client()
    a, b = one.opened("locks"), two.opened("locks")
    top = 2**64 - 1
    check(one.lock(a, top, 1) == "SUCCESS", "the last byte")
    check(two.lock(b, top, 1) == "LOCK_NOT_GRANTED", "the last byte, again")
    check(one.lock(a, top, 2) == "INVALID_LOCK_RANGE", "beyond the last byte")
    check(one.lock(a, 2, top) == "INVALID_LOCK_RANGE", "around the end")
    check(one.lock(a, top, 0) == "SUCCESS", "nothing, at the end")
    check(two.lock(b, 0, top) == "SUCCESS", "all but the last byte")
    check(one.lock(a, top, 1, flags=4) == "SUCCESS", "unlock")
    check(two.lock(b, top, 1) == "SUCCESS", "the last byte, now that it is free")
    one.close(a)
    two.close(b)


def test_descriptors():
    """a descriptor of 64 KiB and a byte, or with lists that lie, is refused and changes nothing"""
    c = Client()
    handle = c.opened("guarded")
    def now():
        return c.low.queryInfo(c.tree, handle, infoType=3, fileInfoClass=0, additionalInformation=7)
    before = now()
    sid = b"\1\1\0\0\0\0\0\1\0\0\0\0"
    def descriptor(ace_count, acl_size, filling):
        acl = struct.pack("<BBHHH", 2, 0, acl_size, ace_count, 0) + filling
        return struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 20) + acl
    ace = struct.pack("<BBHI", 0, 0, 20, 0x1f01ff) + sid
    for what, data in (("65,537 bytes", descriptor(1, 28, ace).ljust(65537, b"\0")),
                       ("more entries than there are", descriptor(2000, 28, ace)),
                       ("a list longer than the bytes", descriptor(1, 65535, ace)),
                       ("an entry of no length", descriptor(1, 28, struct.pack("<BBHI", 0, 0, 0, 0) + sid)),
                       ("an owner behind the end", struct.pack("<BBHIIII", 1, 0, 0x8000, 0xfffffff0, 0, 0, 0)),
                       ("nothing", b"")):
        which = 1 if "owner" in what else 4
        check(c.set(handle, 0, data, kind=3, which=which) != "SUCCESS", what + " is taken")
        check(now() == before, what + " changed it")
    c.close(handle)
    serving()


def test_vanishing_directory():
    """a directory that vanishes under its listing ends the listing"""
    c = Client()
    made = os.path.join(VOLUME, "data/vanishing")
    os.makedirs(made)
    for i in range(3000):
        open(os.path.join(made, "file-%04d" % i), "w").close()
    handle = c.opened("vanishing", access=0x120089, disposition=1, options=1)
    query = lambda: c.low.queryDirectory(c.tree, handle, informationClass=37, maxBufferSize=4096)
    check(c.status(query) == "SUCCESS", "the first page")
    shutil.rmtree(made)
    for _ in range(100):
        status = c.status(query)
        if status != "SUCCESS":
            break
    check(status in ("NO_MORE_FILES", "FILE_CLOSED", "DELETE_PENDING", "OBJECT_NAME_NOT_FOUND"), status)
    check(c.create("vanishing\\x") == "OBJECT_PATH_NOT_FOUND", "a file in it")
    c.close(handle)
    serving()


# ---- a full disk

def fill():
    """Not a byte is left."""
    fd = os.open(os.path.join(FULL, "filler"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for size in (1 << 16, 4096, 1):
            try:
                while os.write(fd, b"f" * size):
                    pass
            except OSError:
                pass
    finally:
        os.close(fd)


def names():
    return sorted(os.listdir(os.path.join(FULL, "data")))


def test_full_disk():
    """where no byte is left, each operation says so or is done, and leaves nothing half-done"""
    if not FULL:
        raise Skip("no file system can be mounted here")
    c = Client("FULL")
    kept = c.opened("kept")
    check(c.write(kept, b"k" * 5000) == "SUCCESS", "write")
    source = c.opened("source")
    check(c.write(source, b"s" * 300000) == "SUCCESS", "write of the source")
    other = c.opened("other")
    fill()
    before = names()
    def content():
        with open(os.path.join(FULL, "data/kept"), "rb") as f:
            return f.read()
    full = "DISK_FULL"
    check(c.write(kept, b"x" * 65536, 5000) == full, "a write behind the end")
    check(len(content()) >= 5000 and content()[:5000] == b"k" * 5000, "what was written before")
    check(c.set(kept, 20, struct.pack("<Q", 5000)) == "SUCCESS", "cut back to what was there")
    check(c.set(kept, 19, struct.pack("<Q", 4 << 20)) == full, "an allocation")
    check(content() == b"k" * 5000, "the allocation changed the file")
    check(c.create("new:stream", disposition=2) in (full, "SUCCESS"), "a stream")
    stream = c.got
    if stream:
        check(c.write(stream, b"z" * 100000) == full, "a write to a stream")
        c.close(stream)
    ea = struct.pack("<IBBH", 0, 0, 4, 30000) + b"BIGE\0" + b"v" * 30000
    status = c.set(kept, 15, ea)
    check(status in (full, "EA_TOO_LARGE", "SUCCESS", "INSUFFICIENT_RESOURCES"), "an EA: " + status)
    sid = b"\1\1\0\0\0\0\0\1\0\0\0\0"
    ace = struct.pack("<BBHI", 0, 0, 20, 0x1f01ff) + sid
    acl = struct.pack("<BBHHH", 2, 0, 8 + 20 * 1000, 1000, 0) + ace * 1000
    status = c.set(kept, 0, struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 20) + acl, kind=3, which=4)
    check(status in (full, "SUCCESS", "INSUFFICIENT_RESOURCES"), "a descriptor of 20 KB: " + status)
    key = c.low.ioctl(c.tree, source, 0x00140078, flags=1, maxOutputResponse=32)[:24]
    chunk = key + struct.pack("<II", 1, 0) + struct.pack("<QQII", 0, 0, 300000, 0)
    check(c.status(lambda: c.low.ioctl(c.tree, other, 0x001440F2, flags=1, inputBlob=chunk, maxOutputResponse=12)) == full,
          "a copy")
    target = "kept2".encode("utf-16-le")
    check(c.set(kept, 10, struct.pack("<B7xQI", 0, 0, len(target)) + target) == "SUCCESS", "a rename")
    target = "kept".encode("utf-16-le")
    check(c.set(kept, 10, struct.pack("<B7xQI", 0, 0, len(target)) + target) == "SUCCESS", "and back")
    check(c.create("directory", options=1, disposition=2) in (full, "SUCCESS"), "a directory")
    if c.got:
        c.close(c.got)
    check(not [n for n in names() if ".new" in n or "tmp" in n], "left behind: %r" % names())
    check(set(before) <= set(names()), "gone: %r" % names())
    check(content() == b"k" * 5000, "the file that was there")
    state = L.server_state("FULL")
    check(state["state"] == "online", "FULL is %s: %s" % (state["state"], state["reason"]))
    os.unlink(os.path.join(FULL, "filler"))
    check(c.write(kept, b"again", 5000) == "SUCCESS", "a write when there is room again")
    check(c.create("again", disposition=2) == "SUCCESS", "a file when there is room again")
    for handle in (c.got, kept, source, other):
        c.close(handle)
    serving("FULL")


def limit_inodes(free):
    """So many files and directories more can be made on FULL's volume, and no others."""
    st = os.statvfs(FULL)
    run(["mount", "-o", "remount,size=%d,nr_inodes=%d" % (SIZE, st.f_files - st.f_ffree + free), FULL])


def in_depot():
    """Directories, files: what lies beside the files of the volume."""
    found = [(len(directories), len(files)) for _, directories, files in os.walk(os.path.join(FULL, ".berth/streams"))]
    return sum(d for d, _ in found), sum(f for _, f in found)


def test_no_more_files():
    """where a file system takes no more files, what needs one is done whole or not at all"""
    if not FULL:
        raise Skip("no file system can be mounted here")
    c = Client("FULL")
    full = "DISK_FULL"
    handle = c.opened("host")
    check(c.write(handle, b"h" * 100) == "SUCCESS", "write")
    sid = b"\1\1\0\0\0\0\0\1\0\0\0\0"
    ace = struct.pack("<BBHI", 0, 0, 20, 0x1f01ff) + sid
    acl = struct.pack("<BBHHH", 2, 0, 8 + 20 * 1000, 1000, 0) + ace * 1000
    large = struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 20) + acl
    def descriptor():
        return c.low.queryInfo(c.tree, handle, infoType=3, fileInfoClass=0, additionalInformation=4)
    for free in (0, 1, 2, 3):
        for what, make, undo in (
                ("file", lambda: c.create("more", disposition=2), lambda: c.create("more", disposition=1, options=0x1000)),
                ("directory", lambda: c.create("dir", disposition=2, options=1),
                 lambda: c.create("dir", disposition=1, options=0x1001)),
                ("stream", lambda: c.create("host:s", disposition=2),
                 lambda: c.create("host:s", disposition=1, options=0x1000)),
                ("stream of a new file", lambda: c.create("both:s", disposition=2),
                 lambda: c.create("both", disposition=1, options=0x1000))):
            before, depot = names(), in_depot()
            limit_inodes(free)
            status = make()
            made = c.got
            state = names()
            limit_inodes(1000)
            check(status in (full, "SUCCESS"), "%s, room for %d: %s" % (what, free, status))
            if status == "SUCCESS":
                c.close(made)
                check(undo() == "SUCCESS", "%s cannot be removed" % what)
                c.close(c.got)
            else:
                check(state == before, "%s, room for %d: left behind %r" % (what, free, set(state) - set(before)))
                check(in_depot()[1] == depot[1], "%s, room for %d: left in the depot" % (what, free))
            check(names() == before, "%s, room for %d: left in the end %r" % (what, free, set(names()) ^ set(before)))
        old = descriptor()
        limit_inodes(free)
        status = c.set(handle, 0, large, kind=3, which=4)
        limit_inodes(1000)
        check(status in (full, "SUCCESS", "INSUFFICIENT_RESOURCES"), "a descriptor of 20 KB, room for %d: %s" % (free, status))
        if status != "SUCCESS":
            check(descriptor() == old, "a descriptor that was refused")
        check(c.low.read(c.tree, handle, 0, 200) == b"h" * 100, "the file that was there")
    c.close(handle)
    serving("FULL")


def test_space_of_a_directory():
    """the space that is told is that of the directory which is asked, where it has less than the volume"""
    c = Client()
    small = os.path.join(VOLUME, "data", "small")
    check(L.smbclient("//FS/data", "mkdir small").code == 0, "mkdir")
    if run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", small]).code:
        raise Skip("no file system can be mounted here")
    try:
        units = []
        for name in ("", "small"):
            handle = c.low.create(c.tree, name, 0x100081, 7, 1, 1, 0)
            total, = struct.unpack("<Q", c.low.queryInfo(c.tree, handle, infoType=2, fileInfoClass=7)[:8])
            units.append(total)
            c.low.close(c.tree, handle)
        check(units[1] * 4096 == 8 << 20 and units[0] > units[1], repr(units))
    finally:
        run(["umount", "-l", small])


def test_stop():
    """the node stops cleanly"""
    L.__exit__(None, None, None)
    if FULL:
        run(["umount", "-l", FULL])


if __name__ == "__main__":
    if os.environ.get("BERTH_MOUNTS") != "own":
        os.environ["BERTH_MOUNTS"] = "own"
        os.execvp("unshare", ["unshare", "--mount", sys.executable, "-B"] + sys.argv)
    main([v for k, v in list(globals().items()) if k.startswith("test_")])
