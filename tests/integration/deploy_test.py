# SPDX-License-Identifier: Apache-2.0
"""Software from a site to its clients: policy, content, programs and reports, through failover and from bad hands."""
import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

from lab import BUILD, LONG, PASSWORD, SLOW, Failed, Lab, Skip, check, main, run, wait_until

AGENT = os.path.join(BUILD, "src/agent/berth-agent")
BERTH_SITE = os.path.join(BUILD, "src/sited/berth-site")
L = None
SERVER = None
POINT = r"\\FS\distro_test"


def site(*args, input=None, ok=True):
    return L.berth(*args, "--site", os.path.join(L.directory, "site"), input=input, ok=ok)


def rows(*args):
    return json.loads(site(*args, "--json").out)


class Client:
    """An agent with a directory of its own; its programs write there."""

    def __init__(self, name, token=None):
        self.name = name
        self.directory = os.path.join(L.directory, "client-" + name)
        self.state_dir = os.path.join(self.directory, "state")
        self.out = os.path.join(self.directory, "out")
        os.makedirs(self.out)
        self.config = os.path.join(self.directory, "agent.conf")
        self.log = os.path.join(self.directory, "log")
        self.token = os.path.join(self.directory, "token")
        if token:
            with open(self.token, "w") as f:
                f.write(token)
        self.write()

    def write(self, extra=""):
        with open(self.config, "w") as f:
            f.write("[agent]\nstate = %s\nroot = %s\nname = %s\ntoken_file = %s\nuser = client\npassword_file = %s\n"
                    "patience_s = 120\n%s\n[point FS]\nserver = FS\nshare = distro_test\nhost = 127.0.0.50\nport = %d\n"
                    % (self.state_dir, os.path.join(L.directory, "root.json"), self.name, self.token,
                       os.path.join(L.directory, "password"), extra, L.port))

    def begin(self, command="once", **env):
        with open(self.log, "ab") as log:
            return subprocess.Popen([AGENT, "--config", self.config, command], stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=log, env=dict(os.environ, OUT=self.out, **env), cwd="/")

    def poll(self, ok=True, **env):
        code = self.begin(**env).wait(300)
        check(not ok or code == 0, "the poll of %s ended with %s: %s" % (self.name, code, self.tail()))
        return code

    def tail(self):
        return open(self.log).read()[-1500:]

    def states(self):
        result = run([AGENT, "--config", self.config, "--json", "status"])
        return {d["deployment"]: d for d in json.loads(result.out)}

    def table(self):
        """Deployment -> the column EXIT of the listing."""
        lines = [line.split() for line in run([AGENT, "--config", self.config, "status"]).out.splitlines()]
        check(lines[0][:3] == ["DEPLOYMENT", "STATE", "EXIT"], str(lines))
        return {line[0]: line[2] for line in lines[1:]}

    def state(self, deployment):
        return self.states().get(deployment, {"state": "none"})


def package(name, script, extra_bytes=0, new=True, **options):
    """A package of one script (and a file of noise), on the distribution point."""
    source = os.path.join(L.directory, "source-" + name)
    os.makedirs(source, exist_ok=True)
    with open(os.path.join(source, "install"), "w") as f:
        f.write("#!/bin/sh\n" + script + "\n")
    os.chmod(os.path.join(source, "install"), 0o755)
    if extra_bytes:
        with open(os.path.join(source, "noise"), "wb") as f:
            f.write(os.urandom(extra_bytes))
    if new:
        site("package", "create", name, "--source", source)
        words = []
        for key, value in options.items():
            words += ["--" + key, value]
        site("package", "program", name, "install", "--command", "install " + L.directory, *words)
    else:
        site("package", "update", name)
    site("package", "distribute", name, POINT)


def deploy(name, *options, collection="all"):
    made = json.loads(site("deployment", "create", name, "install", collection, *options, "--json").out)["deployment"]
    site("site", "publish")
    return made


def status(deployment, client="pc1"):
    found = [r for r in rows("deployment", "status", deployment) if r["name"] == client]
    return found[0] if found else {"state": "nobody"}


