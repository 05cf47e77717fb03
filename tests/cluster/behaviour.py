# SPDX-License-Identifier: Apache-2.0
"""What a file server does under Pacemaker when nothing has gone wrong, and what it says when it cannot be served."""
import os
import re
import subprocess
import time

import lab as labs
from accidents import told
from field import ADDRESS, FS, check, wait_until
from load import Client


def test_create(f):
    """berth server create --engine pacemaker writes disk, address and file server in one transaction, and it comes online"""
    f.make_server()
    s = f.server("n1")
    kinds = [p["type"] for p in s["parts"]]
    check(kinds == ["disk", "address", "fileserver"], str(s))
    good, text = Client(f).run("put /etc/hostname first; ls")
    check(good, text)
    owner = f.owner()
    text = f.run(owner, "dumpe2fs", "-h", "/srv/disk")
    check(re.search("^Filesystem features:.* mmp ", text, re.M), "no multi-mount protection: %s" % text)
    with open("/proc/%d/mounts" % f.lab.pid(owner)) as file:
        options = [line.split()[3].split(",") for line in file if line.split()[1] == "/srv/fs"]
    check(options and "nosuid" in options[-1] and "nodev" in options[-1], str(options))


def test_commands(f):
    """a move leaves no constraint behind, offline unmounts the volume, and another's volume makes no file server"""
    host = f.owner()
    target = f.other(host)
    f.berth(host, "server", "move", FS, target)
    check(f.owner() == target, "after move: %s" % f.server(host))
    wait_until("the move has left nothing behind",
               lambda: "cli-prefer" not in f.run(host, "cibadmin", "-Q", "--local"), 30)
    check(f.owner() == target, "FS did not stay where it was moved to")
    f.berth(host, "server", "offline", FS)
    check(not any(f.lab.mounts(h) for h in labs.HOSTS), "offline, and the volume is mounted")
    f.berth(host, "server", "online", FS)
    f.wait_online(host)
    code, text = f.berth(host, "server", "create", "OTHER", "--volume", "/srv/own", "--address", "10.78.0.60/24", ok=False)
    check(code == 1 and ("holds" in text or "mounted" in text), text)


def test_changes_by_others(f):
    """what crm_resource changes is seen: stopped, started, moved"""
    host = f.owner()
    away = f.other(host)
    f.run(host, "crm_resource", "--resource", FS, "--meta", "--set-parameter", "target-role", "--parameter-value", "Stopped")
    wait_until("FS is seen offline", lambda: f.server(away)["state"] == "offline", 30)
    f.run(host, "crm_resource", "--resource", FS, "--meta", "--set-parameter", "target-role", "--parameter-value", "Started")
    f.wait_online(away)
    f.run(host, "crm_resource", "--move", "--resource", FS, "--node", away)
    f.wait_online(host, on=away)
    f.run(host, "crm_resource", "--clear", "--resource", FS)


