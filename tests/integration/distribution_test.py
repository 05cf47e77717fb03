# SPDX-License-Identifier: Apache-2.0
"""The site's server brings packages to distribution points, tries again, validates, repairs, removes."""
import json
import os
import re
import signal
import subprocess
import time
import xml.etree.ElementTree

from lab import BERTH, BUILD, PASSWORD, Lab, check, main, run, wait_until

BERTH_SITE = os.path.join(BUILD, "src/sited/berth-site")
L = None
SERVER = None


def site_dir():
    return os.path.join(L.directory, "site")


def berth(*args, input=None, ok=True):
    return L.berth(*args, "--site", site_dir(), input=input, ok=ok)


def rows():
    return {r["point"]: r for r in json.loads(berth("package", "status", "--json").out)}


def status():
    return json.loads(berth("site", "status", "--json").out)


def reach(path):
    return [o["reach"] for s in status()["systems"] for r in s["roles"] for o in r["objects"] if o["path"] == path][0]


def messages():
    return [m["message"] for m in json.loads(berth("site", "messages", "--limit", "1000", "--json").out)]


def read_from(name, offset):
    with open(os.path.join(L.directory, name), "rb") as f:
        f.seek(offset)
        return f.read()


def start_server():
    global SERVER
    with open(os.path.join(L.directory, "berth-site.log"), "ab") as log:
        before = log.tell()
        SERVER = subprocess.Popen([BERTH_SITE, "--site", site_dir()], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                  cwd="/")
    wait_until("the site is up", lambda: b"site up" in read_from("berth-site.log", before))


def test_start():
    """two file servers that are distribution points, a package, and the site's server"""
    global L
    L = Lab()
    L.node("N1", "127.0.0.11")
    berth("site", "init", "--code", "P01")
    berth("site", "add-account", "dist", "--user", "dist", "--password-stdin", input=PASSWORD + "\n")
    berth("site", "set", "account=dist", "retry_s=1", "tries=4", "validate_days=0")
    for name, address in (("FS", "127.0.0.50"), ("FS2", "127.0.0.51")):
        L.server(name, address)
        L.user(name, "dist", admin=True)
        berth("site", "add-dp", r"\\%s\distro_test" % name)
    source = os.path.join(L.directory, "source")
    os.makedirs(source)
    for i in range(20):
        with open(os.path.join(source, "file%d" % i), "wb") as f:
            f.write(os.urandom(50000))
    berth("package", "create", "tools", "--source", source)
    start_server()


def test_distribute():
    """asked for everywhere it arrives at every point, read back and verified"""
    out = berth("package", "distribute", "tools").out
    check(out.count("read back and verified") == 2, out)
    check([r["state"] for r in rows().values()] == ["installed"] * 2, str(rows()))
    row = rows()[r"\\FS\distro_test"]
    check(row["version"] == row["current"] == 1 and row["bytes_sent"] >= 1000000, str(row))
    check(messages().count(2330) == 2, str(messages()))


def test_delta():
    """of a new version only the pieces travel that the point does not have"""
    with open(os.path.join(L.directory, "source", "added"), "wb") as f:
        f.write(os.urandom(50000))
    berth("package", "update", "tools")
    berth("package", "distribute", "tools")
    sent = [r["bytes_sent"] for r in rows().values()]
    check(sent == [50000] * 2 and rows()[r"\\FS\distro_test"]["version"] == 2, str(rows()))


