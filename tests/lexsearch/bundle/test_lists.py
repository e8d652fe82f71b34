"""Lists for dense search lie in the index folder, fit the pictures in it, and are never trusted."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lexsearch.bundle import places
from lexsearch.bundle.check import check
from lexsearch.bundle.lists import LISTS_FILE, ListsRecord, summary
from lexsearch.bundle.repair import repair
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.engine import Engine
from lexsearch.query import Query
from lexsearch.registry import build
from lexsearch.types import DenseVectors, ListFacts, Ranking

pytest.importorskip("faiss")
FROM = 60  # pictures from which on the indexes here have lists
QUERIES = np.random.default_rng(5).normal(size=(8, 3)).astype(np.float32)


def pictures(start: int, stop: int) -> dict[bytes, str]:
    return {b"/p/%04d.jpg" % i: f"picture {i}" for i in range(start, stop)}


def grow(library: Any, *parts: dict[bytes, str], images: int = FROM) -> None:
    """One complete run for every part."""
    for part in parts:
        with library.open() as writer:
            writer.commit(library.batch(part))
            assert writer.refresh_lists(images=images) is None


def lists_file(library: Any) -> Path:
    """The file in force."""
    with library.snapshot() as snapshot:
        found: Path = snapshot.lists.path
        return found


def rankings(snapshot: Snapshot, model: Any, k: int = 10) -> list[Ranking]:
    index = Engine(snapshot, model).dense
    return [index.search(DenseVectors(row[np.newaxis]), k) for row in QUERIES]


def scanned(snapshot: Snapshot, model: Any, k: int = 10) -> list[Ranking]:
    """The same by the flat index."""
    index = build("stores.dense", "flat", dim=model.identity.dense_dim)
    for segment in snapshot.segments:
        index.attach(segment.image_ids, segment.sections("dense"), live=segment.live)
    return [index.search(DenseVectors(row[np.newaxis]), k) for row in QUERIES]


def assert_like_a_scan(library: Any) -> None:
    with library.snapshot() as snapshot:
        for k in (1, 10, 10_000):
            pairs = zip(
                rankings(snapshot, library.model, k), scanned(snapshot, library.model, k),
                strict=True,
            )  # fmt: skip
            for found, wanted in pairs:
                assert found.ids.tolist() == wanted.ids.tolist()
                assert found.scores.tobytes() == wanted.scores.tobytes()


def state(library: Any) -> str:
    with library.snapshot() as snapshot:
        index: Any = Engine(snapshot, library.model).dense
        return str(index.state)


def test_an_index_has_lists_from_a_size_on(library: Any) -> None:
    grow(library, pictures(0, FROM - 1))
    assert not (library.directory / "ivf").exists()
    grow(library, pictures(FROM - 1, 90))
    with library.snapshot() as snapshot:
        facts = snapshot.lists.record.facts
        assert (facts.images, facts.trained) == (90, 90)
        assert facts.recall >= 0.95
        assert snapshot.counts()["bytes"]["lists"] == lists_file(library).stat().st_size
    assert "visiting" in state(library)
    assert_like_a_scan(library)


def test_a_record_of_an_earlier_version_scores_four_proposals_a_result_anew() -> None:
    record = ListsRecord(10, "ab", ListFacts(5, 5, 2, 1, 0.97, 1.0, 2))
    assert ListsRecord.from_text(record.to_text()) == record
    earlier = json.loads(record.to_text())
    del earlier["facts"]["depth"]
    assert ListsRecord.from_text(json.dumps(earlier)).facts.depth == 4


def test_no_lists_are_made_when_they_are_turned_off(library: Any) -> None:
    grow(library, pictures(0, 90))
    grow(library, {}, images=0)
    with library.snapshot() as snapshot:
        assert snapshot.lists is None


def test_a_few_new_pictures_are_scanned_and_more_are_taken_in(library: Any) -> None:
    grow(library, pictures(0, 90))
    first = lists_file(library)
    grow(library, pictures(90, 93))
    assert lists_file(library) == first
    assert "scanning 3 images" in state(library)
    assert_like_a_scan(library)
    grow(library, pictures(93, 100))
    with library.snapshot() as snapshot:
        assert snapshot.lists.record.facts.images == 100
        assert snapshot.lists.record.facts.trained == 90
        assert snapshot.lists.path != first
    assert "scanning 0 images" in state(library)
    assert_like_a_scan(library)
    library.clock.now += 61
    with library.open():
        assert not first.exists()


def test_a_run_without_changes_leaves_the_lists_and_the_generation(library: Any) -> None:
    grow(library, pictures(0, 90))
    first = lists_file(library)
    with library.open() as writer:
        before = writer.generation()
        assert writer.refresh_lists(images=FROM) is None
        assert writer.generation() == before
    assert lists_file(library) == first


def test_lists_are_trained_anew_after_fourfold_growth(library: Any) -> None:
    grow(library, pictures(0, 60), pictures(60, 300))
    with library.snapshot() as snapshot:
        assert snapshot.lists.record.facts.trained == 300
    assert_like_a_scan(library)


def test_pictures_that_left_are_masked_then_taken_out_then_the_lists_go(library: Any) -> None:
    grow(library, pictures(0, 100))
    first = lists_file(library)

    def leave(start: int, stop: int) -> None:
        with library.open() as writer:
            writer.commit(library.batch(removed=tuple(pictures(start, stop))))
            writer.refresh_lists(images=FROM)
        assert_like_a_scan(library)

    leave(0, 15)
    assert lists_file(library) == first
    leave(15, 30)
    with library.snapshot() as snapshot:
        assert snapshot.lists.path != first
        assert snapshot.lists.record.facts.images == 70
    leave(30, 60)
    assert "visiting" in state(library)
    leave(60, 65)
    with library.snapshot() as snapshot:
        assert snapshot.lists is None
    library.clock.now += 61
    with library.open():
        assert not list((library.directory / "ivf").iterdir())


def test_a_picture_that_comes_back_is_found_through_the_lists_again(library: Any) -> None:
    grow(library, pictures(0, 90))
    with library.open() as writer:
        writer.commit(library.batch(removed=tuple(pictures(0, 2))))
        writer.commit(library.batch(pictures(0, 2), encode=False))
    assert "scanning 0 images" in state(library)
    assert_like_a_scan(library)


def test_merging_segments_leaves_the_lists_right(library: Any) -> None:
    with library.open() as writer:
        for start in range(0, 90, 6):
            writer.commit(library.batch(pictures(start, start + 6)))
        writer.refresh_lists(images=FROM)
        first = lists_file(library)
        assert writer.compact() > 0
        writer.refresh_lists(images=FROM)
    assert lists_file(library) == first
    assert "scanning 0 images" in state(library)
    assert_like_a_scan(library)


def test_the_lists_do_not_depend_on_the_way_an_index_grew(library: Any, tmp_path: Path) -> None:
    grow(library, pictures(0, 90))
    whole = lists_file(library).read_bytes()
    other = type(library)(tmp_path / "other", library.model)
    with other.open() as writer:
        for start in (60, 0, 30):
            writer.commit(other.batch(pictures(start, start + 30)))
        writer.compact()
        writer.refresh_lists(images=FROM)
    again = lists_file(other).read_bytes()
    assert len(again) == len(whole)
    data = [snapshot_data(one) for one in (library, other)]
    assert data[0] == data[1]


def snapshot_data(library: Any) -> tuple[bytes, bytes, Any]:
    with library.snapshot() as snapshot:
        lists = snapshot.lists.load()
        return lists.data.tobytes(), lists.image_ids.tobytes(), lists.facts


def test_a_reader_keeps_the_lists_that_the_writer_replaced_and_removed(library: Any) -> None:
    grow(library, pictures(0, 90))
    with library.snapshot() as snapshot:
        first = lists_file(library)
        grow(library, pictures(90, 200))
        library.clock.now += 61
        with library.open():
            assert not first.exists()
        for found, wanted in zip(
            rankings(snapshot, library.model), scanned(snapshot, library.model), strict=True
        ):
            assert found.ids.tolist() == wanted.ids.tolist()
        assert snapshot.is_stale()


def test_replaced_lists_stay_for_a_while_for_readers_about_to_open_them(library: Any) -> None:
    grow(library, pictures(0, 90))
    first = lists_file(library)
    with library.open() as writer:
        writer.commit(library.batch(pictures(90, 200)))
        writer.refresh_lists(images=FROM)
        library.clock.now += 30
        writer.collect_garbage()
        writer.collect_garbage()
        assert first.exists()
        library.clock.now += 31
        writer.collect_garbage()
        assert not first.exists()


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "missing":
        path.unlink()
    elif how == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    else:
        data[int(len(data) * float(how))] ^= 4
        path.write_bytes(data)


@pytest.mark.parametrize("how", ["missing", "cut", "empty", "0.0", "0.1", "0.5", "0.9", "0.999"])
def test_lists_that_are_not_what_was_written_are_not_used_and_can_be_mended(
    damaged_library: Any, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    library = damaged_library
    grow(library, pictures(0, 90))
    damage(lists_file(library), how)
    (problem,) = check(library.directory, read_data=True).problems
    assert LISTS_FILE in str(problem)
    assert_like_a_scan(library)
    with caplog.at_level(logging.WARNING), library.snapshot() as snapshot:
        results = Engine(snapshot, library.model).search(Query.text("red"), k=3, mode="dense")
        (note,) = results.notes
        assert note.startswith("dense search scans every photo: ")
        assert LISTS_FILE in note
        assert note in caplog.text
    report = repair(library.directory)
    assert report.actions == ("drop the lists for dense search; the next index makes them again",)
    assert (report.images, report.forgotten) == (90, 0)
    assert check(library.directory, read_data=True).problems == ()
    grow(library, {})
    assert "visiting" in state(library)
    assert check(library.directory, read_data=True).problems == ()


def test_a_summary_says_how_a_search_works(damaged_library: Any) -> None:
    library = damaged_library

    def said() -> dict[str, Any]:
        with library.snapshot() as snapshot:
            return dict(summary(snapshot.lists, snapshot.image_ids()))

    grow(library, pictures(0, 50))
    assert said() == {"store": "flat", "scanned": 50}
    grow(library, pictures(50, 90), pictures(90, 92))
    found = said()
    assert (found["store"], found["scanned"], found["trained"]) == ("lists", 2, 90)
    assert found["recall@100"] >= 0.95
    assert 1 <= found["visited"] <= found["lists"]
    damage(lists_file(library), "cut")
    found = said()
    assert (found["store"], found["scanned"]) == ("flat", 92)
    assert "bytes" in found["problem"]


def test_lists_that_are_damaged_are_made_again_by_the_next_run(damaged_library: Any) -> None:
    grow(damaged_library, pictures(0, 90))
    damage(lists_file(damaged_library), "0.5")
    grow(damaged_library, {})
    assert "visiting" in state(damaged_library)
    assert check(damaged_library.directory, read_data=True).problems == ()


def test_a_damaged_record_of_the_lists_stops_nobody(damaged_library: Any) -> None:
    import sqlite3

    grow(damaged_library, pictures(0, 90))
    path = damaged_library.directory / "catalog.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE ivf_gen SET record = replace(record, '9', '8')")
    connection.close()
    assert state(damaged_library) == "scanning all 90 images"
    (problem,) = check(damaged_library.directory, read_data=True).problems
    assert "what the catalog says of it" in str(problem)
    assert repair(damaged_library.directory).forgotten == 0
    assert check(damaged_library.directory, read_data=True).problems == ()


def test_a_run_that_breaks_while_it_makes_lists_leaves_those_before(
    library: Any, faulty_disk: Callable[..., Any], crash: BaseException
) -> None:
    grow(library, pictures(0, 90), pictures(90, 93))
    for fail_at in range(1, 40):
        disk = faulty_disk(10_000, crash)
        try:
            with library.open(disk=disk) as writer:
                writer.commit(library.batch(pictures(100, 140)))
                disk.fail_at = disk.calls + fail_at
                writer.refresh_lists(images=FROM)
        except type(crash):
            assert check(library.directory, read_data=True).problems == ()
            assert_like_a_scan(library)
        else:
            break
    assert 3 < fail_at < 39
    with library.snapshot() as snapshot:
        assert snapshot.lists.record.facts.images == 133


def test_a_full_disk_is_told_and_hurts_nothing(
    library: Any, faulty_disk: Callable[..., Any]
) -> None:
    grow(library, pictures(0, 50))
    disk = faulty_disk(10_000, OSError(28, "No space left on device"))
    with library.open(disk=disk) as writer:
        writer.commit(library.batch(pictures(50, 90)))
        disk.fail_at = disk.calls + 3
        said = writer.refresh_lists(images=FROM)
    assert said is not None
    assert "no lists for all 90 photos" in said
    assert "No space left" in said
    assert state(library) == "scanning all 90 images"


def test_without_faiss_the_run_says_what_to_install(
    library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    for name in ("_faiss", "_ivf", "_packed"):
        monkeypatch.delitem(sys.modules, f"lexsearch.stores.dense.{name}", raising=False)
    with library.open() as writer:
        writer.commit(library.batch(pictures(0, 90)))
        said = writer.refresh_lists(images=FROM)
    assert said is not None
    assert "pip install 'lexsearch[cpu]'" in said


def test_an_archive_takes_the_lists_along(library: Any, tmp_path: Path) -> None:
    grow(library, pictures(0, 90))
    places.export(library.directory, tmp_path / "a.tar")
    places.import_(tmp_path / "a.tar", tmp_path / "other")
    assert check(tmp_path / "other", read_data=True).problems == ()
    other = type(library)(tmp_path / "other", library.model)
    assert "visiting" in state(other)


def test_an_index_of_another_model_starts_without_lists(library: Any) -> None:
    from dataclasses import replace

    grow(library, pictures(0, 90))
    other = replace(library.model.identity, name="other")
    with library.open(identity=other, replace=True):
        pass
    with library.snapshot() as snapshot:
        assert snapshot.lists is None
