# SPDX-License-Identifier: Apache-2.0
"""The oracle table: which name shows what, under each of the three visibilities, asked by smbclient and impacket."""
import os
import re

import lab
from lab import Lab, check, main, wait_until

ADDRESSES = {"N1": "127.0.0.11", "FS": "127.0.0.50", "FS2": "127.0.0.51"}
HOSTS = dict(ADDRESSES, ALIAS="127.0.0.50", **{"FS.EXAMPLE.TEST": "127.0.0.50", "127.0.0.50": "127.0.0.50"})
WIN32 = {
    "NT_STATUS_BAD_NETWORK_NAME": "67",
    "NT_STATUS_ACCESS_DENIED": "5",
    "NT_STATUS_LOGON_FAILURE": "1326",
    # The client finds no server of that name, or nobody listens there: error 53, network path not found.
    "NT_STATUS_CONNECTION_REFUSED": "53",
    "NT_STATUS_NOT_FOUND": "53",
    "NT_STATUS_INVALID_ADDRESS": "53",  # no resolver gives it an address
    "NT_STATUS_UNSUCCESSFUL": "53",
    "NT_STATUS_BAD_NETWORK_PATH": "53",
    "NT_STATUS_HOST_UNREACHABLE": "53",
    "NT_STATUS_NETWORK_UNREACHABLE": "53",
}


def rows():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "oracle.tsv")) as f:
        for line in f:
            if not line.startswith("#"):
                request, *answers = line.rstrip("\n").split("\t")
                yield request, dict(zip(("node", "scoped", "server"), answers))


def start(l, visibility):
    l.node("N1", ADDRESSES["N1"])
    l.servers["N1"] = ADDRESSES["N1"]
    l.node("N2", "127.0.0.12")
    l.server("FS", ADDRESSES["FS"], visibility, "--alias", "ALIAS", "--fqdn", "fs.example.test",
             "--preferred", "N1,N2")
    l.server("FS2", ADDRESSES["FS2"], visibility, "--preferred", "N1,N2")
    for name in ("N1", "FS", "FS2"):
        l.user(name, "alice", admin=True)
    l.share("FS", "distro_test", "--path", "packages")
    l.share("FS2", "home", "--path", "home")
    l.share("N1", "files", "--path", "files")
    for name in ("FS", "FS2"):
        if l.server_state(name)["owner"] != "N1":
            l.berth("server", "move", name, "N1")
            wait_until("%s is on N1" % name, lambda: l.server_state(name)["owner"] == "N1" and
                       l.server_state(name)["state"] == "online")


def ask_smbclient(l, unc):
    host, share = unc.lstrip("\\").split("\\")
    # "ls" on a disk; a pipe share has nothing to list, so that connecting is the question there.
    command = "tcon %s" % share if share.lower() == "ipc$" else "ls"
    result = l.smbclient("//%s/%s" % (host, share), command, address=HOSTS.get(host.upper()))
    if result.code == 0 and "NT_STATUS" not in result.text:
        return "ok", result
    status = re.search(r"NT_STATUS_\w+", result.text)
    return WIN32.get(status.group(0), status.group(0)) if status else "no status", result


def ask_impacket(l, unc):
    from impacket.smbconnection import SessionError
    host, share = unc.lstrip("\\").split("\\")
    if host.upper() not in HOSTS:
        return None, None
    try:
        conn = l.impacket(host, address=HOSTS[host.upper()])
    except OSError as e:
        return "53", e
    try:
        conn.connectTree("\\\\%s\\%s" % (host, share))
        return "ok", None
    except SessionError as e:
        status = "NT_STATUS_" + e.getErrorString()[0].replace("STATUS_", "", 1)
        return WIN32.get(status, status), e
    finally:
        conn.close()


def shares_seen(l, name):
    result = l.listing(name)
    check(result.code == 0, "smbclient -L %s: %r" % (name, result))
    return sorted(line.split("|")[1].lower() for line in result.out.splitlines() if "|" in line and
                  line.split("|")[0] in ("Disk", "IPC"))


SEEN = {
    # NetrShareEnum at level 1 under the name FS
    "node": ["admin$", "c$", "distro_test", "files", "home", "ipc$", "s$"],
    "scoped": ["distro_test", "ipc$", "s$"],
    "server": ["admin$", "distro_test", "ipc$", "s$"],
}