def test_start():
    """a file server, a site with its server, and a distribution point"""
    global L, SERVER
    L = Lab()
    for name, address in (("N1", "127.0.0.11"), ("N2", "127.0.0.12")):
        L.node(name, address)
    L.server("FS", "127.0.0.50")
    L.user("FS", "publisher", admin=True)
    L.user("FS", "client")
    L.user("FS", "visitor")
    L.share("FS", "distro_test", "--path", "packages")
    site("site", "init", os.path.join(L.directory, "site"), "--code", "P01")
    site("site", "add-account", "publisher", "--user", "publisher", "--password-stdin", input=PASSWORD + "\n")
    site("site", "set", "account=publisher", "clients_round_s=0")
    site("site", "add-dp", POINT)
    with open(os.path.join(L.directory, "berth-site.log"), "ab") as log:
        SERVER = subprocess.Popen([BERTH_SITE, "--site", os.path.join(L.directory, "site")], stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=log, cwd="/")
    site("collection", "add", "all", "--query", "true")
    with open(os.path.join(L.directory, "password"), "w") as f:
        f.write(PASSWORD + "\n")
    with open(os.path.join(L.directory, "root.json"), "w") as f:
        f.write(site("site", "client-root").out)
    site("site", "publish")


def test_guarded():
    """settings, or a root document, that others may change are not obeyed"""
    client = Client("loose")
    for path, code in ((client.config, 2), (os.path.join(L.directory, "root.json"), 1)):
        os.chmod(path, 0o666)
        result = run([AGENT, "--config", client.config, "once"])
        check(result.code == code and "others may change it" in result.err, repr(result))
        os.chmod(path, 0o644)


def test_enrol():
    """a client enrols with a one-time token, and its first report arrives"""
    global PC1
    tokens = site("client", "token", "--count", "3").out.split()
    check(len(set(tokens)) == 3, "three tokens are not three")
    PC1 = Client("pc1", tokens[1])
    PC1.poll()
    check("waits for approval at site P01" in PC1.tail(), PC1.tail())
    site("client", "collect")
    check([c["state"] for c in rows("client", "list")] == ["approved"], str(rows("client", "list")))
    site("site", "publish")
    PC1.poll()
    site("client", "collect")
    client = json.loads(site("client", "show", "pc1").out)
    check(client["facts_json"]["os.id"], str(client))
    listed = site("client", "list").out  # in the time of whoever reads it; seconds for programs
    seen = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(rows("client", "list")[0]["seen"]))
    check(re.search(r"^pc1 +approved +%s +0 " % seen, listed, re.M), listed)


def audit(**what):
    return [m for m in rows("site", "messages", "--message", "60011", "--limit", "1000")
            if all(m[key] == value for key, value in what.items())]


def test_approve():
    """a client that has enrolled can be approved at once, by the name that it says; who did that to whom is kept"""
    late = Client("late")
    late.poll()
    approved = site("client", "approve", "late").out
    check("berth site publish lets it in" in approved, approved)
    unknown = site("client", "approve", "nobody", ok=False)
    check(unknown.code == 1 and 'no client "nobody"' in unknown.text, repr(unknown))
    found = [c["id"] for c in rows("client", "list") if c["name"] == "late"]
    site("client", "remove", "late")
    texts = [m["text"].split("changed the site: ")[1] for m in audit(object=found[0])]
    check(texts == ["client late (%s) %s" % (found[0], what) for what in ("approved", "removed")], str(texts))


def test_install():
    """a required deployment is fetched, verified, run once, and reported"""
    package("one", "echo ran >> $1/client-pc1/out/one; pwd; ls")
    d = deploy("one")
    PC1.poll()
    check(PC1.state(d)["state"] == "succeeded", str(PC1.state(d)) + PC1.tail())
    PC1.poll()
    check(open(PC1.out + "/one").read() == "ran\n", "it ran twice")
    site("client", "collect")
    check(status(d)["state"] == "succeeded" and status(d)["exit"] == 0, str(status(d)))
    check("install" in status(d)["output"], str(status(d)))
    check(not os.path.exists(PC1.state_dir + "/work"), "work is left")
    texts = [m["text"] for m in audit(package="one")]
    check("deployment %s made: program install of package one for collection all, required" % d in texts[-1], str(texts))
    check('program install of package one runs ["install",' in texts[1] and "package one is version 1" in texts[0], str(texts))
    check(any("distribute package one" in text for text in texts), str(texts))
    published = audit(object="P01")[-1]["text"]
    check("published the policy, number " in published and published.endswith("every distribution point"), published)


