# SPDX-License-Identifier: Apache-2.0
"""Who gets in, and how what they say is protected: dialects, signing, encryption, accounts."""
import time

from lab import PASSWORD, Failed, Lab, check, main, run, wait_until

L = None


def status(result):
    import re
    found = re.search(r"NT_STATUS_\w+", result.text)
    return found.group(0) if found else "ok" if result.code == 0 else repr(result)


def test_start():
    """a node and file servers with different rules come up"""
    global L
    L = Lab()
    L.node("N1", "127.0.0.11")
    L.server("FS", "127.0.0.50")
    L.server("SIGNED", "127.0.0.51")
    L.server("SEALED", "127.0.0.52")
    L.server("OPEN", "127.0.0.53")
    for name in ("FS", "SIGNED", "SEALED", "OPEN"):
        L.user(name, "alice")
        L.share(name, "data", "--path", "data")
    L.share("FS", "sealed", "--path", "sealed", "--encrypt")
    L.berth("server", "set", "SIGNED", "signing=required")
    L.berth("server", "set", "SEALED", "encryption=required")


DIALECTS = {"2.0.2": ("SMB2_02", 0x0202), "2.1": ("SMB2_10", 0x0210), "3.0": ("SMB3_00", 0x0300),
            "3.0.2": ("SMB3_02", 0x0302), "3.1.1": ("SMB3_11", 0x0311)}


def dialect_tests():
    for name, (samba, number) in DIALECTS.items():
        for protection in ("plain", "signed", "encrypted"):
            if protection == "encrypted" and number < 0x0300:
                continue

            def test(name=name, samba=samba, number=number, protection=protection):
                options = ["-m", samba, "--option=client min protocol=%s" % samba,
                           "--client-protection=" + {"plain": "off", "signed": "sign", "encrypted": "encrypt"}[protection]]
                result = L.smbclient("//FS/data", "put /etc/hostname h; get h /dev/null; del h; ls", options=options)
                check(status(result) == "ok", repr(result))
            test.__doc__ = "smbclient works with dialect %s, %s" % (name, protection)
            yield test

        def imp(name=name, number=number):
            if number == 0x0302:
                return  # impacket 0.10 does not ask for it by itself; smbclient does, above
            conn = L.impacket("FS", dialect=number)
            check(conn.getDialect() == number, "got %x" % conn.getDialect())
            tree = conn.connectTree("data")
            handle = conn.createFile(tree, "imp")
            conn.writeFile(tree, handle, b"hello")
            check(conn.readFile(tree, handle, 0, 5) == b"hello", "read back")
            conn.closeFile(tree, handle)
            conn.deleteFile("data", "imp")
            conn.close()
        imp.__doc__ = "impacket works with dialect %s" % name
        yield imp


def test_wrong_password():
    """a wrong password and an unknown user get the same answer"""
    wrong = L.smbclient("//FS/data", "ls", password="wrong")
    unknown = L.smbclient("//FS/data", "ls", user="nobody-here")
    check(status(wrong) == "NT_STATUS_LOGON_FAILURE", repr(wrong))
    check(status(unknown) == "NT_STATUS_LOGON_FAILURE", repr(unknown))


def test_accounts_belong_to_their_server():
    """an account of one file server is nobody on another"""
    L.user("FS", "onlyfs")
    check(status(L.smbclient("//FS/data", "ls", user="onlyfs")) == "ok", "on its own server")
    check(status(L.smbclient("//SIGNED/data", "ls", user="onlyfs")) == "NT_STATUS_LOGON_FAILURE", "on another")


def test_disabled():
    """a disabled account is told so only with the right password"""
    L.user("FS", "carol")
    L.berth("user", "disable", "FS", "carol")
    check(status(L.smbclient("//FS/data", "ls", user="carol")) == "NT_STATUS_ACCOUNT_DISABLED", "right password")
    check(status(L.smbclient("//FS/data", "ls", user="carol", password="x")) == "NT_STATUS_LOGON_FAILURE", "wrong one")
    L.berth("user", "enable", "FS", "carol")
    check(status(L.smbclient("//FS/data", "ls", user="carol")) == "ok", "enabled again")


def test_password_change():
    """a changed password holds at once"""
    L.berth("user", "password", "FS", "carol", "--password-stdin", input="Another-1\n")
    check(status(L.smbclient("//FS/data", "ls", user="carol")) == "NT_STATUS_LOGON_FAILURE", "the old one")
    check(status(L.smbclient("//FS/data", "ls", user="carol", password="Another-1")) == "ok", "the new one")


def test_anonymous_refused():
    """anonymous and guest are refused"""
    result = run(["smbclient", "-s", L.smb_conf, "-N", "-U", "%", "//FS/data", "-I", "127.0.0.50", "-p", str(L.port),
                  "-c", "ls"], env=L.env)
    check(status(result) in ("NT_STATUS_ACCESS_DENIED", "NT_STATUS_LOGON_FAILURE"), repr(result))
    result = L.smbclient("//FS/data", "ls", user="guest", password="")
    check(status(result) == "NT_STATUS_LOGON_FAILURE", repr(result))


def test_ntlmv1_refused():
    """NTLMv1 and LMv1 are refused"""
    result = L.smbclient("//FS/data", "ls", options=["--option=client ntlmv2 auth=no",
                                                     "--option=client use spnego=yes"])
    check(status(result) == "NT_STATUS_LOGON_FAILURE", repr(result))


