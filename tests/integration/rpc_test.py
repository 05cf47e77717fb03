#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Remote management of a clustered file server: its pipes asked by smbclient, rpcclient, net, smbcacls and impacket."""
import os
import re

from lab import PASSWORD, Failed, Lab, check, main, run, wait_until

L = None
VOLUME = None
SPECIAL = 0x80000000
IPC = 3
FS_SHARES = {"IPC$", "ADMIN$", "S$", "distro_test", "second"}


def dce(name="FS", user="alice", pipe="srvsvc", interface=None):
    """A bound pipe of impacket, and the connection that has to be kept."""
    from impacket.dcerpc.v5 import srvs, transport
    conn = L.impacket(name, user=user)
    wire = transport.SMBTransport(name, L.servers[name], filename="\\" + pipe, smb_connection=conn)
    rpc = wire.get_dce_rpc()
    rpc.connect()
    rpc.bind(interface or srvs.MSRPC_UUID_SRVS)
    return rpc, conn


class Rpc:
    def __init__(self, **kw):
        self.rpc, self.conn = dce(**kw)

    def __enter__(self):
        return self.rpc

    def __exit__(self, *what):
        try:
            self.rpc.disconnect()
            self.conn.close()
        except Exception:  # the server may have ended it, which is what some tests are about
            pass


def error_of(call):
    """The Win32 error that a call fails with; 0 where it does not."""
    from impacket.dcerpc.v5.rpcrt import DCERPCException
    try:
        call()
    except DCERPCException as e:
        return e.get_error_code()
    return 0


def text(value):
    return value.rstrip("\0") if isinstance(value, str) else value


def share_list(rpc, level, key):
    from impacket.dcerpc.v5 import srvs
    answer = srvs.hNetrShareEnum(rpc, level)
    return {text(row["shi%d_netname" % level]): row
            for row in answer["InfoStruct"]["ShareInfo"]["Level%d" % level]["Buffer"]}


def test_start():
    """a node and two file servers come up"""
    global L, VOLUME
    L = Lab()
    L.node("N1", "127.0.0.11")
    L.servers["N1"] = "127.0.0.11"
    VOLUME = L.server("FS", "127.0.0.50")
    L.server("FS2", "127.0.0.51")
    for name in ("FS", "FS2", "N1"):
        L.user(name, "alice", admin=True)
        L.user(name, "bob")
    L.share("FS", "distro_test", "--path", "packages")
    L.share("FS", "second", "--path", "second")
    L.share("FS2", "home", "--path", "home")
    L.share("N1", "files", "--path", "files")


def test_smbclient_list():
    """smbclient -L shows the shares of the name that was dialled and no others"""
    for name, expected in (("FS", FS_SHARES), ("FS2", {"IPC$", "ADMIN$", "S$", "home"})):
        result = L.listing(name)
        seen = {line.split("|")[1] for line in result.out.splitlines() if line.count("|") >= 2}
        check(result.code == 0 and seen == expected, "%s: %r" % (name, result))
    kinds = dict(line.split("|")[1::-1] for line in L.listing("FS").out.splitlines() if line.count("|") >= 2)
    check(kinds["IPC$"] == "IPC" and kinds["distro_test"] == "Disk", repr(kinds))
    result = L.listing("N1")
    check("|files|" in result.out and "distro_test" not in result.out, repr(result))


def test_smbclient_list_by_a_user():
    """a user who is no Administrator sees the same names"""
    result = L.listing("FS", user="bob")
    seen = {line.split("|")[1] for line in result.out.splitlines() if line.count("|") >= 2}
    check(result.code == 0 and seen == FS_SHARES, repr(result))


def test_rpcclient_share_enum():
    """rpcclient lists shares at levels 1, 2 and 502"""
    for level in (1, 2, 502):
        for command in ("netshareenumall", "netshareenum"):
            result = L.rpcclient("FS", "%s %d" % (command, level))
            seen = set(re.findall(r"netname: (\S+)", result.out))
            check(result.code == 0, "%s %d: %r" % (command, level, result))
            expected = FS_SHARES if command == "netshareenumall" else {"distro_test", "second"}
            check(seen == FS_SHARES or seen == expected, "%s %d: %r" % (command, level, result))
    result = L.rpcclient("FS", "netshareenumall 2")
    check(re.search(r"path:\s*S:\\packages", result.out), repr(result))


def test_levels_of_administrators():
    """paths and descriptors are for Administrators only"""
    for level in (2, 502):
        result = L.rpcclient("FS", "netshareenumall %d" % level, user="bob")
        check("ACCESS_DENIED" in result.text, "%d: %r" % (level, result))
        result = L.rpcclient("FS", "netsharegetinfo distro_test %d" % level, user="bob")
        check("ACCESS_DENIED" in result.text, "%d: %r" % (level, result))
    result = L.rpcclient("FS", "netsharegetinfo distro_test 1", user="bob")
    check("netname: distro_test" in result.out, repr(result))


