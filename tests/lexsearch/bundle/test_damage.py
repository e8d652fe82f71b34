"""One flipped bit anywhere: an error that names the file, or the very same answers."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from lexsearch import Filter, LexSearch
from lexsearch.bundle.check import check
from lexsearch.bundle.records import SkippedFile
from lexsearch.bundle.repair import repair
from lexsearch.errors import IndexDamaged, LexsearchError, StorageError

FILES = ("FORMAT.json", "catalog.sqlite", "seg.json", "ids.lxi", "lexical.lxs", "dense.lxd",
         "tokens.lxt")  # fmt: skip
# Bits flipped in each file; more of them with TEST_FLIPS.
FLIPS = int(os.environ.get("TEST_FLIPS", "40"))


def everything(directory: Path, model: Any) -> list[Any]:
    """What a user can get out of an index: hits, filters, words, records, lists."""
    with LexSearch.open(directory, model=model) as db:
        hits = [
            (hit.path, hit.also, hit.id, hit.score)
            for mode in ("lexical", "dense", "late", "hybrid")
            for hit in db.search("red green", top_k=30, mode=mode)
        ]
        before = db.search("red", top_k=30, filters=Filter(before="2024-06"))
        snapshot = db.snapshot
        return [
            hits, [(hit.path, hit.score) for hit in before],
            snapshot.images(snapshot.image_ids().tolist()), snapshot.roots(), db.skipped(),
            db.duplicates(), snapshot.runs(),
        ]  # fmt: skip


@pytest.fixture
def filled(damaged_library: Any) -> Any:
    """Two segments, a picture with two paths, one that left, a skipped file, dates."""
    library = damaged_library
    details = {str(i): {"taken": f"2024-{i:02d}-01T00:00:00"} for i in range(1, 13)}
    first = {b"/photos/%d.jpg" % i: str(i) for i in range(1, 7)} | {b"/photos/copy.jpg": "3"}
    second = {b"/photos/%d.jpg" % i: str(i) for i in range(7, 13)}
    with library.open() as writer:
        writer.add_roots([b"/photos"])
        writer.commit(library.batch(first, details=details))
        writer.commit(library.batch(second, details=details))
        writer.commit(library.batch(removed=(b"/photos/12.jpg",)))
    return library


def flips(path: Path) -> list[tuple[int, int]]:
    """Place and bit of the flips of a file, spread over its bytes that are not zero."""
    data = path.read_bytes()
    used = [place for place, byte in enumerate(data) if byte]
    return [(used[i * len(used) // FLIPS], i % 8) for i in range(FLIPS)]


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_an_error_or_changes_nothing(filled: Any, name: str) -> None:
    path = sorted(filled.directory.rglob(name))[0]
    expected = everything(filled.directory, filled.model)
    sound = path.read_bytes()
    harmless = 0
    for place, bit in flips(path):
        data = bytearray(sound)
        data[place] ^= 1 << bit
        path.write_bytes(data)
        try:
            assert everything(filled.directory, filled.model) == expected, (name, place, bit)
        except (IndexDamaged, StorageError) as error:
            assert name in str(error), (place, bit)
        except LexsearchError as error:  # another version, or another index, says the damage
            assert name in ("FORMAT.json", "catalog.sqlite"), error
        try:
            report = check(filled.directory, read_data=True)
        except LexsearchError:
            continue
        named = any(name in str(problem) for problem in report.problems)
        assert named or name == "catalog.sqlite", (place, bit)
        harmless += not named
    assert harmless <= FLIPS // 2


def unfiltered(db: Any) -> Any:
    return [(hit.path, hit.also) for hit in db.search("red", top_k=30)]


def records(db: Any) -> Any:
    return db.snapshot.images(db.snapshot.image_ids().tolist())


@pytest.mark.parametrize(
    ("table", "change", "use"),
    [
        ("image", "path = CAST('/photos/x.jpg' AS BLOB) "
         "WHERE path = CAST('/photos/1.jpg' AS BLOB)", unfiltered),
        ("content", "width = width + 1", records),
        ("content", "taken = '2023-01-01T00:00:00'", lambda db: db.search(
            "red", filters=Filter(before="2024-06"))),
        ("segment", "live = NULL WHERE live IS NOT NULL", unfiltered),
        ("skipped", "reason = 'too large'", lambda db: db.skipped()),
        ("root", "path = CAST('/phot0s' AS BLOB)", lambda db: db.snapshot.roots()),
        ("config", "value = replace(value, '\"dense_dim\"', '\"dense_dim\" ')", records),
    ],
    ids=["path", "width", "date", "live", "reason", "root", "setting"],
)  # fmt: skip
def test_a_reader_is_told_of_a_damaged_row(filled: Any, table: str, change: str, use: Any) -> None:
    with filled.open() as writer:
        skipped = SkippedFile(b"/photos/z.jpg", "it is empty", 0, 1, b"0" * 32)
        writer.commit(filled.batch(skipped=(skipped,)))
    path = filled.directory / "catalog.sqlite"
    with LexSearch.open(filled.directory, model=filled.model) as db:
        use(db)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute(f"UPDATE {table} SET {change}").rowcount > 0
        connection.commit()
    with (
        pytest.raises(IndexDamaged, match=r"catalog\.sqlite") as caught,
        LexSearch.open(filled.directory, model=filled.model) as db,
    ):
        use(db)
    assert f"a row of {table} is not what was written" in str(caught.value)


@pytest.mark.parametrize("table", ["image", "content", "segment"])
def test_a_writer_does_not_give_a_damaged_row_a_fitting_checksum(filled: Any, table: str) -> None:
    column = {"image": "mtime_ns", "content": "width", "segment": "rows"}[table]
    with sqlite3.connect(filled.directory / "catalog.sqlite") as connection:
        connection.execute(f"UPDATE {table} SET {column} = {column} + 1")
    connection.close()
    with pytest.raises(IndexDamaged, match=f"a row of {table} is not what was written"):
        filled.open()
    assert repair(filled.directory).forgotten == 0
    filled.open().close()


@pytest.mark.parametrize("name", FILES[2:])
def test_what_a_repair_would_forget_is_what_it_forgets(filled: Any, name: str) -> None:
    path = sorted(filled.directory.rglob(name))[0]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    planned = repair(filled.directory, dry_run=True)
    done = repair(filled.directory)
    assert planned.forgotten == done.forgotten == 6
    assert planned.actions == done.actions


def test_a_repair_of_a_lost_catalog_would_forget_nothing(filled: Any) -> None:
    (filled.directory / "catalog.sqlite").unlink()
    assert repair(filled.directory, dry_run=True).forgotten == 0
    assert repair(filled.directory).forgotten == 0
