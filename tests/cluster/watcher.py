#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Watches, from outside and on its own, how many hosts of a lab have the shared disk mounted.

  watcher.py LAB-DIRECTORY      until it is ended; writes "TIME hosts" whenever that changes to LAB-DIRECTORY/mounted

Two hosts at a time is what a cluster exists to prevent.
"""
import os
import sys
import time

import lab


def main():
    watched = lab.Lab(sys.argv[1])
    last = None
    with open(watched.path("mounted"), "a", buffering=1) as out:
        while True:
            now = " ".join(h for h in lab.HOSTS if watched.mounts(h))
            if now != last:
                out.write("%.3f %s\n" % (time.time(), now))
                last = now
            time.sleep(0.005)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        os._exit(0)
