# SPDX-License-Identifier: Apache-2.0
"""The commands as an administrator meets them: wrong input of every kind gets a sentence and the documented exit code."""
import json
import os
import re

from lab import BERTH, BERTHD, PASSWORD, Lab, Skip, check, main, run

L = None
FS = "127.0.0.50"
DONE, FAILED, USAGE, NO_NODE = 0, 1, 2, 3


def refused(code, pattern, *args, input=None):
    """berth must end with that code and say what the pattern wants, on standard error, and nothing else."""
    result = L.berth(*args, input=input, ok=False)
    what = "berth %s: %r" % (" ".join(args), result)
    check(result.code == code, "wanted exit %d: %s" % (code, what))
    check(re.search(pattern, result.err), "wanted \"%s\": %s" % (pattern, what))
    check(result.err.startswith("berth: ") and "no reason is known" not in result.err, what)
    check(not result.out, "said it on standard output: " + what)


def configured(text, code, pattern):
    path = os.path.join(L.directory, "tried.conf")
    with open(path, "w") as f:
        f.write(text)
    result = run([BERTHD, "--check-config", path])
    check(result.code == code and re.search(pattern, result.text), "%r: %r" % (text, result))


def listed(*args):
    return json.loads(L.berth(*args, "--json").out)


def test_start():
    """without a node every command says so and ends with 3"""
    global L
    L = Lab()
    refused(NO_NODE, "there is no cluster in .*; start berthd, or give --cluster-dir", "status")
    refused(NO_NODE, "there is no cluster", "share", "list", "FS")
    L.node("N1", "127.0.0.11")
    L.node("N2", "127.0.0.12")
    L.server("FS", FS)
    L.user("FS", "alice", admin=True)
    L.share("FS", "data", "--path", "data")


def test_words():
    """a wrong word is named, and the exit code is 2"""
    refused(USAGE, 'no command "srever"; berth --help', "srever")
    refused(USAGE, '(?s)no command "server crate"; there are:.*berth server create', "server", "crate")
    refused(USAGE, '(?s)"server" needs a second word; there are:.*berth server move', "server")
    refused(USAGE, "(?s)\"share\" is missing:.*usage: berth share add SERVER SHARE", "share", "add", "FS")
    refused(USAGE, "no option --bogus here; berth share add --help", "share", "add", "FS", "x", "--bogus")
    refused(USAGE, "--encrypt takes no value", "share", "add", "FS", "x", "--encrypt=yes")
    refused(USAGE, "--path needs DIR", "share", "add", "FS", "x", "--path")
    refused(USAGE, '--max-uses needs a number, not "x"', "share", "add", "FS", "x", "--max-uses", "x")
    refused(FAILED, "max_uses must be a number from 0", "share", "add", "FS", "x", "--max-uses", "-1")
    refused(USAGE, '"extra" is one word too many', "status", "extra")
    refused(USAGE, "usage: berth share add SERVER SHARE", "share", "add", "FS", "docs", "docs")
    refused(USAGE, '"abc" is no number', "session", "close", "FS", "abc")
    refused(USAGE, '"" is no number', "file", "close", "FS", "")
    refused(USAGE, '"visibility" is not of the form setting=value', "server", "set", "FS", "visibility")
    refused(USAGE, "completion for bash only", "completion", "zsh")
    refused(USAGE, "--cluster-dir needs a directory", "--cluster-dir")


def test_options_before_the_command():
    """--json and --cluster-dir may stand before the command as after it"""
    for args in (("--json", "status"), ("--cluster-dir", L.cluster, "status", "--json"),
                 ("--cluster-dir=" + L.cluster, "--json", "status")):
        json.loads(L.berth(*args).out)
    refused(NO_NODE, "there is no cluster in /nonexistent", "--cluster-dir", "/nonexistent", "status")


