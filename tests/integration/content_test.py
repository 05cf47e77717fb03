# SPDX-License-Identifier: Apache-2.0
"""Content on a file server: sent, verified, resumed, repaired, fetched again from several places, whatever dies."""
import functools
import http.server
import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time

from lab import BUILD, LONG, PASSWORD, SLOW, Failed, Lab, Skip, check, main, run, wait_until

TOOL = os.path.join(BUILD, "tests/content/content_tool")
L = None
MIB = 1 << 20
SIZE = (64 if LONG else 12 if SLOW else 24) * MIB
KILLS = 40 if LONG else 5
SEED = int(os.environ.get("BERTH_SEED", "20101228"))


def path(*parts):
    return os.path.join(L.directory, *parts)


def tool(*args, ok=True):
    result = run([TOOL] + list(args), env=dict(L.env, BERTH_PASSWORD_FILE=path("password")), timeout=300)
    try:
        line = json.loads(result.out) if result.out.strip() else {}
    except ValueError:
        raise Failed(repr(result))
    if ok:
        check(result.code == 0, "content_tool %s: %r" % (" ".join(args), result))
    else:
        check(result.code == 1 and "problem" in line, "content_tool %s: %r" % (" ".join(args), result))
    return line


def target(share="data", below="dp"):
    return "smb://alice@127.0.0.50:445/FS/%s/%s" % (share, below)


def make_source():
    rng = random.Random(SEED)
    os.makedirs(path("source/deep/er"))
    with open(path("source/large.bin"), "wb") as f:
        f.write(rng.randbytes(SIZE))
    for i in range(300):
        with open(path("source/deep/er", "small-%d.txt" % i), "wb") as f:
            f.write(rng.randbytes(rng.randrange(1, 9000)))
    with open(path("source/setup"), "w") as f:
        f.write("#!/bin/sh\n")
    os.chmod(path("source/setup"), 0o755)


def test_start():
    """two nodes and a file server come up, and a folder is taken into a library"""
    global L
    L = Lab()
    L.node("N1", "127.0.0.11")
    L.node("N2", "127.0.0.12")
    L.server("FS", "127.0.0.50", "server", "--preferred", "N1,N2")
    L.user("FS", "alice", admin=True)
    L.share("FS", "data", "--path", "data")
    with open(path("password"), "w") as f:
        f.write(PASSWORD + "\n")
    make_source()
    L.taken = tool("ingest", path("source"), path("library"))
    check(L.taken["files"] == 302, str(L.taken))