def test_rpcclient_share_info():
    """rpcclient gets one share at every level, and an error for a share of another scope"""
    for level in (1, 2, 501, 502, 1005):
        result = L.rpcclient("FS", "netsharegetinfo distro_test %d" % level)
        check(result.code == 0 and "ERR" not in result.text, "%d: %r" % (level, result))
    for share in ("home", "files", "nothing"):
        result = L.rpcclient("FS", "netsharegetinfo %s 1" % share)
        check("NERR_NETNAMENOTFOUND" in result.text.upper().replace("_", "").replace("NERR", "NERR_") or
              "2310" in result.text or "906" in result.text, "%s: %r" % (share, result))


def test_rpcclient_server():
    """rpcclient srvinfo, wkssvc_wkstagetinfo, netremotetod and netdiskenum answer for the file server"""
    result = L.rpcclient("FS", "srvinfo")
    check(result.code == 0 and re.search(r"\bFS\b", result.out), repr(result))
    result = L.rpcclient("FS", "wkssvc_wkstagetinfo")
    check(result.code == 0 and "ERR" not in result.text, repr(result))  # it prints nothing where all is well
    result = L.rpcclient("FS", "netremotetod")
    check(result.code == 0 and "ERR" not in result.text, repr(result))
    result = L.rpcclient("FS", "netdiskenum")
    check(result.code == 0 and "ERR" not in result.text, repr(result))  # prints nothing as well


def test_net_rpc():
    """net rpc share lists, adds and deletes a share that can then be used"""
    os.makedirs(os.path.join(VOLUME, "added"), exist_ok=True)
    result = L.net("FS", "rpc", "share", "list")
    check(result.code == 0 and set(result.out.split()) >= {"distro_test", "second"} and "home" not in result.out,
          repr(result))
    result = L.net("FS", "rpc", "share", "add", "added=S:\\added")
    check(result.code == 0, repr(result))
    result = L.smbclient("//FS/added", "mkdir d; ls")
    check(result.code == 0 and " d " in result.out, repr(result))
    check("added" in L.server_state("FS")["shares"] or
          any(isinstance(s, dict) and s.get("name") == "added" for s in L.server_state("FS")["shares"]),
          "berth status does not show it: %r" % L.server_state("FS"))
    result = L.net("FS", "rpc", "share", "delete", "added")
    check(result.code == 0, repr(result))
    result = L.smbclient("//FS/added", "ls")
    check("NT_STATUS_BAD_NETWORK_NAME" in result.text, repr(result))
    result = L.net("FS", "rpc", "share", "add", "added=S:\\added", user="bob")
    check(result.code != 0, repr(result))
    result = L.net("FS", "rpc", "share", "delete", "distro_test", user="bob")
    check(result.code != 0 and "|distro_test|" in L.listing("FS").out, repr(result))


def test_impacket_share_levels():
    """impacket lists shares at levels 0, 1, 2, 501, 502 and 503"""
    with Rpc() as rpc:
        for level in (0, 1, 2, 501, 502):
            check(set(share_list(rpc, level, None)) == FS_SHARES, "level %d" % level)
        rows = share_list(rpc, 1, None)
        check(rows["IPC$"]["shi1_type"] == SPECIAL | IPC, hex(rows["IPC$"]["shi1_type"]))
        check(rows["ADMIN$"]["shi1_type"] & SPECIAL, hex(rows["ADMIN$"]["shi1_type"]))
        check(not rows["distro_test"]["shi1_type"] & SPECIAL, hex(rows["distro_test"]["shi1_type"]))
        from impacket.dcerpc.v5 import srvs
        answer = srvs.hNetrShareEnum(rpc, 503)
        scopes = {(text(r["shi503_servername"]), text(r["shi503_netname"]))
                  for r in answer["InfoStruct"]["ShareInfo"]["Level503"]["Buffer"]}
        for expected in (("FS", "distro_test"), ("FS", "ADMIN$"), ("FS2", "home"), ("*", "files"), ("*", "ADMIN$")):
            check(expected in scopes, "%r is not in %r" % (expected, sorted(scopes)))


def test_impacket_access():
    """impacket as a user without rights is refused with error 5, and nothing changes"""
    from impacket.dcerpc.v5 import srvs
    with Rpc(user="bob") as rpc:
        for level in (2, 502, 503):
            check(error_of(lambda: srvs.hNetrShareEnum(rpc, level)) == 5, "NetrShareEnum %d" % level)
        for level in (0, 1, 501):
            check(error_of(lambda: srvs.hNetrShareEnum(rpc, level)) == 0, "NetrShareEnum %d" % level)
        for what, call in (("NetrShareDel", lambda: srvs.hNetrShareDel(rpc, "distro_test\0")),
                           ("NetrSessionEnum", lambda: srvs.hNetrSessionEnum(rpc, "\0", "\0", 10)),
                           ("NetrFileEnum", lambda: srvs.hNetrFileEnum(rpc, "\0", "\0", 3)),
                           ("NetrServerGetInfo 102", lambda: srvs.hNetrServerGetInfo(rpc, 102)),
                           ("NetrServerDiskEnum", lambda: srvs.hNetrServerDiskEnum(rpc, 0))):
            got = error_of(call)
            check(got == 5, "%s: %s" % (what, got))
    check("|distro_test|" in L.listing("FS").out, "the share has gone")


