"""A few trials of every harness over the real command line, with the toy model."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from benchmarks.harness_run import RUNS, Run, execute, make_photos

TRIALS = {
    "kill9": 2, "kill9-syscalls": 2, "kill9-term": 1, "enospc-strace": 2, "enospc-tmpfs": 2,
    "enospc-fsize": 2, "two-writers": 1, "incremental": 1, "powercut": 2, "powercut-merge": 1,
    "powercut-repair": 1, "bitflip": 2,
}  # fmt: skip


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("run", [run for run in RUNS if run.name in TRIALS], ids=lambda r: r.name)
def test_a_few_trials_pass(run: Run, shared: Path, tmp_path: Path) -> None:
    if run.needs_root and (os.geteuid() != 0 or not Path("/dev/loop-control").exists()):
        pytest.skip("mounting needs root and loop devices")
    if {"strace", "--syscalls"} & set(run.arguments) and shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    photos = make_photos(tmp_path / "photos", 24)
    found = execute(run, photos, trials=TRIALS[run.name], queries=1, batch_size=8, model="toy")
    assert found["passed"], found["failures"]
