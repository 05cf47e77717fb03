# SPDX-License-Identifier: Apache-2.0
"""The command and the daemon as an administrator meets them: nouns, verbs, listings, refusals, exit codes."""
import json
import os
import pwd
import signal
import struct
import threading

from lab import BERTHD, PASSWORD, Lab, Skip, check, main, run, wait_until

L = None


def fails(code, *args, says=(), input=None):
    result = L.berth(*args, input=input, ok=False)
    check(result.code == code, "exit %d, not %d: %r" % (result.code, code, result))
    for word in says:
        check(word in result.err, "%r is not said in: %s" % (word, result.err))
    return result


def listing(*args):
    return json.loads(L.berth(*args, "--json").out)


def test_start():
    """two nodes and a file server come up"""
    global L
    L = Lab()
    L.node("N1", "127.0.0.11")
    L.node("N2", "127.0.0.12")
    L.server("FS", "127.0.0.50")
    L.user("FS", "alice", admin=True)


def test_shape_of_status():
    """berth status --json has the promised shape, and the same as text names everything"""
    status = L.status()
    check([n["name"] for n in status["nodes"]] == ["N1", "N2"], str(status["nodes"]))
    check(all(n["state"] == "online" for n in status["nodes"]), str(status["nodes"]))
    server = status["servers"][0]
    for key in ("name", "state", "owner", "visibility", "addresses", "port", "reason", "shares"):
        check(key in server, "%s is missing in %s" % (key, server))
    check(server["addresses"] == ["127.0.0.50"] and server["port"] == 445, str(server))
    text = L.berth("status").out
    for word in ("N1", "N2", "FS", "online", "127.0.0.50:445"):
        check(word in text, "%s is missing in:\n%s" % (word, text))
    check([s["name"] for s in listing("server", "list")] == ["FS"], "server list")


def test_shares():
    """shares are added, changed, listed and removed"""
    L.berth("share", "add", "FS", "one")
    L.berth("share", "add", "FS", "two", "--path", "deep/er", "--remark", "the second", "--read-only", "--hidden")
    rows = {r["name"]: r for r in listing("share", "list", "FS")}
    check({"one", "two", "ADMIN$", "IPC$", "S$"} == set(rows), str(sorted(rows)))
    check(" read-only,hidden " in L.berth("share", "list", "FS").out, L.berth("share", "list", "FS").out)
    check(rows["two"]["path"] == "S:\\deep\\er" and rows["two"]["read_only"] and rows["two"]["hidden"], str(rows["two"]))
    check(L.smbclient("//FS/two", "put /etc/hostname x").text.count("NT_STATUS_ACCESS_DENIED") == 1, "read-only")
    L.berth("share", "set", "FS", "two", "--read-write", "--remark", "changed")
    check("NT_STATUS" not in L.smbclient("//FS/two", "put /etc/hostname x").text, "read-write")
    check({r["name"]: r for r in listing("share", "list", "FS")}["two"]["remark"] == "changed", "remark")
    fails(1, "share", "add", "FS", "ONE", says=("ONE", "already"))
    fails(1, "share", "add", "FS", "up", "--path", "../x", says=("../x",))
    fails(1, "share", "add", "FS", "home", "--path", ".berth", says=(".berth",))
    fails(1, "share", "remove", "FS", "ADMIN$", says=("ADMIN$",))
    L.berth("share", "remove", "FS", "two")
    check("NT_STATUS_BAD_NETWORK_NAME" in L.smbclient("//FS/two", "ls").text, "a removed share answers")
    check(L.server_state("FS")["shares"] == ["one"], str(L.server_state("FS")))