def test_send():
    """a distribution point gets all of it, and nothing twice"""
    first = tool("send", L.taken["hash"], path("library"), target())
    check(first["sent"] == first["pieces"] and first["bytes_put"] >= first["bytes"], str(first))
    # Berth's own server says the hash of what it has stored: nothing of it comes back.
    check(0 < first["wire_in"] < first["bytes"] // 8, str(first))
    check(tool("check", L.taken["hash"], path("library"), target())["bad"] == 0, "a piece is bad")
    again = tool("send", L.taken["hash"], path("library"), target(), L.taken["hash"])
    check(again["sent"] == 0, str(again))


def test_edits():
    """of a piece that was edited only the edit travels: the server copies the rest from what it has"""
    os.makedirs(path("edited"))
    with open(path("source/large.bin"), "rb") as f:
        data = bytearray(f.read())
    edits = 0
    for at in range(len(data) - MIB, 0, -MIB):
        if at // MIB % 3 == 0:
            data[at:at + 500] = os.urandom(500)
        elif at // MIB % 3 == 1:
            data[at:at] = os.urandom(500)
        else:
            del data[at:at + 500]
        edits += 1
    dense = 20
    for i in range(dense):  # several in one piece
        data[i * 15000:i * 15000 + 50] = os.urandom(70)
    with open(path("edited/large.bin"), "wb") as f:
        f.write(data)
    edited = tool("ingest", path("edited"), path("library"))
    tool("send", L.taken["hash"], path("library"), target(below="edits"))
    result = tool("send", edited["hash"], path("library"), target(below="edits"), L.taken["hash"])
    check(result["composed"] >= edits and result["bad"] == 0, str(result))
    check(result["bytes_put"] < edits * 2000 + dense * 600 + 4096, str(result))
    check(tool("check", edited["hash"], path("library"), target(below="edits"))["bad"] == 0, "what was put together is not right")


def slow_link(mbit):
    """The loopback device of this namespace carries so many Mbit/s; None: all it can."""
    words = ["tc", "qdisc", "add" if mbit else "del", "dev", "lo", "root"]
    if mbit:
        words += ["tbf", "rate", "%dmbit" % mbit, "burst", "256k", "latency", "100ms"]
    made = run(words)
    if made.code and mbit:
        raise Skip("no connection can be slowed down here: %s" % made.text.strip())


def test_compressed():
    """what can be compressed makes up for the heads of all messages, and travels compressed where the network is slow"""
    rng = random.Random(SEED + 1)
    words = [bytes(rng.choices(b"abcdefghijklmnop", k=rng.randrange(3, 9))) for _ in range(400)]
    os.makedirs(path("text"))
    with open(path("text/words.txt"), "wb") as f:
        f.write(b" ".join(rng.choices(words, k=2400000)))
    with open(path("text/zeros.img"), "wb") as f:
        f.write(bytes(MIB))
    text = tool("ingest", path("text"), path("library"))
    sent = tool("send", text["hash"], path("library"), target(below="text"))
    check(sent["wire_out"] < text["new_bytes"], str(sent))
    check(tool("check", text["hash"], path("library"), target(below="text"))["bad"] == 0, "a piece is bad")
    noise = tool("send", L.taken["hash"], path("library"), target(below="noise"))
    check(noise["bytes"] < noise["wire_out"] < 1.1 * noise["bytes"], str(noise))
    slow_link(20)
    try:
        slow = tool("send", text["hash"], path("library"), target(below="slow"))
    finally:
        slow_link(None)
    check(slow["wire_out"] < 0.8 * text["new_bytes"], str(slow))
    check(tool("check", text["hash"], path("library"), target(below="slow"))["bad"] == 0, "a piece is bad")


def test_damaged_manifest():
    """a manifest that is put together from one that has rotted at the target is found out, and sent as a whole"""
    with open(path("edited/note"), "w") as f:
        f.write("one more file\n")
    edited = tool("ingest", path("edited"), path("library"))
    tool("send", L.taken["hash"], path("library"), target(below="rotten"))
    old = path("volume-FS", "data", "rotten", "targets", L.taken["hash"])
    with open(old, "r+b") as f:
        f.seek(os.path.getsize(old) // 2)
        byte = f.read(1)[0]
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte ^ 1]))
    tool("send", edited["hash"], path("library"), target(below="rotten"), L.taken["hash"])
    check(tool("check", edited["hash"], path("library"), target(below="rotten"))["bad"] == 0, "it is not right")
    check(not os.listdir(path("volume-FS", "data", "rotten", "staging")), "something was left in staging")


def test_one_writer():
    """a second writer is told that the place is busy"""
    L.server_side = path("volume-FS", "data", "dp")
    holder = subprocess.Popen([TOOL, "hold", L.taken["hash"], target()], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              env=dict(L.env, BERTH_PASSWORD_FILE=path("password")))
    try:
        check(holder.stdout.readline() == b"{}\n", "the first writer did not get in")
        problem = tool("check", L.taken["hash"], path("library"), target(), ok=False)
    finally:
        holder.stdin.close()
        holder.wait(60)
    check(problem["problem"] == "busy" and problem["status"] == "STATUS_SHARING_VIOLATION", str(problem))


def test_flipped_bits():
    """a thousand flipped bits are found and repaired"""
    rng = random.Random(SEED)
    files = [os.path.join(d, n) for d, _, names in os.walk(os.path.join(L.server_side, "pieces")) for n in names]
    hit = set()
    for _ in range(1000):
        name = rng.choice(files)
        with open(name, "r+b") as f:
            at = rng.randrange(os.path.getsize(name))
            f.seek(at)
            byte = f.read(1)[0] ^ 1 << rng.randrange(8)
            f.seek(at)
            f.write(bytes([byte]))
        hit.add(name)
    seen = tool("check", L.taken["hash"], path("library"), target())
    check(0 < seen["bad"] <= len(hit), "%d files were changed, %s" % (len(hit), seen))
    repaired = tool("repair", L.taken["hash"], path("library"), target())
    check(repaired["sent"] == seen["bad"], str(repaired))
    check(tool("check", L.taken["hash"], path("library"), target())["bad"] == 0, "not repaired")


