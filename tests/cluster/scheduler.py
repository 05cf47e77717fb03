# SPDX-License-Identifier: Apache-2.0
"""What was written into Pacemaker's configuration, asked of Pacemaker's scheduler as if it were another time or another
file server were there: crm_simulate changes nothing."""
import copy
import datetime
import json
import os
import re
import xml.etree.ElementTree as ElementTree

import lab as labs
from field import FS, check, wait_until


def configuration(f):
    return f.run(f.up()[0], "cibadmin", "--query", "--local")


def ask_scheduler(f, cib, *how):
    """What the scheduler says that would become of the cluster."""
    host = f.up()[0]
    with open(os.path.join(f.lab.path(host, "srv"), "cib.xml"), "w") as file:
        file.write(cib)
    return f.run(host, "crm_simulate", "--simulate", "--xml-file", "/srv/own/cib.xml", *how)


def would_stand(f, cib, server=FS, at=None):
    """The node on which the scheduler would have that file server at a time."""
    text = ask_scheduler(f, cib, *(["--set-datetime", at.strftime("%Y-%m-%d %H:%M:%SZ")] if at else []))
    found = re.search(r"%s-server\s+\(ocf:berth:fileserver\):\s+Started (\S+)" % server, text[text.index("Revised Cluster"):])
    return found.group(1) if found else None


def test_window(f):
    """failback waits for its window, against the clock: not a minute before, not from its end on"""
    host = f.owner()
    away = f.other(host)
    now = datetime.datetime.utcnow().replace(minute=0, second=0, microsecond=0)
    minute = datetime.timedelta(minutes=1)
    f.berth(host, "server", "set", FS, "preferred_owners=%s,%s" % (away, host), "failback=yes", "failback_from=%d" % (
        (now.hour + 6) % 24), "failback_to=%d" % ((now.hour + 10) % 24))
    for begin, end in ((6, 10), (2, 22)):  # hours from now; the second is over midnight nearly always
        first, last = ((now.hour + n) % 24 for n in (begin, end))
        f.berth(host, "server", "set", FS, "failback_from=%d" % first, "failback_to=%d" % last)
        window = "%s-window-%d-%d" % (FS, first, last)
        wait_until("the window is written, alone", lambda: set(re.findall(r'%s-window-\d+-\d+(?=")' % FS, configuration(f))) ==
                   {window}, 30)
        cib = configuration(f)
        opens, closes = now + datetime.timedelta(hours=begin), now + datetime.timedelta(hours=end)
        for at, expected in ((opens - minute, host), (opens, away), (opens + 90 * minute, away), (closes - minute, away),
                             (closes, host), (closes + 59 * minute, host)):
            stands = would_stand(f, cib, at=at)
            check(stands == expected, "window %d to %d, at %s: %s, not %s" % (first, last, at, stands, expected))
    check(f.owner(host) == host, "it moved outside of its window")
    f.berth(host, "server", "set", FS, "failback=no", "preferred_owners=", "failback_from=-1", "failback_to=-1")
    wait_until("the window is gone", lambda: FS + "-window" not in configuration(f), 30)
    check(f.owner(host) == host, "it moved when its window was taken away")


def second_server(cib, name):
    """A group like that of FS under another name, of the class "web", which is not to be started."""
    group = copy.deepcopy(ElementTree.fromstring(cib).find(".//group[@id='%s']" % FS))
    for element in group.iter():
        if "id" in element.attrib:
            element.set("id", element.get("id").replace(FS, name, 1))
    values = {"name": name, "volume": "/srv/two", "directory": "/srv/two", "ip": "10.78.0.51",
              "berth-facts": json.dumps({"anti_affinity": "web"})}
    for pair in group.iter("nvpair"):
        pair.set("value", values.get(pair.get("name"), pair.get("value")))
    # crm_resource puts what it sets into a set of its own; the last one counts.
    for meta in group.findall("meta_attributes"):
        for pair in meta.findall("nvpair[@name='target-role']"):
            meta.remove(pair)
    ElementTree.SubElement(group.find("meta_attributes"), "nvpair", id=name + "-role", name="target-role", value="Stopped")
    return ElementTree.tostring(group, encoding="unicode")


def test_apart(f):
    """file servers of one anti-affinity class stand on different nodes, against a preference, as long as there are others"""
    host = f.owner()
    f.run(host, "cibadmin", "--create", "--scope", "resources", "--xml-text", second_server(configuration(f), "FS2"))
    try:
        f.berth(host, "server", "set", FS, "anti_affinity=web")
        wait_until("they are kept apart", lambda: "berth-apart-FS-FS2" in configuration(f), 30)
        root = ElementTree.fromstring(configuration(f))
        root.find(".//nvpair[@id='FS2-role']").set("value", "Started")
        constraints = root.find(".//constraints")
        ElementTree.SubElement(constraints, "rsc_location", id="want", rsc="FS2", node=host, score="50")
        stands = would_stand(f, ElementTree.tostring(root, encoding="unicode"), "FS2")
        check(stands and stands != host, "beside FS on %s" % stands)
        free = copy.deepcopy(root)
        free.find(".//constraints").remove(free.find(".//rsc_colocation[@id='berth-apart-FS-FS2']"))
        free = ElementTree.tostring(free, encoding="unicode")
        stands = would_stand(f, free, "FS2")
        check(stands == host, "it would not have been there anyway: %s: %s" % (stands, ask_scheduler(f, free, "--show-scores")))
        for node in root.find(".//nodes"):
            if node.get("uname") != host:
                off = ElementTree.SubElement(node, "instance_attributes", id="off-" + node.get("id"))
                ElementTree.SubElement(off, "nvpair", id="off-v-" + node.get("id"), name="standby", value="on")
        stands = would_stand(f, ElementTree.tostring(root, encoding="unicode"), "FS2")
        check(stands == host, "with nowhere else to go: %s" % stands)
    finally:
        for path in ("//constraints/*[@rsc='FS2' or @with-rsc='FS2']", "//group[@id='FS2']"):
            f.run(host, "cibadmin", "--delete-all", "--force", "--xpath", path)
        f.berth(host, "server", "set", FS, "anti_affinity=")
    check(f.owner(host) == host, "FS moved: %s" % f.server(host))
    check(len(f.up()) == len(labs.HOSTS), "a host was fenced")
