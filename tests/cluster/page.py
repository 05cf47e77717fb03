# SPDX-License-Identifier: Apache-2.0
"""docs/cluster.md, taken at its word."""
import contextlib
import functools
import os
import re
import shutil
import tempfile

import lab as labs
from field import Field, check
from field import wait_until as wait_for

PATIENCE = 300  # seconds, for any command and condition here: on a busy machine, a cluster takes long to form
wait_until = functools.partial(wait_for, seconds=PATIENCE, step=0.2)


def commands_of(page):
    """The numbered commands of docs/cluster.md, as they stand there."""
    found = {}
    last, is_code = None, False
    for line in page.splitlines():
        if line.startswith("```"):
            is_code, last = not is_code, None
        if not is_code:
            continue
        match = re.match(r"(\d+) +(\S.*)$", line)
        if match:
            last = int(match.group(1))
            found[last] = match.group(2)
        elif last and found[last].endswith("\\"):
            found[last] = found[last][:-1] + line.strip()
    return found


# What makes a cluster unsafe, and a word of what verify says of it.
UNSAFE = (
    (("crm_attribute", "--name", "startup-fencing", "--update", "false"), "never seen are fenced"),
    (("crm_attribute", "--name", "no-quorum-policy", "--update", "ignore"), "without a quorum"),
    (("crm_resource", "--resource", "FS-disk", "--set-parameter", "options", "--parameter-value", "rw"), "nosuid"),
    (("cibadmin", "--delete-all", "--force", "--xpath", "//primitive[@id='FS-server']//op[@name='monitor']"), "is watched"),
    (("cibadmin", "--modify", "--allow-create", "--xml-text",
      '<op id="FS-disk-stop-0" name="stop" interval="0" timeout="60s" on-fail="ignore"/>'), "has its node fenced"),
    (("crm_resource", "--resource", "fence", "--set-parameter", "pcmk_host_list", "--parameter-value", "n1 n2"), "n3 off"),
    (("attrd_updater", "--name", "berth-version", "--update", "9.9"), "the same Berth"),
    (("crm_attribute", "--name", "stonith-enabled", "--update", "false"), "there is fencing"),
)


def join(bare, host, command):
    """Number 3, on a host: what goes through ssh there is carried here."""
    left, right = command.split("|")
    check(left.split()[:2] == ["ssh", "n1"], left)
    invitation = bare.run("n1", *left.split()[2:])
    bare.run(host, *right.split(), input=invitation)


def replace_a_node(bare, command):
    """n3 is lost with all that was on it; a new machine gets its name and address, and joins. Nothing turns it on, or off, before
    it is there."""
    broken = bare.lab.path("power.broken")
    with open(broken, "w"):
        pass
    bare.lab.cut("n3")
    shutil.rmtree(bare.lab.path("n3", "files"))
    bare.lab.make_host_files("n3", None, b"", "")
    os.unlink(bare.lab.path("n3", "files/etc/berth/berthd.conf"))
    os.unlink(bare.lab.path("n3", "ready"))
    os.unlink(broken)
    wait_until("n3 is fenced", lambda: re.search(r"OFFLINE: \[.* n3 ", bare.run("n1", "crm_mon", "-1")))
    wait_until("its successor is on", lambda: bare.lab.pid("n3") and os.path.exists(bare.lab.path("n3", "ready")))
    join(bare, "n3", command)
    bare.all_members()
    check(bare.owner("n1") == "n2", "FS did not stay: %s" % bare.server("n1"))


def upgrade_a_node(bare, page):
    """The owner is put aside and taken back with the commands that the page has for it."""
    row = next(line for line in page.splitlines() if line.startswith("| upgrade a node |"))
    aside = re.search("`(crm_attribute .*?)`", row).group(1).replace("n1", "n2")
    bare.run("n1", *aside.split())
    owner, _ = bare.wait_online("n1", but="n2")
    check(not bare.lab.mounts("n2"), "the node that is put aside has the disk")
    bare.run("n1", *aside.replace("--update on", "--update off").split())
    bare.clean()
    check(bare.owner("n1") == owner, "it went back by itself")


def take_one_away(bare):
    """n3 leaves; the others go on, and do not fence it."""
    said = bare.run("n3", "berth", "cluster", "leave")
    check("crm_node --force --remove n3" in said, said)
    bare.run("n1", "crm_node", "--force", "--remove", "n3")
    wait_until("n3 is known no more", lambda: "n3" not in bare.run("n1", "crm_mon", "-1").replace("fence-n3", ""))
    check(bare.owner("n1"), str(bare.server("n1")))
    with open(bare.lab.path("events")) as file:
        check(sum(line.split()[1:] == ["fence", "n3"] for line in file) <= 1, "it was fenced for leaving")


