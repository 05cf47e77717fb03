#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How long a failover takes, of a bare group and of a file server in its place, by turns.

  figures.py FILE     tell, and judge, the rounds that runs with --figures-file FILE have left there

A turn is one round of the bare group (a disk, an address, a trivial service) and one of the file server, on the same disk and
address of one lab, one right after the other; every second turn begins with the file server. So what else the machine does meets
both alike. A round is a line of JSON; without a file the rounds of a run are judged by themselves.
"""
import collections
import json
import os
import statistics
import sys
import time

import lab as labs
from field import FS, Failed, check, wait_until
from load import Prober

BAR_S = 0.5        # what Berth may add, to a move and to a power cut
FEW_BAR_S = 2.5    # where there are less than ENOUGH turns: two rounds on a busy machine say little
ENOUGH = 10
KINDS = {"move": "planned move", "cut": "power cut"}
GROUPS = {"BARE": "bare group", FS: "file server"}
LAST = {"BARE": "BARE-service", FS: FS + "-server"}  # of each group, what answers

BARE = ('<configuration><resources><group id="BARE"><meta_attributes id="b0"><nvpair id="b01" name="target-role" '
        'value="Stopped"/></meta_attributes><primitive id="BARE-disk" class="ocf" provider="heartbeat" '
        'type="Filesystem"><instance_attributes id="b1"><nvpair id="b11" name="device" value="/srv/disk"/><nvpair id="b12" '
        'name="directory" value="/srv/fs"/><nvpair id="b13" name="fstype" value="ext4"/></instance_attributes><operations>'
        '<op id="b14" name="monitor" interval="20s" timeout="40s"/></operations></primitive><primitive id="BARE-address" '
        'class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="b2"><nvpair id="b21" name="ip" '
        'value="10.78.0.50"/><nvpair id="b22" name="cidr_netmask" value="24"/></instance_attributes><operations><op id="b24" '
        'name="monitor" interval="10s" timeout="20s"/></operations></primitive><primitive id="BARE-service" class="ocf" '
        'provider="lab" type="trivial"><operations><op id="b34" name="monitor" interval="3s" timeout="20s"/></operations>'
        '</primitive></group></resources></configuration>')


# ---- one round

def stands(f, group, host=None):
    text = f.lab.run(host or f.up()[0], "crm_resource", "--locate", "--resource", LAST[group])[1]
    return text.rsplit(":", 1)[1].split()[0] if "running on:" in text else None


def settle(f):
    f.lab.run(f.up()[0], "crm_resource", "--wait", "--timeout=30s")


def set_role(f, group, role):
    f.run(f.up()[0], "crm_resource", "--resource", group, "--meta", "--set-parameter", "target-role", "--parameter-value", role)


def hand_over(f, group):
    """The disk and the address to this group, if they are not its own already. Multi-mount protection is of Berth: a bare group
    that has it waits for 22 s after a power cut."""
    if stands(f, group):
        return
    set_role(f, next(g for g in GROUPS if g != group), "Stopped")
    wait_until("the disk is mounted nowhere", lambda: not any(f.lab.mounts(h) for h in labs.HOSTS), 60)
    settle(f)
    f.run(f.up()[0], "tune2fs", "-O", "mmp" if group == FS else "^mmp", "/srv/disk")
    set_role(f, group, "Started")
    wait_until(group + " stands", lambda: stands(f, group), 60)
    settle(f)


def controller(f):
    """The host whose controller decides for the cluster."""
    return f.run(f.up()[0], "crmadmin", "--dc_lookup", "--quiet").split()[-1]


def place(f, group, with_controller):
    """Where the host that is lost decided for the cluster, another must be elected first. Half of the turns are of that kind."""
    host, decides = stands(f, group), controller(f)
    if (host == decides) != with_controller:
        target = decides if with_controller else f.other(decides)
        f.run(target, "crm_resource", "--move", "--resource", group, "--node", target)
        wait_until("it stands on " + target, lambda: stands(f, group) == target, 60)
        f.run(target, "crm_resource", "--clear", "--resource", group)
        settle(f)


def fenced_after(f, host, since):
    """When the lab's power switch was asked to turn a host off, in seconds after a time of the clock; None: it was not."""
    with open(f.lab.path("events")) as file:
        times = [float(line.split()[0]) for line in file if " fence %s" % host in line]
    return next((t - since for t in times if t > since), None)


def parts_told(f, host, since):
    """What berth status tells of the failover of FS to a host, once it tells of one after a time of the clock."""
    def tells():
        last = f.server(host).get("failover", {})
        return last["parts"] if last.get("at_ms", 0) > since * 1000 else None
    told, _ = wait_until("the failover is told", tells, 30)
    return {p["part"]: p["ms"] / 1000 for p in told}


def measure(f, group, kind):
    """One round; when it was over, by parts in seconds after the cause."""
    host, decided = stands(f, group), controller(f)
    target = f.other(host)
    prober = Prober(f)
    prober.start()
    time.sleep(0.3)
    away = [h for h in labs.HOSTS if h != host]
    load, began, wall = os.getloadavg()[0], time.monotonic(), time.time()
    if kind == "move":
        f.run(target, "crm_resource", "--move", "--resource", group, "--node", target)
    else:
        f.lab.cut(host)
    mounted, _ = wait_until("the disk is mounted elsewhere", lambda: [h for h in away if f.lab.mounts(h)], 60, 0.004)
    mounted_at = time.monotonic() - began
    # Whatever answered before that was the old one.
    answered, _ = wait_until("there are answers again", lambda: prober.first_answer(began + mounted_at), 60, 0.01)
    prober.ending = True
    fence = fenced_after(f, host, wall) if kind == "cut" else None
    if kind == "move":
        f.run(target, "crm_resource", "--clear", "--resource", group)
        settle(f)
    else:
        f.everyone_back()
    return {"controller": host == decided, "load": round(load, 1), "fence": fence, "mount": mounted_at,
            "answer": answered - began, "parts": parts_told(f, mounted[0], wall) if group == FS else {}}