def test_impacket_server_info():
    """NetrServerGetInfo says the clustered name and that it is one; the node says that it is none"""
    from impacket.dcerpc.v5 import srvs, wkst
    for name, clustered in (("FS", True), ("FS2", True), ("N1", False)):
        with Rpc(name=name) as rpc:
            for level in (100, 101, 102):
                info = srvs.hNetrServerGetInfo(rpc, level)["InfoStruct"]["ServerInfo%d" % level]
                check(text(info["sv%d_name" % level]).upper() == name, text(info["sv%d_name" % level]))
                check(info["sv%d_platform_id" % level] == 500, "platform")
                if level > 100:
                    kind = info["sv%d_type" % level]
                    check(bool(kind & 0x04000000) == clustered, "%s: type %#x" % (name, kind))
                    check(kind & 2, "%s: type %#x" % (name, kind))
        with Rpc(name=name, pipe="wkssvc", interface=wkst.MSRPC_UUID_WKST) as rpc:
            for level in (100, 101, 102):
                info = wkst.hNetrWkstaGetInfo(rpc, level)["WkstaInfo"]["WkstaInfo%d" % level]
                check(text(info["wki%d_computername" % level]).upper() == name, "wkssvc says %r" % info)


def test_share_life():
    """a share is added, changed, read back and deleted by impacket"""
    from impacket.dcerpc.v5 import srvs
    from impacket.dcerpc.v5.dtypes import NULL
    os.makedirs(os.path.join(VOLUME, "life"), exist_ok=True)
    with Rpc() as rpc:
        info = srvs.SHARE_INFO_2()
        info["shi2_netname"] = "life\0"
        info["shi2_type"] = 0
        info["shi2_remark"] = "a remark with \u00e4\0"
        info["shi2_permissions"] = 0
        info["shi2_max_uses"] = 0xffffffff
        info["shi2_current_uses"] = 0
        info["shi2_path"] = "S:\\life\0"
        info["shi2_passwd"] = NULL
        check(error_of(lambda: srvs.hNetrShareAdd(rpc, 2, info)) == 0,
              "add: %d" % error_of(lambda: srvs.hNetrShareAdd(rpc, 2, info)))
        check(error_of(lambda: srvs.hNetrShareAdd(rpc, 2, info)) == 2118, "a share of that name exists")
        info["shi2_netname"] = "life2\0"
        for path, error in (("S:\\no such directory\0", 2116), ("C:\\windows\0", 2116), ("S:\\..\\x\0", 87)):
            info["shi2_path"] = path
            got = error_of(lambda: srvs.hNetrShareAdd(rpc, 2, info))
            check(got == error, "%r: %d" % (path, got))
        got = srvs.hNetrShareGetInfo(rpc, "life\0", 2)["InfoStruct"]["ShareInfo2"]
        check(text(got["shi2_remark"]) == "a remark with \u00e4", repr(text(got["shi2_remark"])))
        check(text(got["shi2_path"]) == "S:\\life", repr(text(got["shi2_path"])))

        change = srvs.SHARE_INFO_1005()
        change["shi1005_flags"] = 0x30 | 0x800
        srvs.hNetrShareSetInfo(rpc, "life\0", 1005, change)
        got = srvs.hNetrShareGetInfo(rpc, "life\0", 1005)["InfoStruct"]["ShareInfo1005"]["shi1005_flags"]
        check(got == 0x830, hex(got))
        change = srvs.SHARE_INFO_1004()
        change["shi1004_remark"] = "changed\0"
        srvs.hNetrShareSetInfo(rpc, "life\0", 1004, change)
        got = srvs.hNetrShareGetInfo(rpc, "life\0", 1)["InfoStruct"]["ShareInfo1"]
        check(text(got["shi1_remark"]) == "changed", repr(text(got["shi1_remark"])))
        change = srvs.SHARE_INFO_1006()
        change["shi1006_max_uses"] = 3
        srvs.hNetrShareSetInfo(rpc, "life\0", 1006, change)
        got = srvs.hNetrShareGetInfo(rpc, "life\0", 2)["InfoStruct"]["ShareInfo2"]
        check(got["shi2_max_uses"] == 3, "max_uses %d" % got["shi2_max_uses"])
        check(error_of(lambda: srvs.hNetrShareDel(rpc, "life\0")) == 0, "delete")
        check(error_of(lambda: srvs.hNetrShareDel(rpc, "life\0")) == 2310, "it was there")
        check(error_of(lambda: srvs.hNetrShareDel(rpc, "ADMIN$\0")) != 0, "ADMIN$ was deleted")


