# SPDX-License-Identifier: Apache-2.0
"""The agent of file servers, call by call, as Pacemaker calls it."""
import os
import signal
import time

from field import ADDRESS, FS, PASSWORD, check


def call(f, host, action, expect, agent="fileserver", level=None, **parameters):
    environment = ["OCF_ROOT=/usr/lib/ocf", "OCF_RESKEY_CRM_meta_timeout=20000"]
    environment += ["OCF_RESKEY_%s=%s" % p for p in parameters.items()]
    if level:
        environment.append("OCF_CHECK_LEVEL=" + level)
    began = time.monotonic()
    code, text = f.run(host, "env", *environment, "/usr/lib/ocf/resource.d/berth/" + agent, action, ok=False)
    check(code == expect, "%s %s %s gave %d, not %d: %s" % (agent, action, parameters, code, expect, text.strip()[-300:]))
    return text, time.monotonic() - began


def test_agent_before(f):
    """the agent answers every action with the code that Pacemaker expects, before anything is configured"""
    good = {"name": "FS", "volume": "/srv/fs"}
    f.wait_berthd()
    for agent in ("fileserver", "node"):
        text, _ = call(f, "n1", "meta-data", 0, agent)
        check("<resource-agent name=\"%s\"" % agent in text and "</resource-agent>" in text, "meta-data")
        call(f, "n1", "no-such-action", 3, agent)
        call(f, "n1", "usage", 0, agent)
    call(f, "n1", "validate-all", 0, **good)
    call(f, "n1", "validate-all", 6)
    call(f, "n1", "validate-all", 6, name="FS")
    call(f, "n1", "validate-all", 6, name="FS", volume="relative")
    call(f, "n1", "validate-all", 6, name="a b", volume="/srv/fs")
    call(f, "n1", "validate-all", 6, level="deep", **good)
    call(f, "n1", "validate-all", 5, berth="/nowhere/berth", **good)
    call(f, "n1", "monitor", 7, **good)
    call(f, "n1", "monitor", 7, berth="/nowhere/berth", **good)
    call(f, "n1", "start", 5, berth="/nowhere/berth", **good)
    call(f, "n1", "stop", 0, berth="/nowhere/berth", **good)
    call(f, "n1", "stop", 0, **good)
    call(f, "n1", "stop", 0, **good)
    call(f, "n1", "stop", 0, name="../a b")  # an error would have the node fenced for a typing mistake
    call(f, "n1", "stop", 0)
    text, _ = call(f, "n1", "start", 1, **good)
    check("ocf-exit-reason:" in text and "disk mounted" in text, text)
    call(f, "n1", "start", 5, "node", berthd="/nowhere/berthd", pid="/run/other.pid")
    call(f, "n1", "start", 5, "node", config="/nowhere/berthd.conf", pid="/run/other.pid")
    call(f, "n1", "monitor", 7, "node", pid="/run/other.pid")
    call(f, "n1", "stop", 0, "node", pid="/run/other.pid")
    call(f, "n1", "monitor", 0, "node")
    call(f, "n1", "start", 0, "node")


def test_agent_online(f):
    """with the file server online, the agent's start and stop are idempotent and its deep monitor reads a share"""
    host = f.owner()
    good = {"name": "FS", "volume": "/srv/fs"}
    away = f.other(host)
    call(f, host, "monitor", 0, **good)
    call(f, away, "monitor", 7, **good)
    call(f, host, "start", 0, **good)
    f.run(host, "sh", "-c", "umask 077; echo '%s' >/srv/fs/.berth/probe-password" % PASSWORD)
    deep = dict(good, probe_share="data", probe_user="alice", probe_password_file="/srv/fs/.berth/probe-password",
                probe_address=ADDRESS)
    call(f, host, "monitor", 0, level="10", **deep)
    text, _ = call(f, host, "monitor", 1, level="10", **dict(deep, probe_share="absent"))
    check("absent" in text, text)
    text, _ = call(f, away, "start", 1, **good)
    check("disk mounted" in text, text)
    call(f, away, "stop", 0, **good)
    check(f.owner() == host, "a stop elsewhere took FS offline")


def killed(f, host, agent, longest_s, **parameters):
    """An agent is killed, as Pacemaker does it with its children, at some moment of each action."""
    environment = ["OCF_ROOT=/usr/lib/ocf"] + ["OCF_RESKEY_%s=%s" % p for p in parameters.items()]
    for action in ("start", "monitor", "stop", "start") * 2:
        if action != "start":
            call(f, host, "start", 0, agent, **parameters)
        f.run(host, "env", *environment, "timeout", "-s", "KILL", "%.3f" % f.rng.uniform(0.003, longest_s),
              "/usr/lib/ocf/resource.d/berth/" + agent, action, ok=False)
        call(f, host, "stop", 0, agent, **parameters)
        call(f, host, "monitor", 7, agent, **parameters)


def test_killed_agent(f):
    """each agent killed in the middle of a start, a stop and a monitor leaves what stop and monitor can deal with"""
    host = f.owner()
    f.berth(host, "server", "offline", FS)
    killed(f, host, "disk", 0.3, device="/srv/disk", directory="/srv/fs", fstype="ext4")
    check(not f.lab.mounts(host), "stopped, and mounted")
    killed(f, host, "address", 0.15, ip="10.78.0.51", cidr_netmask="24")
    check("10.78.0.51" not in f.run(host, "ip", "addr"), "stopped, and the address is there")
    f.run(host, "mount", "/srv/disk", "/srv/fs")
    killed(f, host, "fileserver", 0.08, name="FS", volume="/srv/fs")
    f.run(host, "umount", "/srv/fs")  # nothing of it is open
    f.berth(host, "server", "online", FS)
    f.wait_online(host)


def test_hanging(f):
    """with a berthd that hangs, monitor gives up in time and says why, and stop ends it"""
    host = f.owner()
    good = {"name": "FS", "volume": "/srv/fs"}
    f.run(host, "crm_attribute", "--name", "maintenance-mode", "--update", "true")  # Pacemaker looks on
    try:
        inside, pid = f.berthd(host)
        os.kill(pid, signal.SIGSTOP)
        text, took = call(f, host, "monitor", 1, **good)
        check("does not answer" in text and took < 15, "%s, after %.1f s" % (text, took))
        text, took = call(f, host, "monitor", 1, "node")
        check("does not answer" in text and took < 15, "%s, after %.1f s" % (text, took))
        text, took = call(f, host, "stop", 0, **good)
        check(took < 15 and not os.path.exists("/proc/%d" % pid), "not ended after %.1f s: %s" % (took, text))
        call(f, host, "monitor", 7, **good)
    finally:
        f.run(host, "crm_attribute", "--name", "maintenance-mode", "--delete")
    f.clean()
    f.wait_online(host)
