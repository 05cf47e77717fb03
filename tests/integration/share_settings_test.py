# SPDX-License-Identifier: Apache-2.0
"""What a share can be set to, as its clients see it: each setting on, off again, and refused where it says nothing."""
import json
import os
import re
import time

from lab import PASSWORD, Failed, Lab, check, main, run

L = None


def sh(commands, **kw):
    result = L.smbclient("//FS/data", commands, **kw)
    if result.code != 0:
        raise Failed("%s: %r" % (commands[:200], result))
    return result.text


def status_of(commands):
    result = L.smbclient("//FS/data", commands)
    found = re.search(r"NT_STATUS_\w+", result.text)
    return found.group(0) if found else "ok" if result.code == 0 else repr(result)


def settings(*options):
    L.berth("share", "set", "FS", "data", *options)


def attributes(name):
    """As a listing shows them: the letters behind the name."""
    for line in sh('ls "%s"' % name).splitlines():
        if line.strip().startswith(name + " "):
            return line[len(name) + 2:].split()[0]
    raise Failed("%s is not listed" % name)


def test_start():
    """a file server with a share comes up"""
    global L
    L = Lab()
    L.node("N1", "127.0.0.11")
    L.server("FS", "127.0.0.50")
    L.user("FS", "alice", admin=True)
    L.share("FS", "data")
    for name in ("one", ".profile", "Thumbs.db", "a~b"):
        path = os.path.join(L.directory, name)
        with open(path, "w") as f:
            f.write("x")
        sh('put "%s" "%s"' % (path, name))
    sh("mkdir .config")


def test_hide_names():
    """what has a name that the share hides shows as hidden, and the share keeps its patterns"""
    check("H" not in attributes(".profile"), "hidden before it is asked for")
    settings("--hide-names", ".*/thumbs.DB")
    for name in (".profile", "Thumbs.db", ".config"):
        check("H" in attributes(name), "%s is not hidden in a listing" % name)
    check("(2)" in sh('allinfo Thumbs.db') or "H" in sh("allinfo Thumbs.db").split("attributes:")[1].split()[0],
          "a handle does not show it")
    check("H" not in attributes("one") and "H" not in attributes("a~b"), "what matches no pattern is hidden")
    settings("--remark", "another")
    check("H" in attributes(".profile"), "another change lost the patterns")
    listed = [s for s in json.loads(L.berth("share", "list", "FS", "--json").out) if s["name"] == "data"]
    check(listed[0]["hide_names"] == ".*/thumbs.DB", repr(listed))
    settings("--hide-names", "")
    check("H" not in attributes(".profile"), "still hidden")


def test_hide_names_refused():
    """patterns that match no name are refused and change nothing"""
    settings("--hide-names", "kept")
    for bad in ("a:b", "a//b", "a\\b", "<", "x" * 300, "/".join("n%d" % i for i in range(65)), "y" * 5000):
        result = L.berth("share", "set", "FS", "data", "--hide-names", bad, ok=False)
        check(result.code != 0 and "names to hide" in result.err, "%r: %r" % (bad[:20], result))
    listed = [s for s in json.loads(L.berth("share", "list", "FS", "--json").out) if s["name"] == "data"]
    check(listed[0]["hide_names"] == "kept", repr(listed))
    settings("--hide-names", "")


def test_no_streams():
    """without named streams none is reached, and none is lost"""
    path = os.path.join(L.directory, "one")
    sh('put "%s" one:extra' % path)
    settings("--no-streams")
    check(status_of('get one:extra /dev/null') == "NT_STATUS_OBJECT_NAME_INVALID", "a stream is opened")
    check(status_of('put "%s" one:more' % path) == "NT_STATUS_OBJECT_NAME_INVALID", "a stream is made")
    check(":extra" not in sh("allinfo one"), "a stream is listed")
    settings("--streams")
    check(":extra" in sh("allinfo one"), "the stream is gone")


def test_no_notify():
    """a share that tells of no changes says so at once"""
    settings("--no-notify")
    check("NT_STATUS_NOT_SUPPORTED" in L.smbclient("//FS/data", "notify .config", timeout=20).text, "it waits")
    settings("--notify")


def control_of(name):
    # The SID is for words that none of these texts has. Without it this program asks for that of the domain, and crashes
    # where a server is in none.
    out = run(["smbcacls", "-s", L.smb_conf, "-A", L.auth_file("alice", PASSWORD), "//127.0.0.50/data", name,
               "--sddl", "--domain-sid", "S-1-5-21-1-2-3"], env=L.env)
    return out.text


def test_inherited_as_set():
    """a list counts as inherited if its writer says so, where the share is set so"""
    def put(sddl):
        result = run(["smbcacls", "-s", L.smb_conf, "-A", L.auth_file("alice", PASSWORD), "//127.0.0.50/data", "one",
                      "-S", sddl, "--sddl"], env=L.env)
        check(result.code == 0, repr(result))
    put("D:AI(A;;FA;;;BA)")
    check("D:AI" not in control_of("one"), control_of("one"))
    settings("--inherited-as-set")
    put("D:AI(A;;FA;;;BA)")
    check("D:AI" in control_of("one"), control_of("one"))
    settings("--inherited-as-found")


def test_delayed_write_time():
    """the time of the last write waits for the end of the handle only where the share is set so"""
    def shown_while_writing():
        """Last write time before and after a write through an open handle, as its end tells it, and after that."""
        from impacket import smb3structs as smb3
        conn = L.impacket("FS")
        low, tree = conn.getSMBServer(), None
        tree = conn.connectTree("data")
        handle = low.create(tree, "one", 0x2000000, 7, 0, 1, 0)
        times = [low.queryInfo(tree, handle, fileInfoClass=4)[16:24]]
        time.sleep(0.05)
        low.write(tree, handle, b"later", 0, 5)
        times.append(low.queryInfo(tree, handle, fileInfoClass=4)[16:24])
        packet, body = low.SMB_PACKET(), smb3.SMB2Close()
        packet["Command"], packet["TreeID"], packet["Data"] = smb3.SMB2_CLOSE, tree, body
        body["Flags"], body["FileID"] = 1, handle
        times.append(low.recvSMB(low.sendSMB(packet))["Data"][24:32])  # LastWriteTime of the answer to the close
        handle = low.create(tree, "one", 0x2000000, 7, 0, 1, 0)
        times.append(low.queryInfo(tree, handle, fileInfoClass=4)[16:24])
        conn.close()
        return [int.from_bytes(t, "little") for t in times]
    before, during, closed, after = shown_while_writing()
    check(before < during == closed == after, "%d %d %d %d" % (before, during, closed, after))
    settings("--delayed-write-time")
    before, during, closed, after = shown_while_writing()
    check(before == during < closed == after, "%d %d %d %d" % (before, during, closed, after))
    settings("--prompt-write-time")


def test_compress():
    """a share tells that its data should travel compressed, and clients that cannot do without"""
    def listed():
        return next(s for s in json.loads(L.berth("share", "list", "FS", "--json").out) if s["name"] == "data")
    check(listed()["compress"] is False, listed())
    settings("--compress")
    check(listed()["compress"] is True, listed())
    conn = L.impacket("FS")
    got = []
    conn.getFile("data", "one", got.append)
    check(b"".join(got).startswith(b"later"), got)
    conn.close()
    settings("--no-compress")
    check(listed()["compress"] is False, listed())


def test_stop():
    """the node stops cleanly"""
    L.__exit__(None, None, None)


if __name__ == "__main__":
    main([v for k, v in list(globals().items()) if k.startswith("test_")])