def test_sessions_and_files():
    """an Administrator lists sessions and open files and closes a file"""
    from impacket.dcerpc.v5 import srvs
    from impacket.smbconnection import SessionError
    conn = L.impacket("FS", user="bob")
    tree = conn.connectTree("second")
    handle = conn.createFile(tree, "open.txt")
    conn.writeFile(tree, handle, b"text")
    result = L.rpcclient("FS", "netsessenum")
    check(re.search(r"Received [1-9]\d* entries", result.out), repr(result))
    with Rpc() as rpc:
        for level in (0, 1, 2, 10, 502):
            rows = srvs.hNetrSessionEnum(rpc, "\0", "\0", level)["InfoStruct"]["SessionInfo"]["Level%d" % level]["Buffer"]
            check(len(rows) >= 2, "level %d: %d rows" % (level, len(rows)))
        rows = srvs.hNetrSessionEnum(rpc, "\0", "\0", 10)["InfoStruct"]["SessionInfo"]["Level10"]["Buffer"]
        check({"alice", "bob"} <= {text(r["sesi10_username"]) for r in rows},
              repr([text(r["sesi10_username"]) for r in rows]))
        for level in (2, 3):
            srvs.hNetrFileEnum(rpc, "\0", "\0", level)
        rows = srvs.hNetrFileEnum(rpc, "\0", "bob\0", 3)["InfoStruct"]["FileInfo"]["Level3"]["Buffer"]
        mine = [r for r in rows if text(r["fi3_path_name"]).lower() == "s:\\second\\open.txt"]
        check(len(mine) == 1 and text(mine[0]["fi3_username"]) == "bob", repr([text(r["fi3_path_name"]) for r in rows]))
        got = srvs.hNetrFileGetInfo(rpc, mine[0]["fi3_id"], 3)["InfoStruct"]["FileInfo3"]
        check(text(got["fi3_path_name"]).lower() == "s:\\second\\open.txt", "NetrFileGetInfo")
        rows = srvs.hNetrConnectionEnum(rpc, "second\0", 1)["InfoStruct"]["ConnectInfo"]["Level1"]["Buffer"]
        check(any(text(r["coni1_username"]) == "bob" and r["coni1_num_opens"] == 1 for r in rows), "NetrConnectionEnum")
        check(error_of(lambda: srvs.hNetrFileClose(rpc, 0x7fffffff)) == 2314, "an id that is none")
        srvs.hNetrFileClose(rpc, mine[0]["fi3_id"])
    try:
        conn.readFile(tree, handle)
        raise Failed("the file is still open")
    except SessionError as e:
        check(e.getErrorCode() in (0xc0000128, 0xc0000008), hex(e.getErrorCode()))
    conn.close()


def test_session_close():
    """an Administrator ends the sessions of a user"""
    from impacket.dcerpc.v5 import srvs
    conn = L.impacket("FS", user="bob")
    conn.connectTree("second")
    with Rpc() as rpc:
        check(error_of(lambda: srvs.hNetrSessionDel(rpc, "\0", "nobody\0")) == 2221, "a user that has none")
        srvs.hNetrSessionDel(rpc, "\0", "bob\0")

        def gone():
            rows = srvs.hNetrSessionEnum(rpc, "\0", "\0", 10)["InfoStruct"]["SessionInfo"]["Level10"]["Buffer"]
            return "bob" not in {text(r["sesi10_username"]) for r in rows}
        wait_until("bob's session has gone", gone)
    try:
        conn.listPath("second", "*")
        raise Failed("the session lives on")
    except Failed:
        raise
    except Exception:  # reset or an error: the session is no more
        pass


def test_small_calls():
    """NetrRemoteTOD, NetprPathType, NetprNameValidate, NetrShareCheck and NetrServerDiskEnum answer impacket"""
    from impacket.dcerpc.v5 import srvs
    import time
    with Rpc() as rpc:
        tod = srvs.hNetrRemoteTOD(rpc)["BufferPtr"]
        check(abs(tod["tod_elapsedt"] - time.time()) < 60, "time %d" % tod["tod_elapsedt"])
        check(tod["tod_year"] == time.gmtime().tm_year, "year %d" % tod["tod_year"])
        check(srvs.hNetprPathType(rpc, "C:\\pagefile.sys\0", 0)["PathType"] == 8198, "path type")
        check(error_of(lambda: srvs.hNetprNameValidate(rpc, "good\0", 9)) == 0, "a share's name")
        check(error_of(lambda: srvs.hNetprNameValidate(rpc, "no/good\0", 9)) == 123, "no share's name")
        check(srvs.hNetrShareCheck(rpc, "S:\\packages\0")["Type"] & 0xff == 0, "share check")
        check(error_of(lambda: srvs.hNetrShareCheck(rpc, "S:\\other\0")) == 2311, "a directory that is not shared")
        disks = srvs.hNetrServerDiskEnum(rpc, 0)["DiskInfoStruct"]["Buffer"]
        check([text(d["Disk"]) for d in disks] == ["S:"], repr([d["Disk"] for d in disks]))


