"""Power cuts: an ext4 in a file is shut down at a random moment of a run, or soon after it reported
a commit, losing what no fsync asked for; then mounted again. Needs root. Rules as for kill -9: the
index opens, nothing reported committed is encoded again, the answers equal a clean run's, check
passes. Only what was reported before the cut counts: here the process lives on, and an fsync that
is under way when the disk dies can still return as if it had been done. What a command did that
ended before the cut is there without calling it again."""

from __future__ import annotations

import collections
import ctypes
import fcntl
import os
import random
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import BinaryIO

from hlib import TRACE, Sys, finish, num, parser
from outlived import faults_after

SHUTDOWN, WITHOUT_LOG = 0x8004587D, 2  # EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH
OPTIONS = ("commit=300", "data=writeback,noauto_da_alloc,commit=300", "defaults")
SIZE = 128 << 20
SOON = 0.1  # seconds

given = parser(__doc__)
given.add_argument("--prepare-cmd", default="", help="builds an index before the run that is cut")
given.add_argument("--cut-cmd", default="", help="the run that is cut; default: --index-cmd")
given.add_argument("--lacks", type=int, default=0, help="photos that it may not hold yet")
given.add_argument("--break-catalog", action="store_true", help="ruin the catalog before the run")
args = given.parse_args()
system = Sys(args)
follows = bool(args.prepare_cmd or args.cut_cmd)  # the run that is cut finds an index
_, want, clean = system.reference()
total = num(args.encoded_re, clean.out + clean.err)
rng = random.Random(args.seed)
tally: collections.Counter[str] = collections.Counter()
bad = []
disk, mount = Path(system.work) / "disk", Path(system.work) / "mnt"
index = str(mount / "index")
mount.mkdir(exist_ok=True)


def mounted(options: str) -> None:
    subprocess.run(["mount", "-o", f"loop,{options}", disk, mount], check=True)


def cut() -> None:
    handle = os.open(mount, os.O_RDONLY)
    try:
        fcntl.ioctl(handle, SHUTDOWN, bytes(ctypes.c_uint32(WITHOUT_LOG)))
    finally:
        os.close(handle)


def prepare() -> None:
    if follows:
        done = system.run(system.argv(args.prepare_cmd or args.index_cmd, index))
        assert done.rc == 0, done.err
    if args.break_catalog:
        path = Path(index) / "catalog.sqlite"
        path.write_bytes(path.read_bytes()[:4096] + bytes(path.stat().st_size - 4096))
    subprocess.run(["sync", "-f", mount], check=True)


def reopened(options: str) -> None:
    subprocess.run(["umount", mount], check=True)
    mounted(options)


def committed(text: str) -> list[int]:
    return [int(count) for count in re.findall(args.committed_re, text)]


def text_of(out: BinaryIO) -> str:
    out.seek(0)
    return out.read().decode("utf8", "replace")


def one(seconds: float, reports: int, *, ended: bool) -> tuple[float, int, list[str]]:
    """Cut one run off; returns when, what it had reported, what is wrong.

    With `reports` the cut comes within a tenth of a second of that report; with `ended` when the
    run has ended.
    """
    delay = args.timeout if ended else rng.random() * (SOON if reports else seconds)
    why: list[str] = []
    argv = system.argv(args.cut_cmd or args.index_cmd, index)
    with (Path(system.work) / "out").open("wb+") as out:
        process = subprocess.Popen(argv, stdout=out, stderr=subprocess.STDOUT, cwd=system.work)
        while process.poll() is None and len(committed(text_of(out))) < reports:
            time.sleep(0.001)
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            tally["cut"] += 1
        reported = committed(text_of(out))
        cut()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            why.append("hangs on a dead disk")
            process.kill()
            process.wait()
        text = text_of(out)
    if TRACE.search(text):
        why.append(f"traceback: {text[-300:]}")
    return delay, max(reported, default=0), why


def uncut() -> float:
    """Seconds of the run that is cut later; notes what is answered after it and the next run."""
    global want
    start = time.time()
    system.run(system.argv(args.cut_cmd or args.index_cmd, index))
    seconds = time.time() - start
    if follows:
        system.index(index)
        kind, want = system.answer(index)
        assert kind == "ok", want
    return seconds


duration = 0.0
for trial in range(args.trials):
    options = OPTIONS[trial % len(OPTIONS)]
    with disk.open("wb") as file:
        file.truncate(SIZE)
    subprocess.run(["mkfs.ext4", "-q", "-F", disk], check=True)
    mounted(options)
    try:
        prepare()
        if not duration:
            duration = uncut()
            shutil.rmtree(index)
            prepare()
        cuts_a_report = trial % 2 == 1 and not follows
        ended = follows and trial % 2 == 1
        delay, durable, why = one(duration, rng.randint(1, 3) if cuts_a_report else 0, ended=ended)
        reopened(options)
        limit = args.lacks if follows else (total or 0) - durable
        why += faults_after(
            system, index, want, durable=follows or bool(durable), limit=limit,
            mend="" if ended else args.cut_cmd, sound=ended or not args.break_catalog,
        )  # fmt: skip
    finally:
        subprocess.run(["umount", mount], check=False)
    tally["bad" if why else "ok"] += 1
    if why:
        bad.append((trial, options, f"{delay:.3f}s", why))
finish("powercut", tally, bad, args)