def test_accounts():
    """accounts and groups are added, listed, changed and removed"""
    L.user("FS", "bob")
    L.berth("group", "add", "FS", "ops")
    L.berth("member", "add", "FS", "ops", "bob")
    sid = {r["name"]: r["sid"] for r in listing("user", "list", "FS") + listing("group", "list", "FS")}
    base = json.loads(L.berth("server", "settings", "FS", "--json").out)["sid"]
    check(sid["bob"].startswith(base + "-") and sid["Administrators"] == "S-1-5-32-544", str(sid))
    made = L.berth("share", "add", "FS", "named", "--path", "/etc", "--permissions", "D:(A;;FA;;;BA)(A;;FR;;;bob)(A;;FA;;;ops)")
    check('is the directory "etc" of the volume of FS' in made.out, repr(made))
    shown = {r["name"]: r for r in listing("share", "list", "FS")}["named"]["permissions"]
    check(shown.endswith("D:(A;;FA;;;S-1-5-32-544)(A;;FR;;;%s)(A;;FA;;;%s)" % (sid["bob"], sid["ops"])), shown)
    fails(1, "share", "set", "FS", "named", "--permissions", "D:(A;;FA;;;nobody)", says=("nobody", "user list"))
    L.berth("share", "remove", "FS", "named")
    users = {u["name"]: u for u in listing("user", "list", "FS")}
    check(users["bob"]["groups"] == ["ops"] and users["bob"]["enabled"], str(users["bob"]))
    groups = {g["name"]: g for g in listing("group", "list", "FS")}
    check(groups["ops"]["members"] == ["bob"] and groups["Administrators"]["members"] == ["alice"], str(groups))
    check("hash" not in json.dumps(users).lower(), "a listing tells hashes")
    L.berth("user", "remove", "FS", "bob")
    fails(1, "user", "remove", "FS", "bob", says=("bob",))
    fails(1, "user", "add", "FS", "ALICE", "--password-stdin", input="x\n", says=("already",))
    fails(1, "group", "remove", "FS", "Administrators", says=("built in",))
    fails(1, "user", "add", "FS", "eve", says=("password",))
    secret = os.path.join(L.directory, "secret")
    with open(secret, "w") as f:
        f.write("From-a-file-1\n")
    L.berth("user", "password", "FS", "alice", "--password-file", secret)
    check(L.smbclient("//FS/one", "ls", password="From-a-file-1").code == 0, "the new password")
    L.berth("user", "password", "FS", "alice", "--password-stdin", input=PASSWORD + "\n")


def test_sessions_and_files():
    """sessions and open files are listed and closed"""
    conn = L.impacket("FS")
    tree = conn.connectTree("one")
    handle = conn.createFile(tree, "held")
    sessions = listing("session", "list", "FS")
    check(len(sessions) == 1 and sessions[0]["user"].endswith("alice") and sessions[0]["opens"] == 1, str(sessions))
    check(sessions[0]["channels"] == [sessions[0]["client"]], str(sessions))
    check(sessions[0]["client"] in L.berth("session", "list", "FS").out, "the list for people lacks the client")
    files = listing("file", "list", "FS")
    check(len(files) == 1 and files[0]["path"].endswith("held"), str(files))
    L.berth("file", "close", "FS", str(files[0]["id"]))
    check(not listing("file", "list", "FS"), "the file is still open")
    try:
        conn.writeFile(tree, handle, b"x")
        check(False, "a closed handle writes")
    except Exception as e:
        check("FILE_CLOSED" in str(e), str(e))
    fails(1, "file", "close", "FS", "1", says=("1",))
    L.berth("session", "close", "FS", str(sessions[0]["id"]))
    wait_until("the session is gone", lambda: not listing("session", "list", "FS"))
    fails(1, "session", "close", "FS", "1", says=("1",))


class Context:
    """One create context, alone in its request (MS-SMB2 2.2.13.2)."""

    def __init__(self, name, data):
        self.name, self.data = name, data

    def getData(self):
        return struct.pack("<LHHHHL", 0, 16, 4, 0, 24, len(self.data)) + self.name + b"\0" * 4 + self.data


def open_cached(conn, context):
    """the file "kept" with a batch oplock and a context"""
    from impacket.smb3structs import SMB2_OPLOCK_LEVEL_BATCH
    low = conn.getSMBServer()
    return low.create(conn.connectTree("one"), "kept", 0x0013019F, 7, 0x40, 3, 0, oplockLevel=SMB2_OPLOCK_LEVEL_BATCH,
                      createContexts=[context])


def lose(conn):
    """its connection breaks, without a word"""
    conn.getSMBServer()._NetBIOSSession.get_socket().close()


