# SPDX-License-Identifier: Apache-2.0
"""Previous versions: what a snapshot of the volume holds, found by its name or its date, read and never changed."""
import os
import re
import shutil

from lab import PASSWORD, Failed, Lab, check, main, run

L = None
VOLUME = None
# name of the directory -> the token that clients see
SNAPSHOTS = {
    "@GMT-2026.01.02-03.04.05": "@GMT-2026.01.02-03.04.05",
    "daily_2025-12-31T235958Z": "@GMT-2025.12.31-23.59.58",
    "1700000000": "@GMT-2023.11.14-22.13.20",
    "lvm-20240229-0130": "@GMT-2024.02.29-01.30.00",
}


def sh(commands, user="alice"):
    result = L.smbclient("//FS/data", commands, user=user)
    if result.code != 0 or "NT_STATUS" in result.text:
        raise Failed("%s: %r" % (commands[:200], result))
    return result.text


def status_of(commands, user="alice"):
    result = L.smbclient("//FS/data", commands, user=user)
    found = re.search(r"NT_STATUS_\w+", result.text)
    return found.group(0) if found else "ok" if result.code == 0 else repr(result)


def local(name):
    return os.path.join(L.directory, name)


def snapshot(name):
    """The volume as it is now, home and all, as a snapshot of that name."""
    target = os.path.join(VOLUME, ".berth/snapshots", name)
    os.makedirs(target)
    for entry in os.listdir(VOLUME):
        if entry != ".berth":
            check(run(["cp", "-a", os.path.join(VOLUME, entry), target]).code == 0, "cp " + entry)
    os.makedirs(target + "/.berth")
    if os.path.exists(VOLUME + "/.berth/streams"):
        check(run(["cp", "-a", VOLUME + "/.berth/streams", target + "/.berth"]).code == 0, "cp streams")
    return target


def test_start():
    """a file server comes up, and has no previous versions"""
    global L, VOLUME
    L = Lab()
    L.node("N1", "127.0.0.11")
    VOLUME = L.server("FS", "127.0.0.50")
    L.user("FS", "alice", admin=True)
    L.user("FS", "bob")
    L.share("FS", "data")
    for name, text in (("old", "as it was"), ("new", "as it is, and longer"), ("s", "in a stream")):
        with open(local(name), "w") as f:
            f.write(text)
    sh('mkdir dir; put "%s" dir/file; put "%s" dir/file:extra; put "%s" secret' % (local("old"), local("s"), local("old")))
    result = run(["smbcacls", "-s", L.smb_conf, "-A", L.auth_file("alice", PASSWORD), "//127.0.0.50/data", "secret",
                  "-S", "D:P(A;;0x001f01ff;;;BA)", "--sddl"], env=L.env)
    check(result.code == 0, repr(result))
    check("@GMT" not in sh("allinfo dir/file"), "versions before there are any")


def test_enumerate():
    """snapshots are listed by the dates that their names have, the newest first; others are no snapshots"""
    for name in SNAPSHOTS:
        snapshot(name)
    open(os.path.join(VOLUME, ".berth/snapshots/2026-01-01"), "w").close()  # a file
    sh('put "%s" dir/file; rm secret' % local("new"))
    seen = re.findall(r"@GMT-[0-9.-]+", sh("allinfo dir/file"))
    check(list(dict.fromkeys(seen)) == sorted(SNAPSHOTS.values(), reverse=True), repr(seen))


def test_read():
    """a previous version has the content, the streams and the names of its time"""
    for token in SNAPSHOTS.values():
        sh('get "%s/dir/file" "%s"' % (token, local("back")))
        with open(local("back")) as f:
            check(f.read() == "as it was", token)
        sh('get "%s/dir/file:extra" "%s"' % (token, local("back")))
        with open(local("back")) as f:
            check(f.read() == "in a stream", token)
        check("secret" in sh('ls "%s/*"' % token), "what is deleted is not listed in %s" % token)
    sh('get dir/file "%s"' % local("back"))
    with open(local("back")) as f:
        check(f.read() == "as it is, and longer", "the file itself")


def test_rights():
    """the permissions of its time guard it"""
    token = "@GMT-2026.01.02-03.04.05"
    check(status_of('get "%s/secret" /dev/null' % token, user="bob") == "NT_STATUS_ACCESS_DENIED", "bob reads it")
    sh('get "%s/secret" /dev/null' % token)


