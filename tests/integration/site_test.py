# SPDX-License-Identifier: Apache-2.0
"""A site watches its storage: edges, failovers, reasons, rules, acknowledgement, many objects, dead ones among them."""
import http.server
import json
import os
import re
import socket
import subprocess
import threading
import time

from lab import BUILD, LONG, PASSWORD, Failed, Lab, check, main, wait_until

BERTH_SITE = os.path.join(BUILD, "src/sited/berth-site")
L = None
SERVER = None
MESSAGE = ('SMS Site System Status Summarizer could not access storage object "\\\\FS\\distro_test" on site system '
           '"\\\\FS\\distro_test". The operating system reported error 2147942467: The network name cannot be found.')


class SiteServer:
    def __init__(self, directory):
        self.directory = directory
        self.log = os.path.join(L.directory, "berth-site.log")
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([BERTH_SITE, "--site", self.directory], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd="/")
        wait_until("the site's server runs", lambda: self.status()["server"]["is_running"])

    def status(self):
        if self.process.poll() is not None:
            raise Failed("berth-site ended with %s: %s" % (self.process.returncode, open(self.log).read()[-2000:]))
        return json.loads(site("status", "--json").out)

    def end(self, kill=False):
        self.process.kill() if kill else self.process.terminate()
        code = self.process.wait(30)
        check(kill or code == 0, "berth-site ended with %d: %s" % (code, open(self.log).read()[-2000:]))


def site(*args, input=None, ok=True):
    return L.berth("site", args[0], *args[1:], "--site", os.path.join(L.directory, "site"), input=input, ok=ok)


def objects(status=None):
    status = status or SERVER.status()
    return {o["path"]: o for s in status["systems"] for r in s["roles"] for o in r["objects"]}


def messages(*args):
    return json.loads(site("messages", "--json", "--limit", "10000", *args).out)


def ids(path=None):
    return [m["message"] for m in messages(*(["--object", path] if path else [])) if m["message"] < 60000]


def test_start():
    """a scoped file server, and a site that watches it"""
    global L, SERVER
    L = Lab()
    L.node("N1", "127.0.0.11")
    L.node("N2", "127.0.0.12")
    L.server("FS", "127.0.0.50", "scoped")
    L.user("FS", "watcher", admin=True)
    L.share("FS", "distro_test", "--path", "packages")
    site("init", "--code", "P01")
    SERVER = SiteServer(os.path.join(L.directory, "site"))
    site("add-account", "watcher", "--user", "watcher", "--password-stdin", input=PASSWORD + "\n")
    typo = site("set", "account=wacher", ok=False)
    check(typo.code == 1 and 'no account "wacher"' in typo.text, repr(typo))
    site("set", "account=watcher", "interval_s=5", "timeout_s=5", "warn_percent=0", "critical_percent=0")


def test_not_running():
    """a site that nobody watches says so"""
    status = json.loads(site("status", "--json").out)
    check(status["state"] == "critical" and "does not run" in status["server"]["reason"], str(status))
    check("does not run" in site("recheck", ok=False).text, "recheck")


def test_message_of_2010():
    """against visibility scoped the message of 2010 comes, with its number, step and remedy"""
    SERVER.start()
    site("add-object", r"\\FS\distro_test", "--role", "distribution-point")
    wait_until("the message comes", lambda: ids(r"\\FS\distro_test") == [4700], 15)
    message = messages("--object", r"\\FS\distro_test", "--message", "4700")[0]
    check(message["text"].startswith(MESSAGE), message["text"])
    check("ADMIN$" in message["text"] and "visibility=server" in message["remedy"], str(message))
    check(message["severity"] == "error" and message["win32"] == 67, str(message))
    full = site("messages", "--full", "--message", "4700").out
    check(re.search(r"^    cause   \S", full, re.M) and "\n    remedy  " in full, full)
    check("remedy" not in site("messages", "--message", "4700").out, "without --full")
    text = site("status").out
    check(re.search(r"down +(\d+ s|\d min) ago ", text), text)
    check("critical" in text and "remedy" in text and r"\\FS\ADMIN$" in text, text)
    check(objects()[r"\\FS\distro_test"]["down_since"] > 0, "down since")