def test_parked_files():
    """a handle that is kept for a client that has gone is listed as such, is there again with its client, and can be closed"""
    conn = L.impacket("FS", dialect=0x0210)
    file_id = open_cached(conn, Context(b"DHnQ", bytes(16)))
    row = listing("file", "list", "FS")[0]
    check(row["state"] == "open" and row["durable"] == "v1" and "left_ms" not in row, str(row))
    lose(conn)
    wait_until("it is kept", lambda: listing("file", "list", "FS")[0]["state"] == "disconnected")
    row = listing("file", "list", "FS")[0]
    check(row["path"].endswith("kept") and row["user"].endswith("alice"), str(row))
    check(0 <= row["disconnected_ms"] < 60000 and 900000 <= row["left_ms"] <= 960000, str(row))
    text = L.berth("file", "list", "FS").out
    check("disconnected" in text and "15min" in text, text)
    check(not listing("session", "list", "FS"), "its session is still there")

    conn = L.impacket("FS", dialect=0x0210)
    open_cached(conn, Context(b"DHnC", file_id))
    rows = listing("file", "list", "FS")
    check(len(rows) == 1 and rows[0]["state"] == "open" and rows[0]["path"] == row["path"], str(rows))
    lose(conn)
    wait_until("it is kept", lambda: listing("file", "list", "FS")[0]["state"] == "disconnected")
    L.berth("file", "close", "FS", str(listing("file", "list", "FS")[0]["id"]))
    check(not listing("file", "list", "FS"), "it is still there")
    conn = L.impacket("FS", dialect=0x0210)
    try:
        open_cached(conn, Context(b"DHnC", file_id))
        check(False, "a handle that was closed is given back")
    except Exception as e:
        check("OBJECT_NAME_NOT_FOUND" in str(e), str(e))
    conn.close()


def test_settings():
    """settings are checked, stored and shown, and a server that is offline takes them too"""
    L.berth("server", "set", "FS", "comment=the files", "encryption=desired")
    settings = listing("server", "settings", "FS")
    check(settings["comment"] == "the files" and settings["encryption"] == "desired", str(settings))
    check("the files" in L.rpcclient("FS", "srvinfo").text, "the comment is not seen")
    conn = L.impacket("FS", dialect=0x0300)
    check(listing("session", "list", "FS")[0]["encrypted"], "a client that can is not encrypted")
    conn.close()
    old = L.impacket("FS", dialect=0x0210)
    old.connectTree("one")
    old.close()
    L.berth("server", "set", "FS", "encryption=off")
    fails(1, "server", "set", "FS", "visibility=sideways", says=("sideways", "node|scoped|server"))
    fails(1, "server", "set", "FS", "colour=red", says=("colour",))
    fails(2, "server", "set", "FS", "nothing", says=("setting=value",))
    L.berth("server", "offline", "FS")
    L.berth("server", "set", "FS", "comment=changed while offline")
    L.berth("server", "online", "FS")
    check(listing("server", "settings", "FS")["comment"] == "changed while offline", "offline")


def test_usage():
    """what cannot be is exit code 2 and says what can"""
    fails(2, "nonsense", says=("nonsense",))
    fails(2, "server", "nonsense")
    fails(2, "server", "create")
    fails(2, "share", "add", "FS", "x", "--colour", says=("colour",))
    fails(2, "share", "add", "FS", "x", "y", says=("y",))
    fails(2, "share", "add", "FS", "x", "--max-uses", "many", says=("many",))
    fails(1, "share", "add", "NOBODY", "x", says=("NOBODY",))
    fails(1, "server", "move", "FS", "N9", says=("N9",))
    fails(1, "server", "create", "FS", "--volume", L.directory, "--address", "127.0.0.51/8", says=("FS",))
    fails(1, "server", "create", "N1", "--volume", volume("X"), "--address", "127.0.0.51/8", says=("N1",))
    fails(1, "server", "create", "BAD.NAME", "--volume", volume("X"), "--address", "127.0.0.51/8", says=("BAD.NAME",))
    fails(1, "server", "create", "NEW", "--volume", volume("X"), "--address", "nowhere", says=("nowhere",))
    fails(1, "server", "create", "NEW", "--volume", "/no/such", "--address", "127.0.0.51/8", says=("/no/such",))
    fails(1, "server", "create", "NEW", "--volume", os.path.join(L.directory, "volume-FS"), "--address",
          "127.0.0.51/8", says=("--adopt",))
    for args in (["--help"], ["share", "--help"], ["share", "add", "--help"], ["server", "set", "--help"]):
        check("berth" in L.berth(*args).out, "help of %s" % args)


