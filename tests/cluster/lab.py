#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A cluster of three hosts on one machine, for tests: each is a set of namespaces (network, mount, host name, IPC,
PID) with real Corosync and Pacemaker, and all share one disk.

  lab.py up [bare]        build it; bare: hosts without a cluster
  lab.py enter n1 [COMMAND...] | enter client [COMMAND...]
  lab.py cut n1           power cut        lab.py boot n1      power on
  lab.py unplug n1        network cable    lab.py plug n1
  lab.py down             remove everything it made

It lies in BERTH_LAB_DIR (default /var/tmp/berth-lab). A process is signalled only if it is the very one that the lab
started (number and start time), or lives in a network namespace that the lab made.

A shared disk is one file behind one loop device for each host: with a single device all hosts would share the kernel's
one superblock, and a double mount would do no harm and go unseen.
"""
import fcntl
import glob
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
HOSTS = ("n1", "n2", "n3")
NETWORK = "10.78.0."
VIRTUAL = NETWORK + "50"
CLIENT = NETWORK + "100"
SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN, the same number on XFS
NO_LOG_FLUSH = struct.pack("I", 2)


BERTHD_CLONE = ('<clone id="berthd"><meta_attributes id="berthd-meta"><nvpair id="berthd-i" name="interleave" value="true"/>'
                '</meta_attributes><primitive id="berthd-node" class="ocf" provider="berth" type="node"><operations>'
                '<op id="berthd-start" name="start" interval="0" timeout="40s"/>'
                '<op id="berthd-stop" name="stop" interval="0" timeout="60s"/>'
                '<op id="berthd-monitor" name="monitor" interval="5s" timeout="15s"/></operations></primitive></clone>')


class LabError(Exception):
    pass


def quiet(*args):
    return subprocess.run(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL).returncode


def must(*args):
    p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
    if p.returncode:
        raise LabError("%s: %s" % (" ".join(args), p.stdout.strip()))
    return p.stdout


def start_time(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(") ", 1)[1].split()[19]
    except OSError:
        return None


def wait(seconds, condition, step=0.02):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(step)
    return True


class Lab:
    def __init__(self, directory=None):
        self.directory = directory or os.environ.get("BERTH_LAB_DIR", "/var/tmp/berth-lab")
        self.prefix = "bl%x" % (hash_of(self.directory) & 0xFFFFFF)
        self.build = os.path.abspath(os.environ.get("BERTH_BUILD", os.path.join(TOP, "build")))

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def namespace(self, name):
        return "%s-%s" % (self.prefix, name)

    @staticmethod
    def address(host):
        return NETWORK + str(10 + int(host[1:]))

    def note(self, text):
        with open(self.path("events"), "a") as f:
            f.write("%.3f %s\n" % (time.time(), text))

    # ---- processes

    def remembered(self, *file):
        """The pid in a file, if that very process still lives."""
        try:
            with open(self.path(*file)) as f:
                pid, start = f.read().split()
        except (OSError, ValueError):
            return None
        return int(pid) if start_time(int(pid)) == start else None

    def pid(self, host):
        return self.remembered(host, "init")

    def command(self, host, args):
        if host == "client":
            return ["ip", "netns", "exec", self.namespace("client")] + list(args)
        pid = self.pid(host)
        if not pid:
            raise LabError(host + " is off")
        return ["nsenter", "-t", str(pid), "-m", "-u", "-i", "-n", "-p", "--"] + list(args)

    def run(self, host, *args, timeout=60, input=None, env=None):
        """Runs a command on a host; (status, output and error output together)."""
        try:
            p = subprocess.run(self.command(host, args), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, input=input,
                               timeout=timeout, text=True, errors="replace", env=env,
                               **({} if input is not None else {"stdin": subprocess.DEVNULL}))
            return p.returncode, p.stdout
        except subprocess.TimeoutExpired as e:
            return 124, "no answer within %s s: %s" % (timeout, e.stdout)
        except LabError as e:
            return 125, str(e)

    # ---- network

    def make_port(self, name, address):
        ns = self.namespace(name)
        must("ip", "netns", "add", ns)
        must("ip", "link", "add", "eth0", "netns", ns, "type", "veth", "peer", "name", "p-" + name, "netns",
             self.namespace("switch"))
        must("ip", "-n", self.namespace("switch"), "link", "set", "p-" + name, "master", "br0", "up")
        must("ip", "-n", ns, "addr", "add", address + "/24", "brd", "+", "dev", "eth0")
        must("ip", "-n", ns, "link", "set", "lo", "up")
        must("ip", "-n", ns, "link", "set", "eth0", "up")

    def drop_port(self, name):
        quiet("ip", "-n", self.namespace("switch"), "link", "del", "p-" + name)
        quiet("ip", "netns", "del", self.namespace(name))

    def unplug(self, host):
        self.note("unplug " + host)
        must("ip", "-n", self.namespace("switch"), "link", "set", "p-" + host, "down")

    def plug(self, host):
        self.note("plug " + host)
        must("ip", "-n", self.namespace("switch"), "link", "set", "p-" + host, "up")

    # ---- power

    def boot(self, host):
        if self.pid(host):
            return
        self.drop_port(host)
        self.make_port(host, self.address(host))
        for mark in ("init", "ready"):
            if os.path.exists(self.path(host, mark)):
                os.unlink(self.path(host, mark))
        with open(self.path(host, "console"), "ab") as console:
            subprocess.Popen(["ip", "netns", "exec", self.namespace(host), "unshare", "--mount", "--uts", "--ipc", "--pid",
                              "--fork", "--kill-child", "bash", os.path.join(HERE, "host-init"), host, self.directory],
                             stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True)
        if not wait(10, lambda: os.path.exists(self.path(host, "init")) and os.path.exists(self.path(host, "ready"))):
            raise LabError("%s does not boot; see %s" % (host, self.path(host, "console")))
        self.note("boot " + host)

    def mounts(self, host):
        """Where the shared disk is mounted on a host, seen from outside."""
        pid = self.pid(host)
        if not pid:
            return []
        device = self.device_number(host)
        try:
            with open("/proc/%d/mountinfo" % pid) as f:
                return [line.split()[4] for line in f if line.split()[2] == device]
        except OSError:
            return []

    def device_number(self, host):
        with open(self.path(host, "disk")) as f:
            disk = f.read().strip()
        with open("/sys/block/%s/dev" % os.path.basename(disk)) as f:
            return f.read().strip()

    def cut(self, host, why="cut"):
        """A power cut: the cable dark, what the host had not written lost, every process gone at once. Returns when
        the host cannot touch the disk any more."""
        with open(self.path(host, "power.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.note("%s %s" % (why, host))
            quiet("ip", "-n", self.namespace("switch"), "link", "set", "p-" + host, "down")
            pid = self.pid(host)
            guard = None
            if pid:
                for mount in self.mounts(host)[:1]:
                    guard = self.multi_mount_block()
                    fd = os.open("/proc/%d/root%s" % (pid, mount), os.O_RDONLY)
                    try:
                        fcntl.ioctl(fd, SHUTDOWN, NO_LOG_FLUSH)
                    finally:
                        os.close(fd)
                os.kill(pid, signal.SIGKILL)  # the first process of a PID namespace takes all others with it
                if not wait(10, lambda: not self.pid(host), 0.005):
                    raise LabError(host + " does not end")
            self.drop_port(host)
            if not wait(10, lambda: self.disk_idle(host), 0.005):
                raise LabError("the disk of %s stays in use" % host)
            # Dying, the kernel unmounts, and says in the block that it did. A machine without power says nothing.
            if guard:
                with open(self.path("disk.img"), "r+b") as f:
                    f.seek(guard[0])
                    f.write(guard[1])
            self.note("off " + host)

    def multi_mount_block(self):
        """Where the block of ext4's multi-mount protection lies on the disk, and what stands in it; None without one."""
        text = subprocess.run(["dumpe2fs", "-h", self.path("disk.img")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True).stdout
        found = {key: re.search("^" + key + r": *(\d+)$", text, re.M) for key in ("MMP block number", "Block size")}
        if not all(found.values()):
            return None
        size = int(found["Block size"].group(1))
        at = int(found["MMP block number"].group(1)) * size
        with open(self.path("disk.img"), "rb") as f:
            f.seek(at)
            return at, f.read(size)

    def disk_idle(self, host):
        try:
            with open(self.path(host, "disk")) as f:
                os.close(os.open(f.read().strip(), os.O_RDONLY | os.O_EXCL))
            return True
        except OSError:
            return False

    # ---- the power switch of the rack, out of every network's reach

    def serve_power(self):
        path = self.path("shared", "power.sock")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path)
            s.listen(16)
            with open(self.path("power.new"), "w") as f:
                f.write("%d %s\n" % (os.getpid(), start_time(os.getpid())))
            os.rename(self.path("power.new"), self.path("power"))
            while True:
                client, _ = s.accept()
                threading.Thread(target=self.power_request, args=(client,), daemon=True).start()

    def power_request(self, client):
        with client:
            try:
                client.settimeout(5)
                verb, host = client.makefile().readline().split()
                if host not in HOSTS:
                    answer = "error no such host"
                elif os.path.exists(self.path("power.broken")):
                    answer = "error the switch does not answer"
                elif verb == "off" and os.path.exists(self.path("power.lies")):
                    self.note("lie " + host)
                    answer = "ok off"
                elif verb == "off":
                    self.cut(host, "fence")
                    answer = "ok off"
                elif verb == "on":
                    self.boot(host)
                    answer = "ok on"
                else:
                    answer = "ok on" if self.pid(host) else "ok off"
            except (LabError, OSError, ValueError) as e:
                answer = "error " + str(e).replace("\n", " ")
            try:
                client.sendall((answer + "\n").encode())
            except OSError:
                pass

    # ---- making and removing

    def make_disk(self, megabytes, filesystem):
        image = self.path("disk.img")
        with open(image, "w") as f:
            f.truncate(megabytes << 20)
        if filesystem:
            must("mkfs." + filesystem, "-q", *(["-F"] if filesystem == "ext4" else ["-f"]), image)
        for host in HOSTS:
            device = must("losetup", "-f", "--show", image).strip()
            with open(self.path(host, "disk"), "w") as f:
                f.write(device + "\n")

    def make_host_files(self, host, corosync, authkey, cib):
        root = self.path(host, "files")
        for d in ("etc/corosync/uidgid.d", "etc/berth", "var/lib/corosync", "var/lib/berth", "var/lib/pacemaker",
                  "var/log/corosync", "var/log/pacemaker", "var/log/crmsh"):
            os.makedirs(os.path.join(root, d), exist_ok=True)
        os.makedirs(self.path(host, "srv"), exist_ok=True)
        state = os.path.join(root, "var/lib/pacemaker")
        for d in ("cib", "pengine", "blackbox", "cores"):
            os.makedirs(os.path.join(state, d), exist_ok=True)
            shutil.chown(os.path.join(state, d), "hacluster", "haclient")
        shutil.chown(state, "hacluster", "haclient")
        shutil.chown(os.path.join(root, "var/log/pacemaker"), "hacluster", "haclient")
        with open(os.path.join(root, "etc/berth/berthd.conf"), "w") as f:
            f.write("[node]\nname = %s\nvolume = /srv/own\naddress = %s\nengine = pacemaker\n" % (host, self.address(host)))
        if corosync:
            with open(os.path.join(root, "etc/corosync/corosync.conf"), "w") as f:
                f.write(corosync)
            with open(os.open(os.path.join(root, "etc/corosync/authkey"), os.O_WRONLY | os.O_CREAT, 0o400), "wb") as f:
                f.write(authkey)
            path = os.path.join(state, "cib/cib.xml")
            with open(path, "w") as f:
                f.write(cib)
            shutil.chown(path, "hacluster", "haclient")
            os.chmod(path, 0o600)

    def corosync_conf(self, token):
        nodes = "".join("\tnode {\n\t\tname: %s\n\t\tnodeid: %d\n\t\tring0_addr: %s\n\t}\n" %
                        (h, i + 1, self.address(h)) for i, h in enumerate(HOSTS))
        return ("totem {\n\tversion: 2\n\tcluster_name: lab\n\ttransport: knet\n\tcrypto_cipher: aes256\n"
                "\tcrypto_hash: sha256\n\ttoken: %d\n\ttoken_coefficient: 0\n\tconsensus: %d\n\tjoin: 50\n}\n"
                "nodelist {\n%s}\nquorum {\n\tprovider: corosync_votequorum\n}\n"
                "logging {\n\tto_logfile: yes\n\tlogfile: /var/log/corosync/corosync.log\n\tto_syslog: no\n"
                "\tto_stderr: no\n\ttimestamp: hires\n}\n" % (token, token * 6 // 5, nodes))

    def cib(self):
        nodes = "".join('<node id="%d" uname="%s"/>' % (i + 1, h) for i, h in enumerate(HOSTS))
        # A device that is broken for a while is tried as long as that takes, however slow the machine: Pacemaker gives up
        # after ten tries, and waits for something else to happen.
        options = {"stonith-max-attempts": "1000", "dc-deadtime": "2s", "stonith-enabled": "true", "stonith-action": "off",
                   "no-quorum-policy": "stop", "have-watchdog": "false"}
        properties = "".join('<nvpair id="o-%s" name="%s" value="%s"/>' % (k, k, v) for k, v in options.items())
        return ('<cib crm_feature_set="3.0.14" validate-with="pacemaker-3.2" epoch="1" num_updates="0" admin_epoch="0">'
                '<configuration><crm_config><cluster_property_set id="o">%s</cluster_property_set></crm_config>'
                '<nodes>%s</nodes><resources><primitive id="power" class="stonith" type="fence_lab">'
                '<instance_attributes id="power-a"><nvpair id="power-h" name="pcmk_host_list" value="%s"/>'
                '<nvpair id="power-c" name="pcmk_host_check" value="static-list"/></instance_attributes>'
                '<operations><op id="power-m" name="monitor" interval="60s"/></operations></primitive>'
                '%s</resources><constraints/><rsc_defaults><meta_attributes id="d"><nvpair id="d-s" name="resource-stickiness" '
                'value="100"/><nvpair id="d-m" name="migration-threshold" value="3"/></meta_attributes></rsc_defaults>'
                '</configuration><status/></cib>' % (properties, nodes, " ".join(HOSTS), BERTHD_CLONE))

    def up(self, bare=False, token=1000, filesystem="ext4", megabytes=512):
        if os.geteuid() != 0:
            raise LabError("only root can build hosts")
        for program in ("corosync", "pacemakerd", "crm_mon", "modprobe", "losetup"):
            if not shutil.which(program):
                raise LabError("%s is missing; tools/install-deps cluster" % program)
        self.down()
        for d in ("shared", "sbin", "ocf/berth", "ocf/lab") + HOSTS:
            os.makedirs(self.path(d))
        with open(self.path("made-by-berth-lab"), "w") as f:
            f.write("%d %s\n" % (os.getpid(), start_time(os.getpid())))
        shutil.copy(os.path.join(HERE, "fence_lab"), self.path("sbin"))
        shutil.copy(os.path.join(HERE, "trivial"), self.path("ocf/lab"))
        agents = os.path.join(TOP, "agents", "ocf")
        for agent in os.listdir(agents) if os.path.isdir(agents) else ():
            shutil.copy(os.path.join(agents, agent), self.path("ocf/berth"))
        for program in ("src/node/berthd", "src/cli/berth", "src/sited/berth-site", "tests/cluster/wall_clock.so"):
            source = os.path.join(self.build, program)
            if os.path.exists(source):
                shutil.copy(source, self.path("sbin"))
        switch = self.namespace("switch")
        must("ip", "netns", "add", switch)
        must("ip", "-n", switch, "link", "add", "br0", "type", "bridge", "stp_state", "0", "forward_delay", "0",
             "mcast_snooping", "0")
        must("ip", "-n", switch, "link", "set", "br0", "up")
        self.make_port("client", CLIENT)
        authkey = os.urandom(128)
        for host in HOSTS:
            self.make_host_files(host, None if bare else self.corosync_conf(token), authkey, self.cib())
        self.make_disk(megabytes, filesystem)
        subprocess.Popen([sys.executable, os.path.abspath(__file__), "power"], stdin=subprocess.DEVNULL,
                         stdout=open(self.path("power.log"), "ab"), stderr=subprocess.STDOUT, start_new_session=True,
                         env=dict(os.environ, BERTH_LAB_DIR=self.directory))
        if not wait(10, lambda: self.remembered("power")):
            raise LabError("the power switch does not start; see " + self.path("power.log"))
        for host in HOSTS:
            self.boot(host)
        if not bare:
            self.wait_cluster()

    def wait_cluster(self, seconds=60, hosts=HOSTS):
        def formed():
            return all(len(self.run(h, "crm_node", "-p", timeout=10)[1].split()) == len(hosts) for h in hosts) and \
                "UNCLEAN" not in self.run(hosts[0], "crm_mon", "-1", timeout=10)[1] and \
                self.run(hosts[0], "crm_mon", "-1", timeout=10)[1].count("Online: [ " + " ".join(hosts)) == 1
        if not wait(seconds, formed, 0.2):
            raise LabError("the cluster does not form:\n" + self.run(hosts[0], "crm_mon", "-1")[1])

    def down(self):
        """Removes everything the lab made. Safe to repeat, and after a run that was killed."""
        if not os.path.exists(self.path("made-by-berth-lab")):
            return
        power = self.remembered("power")
        if power:
            os.kill(power, signal.SIGTERM)
        for host in HOSTS:
            pid = self.pid(host)
            if pid:
                os.kill(pid, signal.SIGKILL)
                wait(10, lambda: not self.pid(host))
        for name in HOSTS + ("client", "switch"):
            p = subprocess.run(["ip", "netns", "pids", self.namespace(name)], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
            for pid in p.stdout.split():
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.drop_port(name)
        image = self.path("disk.img")

        def released():
            listed = subprocess.run(["losetup", "-j", image], stdout=subprocess.PIPE, text=True).stdout
            devices = [line.split(":", 1)[0] for line in listed.splitlines()]
            for device in devices:
                quiet("losetup", "-d", device)
            return not devices
        wait(10, released, 0.1)
        shutil.rmtree(self.directory, ignore_errors=True)


def remove_abandoned(pattern):
    """Labs whose maker has ended without removing them."""
    for directory in glob.glob(pattern):
        lab = Lab(directory)
        if os.path.exists(lab.path("made-by-berth-lab")) and not lab.remembered("made-by-berth-lab"):
            lab.down()


def hash_of(text):
    value = 2166136261
    for b in text.encode():
        value = (value ^ b) * 16777619 & 0xFFFFFFFF
    return value


def main(args):
    lab = Lab()
    verb = args[0] if args else ""
    if verb == "up":
        began = time.monotonic()
        lab.up(bare="bare" in args[1:])
        print("up after %.1f s in %s" % (time.monotonic() - began, lab.directory))
    elif verb == "down":
        lab.down()
    elif verb == "power":
        lab.serve_power()
    elif verb == "enter" and len(args) > 1:
        command = lab.command(args[1], args[2:] or ["bash"])
        os.execvp(command[0], command)
    elif verb in ("cut", "boot", "plug", "unplug") and len(args) == 2 and args[1] in HOSTS:
        getattr(lab, verb)(args[1])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except LabError as error:
        sys.exit("lab: %s" % error)
