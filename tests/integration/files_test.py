# SPDX-License-Identifier: Apache-2.0
"""Files through smbclient and impacket: what goes in comes out, under every name and in every mode a client uses."""
import filecmp
import hashlib
import os
import random
import struct
import threading
import time

from lab import LONG, SLOW, Failed, Lab, check, main, run, wait_until

from impacket import smb3  # noqa: E402

L = None
LOCAL = None


def sh(commands, **kw):
    result = L.smbclient("//FS/data", commands, **kw)
    # A file without an 8.3 name says so, as on NTFS where these are off; smbclient prints that and goes on.
    text = "".join(line for line in result.text.splitlines(True) if "getting alt name" not in line)
    if result.code != 0 or "NT_STATUS" in text:
        raise Failed("%s: %r" % (commands[:200], result))
    return result


def status_of(commands, **kw):
    """The first NTSTATUS that smbclient prints, or 'ok'."""
    import re
    result = L.smbclient("//FS/data", commands, **kw)
    found = re.search(r"NT_STATUS_\w+", result.text)
    return found.group(0) if found else "ok" if result.code == 0 else repr(result)


def write_local(name, data):
    path = os.path.join(LOCAL, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    return path


def test_start():
    """two nodes and a file server come up"""
    global L, LOCAL
    L = Lab()
    LOCAL = os.path.join(L.directory, "local")
    os.makedirs(LOCAL)
    L.node("N1", "127.0.0.11")
    L.node("N2", "127.0.0.12")
    L.server("FS", "127.0.0.50")
    L.user("FS", "alice", admin=True)
    L.user("FS", "bob")
    L.share("FS", "data", "--path", "data")


def test_file_goes_in_and_comes_out():
    """a file of every awkward size goes in and comes out as it was"""
    for size in (0, 1, 511, 4096, 65535, 65536, 65537, 1048576, 8 * 1048576 + 3):
        data = random.Random(size).randbytes(size)
        path = write_local("in", data)
        sh('put "%s" size%d; get size%d "%s/out"' % (path, size, size, LOCAL))
        with open(os.path.join(LOCAL, "out"), "rb") as f:
            check(f.read() == data, "%d bytes came back changed" % size)


def test_tree():
    """a tree of directories goes in and comes out equal"""
    source = os.path.join(LOCAL, "tree")
    rng = random.Random(7)
    for i in range(120):
        write_local("tree/d%d/e%d/f%d.txt" % (i % 5, i % 7, i), rng.randbytes(rng.randrange(20000)))
    for name in ("with space.txt", "Grüße.txt", "日本語.txt", "emoji-\U0001f600.txt", "semi;colon.txt", "dot.",
                 "UPPER.TXT", "a" * 200 + ".txt"):
        write_local("tree/odd/" + name, name.encode())
    sh("prompt off; recurse on; lcd %s; mkdir tree; cd tree; mput *" % source)
    back = os.path.join(LOCAL, "back")
    os.makedirs(back)
    sh("prompt off; recurse on; lcd %s; cd tree; mget *" % back)
    differ = run(["diff", "-r", source, back])
    check(differ.code == 0, differ.text[:800])


def test_names_without_case():
    """a name is found in any case, kept as written, and refused a second time"""
    path = write_local("case", b"x")
    sh('put "%s" MixedCase.Txt' % path)
    check("MixedCase.Txt" in sh("ls mixedcase.TXT").out, "not found in other case")
    sh('put "%s" MIXEDCASE.TXT' % path)
    names = [line.split()[0] for line in sh("ls mixed*").out.splitlines() if line.strip().lower().startswith("mixed")]
    check(names == ["MixedCase.Txt"], "after a second put in other case: %s" % names)
    check(status_of("mkdir mixedcase.TXT") == "NT_STATUS_OBJECT_NAME_COLLISION", "mkdir over it in other case")
    sh("rename mixedcase.txt MIXEDcase.txt")
    check("MIXEDcase.txt" in sh("ls mixedcase.txt").out, "a rename of case alone")


def test_rename_delete():
    """rename, delete, and the errors they give"""
    path = write_local("r", b"r")
    sh('put "%s" one; put "%s" two; mkdir dir; put "%s" dir/inside' % (path, path, path))
    check(status_of("rename one two") == "NT_STATUS_OBJECT_NAME_COLLISION", "rename onto an existing file")
    sh("rename one dir/three")
    check("three" in sh("ls dir/*").out, "not moved")
    check(status_of("rmdir dir") == "NT_STATUS_DIRECTORY_NOT_EMPTY", "rmdir of a full directory")
    check(status_of("get nothing /dev/null") == "NT_STATUS_OBJECT_NAME_NOT_FOUND", "missing file")
    check(status_of("get no/such /dev/null") == "NT_STATUS_OBJECT_PATH_NOT_FOUND", "missing path")
    sh("del two; del dir/three; del dir/inside; rmdir dir")
    check(status_of("ls dir") in ("NT_STATUS_NO_SUCH_FILE", "NT_STATUS_OBJECT_NAME_NOT_FOUND"), "still there")


def test_escape():
    """no path and no link leads out of the share"""
    volume = os.path.join(L.directory, "volume-FS")
    os.symlink("/etc", os.path.join(volume, "data", "out"))
    os.symlink("/etc/passwd", os.path.join(volume, "data", "passwd"))
    os.symlink("../..", os.path.join(volume, "data", "up"))
    for command in ("get passwd /dev/null", "get out/passwd /dev/null", "ls up/*", "ls ../../*", "cd ..\\..; ls .berth\\*"):
        got = status_of(command)
        check(got.startswith("NT_STATUS") or "root:" not in L.smbclient("//FS/data", command).text, "%s: %s" % (command, got))
    check("passwd" not in sh("ls").out, "a symbolic link is listed")
    result = L.smbclient("//FS/s$", "ls .berth\\*")
    check("NT_STATUS" in result.text, "the home is reachable through the drive share: %r" % result)
    check(".berth" not in L.smbclient("//FS/s$", "ls").out, "the home is listed in the drive share")
    for name in ("out", "passwd", "up"):
        os.unlink(os.path.join(volume, "data", name))


def test_attributes_and_times():
    """attributes and times stick"""
    path = write_local("a", b"a")
    sh('put "%s" attr; setmode attr +rhs' % path)
    line = [x for x in sh("ls attr").out.splitlines() if "attr" in x][0]
    check(all(c in line.split()[1] for c in "RHS"), line)
    check(status_of("del attr") == "NT_STATUS_CANNOT_DELETE", "a read-only file is deleted")
    sh("setmode attr -rhs; utimes attr 2001:02:03-04:05:06 2002:02:03-04:05:06 2003:02:03-04:05:06 2004:02:03-04:05:06")
    info = sh("allinfo attr").out
    check("2001" in info and "2003" in info, info)
    sh("del attr")


def test_security_descriptors():
    """a descriptor that is set is shown, and holds"""
    path = write_local("s", b"secret")
    sh('put "%s" guarded' % path)
    acls = ["smbcacls", "-s", L.smb_conf, "-A", L.auth_file("alice", __import__("lab").PASSWORD),
            "//127.0.0.50/data", "guarded"]
    before = run(acls, env=L.env)
    check("ACL:" in before.out, repr(before))
    result = run(acls + ["-S", "ACL:S-1-5-32-544:ALLOWED/0x0/FULL"], env=L.env)
    check(result.code == 0, repr(result))
    check("get guarded" and status_of("get guarded /dev/null", user="bob") == "NT_STATUS_ACCESS_DENIED",
          "bob reads what only Administrators may")
    check(status_of('put "%s" guarded' % path, user="bob") == "NT_STATUS_ACCESS_DENIED", "bob writes it")
    sh("get guarded /dev/null")


def test_streams():
    """a named stream is a file of its own"""
    path = write_local("st", b"stream data" * 1000)
    base = write_local("base", b"base")
    sh('put "%s" host; put "%s" host:extra; get host:extra "%s/st.out"; get host "%s/base.out"' %
       (base, path, LOCAL, LOCAL))
    check(filecmp.cmp(path, os.path.join(LOCAL, "st.out"), False), "stream changed")
    check(filecmp.cmp(base, os.path.join(LOCAL, "base.out"), False), "base changed")
    check(":extra" in sh("allinfo host").out, "the stream is not listed")
    sh("del host")


def test_large_directory():
    """a directory of thousands is listed once, each name once"""
    volume = os.path.join(L.directory, "volume-FS", "data", "many")
    sh("mkdir many")
    count = 3000
    for i in range(count):
        with open(os.path.join(volume, "file%05d" % i), "w"):
            pass
    names = [line.split()[0] for line in sh("ls many/*").out.splitlines() if line.strip().startswith("file")]
    check(len(names) == count and len(set(names)) == count, "%d names, %d distinct" % (len(names), len(set(names))))
    check("file00017" in sh("ls many/FILE00017").out, "one name in other case")
    pattern = [line for line in sh("ls many/file0001?").out.splitlines() if "file" in line]
    check(len(pattern) == 10, "pattern gave %d" % len(pattern))


def test_concurrent_clients():
    """many clients at once read what they wrote"""
    failures = []

    def client(i):
        try:
            data = random.Random(i).randbytes(200000)
            path = write_local("c%d" % i, data)
            for n in range(3):
                sh('put "%s" shared-%d-%d; get shared-%d-%d "%s.back"; del shared-%d-%d' %
                   (path, i, n, i, n, path, i, n))
                with open(path + ".back", "rb") as f:
                    check(hashlib.sha256(f.read()).digest() == hashlib.sha256(data).digest(), "client %d" % i)
        except Exception as e:
            failures.append(str(e))
    threads = [threading.Thread(target=client, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(not failures, "; ".join(failures)[:500])


def test_share_modes_and_locks():
    """share modes and byte-range locks hold between clients"""
    from impacket import nt_errors
    from impacket.smb3structs import (FILE_OPEN_IF, FILE_SHARE_READ, FILE_SHARE_WRITE, SMB2_OPLOCK_LEVEL_NONE)
    from impacket.smbconnection import SessionError
    one, two = L.impacket("FS"), L.impacket("FS")
    t1, t2 = one.connectTree("data"), two.connectTree("data")
    h1 = one.createFile(t1, "locked", shareMode=FILE_SHARE_READ)
    try:
        two.createFile(t2, "locked")
        raise Failed("a second writer came past the share mode")
    except SessionError as e:
        check(e.getErrorCode() == nt_errors.STATUS_SHARING_VIOLATION, str(e))
    one.closeFile(t1, h1)
    h2 = two.createFile(t2, "locked")
    two.closeFile(t2, h2)
    one.close()
    two.close()


def test_copychunk():
    """a server-side copy equals its source"""
    data = random.Random(3).randbytes(3 * 1048576 + 17)
    path = write_local("cc", data)
    sh('put "%s" source; scopy source target; get target "%s/cc.back"' % (path, LOCAL))
    with open(os.path.join(LOCAL, "cc.back"), "rb") as f:
        check(f.read() == data, "the copy differs")


OFFLOAD_READ, OFFLOAD_WRITE = 0x00094264, 0x00098268


def offload_read(low, tree, handle, offset, length, ttl=0):
    """(how much it stands for, the token)"""
    out = low.ioctl(tree, handle, OFFLOAD_READ, flags=1, maxOutputResponse=528,
                    inputBlob=struct.pack("<IIIIQQ", 32, 0, ttl, 0, offset, length))
    return struct.unpack("<Q", out[8:16])[0], out[16:528]


def offload_write(low, tree, handle, offset, length, skip, token):
    """How much was written, or why not."""
    try:
        out = low.ioctl(tree, handle, OFFLOAD_WRITE, flags=1, maxOutputResponse=16,
                        inputBlob=struct.pack("<IIQQQ", 544, 0, offset, length, skip) + token)
        return struct.unpack("<Q", out[8:16])[0]
    except smb3.SessionError as e:
        return e.get_error_code()


def test_offload_copy():
    """a token of a file's bytes becomes the same bytes in another file, for whoever made it, while its source stays as it was"""
    INVALID_TOKEN, INVALID_PARAMETER, END_OF_FILE, ACCESS_DENIED = 0xC0000465, 0xC000000D, 0xC0000011, 0xC0000022
    data = random.Random(4).randbytes(3 * 1048576 + 100)
    sh('put "%s" odx; put "%s" odx-to' % (write_local("odx", data), write_local("zeros", bytes(len(data)))))
    conn = L.impacket("FS")
    low, tree = conn.getSMBServer(), conn.connectTree("data")
    source = low.create(tree, "odx", 0x120089, 7, 0, 1, 0)
    target = low.create(tree, "odx-to", 0x12019f, 7, 0, 1, 0)
    got, token = offload_read(low, tree, source, 0, len(data))
    check(got == (len(data) + 511) // 512 * 512, "stands for %d" % got)
    check(offload_write(low, tree, target, 0, 1048576, 0, token) == 1048576, "the first part")
    rest = got - 1048576
    check(offload_write(low, tree, target, 1048576, rest, 1048576, token) == rest, "the rest")
    sh('get odx-to "%s/odx.back"' % LOCAL)
    with open(os.path.join(LOCAL, "odx.back"), "rb") as f:
        check(f.read() == data, "the copy differs")
    # What does not fit, and what is none.
    check(offload_write(low, tree, target, 1, 512, 0, token) == INVALID_PARAMETER, "an odd offset")
    check(offload_write(low, tree, target, 0, 512, got, token) == INVALID_PARAMETER, "behind what it stands for")
    check(offload_write(low, tree, target, 1 << 30, 512, 0, token) == END_OF_FILE, "behind the target's end")
    check(offload_write(low, tree, source, 0, 512, 0, token) == ACCESS_DENIED, "a handle that may not write")
    check(offload_write(low, tree, target, 0, 512, 0, token[:40] + b"\xff" + token[41:]) == INVALID_TOKEN, "a forged one")
    # No request has more copied than a copy by chunks may: the client asks for the rest.
    big = low.create(tree, "odx-big", 0x12019f, 7, 0, 2, 0)
    other_big = low.create(tree, "odx-big-to", 0x12019f, 7, 0, 2, 0)
    for handle in (big, other_big):
        low.setInfo(tree, handle, struct.pack("<Q", 40 << 20), infoType=1, fileInfoClass=20)
    got, of_much = offload_read(low, tree, big, 0, 40 << 20)
    check(got == 40 << 20, "the token stands for %d" % got)
    check(offload_write(low, tree, other_big, 0, got, 0, of_much) == 16 << 20, "more than one request may copy")
    for handle in (big, other_big):
        low.close(tree, handle)
    # Another session, a change of the source, the end of its time and of its handle.
    other = L.impacket("FS")
    t2 = other.connectTree("data")
    h2 = other.getSMBServer().create(t2, "odx-to", 0x12019f, 7, 0, 1, 0)
    check(offload_write(other.getSMBServer(), t2, h2, 0, 512, 0, token) == INVALID_TOKEN, "another session")
    h3 = other.getSMBServer().create(t2, "odx", 0x12019f, 7, 0, 1, 0)
    time.sleep(0.05)  # the file's time has ticks of some milliseconds
    other.writeFile(t2, h3, b"changed")
    check(offload_write(low, tree, target, 0, 512, 0, token) == INVALID_TOKEN, "a source that has changed")
    _, short = offload_read(low, tree, source, 0, 512, ttl=1)
    time.sleep(0.05)
    check(offload_write(low, tree, target, 0, 512, 0, short) == INVALID_TOKEN, "one whose time is over")
    _, token = offload_read(low, tree, source, 0, 512)
    check(offload_write(low, tree, target, 0, 512, 0, token) == 512, "a new one")
    low.close(tree, source)
    check(offload_write(low, tree, target, 0, 512, 0, token) == INVALID_TOKEN, "one whose handle is closed")
    # The one that stands for zeros needs no source.
    zeros = bytes.fromhex("ffff0001") + bytes(508)
    check(offload_write(low, tree, target, 512, 1024, 0, zeros) == 1024, "zeros")
    check(low.read(tree, target, 0, 2048) == b"changed" + data[7:512] + bytes(1024) + data[1536:2048], "zeros are written")
    conn.close()
    other.close()


def test_audit():
    """an open that a file's SACL wants told is a line of the log, granted or refused, and no other is"""
    everyone = bytes.fromhex("010100000000000100000000")
    ace = struct.pack("<BBHI", 2, 0xC0, 20, 0x2) + everyone  # granted or refused, FILE_WRITE_DATA
    acl = struct.pack("<BBHHH", 2, 0, 8 + len(ace), 1, 0) + ace
    descriptor = struct.pack("<BBHIIII", 1, 0, 0x8010, 0, 0, 20, 0) + acl
    sh('put "%s" audited; put "%s" audited-not' % (write_local("a", b"a"), write_local("a", b"a")))
    conn = L.impacket("FS")
    low, tree = conn.getSMBServer(), conn.connectTree("data")
    handle = low.create(tree, "audited", 0x01000000 | 0x20000, 7, 0, 1, 0)  # ACCESS_SYSTEM_SECURITY
    low.setInfo(tree, handle, descriptor, infoType=3, fileInfoClass=0, additionalInformation=8)
    low.close(tree, handle)

    def lines():
        with open(next(iter(L.nodes.values())).log, errors="replace") as f:
            return [line for line in f if "audit open" in line]
    check(not lines(), "told before anybody wrote: %r" % lines())
    low.close(tree, low.create(tree, "audited", 0x120089, 7, 0, 1, 0))
    low.close(tree, low.create(tree, "audited-not", 0x12019f, 7, 0, 1, 0))
    check(not lines(), "told of what nobody asked for: %r" % lines())
    low.close(tree, low.create(tree, "audited", 0x12019f, 7, 0, 1, 0))
    check(len(lines()) == 1 and "result=granted" in lines()[0] and "path=audited " in lines()[0] and "alice" in lines()[0],
          repr(lines()))
    conn.close()


def test_symbolic_link():
    """a symbolic link is kept for clients to follow: its path is refused with what it says"""
    FSCTL_SET_REPARSE_POINT, FSCTL_GET_REPARSE_POINT = 0x000900A4, 0x000900A8
    path = write_local("linked", b"behind the link")
    sh('mkdir links; mkdir links/to; put "%s" links/target' % path)
    target = "target".encode("utf-16-le")
    link = (struct.pack("<IHHHHHHI", 0xA000000C, 12 + 2 * len(target), 0, 0, len(target), len(target), len(target), 1) +
            target * 2)
    for dialect in (0x0210, 0x0311):
        conn = L.impacket("FS", dialect=dialect)
        low, tree = conn.getSMBServer(), conn.connectTree("data")
        handle = low.create(tree, "links\\to", 0x1f01ff, 7, 0x200001, 1, 0)
        low.ioctl(tree, handle, FSCTL_SET_REPARSE_POINT, flags=1, inputBlob=link)
        check(low.ioctl(tree, handle, FSCTL_GET_REPARSE_POINT, flags=1, maxOutputResponse=16384) == link, "%x" % dialect)
        low.close(tree, handle)
        for name in ("links\\to", "links\\to\\deeper\\still"):
            try:
                low.create(tree, name, 0x120089, 7, 0, 1, 0)
                raise Failed("%s is opened" % name)
            except Exception as e:
                check("STOPPED_ON_SYMLINK" in str(e), str(e))
        conn.close()
    shown = [line for line in sh("ls links/*").out.splitlines() if line.split()[:1] == ["to"]]
    check(shown and "D" in shown[0].split()[1], repr(shown))
    check(status_of("get links/to/x /dev/null") in ("NT_STATUS_STOPPED_ON_SYMLINK", "STATUS_STOPPED_ON_SYMLINK"),
          status_of("get links/to/x /dev/null"))


def test_change_notify():
    """a watched directory tells what changed in it"""
    import subprocess
    sh("mkdir watched")
    p = subprocess.Popen(["stdbuf", "-oL", "smbclient", "-s", L.smb_conf, "//FS/data", "-p", str(L.port), "-I", "127.0.0.50", "-A",
                          L.auth_file("alice", __import__("lab").PASSWORD), "-c", "notify watched"],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=L.env, text=True)
    seen = []
    reader = threading.Thread(target=lambda: [seen.append(line) for line in p.stdout], daemon=True)
    reader.start()
    try:
        path = write_local("n", b"n")

        def told():
            sh('put "%s" watched/watched-file; del watched/watched-file' % path)
            return any("watched-file" in line for line in seen)
        wait_until("the watcher is told", told, 15)
    finally:
        p.kill()
        p.wait()


def test_disk_free():
    """free space is that of the volume"""
    out = sh("du; l").out
    check("blocks of size" in out, out)


def test_stop():
    """the nodes stop cleanly"""
    L.__exit__(None, None, None)


if __name__ == "__main__":
    main([v for k, v in list(globals().items()) if k.startswith("test_")])
