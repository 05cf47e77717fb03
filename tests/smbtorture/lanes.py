# SPDX-License-Identifier: Apache-2.0
"""Several servers, each in a namespace of its own, and two lanes of tests on each.

Most of the tests wait most of the time, so that what bounds a run is how many are under way. The servers are all set up
alike (tests/smbtorture/server); a worker beside each runs what it is told: a line of JSON in, a line of JSON out.
"""
import json
import os
import subprocess
import sys
import threading

import suite

HERE = os.path.dirname(os.path.abspath(__file__))


def work(timeout):
    """Beside a server: runs what the lines of standard input say, all at once, and writes what came of each."""
    conf = os.path.join(os.environ["LAB"], "empty.conf")
    with open(conf, "w") as f:
        base = os.path.join(os.environ["LAB"], "client")
        f.write("[global]\nprivate dir = %s\nlock directory = %s\nstate directory = %s\ncache directory = %s\n" %
                ((base,) * 4))
    os.environ["EMPTY_CONF"] = conf
    writing = threading.Lock()
    shares = os.environ["SHARES"].split(",")

    def say(**what):
        with writing:
            print(json.dumps(what), flush=True)

    def one(lane, test):
        result, out, seconds = suite.run_one(test, shares[lane], timeout)
        say(lane=lane, test=test, result=result, out=out, seconds=seconds)

    say(lane=None)  # ready
    threads = []
    for line in sys.stdin:
        order = json.loads(line)
        threads.append(threading.Thread(target=one, args=(order["lane"], order["test"])))
        threads[-1].start()
    for thread in threads:
        thread.join()


class Server:
    """A server, its worker, and which of its two lanes wait for what."""

    def __init__(self, arguments, timeout):
        command = [os.path.join(HERE, "server")] + arguments + ["--", os.path.join(HERE, "run"), "--worker",
                                                                "--timeout", str(timeout)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.waiting = {}
        self.results = {}
        self.is_up = threading.Event()
        self.is_gone = False
        self.blocking = False  # a test that drops packets is under way
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            if answer["lane"] is None:
                self.is_up.set()
            else:
                self.results[answer["lane"]] = answer
                self.waiting.pop(answer["lane"]).set()
        self.is_gone = True
        self.is_up.set()
        for event in list(self.waiting.values()):
            event.set()

    def run(self, lane, test):
        """Result, output and seconds of one test; the caller has the lane for itself."""
        self.is_up.wait()
        done = self.waiting[lane] = threading.Event()
        self.results.pop(lane, None)
        if not self.is_gone:
            try:
                self.process.stdin.write(json.dumps({"lane": lane, "test": test}) + "\n")
                self.process.stdin.flush()
                done.wait()
            except OSError:
                pass
        answer = self.results.get(lane)
        return (answer["result"], answer["out"], answer["seconds"]) if answer else ("fail", "its server has ended", 0)

    def end(self):
        """Its exit status."""
        try:
            self.process.stdin.close()
        except OSError:
            pass
        return self.process.wait()


class Board:
    """What is still to be run; a lane takes what it may run now."""

    def __init__(self, units):
        self.units = units
        self.changed = threading.Condition()

    def take(self, server, lane):
        """A unit, or None when nothing is left."""
        with self.changed:
            while self.units:
                for at, unit in enumerate(self.units):
                    if suite.ON_FIRST.match(unit[0]) and lane != 0:
                        continue
                    if suite.BLOCKS.match(unit[0]):
                        if server.blocking:
                            continue
                        server.blocking = True
                    del self.units[at]
                    self.changed.notify_all()
                    return unit
                self.changed.wait(5)
            return None

    def put_back(self, server, unit):
        """The unit has been run."""
        with self.changed:
            if suite.BLOCKS.match(unit[0]):
                server.blocking = False
            self.changed.notify_all()


def in_phases(tests):
    """What waits, the longest first; then what computes."""
    waiting = [t for t in tests if not suite.HEAVY.match(t)]
    waiting.sort(key=lambda t: not suite.SLOW.match(t))  # stable
    return [suite.units(phase) for phase in (waiting, [t for t in tests if suite.HEAVY.match(t)]) if phase]


def run_all(tests, servers, told):
    """Runs @tests and calls @told with test, result, output and seconds of each, one at a time."""
    telling = threading.Lock()

    def lane_of(server, lane, board):
        while True:
            unit = board.take(server, lane)
            if unit is None:
                return
            for test in unit:
                result = server.run(lane, test)
                with telling:
                    told(test, *result)
            board.put_back(server, unit)

    for phase in in_phases(tests):
        board = Board(phase)
        lanes = [threading.Thread(target=lane_of, args=(server, lane, board)) for server in servers for lane in (0, 1)]
        for thread in lanes:
            thread.start()
        for thread in lanes:
            thread.join()