def test_admin_share_needs_administrator():
    """ADMIN$ and the drive share open to Administrators only"""
    for share in ("admin$", "s$"):
        result = L.smbclient("//FS/" + share, "ls")
        check(status(result) == "NT_STATUS_ACCESS_DENIED", "%s: %r" % (share, result))
    L.berth("member", "add", "FS", "Administrators", "onlyfs")
    for share in ("admin$", "s$"):
        result = L.smbclient("//FS/" + share, "ls", user="onlyfs")
        check(status(result) == "ok", "%s: %r" % (share, result))


def test_signing_required():
    """where signing is required an unsigned request is refused"""
    check(status(L.smbclient("//SIGNED/data", "ls", options=["--client-protection=sign"])) == "ok", "signed")
    conn = L.impacket("SIGNED", dialect=0x0210)
    server = conn.getSMBServer()
    check(server._Connection["RequireSigning"], "the server does not say that it requires signing")
    server._Session["SigningRequired"] = False
    server._Connection["RequireSigning"] = False
    server._Session["SigningActivated"] = False
    try:
        server.connectTree("data")
        raise Failed("an unsigned tree connect was taken")
    except Failed:
        raise
    except Exception as e:
        check("ACCESS_DENIED" in str(e), str(e))


def test_wrong_signature():
    """a wrong signature is refused"""
    conn = L.impacket("SIGNED", dialect=0x0210)
    server = conn.getSMBServer()
    server._Session["SessionKey"] = b"\0" * 16
    try:
        server.connectTree("data")
        raise Failed("a wrongly signed tree connect was taken")
    except Failed:
        raise
    except Exception as e:
        check("ACCESS_DENIED" in str(e) or "reset" in str(e).lower() or "closed" in str(e).lower(), str(e))


def test_encryption_required_by_server():
    """where the server requires encryption a clear client is refused"""
    check(status(L.smbclient("//SEALED/data", "ls", options=["--client-protection=encrypt"])) == "ok", "encrypted")
    for dialect in (0x0202, 0x0210):
        try:
            conn = L.impacket("SEALED", dialect=dialect)
            conn.connectTree("data")
            raise Failed("dialect %x came in without encryption" % dialect)
        except Failed:
            raise
        except Exception as e:
            check("ACCESS_DENIED" in str(e), str(e))


def test_encryption_required_by_share():
    """where the share requires encryption a clear client is refused"""
    check(status(L.smbclient("//FS/sealed", "ls", options=["--client-protection=encrypt"])) == "ok", "encrypted")
    conn = L.impacket("FS", dialect=0x0210)
    try:
        conn.connectTree("sealed")
        raise Failed("a clear client came in")
    except Failed:
        raise
    except Exception as e:
        check("ACCESS_DENIED" in str(e), str(e))
    conn.connectTree("data")


def cipher_tests():
    for cipher in ("aes-128-ccm", "aes-128-gcm", "aes-256-ccm", "aes-256-gcm"):
        def test(cipher=cipher):
            result = L.smbclient("//FS/data", "put /bin/ls l; get l /dev/null; del l", options=[
                "--client-protection=encrypt", "--option=client smb3 encryption algorithms=" + cipher])
            check(status(result) == "ok", repr(result))
        test.__doc__ = "smbclient works encrypted with %s" % cipher
        yield test
    for algorithm in ("hmac-sha256", "aes-128-cmac", "aes-128-gmac"):
        def signed(algorithm=algorithm):
            result = L.smbclient("//FS/data", "put /bin/ls l; get l /dev/null; del l", options=[
                "--client-protection=sign", "--option=client smb3 signing algorithms=" + algorithm])
            check(status(result) == "ok", repr(result))
        signed.__doc__ = "smbclient works signed with %s" % algorithm
        yield signed


def test_smb1_refused():
    """SMB1 alone is refused, and a multi-protocol negotiate upgrades"""
    result = L.smbclient("//FS/data", "ls", options=["--option=client min protocol=NT1",
                                                     "--option=client max protocol=NT1"])
    check(result.code != 0, "SMB1 was accepted: %r" % result)
    result = L.smbclient("//FS/data", "ls", options=["--option=client min protocol=NT1",
                                                     "--option=client max protocol=SMB3"])
    check(status(result) == "ok", repr(result))


def test_slow_and_old():
    """by setting, refused logins are answered late, and a session that is too old is told to log on anew"""
    with Lab() as lab:
        lab.node("N3", "127.0.0.13", "[smb]\nsession_lifetime_ms = 4000\nlogin_delay_ms = 400")
        lab.server("LATE", "127.0.0.54")
        lab.user("LATE", "alice")
        lab.share("LATE", "data", "--path", "data")
        begun = time.monotonic()
        result = lab.smbclient("//LATE/data", "ls", password="wrong")
        check(status(result) == "NT_STATUS_LOGON_FAILURE", repr(result))
        check(time.monotonic() - begun >= 0.4, "a wrong password is answered at once")
        conn = lab.impacket("LATE")
        tree = conn.connectTree("data")
        handle = conn.createFile(tree, "old")

        def is_told():
            try:
                conn.listPath("data", "*")
                return False
            except Exception as e:
                check("NETWORK_SESSION_EXPIRED" in str(e), str(e))
                return True
        wait_until("the session is too old", is_told)
        conn.closeFile(tree, handle)


def test_stop():
    """the node stops cleanly"""
    L.__exit__(None, None, None)


if __name__ == "__main__":
    tests = [v for k, v in list(globals().items()) if k.startswith("test_")]
    main(tests[:1] + list(dialect_tests()) + list(cipher_tests()) + tests[1:])