def test_parallel():
    """a point that hangs holds up no other, whether it is brought content or policy"""
    L.node("N2", "127.0.0.12")
    L.berth("server", "move", "FS2", "N2")
    L.wait_online("FS2")
    os.kill(L.nodes["N2"].process.pid, signal.SIGSTOP)
    publishing = subprocess.Popen([BERTH, "site", "publish", "--force", "--site", site_dir()], env=L.env,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        berth("package", "redistribute", "tools", "--no-wait")
        wait_until("FS has it", lambda: rows()[r"\\FS\distro_test"]["state"] == "installed", 40)
        check(rows()[r"\\FS2\distro_test"]["state"] != "installed", str(rows()))
    finally:
        os.kill(L.nodes["N2"].process.pid, signal.SIGCONT)
    publishing.wait(120)
    wait_until("FS2 has it too", lambda: rows()[r"\\FS2\distro_test"]["state"] == "installed", 60)


def test_held():
    """nobody who may only read keeps a new timestamp from clients by holding the old one open"""
    L.user("FS", "visitor")
    L.smbclient(r"\\FS\distro_test", "get metadata/timestamp.json %s" % os.path.join(L.directory, "held"), user="visitor")
    conn = L.impacket("FS", user="visitor")
    tree = conn.connectTree("distro_test")
    conn.openFile(tree, r"metadata\timestamp.json", desiredAccess=0x80000000, shareMode=0)
    berth("site", "publish", "--force")
    now = L.smbclient(r"\\FS\distro_test", "get metadata/timestamp.json %s" % os.path.join(L.directory, "now"), user="dist")
    version = [json.load(open(os.path.join(L.directory, n)))["signed"]["version"] for n in ("held", "now")]
    conn.close()
    check(version[1] > version[0], "%s: %r" % (version, now))


def test_retry():
    """a point that is offline is tried again and says why; when it is back the package arrives"""
    L.berth("server", "offline", "FS2")
    wait_until("FS2 is offline", lambda: L.server_state("FS2")["state"] == "offline")
    berth("site", "publish", ok=False)
    wait_until("that is told", lambda: "1 distribution point could not be given the policy: berth site points" in
               berth("site", "status").out and status()["state"] != "ok")
    with open(os.path.join(L.directory, "source", "new"), "w") as f:
        f.write("new")
    berth("package", "update", "tools")
    berth("site", "set", "tries=10000")
    berth("package", "distribute", "tools", "--no-wait")
    wait_until("FS has the new one", lambda: rows()[r"\\FS\distro_test"]["version"] == 3, 40)
    row = wait_until("FS2 is being tried", lambda: (lambda r: r if r["state"] == "install-retrying" else None)
                     (rows()[r"\\FS2\distro_test"]), 40)
    check(row["reason"] and row["tries"] >= 1, str(row))
    check(2328 in messages(), str(messages()))
    wait_until("the point is looked at, long before its hour", lambda: reach(r"\\FS2\distro_test") != "ok", 20)
    check("1 package is not where it should be: berth package status" in berth("site", "status").out, "status")
    before = messages().count(2328)
    wait_until("it was tried more than once", lambda: rows()[r"\\FS2\distro_test"]["tries"] > row["tries"], 40)
    check(messages().count(2328) == before, "the same reason is not said again")
    berth("site", "set", "retry_s=3600")
    wait_until("the next try is far", lambda: (rows()[r"\\FS2\distro_test"]["next"] or 0) > time.time() + 3000, 40)
    check(re.search(r"install-retrying .* in \d+ min ", berth("package", "status").out), berth("package", "status").out)
    L.berth("server", "online", "FS2")
    L.wait_online("FS2")
    berth("site", "recheck", r"\\FS2\distro_test")
    wait_until("FS2 has it", lambda: rows()[r"\\FS2\distro_test"]["version"] == 3, 40)
    check(status()["work"]["packages_misplaced"] == 0, str(status()))
    wait_until("and the policy", lambda: status()["work"]["points_unpublished"] == 0, 40)
    berth("site", "set", "retry_s=1")


def test_killed():
    """the site's server is killed in the middle of it; the next one goes on"""
    berth("package", "redistribute", "tools", "--no-wait")
    SERVER.kill()
    SERVER.wait()
    start_server()
    wait_until("both have it", lambda: [r["state"] for r in rows().values()] == ["installed"] * 2, 60)


def pieces(name):
    top = os.path.join(L.directory, "volume-" + name)
    return [os.path.join(d, f) for d, _, files in os.walk(top) for f in files if os.path.basename(os.path.dirname(d)) == "pieces"]


def library():
    return {os.path.join(d, f) for d, _, files in os.walk(os.path.join(site_dir(), "content")) for f in files}


def test_validate():
    """what rotted at a point is found, said, and repaired"""
    victim = sorted(pieces("FS"))[0]
    with open(victim, "r+b") as f:
        byte = f.read(1)
        f.seek(0)
        f.write(bytes([byte[0] ^ 1]))
    berth("package", "validate", "tools")
    check(messages().count(2360) == messages().count(2361) == 1, str(messages()))
    check([r["state"] for r in rows().values()] == ["installed"] * 2, str(rows()))


def test_maintenance():
    """a point in maintenance is left alone, and gets what was asked for when that ends"""
    berth("site", "set-dp", r"\\FS2\distro_test", "--maintenance")
    held = berth("package", "redistribute", "tools", ok=False)
    check(held.code == 1 and r"FS2\distro_test is in maintenance" in held.text, repr(held))
    check("is on " + r"\\FS\distro_test" in held.out, held.out)
    check(rows()[r"\\FS2\distro_test"]["waits"] == "maintenance", str(rows()))
    berth("site", "publish")
    generation = {p["path"]: p["generation"] for p in json.loads(berth("site", "points", "--json").out)}
    check(generation[r"\\FS\distro_test"] > (generation[r"\\FS2\distro_test"] or 0), str(generation))
    berth("site", "set-dp", r"\\FS2\distro_test", "--in-use")
    wait_until("FS2 has it", lambda: rows()[r"\\FS2\distro_test"]["state"] == "installed", 40)


def test_rates():
    """a point is sent no faster than its rate, and nothing at an hour that is closed"""
    fs, begin = r"\\FS\distro_test", time.monotonic()
    berth("site", "set-dp", fs, "--rate", "500K")
    berth("package", "redistribute", "tools", fs)
    seconds = time.monotonic() - begin
    check(seconds > 1.5, "a megabyte at half a megabyte a second took %.1f s" % seconds)
    berth("site", "set-dp", fs, "--rate", "daily 00:00-12:00 0; daily 12:00-00:00 0")
    closed = berth("package", "redistribute", "tools", fs, ok=False)
    check(closed.code == 1 and "takes nothing at this hour" in closed.text, repr(closed))
    check("no rates" in berth("site", "set-dp", fs, "--rate", "soon", ok=False).text, "odd rates")
    berth("site", "set-dp", fs, "--rate", "")
    wait_until("it goes on", lambda: rows()[fs]["state"] == "installed", 40)


def test_group():
    """a group's members have what the group was brought, who joins too; clients in its boundaries are sent there"""
    fs, fs2 = r"\\FS\distro_test", r"\\FS2\distro_test"
    berth("site", "add-group", "Branch", "--boundary", "10.9.0.5-10.9.0.99", "--boundary", "10.8.0.0/16")
    berth("site", "join-group", "branch", fs)
    berth("package", "create", "extra", "--source", os.path.join(L.directory, "source"))
    out = berth("package", "distribute", "extra", "branch", "--priority", "high").out
    check(fs in out and fs2 not in out, out)
    berth("site", "join-group", "branch", fs2)
    both = [{"package": "extra", "point": p, "state": "installed", "priority": 0 if p == fs else 1} for p in (fs2, fs)]
    wait_until("FS2 has it too", lambda: [{k: r[k] for k in both[0]} for r in
               json.loads(berth("package", "status", "extra", "--json").out)] == both, 40)
    group = json.loads(berth("site", "groups", "--json").out)[0]
    check(group["points_json"] == [fs2, fs] and group["packages_json"] == ["extra"], str(group))
    berth("site", "publish")
    targets = os.path.join(L.directory, "site", "content", "targets")
    policies = [json.loads(t) for t in (open(os.path.join(targets, n), "rb").read() for n in os.listdir(targets))
                if t.startswith(b'{"_type":"policy"')]
    newest = max(policies, key=lambda p: p["generation"])
    check([p["boundaries"] for p in newest["points"]] == [["10.9.0.5-10.9.0.99", "10.8.0.0/16"]] * 2, str(newest["points"]))
    berth("site", "leave-group", "branch", fs2)
    out = berth("package", "remove", "extra", "branch").out
    check(fs in out and fs2 not in out, out)
    berth("package", "remove", "extra", fs2)
    berth("site", "remove-group", "branch")
    for words in (("join-group", "none", fs), ("add-group", "odd name"), ("add-group", "x", "--boundary", "10.9-8")):
        check(berth("site", *words, ok=False).code == 1, str(words))
    check("no group" in berth("package", "distribute", "tools", "none", ok=False).text, "a group that is not there")


def test_given_up():
    """tries end; what was given up stays failed and is an error"""
    L.berth("server", "offline", "FS2")
    wait_until("FS2 is offline", lambda: L.server_state("FS2")["state"] == "offline")
    failed = berth("package", "redistribute", "tools", r"\\FS2\distro_test", ok=False)
    check(failed.code == 1 and "tries again by itself" in failed.text, repr(failed))
    berth("site", "set", "tries=2")
    wait_until("it is given up", lambda: rows()[r"\\FS2\distro_test"]["state"] == "install-failed", 60)
    check(2302 in messages(), str(messages()))
    L.berth("server", "online", "FS2")
    L.wait_online("FS2")


def test_library():
    """what rotted in the library is told with the command that mends it, which does"""
    os.makedirs(os.path.join(L.directory, "third"))
    with open(os.path.join(L.directory, "third", "file"), "wb") as f:
        f.write(os.urandom(1000))
    before = library()
    berth("package", "create", "third", "--source", os.path.join(L.directory, "third"))
    victim = [p for p in library() - before if "/pieces/" in p][0]
    with open(victim, "r+b") as f:
        f.write(b"rot!")
    failed = berth("package", "distribute", "third", r"\\FS\distro_test", ok=False)
    check(failed.code == 1 and "berth package update third --verify" in failed.text, repr(failed))
    check("mended" not in berth("package", "update", "third").text, "without --verify")
    mended = berth("package", "update", "third", "--verify")
    check("damaged pieces mended in the library: 1" in mended.err and "version 1" in mended.out, repr(mended))
    berth("package", "redistribute", "third", r"\\FS\distro_test")
    again = json.loads(berth("package", "update", "third", "--verify", "--json").out)
    check(again == {"package": "third", "version": 1, "files": 1, "bytes": 1000, "mended_pieces": 0}, str(again))
    berth("package", "remove", "third")


def test_remove():
    """removed from a point, its pieces are gone there and nowhere else"""
    berth("package", "remove", "tools", r"\\FS\distro_test")
    check(r"\\FS\distro_test" not in rows(), str(rows()))
    check(not pieces("FS") and pieces("FS2"), str(pieces("FS")))
    check(2335 in messages(), str(messages()))


def test_no_server():
    """where no server runs the command does the same itself, and with --no-wait it says so"""
    SERVER.terminate()
    SERVER.wait(30)
    noted = berth("package", "redistribute", "tools", r"\\FS2\distro_test", "--no-wait")
    check("does not run" in noted.err, repr(noted))
    berth("site", "set-dp", r"\\FS2\distro_test", "--address", "127.0.0.59")
    failed = berth("package", "redistribute", "tools", r"\\FS2\distro_test", ok=False)
    check("start berth-site" in failed.err and "by itself" not in failed.err, repr(failed))
    berth("site", "add-account", "typo", "--user", "dist", "--password-stdin", input="wrong\n")
    berth("site", "set-dp", r"\\FS2\distro_test", "--address", "127.0.0.51", "--account", "typo")
    failed = berth("package", "redistribute", "tools", r"\\FS2\distro_test", ok=False)
    for command in ("berth user password FS2 dist", "berth site add-account typo --user dist"):
        check(command in failed.err, repr(failed))
    berth("site", "set-dp", r"\\FS2\distro_test", "--account", "dist")
    out = berth("package", "redistribute", "tools", r"\\FS2\distro_test").out
    check("read back and verified" in out, out)
    start_server()


def test_remove_point():
    """a point that is removed has nothing left of the site, and no other point is touched"""
    berth("package", "distribute", "tools", r"\\FS\distro_test")
    check(pieces("FS"), "nothing was brought")
    berth("site", "remove-dp", r"\\FS\distro_test")
    share = json.loads(L.berth("share", "list", "FS", "--json").out)
    path = [s["path"] for s in share if s["name"] == "distro_test"][0].split("\\", 1)[1]
    check(os.listdir(os.path.join(L.directory, "volume-FS", path)) == [], "something is left")
    check(pieces("FS2") and list(rows()) == [r"\\FS2\distro_test"], str(rows()))
    check([p["path"] for p in json.loads(berth("site", "points", "--json").out)] == [r"\\FS2\distro_test"], "points")
    berth("site", "add-dp", r"\\FS\distro_test", "--priority", "5")
    berth("site", "set-dp", r"\\FS\distro_test", "--boundary", "10.0.0.0/8")
    point = [p for p in json.loads(berth("site", "points", "--json").out) if p["path"] == r"\\FS\distro_test"][0]
    check(point["priority"] == 5 and point["boundaries"] == "10.0.0.0/8", str(point))


def test_prestaged():
    """media is made, copied to a point, verified there, and only what was damaged on the way is sent"""
    media = os.path.join(L.directory, "media")
    berth("package", "export", "tools", media)
    berth("package", "remove", "tools", r"\\FS2\distro_test")
    check(not pieces("FS2"), "pieces are left")
    names = [os.path.relpath(os.path.join(d, f), media) for d, _, files in os.walk(media) for f in files]
    victim = max((n for n in names if n.startswith("pieces/")), key=lambda n: os.path.getsize(os.path.join(media, n)))
    size = os.path.getsize(os.path.join(media, victim))
    with open(os.path.join(media, victim), "r+b") as f:
        f.write(b"rotten")
    L.smbclient(r"\\FS2\distro_test", "recurse; prompt; lcd %s; mput pieces; mput targets" % media, user="dist")
    out = berth("package", "distribute", "tools", r"\\FS2\distro_test").out
    check("verified: %d bytes sent" % size in out, out)


def ocf(action, **parameters):
    env = dict(os.environ, OCF_RESKEY_berth_site=BERTH_SITE, OCF_RESKEY_site=site_dir(),
               OCF_RESKEY_log=os.path.join(L.directory, "ocf.log"))
    env.update({"OCF_RESKEY_" + k: v for k, v in parameters.items()})
    return run([os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../agents/ocf/site"), action], env=env)


def test_resource_agent():
    """the agent of a cluster starts the site's server once, sees its death, and stops it"""
    SERVER.terminate()
    SERVER.wait(30)
    check(ocf("monitor").code == 7, "it runs before its start")
    for _ in range(2):
        check(ocf("start").code == 0 and ocf("monitor").code == 0, "start")
    berth("package", "redistribute", "tools", r"\\FS2\distro_test")
    with open(os.path.join(site_dir(), "server.lock")) as f:
        os.kill(int(f.readline()), signal.SIGKILL)
    wait_until("its death is seen", lambda: ocf("monitor").code == 7)
    check(ocf("start").code == 0, "start after its death")
    for _ in range(2):
        check(ocf("stop").code == 0 and ocf("monitor").code == 7, "stop")
    check(ocf("start", site=os.path.join(L.directory, "nothing")).code == 1, "a site that is not there")
    check(ocf("validate-all", berth_site="/nonexistent/berth-site").code == 5, "a program that is not there")
    check(ocf("promote").code == 3, "an action it does not have")
    xml.etree.ElementTree.fromstring(ocf("meta-data").out.split("\n", 2)[2])
    start_server()


def test_refused():
    """what is not there is named"""
    check("no package" in berth("package", "distribute", "nothing", ok=False).text, "a package")
    check("no distribution point" in berth("package", "validate", "tools", r"\\X\y", ok=False).text, "a point")


def test_end():
    """everything stops in good order"""
    SERVER.terminate()
    check(SERVER.wait(30) == 0, "berth-site")
    L.__exit__(None, None, None)


main([f for n, f in list(globals().items()) if n.startswith("test_")])