def test_unknown_objects():
    """what is not there is named, with the command that lists what is"""
    refused(FAILED, 'no file server and no node "NOPE"; berth status', "share", "list", "NOPE")
    for verb in ("online", "offline", "delete", "move"):
        refused(FAILED, 'no file server "NOPE" in this cluster; berth server list', "server", verb, "NOPE")
    refused(FAILED, 'no file server "NOPE"', "server", "set", "NOPE", "comment=x")
    refused(FAILED, "N9", "server", "move", "FS", "N9")
    refused(USAGE, "(?s)\"server\" is missing:.*usage: berth server move SERVER", "server", "move")
    refused(FAILED, 'no user "nope"; berth user list FS', "user", "remove", "FS", "nope")
    refused(FAILED, 'no user "nope"; berth user list FS', "user", "disable", "FS", "nope")
    refused(FAILED, 'no group "nope"; berth group list FS', "member", "add", "FS", "nope", "alice")
    refused(FAILED, 'no share "nope"; berth share list FS', "share", "remove", "FS", "nope")
    refused(FAILED, 'no share "nope"; berth share list FS', "share", "set", "FS", "nope", "--encrypt")
    refused(FAILED, "no session 12; berth session list FS", "session", "close", "FS", "12")
    refused(FAILED, "no open file 7; berth file list FS", "file", "close", "FS", "7")


def test_create():
    """a file server that cannot be made is refused with what is wrong and what would be right"""
    volume = os.path.join(L.directory, "v2")
    os.makedirs(volume)
    create = ("server", "create", "X", "--volume", volume, "--address")
    refused(USAGE, "--volume DIR is missing", "server", "create", "X")
    refused(FAILED, "/nonexistent cannot be used: No such file", "server", "create", "X", "--volume", "/nonexistent")
    refused(FAILED, "is no directory; give", "server", "create", "X", "--volume", L.nodes["N1"].config,
            "--address", "127.0.0.51/8")
    refused(FAILED, "X needs an address: --address", "server", "create", "X", "--volume", volume)
    refused(FAILED, '"banana" is no address with a prefix, such as', *create, "banana")
    refused(FAILED, '"127.0.0.51/99" is no address', *create, "127.0.0.51/99")
    refused(FAILED, '"70000" is not one of 1-65535', *create, "127.0.0.51/8", "--port", "70000")
    refused(FAILED, '"foo" is not one of node.scoped.server', *create, "127.0.0.51/8", "--visibility", "foo")
    refused(FAILED, '"a b" is no name for a file server: 1 to 15', "server", "create", "a b", "--volume", volume, "--address", FS)
    refused(FAILED, "used already, by the file server FS", "server", "create", "fs", "--volume", volume, "--address", "127.0.0.51/8")
    refused(FAILED, "N1.* node", "server", "create", "N1", "--volume", volume, "--address", "127.0.0.51/8")
    refused(FAILED, "name fs is used already, by the file server FS", *create, "127.0.0.51/8", "--alias", "fs")
    refused(FAILED, "name N2 is used already, by the node N2", *create, "127.0.0.51/8", "--alias", "other", "--alias", "N2")
    refused(FAILED, "address %s port %d is used already, by the file server FS" % (FS, L.port), *create, FS + "/8")
    check(not os.path.exists(os.path.join(volume, ".berth", "server.db")), "a refused server left a database behind")
    taken = os.path.join(L.directory, "volume-FS")
    refused(FAILED, "holds a file server already; .*--adopt", "server", "create", "Y", "--volume", taken, "--address", "127.0.0.52/8")


def test_states():
    """what cannot be done in this state says which state it is and what comes first"""
    refused(FAILED, "FS", "server", "delete", "FS")
    refused(FAILED, "N1 is a node; its own file server cannot be moved", "server", "move", "N1")
    refused(FAILED, "N1 is a node: it has no addresses to set", "server", "set", "N1", "addresses=127.0.0.9/8")
    refused(FAILED, "N1 is the node itself", "server", "set", "N1", "visibility=node")
    L.berth("server", "offline", "FS")
    refused(FAILED, "FS is offline.*bring it online first: berth server online FS", "share", "list", "FS")
    L.berth("server", "online", "FS")


