"""Hours of use: photos come, go, change and are renamed, runs index them and every third is killed,
while a reader keeps that index open and a watch keeps another one up to date. Rules: the open
reader and the command line answer alike and without error, now and then both indexes answer as a
fresh one and pass check, and neither the memory nor the open files of reader and watch grow."""

from __future__ import annotations

import atexit
import collections
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from hlib import QUERIES, TRACE, Sys, finish, parser
from PIL import Image

CHECKED_EVERY = 25  # rounds
SETTLED_S = 60.0  # for the watch to take in the last change
FLAT = 0.05  # share by which the last quarter may lie above the second
ENOUGH = 16  # rounds from which on a growth can be told from warming up
STEADY = 12  # files more or fewer than at the start, at most

given = parser(__doc__)
given.add_argument("--seconds", type=float, default=7200.0, help="how long to go on")
args = given.parse_args()
system = Sys(args)
rng = random.Random(args.seed)
tally: collections.Counter[str] = collections.Counter()
bad: list[Any] = []
folder, index, watched, fresh = (
    Path(system.work) / name for name in ("photos", "index", "watched", "fresh")
)
shutil.copytree(args.photos, folder)
start_count = len(list(folder.iterdir()))


def picture(path: Path) -> None:
    """A picture that was never there before."""
    small = Image.frombytes("RGB", (6, 4), rng.randbytes(72))
    small.resize((48, 32)).save(path)


def change() -> None:
    """A few steps over the folder; its size stays about the same."""
    for _ in range(rng.randint(1, 6)):
        now = sorted(folder.iterdir())
        one = rng.choice(now)
        kinds = ["modify", "rename", "touch", "double"]
        kinds += ["add"] * (len(now) < start_count + STEADY)
        kinds += ["delete"] * (len(now) > start_count - STEADY)
        kind = rng.choice(kinds if len(now) <= start_count + STEADY else ["delete"])
        new = folder / f"{rng.getrandbits(48):012x}{one.suffix}"
        if kind == "add":
            picture(new)
        elif kind == "modify":
            picture(one)
        elif kind == "rename":
            one.rename(new)
        elif kind == "double":
            shutil.copy(one, new)
        elif kind == "touch":
            os.utime(one, (1, rng.randint(1, 10**9)))
        else:
            one.unlink()


def indexed() -> list[str]:
    """Index the folder, killing every third run on its way; returns what is wrong."""
    argv = system.argv(args.index_cmd, str(index), photos=str(folder))
    if rng.random() < 1 / 3:
        run = subprocess.Popen(
            argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            run.wait(rng.random() * clean.sec)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, 9)
            run.wait()
            tally["killed"] += 1
    done = system.run(argv)
    return [f"index rc={done.rc} {done.err[-300:]}"] if done.rc or done.trace else []


def found(place: Path, query: str) -> list[str] | str:
    """What the command line finds; its error as a text."""
    done = system.search1(str(place), query)
    if done.rc or done.trace:
        return f"rc={done.rc} {done.err[-300:]}"
    return [hit["path"] for hit in json.loads(done.out)["hits"]]


def asked(query: str) -> list[str] | str:
    """What the reader finds that has the index open."""
    assert reader.stdin is not None
    assert reader.stdout is not None
    print(query, file=reader.stdin, flush=True)
    line = reader.stdout.readline()
    said = json.loads(line) if line else {"error": "it ended"}
    return said["paths"] if "paths" in said else said["error"]


def faults_of_a_round() -> list[str]:
    change()
    why = indexed()
    query = rng.choice(QUERIES[:3])
    here, there = asked(query), found(index, query)
    if isinstance(here, str) or here != there:
        why.append(f"the open reader and the command line differ: {here} {there}"[:600])
    return why


def faults_against_fresh() -> list[str]:
    """Compare both indexes with one that is made now."""
    why = []
    shutil.rmtree(fresh, ignore_errors=True)
    done = system.index(str(fresh), photos=str(folder))
    if done.rc:
        why.append(f"fresh index rc={done.rc} {done.err[-300:]}")
    for query in QUERIES[:2]:
        want = found(fresh, query)
        if found(index, query) != want:
            why.append(f"{query!r}: other answers than a fresh index")
        until = time.monotonic() + SETTLED_S
        while (said := found(watched, query)) != want and time.monotonic() < until:
            time.sleep(1.0)
        if said != want:
            why.append(
                f"{query!r}: the watched index differs after {SETTLED_S:.0f} s: {said}"[:600]
            )
    for place in (index, watched):
        checked = system.check(str(place))
        if checked.rc:
            why.append(f"check of {place.name} rc={checked.rc} {checked.out[-300:]}")
    tally["compared"] += 1
    return why


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def growth(samples: list[float]) -> tuple[float, float]:
    """Medians of the second and of the last quarter: the first is for warming up."""
    quarter = max(1, len(samples) // 4)
    return (statistics.median(samples[quarter : 2 * quarter] or samples),
            statistics.median(samples[-quarter:]))  # fmt: skip


clean = system.index(str(index), photos=str(folder))
assert clean.rc == 0, clean.err
log = (Path(system.work) / "watch.log").open("wb+")
watch = subprocess.Popen(
    [*system.argv(args.index_cmd, str(watched), photos=str(folder)), "--watch"],
    stdout=log, stderr=log,
)  # fmt: skip
reader = subprocess.Popen(
    [sys.executable, str(Path(__file__).parent / "reader.py"), str(index)],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
)  # fmt: skip
long_lived = {"reader": reader, "watch": watch}
memory: dict[str, list[float]] = {name: [] for name in long_lived}
files: dict[str, list[float]] = {name: [] for name in long_lived}
end = time.monotonic() + args.seconds
atexit.register(lambda: [process.kill() for process in long_lived.values()])
while time.monotonic() < end:
    number = tally["ok"] + tally["bad"]
    why = faults_of_a_round()
    if number % CHECKED_EVERY == CHECKED_EVERY - 1 or time.monotonic() >= end:
        why += faults_against_fresh()
    for name, process in long_lived.items():
        if process.poll() is not None:
            why.append(f"{name} ended with {process.returncode}")
            end = 0.0
            continue
        memory[name].append(resident_mb(process.pid))
        files[name].append(open_files(process.pid))
    tally["bad" if why else "ok"] += 1
    if why:
        bad.append((number, why))
for process in long_lived.values():
    process.terminate()
    process.wait()
log.seek(0)
said = log.read().decode("utf8", "replace")
if TRACE.search(said):
    bad.append(("watch", said[-600:]))
extra: dict[str, Any] = {"seconds": args.seconds}
for what, samples in (("resident_mb", memory), ("open_files", files)):
    for name, values in samples.items():
        if not values:  # it ended in the first round, which is said above
            continue
        second, last = growth(values)
        extra[f"{name}_{what}"] = [round(second, 1), round(last, 1)]
        if len(values) >= ENOUGH and last > second * (1 + FLAT):
            bad.append((name, f"{what} grew from {second:.1f} to {last:.1f}"))
finish("soak", tally, bad, args, extra)