def test_long_list():
    """a list longer than many fragments comes whole, and in parts by its resume handle"""
    from impacket.dcerpc.v5 import srvs
    from impacket.dcerpc.v5.dtypes import NULL
    from impacket.dcerpc.v5.rpcrt import DCERPCException
    count = 200
    os.makedirs(os.path.join(VOLUME, "many"), exist_ok=True)
    with Rpc() as rpc:
        for i in range(count):
            info = srvs.SHARE_INFO_2()
            info["shi2_netname"] = "many%d\0" % i
            info["shi2_type"] = 0
            info["shi2_remark"] = "r" * 60 + "\0"
            info["shi2_permissions"] = 0
            info["shi2_max_uses"] = 0xffffffff
            info["shi2_current_uses"] = 0
            info["shi2_path"] = "S:\\many\0"
            info["shi2_passwd"] = NULL
            srvs.hNetrShareAdd(rpc, 2, info)
        check(len(share_list(rpc, 2, None)) == count + len(FS_SHARES), "the whole list")
        seen, resume, calls = [], 0, 0
        while True:
            calls += 1
            try:
                answer = srvs.hNetrShareEnum(rpc, 1, resumeHandle=resume, preferedMaximumLength=5000)
            except DCERPCException as e:
                check(e.get_error_code() == 234, "error %d" % e.get_error_code())
                answer = e.get_packet()
            seen += [text(r["shi1_netname"]) for r in answer["InfoStruct"]["ShareInfo"]["Level1"]["Buffer"]]
            if answer["ErrorCode"] == 0:
                break
            resume = answer["ResumeHandle"]
        check(calls > 3 and len(seen) == len(set(seen)) == count + len(FS_SHARES), "%d in %d calls" % (len(seen), calls))
        result = L.listing("FS")
        check(result.out.count("|many") == count, repr(result))
        for i in range(count):
            srvs.hNetrShareDel(rpc, "many%d\0" % i)


def test_unknown_call():
    """a call that does not exist is a fault, and the pipe stays good"""
    from impacket.dcerpc.v5 import srvs
    from impacket.dcerpc.v5.rpcrt import DCERPCException
    with Rpc() as rpc:
        for opnum in (0, 7, 58, 4000):
            rpc.call(opnum, b"\0" * 16)
            try:
                rpc.recv()
                raise Failed("opnum %d was answered" % opnum)
            except DCERPCException as e:
                check("op_rng" in str(e) or e.get_error_code() == 0x1c010002, str(e))
        check(set(share_list(rpc, 1, None)) == FS_SHARES, "the pipe")


def test_bad_bytes():
    """bytes that are no RPC end the pipe and disturb nobody else"""
    from impacket.smb3structs import FILE_READ_DATA, FILE_WRITE_DATA
    with Rpc() as bystander:
        for bad in (b"GET / HTTP/1.1\r\n\r\n", b"\5\0\x0b\3\x10\0\0\0\xff\xff\0\0" + b"\0" * 4000, b"\0" * 64,
                    b"\5\0\0\3\x10\0\0\0\x18\0\0\0\1\0\0\0" + b"\xff" * 8):
            conn = L.impacket("FS", user="bob")
            tree = conn.connectTree("IPC$")
            pipe = conn.openFile(tree, "\\srvsvc", desiredAccess=FILE_READ_DATA | FILE_WRITE_DATA)
            try:
                conn.writeFile(tree, pipe, bad)
                conn.writeFile(tree, pipe, bad)
            except Exception:  # refused, as it should be
                pass
            conn.close()
        check(set(share_list(bystander, 1, None)) == FS_SHARES, "the other client")


def test_bind_with_credentials():
    """a bind that brings credentials of its own is refused and not ignored"""
    from impacket.dcerpc.v5 import srvs, transport
    from impacket.dcerpc.v5.rpcrt import RPC_C_AUTHN_LEVEL_PKT_PRIVACY
    conn = L.impacket("FS")
    wire = transport.SMBTransport("FS", L.servers["FS"], filename="\\srvsvc", smb_connection=conn)
    rpc = wire.get_dce_rpc()
    rpc.set_credentials("alice", "whatever")
    rpc.set_auth_level(RPC_C_AUTHN_LEVEL_PKT_PRIVACY)
    rpc.connect()
    try:
        rpc.bind(srvs.MSRPC_UUID_SRVS)
    except Exception:
        conn.close()
        return
    raise Failed("it was accepted")


def registry(server, user, call):
    """What call(rpc, rrp, root) gives on the winreg pipe."""
    from impacket.dcerpc.v5 import rrp
    from impacket.dcerpc.v5.transport import SMBTransport
    conn = L.impacket(server, user=user)
    rpc = SMBTransport(L.servers[server], filename=r"\winreg", smb_connection=conn).get_dce_rpc()
    rpc.connect()
    rpc.bind(rrp.MSRPC_UUID_RRP)
    try:
        root = rrp.hOpenLocalMachine(rpc)["phKey"]
        return call(rpc, rrp, root)
    finally:
        conn.close()


