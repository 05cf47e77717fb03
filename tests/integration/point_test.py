# SPDX-License-Identifier: Apache-2.0
"""A site makes a share of a file server a distribution point, step by step, and says which step failed."""
import json
import os
import signal
import sqlite3
import subprocess

from lab import PASSWORD, Lab, check, main, run, wait_until

L = None
MESSAGE = ('SMS Site System Status Summarizer could not access storage object "\\\\FS\\distro_test" on site system '
           '"\\\\FS\\distro_test". The operating system reported error 2147942467: The network name cannot be found.')


def site(*args, input=None, ok=True):
    return L.berth("site", args[0], *args[1:], "--site", os.path.join(L.directory, "site"), input=input, ok=ok)


def messages():
    return [m["message"] for m in json.loads(site("messages", "--json").out)]


def test_start():
    """a scoped file server without the share, and a site"""
    global L
    L = Lab()
    L.node("N1", "127.0.0.11")
    L.server("FS", "127.0.0.50", "scoped")
    L.user("FS", "installer", admin=True)
    L.user("FS", "bob")
    site("init", "--code", "P01")
    for name in ("installer", "bob"):
        site("add-account", name, "--user", name, "--password-stdin", input=PASSWORD + "\n")
    site("set", "account=installer")


def test_scoped():
    """against visibility scoped it fails with the message of 2010, and nothing is added"""
    result = site("add-dp", r"\\FS\distro_test", ok=False)
    check(result.code == 1 and MESSAGE in result.out, repr(result))
    check("visibility=server" in result.out and r"\\FS\ADMIN$" in result.out, result.out)
    check(60021 in messages(), str(messages()))
    check(json.loads(site("status", "--json").out)["systems"] == [], "it was added")
    data = json.loads(site("add-dp", r"\\FS\distro_test", "--json", ok=False).out)
    check(data["failure"]["hresult_decimal"] == 2147942467 and not data["is_good"], str(data))


def test_no_administrator():
    """an account that is no Administrator is told at which step it was refused"""
    L.berth("server", "set", "FS", "visibility=server")
    result = site("add-dp", r"\\FS\distro_test", "--account", "bob", ok=False)
    check(result.code == 1 and "connect ADMIN$" in result.out and "STATUS_ACCESS_DENIED" in result.out, repr(result))


def test_install():
    """against visibility server every step is good: ADMIN$, share, registry, directories, test object"""
    result = site("add-dp", r"\\FS\distro_test")
    for step in ("log on", "connect ADMIN$", "write, read and delete in ADMIN$", "add the share (NetrShareAdd)",
                 "set the registry values", "content directory", "write, verify and remove a test object"):
        check("ok   " + step in result.out, "%s: %s" % (step, result.out))
    check("FAIL" not in result.out and 60020 in messages(), result.out)
    shares = json.loads(L.berth("share", "list", "FS", "--json").out)
    check(any(s["name"] == "distro_test" for s in shares), str(shares))
    listing = L.smbclient(r"\\FS\distro_test", "ls; ls staging\\*", user="installer")
    check("pieces" in listing.out and "test-P01" not in listing.out, repr(listing))
    status = json.loads(site("status", "--json").out)
    check(status["systems"][0]["roles"][0]["role"] == "distribution-point", str(status))
    result = L.rpcclient("FS", "netsharegetinfo distro_test 2", user="installer")
    check("Distribution point" in result.out, repr(result))


def test_again():
    """it is added once; its test changes nothing; a repair does all steps again"""
    check("already" in site("add-dp", r"\\FS\distro_test", ok=False).text, "twice")
    site("test-dp", r"\\FS\distro_test")
    L.smbclient(r"\\FS\distro_test", "rmdir pieces", user="installer")
    result = site("test-dp", r"\\FS\distro_test", ok=False)
    check(result.code == 1 and r"\\FS\distro_test\pieces" in result.out, repr(result))
    site("add-dp", r"\\FS\distro_test", "--repair")
    site("test-dp", r"\\FS\distro_test")


def test_unwatched():
    """a point is watched as long as it is one; where an older site let that end, it is changed, repaired and removed all the same"""
    def is_watched():
        return any(o["path"] == r"\\FS\distro_test" for s in json.loads(site("status", "--json").out)["systems"]
                   for r in s["roles"] for o in r["objects"])

    def unwatch():
        with sqlite3.connect(os.path.join(L.directory, "site/site.db")) as db:
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("DELETE FROM objects")
        db.close()
        check(not is_watched(), "it is watched still")

    result = site("remove-object", r"\\FS\distro_test", ok=False)
    check(result.code == 1 and "remove-dp" in result.text and is_watched(), repr(result))
    site("set-dp", r"\\FS\distro_test", "--rate", "50M")
    unwatch()
    check("already" in site("add-dp", r"\\FS\distro_test", ok=False).text, "without --repair")
    site("test-dp", "//FS/distro_test")
    site("add-dp", r"\\FS\distro_test", "--repair")
    check(json.loads(site("points", "--json").out)[0]["rates"] == "50M" and is_watched(), "the repair dropped the rate")
    unwatch()
    site("set-dp", r"\\fs\distro_test", "--priority", "5")
    check(json.loads(site("points", "--json").out)[0]["priority"] == 5 and is_watched(), "set-dp")
    unwatch()
    site("remove-dp", r"\\FS\distro_test", "--keep-content")
    check(json.loads(site("points", "--json").out) == [], "remove-dp")
    site("add-dp", r"\\FS\distro_test")


