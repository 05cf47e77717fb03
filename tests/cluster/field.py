# SPDX-License-Identifier: Apache-2.0
"""What the cluster tests share: a lab with a file server in it, and the questions that are asked of it."""
import json
import os
import random
import subprocess
import sys
import time

import lab as labs

PASSWORD = "Passw0rd-Ünï"
FS = "FS"
ADDRESS = labs.VIRTUAL


class Failed(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failed(text)


def wait_until(what, condition, seconds=60, step=0.05):
    """Polls; gives what condition gave, and how long it took."""
    began = time.monotonic()
    while True:
        value = condition()
        if value:
            return value, time.monotonic() - began
        if time.monotonic() - began > seconds:
            raise Failed("waited %d s in vain until %s" % (seconds, what() if callable(what) else what))
        time.sleep(step)


class Field:
    """A lab, its watcher, and the questions that tests ask of it."""

    def __init__(self, directory=None, rng=None):
        self.lab = labs.Lab(directory)
        self.rng = rng or random.Random()
        self.is_long = False
        self.figure_rounds, self.figures_file = 0, ""
        self.watcher = None
        self.patience = 90  # seconds, for a command, and until all hosts are back

    def __enter__(self):
        self.lab.up()
        here = os.path.dirname(os.path.abspath(__file__))
        self.watcher = subprocess.Popen([sys.executable, os.path.join(here, "watcher.py"), self.lab.directory],
                                        stdin=subprocess.DEVNULL)
        return self

    def __exit__(self, *args):
        if self.watcher:
            self.watcher.terminate()
            self.watcher.wait()
        self.lab.down()

    # ---- asking

    def other(self, host):
        """One of the other hosts, by chance."""
        return self.rng.choice([h for h in labs.HOSTS if h != host])

    def up(self):
        return [h for h in labs.HOSTS if self.lab.pid(h)]

    def run(self, host, *args, ok=True, **options):
        code, text = self.lab.run(host, *args, **{"timeout": self.patience, **options})
        if ok and code:
            raise Failed("%s: %s: %s: %s" % (host, " ".join(args), code, text.strip()[-500:]))
        return text if ok else (code, text)

    def berth(self, host, *args, **options):
        return self.run(host, "berth", *args, **options)

    def status(self, host):
        code, text = self.lab.run(host, "berth", "status", "--json", timeout=30)
        try:
            return json.loads(text) if code == 0 else None
        except ValueError:
            return None

    def server(self, host, name=FS):
        for s in (self.status(host) or {}).get("servers", []):
            if s["name"] == name:
                return s
        return {"state": "unknown", "owner": None, "reason": "", "parts": []}

    def owner(self, host=None, name=FS):
        """Where it is online, as a host that is asked says; None where it is not."""
        for h in [host] if host else self.up():
            s = self.server(h, name)
            if s["state"] == "online":
                return s["owner"]
        return None

    def wait_online(self, host, on=None, but=None, seconds=None):
        def there():
            o = self.owner(host)
            return o if o and o != but and (not on or o == on) else None
        return wait_until(lambda: "FS is online%s: %s\n%s" % (
            " on " + on if on else "", self.server(host), self.lab.run(host, "crm_mon", "-1r")[1]), there, seconds or self.patience)

    def clean(self):
        """Forget failures, and wait until nothing is under way."""
        host = self.up()[0]
        self.lab.run(host, "crm_resource", "--cleanup")
        self.lab.run(host, "crm_resource", "--wait", "--timeout=60s", timeout=70)

    def all_members(self):
        """Turns on and plugs in what is not, and waits until every host is a member and has its berthd."""
        for h in labs.HOSTS:
            if not self.lab.pid(h):
                self.lab.boot(h)
            self.lab.plug(h)

        def quorate():
            code, text = self.lab.run(self.up()[0], "crm_mon", "-1", timeout=20)
            return "Online: [ n1 n2 n3 ]" in text and "UNCLEAN" not in text
        wait_until("all hosts are members again", quorate, self.patience, 0.3)
        self.wait_berthd()

    def everyone_back(self):
        self.all_members()
        self.clean()

    # ---- the file server

    def wait_berthd(self):
        wait_until("berthd answers on all hosts",
                   lambda: all((self.status(h) or {}).get("nodes", [{}])[0].get("state") == "online" for h in labs.HOSTS),
                   self.patience, 0.3)

    def make_server(self, host="n1"):
        self.wait_berthd()
        self.run(host, "mount", "/srv/disk", "/srv/fs")
        self.berth(host, "server", "create", FS, "--volume", "/srv/fs", "--address", ADDRESS + "/24", "--engine",
                   "pacemaker")
        self.berth(host, "user", "add", FS, "alice", "--password-stdin", input=PASSWORD + "\n")
        self.berth(host, "share", "add", FS, "data", "--path", "data")

    def path_on(self, host, path):
        return "/proc/%d/root%s" % (self.lab.pid(host), path)

    def on_its_volume(self, host, what):
        """Something done to the home of a file server that is offline."""
        self.run(host, "mount", "/srv/disk", "/srv/fs")
        try:
            return what(self.path_on(host, "/srv/fs/.berth"))
        finally:
            self.run(host, "umount", "/srv/fs")

    def double_mounts(self):
        with open(self.lab.path("mounted")) as f:
            return [line.strip() for line in f if len(line.split()) > 2]

    def berthd(self, host):
        """The pid of berthd on a host, there and out here."""
        inside = self.run(host, "cat", "/run/berthd.pid").strip()
        for pid in subprocess.run(["ip", "netns", "pids", self.lab.namespace(host)], stdout=subprocess.PIPE,
                                  text=True).stdout.split():
            try:
                with open("/proc/%s/status" % pid) as f:
                    if "\nNSpid:\t%s\t%s\n" % (pid, inside) in f.read():
                        return int(inside), int(pid)
            except OSError:
                pass
        raise Failed("no berthd on " + host)