def test_update():
    """a new version of the package runs on its own"""
    package("one", "echo second >> $1/client-pc1/out/one", new=False)
    site("site", "publish")
    PC1.poll()
    check(open(PC1.out + "/one").read() == "ran\nsecond\n", open(PC1.out + "/one").read())


def test_words():
    """a command is words, and quotes that only a shell would understand are refused"""
    def program(command, ok=True):
        return site("package", "program", "one", "odd", "--command", command, ok=ok)

    for odd in ('sh -c "echo hi"', "echo 'hi'", '["sh", "-c", "echo hi"', '["sh", 1]', "[]", ""):
        result = program(odd, ok=False)
        check(result.code in (1, 2) and [p["name"] for p in rows("package", "programs", "one")] == ["install"], odd + repr(result))
    check("""--command '["sh", "-c", "echo hi"]'""" in program('sh -c "echo hi"', ok=False).err, "no example")
    check(program('["sh", "-c", "echo \\"hi\\""]').err == "", "JSON")
    check("./setup is not in package one" in program("sh ./setup ./install").err, "a file that is not there")
    check(program("./install").err == "", "a file that is there")


def test_exit_codes():
    """exit codes mean what installers mean by them, and a busy system is tried again"""
    expected = {0: "succeeded", 194: "reboot-pending", 7: "failed", 5: "succeeded", 82: "retrying"}
    made = {}
    for code in expected:
        package("code%d" % code, "exit %d" % code, success="5")
        made[code] = deploy("code%d" % code)
    PC1.poll()
    states = PC1.states()
    for code, state in expected.items():
        check(states[made[code]]["state"] == state, "%d: %r" % (code, states[made[code]]))
    for d in made.values():
        site("deployment", "remove", d)


def test_limits():
    """a program that hangs is ended with all that it started, and one whose condition does not hold is not begun"""
    package("hang", "setsid sh -c 'echo $$ > '$1'/client-pc1/out/pid; sleep 600' & sleep 600", limit="3")
    package("other", "touch $1/client-pc1/out/other", condition='os.id = "plan9"')
    hang, other = deploy("hang"), deploy("other")
    PC1.poll()
    check(PC1.state(hang)["state"] == "failed" and "longer than 3 s" in PC1.state(hang)["reason"], str(PC1.states()))
    check(not os.path.exists("/proc/" + open(PC1.out + "/pid").read().strip()), "a process is left")
    check(PC1.state(other)["state"] == "rejected" and not os.path.exists(PC1.out + "/other"), str(PC1.state(other)))


def test_too_old():
    """what the policy lets run is not run when the policy has expired while another program ran"""
    if SLOW:
        raise Skip("a clock cannot be put before a sanitizer")
    clock = write("clock", "0")
    package("month", "echo 2592000 > $1/clock")
    package("late", "touch $1/client-pc1/out/late")
    first, second = deploy("month", "--order", "1"), deploy("late", "--order", "2")
    PC1.poll(LD_PRELOAD=os.path.join(BUILD, "tests/steps/test_clock.so"), TEST_CLOCK=clock)
    check(PC1.state(first)["state"] == "succeeded", str(PC1.state(first)))
    check(PC1.state(second)["state"] == "retrying" and "expired" in PC1.state(second)["reason"], str(PC1.states()))
    check(not os.path.exists(PC1.out + "/late"), "it ran")
    # The clock is right again, and what it put off is not waited for.
    PC1.poll()
    check(PC1.state(second)["state"] == "succeeded" and os.path.exists(PC1.out + "/late"), str(PC1.state(second)))


