# SPDX-License-Identifier: Apache-2.0
"""Bad input on the wire: the connection gets an error or ends, the server stays up, others notice nothing."""
import os
import random
import socket
import struct
import threading
import time

from lab import LONG, SLOW, Failed, Lab, check, main, wait_until

L = None
FS = "127.0.0.50"
SEED = int(os.environ.get("BERTH_SEED", "1"))


def connect():
    s = socket.create_connection((FS, L.port), 20)
    s.settimeout(60)
    return s


def frame(body):
    return struct.pack(">I", len(body)) + body


def header(command, message_id=0, credits=1, flags=0, next_command=0, tree=0, session=0, charge=1):
    return struct.pack("<4sHHIHHIIQIIQ16s", b"\xfeSMB", 64, charge, 0, command, credits, flags, next_command,
                       message_id, 0, tree, session, b"\0" * 16)


NEGOTIATE = header(0) + struct.pack("<HHHHI16sQHH", 36, 2, 1, 0, 0, b"c" * 16, 0, 0x0202, 0x0210)


def answer(s):
    """The next frame, or None where the connection has ended."""
    try:
        data = b""
        while len(data) < 4:
            more = s.recv(4 - len(data))
            if not more:
                return None
            data += more
        length = struct.unpack(">I", data)[0]
        body = b""
        while len(body) < length:
            more = s.recv(length - len(body))
            if not more:
                return None
            body += more
        return body
    except (ConnectionError, OSError):
        return None


def status_of(body):
    return struct.unpack_from("<I", body, 8)[0] if body else None


def still_serving():
    result = L.smbclient("//FS/data", "ls")
    check(result.code == 0 and "NT_STATUS" not in result.text, "the server no longer serves: %r" % result)


def memory():
    pid = L.nodes["N1"].process.pid
    with open("/proc/%d/smaps_rollup" % pid) as f:
        for line in f:
            if line.startswith("Pss:"):
                return int(line.split()[1])


def test_start():
    """a node comes up with short time-outs"""
    global L
    L = Lab()
    L.node("N1", "127.0.0.11")
    L.server("FS", FS)
    L.user("FS", "alice", admin=True)
    L.share("FS", "data", "--path", "data")
    L.smbclient("//FS/data", "put /etc/hostname h")


def test_garbage():
    """bytes that are no SMB end the connection, not the server"""
    rng = random.Random(SEED)
    for _ in range(60):
        s = connect()
        try:
            s.sendall(rng.randbytes(rng.randrange(1, 3000)))
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        answer(s)
        s.close()
    still_serving()


def test_lengths():
    """a frame length of zero, of 16 MiB, of less than a header is not answered with success"""
    for raw in (b"\0\0\0\0", b"\0\xff\xff\xff" + b"x" * 100, frame(b"\xfeSMB"), frame(NEGOTIATE[:70]),
                b"\x81\0\0\x44" + b"A" * 68, frame(b"\xffSMB"), frame(b"\xfdSMB" + b"\0" * 60), frame(b"\xfcSMB" + b"\0" * 60)):
        s = connect()
        s.sendall(raw)
        s.shutdown(socket.SHUT_WR)
        body = answer(s)
        check(body is None or status_of(body) != 0, "%r got %r" % (raw[:20], body))
        s.close()
    still_serving()


def test_before_negotiate():
    """before NEGOTIATE nothing else is answered with success"""
    for command in range(1, 20):
        s = connect()
        s.sendall(frame(header(command) + b"\0" * 64))
        s.shutdown(socket.SHUT_WR)
        body = answer(s)
        check(body is None or status_of(body) != 0, "command %d got %r" % (command, body and body[:16]))
        s.close()


def test_before_session():
    """before a session every command is refused"""
    for command in range(3, 19):
        if command in (12, 13):
            continue
        s = connect()
        s.sendall(frame(NEGOTIATE))
        check(status_of(answer(s)) == 0, "negotiate")
        s.sendall(frame(header(command, 1, session=0x1234, tree=1) + b"\0" * 128))
        s.shutdown(socket.SHUT_WR)
        body = answer(s)
        check(body is None or status_of(body) not in (0, 0x103), "command %d got %x" % (command, status_of(body) or 0))
        s.close()


def test_mutated():
    """recorded requests with changed bytes never harm the server"""
    rng = random.Random(SEED + 1)
    session_setup = header(1, 1) + struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, 40, 0) + b"NTLMSSP\0\1\0\0\0" + b"\0" * 28
    echo = header(13, 2) + b"\4\0\0\0"
    rounds = 2000 if LONG else 150
    for i in range(rounds):
        parts = [bytearray(NEGOTIATE), bytearray(session_setup), bytearray(echo)]
        victim = parts[rng.randrange(len(parts))]
        for _ in range(rng.randrange(1, 6)):
            victim[rng.randrange(len(victim))] = rng.choice((0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)))
        if rng.random() < 0.3:
            del victim[rng.randrange(4, len(victim)):]
        s = connect()
        try:
            for p in parts:
                s.sendall(frame(bytes(p)))
            s.shutdown(socket.SHUT_WR)
            while answer(s) is not None:
                pass
        except OSError:
            pass
        s.close()
    still_serving()


