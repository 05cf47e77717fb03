# SPDX-License-Identifier: Apache-2.0
"""Hosts on which something is not as it should be: the clock on the wall, or a library of Pacemaker."""
import os
import struct
import time

import lab as labs
from accidents import told
from agents import call
from field import FS, check, wait_until
from load import Load

DAY, MONTH = 86400, 30 * 86400
LIBRARY = "libstonithd.so.26"


def start_berthd_anew(f, host, *environment):
    """On a host that owns nothing, while Pacemaker looks away."""
    f.run(host, "crm_attribute", "--name", "maintenance-mode", "--update", "true")
    call(f, host, "stop", 0, "node")
    f.run(host, "env", "OCF_ROOT=/usr/lib/ocf", *environment, "/usr/lib/ocf/resource.d/berth/node", "start")
    f.run(host, "crm_attribute", "--name", "maintenance-mode", "--delete")
    f.wait_berthd()
    f.clean()


def fenced(f):
    with open(f.lab.path("events")) as file:
        return [line.split()[2] for line in file if line.split()[1] == "fence"]


def set_clock(f, host, ahead_s):
    path = f.lab.path(host, "srv", "clock")
    with open(path, "r+b" if os.path.exists(path) else "w+b") as file:
        file.write(struct.pack("=q", ahead_s))


def jumps_under_load(f, host):
    """The owner's clock jumps: nothing comes of it."""
    epoch = f.server(host)["epoch"]
    with Load(f, 78) as load:
        for ahead in (-DAY, MONTH, -MONTH, 0):
            set_clock(f, host, ahead)
            time.sleep(2)
            load.flows_again()
            s = f.server(host)
            check((s["state"], s["owner"], s["epoch"]) == ("online", host, epoch), "%d s ahead: %s" % (ahead, s))
    return load.compare()


def test_clocks(f):
    """a host whose clock jumps by a day and by a month keeps FS, takes it over, and gives it away, and nobody is fenced for it"""
    host = f.owner()
    away = f.other(host)
    third = next(h for h in labs.HOSTS if h not in (host, away))
    set_clock(f, away, MONTH)
    start_berthd_anew(f, away, "LD_PRELOAD=/usr/sbin/wall_clock.so", "TEST_CLOCK=/srv/own/clock")
    f.berth(host, "server", "move", FS, away)
    f.wait_online(host, on=away)
    came = f.server(away)["failover"]["at_ms"] / 1000 - time.time()
    check(abs(came - MONTH) < 60, "the clock of its berthd is not a month ahead, but %d s" % came)
    count = jumps_under_load(f, away)
    set_clock(f, away, MONTH)
    f.berth(host, "server", "move", FS, host)
    f.wait_online(host, on=host)
    check(not fenced(f), "fenced: %s" % fenced(f))
    f.run(third, "crm_attribute", "--node", third, "--name", "standby", "--update", "on")
    set_clock(f, away, -DAY)
    began = time.monotonic()
    f.lab.cut(host)
    f.wait_online(away, on=away)
    took = time.monotonic() - began
    f.run(third, "crm_attribute", "--node", third, "--name", "standby", "--update", "off")
    f.everyone_back()
    set_clock(f, away, 0)
    f.berth(away, "server", "move", FS, host)
    start_berthd_anew(f, away)
    check(set(fenced(f)) == {host}, "fenced: %s" % fenced(f))
    print("# %d acknowledged files intact; taken over by a host whose clock is a day behind after %.2f s" % (count, took),
          flush=True)


def has_library(f, host):
    with open("/proc/%d/maps" % f.berthd(host)[1]) as file:
        return LIBRARY in file.read()


def test_fencer_that_tells_nothing(f):
    """where Pacemaker's library of fencing cannot be loaded, the fencer is asked, and a failover is told with all of its parts"""
    host = f.owner()
    wait_until("berthd has the library", lambda: has_library(f, host), 30)
    for away in (h for h in labs.HOSTS if h != host):
        # What berthd would load is no library; the tools that it runs find theirs where it is.
        f.run(away, "mkdir", "-p", "/run/tools", "/run/libraries")
        f.run(away, "sh", "-c", "cat >/run/tools/tool; chmod 755 /run/tools/tool; for t in crm_mon stonith_admin crm_resource "
              "cibadmin crm_attribute attrd_updater crm_node; do ln -sf tool /run/tools/$t; done; echo none >/run/libraries/" +
              LIBRARY,
              input='#!/bin/sh\nunset LD_LIBRARY_PATH\nexec "/usr/sbin/${0##*/}" "$@"\n')
        start_berthd_anew(f, away, "LD_LIBRARY_PATH=/run/libraries", "PATH=/run/tools:" + os.environ["PATH"])
        check(not has_library(f, away), "it is loaded all the same")
    f.lab.cut(host)
    new, _ = f.wait_online(f.other(host), but=host)
    parts = told(f, "loss", host, new, ["detection", "decision", "fencing", "mount", "address", "service"])
    check(not has_library(f, new), "it was loaded meanwhile")
    print("# loss: %s" % parts, flush=True)
    f.everyone_back()