def test_registry():
    """keys and values are made, listed, read and deleted over winreg, without case, and belong to one file server"""
    def work(rpc, rrp, root):
        key = rrp.hBaseRegCreateKey(rpc, root, "SOFTWARE\\Vendor\\Point")["phkResult"]
        rrp.hBaseRegSetValue(rpc, key, "Site", rrp.REG_SZ, "P01")
        rrp.hBaseRegSetValue(rpc, key, "Port", rrp.REG_DWORD, 445)
        kind, value = rrp.hBaseRegQueryValue(rpc, key, "SITE")
        check((kind, text(value)) == (rrp.REG_SZ, "P01"), repr(value))
        check(rrp.hBaseRegQueryValue(rpc, key, "Port")[1] == 445, "a number")
        vendor = rrp.hBaseRegOpenKey(rpc, root, "software\\VENDOR")["phkResult"]
        check(text(rrp.hBaseRegEnumKey(rpc, vendor, 0)["lpNameOut"]) == "Point", "a key is listed")
        names = [text(rrp.hBaseRegEnumValue(rpc, key, n)["lpValueNameOut"]) for n in (0, 1)]
        check(names == ["Port", "Site"], repr(names))
        check(rrp.hBaseRegQueryInfoKey(rpc, key)["lpcValues"] == 2, "the count of values")
        check(error_of(lambda: rrp.hBaseRegEnumKey(rpc, vendor, 1)) == 259, "behind the last key")
        check(error_of(lambda: rrp.hBaseRegOpenKey(rpc, root, "SOFTWARE\\Nothing")) == 2, "a key that is not there")
        check(error_of(lambda: rrp.hBaseRegDeleteKey(rpc, root, "SOFTWARE\\Vendor")) == 5, "a key that has keys")
        check(error_of(lambda: rrp.hBaseRegDeleteKey(rpc, root, "SOFTWARE")) == 5, "a top key")
        rrp.hBaseRegDeleteValue(rpc, key, "Port")
        check(error_of(lambda: rrp.hBaseRegQueryValue(rpc, key, "Port")) == 2, "a value that was deleted")
        rrp.hBaseRegCloseKey(rpc, key)
        check(error_of(lambda: rrp.hBaseRegQueryValue(rpc, key, "Site")) == 6, "a handle that was closed")
    registry("FS", "alice", work)
    check(error_of(lambda: registry("FS2", "alice", lambda rpc, rrp, root:
                                    rrp.hBaseRegOpenKey(rpc, root, "SOFTWARE\\Vendor"))) == 2, "FS2 has its own")


def test_registry_rights():
    """the registry is for Administrators; a key opened to read cannot be written; SaveKey is not there"""
    from impacket.dcerpc.v5.rpcrt import DCERPCException
    check(error_of(lambda: registry("FS", "bob", lambda *args: None)) == 5, "bob")

    def read_only(rpc, rrp, root):
        key = rrp.hBaseRegOpenKey(rpc, root, "SOFTWARE\\Vendor\\Point", samDesired=rrp.KEY_QUERY_VALUE)["phkResult"]
        check(error_of(lambda: rrp.hBaseRegSetValue(rpc, key, "Site", rrp.REG_SZ, "X")) == 5, "read only")
        many = [rrp.hBaseRegOpenKey(rpc, root, "SOFTWARE") for _ in range(254)]
        check(error_of(lambda: rrp.hBaseRegOpenKey(rpc, root, "SOFTWARE")) == 1450, "%d handles" % len(many))
        try:
            rrp.hBaseRegSaveKey(rpc, root, "x")
        except DCERPCException as e:
            check("nca_s_op_rng_error" in str(e), str(e))
        else:
            raise Failed("SaveKey was accepted")
    registry("FS", "alice", read_only)


def sids_of(server):
    """SIDs by name, as berth lists them."""
    import json
    listed = [json.loads(L.berth(kind, "list", server, "--json").out) for kind in ("user", "group")]
    return {row["name"]: row["sid"] for rows in listed for row in rows}


def acl(server, *args):
    """smbcacls on \\\\server\\distro_test\\named; by address, as it takes no other."""
    return run(["smbcacls", "-s", L.smb_conf, "-A", L.auth_file("alice", PASSWORD),
                "//%s/distro_test" % L.servers[server], "named"] + list(args), env=L.env)


def test_names_of_sids():
    """rpcclient finds names of SIDs and SIDs of names, of the file server that was dialled"""
    L.berth("group", "add", "FS", "ops")
    sids = sids_of("FS")
    domain = sids["alice"].rsplit("-", 1)[0]
    expected = {sids["alice"]: "FS\\alice (1)", sids["ops"]: "FS\\ops (4)", domain + "-513": "FS\\None (2)",
                "S-1-5-32-544": "BUILTIN\\Administrators (4)", "S-1-1-0": "\\Everyone (5)",
                "S-1-5-18": "NT AUTHORITY\\SYSTEM (5)", domain + "-48879": "FS\\0000BEEF (8)",
                sids_of("FS2")["alice"]: "*unknown*\\*unknown* (8)"}
    result = L.rpcclient("FS", "lookupsids " + " ".join(expected), user="bob")
    seen = dict(line.split(" ", 1) for line in result.out.splitlines() if line.startswith("S-1-"))
    check(seen == expected, repr(seen))
    result = L.rpcclient("FS", "lookupnames alice FS\\\\OPS everyone BUILTIN\\\\Users nobody", user="bob")
    for line in ("alice %s (User: 1)" % sids["alice"], "FS\\OPS %s (Local Group: 4)" % sids["ops"],
                 "everyone S-1-1-0 (Well-known Group: 5)", "BUILTIN\\Users S-1-5-32-545 (Local Group: 4)",
                 "nobody S-0-0 (UNKNOWN: 8)"):
        check(line in result.out, "%r is not in %r" % (line, result))
    result = L.rpcclient("FS", "dsroledominfo", user="bob")
    check("Machine Role = [2]" in result.out, repr(result))
    result = L.rpcclient("FS", "getusername;lsaquery", user="bob")
    check("Account Name: bob, Authority Name: FS" in result.out and "Domain Name: WORKGROUP" in result.out, repr(result))


