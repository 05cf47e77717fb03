# SPDX-License-Identifier: Apache-2.0
"""A small cluster for a test: nodes, file servers, and the clients that talk to them."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

BUILD = os.environ.get("BERTH_BUILD", "build")
BERTHD = os.path.join(BUILD, "src/node/berthd")
BERTH = os.path.join(BUILD, "src/cli/berth")
LONG = bool(os.environ.get("BERTH_LONG"))
SLOW = "asan" in os.path.basename(BUILD) or "tsan" in os.path.basename(BUILD)
PASSWORD = "Passw0rd-Ünï"


class Failed(Exception):
    pass


class Skip(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failed(text)


def wait_until(what, condition, seconds=30):
    """Polls condition until it gives something true; the limit is generous, as a busy machine needs."""
    end = time.monotonic() + seconds * (3 if SLOW else 1)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed("waited %d s in vain until %s" % (seconds, what))
        time.sleep(0.05)


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        self.text = out + err

    def __repr__(self):
        return "exit %d: %s" % (self.code, self.text.strip()[-600:])


def run(args, input=None, timeout=120, env=None):
    p = subprocess.run(args, input=input, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       timeout=timeout, env=env, encoding="utf-8", errors="surrogateescape")
    return Result(p.returncode, p.stdout, p.stderr)


class Node:
    def __init__(self, lab, name, address):
        self.lab, self.name, self.address = lab, name, address
        self.directory = os.path.join(lab.directory, name)
        self.log = os.path.join(lab.directory, name + ".log")
        self.config = os.path.join(lab.directory, name + ".conf")
        self.process = None
        self.expect_end = False
        self.wrap = []  # a command that runs the node
        os.makedirs(self.directory)

    def write_config(self, extra=""):
        quick = "" if "login_delay_ms" in extra else "[smb]\nlogin_delay_ms = 20\n"
        with open(self.config, "w") as f:
            f.write(quick + "[node]\nname = %s\nvolume = %s\ncluster_dir = %s\naddress = %s\nport = %d\n"
                    "control = %s\n%s\n" % (self.name, self.directory, self.lab.cluster, self.address,
                                            self.lab.port, os.path.join(self.lab.directory, self.name + ".sock"),
                                            extra))

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.wrap + [BERTHD, "--config", self.config], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd="/")
        wait_until("node %s answers" % self.name, self.is_up)

    def is_up(self):
        if self.process.poll() is not None:
            raise Failed("%s ended with %s:\n%s" % (self.name, self.process.returncode, self.tail()))
        status = self.lab.status(check_code=False)
        return status and any(n["name"] == self.name and n["state"] == "online" for n in status["nodes"])

    def kill(self):
        self.expect_end = True
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=30):
        """An orderly end; what a sanitizer has to say comes with it."""
        if self.process is None or self.process.poll() is not None:
            if self.process is not None and not self.expect_end:
                raise Failed("%s had ended by itself with %s:\n%s" % (self.name, self.process.returncode, self.tail()))
            return
        self.process.terminate()
        try:
            code = self.process.wait(seconds * (4 if SLOW else 1))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed("%s did not stop within %d s:\n%s" % (self.name, seconds, self.tail()))
        if code != 0:
            raise Failed("%s stopped with status %d:\n%s" % (self.name, code, self.tail(120)))

    def tail(self, lines=25):
        with open(self.log, errors="replace") as f:
            return "".join(f.readlines()[-lines:])


class Lab:
    def __init__(self, port=445):
        self.directory = tempfile.mkdtemp(prefix="berth-test.", dir=os.environ.get("BERTH_TEST_DIR", "/var/tmp"))
        os.chmod(self.directory, 0o755)
        self.cluster = os.path.join(self.directory, "cluster")
        os.makedirs(self.cluster)
        self.port = port
        self.nodes = {}
        self.servers = {}
        # A client configuration of its own, so that nothing of the machine's matters.
        self.smb_conf = os.path.join(self.directory, "client.conf")
        os.makedirs(os.path.join(self.directory, "client"))
        with open(self.smb_conf, "w") as f:
            base = os.path.join(self.directory, "client")
            f.write("[global]\nworkgroup = WORKGROUP\nclient min protocol = SMB2_02\n"
                    "private dir = %s\nlock directory = %s\nstate directory = %s\ncache directory = %s\n"
                    "pid directory = %s\n" % ((base,) * 5))
        self.env = dict(os.environ, BERTH_CLUSTER_DIR=self.cluster, HOME=os.path.join(self.directory, "client"))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        problems = []
        for node in self.nodes.values():
            try:
                node.stop()
            except Failed as e:
                problems.append(str(e))
        if kind or problems:
            for node in self.nodes.values():
                sys.stderr.write("---- log of %s\n%s" % (node.name, node.tail(60)))
        shutil.rmtree(self.directory, ignore_errors=True)
        if problems and not kind:
            raise Failed("; ".join(problems))

    # ---- the product's own command

    def berth(self, *args, input=None, ok=True, timeout=120):
        result = run([BERTH] + list(args), input=input, env=self.env, timeout=timeout)
        if ok and result.code != 0:
            raise Failed("berth %s: %r" % (" ".join(args), result))
        return result

    def status(self, check_code=True):
        result = self.berth("status", "--json", ok=check_code)
        try:
            return json.loads(result.out)
        except ValueError:
            return None

    def server_state(self, name):
        status = self.status(check_code=False) or {"servers": []}
        for s in status["servers"]:
            if s["name"] == name:
                return s
        return {"state": "unknown", "owner": None, "reason": None, "shares": []}

    def node(self, name, address, extra="", wrap=()):
        node = Node(self, name, address)
        node.wrap = list(wrap)
        self.nodes[name] = node
        node.write_config(extra)
        node.start()
        return node

    def server(self, name, address, visibility="server", *options):
        volume = os.path.join(self.directory, "volume-" + name)
        os.makedirs(volume, exist_ok=True)
        self.berth("server", "create", name, "--volume", volume, "--address", address + "/8",
                   "--port", str(self.port), "--visibility", visibility, *options)
        self.servers[name] = address
        self.wait_online(name)
        return volume

    def wait_online(self, name, seconds=30):
        def online():
            state = self.server_state(name)
            return state if state["state"] == "online" else None
        return wait_until("%s is online" % name, online, seconds)

    def user(self, server, user, password=PASSWORD, admin=False):
        self.berth("user", "add", server, user, "--password-stdin", input=password + "\n")
        if admin:
            self.berth("member", "add", server, "Administrators", user)

    def share(self, server, share, *options):
        self.berth("share", "add", server, share, *options)

    # ---- clients not written here

    def auth_file(self, user, password):
        path = os.path.join(self.directory, "client", "auth-%s-%d" % (user, abs(hash(password)) % 100000))
        if not os.path.exists(path):
            with open(path, "w") as f:
                f.write("username = %s\npassword = %s\n" % (user, password))
            os.chmod(path, 0o600)
        return path

    def smbclient(self, unc, commands, user="alice", password=PASSWORD, address=None, options=(), timeout=120):
        server = unc.replace("\\", "/").lstrip("/").split("/")[0]
        address = address or self.servers.get(server)
        args = ["smbclient", "-s", self.smb_conf, unc.replace("\\", "/"), "-p", str(self.port), "-A",
                self.auth_file(user, password), "-c", commands] + list(options)
        if address:
            args += ["-I", address]
        return run(args, timeout=timeout, env=self.env)

    def listing(self, name, user="alice", password=PASSWORD, address=None):
        return run(["smbclient", "-s", self.smb_conf, "-g", "-L", name, "-I", address or self.servers[name],
                    "-p", str(self.port), "-A", self.auth_file(user, password)], env=self.env)

    def rpcclient(self, name, command, user="alice", password=PASSWORD, options=()):
        return run(["rpcclient", "-s", self.smb_conf, "-p", str(self.port), "-A", self.auth_file(user, password),
                    "-c", command, "-I", self.servers[name], name] + list(options), env=self.env)

    def net(self, name, *args, user="alice", password=PASSWORD):
        # By address: "net rpc" of Samba 4.17 takes no notice of -I beside -S and looks the name up.
        return run(["net", "-s", self.smb_conf, "-A", self.auth_file(user, password), "-p", str(self.port),
                    "-S", self.servers[name]] + list(args), env=self.env)

    def impacket(self, name, user="alice", password=PASSWORD, dialect=None, address=None, login=True):
        from impacket.smbconnection import SMBConnection
        conn = SMBConnection(name, address or self.servers[name], sess_port=self.port, preferredDialect=dialect,
                             timeout=60)
        if login:
            if dialect == 0x0311:
                # impacket 0.10 begins the session's pre-authentication hash with zeros in place of the connection's
                # (MS-SMB2 3.2.5.3), so that its keys are no server's; with this line it does as specified.
                low = conn.getSMBServer()
                low._Session["PreauthIntegrityHashValue"] = low._Connection["PreauthIntegrityHashValue"]
            conn.login(user, password)
        return conn


def main(tests):
    """Runs the test functions of a program in order and prints a line for each."""
    failed = 0
    for test in tests:
        name = (test.__doc__ or test.__name__[5:].replace("_", " ")).strip()
        try:
            test()
            print("ok " + name, flush=True)
        except Skip as e:
            print("skip %s - %s" % (name, e), flush=True)
        except Exception as e:  # whatever it was, the sentence did not hold
            failed += 1
            text = str(e).replace("\n", " | ")[:400]
            print("not ok %s - %s: %s" % (name, type(e).__name__, text), flush=True)
            traceback.print_exc()
    sys.exit(0)