def test_settings():
    """a setting that there is not, or a value it cannot have, changes nothing"""
    before = L.berth("server", "settings", "FS").out
    refused(FAILED, 'no setting "colour"; berth server set --help', "server", "set", "FS", "colour=red")
    refused(FAILED, '"foo" is not one of node.scoped.server', "server", "set", "FS", "visibility=foo")
    refused(FAILED, '"x" is no address', "server", "set", "FS", "addresses=x")
    refused(FAILED, "name N1 is used already, by the node N1", "server", "set", "FS", "aliases=N1")
    check(L.berth("server", "settings", "FS").out == before, "something has changed")


def test_objects():
    """shares and accounts that cannot be are refused with the rule they break"""
    refused(FAILED, "is no name for a share: 1 to 80", "share", "add", "FS", "a/b")
    refused(FAILED, 'a share "data" already', "share", "add", "FS", "data")
    refused(FAILED, '"../.." is no path for a share', "share", "add", "FS", "up", "--path", "../..")
    refused(FAILED, '".berth" is no path for a share', "share", "add", "FS", "home", "--path", ".berth")
    refused(FAILED, "not SDDL such as", "share", "add", "FS", "p", "--permissions", "foo")
    refused(FAILED, "is no name for a user", "user", "add", "FS", "a\\b", "--password-stdin", input=PASSWORD + "\n")
    refused(FAILED, 'an account "alice" already', "user", "add", "FS", "alice", "--password-stdin", input=PASSWORD + "\n")
    refused(FAILED, "no password in standard input", "user", "add", "FS", "bob", "--password-stdin", input="\n")
    refused(FAILED, "cannot read the password file /nonexistent: No such file", "user", "add", "FS", "bob",
            "--password-file", "/nonexistent")
    refused(FAILED, "built in and cannot be removed", "group", "remove", "FS", "Administrators")


def test_probe():
    """site probe ends with 3 and a sentence where it was asked wrongly"""
    for args, pattern in ((("foo",), "is not the path of a share. Write it as"),
                          (("\\\\FS\\data", "--warn", "x"), "a size is a number with K, M, G, T or P"),
                          (("\\\\FS\\data", "--port", "0"), "--port is 1 to 65535")):
        result = L.berth("site", "probe", *args, ok=False)
        check(result.code == 3 and pattern in result.text, "%s: %r" % (args, result))


def test_probe_of_a_login_that_is_refused():
    """a probe whose login is refused says at which address"""
    result = L.berth("site", "probe", "\\\\FS\\data", "--user", "alice", "--password-stdin", "--json", input="wrong\n", ok=False)
    report = json.loads(result.out)
    check(result.code == 2 and report["failure"]["step"] == "session setup" and report["address"] == FS, repr(result))


def test_unprivileged():
    """who may not ask is told so, not that nothing runs"""
    if os.getuid() != 0:
        raise Skip("needs root to become somebody else")
    os.chmod(L.directory, 0o755)
    result = run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", BERTH, "status"], env=L.env)
    check(result.code == NO_NODE and "ermission denied" in result.err, repr(result))


def test_check_config():
    """berthd --check-config names the file, the line, the key and what it takes"""
    good = "[node]\nname=N5\nvolume=%s/n5\ncluster_dir=%s\naddress=127.0.0.15\n" % (L.directory, L.cluster)
    configured(good, 0, "can be used")
    configured("", USAGE, r"tried.conf: \[node\] name is missing")
    configured("name=x\n", USAGE, 'tried.conf:1: "name" stands before any section')
    configured("[nod]\nname=x\n", USAGE, r'tried.conf:2: \[nod\] has no key "name"; berthd --help')
    configured("garbage\n", USAGE, "tried.conf:1: neither a")
    configured(good + "port=0\n", USAGE, 'tried.conf:6: port must be a number from 1 to 65535, not "0"')
    configured(good + "io=uring\n", USAGE, 'io must be one of auto.io_uring.epoll, not "uring"')
    configured(good + "name=N6\n", USAGE, "name is given twice")
    configured(good.replace("127.0.0.15", ""), USAGE, "tried.conf:5: address has no value")
    configured(good.replace("127.0.0.15", "host.example"), USAGE, "must be an address such as")
    configured(good + "control=here\n", USAGE, "control must be an absolute path")
    configured(good + "user=nobody-of-this-name\n", USAGE, 'there is no user "nobody-of-this-name"')
    configured(good + "[smb]\nmin_dialect=3.1.1\nmax_dialect=2.1\n", USAGE, "min_dialect is newer than max_dialect")
    for args, pattern in ((["--check-config", "/nonexistent"], "cannot read /nonexistent: No such file"),
                          (["--check-config", "/"], "cannot read /: Is a directory"), ([], "a configuration file is needed"),
                          (["--bogus"], "--help")):
        result = run([BERTHD] + args)
        check(result.code == USAGE and pattern in result.err, "%s: %r" % (args, result))