NONSENSE = (  # what is written into the configuration, and what takes it out again
    ("a file server whose name is none",
     ("cibadmin", "--modify", "--allow-create", "--xml-text",
      '<configuration><resources><primitive id="nonsense" class="ocf" provider="berth" type="fileserver">'
      '<instance_attributes id="nonsense-a"><nvpair id="nonsense-n" name="name" value="../x y"/></instance_attributes>'
      '<meta_attributes id="nonsense-m"><nvpair id="nonsense-t" name="target-role" value="Stopped"/></meta_attributes>'
      '</primitive></resources></configuration>'),
     ("cibadmin", "--delete", "--xpath", "//primitive[@id='nonsense']")),
    ("facts that are none",
     ("crm_resource", "--resource", "FS-server", "--meta", "--set-parameter", "berth-facts", "--parameter-value", '{"networks":[7,'),
     None),
    ("a limit that is no number",
     ("crm_resource", "--resource", "FS", "--meta", "--set-parameter", "migration-threshold", "--parameter-value", "many"),
     ("crm_resource", "--resource", "FS", "--meta", "--set-parameter", "migration-threshold", "--parameter-value", "4")),
    ("a preference for a node that never was",
     ("cibadmin", "--modify", "--allow-create", "--xml-text", '<configuration><constraints><rsc_location '
      'id="FS-prefers-nobody" rsc="FS" node="no such node" score="49"/></constraints></configuration>'),
     ("cibadmin", "--delete", "--xpath", "//rsc_location[@id='FS-prefers-nobody']")),
    ("the group taken apart, with a second file server in it",
     ("cibadmin", "--modify", "--allow-create", "--xml-text",
      '<configuration><resources><group id="FS"><primitive id="FS-again" class="ocf" provider="berth" type="fileserver">'
      '<instance_attributes id="again-a"><nvpair id="again-n" name="name" value="FS"/></instance_attributes>'
      '<meta_attributes id="again-m"><nvpair id="again-t" name="target-role" value="Stopped"/></meta_attributes>'
      '</primitive></group></resources></configuration>'),
     ("cibadmin", "--delete", "--xpath", "//primitive[@id='FS-again']")),
)


def test_nonsense(f):
    """a configuration edited to nonsense leaves FS where it is and served, and has no host fenced"""
    host = f.owner()
    epoch = f.server(host)["epoch"]
    for what, write, undo in NONSENSE:
        f.run(host, *write)
        time.sleep(1)
        for h in labs.HOSTS:
            s = f.server(h)
            check((s["state"], s["owner"]) == ("online", host), "%s, seen by %s: %s" % (what, h, f.status(h)))
        if undo:
            f.run(host, *undo)
    f.berth(host, "server", "set", FS, "restart_period_s=800")  # which has the facts written again
    wait_until("its facts are told again", lambda: f.server(host).get("networks") == [ADDRESS + "/24"], 30)
    f.clean()
    check(f.server(host)["epoch"] == epoch, "it was started anew: %s" % f.server(host))
    check(len(f.up()) == len(labs.HOSTS), "a host was fenced for it")
    good, text = Client(f).run("put /etc/hostname second")
    check(good, text)


def test_nodes_have_nothing_to_copy(f):
    """no file of a node but its own configuration and state names the file server"""
    f.berth(f.owner(), "status")
    for host in labs.HOSTS:
        code, text = f.run(host, "grep", "-rl", "alice", "/etc/berth", "/var/lib/berth", ok=False)
        check(code == 1, "%s has a copy of the accounts: %s" % (host, text))


def test_preferred_and_failback(f):
    """preferred owners, failback and limits that are set on FS become Pacemaker's, and hold"""
    host = f.owner()
    away = f.other(host)
    f.berth(host, "server", "set", FS, "preferred_owners=%s,%s" % (away, host), "restart_threshold=5")
    wait_until("they are written", lambda: "FS-prefers-" + away in f.run(host, "cibadmin", "-Q", "--local"), 30)
    wait_until("the limit is written",
               lambda: 'name="migration-threshold" value="6"' in f.run(host, "cibadmin", "-Q", "--local"), 30)
    time.sleep(3)
    check(f.owner(away) == host, "a preference alone moved what runs")
    f.berth(host, "server", "set", FS, "failback=yes")
    f.wait_online(away, on=away)
    told(f, "move", host, away, ["stop", "mount", "address", "service"])
    came = f.server(away)["failover"]["at_ms"]
    f.berth(away, "server", "set", FS, "failback=no", "preferred_owners=")
    wait_until("they are gone", lambda: "FS-prefers-" not in f.run(host, "cibadmin", "-Q", "--local"), 30)
    f.wait_online(away, on=away)
    check(f.server(away)["failover"]["at_ms"] == came, "it moved, or was started anew: %s" % f.server(away))


def lose_database(home):
    os.rename(home + "/server.db", home + "/away.db")


def find_database(home):
    os.rename(home + "/away.db", home + "/server.db")


