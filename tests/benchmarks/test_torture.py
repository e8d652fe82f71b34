"""A few trials of every harness over the real command line, with the toy model."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.harness_run import execute, make_photos, without_places
from benchmarks.torture import Book, Chunk, chunks_of, summary, table
from benchmarks.torture_runs import RUNS, Run

TRIALS = {
    "kill9": 2, "kill9-every": 2, "kill9-syscalls": 2, "kill9-term": 1, "enospc-strace": 2,
    "enospc-tmpfs": 2, "enospc-fsize": 2, "two-writers": 1, "incremental": 1, "powercut": 2,
    "powercut-merge": 1, "powercut-repair": 1, "powercut-upgrade": 1, "powercut-collect": 1,
    "bitflip": 2, "soak": 5,
}  # fmt: skip


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("run", [run for run in RUNS if run.name in TRIALS], ids=lambda r: r.name)
def test_a_few_trials_pass(run: Run, shared: Path, tmp_path: Path) -> None:
    if run.needs_root and (os.geteuid() != 0 or not Path("/dev/loop-control").exists()):
        pytest.skip("mounting needs root and loop devices")
    needs_strace = {"strace", "--syscalls"} & set(run.arguments) or run.script == "kill_every.py"
    if needs_strace and shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    photos = make_photos(tmp_path / "photos", 24)
    found = execute(run, photos, trials=TRIALS[run.name], queries=1, batch_size=8, model="toy")
    assert found["passed"], found["failures"]


def found(ok: int, bad: int = 0) -> dict[str, Any]:
    failures = [["x"]] * bad
    tally = {"kill9-KILL": {"ok": ok, "bad": bad} if bad else {"ok": ok}}
    return {
        "passed": not bad, "tally": tally, "failures": failures, "extra": None, "seconds": 1.0,
    }  # fmt: skip


def test_what_is_recorded_names_no_place_of_the_machine() -> None:
    places = {"/home/me": "HOME", "/home/me/tree": ".", "/tmp": "TMP"}
    text = 'File "/home/me/tree/a.py", /tmp/lx-1/ix, /home/me/x'
    assert without_places(text, places) == 'File "./a.py", TMP/lx-1/ix, HOME/x'


def test_a_run_is_made_in_parts_with_seeds_of_their_own() -> None:
    run = Run("kill9", "kill9.py", 300)
    assert [(one.seed, one.trials) for one in chunks_of(run, "toy", 60)] == [
        (1, 25), (2, 25), (3, 10),
    ]  # fmt: skip
    scale = Run("rss-scale", "rss_scale.py", 0, model="mini")
    assert list(chunks_of(scale, "toy", 1)) == [Chunk(scale, "mini", 1, 0)]
    soak = Run("soak", "soak.py", 7200, unit="--seconds", part=0)
    assert list(chunks_of(soak, "toy", 720)) == [Chunk(soak, "toy", 1, 720)]


def test_what_was_stopped_goes_on_where_it_stood_and_other_code_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.record.RESULTS", tmp_path)
    path = tmp_path / "torture.json"
    first, second = chunks_of(RUNS[0], "toy", 40)
    book = Book(path, "abc")
    assert not book.is_done(first)
    book.add(first, found(25))
    again = Book(path, "abc")
    assert again.is_done(first)
    assert not again.is_done(second)
    assert not again.is_done(Chunk(first.run, "toy", 1, 26))
    assert not again.is_done(Chunk(first.run, "mini", 1, 25))
    again.add(second, found(13, bad=2))
    (held,) = again.runs()
    assert summary(held) == (False, "kill9-KILL: {'ok': 38, 'bad': 2}")
    assert "| kill9 | toy | abc | 40 | FAIL (2) |" in table([held])
    assert "| 40 | FAIL (2) |" in path.with_suffix(".md").read_text()
    other = Book(path, "def")
    assert not other.is_done(first)
    other.add(first, found(25))
    assert summary(other.runs()[0]) == (True, "kill9-KILL: {'ok': 25}")
    assert not Book(path, "def+").is_done(first)
    beside, int_run = Book(path, "def"), next(iter(chunks_of(RUNS[3], "toy", 10)))
    other.add(second, found(15))
    beside.add(int_run, found(10))  # knows nothing of the line before
    assert Book(path, "def").is_done(second)