def test_compound_chain():
    """compound chains that point outside, backwards or to themselves are refused"""
    for next_command in (1, 8, 63, 64, 72, 0xfffffff8, 0x7fffffff):
        s = connect()
        s.sendall(frame(NEGOTIATE))
        answer(s)
        chain = header(13, 1, next_command=next_command) + b"\4\0\0\0\0\0\0\0" + header(13, 2, flags=4) + b"\4\0\0\0"
        s.sendall(frame(chain))
        s.shutdown(socket.SHUT_WR)
        while answer(s) is not None:
            pass
        s.close()
    still_serving()


def test_message_ids():
    """a message id used twice, or outside the window, ends the connection"""
    for ids in ((1, 1), (1, 2 ** 40), (2 ** 64 - 2,)):
        s = connect()
        s.sendall(frame(NEGOTIATE))
        answer(s)
        for i in ids:
            s.sendall(frame(header(13, i) + b"\4\0\0\0"))
        seen = []
        while True:
            body = answer(s)
            if body is None:
                break
            seen.append(status_of(body))
            check(len(seen) < len(ids) + 1, "still answering %s" % seen)
        check(seen.count(0) < len(ids) or ids == (2 ** 64 - 2,) and not seen.count(0), "ids %s were all taken" % (ids,))
        s.close()
    still_serving()


def test_silent_connections():
    """clients that connect and say nothing hold little, and do not keep others out"""
    before = memory()
    held = []
    for _ in range(300):
        try:
            held.append(connect())
        except OSError:
            break
    for s in held[:100]:
        try:
            s.sendall(b"\0\0\xff\xff")  # a frame that never comes
        except OSError:
            pass
    time.sleep(1)
    still_serving()
    grown = memory() - before
    limit = 300 * 64 * (20 if SLOW else 1)
    check(grown < limit, "%d KiB for %d silent connections" % (grown, len(held)))
    for s in held:
        s.close()


def test_half_logins():
    """logins that are begun and never ended are bounded"""
    before = memory()
    for _ in range(200):
        s = connect()
        s.sendall(frame(NEGOTIATE))
        answer(s)
        for i in range(1, 20):
            ntlm = b"NTLMSSP\0\1\0\0\0" + struct.pack("<I", 0x62088215) + b"\0" * 16
            s.sendall(frame(header(1, i) + struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, len(ntlm), 0) + ntlm))
            if answer(s) is None:
                break
        s.close()
    still_serving()
    grown = memory() - before
    check(grown < 20000 * (10 if SLOW else 1), "%d KiB grown" % grown)


def test_others_notice_nothing():
    """a client that works all the while notices nothing"""
    failures = []
    stop = threading.Event()

    def worker():
        while not stop.is_set():
            result = L.smbclient("//FS/data", "get h /dev/null; ls")
            if result.code or "NT_STATUS" in result.text:
                failures.append(repr(result))
                return
    t = threading.Thread(target=worker)
    t.start()
    try:
        test_garbage()
        test_mutated()
    finally:
        stop.set()
        t.join()
    check(not failures, failures and failures[0])


def test_authenticated_mutations():
    """an authenticated client that sends nonsense in every command harms nobody"""
    rng = random.Random(SEED + 2)
    rounds = 400 if LONG else 40
    for _ in range(rounds):
        conn = L.impacket("FS", dialect=0x0210)
        low = conn.getSMBServer()
        tree = conn.connectTree("data")
        session = low._Session["SessionID"]
        raw = low._NetBIOSSession.get_socket()
        mid = low._Connection["SequenceWindow"] if isinstance(low._Connection["SequenceWindow"], int) else 10
        try:
            for n in range(8):
                command = rng.randrange(2, 19)
                body = bytearray(rng.randbytes(rng.randrange(0, 200)))
                sizes = {2: 4, 3: 9, 4: 4, 5: 57, 6: 24, 7: 24, 8: 49, 9: 49, 10: 48, 11: 57, 12: 4, 13: 4, 14: 33, 15: 32, 16: 41, 17: 33, 18: 24}
                body[0:2] = struct.pack("<H", sizes[command])
                raw.sendall(frame(header(command, mid + n, credits=10, tree=tree, session=session) + bytes(body)))
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(65536):
                pass
        except OSError:
            pass
        raw.close()
    still_serving()


def test_stop():
    """the node stops cleanly"""
    L.__exit__(None, None, None)


if __name__ == "__main__":
    main([v for k, v in list(globals().items()) if k.startswith("test_")])
