# SPDX-License-Identifier: Apache-2.0
"""Addresses on a real interface: the owner adds them, announces them, and takes them away."""
import json
import os
import socket
import struct
import threading
import time

from lab import BERTH, Lab, Skip, check, main, run, wait_until

L = None
PEER = "berth-peer"


def addresses():
    rows = json.loads(run(["ip", "-j", "addr", "show", "dev", "eth0"]).out)
    return [a["local"] for a in rows[0]["addr_info"]]


def test_start():
    """two nodes on an interface come up"""
    global L
    made = run(["ip", "link", "add", "eth0", "type", "veth", "peer", "name", PEER])
    if made.code != 0:
        raise Skip("no interface can be made: " + made.text.strip())
    for command in ("link set eth0 up", "link set %s up" % PEER, "addr add 10.99.0.1/24 dev eth0",
                    "addr add 10.99.0.2/24 dev eth0", "addr add fd99::1/64 dev eth0 nodad"):
        done = run(["ip"] + command.split())
        check(done.code == 0, repr(done))
    L = Lab()
    L.node("N1", "10.99.0.1")
    L.node("N2", "10.99.0.2")


class Listener(threading.Thread):
    """Counts the ARP packets for an address that come out of the interface."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.wanted, self.seen, self.stopping = socket.inet_aton(address), 0, False
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
        self.socket.bind((PEER, 0))
        self.socket.settimeout(0.2)

    def run(self):
        while not self.stopping:
            try:
                packet = self.socket.recv(2048)
            except socket.timeout:
                continue
            sender, target = packet[28:32], packet[38:42]
            if struct.unpack(">H", packet[12:14])[0] == 0x0806 and sender == target == self.wanted:
                self.seen += 1


def test_added_and_announced():
    """the address of a file server is added and announced"""
    if not L:
        raise Skip("no interface")
    listener = Listener("10.99.0.50")
    listener.start()
    L.servers["FS"] = "10.99.0.50"
    L.berth("server", "create", "FS", "--volume", volume("FS"), "--address", "10.99.0.50/24", "--address",
            "fd99::50/64", "--preferred", "N1,N2")
    L.wait_online("FS")
    check("10.99.0.50" in addresses() and "fd99::50" in addresses(), str(addresses()))
    wait_until("the address is announced", lambda: listener.seen, 5)
    listener.stopping = True
    L.user("FS", "alice", admin=True)
    L.share("FS", "data")
    result = L.smbclient("//FS/data", "put /etc/hostname h")
    check(result.code == 0, repr(result))


def volume(name):
    path = os.path.join(L.directory, "volume-" + name)
    os.makedirs(path, exist_ok=True)
    return path


def test_after_a_kill():
    """after a kill the other node has the address, and takes it away when it goes offline"""
    if not L:
        raise Skip("no interface")
    owner = L.server_state("FS")["owner"]
    other = "N2" if owner == "N1" else "N1"
    L.nodes[owner].kill()
    wait_until("FS is on " + other, lambda: L.server_state("FS")["state"] == "online" and
               L.server_state("FS")["owner"] == other)
    result = L.smbclient("//FS/data", "get h /dev/null")
    check(result.code == 0 and "NT_STATUS" not in result.text, repr(result))
    L.berth("server", "offline", "FS")
    check("10.99.0.50" not in addresses() and "fd99::50" not in addresses(), str(addresses()))
    check("10.99.0.1" in addresses() and "10.99.0.2" in addresses(), "an address of a node has gone: %s" % addresses())
    L.berth("server", "online", "FS")
    check("10.99.0.50" in addresses(), str(addresses()))


def test_no_such_network():
    """an address of no network is a failure that says so"""
    if not L:
        raise Skip("no interface")
    L.berth("server", "create", "LOST", "--volume", volume("LOST"), "--address", "192.0.2.7/24", ok=False)
    state = L.server_state("LOST")
    check(state["state"] == "failed" and "192.0.2.7" in (state["reason"] or ""), str(state))
    check(L.server_state("FS")["state"] == "online", "FS went down with it")


AGENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "agents", "ocf", "address")


def call_agent(action, **parameters):
    """The resource agent of addresses; where IPaddr2 should be lies what ends with 77 and says how it was called."""
    other = os.path.join(L.directory, "ocf", "resource.d", "heartbeat", "IPaddr2")
    if not os.path.exists(other):
        os.makedirs(os.path.dirname(other))
        with open(os.open(other, os.O_WRONLY | os.O_CREAT, 0o755), "w") as f:
            f.write("#!/bin/sh\necho IPaddr2 $1\nexit 77\n")
    parameters = dict({"ip": "10.99.0.60", "cidr_netmask": "24", "berth": os.path.abspath(BERTH)}, **parameters)
    env = dict(os.environ, OCF_ROOT=os.path.join(L.directory, "ocf"), **{"OCF_RESKEY_" + k: v for k, v in parameters.items()})
    return run([AGENT, action], env=env)


def test_agent():
    """the resource agent adds an address, announces it five times, sees it, and takes it away, each of them twice"""
    if not L:
        raise Skip("no interface")
    listener = Listener("10.99.0.60")
    listener.start()
    for action, code, there in (("monitor", 7, False), ("stop", 0, False), ("start", 0, True), ("start", 0, True),
                                ("monitor", 0, True)):
        result = call_agent(action)
        check(result.code == code and ("10.99.0.60" in addresses()) == there, "%s: %r" % (action, result))
    wait_until("it is announced as often as it takes", lambda: listener.seen >= 5, 5)
    for action, code in (("stop", 0), ("stop", 0), ("monitor", 7)):
        result = call_agent(action)
        check(result.code == code and "10.99.0.60" not in addresses(), "%s: %r" % (action, result))
    # Some of the announcements of a start were still to come: of an address that has gone there are none.
    time.sleep(0.1)
    seen = listener.seen
    time.sleep(1)
    listener.stopping = True
    listener.join()
    check(listener.seen == seen, "%d announcements of an address that is not here" % (listener.seen - seen))


def test_agent_with_another_prefix():
    """an address that somebody gave another prefix is taken away all the same"""
    if not L:
        raise Skip("no interface")
    check(run("ip addr add 10.99.0.60/32 dev eth0".split()).code == 0, "it cannot be added")
    result = call_agent("stop")
    check(result.code == 0 and "10.99.0.60" not in addresses(), repr(result))


def test_agent_finds_another():
    """an address that another machine answers for is not added, and the agent says who has it"""
    if not L:
        raise Skip("no interface")
    for command in ("netns add berth-other", "link set %s netns berth-other" % PEER, "-n berth-other link set %s up" % PEER,
                    "-n berth-other addr add 10.99.0.60/32 dev %s" % PEER):
        check(run(["ip"] + command.split()).code == 0, command)
    try:
        for more in ({}, {"nic": "eth0"}):
            result = call_agent("start", **more)
            check(result.code == 1 and "in use on the network, by" in result.err and "10.99.0.60" not in addresses() and
                  "IPaddr2" not in result.out, repr(result))
    finally:
        run(["ip", "-n", "berth-other", "link", "set", PEER, "netns", str(os.getpid())])
        run(["ip", "netns", "del", "berth-other"])
        run(["ip", "link", "set", PEER, "up"])
    result = call_agent("start", probe="perhaps")
    check(result.code == 6 and "10.99.0.60" not in addresses(), repr(result))


def test_agent_leaves_to_others():
    """IPv6, parameters that only IPaddr2 knows, and a network without an interface are left to IPaddr2"""
    if not L:
        raise Skip("no interface")
    for more in ({"ip": "fd99::60", "cidr_netmask": "64"}, {"nic": "eth0"}, {"arp_count": "2"}, {"cidr_netmask": "255.255.255.0"},
                 {"cidr_netmask": ""}, {"berth": "/nowhere/berth"}):
        for action in ("start", "monitor", "stop"):
            result = call_agent(action, **more)
            check(result.code == 77 and result.out.strip() == "IPaddr2 " + action, "%s %s: %r" % (action, more, result))
    for more in ({"ip": "192.0.2.60"}, {"probe": "no"}):
        result = call_agent("start", **more)
        check(result.code == 77 and result.out.strip() == "IPaddr2 start", "%s: %r" % (more, result))
    check("10.99.0.60" not in addresses(), str(addresses()))


def test_stop():
    """the nodes stop cleanly and leave no address"""
    if not L:
        raise Skip("no interface")
    L.__exit__(None, None, None)
    check("10.99.0.50" not in addresses(), str(addresses()))


if __name__ == "__main__":
    main([v for k, v in list(globals().items()) if k.startswith("test_")])