# ---- many of them

def spread(values):
    return "%.2f / %.2f / %.2f" % (min(values), statistics.median(values), max(values)) if values else "-"


def whole_turns(rounds, kind):
    """The rounds of a kind, a pair for each turn of which both are there: of the bare group, and of the file server."""
    found = collections.defaultdict(dict)
    for one in rounds:
        if one["kind"] == kind:
            found[one["run"], one["turn"]][one["group"]] = one
    return [(pair["BARE"], pair[FS]) for pair in found.values() if len(pair) == len(GROUPS)]


def tell(rounds, what):
    """One line; least, median and most, in seconds after the cause."""
    answers = [r["answer"] for r in rounds]
    loads = [r["load"] for r in rounds]
    print("# %s, n=%d, load %.1f to %.1f: fencing begins %s, disk mounted %s, answer %s, mean %.2f" % (
        what, len(rounds), min(loads), max(loads), spread([r["fence"] for r in rounds if r["fence"]]),
        spread([r["mount"] for r in rounds]), spread(answers), statistics.mean(answers)), flush=True)


def tell_group(rounds, what):
    tell(rounds, what)
    for decided, which in ((True, "the host that decided is lost"), (False, "another host is lost")):
        some = [r for r in rounds if r["fence"] and r["controller"] == decided]
        if some:
            tell(some, "  %s" % which)
    for part in rounds[0]["parts"]:
        print("#   told as %-9s %s" % (part, spread([r["parts"][part] for r in rounds if part in r["parts"]])), flush=True)


def added(turns, of):
    """What the file server takes longer, turn by turn (the median of that), and by the medians and means of all rounds."""
    bare, ours = ([of(pair[i]) for pair in turns] for i in (0, 1))
    by_turns = statistics.median(o - b for b, o in zip(bare, ours))
    return by_turns, statistics.median(ours) - statistics.median(bare), statistics.mean(ours) - statistics.mean(bare)


def judge(rounds, kind):
    """Tells all that is known of a kind; the bar is for the median of the turns."""
    turns = whole_turns(rounds, kind)
    check(turns, "there is no whole turn of a " + KINDS[kind])
    for i, name in enumerate(GROUPS.values()):
        tell_group([pair[i] for pair in turns], "%s, %s" % (KINDS[kind], name))
    bar = BAR_S if len(turns) >= ENOUGH else FEW_BAR_S
    spans = {"in all": lambda r: r["answer"]}
    if kind == "cut":
        check(all(r["fence"] for pair in turns for r in pair), "a host was cut and not fenced")
        # What comes before it is Corosync's and Pacemaker's, which sleeps for a second or not, as it happens.
        spans["from the fencing on"] = lambda r: r["answer"] - r["fence"]
    for span, of in spans.items():
        values = added(turns, of)
        print("# %s, %s, Berth adds: by turns %+.2f s, of the medians %+.2f, of the means %+.2f" % (
            (KINDS[kind], span) + values), flush=True)
        check(values[0] <= bar, "%s, %s: Berth adds %.2f s, more than %.1f, in %d turns" % (
            KINDS[kind], span, values[0], bar, len(turns)))


def recorded(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def record(f, rounds, one):
    rounds.append(one)
    if f.figures_file:
        with open(f.figures_file, "a") as file:
            file.write(json.dumps(one) + "\n")


def by_turns(f, kind):
    """So many turns as were asked for; judged together with what the file holds."""
    rounds, run = [], time.strftime("%Y-%m-%dT%H:%M:%S")
    if "BARE" not in f.run("n1", "cibadmin", "--query"):
        f.run("n1", "cibadmin", "--modify", "--allow-create", "--xml-text", BARE)
    try:
        for turn in range(f.figure_rounds):
            for group in list(GROUPS)[::-1 if turn % 2 else 1]:
                hand_over(f, group)
                if kind == "cut":
                    place(f, group, with_controller=turn // 2 % 2 == 0)
                record(f, rounds, dict(run=run, turn=turn, kind=kind, group=group, **measure(f, group, kind)))
    finally:
        hand_over(f, FS)
    judge(recorded(f.figures_file) if f.figures_file else rounds, kind)


def test_figures_of_moves(f):
    """Berth adds at most 0.5 s to a planned move of the bare group (by turns, medians)"""
    by_turns(f, "move")


def test_figures_of_power_cuts(f):
    """Berth adds at most 0.5 s to a power cut of the bare group, in all and from the fencing on (by turns, medians)"""
    by_turns(f, "cut")


def main(argv):
    if len(argv) != 2 or argv[1].startswith("-"):
        sys.exit(__doc__)
    rounds = recorded(argv[1])
    for kind in KINDS:
        if any(one["kind"] == kind for one in rounds):
            judge(rounds, kind)


if __name__ == "__main__":
    try:
        main(sys.argv)
    except Failed as missed:
        sys.exit("not ok " + str(missed))
