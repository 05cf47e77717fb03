# SPDX-License-Identifier: Apache-2.0
"""A site, an agent and a distribution point that are killed at each of their steps, and for which the disk is full from
each of them on: what they were at is done by the next run, and no client ever sees half."""
import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from lab import BERTH, BERTHD, BUILD, LONG, PASSWORD, SLOW, Lab, Skip, check, main, run, wait_until

AGENT = os.path.join(BUILD, "src/agent/berth-agent")
STEPPER = os.path.join(BUILD, "tests/steps/stepper")
POINT = r"\\FS\distro_test"
KILLED, CANNOT_TRACE = 137, 125
L = None
FAST = None  # a directory in memory: what is brought to a disk here is not what is measured


def fast(*parts):
    return os.path.join(FAST, *parts)


def site(*args, input=None, ok=True, directory="site"):
    return L.berth(*args, "--site", fast(directory), input=input, ok=ok)


def stepped(how, number, program, *args):
    """The program with an accident at that step; its result, and whether the step was reached."""
    count = fast("count")
    result = run([STEPPER, "--" + how, str(number), "--count", count, "--", program] + list(args), env=L.env)
    check(result.code != CANNOT_TRACE, "the program cannot be traced")
    with open(count) as f:
        return result, int(f.read()) >= number


def every_step(what, accident, stride=1):
    """Calls accident(number) for each step, or each stride-th, until it says that there are no more; how far that was."""
    stride = 1 if LONG else stride
    for number in itertools.count(1, stride):
        if not accident(number):
            print("# %s: %d steps%s" % (what, number - 1, ", each of them" if stride == 1 else ", one of %d" % stride))
            return number - 1


def site_stepped(how, number, *args, directory="site"):
    return stepped(how, number, BERTH, *args, "--site", fast(directory))


def again(*args):
    """The same once more, by one that is let live. The server may not know yet that the other is gone."""
    wait_until("berth %s succeeds" % " ".join(args), lambda: site(*args, ok=False).code == 0, 20)


def bring():
    """What the site has of the package to the point, and then the policy that asks for it."""
    again("package", "distribute", "tool", POINT)
    again("site", "publish")


def write(path, text, mode=0o644):
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)


class Client:
    """An agent that reads the point's own directory; its program says which version it is of."""

    def __init__(self, name, point):
        self.state, self.out, self.config = fast(name + ".state"), fast(name + ".out"), fast(name + ".conf")
        token = fast(name + ".token")
        write(token, site("client", "token").out)
        write(self.config, "[agent]\nstate = %s\nroot = %s\nname = %s\ntoken_file = %s\npatience_s = 1\n"
              "[point here]\ndirectory = %s\n" % (self.state, fast("root.json"), name, token, point))
        self.env = dict(os.environ, OUT=self.out)

    def poll(self, ok=True):
        result = run([AGENT, "--config", self.config, "once"], env=self.env, timeout=60)
        check(not ok or result.code == 0, "the poll ended with %r" % result)
        return result

    def states(self):
        result = run([AGENT, "--config", self.config, "--json", "status"])
        return {d["deployment"]: d for d in json.loads(result.out)}

    def ran(self):
        if not os.path.exists(self.out):
            return []
        with open(self.out) as f:
            return f.read().split()


def test_start():
    """a file server, a site, a package and a client"""
    global L, FAST, PC, POINT_DIR, DEPLOYMENT
    if SLOW:
        raise Skip("the accidents are the same in every build")
    if run([STEPPER, "--", "true"]).code == CANNOT_TRACE:
        raise Skip("processes cannot be traced here")
    FAST = tempfile.mkdtemp(prefix="berth-steps.", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else "/var/tmp")
    L = Lab()
    L.node("N1", "127.0.0.11")
    L.server("FS", "127.0.0.50")
    L.user("FS", "publisher", admin=True)
    L.share("FS", "distro_test", "--path", "packages")
    POINT_DIR = os.path.join(L.directory, "volume-FS", "packages")
    site("site", "init", fast("site"), "--code", "P01")
    site("site", "add-account", "publisher", "--user", "publisher", "--password-stdin", input=PASSWORD + "\n")
    site("site", "set", "account=publisher")
    site("site", "add-dp", POINT)
    site("collection", "add", "all", "--query", "true")
    write(fast("root.json"), site("site", "client-root").out)
    new_version(0)
    site("package", "create", "tool", "--source", fast("source"))
    site("package", "program", "tool", "install", "--command", "install " + fast("pc.out"))
    bring()
    PC = Client("pc", POINT_DIR)
    PC.poll()
    site("client", "collect")
    DEPLOYMENT = json.loads(site("deployment", "create", "tool", "install", "all", "--rerun", "always", "--json").out)["deployment"]
    site("site", "publish")
    PC.poll()
    check(PC.ran() == ["0"], "%s %s" % (PC.ran(), PC.states()))