def undo(bare, text):
    """All of it is taken back with the commands that the page has for it; the volume stays as it is."""
    row = next(line for line in text.splitlines() if line.startswith("| undo `init` |"))
    gone, leave = re.findall("`(berth .*?)`", row)
    bare.run("n1", "sh", "-c", gone)
    for host in ("n3", "n2"):
        bare.run(host, *leave.split())
    code, said = bare.run("n1", *leave.split(), ok=False)
    if code:
        check("--force" in said and "--force" in row, said)
        bare.run("n1", *leave.split(), "--force")
    for host in labs.HOSTS:
        check(not os.path.exists(bare.lab.path(host, "files/etc/corosync/authkey")), host + " has the key of the cluster")
        code, said = bare.run(host, "pidof", "corosync", "pacemakerd", ok=False)
        check(code == 1, "a cluster runs on %s: %s" % (host, said))
    check(len(bare.up()) == len(labs.HOSTS), "a host was turned off for it")
    check("server.db" in bare.on_its_volume("n1", os.listdir), "the file server's home is gone")


def page():
    with open(os.path.join(labs.TOP, "docs", "cluster.md")) as file:
        return file.read()


@contextlib.contextmanager
def bare_machines():
    bare = Field(tempfile.mkdtemp(prefix="berth-cluster-docs.", dir="/var/tmp"))
    bare.patience = PATIENCE
    try:
        bare.lab.up(bare=True)
        for host in labs.HOSTS:
            os.unlink(bare.lab.path(host, "files/etc/berth/berthd.conf"))
        yield bare
    finally:
        bare.lab.down()


def one_device_each(text):
    """The command of the page that takes the place of number 2 where each node has its own fence device, and the file that it
    names, as it stands there; the lab's agent is in the place of the page's."""
    blocks = re.findall(r"(?m)(?:^    .*\n)+", text)
    command = next(b for b in blocks if "--fence n1=" in b).replace("\\\n", " ").strip()
    path = re.search(r"--fence-option-file (\S+)", command).group(1)
    file = next(b for b in blocks if b.strip().startswith("# " + path))
    return command.replace("fence_ipmilan", "fence_lab"), path, re.sub("(?m)^ +", "", file)


def check_devices(bare):
    """Each device turns its node off and no other, runs elsewhere, and has what the file says of it."""
    cib = bare.run("n1", "cibadmin", "--query")
    for host in labs.HOSTS:
        device = re.search('<primitive id="fence-%s".*?</primitive>' % host, cib, re.S).group(0)
        given = dict(re.findall('name="(\\S+)" value="(.*?)"', device))
        wanted = {"pcmk_host_list": host, "pcmk_host_check": "static-list", "ip": host + "-bmc", "username": "admin"}
        check(wanted.items() <= given.items(), "%s: %s" % (host, device))
        check(given.get("passwd") == "of-a-bmc" and ("privlvl" in given) == (host == "n3"), "%s: %s" % (host, device))
        stands = bare.run("n1", "crm_resource", "--locate", "--resource", "fence-" + host)
        check("running on:" in stands and stands.split()[-1] != host, stands)
        other = "n2" if host == "n1" else "n1"  # a fencer does not know of a device that is kept off it
        check(bare.run(other, "stonith_admin", "--list", host).split()[0] == "fence-" + host, "another device turns %s off" % host)
    role = ("crm_resource", "--resource", "fence-n1", "--meta")
    bare.run("n1", *role, "--set-parameter", "target-role", "--parameter-value", "Stopped")
    wait_until("n1 finds that nothing can turn it off, as its device is switched off",
               lambda: re.search("(?m)^NOT.* n1 off", bare.run("n1", "berth", "cluster", "verify", ok=False)[1]))
    bare.run("n1", *role, "--delete-parameter", "target-role")
    wait_until("its device is back", lambda: "NOT" not in bare.run("n1", "berth", "cluster", "verify", ok=False)[1])


def ten_commands(bare, commands):
    """From number 2 on: a cluster of the three, and FS, on n2 in the end. Gives what number 2 said."""
    said = bare.run("n1", "sh", "-c", commands[2])
    for host in ("n2", "n3"):
        join(bare, host, commands[3])
    bare.lab.wait_cluster(PATIENCE)
    bare.wait_berthd()
    for number in range(4, 11):
        bare.run("n1", "sh", "-c", commands[number])
    check(bare.owner("n1") == "n2", str(bare.server("n1")))
    text = bare.run("n2", "berth", "cluster", "verify")
    check("NOT" not in text and text.count("\n") >= 20, text)
    return said


