"""A run that the disk stops keeps what it reported and goes on later; memory is flat."""

from __future__ import annotations

import gc
import hashlib
import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from indexer.decode import Decoded
from indexer.known import Known
from indexer.pipeline import IndexOptions, index_folders
from indexer.plan import plan
from indexer.progress import Progress
from indexer.reading import sha256_of
from indexer.scan import scan
from lexsearch.bundle.check import check
from lexsearch.bundle.records import KnownFile
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.errors import IndexMissing, StorageError

Paint = Callable[..., Path]
BATCH = 4


@pytest.fixture
def many(tmp_path: Path, paint: Paint) -> Path:
    for i in range(24):
        paint(tmp_path / "many" / f"{i:02d}.png", i)
    return tmp_path / "many"


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process may grow beyond a size, as on a full disk."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def digests(directory: Path) -> dict[bytes, tuple[bytes, ...]]:
    with Snapshot.open(directory) as snapshot:
        images = snapshot.images(snapshot.image_ids().tolist())
    return {image.sha256: image.paths for image in images}


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_disk_that_is_full_at_any_size_loses_nothing_and_is_said(
    tmp_path: Path, many: Path, toy_model: Any
) -> None:
    options = IndexOptions(batch_size=BATCH)
    index_folders([many], directory=tmp_path / "whole", model=toy_model, options=options)
    expected = digests(tmp_path / "whole")
    refused = 0
    for size in (1 << 10, 20 << 10, 70 << 10, 110 << 10, 130 << 10, 160 << 10, 16 << 20):
        db = tmp_path / f"limit-{size}"
        told: list[int] = []
        try:
            with largest_file(size):
                index_folders(
                    [many], directory=db, model=toy_model, options=options,
                    on_progress=lambda progress, told=told: told.append(progress.committed),
                )  # fmt: skip
            assert digests(db) == expected
        except StorageError as error:
            refused += 1
            assert error.exit_code == 5
            assert not told or not told[-1] or "safe" in str(error)
            try:
                assert len(digests(db)) >= max(told, default=0)
                assert check(db, read_data=True).problems == ()
            except IndexMissing:
                assert not max(told, default=0)
        index_folders([many], directory=db, model=toy_model, options=options)
        assert digests(db) == expected
        assert check(db, read_data=True).problems == ()
    assert refused >= 3


def test_what_is_reported_as_committed_is_in_the_index_already(
    tmp_path: Path, many: Path, toy_model: Any
) -> None:
    seen: list[tuple[int, int]] = []

    def listen(progress: Progress) -> None:
        with Snapshot.open(tmp_path / "db") as snapshot:
            seen.append((progress.committed, len(snapshot)))

    index_folders([many], directory=tmp_path / "db", model=toy_model,
                  options=IndexOptions(batch_size=BATCH), on_progress=listen)  # fmt: skip
    assert seen == [(n, n) for n in range(0, 25, BATCH)]


def test_a_run_lets_go_of_what_it_has_committed(tmp_path: Path, many: Path, toy_model: Any) -> None:
    held: list[int] = []

    def listen(progress: Progress) -> None:
        gc.collect()
        held.append(sum(type(one) is Decoded for one in gc.get_objects()))

    index_folders([many], directory=tmp_path / "db", model=toy_model,
                  options=IndexOptions(batch_size=BATCH), on_progress=listen)  # fmt: skip
    # the batch just committed and the one that is decoded ahead
    assert max(held) <= 2 * BATCH
    assert max(held) > 0


def test_a_plan_takes_little_memory_for_a_file(tmp_path: Path) -> None:
    count = 5_000
    paths = [tmp_path / f"{i % 10}" / f"IMG_{i:04d}.jpg" for i in range(count)]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(path.name.encode())

    def known() -> Iterator[KnownFile]:
        for path in sorted(paths):
            found = path.stat()
            digest = hashlib.sha256(path.name.encode()).digest()
            yield KnownFile(
                os.fsencode(path), found.st_size, found.st_mtime_ns, found.st_ino, digest, b"/"
            )

    tracemalloc.start()
    planned = plan(scan([tmp_path]), Known(known), sha256_of=sha256_of)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (planned.unchanged, len(planned.pending)) == (count, 0)
    tracemalloc.start()
    planned = plan(scan([tmp_path]), Known(known), sha256_of=sha256_of, force=True)
    _, forced = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(planned.pending) == count
    assert max(peak, forced) / count < 300  # bytes, more than a hundred of them for the path
