"""Plants known faults into copies of the tree and names what catches each.

Usage: python -m benchmarks.mutants [--only NAME]... [--tests-only | --runs-only] [--save]

A test or a harness run that has never failed proves nothing. Each mutant is a small edit; the
catcher must pass on the tree as it is and fail on the copy with the edit.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import record
from benchmarks.harness_run import execute, harness_folder, make_photos
from benchmarks.planted import MUTANTS, Mutant
from benchmarks.torture_runs import RUNS

ROOT = Path(__file__).parents[1]
COPIES = ROOT / "runs"  # on the same disk, so that files can be linked
COPIED = ("lexsearch", "indexer", "ui", "migrations", "tests", "benchmarks", "sample_corpus",
          "pyproject.toml")  # fmt: skip
Controls = dict[str, tuple[bool, str]]  # by catcher: whether the tree passes, and what it said


@dataclass(frozen=True, slots=True)
class Catch:
    """Whether a catcher told a mutant from the tree.

    Attributes:
        by: the test or the harness run.
        passes: it passes on the tree.
        fails: it fails on the mutant.
        detail: what the failure said.
        control: what the tree failed at, where it did not pass.
    """

    by: str
    passes: bool
    fails: bool
    detail: str
    control: str


@contextmanager
def copy_of_tree(edits: Sequence[tuple[str, str, str]] = ()) -> Iterator[Path]:
    """A copy of the source tree with edits; unchanged files are links."""
    COPIES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mutant-", dir=COPIES) as place:
        tree = Path(place)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "runs")
                shutil.copytree(source, tree / name, ignore=ignored, copy_function=os.link)
            else:
                os.link(source, tree / name)
        for path, old, new in edits:
            target = tree / path
            text = planted(target.read_text(encoding="utf-8"), path, old, new)
            target.unlink()
            target.write_text(text, encoding="utf-8")
        yield tree


def planted(text: str, path: str, old: str, new: str) -> str:
    """The text with one edit.

    Raises:
        ValueError: the place of the edit is not there exactly once.
    """
    if text.count(old) != 1:
        raise ValueError(f"{path} holds {text.count(old)} times, not once: {old!r}")
    return text.replace(old, new)


def tests_pass(tree: Path, nodes: Sequence[str]) -> tuple[bool, str]:
    """Whether tests pass over a tree, and the last line of pytest."""
    words = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:xdist", "-p",
             "no:cacheprovider", *nodes]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(words, cwd=tree, env=environment, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{nodes} cannot be run: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return done.returncode == 0, (lines or done.stdout.strip().splitlines() or [""])[0][:200]


def run_passes(tree: Path, name: str, trials: int, photos: Path, model: str) -> tuple[bool, str]:
    """Whether a harness run passes over a tree; its tally, and the first of its failures."""
    run = next(one for one in RUNS if one.name == name)
    try:
        found = execute(run, photos, tree=tree, trials=trials, queries=1, batch_size=8, model=model)
    except SystemExit as broken:  # the harness found the tree unfit for any trial
        return False, str(broken)
    return found["passed"], " ".join([str(found["tally"]), *map(str, found["failures"][:3])])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--only", action="append", choices=[one.name for one in MUTANTS])
    half = parser.add_mutually_exclusive_group()
    half.add_argument("--tests-only", action="store_true", help="leave out the harness runs")
    half.add_argument("--runs-only", action="store_true", help="leave out the tests")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/mutants.*")
    chosen = parser.parse_args()
    controls: Controls = {}
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="lx-photos-") as place, copy_of_tree() as sound:
        photos = Path(place)
        wanted = [
            replace(
                one,
                tests=() if chosen.runs_only else one.tests,
                runs=() if chosen.tests_only else one.runs,
            )
            for one in MUTANTS
            if not chosen.only or one.name in chosen.only
        ]
        nodes = sorted({node for one in wanted for node in one.tests})
        if nodes and tests_pass(sound, nodes)[0]:  # one process for all of them
            controls = dict.fromkeys(nodes, (True, ""))
        for mutant in wanted:
            with copy_of_tree(mutant.edits) as tree:
                for catch in catches(mutant, tree, sound, photos, controls):
                    rows.append({
                        "mutant": mutant.name, "fault": mutant.fault, "caught_by": catch.by,
                        "passes_without": catch.passes, "caught": catch.passes and catch.fails,
                        "detail": catch.detail, "control": catch.control,
                    })  # fmt: skip
                    print(line(rows[-1]), flush=True)
            if chosen.save:
                save(rows)
    sys.exit(0 if all(row["caught"] for row in rows) else 1)


def catches(
    mutant: Mutant,
    tree: Path,
    sound: Path,
    photos: Path,
    controls: Controls,
) -> Iterator[Catch]:
    """What every catcher of a mutant says; each runs over the sound tree once."""
    for node in mutant.tests:
        if node not in controls:
            controls[node] = tests_pass(sound, [node])
        yield _catch(node.rpartition("::")[2], controls[node], tests_pass(tree, [node]))
    for name, trials in mutant.runs:
        if not any(photos.iterdir()):
            harness_folder()
            make_photos(photos)
        has_its_own = any(run.model for run in RUNS if run.name == name)
        shown = "" if has_its_own or mutant.model == "toy" else f" ({mutant.model})"
        key = f"{name} x {trials}{shown}"
        if key not in controls:
            controls[key] = run_passes(sound, name, trials, photos, mutant.model)
        found = run_passes(tree, name, trials, photos, mutant.model)
        yield _catch(key, controls[key], found)


def _catch(by: str, sound: tuple[bool, str], mutant: tuple[bool, str]) -> Catch:
    return Catch(by, sound[0], not mutant[0], mutant[1], "" if sound[0] else sound[1])


def line(row: dict[str, Any]) -> str:
    """A row of the table."""
    verdict = "caught" if row["caught"] else "MISSED" if row["passes_without"] else "NO CONTROL"
    return f"| {row['mutant']} | {row['fault']} | {row['caught_by']} | {verdict} |"


def save(rows: Sequence[dict[str, Any]]) -> None:
    """Write what was found so far; rows of other mutants stay."""
    path = record.RESULTS / "mutants.json"
    before = json.loads(path.read_text())["mutants"] if path.is_file() else []
    new = {(row["mutant"], row["caught_by"]) for row in rows}
    stamp = {"commit": record.commit()}
    kept = [row for row in before if (row["mutant"], row["caught_by"]) not in new]
    merged = [*kept, *({**stamp, **row} for row in rows)]
    order = [one.name for one in MUTANTS]
    merged = sorted(
        (row for row in merged if row["mutant"] in order), key=lambda r: order.index(r["mutant"])
    )
    record.save("mutants", {"mutants": merged})
    head = "| mutant | planted fault | caught by | |\n|---|---|---|---|\n"
    text = head + "\n".join(line(row) for row in merged) + "\n"
    (record.RESULTS / "mutants.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
