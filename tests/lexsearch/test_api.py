"""The facade over real folders, a real index and a toy model."""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lexsearch import Filter, LexSearch, Query, Settings
from lexsearch.bundle.writer import BundleWriter
from lexsearch.errors import IndexDamaged, IndexMissing, UsageError, WrongModel

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (32, 24), colour).save(folder / f"{name}.png")
    halves = Image.new("RGB", (32, 24), COLOURS["red"])
    halves.paste(COLOURS["green"], (16, 0, 32, 24))
    exif = Image.Exif()
    exif[0x0110], exif[0x0132] = "Lumo X1", "2024:06:05 10:00:00"
    halves.save(folder / "halves.jpg", exif=exif, quality=95)
    return folder


@pytest.fixture
def db(tmp_path: Path, photos: Path, toy_model: Any) -> Iterator[LexSearch]:
    with LexSearch.create(tmp_path / "db", model=toy_model) as opened:
        opened.index(photos)
        yield opened


def names(results: Any) -> list[str]:
    return [Path(hit.path).name for hit in results]


def test_what_was_indexed_is_found(db: LexSearch) -> None:
    assert len(db) == 4
    results = db.search("red", top_k=2)
    assert names(results)[0] == "red.png"
    assert results.paths == [hit.path for hit in results]
    assert results[0]["score"] == results[0].score
    assert results[0].docid == results[0].id


def test_an_empty_db_answers_with_an_empty_list(tmp_path: Path, toy_model: Any) -> None:
    with LexSearch.create(tmp_path / "db", model=toy_model) as db:
        assert list(db.search("red")) == []
        assert db.status()["images"] == 0


def test_opening_nothing_is_an_error_that_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="lexsearch index"):
        LexSearch.open(tmp_path / "none")


def test_a_db_of_another_model_is_refused_with_both_fingerprints(
    db: LexSearch, toy_model: Any
) -> None:
    other = type(toy_model)()
    marks = {**toy_model.identity.fingerprints, "dense": "toy/d/2"}
    other.identity = dataclasses.replace(toy_model.identity, fingerprints=marks)
    with (
        LexSearch.open(db.directory, model=other) as opened,
        pytest.raises(WrongModel, match=r"toy/d/1.*toy/d/2.*--force"),
    ):
        opened.search("red")


def test_conditions_and_filters_reach_the_search(db: LexSearch) -> None:
    assert "green.png" not in names(db.search("red -green", top_k=10))
    assert names(db.search("red camera:lumo")) == ["halves.jpg"]
    assert names(db.search("red", filters=Filter(after="2024-06", before="2024-07"))) == [
        "halves.jpg"
    ]
    assert set(names(db.search("red type:png"))) == {"red.png", "green.png", "blue.png"}
    assert db.search("red", filters=Filter(path="no-such-folder")).hits == ()


def test_words_alone_run_no_model(db: LexSearch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(db.model), "encode_texts", None)
    assert names(db.search_terms({"green": 1.0, "red": -0.5}))[0] == "green.png"
    assert "red.png" not in names(db.search_terms({"green": 1.0}, exclude=["red"]))


def test_pictures_like_a_picture_leave_it_out(db: LexSearch, photos: Path) -> None:
    assert names(db.like(photos / "halves.jpg"))[0] in ("red.png", "green.png")
    assert "halves.jpg" not in names(db.like(photos / "halves.jpg"))
    assert names(db.like(Image.new("RGB", (9, 9), "blue")))[0] == "blue.png"


def test_a_picture_in_memory_asks_what_its_file_asks(db: LexSearch, photos: Path) -> None:
    path = photos / "green.png"
    with Image.open(path) as opened:
        opened.load()
    given = (path, str(path), opened, np.asarray(opened), path.read_bytes())
    expected = [(h.id, h.score) for h in db.search(Query.image(path))]
    for picture in given:
        assert [(h.id, h.score) for h in db.search(Query.image(picture))] == expected
        assert names(db.like(picture, top_k=1)) != []
    with pytest.raises(UsageError, match="given as list"):
        db.like([[1, 2, 3]])  # type: ignore[arg-type]
    assert "<picture>" in str(Query.image(given[-1]))


