# SPDX-License-Identifier: Apache-2.0
"""Accidents, each under load: what was acknowledged is compared afterwards."""
import os
import signal
import time

from field import FS, check, wait_until
from load import Load


def told(f, kind, source, target, parts):
    """The last failover is told, by its parts, which add up. Gives it as a text."""
    def tells():
        last = f.server(target).get("failover", {})
        return last if (last.get("kind"), last.get("from"), last.get("to")) == (kind, source, target) else None
    last, _ = wait_until(lambda: "the failover is told: %s" % f.server(target).get("failover"), tells, 30)
    names = [p["part"] for p in last["parts"]]
    check(names == parts, str(last))
    check(sum(p["ms"] for p in last["parts"]) == last["total_ms"], str(last))
    return ", ".join("%s %.2f" % (p["part"], p["ms"] / 1000) for p in last["parts"])


def accident_move(f, load):
    host = f.owner()
    target = f.other(host)
    began = time.monotonic()
    f.berth(host, "server", "move", FS, target)
    print("# move: %s" % told(f, "move", host, target, ["stop", "mount", "address", "service"]), flush=True)
    return "moved %s to %s in %.2f s" % (host, target, time.monotonic() - began)


def accident_kill_berthd(f, load):
    host = f.owner()
    inside, pid = f.berthd(host)
    began = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    load.flows_again()
    return "berthd of %s killed, load flowed again after %.2f s" % (host, time.monotonic() - began)


def accident_cut(f, load):
    host = f.owner()
    began = time.monotonic()
    f.lab.cut(host)
    new, _ = f.wait_online(f.other(host), but=host)
    load.flows_again()
    text = "%s cut, %s took over, load flowed again after %.2f s" % (host, new, time.monotonic() - began)
    print("# loss: %s" % told(f, "loss", host, new, ["detection", "decision", "fencing", "mount", "address", "service"]), flush=True)
    f.everyone_back()
    return text


def accident_partition(f, load):
    host = f.owner()
    began = time.monotonic()
    f.lab.unplug(host)
    new, _ = f.wait_online(f.other(host), but=host)
    load.flows_again()
    text = "%s unplugged, %s took over, load flowed again after %.2f s" % (host, new, time.monotonic() - began)
    f.everyone_back()
    return text


def accident_pause(f, load):
    host = f.owner()
    inside, pid = f.berthd(host)
    began = time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    try:
        load.flows_again(60)
        back = time.monotonic() - began
        time.sleep(max(0, 30 - back))
    finally:
        # It may have been ended meanwhile: only that very process is woken.
        if os.path.exists("/proc/%d" % pid) and "berthd" in os.readlink("/proc/%d/exe" % pid):
            os.kill(pid, signal.SIGCONT)
    time.sleep(1)
    load.flows_again()
    return "berthd of %s stopped for 30 s, load flowed again after %.2f s, and after the wake" % (host, back)


ACCIDENTS = (accident_move, accident_kill_berthd, accident_cut, accident_partition, accident_pause)


def accident(f, which, seed, pace=0.0):
    f.clean()
    with Load(f, seed, pace=pace) as load:
        time.sleep(f.rng.uniform(0, 1))
        said = which(f, load)
        time.sleep(0.5)
    count = load.compare()
    doubles = f.double_mounts()
    check(not doubles, "mounted on two hosts: %s" % doubles)
    load.forget()
    print("# %s; %d acknowledged files intact" % (said, count), flush=True)
    return count


def test_move_under_load(f):
    """a planned move under load loses nothing that was acknowledged"""
    accident(f, accident_move, 1)


def test_kill_under_load(f):
    """berthd killed under load: it serves again, nothing acknowledged is lost"""
    accident(f, accident_kill_berthd, 2)


def test_cut_under_load(f):
    """power cut of the owner under load: it is fenced, another serves, nothing acknowledged is lost"""
    accident(f, accident_cut, 3)


def test_partition_under_load(f):
    """the owner cut off from the network under load: the majority serves, the minority is fenced, nothing is lost"""
    accident(f, accident_partition, 4)


def test_pause_under_load(f):
    """the owner stopped for 30 s under load, and woken: nothing is lost"""
    accident(f, accident_pause, 5)