def test_available():
    """what is available runs when a user asks, and a rerun rule decides about the next time"""
    package("tool", "echo x >> $1/client-pc1/out/tool")
    d = deploy("tool", "--available", "--rerun", "if-failed")
    PC1.poll()
    check(PC1.state(d)["state"] == "accepted" and not os.path.exists(PC1.out + "/tool"), str(PC1.state(d)))
    run([AGENT, "--config", PC1.config, "request", d])
    PC1.poll()
    check(PC1.state(d)["state"] == "succeeded", str(PC1.state(d)))
    site("deployment", "rerun", d)
    site("site", "publish")
    PC1.poll()
    check(PC1.state(d)["state"] == "will-not-rerun" and open(PC1.out + "/tool").read() == "x\n", str(PC1.state(d)))


def test_windows():
    """outside of its maintenance windows a client fetches and does not run"""
    hour = (time.localtime().tm_hour + 12) % 24
    window = "daily %02d:00-%02d:30" % (hour, hour)
    site("collection", "window", "all", window)
    package("night", "touch $1/client-pc1/out/night", limit="60")
    d = deploy("night")
    PC1.poll()
    check(PC1.state(d)["state"] == "waiting" and PC1.state(d)["message"] == 10070, str(PC1.state(d)))
    check(not os.path.exists(PC1.out + "/night"), "it ran")
    check(PC1.state(d)["exit"] is None and PC1.table()[d] == "-", str(PC1.table()))
    site("collection", "window", "all", window, "--remove")
    site("site", "publish")
    PC1.poll()
    check(PC1.state(d)["state"] == "succeeded", str(PC1.state(d)))
    check(PC1.state(d)["exit"] == 0 and PC1.table()[d] == "0", str(PC1.table()))


def test_failover():
    """the owner is killed in the middle of the download, and the client ends with success"""
    package("large", "cmp noise $1/source-large/noise && touch $1/client-pc1/out/large", extra_bytes=64 << 20)
    d = deploy("large")
    owner = L.server_state("FS")["owner"]
    poll = PC1.begin()
    cache = os.path.join(PC1.state_dir, "cache", "pieces")

    def fetched():
        return sum(len(files) for _, _, files in os.walk(cache))

    begun = fetched()
    wait_until("the download is under way", lambda: fetched() > begun + 3)
    L.nodes[owner].kill()
    check(PC1.state(d)["state"] == "downloading", "the owner was killed too late: " + str(PC1.state(d)))
    code = poll.wait(300)
    check(code == 0 and PC1.state(d)["state"] == "succeeded", "%s %s %s" % (code, PC1.state(d), PC1.tail()))
    check(os.path.exists(PC1.out + "/large"), "what came is not what was sent")
    L.wait_online("FS")
    L.nodes[owner].start()
    site("client", "collect")
    check(status(d)["state"] == "succeeded", str(status(d)))


def test_killed():
    """an agent that is killed again and again in the download ends with success"""
    package("often", "cmp noise $1/source-often/noise || exit 9; echo ran >> $1/client-pc1/out/often",
            extra_bytes=24 << 20)
    d = deploy("often")
    for i in range(40 if LONG else 12):
        poll = PC1.begin()
        try:
            poll.wait(0.05 + 0.05 * i)
        except subprocess.TimeoutExpired:
            poll.kill()
            poll.wait()
        at = PC1.state(d)["state"]
        if at not in ("none", "downloading"):
            break
    PC1.poll()
    # Killed while the program ran, nobody knows how far it came: it is said, and tried again later.
    check(PC1.state(d)["state"] == ("retrying" if at == "running" else "succeeded"), at + str(PC1.state(d)))
    check(at == "running" or open(PC1.out + "/often").read() == "ran\n", at)


def test_killed_running():
    """an agent that is killed while a program runs leaves nothing of it, says so, and tries again later"""
    package("slow", "echo $$ > $1/client-pc1/out/slow; sleep 600")
    d = deploy("slow")
    poll = PC1.begin()
    wait_until("the program runs", lambda: os.path.exists(PC1.out + "/slow") and open(PC1.out + "/slow").read().strip())
    poll.kill()
    poll.wait()
    pid = open(PC1.out + "/slow").read().strip()
    wait_until("the program is gone", lambda: not os.path.exists("/proc/" + pid))
    PC1.poll()
    check(PC1.state(d)["state"] == "retrying" and "interrupted" in PC1.state(d)["reason"], str(PC1.state(d)))
    site("deployment", "remove", d)