def test_once():
    """an outage that goes on is not said again at each check"""
    polls = SERVER.status()["server"]
    checked = objects()[r"\\FS\distro_test"]["checked"]
    wait_until("it was checked again", lambda: objects()[r"\\FS\distro_test"]["checked"] > checked, 20)
    check(ids(r"\\FS\distro_test") == [4700], str(ids()) + str(polls))


def test_acknowledge():
    """somebody may acknowledge it; that does not make it green"""
    check(site("acknowledge", r"\\FS\distro_test", ok=False).code == 2, "without a comment")
    site("acknowledge", r"\\FS\distro_test", "--comment", "waits for the move")
    row = objects()[r"\\FS\distro_test"]
    check(row["state"] == "critical" and row["acknowledged"]["comment"] == "waits for the move", str(row))
    check("waits for the move" in site("status").out, "status")


def test_recovered():
    """visibility server: recovered, once, after a check that succeeded"""
    L.berth("server", "set", "FS", "visibility=server")
    site("recheck", r"\\FS\distro_test")
    wait_until("it is recovered", lambda: ids(r"\\FS\distro_test") == [4700, 4702], 15)
    row = objects()[r"\\FS\distro_test"]
    check(row["state"] == "ok" and row["down_since"] is None and row["free_bytes"] > 0, str(row))
    check(row.get("acknowledged") is None, "the acknowledgement went with the outage")


def test_failover():
    """a file server that fails over is no outage"""
    owner = L.server_state("FS")["owner"]
    L.nodes[owner].kill()
    for _ in range(10):
        site("recheck", r"\\FS\distro_test")
        time.sleep(0.3)
    L.wait_online("FS")
    checked = objects()[r"\\FS\distro_test"]["checked"]
    wait_until("it is well again", lambda: objects()[r"\\FS\distro_test"]["checked"] > checked and
               objects()[r"\\FS\distro_test"]["reach"] == "ok", 40)
    check(ids(r"\\FS\distro_test") == [4700, 4702], str(ids()))
    L.nodes[owner].start()


def test_space():
    """free space below a threshold is a warning, once; above it again, too"""
    site("set-object", r"\\FS\distro_test", "--warn", "500P")
    wait_until("it warns", lambda: ids(r"\\FS\distro_test")[-1] == 4710, 15)
    check(objects()[r"\\FS\distro_test"]["state"] == "warning", "state")
    site("set-object", r"\\FS\distro_test", "--warn", "1K")
    wait_until("it is enough again", lambda: ids(r"\\FS\distro_test")[-1] == 4709, 15)


def test_local():
    """a local directory and the site's database are watched too"""
    site("add-object", "/nonexistent/volume")
    site("add-object", "database", "--role", "site-server")
    wait_until("both are checked", lambda: objects().get("database", {}).get("reach") == "ok" and
               objects()["/nonexistent/volume"]["reach"] == "down", 15)
    check(4700 in ids("/nonexistent/volume"), str(ids()))
    site("remove-object", "/nonexistent/volume")
    wait_until("it is gone", lambda: "/nonexistent/volume" not in objects())


class Hook(http.server.BaseHTTPRequestHandler):
    got = []

    def do_POST(self):
        Hook.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


