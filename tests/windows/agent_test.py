# SPDX-License-Identifier: Apache-2.0
"""The agent for Windows under Wine: what a site publishes is fetched from a share and a web server, verified, run, reported.

Wine has no client for SMB: \\\\FS\\distro_test is, in its prefix, a link to what FS has on its disk, and what the agent drops there is
taken away again and brought to FS by smbclient, as the client that it is.
"""
import functools
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
from lab import PASSWORD, Lab, check, main, wait_until  # noqa: E402
from tls import Certificates, TlsServer  # noqa: E402

WINDOWS = os.environ["BERTH_WINDOWS"]  # the build for Windows
WINE, WINESERVER = os.environ["BERTH_WINE"], os.environ["BERTH_WINESERVER"]
AGENT = os.path.join(WINDOWS, "src/agent/berth-agent.exe")
ACT = os.path.join(WINDOWS, "tests/windows/act.exe")
POINT = r"\\FS\distro_test"
WEB = ("127.0.0.60", 8061)
ENV = dict(os.environ, WINEPREFIX=os.environ["BERTH_WINEPREFIX"], WINEDEBUG="-all", LC_ALL="C.UTF-8",
           WINEDLLOVERRIDES="mscoree,mshtml,winemenubuilder.exe=")
L = None
PC = None
SERVER = None
CERTIFICATES = None


def site(*args, input=None, ok=True):
    return L.berth(*args, "--site", os.path.join(L.directory, "site"), input=input, ok=ok)


def rows(*args):
    return json.loads(site(*args, "--json").out)


def volume():
    return os.path.join(L.directory, "volume-FS", "packages")


def wine(*args, timeout=120):
    return subprocess.run([WINE, *args], env=ENV, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                          cwd="/")