def set_info(conn, tree, handle, info_class, data):
    conn.getSMBServer().setInfo(tree, handle, data, fileInfoClass=info_class)


def test_unchanged():
    """nothing is made, changed, renamed or deleted in a previous version"""
    token = "@GMT-2026.01.02-03.04.05"
    def state():
        return sorted((p, os.stat(os.path.join(p, n)).st_mtime_ns, n) for p, ds, fs in
                      os.walk(VOLUME + "/.berth/snapshots") for n in ds + fs)
    before = state()
    for commands in ('put "%s" "%s/dir/file"' % (local("new"), token), 'put "%s" "%s/dir/made"' % (local("new"), token),
                     'mkdir "%s/made"' % token, 'rm "%s/secret"' % token, 'rmdir "%s/dir"' % token,
                     'rename "%s/secret" "%s/other"' % (token, token), 'put "%s" "%s/dir/file:more"' % (local("new"), token)):
        check(status_of(commands) == "NT_STATUS_MEDIA_WRITE_PROTECTED", "%s: %s" % (commands, status_of(commands)))
    conn = L.impacket("FS")
    tree = conn.connectTree("data")
    handle = conn.openFile(tree, token + "\\dir\\file", desiredAccess=0x1f01ff, shareMode=7)
    for what, change in (("write", lambda: conn.writeFile(tree, handle, b"x")),
                         ("end of file", lambda: set_info(conn, tree, handle, 20, b"\0" * 8)),
                         ("allocation", lambda: set_info(conn, tree, handle, 19, b"\0" * 8)),
                         ("times", lambda: set_info(conn, tree, handle, 4, b"\1" * 8 + b"\0" * 32)),
                         ("disposition", lambda: set_info(conn, tree, handle, 13, b"\1")),
                         ("ea", lambda: set_info(conn, tree, handle, 15, b"\0\0\0\0\0\1\1\0a\0b"))):
        try:
            change()
            raise Failed(what + " is done")
        except Exception as e:
            check("MEDIA_WRITE_PROTECTED" in str(e), "%s: %s" % (what, e))
    conn.closeFile(tree, handle)
    conn.close()
    check(before == state(), "the snapshot changed")


def test_missing():
    """a time without a snapshot, and a token that is no time, lead nowhere"""
    check(status_of('get "@GMT-2026.01.02-03.04.06/dir/file" /dev/null') in
          ("NT_STATUS_OBJECT_NAME_NOT_FOUND", "NT_STATUS_OBJECT_PATH_NOT_FOUND"), "another second")
    check("NOT_FOUND" in status_of('get "@GMT-2026.13.45-03.04.05/dir/file" /dev/null'), "no date")
    check("NT_STATUS" in status_of('ls ".berth/snapshots/*"'), "the home is listed")


def test_removed_when_unused():
    """a snapshot that nobody reads can be removed, and one that is read stays readable"""
    conn = L.impacket("FS")
    tree = conn.connectTree("data")
    handle = conn.openFile(tree, "@GMT-2023.11.14-22.13.20\\dir\\file", desiredAccess=1, shareMode=7)
    shutil.rmtree(os.path.join(VOLUME, ".berth/snapshots/1700000000"))
    check(conn.readFile(tree, handle, 0, 100) == b"as it was", "an open file went")
    conn.closeFile(tree, handle)
    conn.close()
    check("@GMT-2023" not in sh("allinfo dir/file"), "it is still listed")
    fds = [os.readlink("/proc/%d/fd/%s" % (L.nodes["N1"].process.pid, fd))
           for fd in os.listdir("/proc/%d/fd" % L.nodes["N1"].process.pid)]
    check(not [f for f in fds if "/snapshots/" in f], "kept open: %r" % [f for f in fds if "/snapshots/" in f])


def test_copy_back():
    """a previous version is copied back on the server"""
    sh('scopy "@GMT-2026.01.02-03.04.05/dir/file" restored; get restored "%s"' % local("back"))
    with open(local("back")) as f:
        check(f.read() == "as it was", "restored")


def test_stop():
    """the node stops cleanly"""
    L.__exit__(None, None, None)


if __name__ == "__main__":
    main([v for k, v in list(globals().items()) if k.startswith("test_")])