def visibility_tests(visibility):
    box = {}

    def the_cluster_starts():
        box["lab"] = Lab().__enter__()
        start(box["lab"], visibility)
    the_cluster_starts.__doc__ = "visibility %s: nodes and file servers come up" % visibility
    yield the_cluster_starts

    for request, answers in rows():
        if request.startswith("offline "):
            continue

        def the_row_holds(request=request, want=answers[visibility]):
            got, detail = ask_smbclient(box["lab"], request)
            check(got == want, "smbclient got %s, not %s: %r" % (got, want, detail))
            got, detail = ask_impacket(box["lab"], request)
            check(got is None or got == want, "impacket got %s, not %s: %r" % (got, want, detail))
        the_row_holds.__doc__ = "visibility %s: %s is %s" % (visibility, request, answers[visibility])
        yield the_row_holds

    def the_listing_holds():
        got = shares_seen(box["lab"], "FS")
        check(got == SEEN[visibility], "FS shows %s, not %s" % (got, SEEN[visibility]))
    the_listing_holds.__doc__ = "visibility %s: the list of shares under FS is its scope" % visibility
    yield the_listing_holds

    def level_503_on_the_node_shows_every_scope():
        from impacket.dcerpc.v5 import srvs, transport
        l = box["lab"]
        rpc = transport.SMBTransport(ADDRESSES["N1"], l.port, r"\srvsvc", smb_connection=l.impacket("N1"))
        dce = rpc.get_dce_rpc()
        dce.connect()
        dce.bind(srvs.MSRPC_UUID_SRVS)
        answer = srvs.hNetrShareEnum(dce, 503)
        got = set()
        for entry in answer["InfoStruct"]["ShareInfo"]["Level503"]["Buffer"]:
            got.add((entry["shi503_servername"].rstrip("\0").upper(), entry["shi503_netname"].rstrip("\0").lower()))
        for want in (("*", "files"), ("FS", "distro_test"), ("FS2", "home")):
            check(want in got, "%s is not in %s" % (want, sorted(got)))
    level_503_on_the_node_shows_every_scope.__doc__ = (
        "visibility %s: level 503 on the node shows every scope" % visibility)
    yield level_503_on_the_node_shows_every_scope

    def a_moving_server_is_gone_and_comes_back():
        l = box["lab"]
        l.berth("server", "move", "FS", "N2")
        wait_until("FS is on N2", lambda: l.server_state("FS")["owner"] == "N2" and
                   l.server_state("FS")["state"] == "online")
        got, detail = ask_smbclient(l, r"\\FS\distro_test")
        check(got == "ok", "after the move: %s %r" % (got, detail))
        got, detail = ask_smbclient(l, r"\\FS\admin$")
        want = {"node": "ok", "scoped": "67", "server": "ok"}[visibility]
        check(got == want, "ADMIN$ after the move: %s, not %s" % (got, want))
    a_moving_server_is_gone_and_comes_back.__doc__ = "visibility %s: FS moves and takes its names along" % visibility
    yield a_moving_server_is_gone_and_comes_back

    def an_offline_server_is_not_found():
        l = box["lab"]
        l.berth("server", "offline", "FS")
        wait_until("FS is offline", lambda: l.server_state("FS")["state"] == "offline")
        want = dict(rows())[r"offline \\FS\distro_test"][visibility]
        got, detail = ask_smbclient(l, r"\\FS\distro_test")
        check(got == want, "got %s, not %s: %r" % (got, want, detail))
        check("offline" in l.berth("status").out, "berth status does not say that FS is offline")
    an_offline_server_is_not_found.__doc__ = "visibility %s: offline \\\\FS\\distro_test is 53" % visibility
    yield an_offline_server_is_not_found

    def the_nodes_stop_cleanly():
        box["lab"].__exit__(None, None, None)
    the_nodes_stop_cleanly.__doc__ = "visibility %s: the nodes stop cleanly" % visibility
    yield the_nodes_stop_cleanly


if __name__ == "__main__":
    main([test for v in ("node", "scoped", "server") for test in visibility_tests(v)])