def test_killed_sender():
    """killed again and again, the sender goes on with what has not arrived"""
    rng = random.Random(SEED)
    env = dict(L.env, BERTH_PASSWORD_FILE=path("password"))
    for _ in range(KILLS):
        sender = subprocess.Popen([TOOL, "send", L.taken["hash"], path("library"), target(below="killed")],
                                  stdout=subprocess.DEVNULL, env=env)
        time.sleep(rng.uniform(0.02, 0.5))
        sender.kill()
        sender.wait()

    def lock_is_free():  # the server sees the end of the connection a moment later
        result = run([TOOL, "send", L.taken["hash"], path("library"), target(below="killed")], env=env, timeout=300)
        return result.code == 0 and json.loads(result.out)
    last = wait_until("the transfer ends", lock_is_free, 60)
    check(last["sent"] + last["present"] == last["pieces"], str(last))
    check(tool("check", L.taken["hash"], path("library"), target(below="killed"))["bad"] == 0, "a piece is bad")


def in_the_middle(process, pieces, accident):
    """Stops the process when it has brought its first piece into that directory, lets the accident happen, and lets it
    go on: so the accident comes in the middle, however fast either is."""
    end = time.monotonic() + 60
    while not any(entry.is_dir() and os.listdir(entry.path) for entry in
                  (os.scandir(pieces) if os.path.isdir(pieces) else ())):
        check(process.poll() is None and time.monotonic() < end, "no piece came: %s" % process.poll())
        time.sleep(0.001)
    process.send_signal(signal.SIGSTOP)
    try:
        accident()
    finally:
        process.send_signal(signal.SIGCONT)


def test_killed_owner():
    """the owner dies in the middle of a transfer, and the transfer ends with success"""
    env = dict(L.env, BERTH_PASSWORD_FILE=path("password"))
    owner = L.server_state("FS")["owner"]
    sender = subprocess.Popen([TOOL, "send", L.taken["hash"], path("library"), target(below="failover")],
                              stdout=subprocess.PIPE, env=env, encoding="utf-8")
    in_the_middle(sender, path("volume-FS/data/failover/pieces"), L.nodes[owner].kill)
    try:
        out, _ = sender.communicate(timeout=180)
        check(sender.returncode == 0 and json.loads(out)["reconnects"] > 0, out)
        check(tool("check", L.taken["hash"], path("library"), target(below="failover"))["bad"] == 0, "a piece is bad")
    finally:
        L.nodes[owner].start()


def test_refusals():
    """a read-only share, a share that is not there and a wrong password are told apart"""
    L.berth("share", "add", "FS", "sealed", "--path", "data", "--read-only")
    problem = tool("send", L.taken["hash"], path("library"), target("sealed", "elsewhere"), ok=False)
    check(problem["problem"] == "unwritable", str(problem))
    problem = tool("send", L.taken["hash"], path("library"), target("nothere"), ok=False)
    check(problem["status"] == "STATUS_BAD_NETWORK_NAME", str(problem))
    problem = tool("send", L.taken["hash"], path("library"), target().replace("alice", "mallory"), ok=False)
    check(problem["status"] == "STATUS_LOGON_FAILURE", str(problem))


def test_full_target():
    """a target without room says so before it is filled"""
    os.makedirs(path("small"))
    if run(["mount", "-t", "tmpfs", "-o", "size=18m", "none", path("small")]).code:
        raise Skip("no file system can be mounted here")
    try:
        problem = tool("send", L.taken["hash"], path("library"), path("small"), ok=False)
        check(problem["problem"] == "full" and problem["status"] == "STATUS_DISK_FULL", str(problem))
    finally:
        run(["umount", path("small")])


