#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Watches, from outside and on its own, how many hosts of a lab have the shared disk mounted.

  watcher.py LAB-DIRECTORY      until it is ended; writes "TIME hosts" whenever that changes to LAB-DIRECTORY/mounted

Two hosts at a time is what a cluster exists to prevent. It looks a hundred times a second, and takes care that a look is
cheap: several labs share the processors. (The kernel would tell of changes, to whoever holds a host's list of mounts open;
but that would keep the mounts of a host alive that has been turned off.)
"""
import os
import sys
import time

import lab

PAUSE = 0.01   # seconds between two looks
NEW_HOSTS = 5  # looks after which it is found out which hosts are on


class Host:
    def __init__(self, watched, name):
        self.watched, self.name = watched, name
        self.needle = (" %s " % watched.device_number(name)).encode()
        self.pid = None

    def has_disk(self):
        if not self.pid:
            return False
        try:
            fd = os.open("/proc/%d/mountinfo" % self.pid, os.O_RDONLY)
        except OSError:  # it has ended
            self.pid = None
            return False
        try:
            text = b""
            while True:
                more = os.read(fd, 65536)
                if not more:
                    return self.needle in text
                text += more
        except OSError:
            return False
        finally:
            os.close(fd)


def main():
    watched = lab.Lab(sys.argv[1])
    hosts = [Host(watched, name) for name in lab.HOSTS]
    last, looks = None, 0
    with open(watched.path("mounted"), "a", buffering=1) as out:
        while True:
            if looks % NEW_HOSTS == 0:
                for host in hosts:
                    host.pid = watched.pid(host.name)
            looks += 1
            now = " ".join(host.name for host in hosts if host.has_disk())
            if now != last:
                out.write("%.3f %s\n" % (time.time(), now))
                last = now
            time.sleep(PAUSE)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        os._exit(0)
