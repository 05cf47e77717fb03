# SPDX-License-Identifier: Apache-2.0
"""A volume on btrfs: what that file system has beyond the others is there for clients, compression and limits of subvolumes."""
import os
import re
import shutil
import struct
import sys

from lab import Lab, Skip, check, main, run

L = None
VOLUME = None
IMAGE = None
NONE, DEFAULT, LZNT1 = 0, 1, 2
GET_COMPRESSION, SET_COMPRESSION = 0x0009003C, 0x0009C040
COMPRESSED = 0x800
DIRECTORY, NO_COMPRESSION = 0x1, 0x8000


def mounted():
    if not VOLUME:
        raise Skip("there is no volume on btrfs")


class Client:
    def __init__(self):
        self.conn = L.impacket("FS")
        self.low = self.conn.getSMBServer()
        self.tree = self.conn.connectTree("data")

    def open(self, name, options=0, access=0x1f01ff):
        return self.low.create(self.tree, name, access, 7, options, 3, 0)

    def status(self, call):
        try:
            call()
            return "SUCCESS"
        except Exception as e:  # impacket has several kinds for one thing
            found = re.search(r"STATUS_(\w+)", str(e))
            if not found:
                raise
            return found.group(1)

    def format(self, handle):
        out = self.low.ioctl(self.tree, handle, GET_COMPRESSION, flags=1, maxOutputResponse=2)
        return struct.unpack("<H", out)[0]

    def set_format(self, handle, wanted):
        return self.status(lambda: self.low.ioctl(self.tree, handle, SET_COMPRESSION, flags=1, inputBlob=struct.pack("<H", wanted),
                                                  maxOutputResponse=0))

    def attributes(self, handle):
        return struct.unpack("<I", self.low.queryInfo(self.tree, handle, infoType=1, fileInfoClass=4)[32:36])[0]

    def close(self, handle):
        self.low.close(self.tree, handle)


def test_start():
    """a file server comes up on btrfs"""
    global L, VOLUME, IMAGE
    L = Lab()
    L.node("N1", "127.0.0.11")
    IMAGE = os.path.join(L.directory, "btrfs.img")
    volume = os.path.join(L.directory, "volume-FS")
    os.makedirs(volume)
    with open(IMAGE, "wb") as f:
        f.truncate(256 << 20)
    if not shutil.which("mkfs.btrfs"):
        raise Skip("there is no mkfs.btrfs here")
    if run(["mkfs.btrfs", "-q", IMAGE]).code or run(["mount", "-o", "loop", IMAGE, volume]).code:
        raise Skip("btrfs cannot be mounted here")
    VOLUME = volume
    L.server("FS", "127.0.0.50")
    L.user("FS", "alice", admin=True)
    check(run(["btrfs", "subvolume", "create", volume + "/data"]).code == 0, "subvolume")
    L.share("FS", "data")


def test_compression():
    """a client sets a file's compression and sees it, as do btrfs and a listing"""
    mounted()
    c = Client()
    handle = c.open("file")
    features = c.low.queryInfo(c.tree, handle, infoType=2, fileInfoClass=5)
    check(struct.unpack("<I", features[:4])[0] & 0x10, "FILE_FILE_COMPRESSION is not told")
    check(c.format(handle) == NONE, "of a new file")
    check(c.set_format(handle, DEFAULT) == "SUCCESS", "set")
    check(c.format(handle) == LZNT1 and c.attributes(handle) & COMPRESSED, "when it was set")
    check("c" in run(["lsattr", VOLUME + "/data/file"]).text.split()[0], "btrfs does not know")
    listed = {e.get_longname(): e.get_attributes() for e in c.conn.listPath("data", "*")}
    check(listed["file"] & COMPRESSED, "the listing does not show it")
    c.low.write(c.tree, handle, b"a" * 500000, 0, 500000)
    c.close(handle)
    os.sync()
    extents = run(["filefrag", "-v", VOLUME + "/data/file"])
    check("encoded" in extents.text, "what was written is not compressed: %r" % extents)
    handle = c.open("file")
    check(c.low.read(c.tree, handle, 499990, 100) == b"a" * 10, "read back")
    check(c.set_format(handle, NONE) == "SUCCESS" and c.format(handle) == NONE, "taken away")
    check(not c.attributes(handle) & COMPRESSED, "the attribute stays")
    check(c.set_format(handle, 7) == "INVALID_PARAMETER", "of a kind that is none")
    c.close(handle)


def test_inherited():
    """what is made in a compressed directory is compressed, unless the client says otherwise"""
    mounted()
    c = Client()
    directory = c.open("packed", DIRECTORY)
    check(c.set_format(directory, LZNT1) == "SUCCESS", "set")
    for name, options, expected in (("in", 0, LZNT1), ("out", NO_COMPRESSION, NONE), ("below", DIRECTORY, LZNT1),
                                    ("beside", DIRECTORY | NO_COMPRESSION, NONE)):
        handle = c.open("packed\\" + name, options)
        check(c.format(handle) == expected, "%s: %d" % (name, c.format(handle)))
        check(bool(c.attributes(handle) & COMPRESSED) == bool(expected), name)
        c.close(handle)
    c.close(directory)
    # A name that is asked for in another case is found: the index of the directory is not confused by the change.
    result = L.smbclient("//FS/data", "ls PACKED\\IN")
    check(result.code == 0 and "NT_STATUS" not in result.text, repr(result))


def test_quota():
    """where a limit of the file system is reached the disk is full, and nothing is lost"""
    mounted()
    data = VOLUME + "/data"
    if run(["btrfs", "quota", "enable", VOLUME]).code or run(["btrfs", "qgroup", "limit", "4M", data]).code:
        raise Skip("btrfs has no quotas here")
    c = Client()
    handle = c.open("large")
    kept = b"k" * 65536
    check(c.status(lambda: c.low.write(c.tree, handle, kept, 0, len(kept))) == "SUCCESS", "the first write")
    status = "SUCCESS"
    at = len(kept)
    while status == "SUCCESS" and at < 8 << 20:
        block = os.urandom(65536)
        status = c.status(lambda: c.low.write(c.tree, handle, block, at, len(block)))
        at += len(block)
    check(status == "DISK_FULL", status)
    check(c.low.read(c.tree, handle, 0, len(kept)) == kept, "what was there is another")
    c.close(handle)
    check(run(["btrfs", "qgroup", "limit", "none", data]).code == 0, "limit none")
    handle = c.open("after")
    check(c.status(lambda: c.low.write(c.tree, handle, kept, 0, len(kept))) == "SUCCESS", "when there is room again")
    c.close(handle)


def test_stop():
    """the node stops cleanly"""
    L.__exit__(None, None, None)


if __name__ == "__main__":
    if os.environ.get("BERTH_MOUNTS") != "own":
        os.environ["BERTH_MOUNTS"] = "own"
        os.execvp("unshare", ["unshare", "--mount", sys.executable, "-B"] + sys.argv)
    main([v for k, v in list(globals().items()) if k.startswith("test_")])
