# SPDX-License-Identifier: Apache-2.0
"""The table of behaviour under the embedded engine; tests/cluster plays the same one to Pacemaker."""
import ctypes
import os
import sys
import time

from lab import Failed, Lab, check, main

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "engines"))
import table  # noqa: E402

CLONE_NEWNS, MS_BIND, MNT_DETACH = 0x20000, 4096, 2
libc = ctypes.CDLL(None, use_errno=True)


def must(result):
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def hide_until_noticed(node, volume, empty):
    """In a process of its own: the volume is not there for this node, until its health check has seen that. The node waits for
    a quarter of a second before it looks again; so this process goes before all others where it may."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        pass
    with open("/proc/%d/ns/mnt" % node.process.pid) as space, open(node.log, errors="replace") as log:
        log.seek(0, os.SEEK_END)
        must(libc.setns(space.fileno(), CLONE_NEWNS))
        must(libc.mount(empty.encode(), volume.encode(), None, MS_BIND, None))
        seen, end = "", time.monotonic() + 60
        while "server fault name=FS" not in seen and time.monotonic() < end:
            seen += log.read()
            time.sleep(0.002)
        must(libc.umount2(volume.encode(), MNT_DETACH))
    if "server fault name=FS" not in seen:
        raise Failed("the health check sees nothing")


class Embedded:
    nodes = ("n1", "n2", "n3")
    address = "127.0.0.50/8"

    def __init__(self, lab):
        self.lab = lab
        self.volume = os.path.join(lab.directory, "volume-FS")
        self.home = os.path.join(self.volume, ".berth")
        self.extra = ["--port", str(lab.port)]
        os.makedirs(self.volume)
        for number, name in enumerate(self.nodes):
            lab.node(name, "127.0.0.%d" % (11 + number), wrap=["unshare", "--mount", "--propagation", "private"])

    def berth(self, *args):
        result = self.lab.berth(*args, ok=False)
        return result.code, result.text

    def server(self):
        return self.lab.server_state("FS")

    def prepare_create(self):
        pass

    def lose(self, node):
        self.lab.nodes[node].kill()

    def back(self, node):
        self.lab.nodes[node].expect_end = False
        self.lab.nodes[node].start()

    def restart(self):
        for node in self.lab.nodes.values():
            node.stop()
        for node in self.lab.nodes.values():
            node.start()

    def fault(self):
        """Its owner, and nobody else, finds the volume gone for a moment."""
        empty = os.path.join(self.lab.directory, "empty")
        os.makedirs(empty, exist_ok=True)
        child = os.fork()
        if not child:
            code = 1
            try:
                hide_until_noticed(self.lab.nodes[self.server()["owner"]], self.volume, empty)
                code = 0
            finally:
                os._exit(code)
        check(os.waitpid(child, 0)[1] == 0, "the volume could not be hidden")

    def break_database(self):
        os.rename(os.path.join(self.home, "server.db"), os.path.join(self.home, "away.db"))

    def mend_database(self):
        os.rename(os.path.join(self.home, "away.db"), os.path.join(self.home, "server.db"))


def test_table():
    """the table of behaviour holds under the embedded engine"""
    with Lab() as lab:
        print("# %d rows" % table.play(Embedded(lab)), flush=True)


if __name__ == "__main__":
    main([test_table])
