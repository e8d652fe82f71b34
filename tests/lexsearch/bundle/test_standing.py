"""What a program that adds call after call verifies: everything once, and what others changed."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lexsearch import LexSearch
from lexsearch.bundle import creation
from lexsearch.bundle.standing import VERIFIED_S, Standing
from lexsearch.errors import IndexDamaged

FAST = {"isolate": False}


def pictures(*seeds: int) -> list[Any]:
    return [
        np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8) for seed in seeds
    ]


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders whose whole catalog was verified, one entry a time."""
    seen: list[Path] = []
    real = creation._verify_catalog

    def counting(directory: Path) -> None:
        seen.append(directory)
        real(directory)

    monkeypatch.setattr(creation, "_verify_catalog", counting)
    return seen


def change(db: LexSearch, statement: str) -> None:
    connection = sqlite3.connect(db.directory / "catalog.sqlite")
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_one_object_verifies_once_and_another_again(
    tmp_path: Path, toy_model: Any, verified: list[Path]
) -> None:
    with LexSearch.create(tmp_path / "db", model=toy_model) as db:
        verified.clear()
        for i in range(12):  # merges come in between
            db.add(pictures(i), ids=[f"p{i}"], **FAST)
        assert db.delete(["p3"]) == 1
        assert len(verified) == 1
        with LexSearch.open(db.directory, model=toy_model) as other:
            other.add(pictures(50), ids=["o"], **FAST)
            assert len(verified) == 2
        db.add(pictures(60), ids=["q"], **FAST)  # another has written meanwhile
        assert len(verified) == 3
        db.add(pictures(61), ids=["r"], **FAST)
        assert len(verified) == 3
        assert len(db) == 14


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE content SET taken = '1999' WHERE rowid = (SELECT min(rowid) FROM content)",
        "UPDATE image SET size = size + 1",
        "UPDATE added SET meta = 'x'",
        "UPDATE segment SET rows = rows + 1",
    ],
)
def test_a_row_that_changed_between_two_calls_is_noticed(
    tmp_path: Path, toy_model: Any, damage: str
) -> None:
    with LexSearch.create(tmp_path / "db", model=toy_model) as db:
        db.add(pictures(1, 2), ids=["a", "b"], metadata=[{"n": 1}, {"n": 2}], **FAST)
        db.add(pictures(3), ids=["c"], **FAST)
        change(db, damage)
        with pytest.raises(IndexDamaged, match="is not what was written"):
            db.add(pictures(4), ids=["d"], **FAST)


@pytest.mark.parametrize("table", ["segment", "config", "content"])
def test_a_writer_never_gives_a_damaged_row_a_fitting_checksum(
    tmp_path: Path, toy_model: Any, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the whole catalog is trusted: what is read to be written again is compared."""
    monkeypatch.setattr(Standing, "is_verified", lambda self, directory: True)
    with LexSearch.create(tmp_path / "db", model=toy_model) as db:
        for i in range(8):
            db.add(pictures(i), ids=[f"p{i}"], **FAST)
        change(db, f"UPDATE {table} SET crc = crc + 1")
        with pytest.raises(IndexDamaged, match=f"a row of {table} is not what was written"):
            db.add(pictures(9), ids=["q"], **FAST)  # the ninth segment: they are merged


def test_trust_ends_after_a_while_after_a_change_and_after_an_error(tmp_path: Path) -> None:
    now = 0.0
    standing = Standing(clock=lambda: now)
    (tmp_path / "catalog.sqlite").write_bytes(b"1")
    assert not standing.is_verified(tmp_path)
    standing.verified()
    standing.leave(tmp_path)
    assert standing.is_verified(tmp_path)
    (tmp_path / "catalog.sqlite-wal").touch()  # readers make an empty one
    assert standing.is_verified(tmp_path)
    (tmp_path / "catalog.sqlite-wal").write_bytes(b"2")
    assert not standing.is_verified(tmp_path)
    standing.leave(tmp_path)
    now = VERIFIED_S
    assert not standing.is_verified(tmp_path)
    standing.verified()
    assert standing.is_verified(tmp_path)
    standing.distrust()
    assert not standing.is_verified(tmp_path)


def test_lists_are_looked_at_first_and_after_every_hundredth_of_growth() -> None:
    standing = Standing()
    due = [standing.lists_are_due(1, 500) for _ in range(12)]
    assert due == [True, *[False] * 4, True, *[False] * 4, True, False]
