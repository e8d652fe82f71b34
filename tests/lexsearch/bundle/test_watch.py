"""The newest commit is seen while many threads read."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lexsearch import LexSearch
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.errors import StorageError


def photo(folder: Path, number: int) -> Path:
    path = folder / f"{number}.png"
    Image.fromarray(np.full((16, 16, 3), number, np.uint8)).save(path)
    return path


def test_a_commit_is_seen_while_reads_overlap_all_the_time(
    tmp_path: Path, toy_model: object
) -> None:
    with LexSearch.create(tmp_path / "db", model=toy_model) as db:  # type: ignore[arg-type]
        db.index(photo(tmp_path, 1))
    snapshot = Snapshot.open(tmp_path / "db")
    # A statement that is not read to its end, as another thread may have open at any moment.
    half_read = snapshot._connection.execute("SELECT * FROM config")
    half_read.fetchone()
    assert not snapshot.is_stale()
    with LexSearch.open(tmp_path / "db", model=toy_model) as db:  # type: ignore[arg-type]
        db.index(photo(tmp_path, 2))
    assert snapshot.is_stale()
    half_read.close()
    snapshot.close()


def test_many_threads_may_ask(tmp_path: Path, toy_model: object) -> None:
    with LexSearch.create(tmp_path / "db", model=toy_model) as db:  # type: ignore[arg-type]
        db.index(photo(tmp_path, 1))
        found: list[bool] = []
        threads = [
            threading.Thread(
                target=lambda: found.extend(db.snapshot.is_stale() for _ in range(200))
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [False] * 800


def test_a_closed_snapshot_says_so(tmp_path: Path, toy_model: object) -> None:
    with LexSearch.create(tmp_path / "db", model=toy_model) as db:  # type: ignore[arg-type]
        snapshot = db.snapshot
    with pytest.raises(StorageError, match="closed"):
        snapshot.is_stale()


ALONE = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:  # as SQLite does when it closes: the bytes that every reader holds a shared lock on
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)
    except OSError:
        print("somebody reads")
    else:
        print("nobody reads")
"""


@pytest.mark.skipif(os.name != "posix", reason="locks of other systems belong to the descriptor")
def test_a_reader_that_opens_the_index_again_keeps_its_locks(
    tmp_path: Path, toy_model: object
) -> None:
    """Otherwise a writer that finishes removes the log under it; see `open_catalogs`."""
    with LexSearch.create(tmp_path / "db", model=toy_model) as db:  # type: ignore[arg-type]
        db.index(photo(tmp_path, 1))

    def seen() -> str:
        command = [sys.executable, "-c", ALONE, str(tmp_path / "db" / "catalog.sqlite")]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert seen() == "nobody reads"
    first = Snapshot.open(tmp_path / "db")
    assert seen() == "somebody reads"
    second = Snapshot.open(tmp_path / "db")
    assert not second.is_stale()
    first.close()
    assert seen() == "somebody reads"
    second.close()
    assert seen() == "nobody reads"
