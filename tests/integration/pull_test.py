# SPDX-License-Identifier: Apache-2.0
"""A distribution point is filled by a client near to it from another point, and the site believes no more than it saw."""
import json
import os
import re
import shutil
import sqlite3
import subprocess
import time

from lab import BUILD, PASSWORD, Lab, check, main, wait_until

BERTH_SITE = os.path.join(BUILD, "src/sited/berth-site")
AGENT = os.path.join(BUILD, "src/agent/berth-agent")
TIME = r" 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d"
NEAR, FAR = r"\\FS\distro_test", r"\\FS2\distro_test"
L = None
SERVER = MOVER = None


def site_dir():
    return os.path.join(L.directory, "site")


def berth(*args, input=None, ok=True):
    return L.berth(*args, "--site", site_dir(), input=input, ok=ok)


def publish():
    """As soon as the site's server, which publishes too, has left the points."""
    wait_until("it is published", lambda: not berth("site", "publish", ok=False).code, 60)


def row(point=FAR, package="tools"):
    found = [r for r in json.loads(berth("package", "status", package, "--json").out) if r["point"] == point]
    return found[0] if found else {"state": "nothing", "reason": ""}


def messages():
    return [m["message"] for m in json.loads(berth("site", "messages", "--limit", "1000", "--json").out)]


def path(name):
    return os.path.join(L.directory, name)


def content_of(name):
    """Where the pieces of a point lie on its volume."""
    return next(d for d, dirs, _ in os.walk(path("volume-" + name)) if "pieces" in dirs and "metadata" in dirs)


def pieces(name):
    top = os.path.join(content_of(name), "pieces")
    return sorted(os.path.join(d, f) for d, _, files in os.walk(top) for f in files)


class LibraryHidden:
    """The site has no pieces: what arrives now did not come from it."""

    def __enter__(self):
        os.rename(path("site/content/pieces"), path("site/content/away"))

    def __exit__(self, *_):
        def is_back():  # the site makes what it misses again, while it is there
            try:
                shutil.rmtree(path("site/content/pieces"), ignore_errors=True)
                os.rename(path("site/content/away"), path("site/content/pieces"))
                return True
            except OSError:
                return False
        wait_until("the library is back", is_back)


def write_config(extra):
    with open(path("agent.conf"), "w") as f:
        f.write("[agent]\nstate = %s\nroot = %s\nname = near\ntoken_file = %s\nuser = reader\npassword_file = %s\n"
                "interval_s = 2\npatience_s = 60\n%s\n[point FS]\nserver = FS\nshare = distro_test\nhost = 127.0.0.50\n"
                "port = %d\n" % (path("state"), path("root.json"), path("token"), path("password"), extra, L.port))


def start_mover(extra=None):
    global MOVER
    write_config("pull_user = dist\npull_password_file = %s" % path("password") if extra is None else extra)
    with open(path("agent.log"), "ab") as log:
        MOVER = subprocess.Popen([AGENT, "--config", path("agent.conf"), "run"], stdin=subprocess.DEVNULL, stdout=log,
                                 stderr=log, cwd="/")


def stop_mover(kill=False):
    MOVER.kill() if kill else MOVER.terminate()
    MOVER.wait(60)


def arrives(version, seconds=60):
    def there():
        found = row()
        return found if found["state"] == "installed" and found["version"] == version else None
    return wait_until("the mover has brought it", there, seconds)