# What is no way to turn three nodes off: what is given, the exit code, and a word of what is said.
EACH = ("--fence", "n1=fence_lab", "--fence", "n2=fence_lab,plug=n2", "--fence", "n3=fence_lab")
FENCE_FILE = "# of all\nlogin=x\n[n2]\npasswd=Gehe1m\n[n4]\npasswd=Gehe1m\n"
REFUSED = (
    (("--fence", "fence_lab", "--fence-option", "novalue"), 2, "KEY=VALUE"),
    (("--fence", "fence_lab", "--fence-option", "=x"), 2, "KEY=VALUE"),
    (("--fence", "fence_lab", "--fence-option", "a b=c"), 2, "KEY=VALUE"),
    (("--fence", "fence_lab", "--fence-option", "login=a,b"), 2, "KEY=VALUE"),
    (("--fence", "fence_lab,login=a,=b"), 2, "KEY=VALUE"),
    (("--fence", "fence_lab", "--fence-option", "passwd=Gehe1m"), 2, "--fence-option-file"),
    (("--fence", "fence_lab,snmp_priv_passwd=Gehe1m"), 2, "--fence-option-file"),
    (("--fence", "fence_lab,secret_key=Gehe1m"), 2, "--fence-option-file"),
    (("--fence", "fence_lab", "--fence-option", "API-Token=Gehe1m"), 2, "--fence-option-file"),
    (("--fence-option", "login=x"), 2, "no fence agent"),
    (("--fence", "fence_none"), 1, "fence_none is not installed"),
    (("--fence", "../../bin/sh"), 2, "no fence agent"),
    (("--fence", ""), 2, "no fence agent"),
    (("--fence", "n1=fence_lab"), 1, "nothing turns n2 off"),
    (EACH[:4], 1, "nothing turns n3 off"),
    (EACH + ("--fence", "n4=fence_lab"), 2, "no node of that name"),
    (EACH + ("--fence", "n2=fence_lab"), 2, "n2 has two"),
    (EACH + ("--fence", "fence_lab"), 2, "for all nodes"),
    (("--fence", "fence_lab", "--fence", "fence_lab"), 2, "for all nodes"),
    (("--fence", "fence_lab") + EACH, 2, "for all nodes"),
    (EACH + ("--fence-option", "plug=n1"), 2, "plug is set twice for the fence device of n2"),
    (EACH + ("--fence-option", "pcmk_host_list=n1 n2"), 2, "pcmk_host_list is set twice for the fence device of n1"),
    (EACH + ("--fence-option-file", "/nowhere"), 1, "cannot read /nowhere"),
    (EACH + ("--fence-option-file", "/dev/stdin"), 2, '"[n4]"'),
    (("--fence", "fence_lab", "--fence-option-file", "/dev/stdin"), 2, '"[n2]"'),
)


def refusals(bare):
    """What init does not do, and leaves nothing behind of."""
    code, text = bare.run("n1", "berth", "cluster", "init", "x", "--node", "n1=10.78.0.11", "--node", "n2=10.78.0.12",
                          "--fence", "fence_lab", ok=False)
    check(code == 1 and "arbiter" in text and "--force" in text, text)
    three = ["berth", "cluster", "init", "x"] + [w for h in labs.HOSTS for w in ("--node", "%s=%s" % (h, bare.lab.address(h)))]
    for more, expected, word in REFUSED:
        code, text = bare.run("n1", *three, *more, ok=False, input=FENCE_FILE if "/dev/stdin" in more else None)
        check(code == expected and word in text, "%s: %s" % (more, text))
        check("Gehe1m" not in text, "a password is told: %s" % text)
    check(not os.path.exists(bare.lab.path("n1", "files/etc/corosync/authkey")), "refused, and the key is made")
    code, text = bare.run("n1", *three, ok=False)
    check(code == 1 and "fenc" in text and "--force" in text, text)


# As Debian's package of Corosync brings it.
PACKAGED = ("totem {\n\tversion: 2\n\tcluster_name: debian\n\tcrypto_cipher: none\n\tcrypto_hash: none\n}\n"
            "quorum {\n\tprovider: corosync_votequorum\n}\nnodelist {\n\t# one node\n\tnode {\n\t\tname: node1\n\t\tnodeid: 1\n"
            "\t\tring0_addr: 127.0.0.1\n\t}\n}\n")