def test_watched():
    """a share that was only watched in the role of a point becomes one by a repair, with what content needs"""
    site("add-object", r"\\FS\watched", "--role", "distribution-point")
    check(not any(p["path"] == r"\\FS\watched" for p in json.loads(site("points", "--json").out)), "it is a point already")
    check("already" in site("add-dp", r"\\FS\watched", ok=False).text, "without --repair")
    check("FAIL" not in site("add-dp", r"\\FS\watched", "--repair", "--priority", "7").out, "a step failed")
    point = [p for p in json.loads(site("points", "--json").out) if p["path"] == r"\\FS\watched"][0]
    check(point["priority"] == 7 and not point["is_protected"], str(point))
    site("test-dp", r"\\FS\watched")
    site("publish")
    check("timestamp.json" in L.smbclient(r"\\FS\watched", "ls metadata/*", user="installer").out, "nothing was published")
    site("remove-dp", r"\\FS\watched")


def test_two_sites():
    """a share that another site uses is no point of this one, and who was there first loses nothing"""
    def other(*args, ok=True, input=None):
        return L.berth("site", args[0], *args[1:], "--site", os.path.join(L.directory, "other"), input=input, ok=ok)

    point = r"\\FS\distro_test\two"
    other("init", "--code", "P02")
    other("add-account", "installer", "--user", "installer", "--password-stdin", input=PASSWORD + "\n")
    other("set", "account=installer")
    other("add-dp", point)  # nobody's yet
    site("add-dp", point)
    site("publish")
    late = other("publish", ok=False)
    check("belongs to another site" in late.text, repr(late))
    removed = other("remove-dp", point)
    check("belongs to another site" in removed.err and "left as it is" in removed.err, repr(removed))
    check(json.loads(other("points", "--json").out) == json.loads(other("status", "--json").out)["systems"] == [], "it is there still")
    result = other("add-dp", point, ok=False)
    owner = open(os.path.join(L.directory, "site/keys/owner")).read().strip()
    check(result.code == 1 and owner in result.out and r"FAIL see whose it is" in result.out and "ADMIN$" not in result.out, repr(result))
    check(json.loads(other("points", "--json").out) == [], "it was added")
    data = json.loads(other("add-dp", point, "--json", ok=False).out)
    check(data["failure"]["hresult_decimal"] == 2147942405 and owner in data["failure"]["text"], str(data))
    check(60021 in [m["message"] for m in json.loads(other("messages", "--json").out)], "no message")
    site("test-dp", point)
    check("timestamp.json" in L.smbclient(r"\\FS\distro_test", "ls two/metadata/*", user="installer").out, "what was published is gone")
    other("add-dp", point + r"\below")
    other("remove-dp", point + r"\below")
    site("remove-dp", point)
    site("test-dp", r"\\FS\distro_test")  # it has registry values of its own


def test_share_only():
    """on any SMB server's share, with --share-only: an smbd of its own"""
    base = os.path.join(L.directory, "smbd")
    os.makedirs(os.path.join(base, "share"))
    os.makedirs(os.path.join(base, "ncalrpc"))
    conf = os.path.join(base, "smb.conf")
    with open(conf, "w") as f:
        f.write("[global]\nserver role = standalone server\nsmb ports = 10446\ninterfaces = lo\nbind interfaces only = yes\n"
                "disable netbios = yes\nload printers = no\nlog file = %s/log\nncalrpc dir = %s/ncalrpc\n" % (base, base) +
                "".join("%s = %s\n" % (k, base) for k in ("private dir", "lock directory", "state directory",
                                                        "cache directory", "pid directory")) +
                "[files]\npath = %s/share\nread only = no\n" % base)
    run(["smbpasswd", "-L", "-c", conf, "-a", "-s", "root"], input="%s\n%s\n" % (PASSWORD, PASSWORD))
    process = subprocess.Popen(["smbd", "-F", "--no-process-group", "-s", conf], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        site("add-account", "smbd", "--user", "root", "--password-stdin", input=PASSWORD + "\n")
        point = (r"\\OTHER\files\berth", "--address", "127.0.0.1", "--port", "10446", "--account", "smbd")
        wait_until("smbd answers", lambda: run(["smbclient", "-s", L.smb_conf, "-p", "10446", "-L", "127.0.0.1", "-N"],
                                               env=L.env).code == 0 or None, 20)
        result = site("add-dp", *point, ok=False)
        check(result.code == 1 and "ADMIN$" in result.out, "without --share-only: %r" % result)
        result = site("add-dp", *point, "--share-only")
        check("ok   write, verify and remove a test object" in result.out and "ADMIN$" not in result.out, result.out)
        check(os.path.isdir(os.path.join(base, "share/berth/pieces")), "the directories are there")
    finally:
        process.terminate()
        process.wait()
        for pid in filter(str.isdigit, os.listdir("/proc")):  # the RPC helper that smbd starts lives on without it
            try:
                with open("/proc/%s/cmdline" % pid) as f:
                    if "--configfile=" + conf in f.read():
                        os.kill(int(pid), signal.SIGTERM)
            except OSError:
                pass


def test_remove():
    """removed, it is no longer watched, its registry values are gone, and so is what was made there"""
    site("remove-dp", r"\\FS\distro_test")
    check("there is no distribution point" in site("test-dp", r"\\FS\distro_test", ok=False).text, "it is gone")
    check("pieces" not in L.smbclient(r"\\FS\distro_test", "ls", user="installer").out, "directories are left")
    site("add-dp", r"\\FS\distro_test")
    site("remove-dp", r"\\FS\distro_test", "--keep-content")
    check("pieces" in L.smbclient(r"\\FS\distro_test", "ls", user="installer").out, "nothing is left")


def test_end():
    """the node stops in good order"""
    L.__exit__(None, None, None)


main([f for n, f in list(globals().items()) if n.startswith("test_")])
