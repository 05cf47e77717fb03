# SPDX-License-Identifier: Apache-2.0
"""The table of behaviour (tests/engines/table.tsv), played to Pacemaker."""
import os
import sys

import lab as labs
from field import ADDRESS, FS, wait_until

sys.path.insert(0, os.path.join(labs.TOP, "tests", "engines"))
import table  # noqa: E402


class Pacemaker:
    nodes = labs.HOSTS
    volume, address = "/srv/fs", ADDRESS + "/24"
    extra = ["--engine", "pacemaker"]

    def __init__(self, field):
        self.field = field

    @property
    def host(self):
        return self.field.up()[0]

    def berth(self, *args):
        host = self.host
        if args[:2] == ("server", "set"):  # settings are on the volume
            host = self.server()["owner"] or host
        return self.field.berth(host, *args, ok=False, timeout=120)

    def server(self):
        return self.field.server(self.host)

    def prepare_create(self):
        if self.server()["state"] == "unknown":
            self.field.run(self.host, "mount", "/srv/disk", "/srv/fs")

    def lose(self, node):
        self.field.lab.cut(node)

    def back(self, node):
        self.field.all_members()

    def restart(self):
        for node in self.nodes:
            self.field.lab.cut(node)
        self.field.all_members()

    def fault(self):
        """Its berthd loses it, behind Pacemaker's back; until it has been started anew somewhere. (crm_resource --fail counts
        one failure as two.)"""
        owner = self.server()["owner"]
        before = self.field.server(owner)["epoch"]
        self.field.run(owner, "berth", "server", "stop", FS, "--volume", self.volume, "--local")

        def anew():
            found = [self.field.server(h) for h in self.field.up()]  # only its owner knows the epoch
            return any(s["state"] == "online" and s["epoch"] > before for s in found)
        wait_until("it is started anew", anew, 60)

    def break_database(self):
        self.field.on_its_volume(self.host, lambda home: os.rename(home + "/server.db", home + "/away.db"))

    def mend_database(self):
        self.field.on_its_volume(self.host, lambda home: os.rename(home + "/away.db", home + "/server.db"))


def test_table(f):
    """the table of behaviour holds under Pacemaker as under the embedded engine"""
    f.wait_berthd()
    print("# %d rows" % table.play(Pacemaker(f)), flush=True)
