"""kill -9 at every system call by which a run changes the index, one trial each (strace). A seed
takes its share of the calls, so that seeds 1, 2, 3, ... go through all of them. Rules as kill9."""

from __future__ import annotations

import collections
import re
import shutil
import subprocess
from pathlib import Path

from hlib import TRACE, Sys, finish, num, parser
from outlived import faults_after

CALLS = "write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,ftruncate,mkdir"
STRACE = ["strace", "-f", "-qq", "-e", "signal=none"]
CALL = re.compile(r"(\d+) +(\w+)\((.*)")

args = parser(__doc__).parse_args()
system = Sys(args)
_, want, clean = system.reference()
total = num(args.encoded_re, clean.out + clean.err) or 0
tally: collections.Counter[str] = collections.Counter()
bad = []


def calls_of_a_run() -> list[tuple[str, int]]:
    """Each call that touches the index and its number, as strace counts: in each thread."""
    probe, log = str(Path(system.work) / "probe"), Path(system.work) / "calls"
    trace = [*STRACE, "-y", "-e", f"trace={CALLS}", "-o", str(log)]
    assert system.run([*trace, *system.argv(args.index_cmd, probe)]).rc == 0
    count: collections.Counter[tuple[str, str]] = collections.Counter()
    found = set()
    for line in log.read_text(errors="replace").splitlines():
        if call := CALL.match(line):
            thread, name, rest = call.groups()
            count[thread, name] += 1
            if probe in rest:
                found.add((name, count[thread, name]))
    shutil.rmtree(probe)
    return sorted(found)


calls = calls_of_a_run()
tally["calls"] = len(calls) if args.seed == 1 else 0
first = (args.seed - 1) * args.trials
for name, number in calls[first : first + args.trials]:
    index = str(Path(system.work) / "k")
    shutil.rmtree(index, ignore_errors=True)
    trace = [*STRACE, "-o", "/dev/null", "-e", f"trace={name}", "-e",
             f"inject={name}:signal=KILL:when={number}"]  # fmt: skip
    done = subprocess.run([*trace, *system.argv(args.index_cmd, index)], capture_output=True)
    said = (done.stdout + done.stderr).decode("utf8", "replace")
    durable = num(args.committed_re, said) or 0
    why = ["traceback"] if TRACE.search(said) else []
    why += faults_after(system, index, want, durable=bool(durable), limit=total - durable)
    tally["bad" if why else "ok"] += 1
    tally["killed"] += done.returncode != 0
    if why:
        bad.append((f"{name}#{number}", why))
finish("kill9-every", tally, bad, args)
