# SPDX-License-Identifier: Apache-2.0
"""What clients cost a distribution point and a site: many agents, each with a key and a directory of its own, poll one
file server on this machine. Run by tools/measure-clients; prints the figures that docs/scale.md computes with."""
import json
import os
import subprocess
import sys
import time

from lab import BUILD, PASSWORD, Lab

AGENTS = os.path.join(BUILD, "tools/bench/berth-bench-agents")
COUNT = int(os.environ.get("BERTH_CLIENTS", "300"))
PARALLEL = int(os.environ.get("BERTH_PARALLEL", "64"))


def status_of(pid, field):
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith(field + ":"))


def cpu(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def travelled():
    with open("/proc/net/dev") as f:
        return next(int(line.split(":")[1].split()[8]) for line in f if line.strip().startswith("lo:"))


def round_of(lab, name):
    node = lab.nodes["N1"].process.pid
    used, wire = cpu(node), travelled()
    result = subprocess.run([AGENTS, lab.directory, str(COUNT), str(PARALLEL)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, encoding="utf-8", check=True)
    used, wire = cpu(node) - used, travelled() - wire
    r = json.loads(result.stdout)
    print("%-36s %6d polls %4d failed %7.1f s %6.0f/s | a poll: %5.1f requests %6d bytes read %6d on the wire %5.2f ms of the "
          "server %5.1f ms (slowest %d ms) | server %d MiB" %
          (name, r["good"], r["failed"], r["wall_ms"] / 1000, r["good"] * 1000 / max(1, r["wall_ms"]), r["requests"] / COUNT,
           r["bytes"] / COUNT, wire / COUNT, used * 1000 / COUNT, r["poll_ms"] / COUNT, r["slowest_ms"],
           status_of(node, "VmRSS") // 1024), flush=True)
    if r["failed"]:
        print("  first failure: " + r["why"], flush=True)


def timed(name, unit, work):
    began = time.monotonic()
    count = work()
    seconds = time.monotonic() - began
    print("%-36s %6d %s %14.1f s %6.2f ms each" % (name, count, unit, seconds, seconds * 1000 / max(1, count)), flush=True)


def main():
    lab = Lab()
    try:
        lab.node("N1", "127.0.0.11")
        lab.server("FS", "127.0.0.50")
        for user in ("publisher", "client"):
            lab.user("FS", user, admin=True)
        lab.share("FS", "distro_test", "--path", "packages")

        def site(*args, input=None):
            return lab.berth(*args, "--site", os.path.join(lab.directory, "site"), input=input, timeout=3600).out

        def collect(kind):
            return json.loads(site("client", "collect", "--json"))[kind]

        site("site", "init", os.path.join(lab.directory, "site"), "--code", "P01")
        site("site", "add-account", "publisher", "--user", "publisher", "--password-stdin", input=PASSWORD + "\n")
        site("site", "set", "account=publisher")
        site("site", "add-dp", r"\\FS\distro_test")
        site("site", "publish")
        for name, text in (("password", PASSWORD + "\n"), ("root.json", site("site", "client-root"))):
            with open(os.path.join(lab.directory, name), "w") as f:
                f.write(text)
        began = time.monotonic()
        tokens = site("client", "token", "--count", str(COUNT)).split()
        print("%d tokens in %.1f s; %d polls at a time" % (len(tokens), time.monotonic() - began, PARALLEL), flush=True)
        for i, token in enumerate(tokens):
            base = os.path.join(lab.directory, "c%d" % i)
            with open(base + ".token", "w") as f:
                f.write(token + "\n")
            with open(base + ".conf", "w") as f:
                f.write("[agent]\nname = c%d\nstate = %s\nroot = %s/root.json\ntoken_file = %s.token\nuser = client\n"
                        "password_file = %s/password\n[point FS]\nserver = FS\nshare = distro_test\nhost = 127.0.0.50\n"
                        "port = %d\n" % (i, base, lab.directory, base, lab.directory, lab.port))
        round_of(lab, "first poll, with an enrolment")
        timed("the site takes the enrolments", "papers", lambda: collect("enrolments"))
        timed("the site builds and publishes policy", "clients", lambda: site("site", "publish") and COUNT)
        round_of(lab, "a policy that is new, with a report")
        timed("the site takes the reports", "papers", lambda: collect("reports"))
        round_of(lab, "nothing is new")
    finally:
        lab.__exit__(None, None, None)


sys.exit(main())