def test_rules():
    """rules run a program without a shell and post to a webhook, for what fits only"""
    out = os.path.join(L.directory, "rule.out")
    program = os.path.join(L.directory, "rule program;touch x")
    with open(program, "w") as f:
        f.write("#!/bin/sh\nprintf '%%s %%s %%s\\n' \"$BERTH_MESSAGE\" \"$BERTH_OBJECT\" $# >>%s\ncat >>%s\n" % (out, out))
    os.chmod(program, 0o700)
    hook = http.server.HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    site("add-rule", "page", "--severity", "error", "--object", "*nothing*", "--program", program)
    site("add-rule", "hook", "--message", "4700", "--webhook", "http://127.0.0.1:%d/x" % hook.server_port)
    site("add-rule", "broken", "--message", "4700", "--webhook", "http://127.0.0.1:1/x")
    site("add-object", r"\\FS\nothing")
    wait_until("the program ran", lambda: os.path.exists(out) and "4700" in open(out).read(), 20)
    wait_until("the webhook was called", lambda: Hook.got, 20)
    check(r"4700 \\FS\nothing 0" in open(out).read(), open(out).read())
    check(Hook.got[0]["object"] == r"\\FS\nothing" and "remedy" in Hook.got[0], str(Hook.got))
    wait_until("the broken rule is reported", lambda: messages("--message", "60005"), 20)
    for rule in "page", "hook", "broken":
        site("remove-rule", rule)
    site("remove-object", r"\\FS\nothing")
    hook.shutdown()


def test_restart():
    """the server of a site may be killed: nothing is said twice, and only one runs"""
    before = len(ids())
    result = subprocess.run([BERTH_SITE, "--site", SERVER.directory], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            encoding="utf-8", timeout=30)
    check(result.returncode == 1 and "another berth-site" in result.stderr, result.stderr)
    SERVER.end(kill=True)
    SERVER.start()
    site("recheck")
    time.sleep(3)
    check(len(ids()) == before, str(ids()))


def listener(backlog=50):
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(backlog)
    return s


def dead_addresses():
    """Ports where nothing listens, where nothing answers, and where connections are dropped."""
    refused = listener()
    port = refused.getsockname()[1]
    refused.close()
    silent = listener(1000)
    full = listener(0)
    held = []
    for _ in range(4):  # the queue of connections that nobody accepts is full: others are dropped
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(full.getsockname())
        held.append(s)
    return [port, silent.getsockname()[1], full.getsockname()[1]], [silent, full, held]


def add_many(live, dead):
    ports, held = dead_addresses()
    commands = [[r"\\FS\distro_test\d%04d" % i] for i in range(live)]
    commands += [[r"\\DEAD%d\share" % i, "--address", "127.0.0.1", "--port", str(ports[i % 3])] for i in range(dead)]
    for c in commands:
        site("add-object", *c, "--role", "many")
    return held


def test_many():
    """of many objects a tenth is dead (refused, silent, dropped): the rest is checked on time, to the second"""
    live, dead, interval = (900, 100, 20) if LONG else (90, 10, 5)
    L.smbclient(r"\\FS\distro_test", "; ".join("mkdir d%04d" % i for i in range(live)), user="watcher")
    site("set", "interval_s=%d" % interval, "patience_s=0")
    held = add_many(live, dead)
    started = time.monotonic()

    def done():
        rows = objects()
        well = sum(1 for p, o in rows.items() if re.search(r"\\d\d{4}$", p) and o["reach"] == "ok")
        down = sum(1 for p, o in rows.items() if "DEAD" in p and o["reach"] == "down")
        return well == live and down == dead
    wait_until("all are known", done, 120)
    first = time.monotonic() - started
    time.sleep(interval + 17)  # what was late in the beginning is out of the window
    status = SERVER.status()
    ages = [time.time() - o["checked"] for p, o in objects(status).items() if re.search(r"\\d\d{4}$", p)]
    print("# %d objects, %d dead: known after %.1f s; oldest check %.1f s of %d; worst lateness %d ms" %
          (live + dead, dead, first, max(ages), interval, status["server"]["late_ms"]), flush=True)
    check(status["server"]["late_ms"] <= 1000, "late by %d ms" % status["server"]["late_ms"])
    check(max(ages) < interval * 1.1 + 3, "the oldest check is %.1f s old" % max(ages))
    del held


def test_end():
    """the site's server ends in order, and its silence is reported when it comes back"""
    SERVER.end()
    names = [m["message"] for m in messages()]
    check(names[-1] == 60001, str(names[-3:]))
    L.__exit__(None, None, None)


main([test_start, test_not_running, test_message_of_2010, test_once, test_acknowledge, test_recovered, test_failover,
      test_space, test_local, test_rules, test_restart, test_many, test_end])
