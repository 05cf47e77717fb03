# SPDX-License-Identifier: Apache-2.0
"""docs/cluster.md, taken at its word."""
import os
import re
import tempfile

import lab as labs
from field import Field, check, wait_until


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


def test_docs(f):
    """the ten commands of docs/cluster.md make a cluster and \\\\FS of bare machines, as written"""
    with open(os.path.join(labs.TOP, "docs", "cluster.md")) as file:
        commands = commands_of(file.read())
    check(sorted(commands) == list(range(1, 11)), str(commands))
    packages = commands[1].split()[2:]
    check(labs.quiet("dpkg", "-s", *packages) == 0, "not installed: %s" % packages)
    bare = Field(tempfile.mkdtemp(prefix="berth-cluster-docs.", dir="/var/tmp"))
    try:
        bare.lab.up(bare=True)
        for host in labs.HOSTS:
            os.unlink(bare.lab.path(host, "files/etc/berth/berthd.conf"))
        code, text = bare.run("n1", "berth", "cluster", "init", "x", "--node", "n1=10.78.0.11", "--node", "n2=10.78.0.12",
                              "--fence", "fence_lab", ok=False)
        check(code == 1 and "arbiter" in text and "--force" in text, text)
        three = ["berth", "cluster", "init", "x"] + [w for h in labs.HOSTS for w in ("--node", "%s=%s" % (h, bare.lab.address(h)))]
        for nonsense in ("novalue", "=x", "a b=c", "passwd=a,b"):
            code, text = bare.run("n1", *three, "--fence", "fence_lab", "--fence-option", nonsense, ok=False)
            check(code == 2 and "KEY=VALUE" in text, "%s: %s" % (nonsense, text))
        check(not os.path.exists(bare.lab.path("n1", "files/etc/corosync/authkey")), "refused, and the key is made")
        code, text = bare.run("n1", *three, ok=False)
        check(code == 1 and "fenc" in text and "--force" in text, text)
        bare.run("n1", "sh", "-c", commands[2], timeout=120)
        for host in ("n2", "n3"):
            left, right = commands[3].split("|")
            check(left.split()[:2] == ["ssh", "n1"], left)
            invitation = bare.run("n1", *left.split()[2:])
            bare.run(host, *right.split(), input=invitation, timeout=120)
        bare.lab.wait_cluster(90)
        bare.wait_berthd()
        for number in range(4, 11):
            bare.run("n1", "sh", "-c", commands[number], timeout=200)
        check(bare.owner("n1") == "n2", str(bare.server("n1")))
        text = bare.run("n2", "berth", "cluster", "verify")
        check("NOT" not in text and text.count("\n") >= 20, text)
        for step, (breaks, word) in enumerate(UNSAFE):
            bare.run("n2", *breaks)
            wait_until(lambda: "verify finds that %s: %s" % (word, bare.run("n2", "berth", "cluster", "verify", ok=False)),
                       lambda: any(line.startswith("NOT") and word in line for line in
                                   bare.run("n2", "berth", "cluster", "verify", ok=False)[1].splitlines()), 10, 0.3)
        code, text = bare.run("n2", "berth", "cluster", "verify", ok=False)
        check(code == 1 and text.count("NOT") >= len(UNSAFE), text)
    finally:
        bare.lab.down()