def test_start():
    """two points, a client near to both, and the site's server"""
    global L, SERVER
    L = Lab()
    L.node("N1", "127.0.0.11")
    berth("site", "init", "--code", "P01")
    berth("site", "add-account", "dist", "--user", "dist", "--password-stdin", input=PASSWORD + "\n")
    berth("site", "set", "account=dist", "retry_s=1", "tries=10000", "validate_days=0", "clients_round_s=1")
    for name, address in (("FS", "127.0.0.50"), ("FS2", "127.0.0.51")):
        L.server(name, address)
        L.user(name, "dist", admin=True)
        L.user(name, "reader")
        berth("site", "add-dp", r"\\%s\distro_test" % name)
    os.makedirs(path("source"))
    for i in range(20):
        with open(path("source/file%d" % i), "wb") as f:
            f.write(os.urandom(50000))
    berth("package", "create", "tools", "--source", path("source"))
    for name, text in (("password", PASSWORD), ("root.json", berth("site", "client-root").out),
                       ("token", berth("client", "token").out.strip())):
        with open(path(name), "w") as f:
            f.write(text)
    berth("site", "publish")
    with open(path("berth-site.log"), "ab") as log:
        SERVER = subprocess.Popen([BERTH_SITE, "--site", site_dir()], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                  cwd="/")
    start_mover()
    wait_until("the client is approved", lambda: json.loads(berth("client", "list", "--json").out), 60)


def test_refused():
    """a mover that is no client, a point that is its own source, and half of it are refused"""
    for words, what in ((("--mover", "nobody", "--pull-from", NEAR), "no client"),
                        (("--mover", "near"), "needs both"),
                        (("--pull-from", NEAR), "needs both"),
                        (("--mover", "near", "--pull-from", FAR), "filled from itself"),
                        (("--mover", "near", "--pull-from", r"\\X\y"), "no distribution point"),
                        (("--mover", "near", "--pull-from", NEAR, "--no-mover"), "--no-mover goes with")):
        refused = berth("site", "set-dp", FAR, *words, ok=False)
        check(refused.code and what in refused.text, "%s: %r" % (words, refused))
    berth("site", "set-dp", FAR, "--mover", "near", "--pull-from", NEAR)
    circle = berth("site", "set-dp", NEAR, "--mover", "near", "--pull-from", FAR, ok=False)
    check("filled from itself" in circle.text, repr(circle))
    listed = {line.split()[0]: line for line in berth("site", "points").out.splitlines()}
    for name in (NEAR, FAR):  # when it was published to, as people write it
        check(re.search(TIME, listed[name]), str(listed))
    point = [p for p in json.loads(berth("site", "points", "--json").out) if p["path"] == FAR][0]
    check(point["mover"] == "near" and point["pull_from_json"] == [NEAR], str(point))


def test_pull():
    """the mover fills the point from the other one: the site need not have a single piece"""
    failed = berth("package", "distribute", "tools", FAR, ok=False)
    check(failed.code == 1 and "distribute it there" in failed.text, repr(failed))
    berth("package", "remove", "tools", FAR)
    berth("package", "distribute", "tools", NEAR)
    with LibraryHidden():
        said = berth("package", "distribute", "tools", FAR)
        check("waits for its mover, client near" in said.out, repr(said))
        found = arrives(1)
    check(found["bytes_sent"] >= 1000000 and len(pieces("FS2")) == len(pieces("FS")), str(found))
    check(2330 in messages(), str(messages()))


def test_together():
    """asked for everywhere, it goes to the source first; of a new version only what is new is moved"""
    with open(path("source/added"), "wb") as f:
        f.write(os.urandom(50000))
    berth("package", "update", "tools")
    berth("package", "distribute", "tools", "--wait")
    check([row(p)["version"] for p in (NEAR, FAR)] == [2, 2] and row()["bytes_sent"] == 50000, str(row()))


def damage(names):
    for name in names:
        with open(name, "r+b") as f:
            byte = f.read(1)
            f.seek(0)
            f.write(bytes([byte[0] ^ 1]))


def manifest_of(package):
    with sqlite3.connect(os.path.join(site_dir(), "site.db")) as db:
        return db.execute("SELECT lower(hex(manifest)) FROM packages WHERE name = ?", (package,)).fetchone()[0]