def volume(name):
    path = os.path.join(L.directory, "volume-" + name)
    os.makedirs(path, exist_ok=True)
    return path


def test_delete():
    """a file server is deleted only when it is offline, and can be adopted again with all it has"""
    L.server("GONE", "127.0.0.52")
    L.user("GONE", "carol")
    fails(1, "server", "delete", "GONE", says=("offline",))
    L.berth("server", "offline", "GONE")
    L.berth("server", "delete", "GONE")
    wait_until("GONE is forgotten", lambda: L.server_state("GONE")["state"] == "unknown")
    L.berth("server", "create", "GONE", "--volume", volume("GONE"), "--adopt")
    L.wait_online("GONE")
    check([u["name"] for u in listing("user", "list", "GONE")] == ["carol"], "accounts")
    L.berth("server", "offline", "GONE")
    L.berth("server", "delete", "GONE")


def test_completion():
    """bash completion knows the nouns, the verbs and the options"""
    script = L.berth("completion", "bash").out + "\n" + (
        "COMP_WORDS=(berth sh); COMP_CWORD=1; _berth; echo ${COMPREPLY[@]}\n"
        "COMP_WORDS=(berth server m); COMP_CWORD=2; _berth; echo ${COMPREPLY[@]}\n"
        "COMP_WORDS=(berth share add FS x --rem); COMP_CWORD=5; _berth; echo ${COMPREPLY[@]}\n")
    result = run(["bash", "-c", script])
    check(result.out.split() == ["share", "move", "--remark"], repr(result))


def test_no_node():
    """without a node that is up the exit code is 3, and the records are still shown"""
    with Lab() as empty:
        result = empty.berth("status", ok=False)
        check(result.code == 3, repr(result))
        empty.node("ALONE", "127.0.0.33")
        volume = os.path.join(empty.directory, "v")
        os.makedirs(volume)
        empty.berth("server", "create", "LEFT", "--volume", volume, "--address", "127.0.0.53/8")
        empty.nodes["ALONE"].stop()
        result = empty.berth("status", "--json", ok=False)
        check(result.code == 3, repr(result))
        status = json.loads(result.out)
        check(status["servers"][0]["name"] == "LEFT" and status["servers"][0]["state"] == "offline", str(status))
        check(status["nodes"][0]["state"] == "offline", str(status))
        result = empty.berth("share", "add", "LEFT", "x", ok=False)
        check(result.code == 3, repr(result))
        empty.nodes.clear()


def test_control_socket():
    """the control socket survives nonsense, and is nobody else's"""
    import socket
    path = os.path.join(L.directory, "N1.sock")
    check(os.stat(path).st_mode & 0o777 == 0o600, oct(os.stat(path).st_mode))
    for line in (b"\n", b"{}\n", b"[1]\n", b"{\"do\":7}\n", b"\xff\xfe\n", b"{\"do\":\"share.add\"}\n",
                 b"{\"do\":\"status\"" + b" " * 1000 + b"\n"):
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        s.sendall(line)
        answer = json.loads(s.makefile().readline())
        check(answer["ok"] is False and answer["error"], str(answer))
        s.close()
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    try:
        s.sendall(b"x" * 1000000)
    except OSError:
        pass
    check("too long" in s.makefile().readline(), "a long line")
    s.close()
    idle = [socket.socket(socket.AF_UNIX) for _ in range(60)]
    for s in idle:
        s.connect(path)
    for s in idle:
        s.close()
    wait_until("N1 answers again", lambda: any(n["name"] == "N1" and n["state"] == "online"
                                               for n in (L.status(check_code=False) or {"nodes": []})["nodes"]))