DUMMY = '<primitive id="own" class="ocf" provider="pacemaker" type="Dummy"/>'


def alone(bare, init):
    """Number 2 on a machine on which, as where systemd runs it, the packages have started a cluster of one node. What may be
    wanted is refused; without it, it is ended, and the new cluster knows nothing of its node."""
    conf, stub = bare.lab.path("n1", "files/etc/corosync/corosync.conf"), "/run/stub"

    def written(has):
        """Pacemaker writes its configuration down a moment after it has changed."""
        with open(bare.lab.path("n1", "files/var/lib/pacemaker/cib/cib.xml")) as file:
            return ("<primitive" in file.read()) == has

    def refused(word, *before):
        code, text = bare.run("n1", *before, "sh", "-c", init, ok=False)
        check(code == 1 and word in text, text)
    with open(conf, "w") as file:
        file.write(PACKAGED)
    bare.run("n1", "corosync")
    bare.run("n1", "sh", "-c", "setsid pacemakerd </dev/null >/dev/null 2>&1 &")
    wait_until("a cluster of one runs", lambda: "Online: [ node1 ]" in bare.lab.run("n1", "crm_mon", "-1")[1])
    with open(conf, "w") as file:
        file.write(PACKAGED.replace("127.0.0.1", "10.78.0.11"))
    refused("not one of Berth's")
    with open(conf, "w") as file:
        file.write(PACKAGED)
    bare.run("n1", "cibadmin", "--create", "--scope", "resources", "--xml-text", DUMMY)
    wait_until("the resource is written down", lambda: written(True))
    refused("has resources")
    bare.run("n1", "cibadmin", "--delete", "--xpath", "//primitive[@id='own']")
    wait_until("it is gone", lambda: written(False))
    # There is no systemd here: a program of this test takes its place, and fails.
    bare.run("n1", "mkdir", "-p", "/run/systemd/system", stub)
    bare.run("n1", "sh", "-c", "cat >%s/systemctl; chmod 755 %s/systemctl" % (stub, stub),
             input="#!/bin/sh\necho \"$*\" >>%s/asked\necho it does not stop\nexit 1\n" % stub)
    refused("it does not stop", "env", "PATH=%s:%s" % (stub, os.environ["PATH"]))
    check(bare.run("n1", "cat", stub + "/asked") == "stop pacemaker corosync\n", "another unit was stopped")
    bare.run("n1", "rm", "-r", "/run/systemd", stub)
    check(not os.path.exists(bare.lab.path("n1", "files/etc/corosync/authkey")), "refused, and the key is made")


def test_docs(f):
    """the ten commands of docs/cluster.md make a cluster and \\\\FS of bare machines, as written"""
    commands = commands_of(page())
    check(sorted(commands) == list(range(1, 11)), str(commands))
    packages = commands[1].split()[2:]
    check(labs.quiet("dpkg", "-s", *packages) == 0, "not installed: %s" % packages)
    with bare_machines() as bare:
        refusals(bare)
        alone(bare, commands[2])
        said = ten_commands(bare, commands)
        check("stopped the cluster of one node" in said, said)
        check("node1" not in bare.run("n1", "cibadmin", "--query"), "the node of the cluster of one is in the new one")
        for breaks, word in UNSAFE:
            bare.run("n2", *breaks)
            wait_until(lambda: "verify finds that %s: %s" % (word, bare.run("n2", "berth", "cluster", "verify", ok=False)),
                       lambda: any(line.startswith("NOT") and word in line for line in
                                   bare.run("n2", "berth", "cluster", "verify", ok=False)[1].splitlines()))
        code, text = bare.run("n2", "berth", "cluster", "verify", ok=False)
        check(code == 1 and text.count("NOT") >= len(UNSAFE), text)


def test_nodes_come_and_go(f):
    """with a fence device for each, a node is replaced, put aside for an upgrade, taken away and taken back as docs/cluster.md
    says, and FS is served; and all of it is undone"""
    text = page()
    commands = commands_of(text)
    commands[2], path, file = one_device_each(text)
    with bare_machines() as bare:
        bare.run("n1", "sh", "-c", "umask 077; cat >" + path, input=file)
        ten_commands(bare, commands)
        check_devices(bare)
        replace_a_node(bare, commands[3])
        upgrade_a_node(bare, text)
        take_one_away(bare)
        join(bare, "n3", commands[3])
        bare.all_members()
        said = bare.run("n1", "berth", "cluster", "verify")
        check("NOT" not in said, said)
        undo(bare, text)
