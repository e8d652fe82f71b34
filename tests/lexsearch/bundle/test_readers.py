"""Processes that read see whole commits while another writes and merges, and never wait."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from lexsearch.bundle.snapshot import Snapshot
from lexsearch.bundle.writer import BundleWriter
from lexsearch.types import ROLES

ROOT = Path(__file__).parents[3]
COMMITS, EACH = 24, 3
# Every commit brings EACH pictures and takes the first one of the commit before away.
WRITER = f"""
import hashlib, sys
from pathlib import Path
sys.path.insert(0, "tests")
import numpy as np
from conftest import ToyModel
from lexsearch.bundle.records import CommitBatch, ContentRecord, FileRecord
from lexsearch.bundle.writer import BundleWriter

model = ToyModel()
with BundleWriter.open(Path(sys.argv[1]), identity=model.identity) as writer:
    for i in range({COMMITS}):
        digests = [hashlib.sha256(b"%d-%d" % (i, j)).digest() for j in range({EACH})]
        pixels = np.full(({EACH}, 8, 8, 3), i, np.uint8)
        files = [FileRecord(b"/%d-%d" % (i, j), 1, 1, 1, d, b"/") for j, d in enumerate(digests)]
        contents = [ContentRecord(d, 8, 8) for d in digests]
        removed = [b"/%d-0" % (i - 1)] if i else []
        writer.commit(CommitBatch(contents, model.encode_pixels(pixels), files, removed))
        if i % 8 == 7:
            writer.compact()
            writer.collect_garbage()
"""


def whole(snapshot: Snapshot) -> int:
    """How many commits a snapshot shows; fails when it shows a part of one."""
    ids = snapshot.image_ids().tolist()
    if not ids:
        return 0
    count, rest = divmod(len(ids) - EACH, EACH - 1)
    assert rest == 0, f"{len(ids)} pictures are no whole number of commits"
    names = {b"%d-%d" % (i, j) for i in range(count + 1) for j in range(EACH)}
    names -= {b"%d-0" % i for i in range(count)}
    digests = {record.sha256 for record in snapshot.images(ids)}
    assert digests == {hashlib.sha256(name).digest() for name in names}
    for segment in snapshot.segments:
        for role in ROLES:
            assert segment.sections(role)
    return count + 1


def test_readers_see_whole_commits_while_a_writer_writes(tmp_path: Path, toy_model: Any) -> None:
    directory = tmp_path / "index"
    BundleWriter.open(directory, identity=toy_model.identity).close()
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(directory)], cwd=ROOT)
    seen, longest = [0], 0.0
    old = Snapshot.open(directory)
    held = old
    try:
        while writer.poll() is None:
            start = time.monotonic()
            with Snapshot.open(directory) as snapshot:
                seen.append(whole(snapshot))
            longest = max(longest, time.monotonic() - start)
            if held.is_stale():  # a reader that stays open moves on when it wants to
                held.close()
                held = Snapshot.open(directory)
            whole(held)
        assert writer.returncode == 0
    finally:
        writer.kill()
        writer.wait()
        held.close()
    assert seen == sorted(seen), "a commit was taken back"
    assert len(set(seen)) > 2, "the writer was not watched at work"
    with Snapshot.open(directory) as snapshot:
        assert whole(snapshot) == COMMITS
    assert longest < 5.0, "a reader waited for the writer"
