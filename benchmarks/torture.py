"""Kills, fills, cuts off and races the real command line; one tally line for each harness.

Usage: python -m benchmarks.torture [--scale 0.1] [--only NAME]... [--jobs 2] [--save]

With `--save` every few trials are written down at once, and a call that was stopped is taken up
where it stood, as long as the code that is tortured is the same. A run is believed only because the
same run fails on a tree with a planted fault: see `benchmarks/mutants.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from benchmarks import record
from benchmarks.harness_run import ROOT, execute, make_photos
from benchmarks.torture_runs import RUNS, Run

PHOTOS, QUERIES = 40, 2
TORTURED = ("lexsearch", "indexer", "migrations", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some trials of a run, drawn with a seed of their own."""

    run: Run
    model: str
    seed: int
    trials: int

    def name(self) -> str:
        return f"{self.run.name} {self.seed}"


def chunks_of(run: Run, model: str, trials: int) -> Iterator[Chunk]:
    """The parts of a run, seeds from 1 on; one part for a run that counts otherwise."""
    model = run.model or model
    if not run.trials or not run.part:
        yield Chunk(run, model, 1, trials if run.trials else 0)
        return
    for seed, start in enumerate(range(0, trials, run.part), start=1):
        yield Chunk(run, model, seed, min(run.part, trials - start))


class Book:
    """What was found, chunk by chunk: `{(run, model): {seed: record}}`."""

    def __init__(self, path: Path | None, commit: str) -> None:
        """Take up what the file holds of each run; a run of other code begins anew when tried."""
        self._path = path
        self._commit = commit
        self._runs: dict[tuple[str, str], dict[str, Any]] = {}
        self._read()

    def _read(self) -> None:
        if self._path is not None and self._path.is_file():
            for one in json.loads(self._path.read_text())["runs"]:
                self._runs[one["run"], one["model"]] = one

    def is_done(self, chunk: Chunk) -> bool:
        """Whether this code has stood this chunk's trials, or more of them, already."""
        held = self._runs.get((chunk.run.name, chunk.model), {})
        if held.get("commit") != self._commit or self._commit.endswith("+"):
            return False
        return bool(held["chunks"].get(str(chunk.seed), {"trials": -1})["trials"] >= chunk.trials)

    def add(self, chunk: Chunk, found: dict[str, Any]) -> None:
        """Enter one chunk, and write the file; others may write to it meanwhile."""
        if self._path is None:
            self._enter(chunk, found)
            return
        with FileLock(self._path.with_suffix(".lock")):
            self._read()
            self._enter(chunk, found)
            record.save(self._path.stem, {"photos": PHOTOS, "runs": self.runs()})
            text = table(self.runs()) + "\n"
            self._path.with_suffix(".md").write_text(text, encoding="utf-8")

    def _enter(self, chunk: Chunk, found: dict[str, Any]) -> None:
        key = (chunk.run.name, chunk.model)
        held = self._runs.get(key)
        if held is None or held["commit"] != self._commit:
            held = {"run": key[0], "model": key[1], "commit": self._commit, "chunks": {}}
            self._runs[key] = held
        kept = {name: found[name] for name in ("passed", "tally", "failures", "extra", "seconds")}
        held["chunks"][str(chunk.seed)] = {"trials": chunk.trials, **kept}

    def runs(self) -> list[dict[str, Any]]:
        """Every run, in the order of `RUNS`."""
        order = [run.name for run in RUNS]
        known = [one for one in self._runs.values() if one["run"] in order]
        return sorted(known, key=lambda one: (order.index(one["run"]), one["model"]))


def summary(held: dict[str, Any]) -> tuple[bool, str]:
    """Whether every chunk of a run passed, and the line of its counts."""
    chunks = held["chunks"].values()
    total: Counter[str] = Counter()
    for one in chunks:
        for counts in one["tally"].values():
            total.update(counts)
    name = next((name for one in chunks for name in one["tally"]), held["run"])
    extra = next((one["extra"] for one in chunks if one["extra"]), None)
    line = f"{name}: {dict(total)}" + (f" {extra}" if extra else "")
    return all(one["passed"] for one in chunks), line


def made(chunk: dict[str, Any]) -> int:
    """Trials that a chunk made: a harness may find fewer than it was asked for."""
    counted = [counts.get("ok", 0) + counts.get("bad", 0) for counts in chunk["tally"].values()]
    return sum(counted) if chunk["trials"] else 0


def table(runs: Sequence[dict[str, Any]]) -> str:
    """The results as Markdown."""
    lines = ["| run | model | commit | trials | result | tally |", "|---|---|---|---|---|---|"]
    for held in runs:
        passed, line = summary(held)
        failures = sum(len(one["failures"]) for one in held["chunks"].values())
        trials = sum(made(one) for one in held["chunks"].values())
        verdict = "pass" if passed else f"FAIL ({failures})"
        where = f"{held['run']} | {held['model']} | {held['commit']} | {trials or ''}"
        lines.append(f"| {where} | {verdict} | `{line}` |")
    return "\n".join(lines)


def chosen_chunks(options: argparse.Namespace) -> Iterator[Chunk]:
    """What the options ask for; says what is left out."""
    for run in RUNS:
        if options.only and run.name not in options.only:
            continue
        if run.needs_root and os.geteuid() != 0:
            print(f"{run.name}: skipped, it needs root to mount", flush=True)
            continue
        yield from chunks_of(run, options.model, max(1, round(run.trials * options.scale)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the trials to make")
    parser.add_argument("--only", action="append", choices=[run.name for run in RUNS])
    parser.add_argument("--jobs", type=int, default=1, help="harnesses that run at once")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/torture.*")
    parser.add_argument("--model", default="mini", choices=["mini", "toy"])
    parser.add_argument("--tree", type=Path, default=ROOT, help="the source tree to torture")
    options = parser.parse_args()
    path = record.RESULTS / "torture.json" if options.save else None
    book = Book(path, record.commit(TORTURED))
    todo = [chunk for chunk in chosen_chunks(options) if not book.is_done(chunk)]
    with (
        tempfile.TemporaryDirectory(prefix="lx-photos-") as place,
        ThreadPoolExecutor(options.jobs) as pool,
    ):
        photos = make_photos(Path(place), PHOTOS)
        waiting = {
            pool.submit(
                execute, chunk.run, photos, tree=options.tree, trials=chunk.trials,
                model=chunk.model, queries=QUERIES, seed=chunk.seed,
            ): chunk
            for chunk in todo
        }  # fmt: skip
        for done in as_completed(waiting):
            chunk, found = waiting[done], done.result()
            book.add(chunk, found)
            print(f"{chunk.name()} [{found['seconds']} s] {found['tally']}", flush=True)
            for failure in found["failures"][:5]:
                print(f"  {failure}", flush=True)
    print(table(book.runs()))
    sys.exit(0 if all(summary(held)[0] for held in book.runs()) else 1)


if __name__ == "__main__":
    main()