def test_permissions_by_name():
    """smbcacls shows permissions by name, and sets them by name"""
    L.smbclient("//FS/distro_test", "mkdir named")
    sids = sids_of("FS")
    result = acl("FS")
    check(result.code == 0 and "OWNER:FS\\alice" in result.out and
          "ACL:BUILTIN\\Administrators:ALLOWED" in result.out, repr(result))
    for who in ("FS\\ops", "bob"):
        result = acl("FS", "-a", "ACL:%s:ALLOWED/OI|CI/READ" % who)
        check(result.code == 0, repr(result))
    result = acl("FS")
    check("ACL:FS\\ops:ALLOWED/OI|CI/READ" in result.out and "ACL:FS\\bob:ALLOWED/OI|CI/READ" in result.out, repr(result))
    result = acl("FS", "--numeric")
    check(sids["ops"] in result.out and sids["bob"] in result.out, repr(result))
    result = acl("FS", "-a", "ACL:nobody-here:ALLOWED/0/READ")
    check(result.code != 0, repr(result))
    L.berth("group", "remove", "FS", "ops")
    result = acl("FS")
    check("FS\\bob" in result.out and "ops" not in result.out and
          (sids["ops"] in result.out or "%08X" % int(sids["ops"].rsplit("-", 1)[1]) in result.out), repr(result))


def lsa(server="FS", user="alice", **kw):
    """A pipe bound to lsarpc, and a policy handle."""
    from impacket.dcerpc.v5 import lsad, lsat
    from impacket.dcerpc.v5.dtypes import MAXIMUM_ALLOWED
    pipe = Rpc(name=server, user=user, pipe="lsarpc", interface=lsat.MSRPC_UUID_LSAT, **kw)
    return pipe, lambda access=MAXIMUM_ALLOWED: lsad.hLsarOpenPolicy2(pipe.rpc, access)["PolicyHandle"]


def test_impacket_lookups():
    """impacket walks through the numbers of a file server's accounts, and asks by every call that has names"""
    from impacket.dcerpc.v5 import lsad, lsat
    from impacket.dcerpc.v5.rpcrt import DCERPCException
    pipe, open_policy = lsa(user="bob")
    with pipe as rpc:
        policy = open_policy()
        info = lsad.hLsarQueryInformationPolicy2(
            rpc, policy, lsad.POLICY_INFORMATION_CLASS.PolicyAccountDomainInformation)
        domain = info["PolicyInformation"]["PolicyAccountDomainInfo"]["DomainSid"].formatCanonical()
        check(info["PolicyInformation"]["PolicyAccountDomainInfo"]["DomainName"] == "FS", "the domain's name")
        sids = ["%s-%d" % (domain, rid) for rid in range(500, 1500)]
        for ask in (lsat.hLsarLookupSids, lsat.hLsarLookupSids2):
            try:
                raise Failed("all were found: %r" % ask(rpc, policy, sids))
            except DCERPCException as e:
                check("STATUS_SOME_NOT_MAPPED" in str(e), str(e))
                names = [n["Name"] for n in e.get_packet()["TranslatedNames"]["Names"] if n["Use"] != 8]
            check(names == ["Guest", "None", "alice", "bob"], repr(names))
        for ask in (lsat.hLsarLookupNames, lsat.hLsarLookupNames2):
            found = ask(rpc, policy, ["FS\\alice"])["TranslatedSids"]["Sids"][0]
            check("%s-%d" % (domain, found["RelativeId"]) == sids_of("FS")["alice"], "alice is %d" % found["RelativeId"])
        found = lsat.hLsarLookupNames3(rpc, policy, ["alice"])["TranslatedSids"]["Sids"][0]
        check(found["Sid"].formatCanonical() == sids_of("FS")["alice"], "alice by LookupNames3")
        lsad.hLsarClose(rpc, policy)
        check(error_of(lambda: lsat.hLsarLookupNames3(rpc, policy, ["alice"])) == 0xC0000008, "a closed handle")


def test_lookups_are_for_accounts():
    """who has no account learns no names, and a user gets no handle with more rights than to look up"""
    from impacket.dcerpc.v5 import lsad, lsat
    L.berth("server", "set", "FS", "anonymous=*")
    L.berth("server", "set", "FS", "guest=*")
    nobody = ["rpcclient", "-s", L.smb_conf, "-I", L.servers["FS"], "FS"]
    for login in (["-U%"], ["-Uunknown%x"]):
        for command in ("lsaquery", "lookupnames alice", "lookupsids " + sids_of("FS")["alice"]):
            result = run(nobody + login + ["-c", command], env=L.env)
            check("NT_STATUS_ACCESS_DENIED" in result.text and sids_of("FS")["alice"] not in result.out,
                  "%s %s: %r" % (login, command, result))
    result = run(nobody + ["-U%", "-c", "getusername"], env=L.env)
    check("Account Name: ANONYMOUS LOGON, Authority Name: NT AUTHORITY" in result.out, repr(result))
    L.berth("server", "set", "FS", "anonymous=no")
    L.berth("server", "set", "FS", "guest=no")
    pipe, open_policy = lsa(user="bob")
    with pipe as rpc:
        check(error_of(lambda: open_policy(lsad.POLICY_CREATE_ACCOUNT)) == 0xC0000022, "more than looking up")
        policy = open_policy(lsad.POLICY_VIEW_LOCAL_INFORMATION)
        check(error_of(lambda: lsat.hLsarLookupNames(rpc, policy, ["alice"])) == 0xC0000022, "not opened to look up")


