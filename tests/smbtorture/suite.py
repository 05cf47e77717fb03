# SPDX-License-Identifier: Apache-2.0
"""What of smbtorture's smb2 suite is run, how each test is run, and what came of it."""
import os
import re
import subprocess
import time

# Tools for use by hand, a scanner, and what needs modules or local files of the peer's own server.
NOT_RUN = re.compile(r"^smb2\.(hold-oplock|hold-sharemode|check-sharemode|durable-open-disconnect|set-sparse-ioctl|"
                     r"zero-data-ioctl|scan\.|timestamp_resolution|kernel-oplocks|samba3misc|aio_delay|async_dosmode)")
OPTIONS = ["--target=samba3", "--option=torture:sharedelay=100000", "--option=torture:writetimeupdatedelay=500000",
           "--option=torture:resume_key_support=yes", "--option=torture:oplocktimeout=35",
           "--option=torture:open_brlock_deadlock_timemout=2", "--option=torture:acl_xattr_name=hackme",
           "--option=torture:progress=no", "--option=torture:use_iptables=yes",
           "--option=torture:iptables_command=iptables", "--seed=4242", "--fullname"]
# They make somebody else the owner of a file, which takes the restore privilege; all others are run by a plain user.
AS_ADMIN = re.compile(r"^smb2\.(create\.acl(file|dir)|acls\.SDFLAGSVSCHOWN)$")
# Tests of what a share can be set to: on a share that is set so (tests/smbtorture/server).
SHARE_OF = [(re.compile(pattern), share) for pattern, share in (
    (r"^smb2\.create_no_streams\.", "no_streams"), (r"^smb2\.acls_non_canonical\.", "as_set"),
    (r"^smb2\.change_notify_disabled\.", "no_notify"),
    (r"^smb2\.twrp\.", "snapshots"))]
# It looks at the first of the two shares through another one of that directory.
ON_FIRST = re.compile(r"^smb2\.acls\.ACCESSBASED$")
# Each begins with what the one before has left: one after the other, on one share.
IN_ORDER = re.compile(r"^smb2\.delete-on-close-perms\.")
# They drop a connection's packets by chains of their namespace, so that one ends what another has begun.
BLOCKS = re.compile(r"^smb2\.(multichannel\.|replay\.dhv2-pending3|oplock\.batch22b)")
# They keep both processors busy, in the middle of which nothing that counts seconds is to run.
HEAVY = re.compile(r"^smb2\.(maxfid|bench\.|dir\.large-files|create\.bench|compound_find\.|secleak|"
                   r"rename\.rename_dir_bench)")
# Each of them waits for a quarter of a minute and more, or asserts what a busy machine may not do: left to the long run.
SLOW = re.compile(r"^smb2\.(lease\.(timeout|oplock|break)$|oplock\.batch22[ab]|notify\.mask$|timestamps\.delayed-|"
                  r"multichannel\.(oplocks\.test3|leases\.test4)|durable-v2-delay\.)")


def catalog():
    out = subprocess.run(["smbtorture", "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout
    names = []
    for line in out.splitlines():
        name = line.strip()
        if not name.startswith("smb2.") or NOT_RUN.match(name):
            continue
        parts = name.split(".")
        if len(parts) > 2 and parts[-1] == parts[-2]:
            name = ".".join(parts[:-1])
        if name not in names:
            names.append(name)
    return names


def units(tests):
    """Lists of tests, each to be run in order on one share."""
    out = []
    for test in tests:
        if out and IN_ORDER.match(test) and IN_ORDER.match(out[-1][-1]):
            out[-1].append(test)
        else:
            out.append([test])
    return out


def run_one(test, share, timeout):
    """One test, in a process of its own, beside the server that the environment names: result, output, seconds."""
    env = os.environ
    share = next((other for pattern, other in SHARE_OF if pattern.match(test)), share)
    user2, password2 = env["USER2"].split("%", 1)
    args = ["smbtorture", "//%s/%s" % (env["HOST"], share), "-p", env["PORT"], "-s", env["EMPTY_CONF"],
            "-U", env["ADMIN" if AS_ADMIN.match(test) else "USER1"], "--option=torture:user2name=" + user2,
            "--option=torture:user2password=" + password2] + OPTIONS + env["TORTURE_OPTIONS"].split() + [test]
    began = time.monotonic()
    try:
        p = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           timeout=timeout, errors="replace", text=True, cwd=env["LAB"])
        out = p.stdout
    except subprocess.TimeoutExpired as e:
        return "fail", (e.stdout or b"").decode(errors="replace")[-1500:] + "\n(time limit)", time.monotonic() - began
    kinds = re.findall(r"^(success|failure|error|skip):", out, re.M)
    if "failure" in kinds or "error" in kinds or not kinds:
        result = "fail"
    elif "success" in kinds:
        result = "pass"
    else:
        result = "skip"
    return result, out, time.monotonic() - began
