"""Kills, fills, cuts off and races the real command line; one tally line for each harness.

Usage: python -m benchmarks.torture [--scale 0.1] [--only NAME]... [--save]

The harness scripts lie in the folder `harness` of the shared data (LEXSEARCH_SHARED); those in
`benchmarks/harness` add the power cut and the flipped bits. Each runs the command line of a
source tree and prints how many trials were fine. A run is believed only because the same run
fails on a tree with a planted fault: see `benchmarks/mutants.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import record

ROOT = Path(__file__).parents[1]
OWN = Path(__file__).parent / "harness"
CLI = f"{sys.executable} -m lexsearch.cli"
PHOTOS, QUERIES = 40, 2
PLUGIN = """
import importlib.util, sys, types
fixture = lambda function=None, **how: function or (lambda inner: inner)
sys.modules.setdefault("pytest", types.SimpleNamespace(fixture=fixture))
spec = importlib.util.spec_from_file_location("toy_fixtures", {path!r})
module = importlib.util.module_from_spec(spec)
sys.modules["toy_fixtures"] = module
spec.loader.exec_module(module)
build = module.ToyModel
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a harness.

    Attributes:
        name: what it is called on the command line and in the results.
        script: of the harness.
        trials: how many, before scaling; 0 for a script that counts otherwise.
        arguments: further ones.
        needs_root: whether it mounts.
    """

    name: str
    script: str
    trials: int
    arguments: tuple[str, ...] = ()
    needs_root: bool = False


REPAIR = (f"--cut-cmd={CLI} repair --db {{index}} --yes", "--break-catalog")
SMALL_BATCHES = f"--prepare-cmd={CLI} index {{photos}} --db {{index}} --batch-size 4 --json"
RUNS = (
    Run("kill9", "kill9.py", 60),
    Run("kill9-syscalls", "kill9.py", 100, ("--syscalls",)),
    Run("kill9-int", "kill9.py", 15, ("--signal", "INT")),
    Run("kill9-term", "kill9.py", 15, ("--signal", "TERM")),
    Run("enospc-strace", "enospc.py", 80, ("--how", "strace")),
    Run("enospc-tmpfs", "enospc.py", 30, ("--how", "tmpfs"), needs_root=True),
    Run("enospc-fsize", "enospc.py", 20, ("--how", "fsize")),
    Run("two-writers", "two_writers.py", 12),
    Run("incremental", "incremental.py", 15, ("--rounds", "5", "--start", "16")),
    Run("powercut", "powercut.py", 40, needs_root=True),
    Run("powercut-merge", "powercut.py", 12, (SMALL_BATCHES,), needs_root=True),
    Run("powercut-repair", "powercut.py", 12, REPAIR, needs_root=True),
    Run("bitflip", "bitflip.py", 72),
    Run("rss-scale", "rss_scale.py", 0, ("--sizes", "200,1000,4000")),
)


def harness_folder() -> Path:
    """The scripts of the shared data.

    Raises:
        SystemExit: there are none.
    """
    folder = Path(os.environ.get("LEXSEARCH_SHARED", "")) / "harness"
    if not (folder / "hlib.py").is_file():
        raise SystemExit("LEXSEARCH_SHARED must name the folder of shared data")
    return folder


def command(run: Run, photos: Path, work: Path, *, trials: int, batch_size: int) -> list[str]:
    """The command line of one run."""
    shared = harness_folder()
    script = next(place for place in (OWN / run.script, shared / run.script) if place.is_file())
    words = [
        sys.executable, str(script), "--photos", str(photos), "--work", str(work),
        "--index-cmd", f"{CLI} index {{photos}} --db {{index}} --json --batch-size {batch_size}",
        "--search-cmd", f"{CLI} search {{query}} --db {{index}} --format json -t 50",
        "--check-cmd", f"{CLI} check --db {{index}} --read-data",
        "--repair-cmd", f"{CLI} repair --db {{index}} --yes",
        "--strip", r'"seconds": ?\{[^}]*\}', "--encoded-re", r'"encoded": ?(\d+)',
        "--committed-re", r"committed (\d+)", "--timeout", "600",
        "--json", str(work / "result.json"),
        *run.arguments,
    ]  # fmt: skip
    if run.script == "rss_scale.py":
        maker = f"{sys.executable} {shared / 'mkphotos.py'} {{photos}} {{query}}"
        return [*words, "--unique-cmd", maker]
    return [*words, "--trials", str(trials)]


def make_photos(folder: Path, count: int = PHOTOS) -> Path:
    """Small different photos."""
    script = harness_folder() / "mkphotos.py"
    subprocess.run([sys.executable, str(script), str(folder), str(count)], check=True)
    return folder


def make_plugin(folder: Path, tree: Path) -> Path:
    """A folder that brings the model `toy` of the tests as another package would."""
    info = folder / "lexsearch_toy-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lexsearch-toy\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[lexsearch.encoders.models]\ntoy = lexsearch_toy:build\n"
    )
    (folder / "lexsearch_toy.py").write_text(PLUGIN.format(path=str(tree / "tests/conftest.py")))
    return folder


def execute(
    run: Run,
    photos: Path,
    *,
    tree: Path = ROOT,
    trials: int,
    queries: int = 2,
    batch_size: int = 16,
    model: str = "mini",
) -> dict[str, Any]:
    """Run a harness over the command line of a source tree; returns its record.

    Args:
        run: what to run.
        photos: what to index.
        tree: where lexsearch lies.
        trials: how many.
        queries: compared in each trial, 1 to 3.
        batch_size: photos per commit.
        model: `mini`, the bundled one; or `toy`, that of the tests, which costs no time.
    """
    work = Path(tempfile.mkdtemp(prefix=f"lx-{run.name}-"))
    places = [str(tree), str(harness_folder())]
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "1",
        "LX_Q": str(queries),
        "LEXSEARCH_MODEL": model,
    }
    if model == "toy":
        places.append(str(make_plugin(work / "plugin", tree)))
    environment["PYTHONPATH"] = os.pathsep.join(places)
    start = time.perf_counter()
    try:
        done = subprocess.run(
            command(run, photos, work, trials=trials, batch_size=batch_size),
            capture_output=True, text=True, env=environment, cwd=work,
        )  # fmt: skip
        result = work / "result.json"
        if not result.is_file():
            raise SystemExit(f"{run.name} broke off: {done.stderr[-2000:]}")
        found = json.loads(result.read_text())
    finally:
        shutil.rmtree(work, ignore_errors=True)
    lines = done.stdout.splitlines()
    return {
        "run": run.name,
        "model": model,
        "passed": done.returncode == 0,
        "tally": next((line for line in lines if line.startswith(found["name"] + ":")), ""),
        "failures": found["fail"],
        "extra": found["extra"],
        "seconds": round(time.perf_counter() - start, 1),
    }


def table(results: Sequence[dict[str, Any]]) -> str:
    """The results as Markdown."""
    lines = ["| run | model | commit | result | tally |", "|---|---|---|---|---|"]
    for one in results:
        verdict = "pass" if one["passed"] else f"FAIL ({len(one['failures'])})"
        where = f"{one['run']} | {one['model']} | {one.get('commit', 'this tree')}"
        lines.append(f"| {where} | {verdict} | `{one['tally']}` |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the trials to make")
    parser.add_argument("--only", action="append", choices=[run.name for run in RUNS])
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/torture.*")
    parser.add_argument("--model", default="mini", choices=["mini", "toy"])
    parser.add_argument("--tree", type=Path, default=ROOT, help="the source tree to torture")
    chosen = parser.parse_args()
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="lx-photos-") as place:
        photos = make_photos(Path(place))
        for run in RUNS:
            if chosen.only and run.name not in chosen.only:
                continue
            if run.needs_root and os.geteuid() != 0:
                print(f"{run.name}: skipped, it needs root to mount", flush=True)
                continue
            trials = max(1, round(run.trials * chosen.scale))
            found = execute(
                run, photos, tree=chosen.tree, trials=trials, model=chosen.model, queries=QUERIES
            )
            results.append(found)
            print(f"{run.name} [{found['seconds']} s] {found['tally']}", flush=True)
            for failure in found["failures"][:5]:
                print(f"  {failure}", flush=True)
            if chosen.save:
                save(results)
    print(table(results))
    sys.exit(0 if all(one["passed"] for one in results) else 1)


def save(results: Sequence[dict[str, Any]]) -> None:
    """Write what was measured so far; earlier runs of other names stay."""
    path = record.RESULTS / "torture.json"
    before = json.loads(path.read_text())["runs"] if path.is_file() else []
    stamp = {"commit": record.commit()}
    merged = {(one["run"], one["model"]): one for one in before}
    merged |= {(one["run"], one["model"]): {**stamp, **one} for one in results}
    order = [run.name for run in RUNS]
    runs = sorted(merged.values(), key=lambda one: (order.index(one["run"]), one["model"]))
    record.save("torture", {"photos": PHOTOS, "runs": runs})
    (record.RESULTS / "torture.md").write_text(table(runs) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