def new_version(number):
    os.makedirs(fast("source"), exist_ok=True)
    write(fast("source", "install"), "#!/bin/sh\ncat version >> $1\n", 0o755)
    write(fast("source", "version"), "%d\n" % number)


def needs_start():
    if not FAST:
        raise Skip("see above")


def test_first_use():
    """killed while it is made, a site is there afterwards or can be made, and its keys are made once"""
    needs_start()

    def accident(number):
        directory = "new-%d" % number
        _, more = site_stepped("kill", number, "site", "init", fast(directory), "--code", "P02", directory=directory)
        if site("site", "settings", ok=False, directory=directory).code != 0:
            site("site", "init", fast(directory), "--code", "P02", directory=directory)
        shutil.rmtree(fast(directory))
        return more

    def keys(number):
        shutil.copytree(fast("empty"), fast("keys"))
        result, more = site_stepped("kill", number, "site", "client-root", directory="keys")
        root = site("site", "client-root", directory="keys").out
        check(root == site("site", "client-root", directory="keys").out, "its root changes")
        check(not result.out.strip() or result.out == root, "it was shown a root that is not in force")
        check(not os.path.exists(fast("keys", "keys.new")), "keys are left")
        shutil.rmtree(fast("keys"))
        return more

    every_step("killed while it is made", accident, 3)
    site("site", "init", fast("empty"), "--code", "P02", directory="empty")
    every_step("killed while keys are made", keys)


def serial():
    serial.last += 1
    return serial.last


serial.last = 0


def test_update():
    """killed while it takes a new version into its library, the site takes it the next time"""
    needs_start()

    def accident(number):
        new_version(serial())
        before = json.loads(site("package", "list", "--json").out)[0]["version"]
        _, more = site_stepped("kill", number, "package", "update", "tool")
        check(json.loads(site("package", "list", "--json").out)[0]["version"] in (before, before + 1), "a version is lost")
        site("package", "update", "tool")
        check(json.loads(site("package", "list", "--json").out)[0]["version"] == before + 1, "no new version")
        return more

    every_step("killed update", accident)
    bring()
    PC.poll()
    check(PC.ran()[-1] == str(serial.last), "%s %s" % (PC.ran()[-3:], PC.states()))


def no_half(versions):
    """The client polls whatever state the point is in: all is well there, and what runs is one version or the other."""
    PC.poll()
    check(PC.ran()[-1] in versions, "%s ran, of %s" % (PC.ran()[-3:], versions))


def test_distribute():
    """killed while it brings a version to a point, the site goes on with it, and clients see one version or the other"""
    needs_start()

    def accident(number):
        versions = [PC.ran()[-1], str(serial())]
        new_version(serial.last)
        site("package", "update", "tool")
        _, more = site_stepped("kill", number, "package", "distribute", "tool", POINT)
        no_half(versions)
        bring()
        no_half(versions[1:])
        return more

    every_step("killed distribution", accident, 5)


def test_publish():
    """killed while it publishes a policy, the site goes on with it, and clients see one policy or the other"""
    needs_start()

    def accident(number):
        before = len(PC.ran())
        site("deployment", "rerun", DEPLOYMENT)
        _, more = site_stepped("kill", number, "site", "publish")
        PC.poll()
        check(len(PC.ran()) in (before, before + 1), "it ran %d times" % (len(PC.ran()) - before))
        again("site", "publish")
        PC.poll()
        check(len(PC.ran()) == before + 1, "it ran %d times" % (len(PC.ran()) - before))
        return more

    every_step("killed publication", accident, 4)


def reported():
    return json.loads(site("client", "show", "pc").out)["events"][-1]["number"]


def test_collect():
    """killed while it takes papers, the site has them afterwards, and each counts once"""
    needs_start()

    def accident(number, how):
        site("deployment", "rerun", DEPLOYMENT)
        again("site", "publish")
        PC.poll()
        papers = os.listdir(os.path.join(POINT_DIR, "drop"))
        check(papers, "the client has said nothing")
        result, more = site_stepped(how, number, "client", "collect")
        if how == "full" and more:
            check(result.code != 0 or not os.listdir(os.path.join(POINT_DIR, "drop")), repr(result))
        # The one that was killed may have it open for a moment yet.
        wait_until("every paper is taken", lambda: again("client", "collect") or
                   not os.listdir(os.path.join(POINT_DIR, "drop")), 20)
        with open(os.path.join(PC.state, "state.json")) as f:
            check(json.load(f)["event_number"] == reported(), "an event is lost")
        return more

    every_step("killed collection", lambda number: accident(number, "kill"))
    every_step("full collection", lambda number: accident(number, "full"), 2)