def test_json():
    """the JSON of every listing has the fields that docs/errors.md names"""
    status = listed("status")
    check(set(status) == {"nodes", "servers"}, status)
    node = {"name", "state", "address", "port", "pid", "io", "loops", "shares", "sessions", "control"}
    server = {"name", "state", "reason", "since_ms", "epoch", "want_online", "volume", "target", "visibility", "addresses",
              "port", "aliases", "fqdn", "shares", "sessions", "free_bytes", "total_bytes", "owner"}
    check(all(node <= set(n) for n in status["nodes"]), status["nodes"])
    check(all(server <= set(s) for s in status["servers"]), status["servers"])
    check([s["name"] for s in listed("server", "list")] == ["FS"], "server list")
    share = {"name", "path", "remark", "scope", "special", "uses", "max_uses", "continuously_available", "encrypt",
             "access_based_enumeration", "read_only", "hidden"}
    check(all(share <= set(s) for s in listed("share", "list", "FS")), "share list")
    check(all({"name", "full_name", "rid", "enabled", "groups"} <= set(u) for u in listed("user", "list", "FS")), "users")
    check(all({"name", "rid", "members", "remark"} <= set(g) for g in listed("group", "list", "FS")), "groups")
    check(listed("session", "list", "FS") == [] and listed("file", "list", "FS") == [], "sessions, files")
    check(listed("server", "settings", "FS")["visibility"] == "server", "settings")
    probe = L.berth("site", "probe", "\\\\FS\\data", "--user", "alice", "--password-stdin", "--json", input=PASSWORD + "\n")
    probe = json.loads(probe.out)
    check(probe["state"] == "OK" and probe["object"] == "\\\\FS\\data", probe)
    errors = open(os.path.join(os.path.dirname(__file__), "../../docs/errors.md")).read()
    missing = [f for f in sorted(node | server | share | set(probe)) if "`%s`" % f not in errors]
    check(not missing, "docs/errors.md says nothing of %s" % missing)


def complete(*words):
    script = 'source <("$0" completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _berth; printf "%s\\n" "${COMPREPLY[@]}"'
    result = run(["bash", "-c", script, BERTH] + list(words))
    check(result.code == 0 and not result.err, repr(result))
    return result.out.split()


def test_completion():
    """bash completes nouns, verbs, options and settings"""
    check(complete("berth", "ser") == ["server"], complete("berth", "ser"))
    check(complete("berth", "server", "on") == ["online"], complete("berth", "server", "on"))
    check(complete("berth", "share", "add", "FS", "x", "--enc") == ["--encrypt"], complete("berth", "share", "add", "FS", "x", "--enc"))
    check("visibility=" in complete("berth", "server", "set", "FS", "vis"), complete("berth", "server", "set", "FS", "vis"))


def test_help():
    """every command explains itself and ends with 0"""
    nouns = set()
    for line in L.berth("--help").out.splitlines():
        match = re.match(r"  berth ([a-z]+)(?: ([a-z-]+))?(?: |$)", line)
        if match:
            words = [w for w in match.groups() if w]
            nouns.add(words[0])
            text = L.berth(*words, "--help").out
            check(text.startswith("usage: berth " + " ".join(words)), text)
    check(len(nouns) >= 9, nouns)
    check("berth server move" in L.berth("server", "--help").out, "a noun alone")


def test_stop():
    """the nodes stop cleanly"""
    L.__exit__(None, None, None)


if __name__ == "__main__":
    main([v for k, v in list(globals().items()) if k.startswith("test_")])
