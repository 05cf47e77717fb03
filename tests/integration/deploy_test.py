# SPDX-License-Identifier: Apache-2.0
"""Software from a site to its clients: policy, content, programs and reports, through failover and from bad hands."""
import json
import os
import shutil
import signal
import subprocess
import threading
import time

from lab import BUILD, LONG, PASSWORD, Failed, Lab, check, main, run, wait_until

AGENT = os.path.join(BUILD, "src/agent/berth-agent")
L = None
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

    def begin(self, command="once"):
        with open(self.log, "ab") as log:
            return subprocess.Popen([AGENT, "--config", self.config, command], stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=log, env=dict(os.environ, OUT=self.out), cwd="/")

    def poll(self, ok=True):
        code = self.begin().wait(300)
        check(not ok or code == 0, "the poll of %s ended with %s: %s" % (self.name, code, self.tail()))
        return code

    def tail(self):
        return open(self.log).read()[-1500:]

    def states(self):
        result = run([AGENT, "--config", self.config, "--json", "status"])
        return {d["deployment"]: d for d in json.loads(result.out)}

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
    """a file server, a site, and a distribution point"""
    global L
    L = Lab()
    for name, address in (("N1", "127.0.0.11"), ("N2", "127.0.0.12")):
        L.node(name, address)
    L.server("FS", "127.0.0.50")
    L.user("FS", "publisher", admin=True)
    L.user("FS", "client", admin=True)
    L.share("FS", "distro_test", "--path", "packages")
    site("site", "init", os.path.join(L.directory, "site"), "--code", "P01")
    site("site", "add-account", "publisher", "--user", "publisher", "--password-stdin", input=PASSWORD + "\n")
    site("site", "set", "account=publisher")
    site("site", "add-point", POINT)
    site("collection", "add", "all", "--query", "true")
    with open(os.path.join(L.directory, "password"), "w") as f:
        f.write(PASSWORD + "\n")
    with open(os.path.join(L.directory, "root.json"), "w") as f:
        f.write(site("site", "client-root").out)
    site("site", "publish")


def test_enrol():
    """a client enrols with a one-time token, and its first report arrives"""
    global PC1
    PC1 = Client("pc1", site("client", "token").out.strip())
    PC1.poll()
    site("client", "collect")
    check([c["state"] for c in rows("client", "list")] == ["approved"], str(rows("client", "list")))
    site("site", "publish")
    PC1.poll()
    site("client", "collect")
    client = json.loads(site("client", "show", "pc1").out)
    check(client["facts_json"]["os.id"], str(client))


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


def test_update():
    """a new version of the package runs on its own"""
    package("one", "echo second >> $1/client-pc1/out/one", new=False)
    site("site", "publish")
    PC1.poll()
    check(open(PC1.out + "/one").read() == "ran\nsecond\n", open(PC1.out + "/one").read())


if __name__ == "__main__":
    try:
        main([f for n, f in list(globals().items()) if n.startswith("test_")])
    finally:
        if L:
            L.__exit__(None, None, None)