def test_full_site():
    """where its disk is full from any step on, the site says so, loses nothing, and goes on when there is room"""
    needs_start()

    def accident(number):
        versions = [PC.ran()[-1], str(serial())]
        new_version(serial.last)
        more = False
        for words in (("package", "update", "tool"), ("package", "distribute", "tool", POINT), ("site", "publish")):
            result, reached = site_stepped("full", number, *words)
            check(result.code == 0 or result.err.strip(), "it failed and said nothing: %r" % result)
            more = more or reached
            no_half(versions)
            again(*words)
        no_half(versions[1:])
        return more

    every_step("full site", accident, 5)


class Point:
    """The node of the point, which is started again and again with an accident before it."""

    def __init__(self, node):
        self.node = node

    def start(self, number, how="kill"):
        with open(self.node.log, "ab") as log:
            self.node.process = subprocess.Popen(
                [STEPPER, "--" + how, str(number), "--files", "--armed", "--count", fast("count"), "--", BERTHD,
                 "--config", self.node.config], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        wait_until("the node answers", self.node.is_up)
        L.wait_online("FS")

    def arm(self):
        self.node.process.send_signal(signal.SIGUSR1)

    def stop(self):
        """How many steps it took, and whether it was killed."""
        if self.node.process.poll() is None:
            self.node.process.terminate()
        killed = self.node.process.wait(60) == KILLED
        with open(fast("count")) as f:
            return int(f.read()), killed


def point_accident(point, how, number, following):
    """A new version on its way to a point that has an accident; the point is back with the next one before it."""
    versions = [PC.ran()[-1], str(serial())]
    new_version(serial.last)
    site("package", "update", "tool")
    point.arm()
    sender = subprocess.Popen([BERTH, "package", "distribute", "tool", POINT, "--site", fast("site")], env=L.env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        wait_until("it is done, or the point is gone",
                   lambda: sender.poll() is not None or point.node.process.poll() is not None)
        steps, killed = point.stop()
        no_half(versions)
        point.start(*following)
    finally:
        said = sender.communicate(timeout=120)[1]
    more = killed if how == "kill" else steps >= number
    check(more or sender.returncode == 0, "it failed without an accident: %r" % said)
    if sender.returncode:  # documents go by calls that are not tried again by themselves
        check(said, "it failed and said nothing")
        again("package", "distribute", "tool", POINT)
    again("site", "publish")
    no_half(versions[1:])
    return more


def test_point():
    """killed, or with a full disk, a distribution point has the new version when it is well, and never half of it"""
    needs_start()
    stride = 1 if LONG else 5
    L.nodes["N1"].stop()
    point = Point(L.nodes["N1"])
    point.start(1)
    seen = every_step("killed point", lambda n: point_accident(point, "kill", n, (n + stride,)), stride)
    point.stop()
    point.start(1, "full")
    every_step("full point", lambda n: point_accident(point, "full", n, (n + stride, "full")), stride)
    check(seen > 20, "only %d steps were seen" % seen)
    point.stop()
    L.nodes["N1"].start()


def agent_accident(how, number):
    """One cycle of a client with a new version to fetch and run; twice, as the site's copy of it is kept."""
    for path in (PC.state, PC.out):
        shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else os.path.exists(path) and os.remove(path)
    shutil.copytree(fast("kept.state"), PC.state)
    result, more = stepped(how, number, AGENT, "--config", PC.config, "once")
    ran = PC.ran()
    check(ran in ([], [str(serial.last)]), "it ran %s" % ran)
    PC.poll()
    state = PC.states()[DEPLOYMENT]
    # Nobody knows how far a program came whose agent was killed: it is said, and tried again later.
    if state["state"] == "retrying":
        check(any(word in state["reason"] for word in ("interrupted", "full", "space")), "%s %r" % (state, result))
    else:
        check(state["state"] == "succeeded" and PC.ran() == [str(serial.last)], "%s %s %r" % (state, PC.ran(), result))
    return more, state["state"]


def test_agent():
    """killed at any step, or with a full disk, an agent runs what it is to run once, or says that it does not know"""
    needs_start()
    new_version(serial())
    again("package", "update", "tool")
    bring()
    shutil.copytree(PC.state, fast("kept.state"))
    seen = {"kill": set(), "full": set()}
    for how in seen:
        def accident(number):
            more, state = agent_accident(how, number)
            seen[how].add(state)
            return more
        every_step(how + " agent", accident, 1 if how == "kill" else 3)
    check("succeeded" in seen["kill"] and "succeeded" in seen["full"], str(seen))


if __name__ == "__main__":
    try:
        main([f for n, f in list(globals().items()) if n.startswith("test_")])
    finally:
        if FAST:
            shutil.rmtree(FAST, ignore_errors=True)
        if L:
            L.__exit__(None, None, None)