def volume():
    return os.path.join(L.directory, "volume-FS", "packages")


def test_thief():
    """who owns a distribution point can neither forge a policy nor bring an old one back"""
    kept = os.path.join(L.directory, "kept")
    metadata = os.path.join(volume(), "metadata")
    shutil.copytree(metadata, kept)
    package("after", "touch $1/client-pc1/out/after")
    d = deploy("after")
    PC1.poll()
    check(PC1.state(d)["state"] == "succeeded", str(PC1.state(d)))
    new = os.path.join(L.directory, "new")
    shutil.copytree(metadata, new)

    def put(source):
        for name in os.listdir(source):
            with open(os.path.join(source, name), "rb") as f, open(os.path.join(metadata, name), "wb") as t:
                t.write(f.read())

    put(kept)
    check(PC1.poll(ok=False) != 0 and "rolled" in PC1.tail(), "an old policy was taken: " + PC1.tail())
    put(new)
    with open(os.path.join(metadata, "timestamp.json"), "r+") as f:
        text = f.read()
        f.seek(0)
        f.write(text.replace('"version":', '"version":9', 1))
    check(PC1.poll(ok=False) != 0, "a forged document was taken")
    put(new)
    PC1.poll()


def test_rotten():
    """content that rotted on the distribution point is never run"""
    package("rot", "touch $1/client-pc1/out/rot", extra_bytes=1 << 20)
    d = deploy("rot")
    source = open(os.path.join(L.directory, "source-rot", "noise"), "rb").read()
    spoilt = 0
    for top, _, files in os.walk(os.path.join(volume(), "pieces")):
        for name in files:
            path = os.path.join(top, name)
            data = open(path, "rb").read()
            if data[:64] in source:
                with open(path, "r+b") as f:
                    f.write(bytes([data[0] ^ 1]))
                spoilt += 1
    check(spoilt, "no piece was found")
    PC1.poll()
    check(PC1.state(d)["state"] == "retrying" and PC1.state(d)["message"] == 10051, str(PC1.state(d)))
    check(not os.path.exists(PC1.out + "/rot"), "it ran")


def test_papers():
    """papers that nobody known has signed, or that are played again, change nothing"""
    drop = os.path.join(volume(), "drop")
    site("client", "collect")
    before = rows("client", "list")
    stranger = "0" * 64
    bad = {"report-%s-1.json" % stranger: "x" * 1000,
           "report-%s-2.json" % stranger: json.dumps({"signatures": [], "signed": {"_type": "report", "client": stranger}}),
           "enrolment-%s-3.json" % stranger: "[" * 100000}
    for name, text in bad.items():
        L.smbclient(POINT, "cd drop; put %s %s" % (write("bad", text), name), user="client")
    read_only = "report-%s-2.json" % stranger  # which keeps it no longer than others
    L.smbclient(POINT, "cd drop; setmode %s +r" % read_only, user="publisher")
    counts = json.loads(site("client", "collect", "--json").out)
    check(counts["refused"] + counts["unfinished"] == 3 and counts["reports"] == 0, str(counts))
    check(read_only not in os.listdir(drop), "a paper that is read-only stays")
    check([c["id"] for c in rows("client", "list")] == [c["id"] for c in before], "a client came about")


def test_closed():
    """a file in the drop that its maker lets nobody read is removed in its time, also where it is read-only"""
    drop = os.path.join(volume(), "drop")
    names = ["report-%s-%d.json" % ("0" * 64, i) for i in (5, 6)]
    for name in names:
        L.smbclient(POINT, "cd drop; put %s %s" % (write("closed", "{}"), name), user="client")
    L.smbclient(POINT, "cd drop; setmode %s +r" % names[1], user="publisher")
    for name in names:
        denied = run(["smbcacls", "-s", L.smb_conf, "-A", L.auth_file("publisher", PASSWORD),
                      "//127.0.0.50/distro_test", "drop/" + name, "-S", "ACL:S-1-1-0:DENIED/0x0/FULL"], env=L.env)
        check(denied.code == 0, repr(denied))
    counts = json.loads(site("client", "collect", "--json").out)
    check(counts["unread"] == 2 and set(names) <= set(os.listdir(drop)), str(counts))
    with contextlib.closing(sqlite3.connect(os.path.join(L.directory, "site", "site.db"), timeout=30)) as db, db:
        db.execute("UPDATE odd_papers SET first = first - 700")
    # That it is not the site that has no rights here is shown by what it can read.
    L.smbclient(POINT, "cd drop; put %s report-%s-7.json" % (write("open", "{}"), "0" * 64), user="client")
    counts = json.loads(site("client", "collect", "--json").out)
    check(not set(names) & set(os.listdir(drop)), "%s: %s" % (counts, os.listdir(drop)))