class Client:
    """An agent on drive C: of the prefix."""

    def __init__(self, token):
        self.home = os.path.join(ENV["WINEPREFIX"], "drive_c", "berth")
        self.out = os.path.join(self.home, "out")
        self.log = os.path.join(L.directory, "agent.log")
        self.share = os.path.join(ENV["WINEPREFIX"], "dosdevices", "unc", "FS", "distro_test")
        os.makedirs(self.out)
        with open(os.path.join(self.home, "token"), "w") as f:
            f.write(token)
        with open(os.path.join(self.home, "root.json"), "w") as f:
            f.write(site("site", "client-root").out)
        self.write()

    def write(self, points="[point FS]\nserver = FS\nshare = distro_test\n", extra=""):
        with open(os.path.join(self.home, "agent.conf"), "w", newline="\r\n") as f:
            f.write("; written by a test\n[agent]\nstate = C:\\berth\\state\nroot = C:\\berth\\root.json\nname = pc-w\n"
                    "token_file = C:/berth/token  ; once\npatience_s = 2\n%s\n%s" % (extra, points))

    def mount(self):
        if not os.path.lexists(self.share):
            os.makedirs(os.path.dirname(self.share), exist_ok=True)
            os.symlink(volume(), self.share)

    def unmount(self):
        if os.path.lexists(self.share):
            os.unlink(self.share)

    def begin(self, command="once", trace="-all"):
        with open(self.log, "ab") as log:
            return subprocess.Popen([WINE, AGENT, "--config", "C:\\berth\\agent.conf", command], env=dict(ENV, WINEDEBUG=trace),
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")

    def poll(self, ok=True):
        self.mount()
        code = self.begin().wait(300)
        check(not ok or code == 0, "the poll ended with %s: %s" % (code, self.tail()))
        return code

    def tail(self):
        return open(self.log, errors="replace").read()[-1500:]

    def since(self, before):
        """What was logged behind the first "before" bytes; lines end with two there."""
        with open(self.log, "rb") as f:
            f.seek(before)
            return f.read().decode(errors="replace")

    def states(self):
        result = wine(AGENT, "--config", "C:\\berth\\agent.conf", "--json", "status")
        return {d["deployment"]: d for d in json.loads(result.stdout)}

    def state(self, deployment):
        return self.states().get(deployment, {"state": "none"})

    def drop(self):
        return os.path.join(volume(), "drop")

    def carry(self):
        """What was dropped behind the back of FS, to FS; how many papers."""
        names = sorted(os.listdir(self.drop()))
        for name in names:
            path = os.path.join(L.directory, name)
            shutil.move(os.path.join(self.drop(), name), path)
            put = L.smbclient(POINT, "cd drop; put %s %s" % (path, name), user="client")
            check(put.code == 0 and "NT_STATUS" not in put.text, repr(put))
            os.unlink(path)
        site("client", "collect")
        return len(names)

    def wrote(self, name):
        path = os.path.join(self.out, name)
        return open(path).read() if os.path.exists(path) else ""


def package(name, *words, extra_bytes=0, files=(), **options):
    """A package of act.exe (and a file of noise), on the distribution point, and its deployment."""
    source = os.path.join(L.directory, "source-" + name)
    os.makedirs(source, exist_ok=True)
    shutil.copy(ACT, os.path.join(source, "act.exe"))
    for file, text in files:
        with open(os.path.join(source, file), "w") as f:
            f.write(text)
    if extra_bytes:
        with open(os.path.join(source, "noise"), "wb") as f:
            f.write(os.urandom(extra_bytes))
    site("package", "create", name, "--source", source)
    extra = [w for key, value in options.items() for w in ("--" + key, value)]
    site("package", "program", name, "install", "--command", " ".join(words), *extra)
    site("package", "distribute", name, POINT)
    made = json.loads(site("deployment", "create", name, "install", "all", "--json").out)["deployment"]
    site("site", "publish")
    return made


def status(deployment):
    found = [r for r in rows("deployment", "status", deployment) if r["name"] == "pc-w"]
    return found[0] if found else {"state": "nobody"}


def test_start():
    """a file server, a site with its server, and a distribution point"""
    global L, PC, SERVER, CERTIFICATES
    L = Lab()
    CERTIFICATES = Certificates(os.path.join(L.directory, "certificates"), os.environ["BERTH_TRUSTED"], "branch.example")
    L.node("N1", "127.0.0.11")
    L.server("FS", "127.0.0.50")
    L.user("FS", "publisher", admin=True)
    L.user("FS", "client")
    L.share("FS", "distro_test", "--path", "packages")
    site("site", "init", os.path.join(L.directory, "site"), "--code", "P01")
    site("site", "add-account", "publisher", "--user", "publisher", "--password-stdin", input=PASSWORD + "\n")
    site("site", "set", "account=publisher", "clients_round_s=0")
    site("site", "add-dp", POINT)
    with open(os.path.join(L.directory, "berth-site.log"), "ab") as log:
        SERVER = subprocess.Popen([os.path.join(os.environ["BERTH_BUILD"], "src/sited/berth-site"), "--site",
                                   os.path.join(L.directory, "site")], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
    site("collection", "add", "all", "--query", 'os.id = "windows"')
    site("site", "publish")
    PC = Client(site("client", "token").out.split()[0])


def test_settings():
    """a setting that Windows has another way for is refused with that way, and so is a path that is none"""
    for extra, words in (("user = client", "whoever the agent runs as"), ("ca_file = C:\\ca.pem", "the machine's"),
                         ("cache_bytes = x", "is a number"), ("state = berth/state", "absolute path")):
        PC.write(extra=extra)
        result = wine(AGENT, "--config", "C:\\berth\\agent.conf", "status")
        check(result.returncode == 2 and words in result.stderr.decode(), "%s: %r" % (extra, result))
    PC.write()


def test_guarded():
    """settings, or a root document, that others may change are not obeyed"""
    for name, kind in (("agent.conf", 2), ("root.json", 1)):
        path = os.path.join(PC.home, name)
        os.chmod(path, 0o666)
        result = wine(AGENT, "--config", "C:\\berth\\agent.conf", "once")
        check(result.returncode == kind and b"others may change it" in result.stderr, repr(result))
        os.chmod(path, 0o644)


def test_enrol():
    """it enrols with a one-time token, and its first report arrives with the facts of its machine"""
    PC.poll()
    check(PC.carry() == 1, "no enrolment was dropped: " + PC.tail())
    check([c["state"] for c in rows("client", "list")] == ["approved"], str(rows("client", "list")))
    site("site", "publish")
    PC.poll()
    PC.carry()
    facts = json.loads(site("client", "show", "pc-w").out)["facts_json"]
    check(facts["os.id"] == "windows" and facts["arch"] == "x86_64" and facts["memory_mb"] > 0 and facts["cpus"] > 0
          and re.match(r"\d+\.\d+\.\d+$", facts["os.version"]), str(facts))


def test_install():
    """a required deployment is fetched from a share, verified, run once, and reported"""
    d = package("one", "act exit 0 C:/berth/out/one", extra_bytes=3 << 20)
    PC.poll()
    check(PC.state(d)["state"] == "succeeded", str(PC.state(d)) + PC.tail())
    PC.poll()
    check(PC.wrote("one") == "0\n", "it ran not once: " + PC.wrote("one"))
    PC.carry()
    check(status(d)["state"] == "succeeded" and "act ends with 0" in status(d)["output"], str(status(d)))
    check(not os.path.exists(os.path.join(PC.home, "state", "work")), "work is left")


def test_words():
    """words with blanks and quotes in them arrive as they were"""
    words = ["a b", 'say "hi"', "back\\slash\\ \\", "end\\"]
    d = package("words", json.dumps(["act", "words"] + words))
    PC.poll()
    output = PC.state(d)["output"]
    check(output.split("|")[:-1] == words, repr(output))


def test_exit_codes():
    """exit codes mean what installers of Windows mean by them, and a restart ends the wait for one"""
    expected = {3010: "reboot-pending", 1641: "reboot-pending", 1618: "retrying", 7: "failed", 5: "succeeded"}
    made = {code: package("code%d" % code, "act exit %d C:/berth/out/code" % code, success="0,5") for code in expected}
    PC.poll()
    states = PC.states()
    for code, state in expected.items():
        check(states[made[code]]["state"] == state, "%d: %r" % (code, states[made[code]]))
    subprocess.run([WINESERVER, "-k"], env=ENV)
    subprocess.run([WINESERVER, "-w"], env=ENV, timeout=60)
    subprocess.run([WINESERVER, "-p60"], env=ENV)
    PC.poll()
    states = PC.states()
    check(states[made[3010]]["state"] == "succeeded" and "restarted" in states[made[3010]]["reason"], str(states[made[3010]]))
    for d in made.values():
        site("deployment", "remove", d)


def test_limits():
    """a program that hangs is ended with its child's child, and one that is a script is not handed to a shell"""
    hang = package("hang", "act hang C:/berth/out/tick", limit="3")
    script = package("script", "install.cmd", files=[("install.cmd", "echo x > C:\\berth\\out\\script\r\n")])
    dotted = package("dotted", "install.cmd.", files=[("install.cmd", "echo x > C:\\berth\\out\\dotted\r\n")])
    missing = package("missing", "nothing.exe")
    PC.poll()
    check(PC.state(hang)["state"] == "failed" and "longer than 3 s" in PC.state(hang)["reason"], str(PC.state(hang)))
    ticks = PC.wrote("tick")
    check(ticks.count("tick") > 3, "the child's child never ran: %r" % ticks)
    time.sleep(1)
    check(PC.wrote("tick") == ticks, "the child's child lives on")
    for d in (script, dotted, missing):
        check(PC.state(d)["state"] == "failed" and "could not be started" in PC.state(d)["reason"], str(PC.state(d)))
    check(not PC.wrote("script") and not PC.wrote("dotted"), "a shell ran it")
    for d in (hang, script, dotted, missing):
        site("deployment", "remove", d)


def test_killed():
    """an agent that is killed while a program runs leaves nothing of it, says so, and tries again later"""
    d = package("slow", "act hang C:/berth/out/slow")
    PC.mount()
    poll = PC.begin()
    wait_until("the program runs", lambda: PC.wrote("slow"))
    poll.kill()
    poll.wait()
    wait_until("the program is gone", lambda: (lambda a: (time.sleep(0.5), PC.wrote("slow") == a)[1])(PC.wrote("slow")))
    PC.poll()
    check(PC.state(d)["state"] == "retrying" and "interrupted" in PC.state(d)["reason"], str(PC.state(d)))
    site("deployment", "remove", d)


class Web(http.server.SimpleHTTPRequestHandler):
    """Of a range, what was asked for; the first times only half of it before the connection ends."""
    ranges = 0
    cut = 0
    made = []

    def do_PUT(self):
        path = self.translate_path(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        good = os.path.basename(os.path.dirname(path)) == "drop" and self.headers["If-None-Match"] == "*" and not os.path.exists(path)
        if good:
            with open(path, "wb") as f:
                f.write(body)
            Web.made.append(path)
        self.send_response(201 if good else 412)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        path = self.translate_path(self.path)
        if not os.path.isfile(path):
            self.send_error(404)
            return
        data = open(path, "rb").read()
        first, last = map(int, self.headers["Range"][6:].split("-"))
        Web.ranges += 1
        if first >= len(data) and first:
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        part = data[first:last + 1]
        self.send_response(206)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Content-Range", "bytes %d-%d/%d" % (first, first + len(part) - 1, len(data)))
        self.end_headers()
        if Web.cut and len(part) > 100000:
            Web.cut -= 1
            self.wfile.write(part[:len(part) // 2])
            self.close_connection = True
            return
        self.wfile.write(part)

    def log_message(self, *args):
        pass


def test_web():
    """content comes from a web server that breaks off, where the share does not answer; the report follows, or goes over the web"""
    server = http.server.ThreadingHTTPServer(WEB, functools.partial(Web, directory=volume()))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    d = package("web", "act exit 0 C:/berth/out/web", extra_bytes=5 << 20)
    PC.carry()
    Web.cut = 3
    PC.write(points="[point web]\nurl = http://%s:%d/\n" % WEB)
    PC.unmount()
    code = PC.begin().wait(300)
    check(code == 0 and PC.state(d)["state"] == "succeeded", "%s %s %s" % (code, PC.state(d), PC.tail()))
    check(Web.ranges > 5 and not Web.cut, "the web server was asked %d times" % Web.ranges)
    check(PC.wrote("web") == "0\n", "it did not run once")
    check(os.listdir(PC.drop()) == [], "a report was dropped where no share is")
    PC.write()
    PC.poll()
    PC.carry()
    check(status(d)["state"] == "succeeded", str(status(d)))
    d = package("put", "act exit 0 C:/berth/out/put")
    PC.write(points="[point web]\nurl = http://%s:%d/\nreports = yes\n" % WEB)
    PC.unmount()
    check(PC.begin().wait(300) == 0 and len(Web.made) == 1, "no report came over the web: %s %s" % (Web.made, PC.tail()))
    PC.write()
    PC.carry()
    check(status(d)["state"] == "succeeded", str(status(d)))
    server.shutdown()


def test_https():
    """over HTTPS, from a server that the machine trusts under that name and that breaks off, content comes, is installed, and is reported"""
    made = len(Web.made)
    d = package("tls", "act exit 0 C:/berth/out/tls", extra_bytes=2 << 20)
    PC.carry()
    PC.unmount()
    Web.cut = 2
    # One that asks for a certificate of the client, too, as many do that serve others who have one.
    with TlsServer(WEB[0], Web, volume(), CERTIFICATES.good(), asks_of=CERTIFICATES.authority[0]) as server:
        PC.write(points="[point web]\nurl = https://branch.example:%d/\nreports = yes\n" % server.port)
        code = PC.begin().wait(300)
    check(code == 0 and PC.state(d)["state"] == "succeeded", "%s %s %s" % (code, PC.state(d), PC.tail()))
    check(PC.wrote("tls") == "0\n", "it did not run once")
    check(len(server.asked) > 5 and not Web.cut and len(Web.made) == made + 1, "%s %s" % (server.asked, Web.made))
    PC.write()
    PC.carry()
    check(status(d)["state"] == "succeeded", str(status(d)))


def test_https_refused():
    """a server that the machine cannot trust, and one that speaks too old a TLS, is sent nothing, and what is wrong with it is said"""
    # Wine 8 finds out what is wrong, traces it, and tells the program 12157 for all of it; Windows tells (place_http_failure_windows.c).
    bad = {"a stranger's": (CERTIFICATES.stranger(), "cert verify failed: 12045"),
           "another name's": (CERTIFICATES.good(name="elsewhere.example"), "cert verify failed: 12038"),
           "expired": (CERTIFICATES.good(days=-1), "cert verify failed: 12037"),
           "a client's": (CERTIFICATES.good(usage="clientAuth"), "cert verify failed: 12179"),
           "TLS 1.1": (CERTIFICATES.good(), "Failed to initialize security context: 0x8")}
    PC.unmount()
    for what, (certificate, verdict) in bad.items():
        before = os.path.getsize(PC.log)
        with TlsServer(WEB[0], Web, volume(), certificate, is_old=what == "TLS 1.1") as server:
            PC.write(points="[point web]\nurl = https://branch.example:%d/\nreports = yes\n" % server.port)
            code = PC.begin(trace="-all,warn+winhttp").wait(300)
        text = PC.since(before)
        check(code == 1 and server.connections and not server.asked, "%s: %s %s" % (what, code, server.asked))
        check("does not answer" in text and "its certificate" in text and verdict in text, "%s: %s" % (what, text))
    PC.write()


def test_thief():
    """who owns a distribution point can neither forge a policy nor bring an old one back"""
    metadata, kept, new = (os.path.join(p) for p in (os.path.join(volume(), "metadata"), os.path.join(L.directory, "kept"),
                                                     os.path.join(L.directory, "new")))
    shutil.copytree(metadata, kept)
    d = package("after", "act exit 0 C:/berth/out/after")
    PC.poll()
    check(PC.state(d)["state"] == "succeeded", str(PC.state(d)))
    shutil.copytree(metadata, new)

    def put(source):
        for name in os.listdir(source):
            shutil.copyfile(os.path.join(source, name), os.path.join(metadata, name))

    put(kept)
    check(PC.poll(ok=False) != 0 and "rolled" in PC.tail(), "an old policy was taken: " + PC.tail())
    put(new)
    with open(os.path.join(metadata, "timestamp.json"), "r+") as f:
        text = f.read()
        f.seek(0)
        f.write(text.replace('"version":', '"version":9', 1))
    check(PC.poll(ok=False) != 0, "a forged document was taken")
    put(new)
    PC.poll()


def test_rotten():
    """content that rotted on the distribution point is never run"""
    d = package("rot", "act exit 0 C:/berth/out/rot", extra_bytes=1 << 20)
    source = open(os.path.join(L.directory, "source-rot", "noise"), "rb").read()
    spoilt = 0
    for top, _, files in os.walk(os.path.join(volume(), "pieces")):
        for path in (os.path.join(top, name) for name in files):
            data = open(path, "rb").read()
            if data[:64] in source:
                with open(path, "r+b") as f:
                    f.write(bytes([data[0] ^ 1]))
                spoilt += 1
    check(spoilt, "no piece was found")
    PC.poll()
    check(PC.state(d)["state"] == "retrying" and PC.state(d)["message"] == 10051, str(PC.state(d)))
    check(not PC.wrote("rot"), "it ran")
    site("deployment", "remove", d)


def test_private():
    """a directory that others may read is not worked in"""
    state = os.path.join(PC.home, "state")
    os.chmod(state, 0o755)
    check(PC.poll(ok=False) != 0 and "private" in PC.tail(), PC.tail())
    os.chmod(state, 0o700)
    PC.poll()


def test_service():
    """the service manager starts it and stops it, and what it logs is in a file"""
    path = '"%s" --config C:\\berth\\agent.conf service' % ("Z:" + AGENT.replace("/", "\\"))
    made = wine("sc.exe", "create", "berth-agent", "binPath=", path)
    check(made.returncode == 0, repr(made))
    state = os.path.join(PC.home, "state")
    log = os.path.join(state, "agent.log")
    # Wine ends its service manager with the last program that is no service.
    holder = subprocess.Popen([WINE, ACT, "tick", "C:/berth/out/holder"], env=ENV, stdin=subprocess.DEVNULL, cwd="/")
    try:
        # Nothing is written where others may have laid a trap: neither in the directory nor beside it.
        os.makedirs(state, exist_ok=True)
        os.chmod(state, 0o777)
        wine("sc.exe", "start", "berth-agent")
        time.sleep(3)
        os.chmod(state, 0o700)
        check(not os.path.exists(log) and not os.path.exists(state + ".log"), "a log is written where it is not private")
        started = wine("sc.exe", "start", "berth-agent")
        check(started.returncode == 0, repr(started))
        wait_until("the service has polled", lambda: os.path.exists(log) and "polled" in open(log).read())
        stopped = wine("sc.exe", "stop", "berth-agent")
        check(stopped.returncode == 0, repr(stopped))
        wait_until("the service has ended", lambda: PC.poll(ok=False) == 0)
    finally:
        wine("sc.exe", "delete", "berth-agent")
        holder.kill()
        holder.wait()
    alone = wine(AGENT, "--config", "C:\\berth\\agent.conf", "service")
    check(alone.returncode == 1 and b"only the service manager" in alone.stderr, repr(alone))


def test_alone():
    """a second agent in the same directory says that there is one, and one that runs on can be stopped"""
    before = os.path.getsize(PC.log)
    with open(PC.log, "ab") as log:
        first = subprocess.Popen([WINE, AGENT, "--config", "C:\\berth\\agent.conf", "run"], env=ENV, stdin=subprocess.DEVNULL, stdout=log,
                                 stderr=log, cwd="/")
    wait_until("it has polled", lambda: "polled" in PC.since(before))
    result = wine(AGENT, "--config", "C:\\berth\\agent.conf", "once")
    check(result.returncode == 1 and b"another agent" in result.stderr, repr(result))
    first.send_signal(signal.SIGINT)
    first.wait(60)


if __name__ == "__main__":
    try:
        main([f for name, f in list(globals().items()) if name.startswith("test_") and name[5:] in (sys.argv[1:] or name[5:])])
    finally:
        subprocess.run([WINESERVER, "-k"], env=ENV)
        if SERVER:
            SERVER.terminate()
            SERVER.wait(60)
        if L:
            L.__exit__(None, None, None)
