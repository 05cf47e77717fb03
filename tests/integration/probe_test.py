# SPDX-License-Identifier: Apache-2.0
"""berth site probe: the message of 2010, what it did not say, and OK where all is well; against smbd too."""
import json
import os
import subprocess

from lab import PASSWORD, Lab, check, main, run, wait_until

L = None
MESSAGE = ('SMS Site System Status Summarizer could not access storage object "\\\\FS\\distro_test" on site system '
           '"\\\\FS\\distro_test". The operating system reported error 2147942467: The network name cannot be found.')


def probe(unc, *options, user="alice", password=PASSWORD):
    path = os.path.join(L.directory, "pw")
    with open(path, "w") as f:
        f.write(password + "\n")
    os.chmod(path, 0o600)
    return L.berth("site", "probe", unc, "--user", user, "--password-file", path, *options, ok=False)


def test_start():
    """a node and a scoped file server come up"""
    global L
    L = Lab()
    L.node("N1", "127.0.0.11")
    L.server("FS", "127.0.0.50", "scoped")
    L.user("FS", "alice", admin=True)
    L.user("FS", "bob")
    L.share("FS", "distro_test", "--path", "packages")


def test_scoped():
    """against visibility scoped it prints the message of 2010 and what failed"""
    result = probe(r"\\FS\distro_test")
    check(result.code == 2, "exit %d: %r" % (result.code, result))
    check(MESSAGE in result.out, result.out)
    for needed in (r"\\FS\ADMIN$", "STATUS_BAD_NETWORK_NAME", "0xC00000CC", "67", "0x80070043", "alice"):
        check(needed.lower() in result.out.lower(), "%s is not said in: %s" % (needed, result.out))


def test_scoped_json():
    """the same as JSON"""
    result = probe(r"\\FS\distro_test", "--json")
    check(result.code == 2, repr(result))
    data = json.loads(result.out)
    text = json.dumps(data)
    check("2147942467" in text and "ADMIN$" in text and "STATUS_BAD_NETWORK_NAME" in text, text)


def test_server():
    """against visibility server it prints OK with the free space"""
    L.berth("server", "set", "FS", "visibility=server")
    result = wait_until("the probe is OK", lambda: (lambda r: r if r.code == 0 else None)(probe(r"\\FS\distro_test")), 10)
    check("OK" in result.out and "free" in result.out.lower(), result.out)
    data = json.loads(probe(r"\\FS\distro_test", "--json").out)
    check("free_bytes" in json.dumps(data), str(data))


def test_missing_share():
    """a share that is not there is critical, and says so"""
    result = probe(r"\\FS\nothing")
    check(result.code == 2 and "2147942467" in result.out and r"\\FS\nothing" in result.out, repr(result))


def test_wrong_password():
    """a wrong password is named as such"""
    result = probe(r"\\FS\distro_test", password="wrong")
    check(result.code == 2 and "1326" in result.out, repr(result))
    check("berth user password FS alice" in result.out, result.out)


def test_no_administrator():
    """an account that is no administrator is told that ADMIN$ refused it"""
    result = probe(r"\\FS\distro_test", user="bob")
    check(result.code in (1, 2) and "ADMIN$" in result.out and "STATUS_ACCESS_DENIED" in result.out, repr(result))


def test_nobody_there():
    """a name that is not there is error 53, not 67"""
    result = probe(r"\\NOSUCH\x")
    check(result.code in (2, 3) and "2147942453" in result.out, repr(result))


def test_offline():
    """a file server that is offline is error 53"""
    L.berth("server", "offline", "FS")
    wait_until("FS is offline", lambda: L.server_state("FS")["state"] == "offline")
    result = probe(r"\\FS\distro_test", "--address", "127.0.0.50")
    check(result.code in (1, 2) and "2147942453" in result.out, repr(result))
    L.berth("server", "online", "FS")
    L.wait_online("FS")


def test_usage():
    """a path that is none is a clear error"""
    result = probe("nonsense")
    check(result.code == 3 and "nonsense" in result.text, repr(result))


def test_smbd():
    """it works as well against smbd"""
    base = os.path.join(L.directory, "smbd")
    os.makedirs(os.path.join(base, "share"))
    conf = os.path.join(base, "smb.conf")
    with open(conf, "w") as f:
        f.write("[global]\nworkgroup = W\nbind interfaces only = yes\ninterfaces = 127.0.0.70/8\nsmb ports = 445\n"
                "pid directory = {0}\nlock directory = {0}\nstate directory = {0}\ncache directory = {0}\n"
                "private dir = {0}\nncalrpc dir = {0}/ncalrpc\nlog file = {0}/log\nguest account = root\n"
                "map to guest = never\ndisable spoolss = yes\n"
                "[distro_test]\npath = {0}/share\nread only = no\n"
                "[ADMIN$]\npath = {0}/share\nread only = no\n".format(base))
    made = run(["smbpasswd", "-c", conf, "-L", "-a", "-s", "root"], input="%s\n%s\n" % (PASSWORD, PASSWORD))
    check(made.code == 0, repr(made))
    p = subprocess.Popen(["smbd", "-F", "--no-process-group", "-s", conf], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        result = wait_until("smbd answers", lambda: (lambda r: r if r.code == 0 else None)(
            probe(r"\\SAMBA\distro_test", "--address", "127.0.0.70", user="root")), 20)
        check("OK" in result.out, result.out)
        result = probe(r"\\SAMBA\nothing", "--address", "127.0.0.70", user="root")
        check(result.code == 2 and "2147942467" in result.out, repr(result))
    finally:
        p.terminate()
        p.wait()


def test_stop():
    """the node stops cleanly"""
    L.__exit__(None, None, None)


if __name__ == "__main__":
    main([v for k, v in list(globals().items()) if k.startswith("test_")])