def test_source_lies():
    """a source without its old manifests and with other bytes in its old pieces changes nothing at the target"""
    with open(path("source/later"), "wb") as f:
        f.write(os.urandom(50000))
    berth("package", "update", "tools")
    berth("package", "distribute", "tools", NEAR)
    targets, kept = os.path.join(content_of("FS"), "targets"), manifest_of("tools")
    for name in os.listdir(targets):
        with open(os.path.join(targets, name), "rb") as f:
            is_manifest = f.read(7) == b"BERTHMF"
        if is_manifest and name != kept:
            os.remove(os.path.join(targets, name))
    before = {p: os.stat(p).st_mtime_ns for p in pieces("FS2")}
    old = [p for p in pieces("FS") if os.path.basename(p) in {os.path.basename(b) for b in before}]
    check(len(old) == len(before), "%d of %d" % (len(old), len(before)))
    damage(old)
    berth("package", "distribute", "tools", FAR)
    found = arrives(3)
    damage(old)  # and back
    check(found["bytes_sent"] == 50000, str(found))
    check(all(os.stat(p).st_mtime_ns == t for p, t in before.items()), "pieces were written over")


def test_validate():
    """a validation is the mover's too, and what rotted comes from the nearer point"""
    damage(pieces("FS2")[:3])
    before = messages().count(2361)
    with LibraryHidden():
        berth("package", "validate", "tools", FAR)
        arrives(3)
    check(messages().count(2361) == before + 1, str(messages()))


def test_several():
    """several packages that a point waits for are ordered together, and all arrive"""
    names = ["more%d" % i for i in range(4)]
    berth("site", "set-dp", FAR, "--maintenance")
    for name in names:
        os.makedirs(path(name))
        with open(path(name + "/file"), "wb") as f:
            f.write(os.urandom(1000))
        berth("package", "create", name, "--source", path(name))
        berth("package", "distribute", name, NEAR)
        berth("package", "distribute", name, FAR, "--no-wait")

    def orders():
        with sqlite3.connect(os.path.join(site_dir(), "site.db")) as db:
            return db.execute("SELECT count(*) FROM distributions WHERE package LIKE 'more%' AND ordered = asked AND"
                              " point = ?", (FAR,)).fetchone()[0]
    check(orders() == 0, "ordered in maintenance")
    berth("site", "set-dp", FAR, "--in-use")
    seen = set()
    wait_until("they are ordered", lambda: seen.add(orders()) or len(names) in seen, 60)
    check(seen <= {0, len(names)}, "they were ordered one after the other: %s" % seen)
    for name in names:
        wait_until("%s is there" % name, lambda: row(package=name)["state"] == "installed", 60)
        berth("package", "remove", name, FAR)


def test_killed():
    """a mover that is killed goes on when it is back"""
    with open(path("source/large"), "wb") as f:
        f.write(os.urandom(8000000))
    berth("package", "update", "tools")
    berth("package", "distribute", "tools", NEAR)
    berth("package", "distribute", "tools", FAR, "--no-wait")
    wait_until("it is on its way", lambda: len(pieces("FS2")) > 25 or None, 60)
    stop_mover(kill=True)
    start_mover()
    arrives(4)


def test_rate():
    """a mover writes no faster than the site would, however many packages, and nothing in an hour that lets nothing in"""
    berth("site", "set-dp", FAR, "--rate", "0")
    with open(path("source/slow"), "wb") as f:
        f.write(os.urandom(600000))
    berth("package", "update", "tools")
    names = ["slow%d" % i for i in range(4)]  # of one piece each
    for name in names:
        os.makedirs(path(name))
        with open(path(name + "/file"), "wb") as f:
            f.write(os.urandom(100000))
        berth("package", "create", name, "--source", path(name))
    before = len(pieces("FS2"))
    for name in ["tools"] + names:
        berth("package", "distribute", name, NEAR)
        berth("package", "distribute", name, FAR, "--no-wait")
    publish()

    def waits():
        with open(path("agent.log")) as f:
            return f.read().count("wait for the hours of their point")
    wait_until("the mover has seen the order", waits, 60)
    check(len(pieces("FS2")) == before, "something was moved")
    check(waits() == 1, "it is said %d times" % waits())
    begin = time.monotonic()
    berth("site", "set-dp", FAR, "--rate", "150K")
    publish()
    stop_mover()  # it would look again in a minute
    start_mover()
    arrives(5, 120)
    for name in names:
        wait_until("%s is there" % name, lambda: row(package=name)["state"] == "installed", 60)
    check(time.monotonic() - begin >= 6, "1,000,000 bytes went in %.1f s" % (time.monotonic() - begin))
    berth("site", "set-dp", FAR, "--rate", "")
    for name in names:
        berth("package", "remove", name, FAR)