def test_a_sum_of_text_and_picture_is_one_query(db: LexSearch, photos: Path) -> None:
    query = Query.text("red") + 0.5 * Query.image(photos / "green.png") - Query.text("blue")
    results = db.search(query, top_k=4)
    assert names(results)[0] == "halves.jpg"
    assert names(results)[-1] == "blue.png"


def test_an_explanation_adds_up_to_what_the_search_said(db: LexSearch, photos: Path) -> None:
    hit = next(h for h in db.search("red green", top_k=4) if h.path.endswith("halves.jpg"))
    why = db.explain("red green", photos / "halves.jpg")
    assert why.lexical == pytest.approx(sum(t.contribution for t in why.terms), abs=1e-6)
    assert why.lexical == hit.scores["lexical"]
    assert why.fused == pytest.approx(hit.score, abs=1e-6)
    total = sum(why.weights[name] * getattr(why, name) for name in ("lexical", "dense", "late"))
    assert why.fused == pytest.approx(total, abs=1e-5)


def test_an_explanation_shows_where_a_word_fired(
    db: LexSearch, photos: Path, tmp_path: Path
) -> None:
    why = db.explain("red green", photos / "halves.jpg")
    heat = why.heatmap("green")
    assert heat.shape == (2, 2)
    assert heat[:, 1].min() > heat[:, 0].max()
    assert why.patch_terms(0, 1)[0].word == "green"
    assert why.render(tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(KeyError, match="purple"):
        why.heatmap("purple")
    assert why.to_dict()["grid"] == [2, 2]


def test_explaining_a_picture_that_is_not_indexed_names_the_command(
    db: LexSearch, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"is not in .*lexsearch index"):
        db.explain("red", tmp_path / "other.png")


def test_words_of_pictures_texts_and_prefixes(db: LexSearch, photos: Path) -> None:
    assert db.words(photos / "red.png")[0].word == "red"
    assert [word.word for word in db.query_words("green red")] == ["green", "red"]
    assert [(word.word, word.images) for word in db.complete("r")] == [("red", 2)]


def test_a_second_run_sees_what_changed(db: LexSearch, photos: Path) -> None:
    shutil.copy(photos / "red.png", photos / "zz-copy.png")
    (photos / "blue.png").rename(photos / "azure.png")
    (photos / "green.png").unlink()
    report = db.index(photos)
    assert report.encoded == 0
    assert len(db) == 3
    assert names(db.search("blue"))[0] == "azure.png"
    assert [sorted(Path(p).name for p in group) for group in db.duplicates()] == [
        ["red.png", "zz-copy.png"]
    ]
    assert db.search("red", top_k=1)[0].also[0].endswith("zz-copy.png")


def test_an_open_db_answers_from_its_commit_until_it_reloads(
    db: LexSearch, photos: Path, toy_model: Any
) -> None:
    with LexSearch.open(db.directory, model=toy_model) as reader:
        Image.new("RGB", (32, 24), "white").save(photos / "white.png")
        db.index(photos)
        assert len(reader) == 4
        assert reader.reload()
        assert not reader.reload()
        assert names(reader.search("white"))[0] == "white.png"


def test_unreadable_files_are_listed_with_their_reason(db: LexSearch, photos: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    assert len(db.index(photos).skipped) == 1
    (skipped,) = db.skipped()
    assert skipped.path.endswith(b"broken.jpg")
    assert skipped.reason
    assert db.status()["skipped"] == 1


@pytest.mark.parametrize(("top_k", "mode"), [(0, "hybrid"), (5, "best")])
def test_bad_requests_are_refused_before_any_work(db: LexSearch, top_k: int, mode: Any) -> None:
    with pytest.raises(UsageError):
        db.search("red", top_k=top_k, mode=mode)


def test_near_duplicates_are_grouped(db: LexSearch, photos: Path) -> None:
    with Image.open(photos / "halves.jpg") as picture:
        picture.convert("RGB").resize((64, 48)).save(photos / "larger.jpg", quality=90)
    db.index(photos)
    groups = [sorted(Path(p).name for p in group) for group in db.near_duplicates(2)]
    assert any({"halves.jpg", "larger.jpg"} <= set(group) for group in groups)


def test_an_index_of_pooled_tokens_is_searched_and_opened_again(
    tmp_path: Path, photos: Path, toy_model: Any
) -> None:
    with LexSearch.create(tmp_path / "db", model=toy_model) as db:
        db.index(photos, pool_tokens=2)
        assert names(db.search("red", mode="late"))[0] == "red.png"
        assert db.status()["pool_tokens"] == 2
    with LexSearch.create(tmp_path / "db", model=toy_model) as db:
        assert names(db.search("green", top_k=1)) == ["green.png"]
        assert db.status()["dense"] == {"store": "flat", "scanned": 4}


def test_many_queries_are_parsed_and_filtered_like_one(db: LexSearch) -> None:
    asked = ["red -green", Query.text("blue"), "red camera:lumo"]
    for filters in (None, Filter(type="png")):
        many = db.search_many(asked, top_k=3, filters=filters)
        for query, found in zip(asked, many, strict=True):
            alone = db.search(query, top_k=3, filters=filters)
            assert [(h.path, h.score) for h in found] == [(h.path, h.score) for h in alone]
    assert db.search_many([]) == []


def test_every_word_of_a_hit_needs_no_second_run_of_the_model(
    db: LexSearch, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, runs = type(db.model), 0
    encode = {name: getattr(model, name) for name in ("encode_texts", "encode_pixels")}

    def counting(name: str) -> Any:
        def run(self: Any, batch: Any) -> Any:
            nonlocal runs
            runs += 1
            return encode[name](self, batch)

        return run

    for name in encode:
        monkeypatch.setattr(model, name, counting(name))
    hit = db.search("red green", top_k=1, every_word=True)[0]
    assert sum(term.contribution for term in hit.terms) == pytest.approx(hit.scores["lexical"])
    assert runs == 1
    db.like(photos / "halves.jpg", every_word=True)
    assert runs == 2


def test_the_threads_of_the_settings_reach_the_model_and_the_engine(tmp_path: Path) -> None:
    settings = dataclasses.replace(Settings.load(), threads=3)
    with LexSearch.create(tmp_path / "db", model="mini", settings=settings) as made:
        assert made.model._threads == 3  # type: ignore[attr-defined]
    with LexSearch.open(tmp_path / "db", settings=settings) as opened:
        assert opened.model._threads == 3  # type: ignore[attr-defined]
        assert opened.engine._finder.threads == 3


def test_a_reader_whose_files_a_merge_removed_answers_from_the_newest_commit(
    db: LexSearch, photos: Path, toy_model: Any
) -> None:
    with LexSearch.open(db.directory, model=toy_model) as reader:
        generation = reader.snapshot.generation
        (held,) = (segment.folder for segment in reader.snapshot.segments)
        for i in range(9):
            Image.new("RGB", (32, 24), (i, 0, 200)).save(photos / f"blue-{i}.png")
        db.index(photos, batch_size=1)  # so many segments that the run merges them in the end
        BundleWriter.open(
            db.directory, identity=toy_model.identity, clock=lambda: time.time() + 100
        ).close()  # what the merge replaced is old enough to go
        assert not held.exists()
        assert names(reader.search("red", top_k=1)) == ["red.png"]
        assert reader.snapshot.generation > generation


def test_damage_in_the_newest_commit_is_an_error_all_the_same(
    db: LexSearch, toy_model: Any
) -> None:
    path = next(db.directory.rglob("dense.lxd"))
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with (
        LexSearch.open(db.directory, model=toy_model) as reader,
        pytest.raises(IndexDamaged, match=r"dense\.lxd"),
    ):
        reader.search("red")


def test_a_picture_is_known_and_loaded_by_its_id(db: LexSearch) -> None:
    hit = db.search("red", top_k=1)[0]
    assert db.picture(hit.id).paths == (hit.raw_path,)
    picture = db.load_picture(hit.id, side=16)
    assert picture.size == (16, 12)
    assert "exif" not in picture.info


@pytest.mark.parametrize("id", ["", "xyz", "0" * 15, "f" * 16, "0" * 16, "../../etc/passwd"])
def test_an_id_of_nothing_is_an_error(db: LexSearch, id: str) -> None:
    with pytest.raises(UsageError, match="picture"):
        db.picture(id)


def test_a_picture_is_loaded_from_the_copy_that_is_left(db: LexSearch, photos: Path) -> None:
    shutil.copy(photos / "red.png", photos / "a_red.png")
    db.index(photos)
    hit = db.search("red", top_k=1)[0]
    (photos / "a_red.png").unlink()
    assert db.load_picture(hit.id).size == (32, 24)


def test_an_explanation_needs_no_photo_when_asked_so(db: LexSearch, photos: Path) -> None:
    full = db.explain("red", photos / "red.png")
    (photos / "red.png").unlink()
    stored = db.explain("red", photos / "red.png", read_photo=False)
    assert stored.fused == full.fused
    assert stored.terms == full.terms
    assert stored.to_dict()["grid"] is None
    with pytest.raises(UsageError, match="were not computed"):
        stored.heatmap("red")


def test_the_tokens_of_an_explanation_add_up_to_the_late_score(db: LexSearch, photos: Path) -> None:
    query = Query.text("red green") + 0.5 * Query.image(photos / "blue.png")
    found = db.explain(query, photos / "halves.jpg")
    assert [token.text for token in found.tokens][:3] == ["red", "green", "patch 1"]
    assert sum(token.share for token in found.tokens) == pytest.approx(found.late, abs=0.01)


def test_the_use_of_words_follows_the_db(db: LexSearch, photos: Path) -> None:
    before = db.word_use.count("white")
    Image.new("RGB", (32, 24), (255, 255, 255)).save(photos / "white.png")
    db.index(photos)
    assert db.word_use.count("white") == before + 1


def test_a_query_of_any_kind_has_words(db: LexSearch, photos: Path) -> None:
    found = db.query_words(Query.image(photos / "green.png"))
    assert found[0].word == "green"


class Cropping:
    """The toy model, which sees the centre of a picture only."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.pixel_spec = dataclasses.replace(model.pixel_spec, fit="crop")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def test_a_map_lies_over_what_the_model_saw(tmp_path: Path, toy_model: Any) -> None:
    (tmp_path / "photos").mkdir()
    wide = Image.new("RGB", (320, 80), COLOURS["blue"])
    wide.paste(COLOURS["red"], (120, 0, 160, 80))
    wide.paste(COLOURS["green"], (160, 0, 200, 80))
    wide.save(tmp_path / "photos" / "wide.png")
    with LexSearch.create(tmp_path / "db", model=Cropping(toy_model)) as index:
        index.index(tmp_path / "photos")
        found = index.explain("red", tmp_path / "photos" / "wide.png")
    assert found.region == (120 / 320, 0.0, 200 / 320, 1.0)
    assert (found.heatmap("red")[:, 0] > 0.9).all()
    assert (found.heatmap("red")[:, 1] < 0.1).all()
    assert found.heatmap("blue").max() < 0.1  # it was not seen
    assert found.to_dict()["region"] == [0.375, 0.0, 0.625, 1.0]
    drawn = Image.open(found.render(tmp_path / "why.png", words=["red"])).convert("RGB")
    # Two panels; in the second, blue that was not seen is bleached and red lies under the map.
    left = (drawn.width - 3 * 12) // 2 + 2 * 12
    scale = ((drawn.width - 3 * 12) // 2) / 320
    row = 12 + round(40 * scale)
    bleached = drawn.getpixel((left + round(60 * scale), row))
    assert max(bleached) - min(bleached) <= 1
    under = drawn.getpixel((left + round(130 * scale), row))
    assert max(under) - min(under) > 50


def test_a_squashing_model_sees_the_whole_picture(db: LexSearch, photos: Path) -> None:
    assert db.explain("red", photos / "halves.jpg").region == (0.0, 0.0, 1.0, 1.0)
