"""A learned fusion is kept with the index: atomically, checked, and through all that befalls it."""

import errno
import sqlite3
from dataclasses import replace
from typing import Any

import pytest

from lexsearch.bundle.check import check
from lexsearch.bundle.places import export, import_
from lexsearch.bundle.repair import repair
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.bundle.writer import BundleWriter
from lexsearch.catalog.checksum import checksum
from lexsearch.catalog.step import CATALOG_FILE
from lexsearch.errors import IndexDamaged, StorageError
from lexsearch.ranking.fusion_rules import Scaled
from lexsearch.ranking.learned_fusion import LearnedFusion

RULE = Scaled("theoretical", {"lexical": 0.5, "dense": 0.25, "late": 0.25})


@pytest.fixture
def text(library: Any) -> str:
    return LearnedFusion(RULE, library.model.identity.fingerprints, {"queries": 3}).to_text()


@pytest.fixture
def taught(library: Any, text: str) -> Any:
    library.make({b"/p/a": "a", b"/p/b": "b"})
    with library.open() as writer:
        writer.set_fusion(text)
    return library


def kept(library: Any) -> str | None:
    with library.snapshot() as snapshot:
        fusion: str | None = snapshot.fusion
        return fusion


def test_an_index_that_learned_nothing_works_as_before(library: Any) -> None:
    library.make({b"/p/a": "a"})
    assert kept(library) is None
    assert library.is_sound()


def test_it_is_there_for_who_opens_and_stale_for_who_has_opened(library: Any, text: str) -> None:
    library.make({b"/p/a": "a"})
    with library.snapshot() as before:
        with library.open() as writer:
            writer.set_fusion(text)
        assert before.fusion is None
        assert before.is_stale()
    assert kept(library) == text
    assert library.is_sound()
    with library.open() as writer:
        writer.set_fusion(None)
    assert kept(library) is None


def test_it_survives_commits_merges_export_and_repair(
    taught: Any, text: str, tmp_path: Any
) -> None:
    with taught.open() as writer:
        writer.commit(taught.batch({b"/p/c": "c"}))
        writer.compact()
    assert kept(taught) == text
    export(taught.directory, tmp_path / "x.tar")
    import_(tmp_path / "x.tar", tmp_path / "again")
    with Snapshot.open(tmp_path / "again") as snapshot:
        assert snapshot.fusion == text
    connection = sqlite3.connect(taught.directory / CATALOG_FILE)
    connection.execute("UPDATE image SET size = size + 1")  # no checksum fits any more
    connection.commit()
    connection.close()
    assert check(taught.directory, read_data=True).problems
    repair(taught.directory)
    assert kept(taught) == text
    assert taught.is_sound()


def test_another_model_forgets_it(taught: Any) -> None:
    fingerprints = {**taught.model.identity.fingerprints, "dense": "toy/d/2"}
    other = replace(taught.model.identity, fingerprints=fingerprints)
    BundleWriter.open(taught.directory, identity=other, replace=True).close()
    assert kept(taught) is None


def spoil(library: Any, value: str, *, crc: bool) -> None:
    connection = sqlite3.connect(library.directory / CATALOG_FILE)
    connection.execute("UPDATE config SET value = ? WHERE key = 'fusion'", [value])
    if crc:
        connection.execute(
            "UPDATE config SET crc = ? WHERE key = 'fusion'", [checksum(("fusion", value))]
        )
    connection.commit()
    connection.close()


def test_a_flipped_bit_is_seen_when_it_is_opened(taught: Any, text: str) -> None:
    spoil(taught, text.replace("0.5", "0.7"), crc=False)
    with pytest.raises(IndexDamaged):
        taught.snapshot()
    assert check(taught.directory, read_data=True).problems
    spoil(taught, text, crc=True)  # sound again


def test_a_text_that_is_none_is_a_problem_that_repair_mends(taught: Any, text: str) -> None:
    spoil(taught, text.replace("0.5", "0.7"), crc=True)
    (problem,) = check(taught.directory).problems
    assert "its learned fusion is not readable: its checksum" in str(problem)
    repair(taught.directory)
    assert kept(taught) is None
    assert taught.is_sound()
    assert len(taught.paths()) == 2


def test_a_full_disk_changes_nothing(
    taught: Any, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lexsearch.catalog import repository

    def full(*arguments: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with taught.open() as writer:
        monkeypatch.setattr(repository, "next_generation", full)
        with pytest.raises(StorageError, match="No space left"):
            writer.set_fusion(None)
        monkeypatch.undo()
    assert kept(taught) == text
    assert taught.is_sound()
