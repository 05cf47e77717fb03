# SPDX-License-Identifier: Apache-2.0
"""What clients cost a distribution point and a site: many agents, each with a key and a directory of its own, poll one
file server on this machine. Run by tools/measure-clients; prints the figures that docs/scale.md computes with."""
import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from lab import BUILD, PASSWORD, Lab

AGENT = os.path.join(BUILD, "src/agent/berth-agent")
COUNT = int(os.environ.get("BERTH_CLIENTS", "300"))
PARALLEL = 16
POLLED = re.compile(r"polled known=\w+ bytes=(\d+) requests=(\d+)")


def cpu(pid):
    fields = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def round_of(lab, name):
    node = lab.nodes["N1"].process.pid

    def poll(i):
        base = os.path.join(lab.directory, "c%d" % i)
        result = subprocess.run([AGENT, "--config", base + ".conf", "once"], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")
        found = POLLED.search(result.stdout)
        return (int(found.group(1)), int(found.group(2))) if result.returncode == 0 and found else None

    began, used = time.monotonic(), cpu(node)
    with ThreadPoolExecutor(PARALLEL) as pool:
        got = list(pool.map(poll, range(COUNT)))
    seconds, used = time.monotonic() - began, cpu(node) - used
    good = [g for g in got if g]
    print("%-34s %5d polls %4d failed  %7.1f s  %6d bytes  %5.1f requests  %6.2f ms of the server's processors a poll" %
          (name, len(good), COUNT - len(good), seconds, sum(g[0] for g in good) / max(1, len(good)),
           sum(g[1] for g in good) / max(1, len(good)), used * 1000 / COUNT), flush=True)


def main():
    lab = Lab()
    try:
        lab.node("N1", "127.0.0.11")
        lab.server("FS", "127.0.0.50")
        for user in ("publisher", "client"):
            lab.user("FS", user, admin=True)
        lab.share("FS", "distro_test", "--path", "packages")

        def site(*args, input=None):
            return lab.berth(*args, "--site", os.path.join(lab.directory, "site"), input=input).out

        site("site", "init", os.path.join(lab.directory, "site"), "--code", "P01")
        site("site", "add-account", "publisher", "--user", "publisher", "--password-stdin", input=PASSWORD + "\n")
        site("site", "set", "account=publisher")
        site("site", "add-dp", r"\\FS\distro_test")
        site("site", "publish")
        for name, text in (("password", PASSWORD + "\n"), ("root.json", site("site", "client-root"))):
            with open(os.path.join(lab.directory, name), "w") as f:
                f.write(text)
        for i in range(COUNT):
            base = os.path.join(lab.directory, "c%d" % i)
            with open(base + ".token", "w") as f:
                f.write(site("client", "token"))
            with open(base + ".conf", "w") as f:
                f.write("[agent]\nname = c%d\nstate = %s\nroot = %s/root.json\ntoken_file = %s.token\nuser = client\n"
                        "password_file = %s/password\n[point FS]\nserver = FS\nshare = distro_test\nhost = 127.0.0.50\n"
                        "port = %d\n" % (i, base, lab.directory, base, lab.directory, lab.port))
        round_of(lab, "first poll, with an enrolment")
        began = time.monotonic()
        counts = json.loads(site("client", "collect", "--json"))
        seconds = time.monotonic() - began
        print("%-34s %5d papers %17.1f s  %6.1f ms each" % ("the site takes the enrolments", counts["enrolments"], seconds,
                                                         seconds * 1000 / max(1, counts["enrolments"])))
        site("site", "publish")
        round_of(lab, "a policy that is new, with a report")
        began = time.monotonic()
        counts = json.loads(site("client", "collect", "--json"))
        seconds = time.monotonic() - began
        print("%-34s %5d papers %17.1f s  %6.1f ms each" % ("the site takes the reports", counts["reports"], seconds,
                                                         seconds * 1000 / max(1, counts["reports"])))
        round_of(lab, "nothing is new")
    finally:
        lab.__exit__(None, None, None)


sys.exit(main())
