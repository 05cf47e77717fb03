# SPDX-License-Identifier: Apache-2.0
"""The last guard: what holds when fencing fails, lies, or was never asked."""
import json
import os
import signal
import time

import lab as labs
from agents import call
from field import FS, check, wait_until
from load import Load


def test_broken_fencing(f):
    """with a fence device that fails, nobody takes over, and the minority stops serving by itself"""
    host = f.owner()
    away = [h for h in labs.HOSTS if h != host]
    with open(f.lab.path("power.broken"), "w"):
        pass
    try:
        f.lab.unplug(host)
        _, took = wait_until("the minority has let go of the disk", lambda: not f.lab.mounts(host), 60)
        time.sleep(5)
        check(not any(f.lab.mounts(h) for h in away), "started although fencing failed")
        s = f.server(away[0])
        check(s["state"] != "online", "shown online: %s" % s)
        nodes = {n["name"]: n["state"] for n in f.status(away[0])["nodes"]}
        check(nodes[host] == "unclean", str(nodes))
    finally:
        os.unlink(f.lab.path("power.broken"))
    _, waited = f.wait_online(away[0], but=host)
    print("# minority stopped after %.2f s; online %.2f s after the device was mended" % (took, waited), flush=True)
    f.everyone_back()
    check(not f.double_mounts(), "mounted on two hosts: %s" % f.double_mounts())


def test_quorum_guard(f):
    """berthd itself stops serving when the quorum is lost, with Pacemaker unable to tell it"""
    host = f.owner()
    pids = {}
    for pid in f.run(host, "sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null | awk '{print $1\" \"$2}'").splitlines():
        number, name = pid.split(" ", 1)
        if "pacemaker" in name:
            pids[name] = number
    check(pids, "no Pacemaker on " + host)
    with open(f.lab.path("power.broken"), "w"):
        pass
    try:
        f.run(host, "kill", "-STOP", *pids.values())
        f.lab.unplug(host)
        def stopped():
            code, text = f.lab.run(host, "env", "berth", "server", "check", FS, "--local", timeout=10)
            return text if code != 0 else None
        text, took = wait_until("berthd has stopped serving", stopped, 30)
        check("quorum" in text, text)
        print("# berthd stopped %.2f s after the cable was pulled: %s" % (took, text.strip()), flush=True)
    finally:
        os.unlink(f.lab.path("power.broken"))
    f.wait_online(f.other(host), but=host)
    f.everyone_back()


def test_stale_epoch(f):
    """an owner that slept while another took over, because fencing lied, writes and acknowledges nothing when it wakes"""
    host = f.owner()
    inside, pid = f.berthd(host)
    mount = f.lab.mounts(host)[0]
    with Load(f, 77) as load:
        os.kill(pid, signal.SIGSTOP)
        # Another node's start, as if the cluster had been told that this one is dead: its lease is taken over.
        lease = f.path_on(host, mount + "/.berth/lease")
        with open(lease, "rb") as file:
            before = file.read(4096)
        record = json.loads(before.rstrip(b"\0"))
        check(record["held"] and record["node"] == host, str(record))
        taken = dict(record, node="elsewhere", epoch=record["epoch"] + 1, beats=0)
        text = json.dumps(taken).encode().ljust(4096, b"\0")
        with open(lease, "r+b") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        time.sleep(4)
        names = set(os.listdir(f.path_on(host, mount + "/data")))
        os.kill(pid, signal.SIGCONT)
        deadline = time.monotonic() + 3
        grown = set()
        while time.monotonic() < deadline and f.lab.mounts(host):
            try:
                grown |= set(os.listdir(f.path_on(host, mount + "/data"))) - names
            except OSError:
                break
            if f.berth(host, "server", "check", FS, "--local", ok=False)[0] != 0:
                break
            time.sleep(0.05)
        check(len(grown) <= len(load.writers), "it went on writing: %s" % grown)
        log = f.run(host, "tail", "-n", "60", "/var/log/berthd.log")
        check("taken it over" in log, log[-800:])
        # The block is someone else's now, and stays so until its owner lets go.
        with open(lease, "rb") as file:
            now = json.loads(file.read(4096).rstrip(b"\0"))
        check(now["node"] == "elsewhere" or now["epoch"] > taken["epoch"], str(now))

    def served():
        o = f.owner()
        return o and f.berth(o, "server", "check", FS, "--local", ok=False)[0] == 0
    wait_until("FS is really served again", served, 90)
    f.clean()


def test_double_mount(f):
    """a mount by hand on a second node is refused by the disk; one that is forced is caught by the watcher, and the lease keeps
    the second node from serving"""
    host = f.owner()
    away = f.other(host)
    before = len(f.double_mounts())
    said = f.run(away, "berth", "disk", "ready", "/srv/disk", "/srv/fs")
    check(host in said and "watches" in said, said)
    code, text = f.run(away, "mount", "/srv/disk", "/srv/fs", ok=False)
    check(code != 0 and len(f.double_mounts()) == before, "mounted twice: %s" % text)
    f.run(away, "tune2fs", "-f", "-E", "clear_mmp", "/srv/disk")
    f.run(away, "mount", "/srv/disk", "/srv/fs")
    text, took = call(f, away, "start", 1, name="FS", volume="/srv/fs")
    check("live lease" in text and host in text, text)
    check(f.owner(host) == host, "the owner went down")
    f.run(away, "umount", "/srv/fs")
    wait_until("the watcher has seen it", lambda: len(f.double_mounts()) > before, 10)
    print("# refused after %.1f s: %s" % (took, text.strip().split(":", 1)[1]), flush=True)
