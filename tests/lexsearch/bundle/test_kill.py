"""A process that is killed in the middle loses nothing that it said was committed."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lexsearch.bundle.check import check
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.bundle.writer import BundleWriter
from lexsearch.errors import IndexMissing

ROOT = Path(__file__).parents[3]
SCRIPT = """
import hashlib, sys
from pathlib import Path
sys.path.insert(0, "tests")
import numpy as np
from conftest import ToyModel
from lexsearch.bundle.records import CommitBatch, ContentRecord, FileRecord
from lexsearch.bundle.writer import BundleWriter

model = ToyModel()
with BundleWriter.open(Path(sys.argv[1]), identity=model.identity) as writer:
    known = len(list(writer.known_files()))
    for i in range(known, 100_000):
        digest = hashlib.sha256(b"%d" % i).digest()
        vectors = model.encode_pixels(np.full((1, 8, 8, 3), i % 256, np.uint8))
        file = FileRecord(b"/%08d.jpg" % i, 1, 1, 1, digest, b"/")
        writer.commit(CommitBatch([ContentRecord(digest, 8, 8)], vectors, [file]))
        print(i + 1, flush=True)
"""

CREATION = """
import sys
from pathlib import Path
sys.path.insert(0, "tests")
from conftest import ToyModel
from lexsearch.bundle.writer import BundleWriter
BundleWriter.open(Path(sys.argv[1]), identity=ToyModel().identity).close()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills as POSIX does")
def test_what_a_killed_writer_reported_is_there(tmp_path: Path, toy_model: Any) -> None:
    directory = tmp_path / "index"
    for trial in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(directory)],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.05 + 0.137 * trial)
        process.kill()
        reported = [int(line) for line in process.stdout.read().split()]
        process.wait()
        process.stdout.close()
        assert check(directory, read_data=True).problems == ()
        with Snapshot.open(directory) as snapshot:
            images = snapshot.images(snapshot.image_ids().tolist())
        assert len(images) >= max(reported, default=1)
        paths = sorted(one.paths[0] for one in images)
        assert paths == [b"/%08d.jpg" % i for i in range(len(images))]
        assert {one.sha256 for one in images} == {
            hashlib.sha256(b"%d" % i).digest() for i in range(len(images))
        }
    BundleWriter.open(directory, identity=toy_model.identity).close()


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_an_index_whose_making_was_killed_is_made_by_the_next_run(
    tmp_path: Path, toy_model: Any
) -> None:
    for number in range(1, 100):
        directory = tmp_path / str(number)
        done = subprocess.run(
            ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "signal=none", "-e", "trace=fdatasync",
             "-e", f"inject=fdatasync:signal=KILL:when={number}",
             sys.executable, "-c", CREATION, str(directory)],
            cwd=ROOT,
        )  # fmt: skip
        with contextlib.suppress(IndexMissing):  # every run looks before it writes
            Snapshot.open(directory).close()
        BundleWriter.open(directory, identity=toy_model.identity).close()
        assert check(directory, read_data=True).problems == ()
        if done.returncode == 0:
            break
    assert 2 < number < 99  # it was killed a few times, and once not