def test_gone():
    """what a client asked for that has gone meanwhile is not done"""
    import socket
    server, owner = "FS", L.wait_online("FS")["owner"]
    path, process = os.path.join(L.directory, owner + ".sock"), L.nodes[owner].process

    def ask(share):
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        s.sendall(json.dumps({"do": "share.add", "server": server, "share": share, "path": share}).encode() + b"\n")
        return s

    def shares():
        return [s["name"] for s in json.loads(L.berth("share", "list", server, "--json").out)]
    stays = ask("stays")
    answer = json.loads(stays.makefile().readline())
    check(answer["ok"] is True, str(answer))
    os.kill(process.pid, signal.SIGSTOP)
    try:
        ask("goes").close()
    finally:
        os.kill(process.pid, signal.SIGCONT)
    for _ in range(20):
        check("stays" in shares() and "goes" not in shares(), str(shares()))
    L.berth("share", "remove", server, "stays")


def test_config_errors():
    """a configuration that cannot be used is named with file and line"""
    path = os.path.join(L.directory, "bad.conf")
    with open(path, "w") as f:
        f.write("[node]\nname = X\nport = 70000\n")
    for option in ("--config", "--check-config"):
        result = run([BERTHD, option, path])
        check(result.code == 2 and path + ":3:" in result.err, repr(result))
    check(run([BERTHD, "--check-config", L.nodes["N1"].config]).code == 0, "a good one")
    check("max_credits" in run([BERTHD, "--help"]).out, "--help lists the keys")
    result = run([BERTHD, "--config", L.nodes["N1"].config], timeout=30)
    check(result.code == 1 and "N1" in result.err, "a second node of the name: %r" % result)


def test_unprivileged():
    """a node runs as another user, and keeps the port but not the files of root"""
    if os.geteuid() != 0 or open("/proc/self/uid_map").read().split()[2] == "1":
        raise Skip("only root can become another user")
    with Lab() as l:
        os.chmod(l.directory, 0o777)
        os.chmod(l.cluster, 0o777)
        before = os.umask(0)  # what the node finds is for it to use
        node = l.node("LOW", "127.0.0.34", "user = nobody")
        os.umask(before)
        status = open("/proc/%d/status" % node.process.pid).read()
        uid = [x for x in status.splitlines() if x.startswith("Uid:")][0].split()[1]
        check(uid == str(pwd.getpwnam("nobody").pw_uid), status)
        effective = int([x for x in status.splitlines() if x.startswith("CapEff:")][0].split()[1], 16)
        check(not effective & (1 << 1) and effective & (1 << 10), "capabilities %x" % effective)
        check("NoNewPrivs:\t1" in status, "no_new_privs")
        volume = os.path.join(l.directory, "v")
        os.makedirs(volume)
        os.chmod(volume, 0o777)
        l.servers["FS"] = "127.0.0.54"
        l.berth("server", "create", "FS", "--volume", volume, "--address", "127.0.0.54/8")
        l.user("FS", "alice")
        l.share("FS", "data")
        result = l.smbclient("//FS/data", "put /etc/hostname h; ls")
        check(result.code == 0 and "NT_STATUS" not in result.text, repr(result))
        check(os.stat(os.path.join(volume, "data", "h")).st_uid == pwd.getpwnam("nobody").pw_uid, "owner")


def test_changes_at_once():
    """changes by many at once are all there afterwards"""
    def add(n):
        for i in range(5):
            L.berth("share", "add", "FS", "many-%d-%d" % (n, i), "--path", "many")
    threads = [threading.Thread(target=add, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    names = {r["name"] for r in listing("share", "list", "FS")}
    check(all("many-%d-%d" % (n, i) in names for n in range(4) for i in range(5)), str(sorted(names)))
    wait_until("the record names them all", lambda: len(L.server_state("FS")["shares"]) == 21, 10)


def test_stop():
    """the nodes stop cleanly"""
    L.__exit__(None, None, None)


if __name__ == "__main__":
    main([v for k, v in list(globals().items()) if k.startswith("test_")])