def test_create_only():
    """a client can put papers into the drop, and neither read nor touch those of others, nor hold the publisher's lock"""
    before = set(os.listdir(os.path.join(volume(), "drop")))
    text = write("mine", '{"half')
    put = L.smbclient(POINT, "put %s drop/report-1.json" % text, user="visitor")
    check(put.code == 0 and "NT_STATUS" not in put.text, repr(put))
    for command in ("ls drop/*", "get drop/report-1.json /dev/null", "put %s drop/report-1.json" % text,
                    "rm drop/report-1.json", "rename drop/report-1.json drop/report-2.json",
                    "mkdir drop/new", "get lock /dev/null", "rm lock"):
        for user in ("visitor", "client"):
            result = L.smbclient(POINT, command, user=user)
            check("NT_STATUS_ACCESS_DENIED" in result.text, "%s by %s: %r" % (command, user, result))
    after = os.listdir(os.path.join(volume(), "drop"))
    check(set(after) - before == {"report-1.json"}, str(after))
    check(L.smbclient(POINT, "get metadata/timestamp.json /dev/null", user="visitor").code == 0, "it cannot be read")
    site("site", "publish")
    check(L.smbclient(POINT, "rm drop/report-1.json", user="publisher").code == 0, "the publisher cannot remove it")


def write(name, text):
    path = os.path.join(L.directory, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def test_bounded():
    """what no policy needs any more is kept neither by a client, nor on the point, nor in the library"""
    d = deploy("one", "--available")
    check("its rule is never" in site("deployment", "rerun", d).out, "nothing says that it does not run again")
    before = rows("package", "programs", "one")[0]
    site("package", "program", "one", "install", "--limit", "77")
    check(rows("package", "programs", "one")[0] == dict(before, limit_s=77), str(rows("package", "programs", "one")))
    places = (os.path.join(PC1.state_dir, "policy"), os.path.join(volume(), "targets"),
              os.path.join(L.directory, "site", "content", "targets"))
    counts = []
    for i in range(14):  # eight generations stay
        site("deployment", "rerun", d)
        site("site", "publish")
        PC1.poll()
        counts.append([len(os.listdir(place)) for place in places])
    check(counts[10] == counts[13], str(counts))
    site("deployment", "remove", d)


def test_nowhere():
    """a package that is taken off its last point is told with the deployments that use it, and clients say what they wait for"""
    package("away", "echo ran >> $1/client-pc1/out/away")
    check("deployment" not in site("package", "remove", "away").err, "nothing uses it")
    site("package", "distribute", "away", POINT)
    d = deploy("away")
    result = site("package", "remove", "away", POINT)
    check("deployment %s (required, collection all)" % d in result.err, repr(result))
    PC1.poll()
    state = PC1.state(d)
    check(state["state"] == "retrying" and "on no distribution point that answers (1 asked)" in state["reason"], str(state))
    site("deployment", "remove", d)
    check("deployment" not in site("package", "remove", "away", POINT).err, "it is used no more")


def test_withdrawn():
    """a client that was removed is asked no more, and its reports count no more"""
    site("client", "remove", "pc1")
    site("site", "publish")
    PC1.poll()
    check(rows("client", "list") == [], str(rows("client", "list")))
    site("client", "collect")
    check([c["state"] for c in rows("client", "list")] in ([], ["pending"]), str(rows("client", "list")))


if __name__ == "__main__":
    try:
        main([f for n, f in list(globals().items()) if n.startswith("test_")])
    finally:
        if SERVER:
            SERVER.kill()
            SERVER.wait()
        if L:
            L.__exit__(None, None, None)
