# SPDX-License-Identifier: Apache-2.0
"""The server of a site whose directory lies on a file server's volume: where the file server is, there it runs."""
import json

import lab as labs
from field import ADDRESS, FS, PASSWORD, check, wait_until

SITE = "/srv/fs/site"
# What docs/site.md tells an administrator to put into the cluster.
PRIMITIVE = ('<primitive id="site-P01" class="ocf" provider="berth" type="site"><instance_attributes id="site-P01-a">'
             '<nvpair id="site-P01-d" name="site" value="%s"/></instance_attributes><operations>'
             '<op id="site-P01-start" name="start" interval="0" timeout="40s"/>'
             '<op id="site-P01-stop" name="stop" interval="0" timeout="30s"/>'
             '<op id="site-P01-monitor" name="monitor" interval="5s" timeout="15s"/></operations></primitive>' % SITE)
CONSTRAINTS = ('<rsc_colocation id="site-P01-with-FS" rsc="site-P01" with-rsc="%s" score="INFINITY"/>'
               '<rsc_order id="site-P01-after-FS" first="%s" then="site-P01"/>' % (FS, FS))


def site(f, host, *args, **options):
    return f.berth(host, *args, "--site", SITE, **options)


def watches(f, host, since=0):
    """Does the server run there, and has it reached the share since then?"""
    code, text = site(f, host, "site", "status", "--json", ok=False)
    try:
        status = json.loads(text)
    except ValueError:
        return None
    found = status["server"].get("machine"), status["server"]["is_running"]
    objects = [o for s in status["systems"] for r in s["roles"] for o in r["objects"]]
    if found != (host, True) or any(o["reach"] != "ok" or not o["checked"] or o["checked"] <= since for o in objects):
        return None
    return max(o["checked"] for o in objects)


def wait_watching(f, host, since=0):
    return wait_until(lambda: "the site watches on %s: %s\n%s" % (
        host, site(f, host, "site", "status", ok=False)[1], f.lab.run(host, "crm_mon", "-1r")[1]),
        lambda: watches(f, host, since), 90, 0.3)[0]


def test_site(f):
    """a site on the file server's volume fails over with it, by its own agent, and goes on watching there"""
    owner = f.owner()
    site(f, owner, "site", "init", "--code", "P01")
    site(f, owner, "site", "add-account", "watcher", "--user", "alice", "--password-stdin", input=PASSWORD + "\n")
    site(f, owner, "site", "set", "account=watcher", "interval_s=5", "clients_round_s=0")
    site(f, owner, "site", "add-object", r"\\FS\data", "--address", ADDRESS, "--no-admin")
    f.run(owner, "cibadmin", "--modify", "--allow-create", "--xml-text", "<configuration><resources>%s</resources>"
          "<constraints>%s</constraints></configuration>" % (PRIMITIVE, CONSTRAINTS))
    last = wait_watching(f, owner)
    f.lab.cut(owner)
    survivor, _ = f.wait_online(next(h for h in labs.HOSTS if h != owner), but=owner)
    wait_watching(f, survivor, last)
    started = [m["machine"] for m in json.loads(site(f, survivor, "site", "messages", "--message", "60000", "--json"))]
    check(sorted(started) == sorted([owner, survivor]), "it started on %s" % started)
    state = f.run(survivor, "crm_mon", "-1").split("Failed Resource Actions")
    check(len(state) == 1 or "site-P01" not in state[1], state[-1])
    f.everyone_back()
