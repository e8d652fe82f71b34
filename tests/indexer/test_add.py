"""Pictures that a program adds: by every kind, with ids and metadata."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lexsearch import LexSearch, Query
from lexsearch.errors import IndexLocked, UsageError, WrongModel
from tests.indexer.adding import COLOURS, FAST, docids, picture, saved


@pytest.fixture
def db(toy_db: LexSearch) -> LexSearch:
    return toy_db


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in COLOURS:
        picture(name).save(folder / f"{name} one.png")
    return folder


def test_pictures_of_every_kind_are_found_by_the_ids_given(db: LexSearch, photos: Path) -> None:
    given: list[Any] = [
        photos / "red one.png",
        picture("green"),
        np.asarray(picture("blue")),
        saved(picture("white")),
    ]
    report = db.add(given, ids=["r", "g", "b", "ünï-4"], **FAST)
    assert (report.found, report.new, report.encoded, report.skipped) == (4, 4, 4, ())
    assert len(db) == 4
    assert db.ids() == ["b", "g", "r", "ünï-4"]
    for colour, name in (("red", "r"), ("green", "g"), ("blue", "b"), ("white", "ünï-4")):
        hit = db.search(colour, top_k=1)[0]
        assert (hit.docid, hit.ids) == (name, (name,))
        assert hit.id == f"{int(hit.id, 16):016x}"
        assert hit.to_dict()["ids"] == [name]
    assert db.search("red").to_trec("q").startswith("q Q0 r 1 ")
    assert db.search("red", top_k=1)[0].path == str(photos / "red one.png")
    assert db.search("green", top_k=1)[0].path == "id:g"
    assert db.picture("g").width == 32
    status = db.status()
    assert (status["images"], status["files"], status["added"], status["roots"]) == (4, 0, 4, [])
    assert status["last_run"]["new"] == 4


def test_without_ids_a_picture_has_that_of_its_content(db: LexSearch) -> None:
    db.add([picture("red"), np.asarray(picture("red")), picture("blue")], **FAST)
    assert len(db) == 2
    hit = db.search("red", top_k=1)[0]
    assert hit.docid == hit.id
    assert hit.ids == ()
    assert hit.id in db.ids()
    assert db.delete([hit.docid]) == 1
    assert docids(db.search("red")) == docids(db.search("blue"))


def test_the_scores_are_those_of_the_same_files_in_a_folder(
    db: LexSearch, photos: Path, tmp_path: Path, toy_model: Any
) -> None:
    files = sorted(photos.iterdir())
    db.add(files, ids=[str(i) for i in range(len(files))], **FAST)
    with LexSearch.create(tmp_path / "other", model=toy_model) as other:
        other.index(photos, isolate=False)
        for query in ("red", "green white", "blue -red"):
            ours, theirs = db.search(query), other.search(query)
            assert [(h.id, h.scores, h.path) for h in ours] == [
                (h.id, h.scores, h.path) for h in theirs
            ]


def test_one_picture_in_place_of_many_is_refused(db: LexSearch) -> None:
    for one in ("path.jpg", Path("path.jpg"), b"bytes", picture("red")):
        with pytest.raises(UsageError, match="one picture was given"):
            db.add(one, **FAST)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="one id was given"):
        db.delete("abc")


def test_an_error_of_the_stream_itself_arrives_after_the_commit(db: LexSearch) -> None:
    def stream() -> Iterator[Image.Image]:
        yield picture("red")
        yield picture("green")
        yield picture("blue")
        raise ConnectionError("the line is gone")

    with pytest.raises(ConnectionError, match="line is gone"):
        db.add(stream(), ids=iter("abc"), **FAST)
    assert db.ids() == ["a", "b", "c"]
    assert len(db) == 3


@pytest.mark.parametrize("isolate", [True, False])
def test_a_broken_picture_is_reported_and_stops_nothing(
    db: LexSearch, tmp_path: Path, isolate: bool
) -> None:
    whole = saved(Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)))
    lazy = tmp_path / "lazy.png"
    lazy.write_bytes(whole[: len(whole) // 2])
    with Image.open(lazy) as half:
        given = [whole[:100], tmp_path / "none.jpg", picture("red"), b"", half]
        report = db.add(given, ids=["a", "b", "c", "d", "e"], batch_size=2, isolate=isolate)
    assert {one.path for one in report.skipped} == {b"id:a", b"id:b", b"id:d", b"id:e"}
    assert all(one.reason for one in report.skipped)
    assert db.ids() == ["c"]
    assert (report.found, report.new) == (5, 1)


def test_a_stream_is_taken_a_batch_ahead_and_no_further(db: LexSearch) -> None:
    taken, ahead = 0, []

    def stream() -> Iterator[Any]:
        nonlocal taken
        for i in range(40):
            taken += 1
            yield np.full((8, 8, 3), i, np.uint8)

    def seen(progress: Any) -> None:
        ahead.append(taken - progress.done)

    db.add(stream(), batch_size=4, isolate=False, on_progress=seen)
    assert len(ahead) == 10
    assert max(ahead) <= 4
    assert len(db) == 40


def test_bytes_leave_no_file_behind(
    db: LexSearch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr("tempfile.tempdir", None)
    most = 0

    def watching(_: Any) -> None:
        nonlocal most
        most = max(most, sum(len(files) for _, _, files in os.walk(place)))

    data = [saved(Image.new("RGB", (8, 8), (i, 0, 0))) for i in range(20)]
    db.add(data, on_progress=watching, **FAST)
    assert most <= 4  # two batches of two
    assert list(place.iterdir()) == []


def test_an_index_of_a_folder_takes_no_added_picture_away(db: LexSearch, photos: Path) -> None:
    red = photos / "red one.png"
    db.add([red, picture("green")], ids=["r", "g"], metadata=[{"n": 1}, {"n": 2}], **FAST)
    db.index(photos, isolate=False)
    assert db.status()["files"] == 4
    for file in photos.iterdir():
        file.unlink()
    for options in ({}, {"prune": True}, {"force": True}, {"rehash": True, "prune": True}):
        db.index(photos, isolate=False, **options)  # type: ignore[arg-type]
    assert db.ids() == ["g", "r"]
    assert sorted(docids(db.search("red"))) == ["g", "r"]
    assert db.search("red", top_k=1)[0].meta["n"] == 1
    assert db.status()["files"] == 0


def test_deleting_an_id_leaves_the_file_of_a_folder(db: LexSearch, photos: Path) -> None:
    db.index(photos, isolate=False)
    file = photos / "red one.png"
    db.add([file], ids=["r"], metadata=[{"n": 1}], **FAST)
    assert len(db) == 4
    hit = db.search("red", top_k=1)[0]
    assert (hit.ids, hit.path, hit.also) == (("r",), str(file), ())
    assert db.duplicates() == []
    assert db.delete(["r"]) == 1
    hit = db.search("red", top_k=1)[0]
    assert (hit.docid, hit.path) == (hit.id, str(file))
    assert "n" not in hit.meta
    assert db.delete([hit.id]) == 0  # a folder holds it
    assert len(db) == 4
    with sqlite3.connect(db.directory / "catalog.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM added").fetchone() == (0,)
    connection.close()


def test_many_batches_are_merged_and_stay_what_they_are(db: LexSearch, toy_model: Any) -> None:
    rng = np.random.default_rng(5)
    pictures = list(rng.integers(0, 256, (30, 8, 8, 3), dtype=np.uint8))
    names = [f"p{i:02}" for i in range(30)]
    db.add(pictures, ids=names, metadata=[{"i": i} for i in range(30)], batch_size=1, isolate=False)
    assert db.status()["segments"] < 10
    found = db.search("red", top_k=30)
    assert sorted(docids(found)) == names
    assert all(hit.docid == f"p{hit.meta['i']:02}" for hit in found)
    assert db.delete(names[::2]) == 15
    assert sorted(docids(db.search("red", top_k=30))) == names[1::2]


def test_an_open_reader_keeps_answering_after_a_deletion(db: LexSearch, toy_model: Any) -> None:
    db.add([picture("red"), picture("green")], ids=["r", "g"], **FAST)
    with LexSearch.open(db.directory, model=toy_model) as reader:
        db.delete(["r"])
        assert sorted(docids(reader.search("red"))) == ["g", "r"]
        assert reader.reload()
        assert docids(reader.search("red")) == ["g"]


def test_a_picture_from_memory_is_explained_by_what_is_stored(db: LexSearch, photos: Path) -> None:
    file = photos / "red one.png"
    db.add([picture("green"), file], ids=["g", "r"], **FAST)
    hit = db.search("green", top_k=1)[0]
    why = db.explain("green", hit, read_photo=False)
    assert why.fused == pytest.approx(hit.score, abs=1e-6)
    assert db.words("g")[0].word == "green"
    for ask in (hit, "g"):
        with pytest.raises(UsageError, match="added from memory"):
            db.explain("green", ask)
    with pytest.raises(UsageError, match="added from memory"):
        db.load_picture("g")
    assert db.explain("red", "r").grid == (2, 2)  # the file is there
    assert db.load_picture("r").size == (32, 24)
    assert "r" not in docids(db.like(file))  # it leaves itself out


def test_another_model_does_not_forget_what_no_folder_has(
    db: LexSearch, photos: Path, toy_model: Any
) -> None:
    import dataclasses

    db.add([picture("red")], ids=["r"], **FAST)
    other = type(toy_model)()
    marks = {**toy_model.identity.fingerprints, "dense": "toy/d/2"}
    other.identity = dataclasses.replace(toy_model.identity, fingerprints=marks)
    with (
        LexSearch.open(db.directory, model=toy_model) as held,
        pytest.raises(WrongModel, match="1 pictures that a program added"),
    ):
        held._model = other
        held.index(photos, force=True, isolate=False)
    assert db.ids() == ["r"]
    with (
        LexSearch.open(db.directory, model=toy_model) as held,
        pytest.raises(WrongModel),
    ):
        held._model = other
        held.add([picture("green")], **FAST)


def test_a_second_writer_is_told_and_may_wait(db: LexSearch, toy_model: Any) -> None:
    def busy() -> Iterator[Any]:
        yield picture("red")
        with pytest.raises(IndexLocked):
            other.add([picture("green")], **FAST)
        with pytest.raises(IndexLocked):
            other.delete(["a"])
        yield picture("blue")

    with LexSearch.open(db.directory, model=toy_model) as other:
        db.add(busy(), ids="ab", **FAST)
    assert db.ids() == ["a", "b"]


def test_queries_by_a_picture_that_was_added_find_it(db: LexSearch) -> None:
    db.add([picture("green"), picture("red")], ids=["g", "r"], **FAST)
    assert db.search(Query.image(np.asarray(picture("green"))), top_k=1)[0].docid == "g"
    s = db.stages
    assert docids(s.late.rerank("red", ["g", "r"])) == ["r", "g"]
    with pytest.raises(UsageError, match="no picture 'nobody'"):
        s.late.rerank("red", ["nobody"])


def test_nothing_given_is_nothing_done(db: LexSearch) -> None:
    report = db.add([], ids=[], metadata=[], **FAST)
    assert report.found == 0
    assert db.delete([]) == 0
    assert len(db) == 0