def set_version(home, version):
    """Gives what it was. SQLite keeps it at byte 60 of the file."""
    with open(home + "/server.db", "r+b") as file:
        file.seek(60)
        before = file.read(4)
        file.seek(60)
        file.write(version)
    return before


VERSION = []


def make_newer(home):
    """What a Berth leaves that is newer than this one."""
    VERSION.append(set_version(home, b"\0\0\x12\x67"))


def make_older(home):
    set_version(home, VERSION.pop())


def set_magic(f, host, value):
    """Of the superblock: without it there is no file system for mount."""
    with open(f.path_on(host, "/srv/disk"), "r+b") as file:
        file.seek(1024 + 56)
        file.write(value)
        file.flush()
        os.fsync(file.fileno())


def client_address(f, verb):
    labs.must("ip", "-n", f.lab.namespace("client"), "addr", verb, ADDRESS + "/32", "dev", "eth0")


FAULTS = (
    ("its database is gone", lambda f, h: f.on_its_volume(h, lose_database), lambda f, h: f.on_its_volume(h, find_database), "database"),
    ("a newer Berth had it", lambda f, h: f.on_its_volume(h, make_newer), lambda f, h: f.on_its_volume(h, make_older), "newer"),
    ("its disk cannot be mounted", lambda f, h: set_magic(f, h, b"\0\0"), lambda f, h: set_magic(f, h, b"\x53\xef"), "mount"),
    ("another machine has its address", lambda f, h: client_address(f, "add"), lambda f, h: client_address(f, "del"),
     "in use on the network, by"),
)


def test_failed_with_reason(f):
    """a file server that can start on no node is failed, says why, and comes online when that is mended"""
    host = f.owner()
    for what, breaks, mends, word in FAULTS if f.is_long else (FAULTS[0], FAULTS[3]):
        f.berth(host, "server", "offline", FS)
        breaks(f, host)
        code, text = f.berth(host, "server", "online", FS, ok=False, timeout=120)
        check(code == 1 and "failed" in text, "%s: %s" % (what, text))
        s = f.server(host)
        check(s["state"] == "failed" and word in s["reason"], "%s: %s" % (what, s))
        print("# %s: %s" % (what, s["reason"]), flush=True)
        check(len(f.up()) == len(labs.HOSTS), "%s: a host was fenced for it" % what)
        f.berth(host, "server", "offline", FS)
        mends(f, host)
        f.berth(host, "server", "online", FS, timeout=120)
        host, _ = f.wait_online(host)


def test_not_unmounted(f):
    """a volume that cannot be unmounted: the stop fails and says so, the node is fenced, and another one serves"""
    host = f.owner()
    away = f.other(host)
    # Of no PID namespace of the host, so that its agent cannot end it; a power cut does.
    holder = subprocess.Popen(["nsenter", "-t", str(f.lab.pid(host)), "-m", "sh", "-c", "cd /srv/fs && exec sleep 120"],
                              stdin=subprocess.DEVNULL)
    try:
        wait_until("it is in the way", lambda: os.readlink("/proc/%d/cwd" % holder.pid) == "/srv/fs", 10)
        f.run(away, "crm_resource", "--move", "--resource", FS, "--node", away)
        said = set()

        def off():
            said.add(f.server(away)["reason"])
            return not f.lab.pid(host)
        wait_until("the host is turned off", off, 120, 0.02)
    finally:
        holder.kill()
        holder.wait()
    f.wait_online(away, on=away)
    f.run(away, "crm_resource", "--clear", "--resource", FS)
    told_so = [s for s in said if "cannot be unmounted" in s and host in s]
    check(told_so, "nothing told why: %s" % said)
    print("# %s" % told_so[0], flush=True)
    with open(f.lab.path("events")) as file:
        check(any(line.split()[1:] == ["fence", host] for line in file), "%s was not fenced" % host)
    f.everyone_back()
