# SPDX-License-Identifier: Apache-2.0
"""A tree of odd names, sizes and attributes, copied onto the server and back by two clients, compares equal."""
import hashlib
import os

from lab import Failed, Lab, check, main

L = None
NAMES = ["a b", "  two in front", ".dot", "...dots", "many.dots.in.it.", "UPPER", "lower", "MiXed", "no-extension.", "~tilde~1",
         "comma,semi;equal=plus+[brackets]", "%41percent", "$dollar", "#hash", "@at", "!bang", "it's", "back`tick", "^caret",
         "{braces}", "(round)", "&and", "-dash", "--help", "über", "ÜBER2", "straße", "ἀρχή", "ПРИВЕТ", "日本語", "한국어",
         "e\u0301 composed", "\u00e9 whole", "emoji 😀", "i\u0307dot", "\u200bzero", "x" * 251 + ".txt", "y" * 255, "CON", "nul.txt",
         "LPT1", "desktop.ini", "file.txt.", "0", "_"]  # "-" is standard input to smbclient
SIZES = [0, 1, 4095, 4096, 4097, 65536, 3000000]
# What the letters of smbclient stand for.
ATTRIBUTES = [("plain", ""), ("read-only", "r"), ("hidden", "h"), ("system", "s"), ("hidden system", "hs"), ("all", "rhs")]


def make_tree(top):
    for i, name in enumerate(NAMES):
        with open(os.path.join(top, name), "wb") as f:
            f.write(hashlib.sha512(name.encode()).digest() * 4 if i % 3 else b"")
        if len(name.encode()) < 200:
            os.makedirs(os.path.join(top, "in " + name + " it"))
            with open(os.path.join(top, "in " + name + " it", name), "wb") as f:
                f.write(name.encode())
    for size in SIZES:
        with open(os.path.join(top, "size %d" % size), "wb") as f:
            f.write(os.urandom(size))
    os.makedirs(os.path.join(top, "empty"))
    os.makedirs(os.path.join(top, *["d%d" % i for i in range(30)]))
    for name, _ in ATTRIBUTES:
        with open(os.path.join(top, "attr " + name), "wb") as f:
            f.write(b"x")


def tree_of(top):
    """Path to hash, or None for a directory."""
    found = {}
    for folder, folders, files in os.walk(top):
        for name in folders:
            found[os.path.relpath(os.path.join(folder, name), top)] = None
        for name in files:
            with open(os.path.join(folder, name), "rb") as f:
                found[os.path.relpath(os.path.join(folder, name), top)] = hashlib.sha256(f.read()).hexdigest()
    return found


def compare(what, wanted, seen):
    missing, extra = sorted(set(wanted) - set(seen)), sorted(set(seen) - set(wanted))
    other = sorted(k for k in wanted if k in seen and wanted[k] != seen[k])
    check(not missing and not extra and not other,
          "%s: missing %r, not asked for %r, different %r" % (what, missing[:5], extra[:5], other[:5]))


def test_start():
    """a file server with a share, and a tree to copy"""
    global L
    L = Lab()
    L.node("N1", "127.0.0.11")
    L.server("FS", "127.0.0.50")
    L.user("FS", "alice", admin=True)
    L.share("FS", "data")
    for name in ("there", "back"):
        os.makedirs(os.path.join(L.directory, name))
    make_tree(os.path.join(L.directory, "there"))


def in_smbclient(commands):
    result = L.smbclient("//FS/data", commands, timeout=300)
    if result.code != 0:
        raise Failed("%s: %r" % (commands[:200], result))
    return result.text


def test_smbclient():
    """smbclient copies the tree onto the server and back, and it is the same"""
    there, back = (os.path.join(L.directory, name) for name in ("there", "back"))
    in_smbclient('prompt off; recurse on; mkdir one; cd one; lcd "%s"; mput *' % there)
    in_smbclient('prompt off; recurse on; cd one; lcd "%s"; mget *' % back)
    compare("read back", tree_of(there), tree_of(back))


LISTED = "listed"


def can_open(path):
    """impacket 0.10 says how long a name is in characters, not in UTF-16 units: it can open none that has a pair."""
    return all(ord(c) < 0x10000 for c in path)


def walk(conn, path):
    """As tree_of, of the share; attributes of files beside it."""
    found, attributes = {}, {}
    for entry in conn.listPath("data", path + "\\*"):
        name = entry.get_longname()
        if name in (".", ".."):
            continue
        full = path + "\\" + name
        if not can_open(full):
            found[full] = LISTED
        elif entry.is_directory():
            found[full] = None
            below, more = walk(conn, full)
            found.update(below)
            attributes.update(more)
        else:
            digest = hashlib.sha256()
            conn.getFile("data", full, digest.update)
            found[full] = digest.hexdigest()
            attributes[full] = entry.get_attributes()
    return found, attributes


def test_impacket():
    """impacket reads the same tree, copies it within the server, and reads the same again"""
    conn = L.impacket("FS")
    wanted = {"one\\" + k.replace("/", "\\"): v for k, v in tree_of(os.path.join(L.directory, "there")).items()}
    wanted = {k: v if can_open(k) else LISTED for k, v in wanted.items() if can_open(os.path.dirname(k.replace("\\", "/")))}
    seen, _ = walk(conn, "one")
    compare("read", wanted, seen)
    wanted = {k: v for k, v in wanted.items() if v != LISTED}
    conn.createDirectory("data", "two")
    for path in sorted(wanted, key=lambda p: p.count("\\")):
        to = "two" + path[3:]
        if wanted[path] is None:
            conn.createDirectory("data", to)
        else:
            data = []
            conn.getFile("data", path, data.append)
            rest = [b"".join(data)]

            def more(length):
                part, rest[0] = rest[0][:length], rest[0][length:]
                return part
            conn.putFile("data", to, more)
    seen, _ = walk(conn, "two")
    compare("copied", {"two" + k[3:]: v for k, v in wanted.items()}, seen)
    conn.close()


def test_attributes():
    """attributes that one client sets the other sees, and the bytes stay"""
    for name, letters in ATTRIBUTES:
        if letters:
            in_smbclient('setmode "one\\attr %s" +%s' % (name, letters))
    conn = L.impacket("FS")
    _, attributes = walk(conn, "one")
    bits = {"r": 1, "h": 2, "s": 4}
    for name, letters in ATTRIBUTES:
        seen = attributes["one\\attr " + name]
        check(seen & 7 == sum(bits[x] for x in letters), "%s is %#x" % (name, seen))
    conn.close()


def test_stop():
    """the node stops cleanly"""
    L.__exit__(None, None, None)


if __name__ == "__main__":
    main([v for k, v in list(globals().items()) if k.startswith("test_")])
