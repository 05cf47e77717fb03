# SPDX-License-Identifier: Apache-2.0
"""Two hosts and an arbiter: a real corosync-qnetd in the client's network, with certificates both ways."""
import os
import shutil
import subprocess
import tempfile

import lab as labs
from field import Field, check, wait_until

PAIR = ("n1", "n2")
CERTIFICATES = "/etc/corosync/qdevice/net/nssdb/"


def missing():
    """The program that is not installed, or None."""
    return next((p for p in ("corosync-qnetd", "corosync-qdevice", "corosync-qnetd-certutil") if not shutil.which(p)), None)


class Arbiter:
    """corosync-qnetd with files of its own."""

    def __init__(self, field):
        self.lab, self.directory = field.lab, field.lab.path("qnetd")
        os.makedirs(self.directory)
        self.process = None

    def command(self, text):
        inside = ("mount --make-rprivate / && mount --bind %s /etc/corosync/qnetd && mkdir -p /run/corosync-qnetd && "
                  "mount -t tmpfs arbiter /run/corosync-qnetd && %s" % (self.directory, text))
        return self.lab.command("client", ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", inside])

    def run(self, text):
        p = subprocess.run(self.command(text), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                           text=True, timeout=120)
        check(p.returncode == 0, "%s: %s" % (text, p.stdout))

    def hand_out(self, field, name):
        """What corosync-qdevice-net-certutil -Q does with ssh: the arbiter's certificate, and one for the cluster."""
        self.run("corosync-qnetd-certutil -i -G")
        for host in PAIR:
            shutil.copy(self.directory + "/nssdb/qnetd-cacert.crt", self.lab.path(host, "srv"))
            field.run(host, "corosync-qdevice-net-certutil", "-i", "-c", "/srv/own/qnetd-cacert.crt", timeout=120)
        field.run("n1", "corosync-qdevice-net-certutil", "-r", "-n", name, timeout=120)
        base = self.lab.path("n1", "files") + CERTIFICATES
        shutil.copy(base + "qdevice-net-node.crq", self.directory)
        self.run("corosync-qnetd-certutil -G -s -c /etc/corosync/qnetd/qdevice-net-node.crq -n %s" % name)
        shutil.copy("%s/nssdb/cluster-%s.crt" % (self.directory, name), self.lab.path("n1", "srv"))
        field.run("n1", "corosync-qdevice-net-certutil", "-M", "-c", "/srv/own/cluster-%s.crt" % name, timeout=120)
        shutil.copy(base + "qdevice-net-node.p12", self.lab.path("n2", "srv"))
        field.run("n2", "corosync-qdevice-net-certutil", "-m", "-c", "/srv/own/qdevice-net-node.p12", timeout=120)

    def start(self):
        with open(self.lab.path("qnetd.log"), "ab") as log:
            self.process = subprocess.Popen(self.command("exec corosync-qnetd -f -s req -c on"), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()


def two_hosts():
    """Makes a cluster of two and an arbiter as docs/cluster.md says, and pulls the owner's cable. Gives what happened."""
    f = Field(tempfile.mkdtemp(prefix="berth-cluster-arbiter.", dir="/var/tmp"))
    arbiter = None
    try:
        f.lab.up(bare=True)
        f.lab.cut("n3")
        arbiter = Arbiter(f)
        for host in PAIR:
            os.unlink(f.lab.path(host, "files/etc/berth/berthd.conf"))
        nodes = [w for h in PAIR for w in ("--node", "%s=%s" % (h, f.lab.address(h)))]
        f.run("n1", "berth", "cluster", "init", "pair", *nodes, "--arbiter", labs.CLIENT, "--fence", "fence_lab", "--fence-option",
              "pcmk_host_list=n1 n2", "--fence-option", "pcmk_host_check=static-list", timeout=120)
        invitation = f.run("n1", "berth", "cluster", "invite")
        f.run("n2", "berth", "cluster", "join", "-", input=invitation, timeout=120)
        code, text = f.run("n1", "berth", "cluster", "arbiter", ok=False)
        check(code == 1 and "certificate" in text, text)
        f.lab.wait_cluster(90, PAIR)
        arbiter.hand_out(f, "pair")
        arbiter.start()
        for host in PAIR:
            f.run(host, "berth", "cluster", "arbiter", timeout=60)
        wait_until("berthd answers", lambda: all(f.status(h) for h in PAIR), 60, 0.3)
        text = f.run("n2", "berth", "cluster", "verify")
        check("NOT" not in text and "the arbiter votes" in text, text)
        f.run("n1", "mount", "/srv/disk", "/srv/fs")
        f.berth("n1", "server", "create", "FS", "--volume", "/srv/fs", "--address", labs.VIRTUAL + "/24", "--engine", "pacemaker")
        owner = f.owner("n1")
        survivor = next(h for h in PAIR if h != owner)
        f.lab.unplug(owner)
        _, took = f.wait_online(survivor, on=survivor)
        with open(f.lab.path("events")) as events:
            check(any(line.split()[1:] == ["fence", owner] for line in events), "%s was not fenced" % owner)
        return "%s cut off, %s and the arbiter went on, FS online there after %.2f s" % (owner, survivor, took)
    finally:
        if arbiter:
            arbiter.stop()
        f.lab.down()