class Ranges(http.server.SimpleHTTPRequestHandler):
    """A plain web server that answers one range (RFC 9110)."""
    protocol_version = "HTTP/1.1"
    plain = False  # ignore ranges, as some servers do

    def log_message(self, *args):
        pass

    def do_GET(self):
        name = self.translate_path(self.path)
        if not os.path.isfile(name):
            self.send_error(404)
            return
        size = os.path.getsize(name)
        wanted = re.match(r"bytes=(\d+)-(\d*)$", self.headers.get("Range", ""))
        begin, end = 0, size
        if wanted and not self.plain:
            begin = int(wanted.group(1))
            end = min(size, int(wanted.group(2) or size) + 1)
            if begin >= size:
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", "bytes %d-%d/%d" % (begin, end - 1, size))
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(end - begin))
        self.end_headers()
        with open(name, "rb") as f:
            f.seek(begin)
            try:
                shutil.copyfileobj(f, self.wfile) if end == size else self.wfile.write(f.read(end - begin))
            except (BrokenPipeError, ConnectionResetError):
                pass


def serve(port, plain):
    kind = type("Handler", (Ranges,), {"plain": plain})
    server = http.server.ThreadingHTTPServer(("127.0.0.60", port), functools.partial(kind, directory=L.server_side))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def test_fetch():
    """a client fetches over SMB and HTTP at once, and puts the files together as they were"""
    web = serve(8080, False)
    try:
        got = tool("fetch", L.taken["hash"], path("cache"), target(), "http://127.0.0.60:8080/")
        check(got["sent"] == got["pieces"], str(got))
        tool("assemble", L.taken["hash"], path("cache"), path("installed"))
        same = run(["diff", "-r", path("source"), path("installed")])
        check(same.code == 0, repr(same))
        check(os.stat(path("installed/setup")).st_mode & 0o777 == 0o755, "the executable lost its mode")
    finally:
        web.shutdown()


def test_plain_web_server():
    """a web server that knows no ranges will do"""
    web = serve(8081, True)
    try:
        got = tool("fetch", L.taken["hash"], path("cache2"), "http://127.0.0.60:8081")
        check(got["sent"] == got["pieces"], str(got))
    finally:
        web.shutdown()


def test_source_dies_while_fetching():
    """the file server dies while a client fetches, and the client ends with everything"""
    env = dict(L.env, BERTH_PASSWORD_FILE=path("password"))
    owner = L.server_state("FS")["owner"]
    client = subprocess.Popen([TOOL, "fetch", L.taken["hash"], path("cache3"), target()],
                              stdout=subprocess.PIPE, env=env, encoding="utf-8")
    in_the_middle(client, path("cache3/pieces"), L.nodes[owner].kill)
    try:
        out, _ = client.communicate(timeout=180)
        check(client.returncode == 0 and json.loads(out)["reconnects"] > 0, out)
    finally:
        L.nodes[owner].start()
    tool("assemble", L.taken["hash"], path("cache3"), path("installed3"))
    check(run(["diff", "-r", path("source"), path("installed3")]).code == 0, "the files differ")


def test_damaged_source():
    """what a distribution point has damaged is refused from there and taken from another"""
    name = max((os.path.join(d, n) for d, _, names in os.walk(os.path.join(L.server_side, "pieces")) for n in names),
               key=os.path.getsize)
    with open(name, "r+b") as f:
        f.write(b"not what it was")
    problem = tool("fetch", L.taken["hash"], path("cache4"), target(), ok=False)
    check(problem["problem"] == "damaged", str(problem))
    got = tool("fetch", L.taken["hash"], path("cache4"), target(), target(below="killed"))
    check(got["present"] > 0 and got["sent"] + got["present"] == got["pieces"], str(got))


def test_removal():
    """removal leaves nothing behind"""
    gone = tool("withdraw", L.taken["hash"], target())
    check(gone["removed"] == gone["pieces"] > 0, str(gone))
    left = [n for _, _, names in os.walk(os.path.join(L.server_side, "pieces")) for n in names]
    check(not left, str(left[:3]))


def test_end():
    """the nodes stop without complaint"""
    L.__exit__(None, None, None)


if __name__ == "__main__":
    main([v for k, v in list(globals().items()) if k.startswith("test_")])