def test_accounts():
    """an Administrator lists users, groups and members over samr; a user does not"""
    from impacket.dcerpc.v5 import samr
    L.berth("group", "add", "FS", "crew")
    L.berth("member", "add", "FS", "crew", "bob")
    result = L.net("FS", "rpc", "user")
    check(result.code == 0 and result.out.split() == ["alice", "bob"], repr(result))
    result = L.net("FS", "rpc", "group", "list", "local")
    check(result.code == 0 and "crew" in result.out.split(), repr(result))
    result = L.net("FS", "rpc", "group", "members", "crew")
    check(result.code == 0 and result.out.split() == ["FS\\bob"], repr(result))
    result = L.rpcclient("FS", "enumdomusers;enumalsgroups builtin;enumalsgroups domain;enumdomgroups;querydispinfo;"
                         "enumdomains")
    for line in ("user:[alice] rid:[0x3e8]", "group:[Administrators] rid:[0x220]", "group:[crew] rid:", "group:[None]",
                 "RID: 0x3e9 acb: 0x00000010 Account: bob", "name:[FS]", "name:[Builtin]"):
        check(line in result.out, "%r is not in %s" % (line, result.out))
    for user, status in (("bob", "NT_STATUS_ACCESS_DENIED"),):
        result = L.rpcclient("FS", "enumdomusers", user=user)
        check(status in result.text and "alice" not in result.out, repr(result))
    result = L.rpcclient("FS", "queryuser bob;queryaliasinfo domain 0x%x 1" % int(sids_of("FS")["crew"].rsplit("-", 1)[1]))
    for line in ("User Name   :\tbob", "user_rid :\t0x3e9", "group_rid:\t0x201", "acb_info :\t0x00000010"):
        check(line in result.out, "%r is not in %s" % (line, result.out))
    result = L.net("FS", "rpc", "user", "info", "bob")
    check(result.code == 0 and result.out.split() == ["None"], repr(result))
    with Rpc(pipe="samr", interface=samr.MSRPC_UUID_SAMR) as rpc:
        server = samr.hSamrConnect(rpc)["ServerHandle"]
        domain = samr.hSamrLookupDomainInSamServer(rpc, server, "FS")["DomainId"]
        handle = samr.hSamrOpenDomain(rpc, server, domainId=domain)["DomainHandle"]
        user = samr.hSamrOpenUser(rpc, handle, userId=1001)["UserHandle"]
        info = samr.hSamrQueryInformationUser2(rpc, user, samr.USER_INFORMATION_CLASS.UserAllInformation)["Buffer"]["All"]
        check((info["UserName"], info["UserId"], info["WhichFields"]) == ("bob", 1001, 0x10000f), repr(info["UserName"]))
        check(not info["NtPasswordPresent"] and not info["NtOwfPassword"]["Buffer"], "a hash")
        users = samr.hSamrEnumerateUsersInDomain(rpc, handle)["Buffer"]["Buffer"]
        check([u["Name"] for u in users] == ["alice", "bob"], repr([u["Name"] for u in users]))
        check(error_of(lambda: samr.hSamrLookupDomainInSamServer(rpc, server, "FS2")) == 0xC00000DF, "another server")
        try:
            samr.hSamrCreateUser2InDomain(rpc, handle, "eve")
        except Exception as e:
            check("op_rng" in str(e), str(e))
        else:
            raise Failed("SamrCreateUser2InDomain was answered")
    L.berth("group", "remove", "FS", "crew")


def test_log():
    """each call that changes something, and each that is refused, has left a line in the log"""
    with open(L.nodes["N1"].log, errors="replace") as f:
        log = f.read()
    for call, user, status in (("NetrShareAdd", "alice", "0"), ("NetrShareDel", "alice", "0"),
                               ("NetrShareDel", "bob", "5"), ("NetrShareEnum", "bob", "5"),
                               ("NetrFileClose", "alice", "0"), ("NetrSessionDel", "alice", "0")):
        check(re.search(r"rpc call client=\S+ user=FS\\%s server=FS .*call=srvsvc\.%s .*status=%s " %
                        (user, call, status), log), "no line for %s by %s" % (call, user))
    check(re.search(r"rpc call .*user=FS\\bob .*call=lsarpc\.LsarOpenPolicy2 .*status=STATUS_ACCESS_DENIED ", log),
          "no line for LsarOpenPolicy2 by bob")


def test_end():
    """the nodes stop in good order"""
    L.__exit__(None, None, None)


if __name__ == "__main__":
    main([f for n, f in list(globals().items()) if n.startswith("test_")])