def test_stopped():
    """a mover that has stopped is said to be waited for, and told after the patience of the site"""
    stop_mover()
    berth("package", "validate", "tools", FAR, "--no-wait")
    wait_until("it is waited for", lambda: "waits for its mover" in (row()["reason"] or ""), 60)
    check(row()["state"] == "install-pending" and row()["waits"] == "mover", str(row()))
    before = messages().count(2328)
    with sqlite3.connect(os.path.join(site_dir(), "site.db"), timeout=30) as db:
        db.execute("UPDATE distributions SET asked_s = asked_s - 21600 WHERE point = ?", (FAR,))
    wait_until("it is told", lambda: messages().count(2328) > before, 60)
    check(row()["state"] == "install-retrying" and 'client "near"' in row()["reason"], str(row()))


def test_no_account():
    """a client that has no account to fill points with says so, and the site says it"""
    start_mover("")
    berth("package", "redistribute", "tools", FAR, "--no-wait")
    wait_until("it is told", lambda: "no account to fill points with" in (row()["reason"] or ""), 60)
    check(row()["state"] == "install-retrying" and 2328 in messages(), str(row()))
    stop_mover()


def test_lie():
    """a mover that reports what it has not done is found out, and the point is repaired"""
    with open(path("source/last"), "w") as f:
        f.write("last")
    berth("package", "update", "tools")
    start_mover()
    berth("package", "distribute", "tools")
    arrives(6)
    stop_mover()
    damage(pieces("FS2"))
    berth("package", "validate", "tools", FAR, "--no-wait")

    def ordered():  # published: what a mover remembers of no order, it forgets
        with sqlite3.connect(os.path.join(site_dir(), "site.db")) as db:
            return db.execute("SELECT asked, lower(hex(manifest)) FROM distributions JOIN packages ON name = package"
                              " WHERE package = 'tools' AND point = ? AND ordered = asked", (FAR,)).fetchone()
    number, manifest = wait_until("it is ordered", ordered, 60)
    with open(path("state/state.json")) as f:
        state = json.load(f)
    state["pulls"].append({"to": FAR, "package": "tools", "manifest": manifest, "number": number, "state": "installed",
                           "reason": "", "sent": 0, "bad": 0, "time_s": 1, "attempts": 1, "again_s": 0})
    state["has_news"] = True
    with open(path("state/state.json"), "w") as f:
        json.dump(state, f)
    start_mover()
    wait_until("it is found out", lambda: any("it is not" in json.dumps(m) for m in json.loads(
        berth("site", "messages", "--json").out)), 60)
    arrives(6)


def test_remove():
    """taken off the point it is gone there, and nowhere else"""
    berth("package", "remove", "tools", FAR)
    check(not pieces("FS2") and pieces("FS") and row()["state"] == "nothing", str(row()))


def test_no_mover():
    """without its mover the site fills it itself again"""
    stop_mover()
    berth("site", "set-dp", FAR, "--no-mover")
    berth("package", "distribute", "tools", FAR)
    check(row()["state"] == "installed" and pieces("FS2"), str(row()))


def test_end():
    """everything stops in good order"""
    SERVER.terminate()
    check(SERVER.wait(30) == 0, "berth-site")
    L.__exit__(None, None, None)


main([f for n, f in list(globals().items()) if n.startswith("test_")])
