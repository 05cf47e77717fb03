# SPDX-License-Identifier: Apache-2.0
"""The table of behaviour (table.tsv) and how it is played to an engine.

An engine is an object with
  nodes                 names of three nodes, in order
  volume, address       what FS is made with
  extra                 more arguments for server create
  berth(*args)          runs the command where it can be run: (status, what it printed)
  server()              FS as berth status --json has it: a dict with state, owner, reason; state "unknown" where it is not
  prepare_create()      what must be so before server create
  lose(node), back(node), restart(), fault(), break_database(), mend_database()
"""
import collections
import os
import time

PATIENCE = 90  # seconds; a busy machine needs them
Row = collections.namedtuple("Row", "number sentence do status state owner word")


class Broken(Exception):
    pass


def rows():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "table.tsv")) as f:
        lines = [line.rstrip("\n") for line in f if line.strip() and not line.startswith("#")]
    found = []
    for number, line in enumerate(lines, 1):
        columns = line.split("\t")
        if len(columns) != 6:
            raise Broken("row %d has %d columns: %s" % (number, len(columns), line))
        found.append(Row(number, *columns))
    return found


def letters(engine):
    return dict(zip("ABC", engine.nodes))


def act(engine, row):
    """Does it; gives the status and what was said, or "-" for a verb."""
    words = row.do.split()
    node = letters(engine)
    verbs = {"lose": lambda: engine.lose(node[words[1]]), "back": lambda: engine.back(node[words[1]]),
             "restart": engine.restart, "fault": engine.fault, "break": engine.break_database, "mend": engine.mend_database,
             "still": lambda: None}
    if words[0] in verbs:
        verbs[words[0]]()
        return "-", ""
    given = {"VOLUME": engine.volume, "ADDRESS": engine.address, **node}
    args = []
    for word in words:
        key, equal, value = word.rpartition("=")
        args.append(key + equal + ",".join(given.get(one, one) for one in value.split(",")))
    if words[:2] == ["server", "create"]:
        engine.prepare_create()
        args += engine.extra
    status, said = engine.berth(*args)
    return str(status), said


def fits(engine, row, said):
    """None where FS is as the row says, else what is."""
    s = engine.server()
    owner = s.get("owner") or "none"
    wanted = letters(engine).get(row.owner, row.owner)
    if row.state != "-" and s["state"] != row.state:
        return "it is %s" % s
    if wanted != "-" and owner != wanted:
        return "its owner is %s, not %s: %s" % (owner, wanted, s)
    if row.word != "-" and letters(engine).get(row.word, row.word) not in said + (s.get("reason") or ""):
        return "nothing says \"%s\": %s; %s" % (row.word, said.strip(), s)
    return None


def play_row(engine, row):
    before = engine.server() if row.do.startswith("still ") else None
    status, said = act(engine, row)
    if status != row.status:
        raise Broken("row %d, %s (%s): status %s, not %s: %s" % (row.number, row.sentence, row.do, status, row.status,
                                                                 said.strip()[-300:]))
    if before:
        end = time.monotonic() + float(row.do.split()[1])
        while time.monotonic() < end:
            now = engine.server()
            if (now["state"], now.get("owner")) != (before["state"], before.get("owner")):
                raise Broken("row %d, %s: it was %s, and is %s" % (row.number, row.sentence, before, now))
            time.sleep(0.3)
    end = time.monotonic() + PATIENCE
    wrong = fits(engine, row, said)
    while wrong and time.monotonic() < end:
        time.sleep(0.1)
        wrong = fits(engine, row, said)
    if wrong:
        raise Broken("row %d, %s (%s): %s" % (row.number, row.sentence, row.do, wrong))


def play(engine):
    """All rows, in order; each stands on those before it. Gives how many there are."""
    all_rows = rows()
    for row in all_rows:
        play_row(engine, row)
    return len(all_rows)
