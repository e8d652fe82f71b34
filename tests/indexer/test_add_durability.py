"""Pictures that a program adds outlive kills, damage and repair; a stream takes no more memory."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lexsearch import LexSearch
from lexsearch.bundle.check import check
from lexsearch.bundle.repair import repair
from tests.indexer.adding import FAST, picture


@pytest.fixture
def db(toy_db: LexSearch) -> LexSearch:
    return toy_db


def corrupt(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_lost_catalog_is_made_anew_with_ids(db: LexSearch, photos: Path) -> None:
    db.index(photos, isolate=False)
    db.add([picture("green")], ids=["g"], metadata=[{"n": 1}], **FAST)
    db.close()
    for file in db.directory.glob("catalog.sqlite*"):
        file.unlink()
    report = repair(db.directory)
    assert report.images == 6
    with LexSearch.open(db.directory, model=db._given_model) as again:
        assert again.ids() == ["g"]
        assert again.status()["roots"] == [str(photos)]
        assert again.status()["added"] == 1


def test_metadata_survives_the_loss_of_other_rows(db: LexSearch) -> None:
    db.add([picture("green")], ids=["g"], metadata=[{"n": 1, "camera": "Lumo"}], **FAST)
    db.close()
    connection = sqlite3.connect(db.directory / "catalog.sqlite")
    connection.execute("UPDATE run SET record = 'x'")
    connection.commit()
    connection.close()
    assert check(db.directory, read_data=True).problems
    repair(db.directory)
    with LexSearch.open(db.directory, model=db._given_model) as again:
        (hit,) = again.search("green")
        assert (hit.docid, hit.meta["n"], hit.meta["camera"]) == ("g", 1, "Lumo")


def test_a_repair_names_the_pictures_that_must_be_added_again(db: LexSearch) -> None:
    db.add([picture("green")], ids=["g"], **FAST)
    db.add([picture("red")], ids=["r"], **FAST)
    db.close()
    folder = next(p for p in sorted((db.directory / "segments").iterdir()))
    corrupt(folder / "dense.lxd")
    for dry in (True, False):
        report = repair(db.directory, dry_run=dry)
        assert any("add them again: g" in action for action in report.actions)
    with LexSearch.open(db.directory, model=db._given_model) as again:
        assert again.ids() == ["r"]


def test_a_changed_row_of_metadata_is_noticed(db: LexSearch) -> None:
    db.add([picture("green")], ids=["g"], metadata=[{"n": 1}], **FAST)
    connection = sqlite3.connect(db.directory / "catalog.sqlite")
    connection.execute("""UPDATE added SET meta = '{"n": 2}'""")
    connection.commit()
    found = check(db.directory, read_data=True).problems
    assert any("added" in str(one) for one in found)
    connection.execute("""UPDATE added SET meta = '{"n": 1}'""")
    connection.commit()
    connection.close()


ADDING = """
    import sys, numpy as np
    sys.path.insert(0, {tests!r})
    from pathlib import Path
    from conftest import ToyModel
    from lexsearch import LexSearch

    def stream():
        for i in range(400):
            yield np.random.default_rng(i).integers(0, 256, (8, 8, 3), dtype=np.uint8)

    with LexSearch.open(Path({db!r}), model=ToyModel()) as db:
        print("begin", flush=True)
        db.add(
            stream(), ids=(f"p{{i:03}}" for i in range(400)),
            metadata=({{"i": i}} for i in range(400)),
            batch_size=5, isolate=False, on_progress=lambda p: print(p.committed, flush=True),
        )
"""


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 20, 155])
def test_a_killed_add_loses_nothing_that_was_committed(
    db: LexSearch, toy_model: Any, after: int, tmp_path: Path
) -> None:
    tests = str(Path(__file__).parents[1])
    script = textwrap.dedent(ADDING.format(tests=tests, db=str(db.directory)))
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert process.stdout is not None
    said = 0
    for line in process.stdout:
        if line.strip().isdigit():
            said = int(line)
            if said >= after:
                break
    time.sleep(0.003)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not check(db.directory, read_data=True).problems
    db.reload()
    assert said <= len(db) < 400
    assert db.ids() == [f"p{i:03}" for i in range(len(db))]
    rng = [np.random.default_rng(i).integers(0, 256, (8, 8, 3), dtype=np.uint8) for i in range(400)]
    report = db.add(
        rng, ids=[f"p{i:03}" for i in range(400)], metadata=[{"i": i} for i in range(400)],
        batch_size=50, isolate=False,
    )  # fmt: skip
    assert report.encoded == 400 - report.unchanged
    with LexSearch.create(tmp_path / "clean", model=toy_model) as clean:
        clean.add(rng, ids=[f"p{i:03}" for i in range(400)], isolate=False)
        for query in ("red", "green blue"):
            ours, theirs = db.search(query, top_k=50), clean.search(query, top_k=50)
            assert [(h.docid, h.score) for h in ours] == [(h.docid, h.score) for h in theirs]


def test_memory_stays_flat_however_long_the_stream(db: LexSearch) -> None:
    import tracemalloc

    peaks: list[int] = []

    def seen(progress: Any) -> None:
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.reset_peak()

    def stream() -> Iterator[Any]:
        for i in range(60):
            yield np.full((600, 600, 3), i, np.uint8)  # a megabyte each

    tracemalloc.start()
    try:
        db.add(stream(), batch_size=5, isolate=False, on_progress=seen)
    finally:
        tracemalloc.stop()
    assert len(peaks) == 12
    assert max(peaks[2:]) < 12e6  # far less than one batch of originals and its copies
    assert max(peaks[8:]) < 1.2 * max(peaks[2:5])
