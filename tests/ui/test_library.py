"""The open db behind the pages."""

from __future__ import annotations

import base64
import dataclasses
import io
import threading
from pathlib import Path

import pytest
from PIL import Image

from lexsearch.errors import UsageError
from lexsearch.settings import Settings
from lexsearch.thumbnails import SIDE, Thumbnails
from ui import muted
from ui.evidence import evidence
from ui.library import Library
from ui.request import Request
from ui.uploads import decode_upload


def test_a_moved_slider_runs_no_model(books: Library) -> None:
    books.search(Request(text="a car"), top_k=5)
    before = books.model_runs
    for factor in (0.0, 0.5, 2.0, 3.0):
        asked = Request(text="a car", weights={"car": factor})
        books.search(asked, top_k=5)
        books.words(asked, most=12)
    assert books.model_runs == before == 1


def test_an_edited_word_changes_the_scores(books: Library) -> None:
    plain = books.search(Request(text="a car", mode="lexical"), top_k=5)
    more = books.search(Request(text="a car", mode="lexical", weights={"car": 3.0}), top_k=5)
    by_id = {hit.id: hit.score for hit in plain}
    assert all(hit.score > by_id[hit.id] for hit in more if hit.terms[0].word == "car")


def test_pills_show_factors_pins_and_bans_with_counts(books: Library) -> None:
    asked = Request(text="a car", weights={"car": 2.0, "umbrella": 1.5}, must=("blue",))
    states = {one.word: one for one in books.words(asked, most=4)}
    with books.use() as db:
        assert states["car"].images == db.word_use.count("car")
    assert (states["car"].factor, states["umbrella"].factor) == (2.0, 1.5)
    assert states["umbrella"].weight == 0.0
    assert states["blue"].pinned
    assert not states["car"].banned


def test_a_query_of_words_shows_its_weights(books: Library) -> None:
    asked = Request(weights={"car": 2.0, "blue": 0.5})
    assert {one.word: one.factor for one in books.words(asked, most=9)} == asked.weights


def test_more_like_this_leaves_the_picture_out_and_ranks_anew(books: Library) -> None:
    first = books.search(Request(text="a car"), top_k=1)[0]
    found = books.search(Request(like=first.id), top_k=3)
    assert first.id not in [hit.id for hit in found]
    assert [hit.rank for hit in found] == [1, 2, 3]


def test_a_muted_word_counts_nothing_until_it_is_given_a_weight(books: Library) -> None:
    muted.save(books.settings, books.directory, ["car"])
    found = books.search(Request(text="a car", mode="lexical"), top_k=5)
    assert all("car" not in [term.word for term in hit.terms] for hit in found)
    asked = Request(text="a car", mode="lexical", weights={"car": 1.0})
    assert any("car" in [t.word for t in hit.terms] for hit in books.search(asked, top_k=5))


def test_thumbnails_are_small_and_carry_no_metadata(
    tmp_path: Path, settings: Settings, photos: Path
) -> None:
    from lexsearch import LexSearch

    folder = tmp_path / "own"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "SecretCam"
    exif.get_ifd(0x8825)[1] = "N"
    Image.new("RGB", (600, 300), "red").save(folder / "turned.jpg", exif=exif)
    with LexSearch.create(tmp_path / "own_db") as db:
        db.index(folder)
    own = Library(Settings(settings.data_dir, settings.cache_dir, db=str(tmp_path / "own_db")))
    with own.use() as db:
        id = db.search("red", top_k=1)[0].id
    address = own.thumbs([id])[id]
    data = base64.b64decode(address.partition(",")[2])
    with Image.open(io.BytesIO(data)) as thumb:
        assert thumb.size == (SIDE // 2, SIDE)
        assert not thumb.getexif()
    assert b"SecretCam" not in data
    assert own.thumbnails.path(id).read_bytes() == data


def test_a_thumbnail_of_a_photo_that_is_gone_is_empty(tmp_path: Path) -> None:
    def fail(side: int) -> Image.Image:
        raise UsageError("gone")

    assert Thumbnails(tmp_path).make("00ff", fail) is None


def test_a_file_in_the_cache_that_is_no_thumbnail_is_made_anew(tmp_path: Path) -> None:
    thumbs = Thumbnails(tmp_path)
    thumbs.make("00ff", lambda side: Image.new("RGB", (4, 4)))
    assert thumbs.cached("00ff")
    thumbs.path("00ff").write_bytes(b"<svg onload=alert(1)>")
    assert thumbs.cached("00ff") is None


def test_threads_share_one_db(books: Library) -> None:
    failed: list[BaseException] = []

    def search(text: str) -> None:
        try:
            for _ in range(5):
                assert len(books.search(Request(text=text), top_k=5)) == 5
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=search, args=(t,)) for t in ("car", "bird", "boat")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.parametrize("data", [b"", b"no picture", b"<svg/>", b"\xff\xd8\xff broken"])
def test_an_upload_that_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError):
        decode_upload(data)


def test_an_upload_is_turned_upright_and_stripped(books: Library) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    held = io.BytesIO()
    Image.new("RGB", (60, 30)).save(held, "JPEG", exif=exif)
    picture = decode_upload(held.getvalue())
    assert picture.size == (30, 60)
    books.keep_upload("abc", picture)
    assert len(books.search(Request(upload="abc"), top_k=2)) == 2


def test_the_evidence_adds_up_to_the_scores(books: Library) -> None:
    hit = books.search(Request(text="a red car"), top_k=1)[0]
    with books.use() as db:
        found = db.explain("a red car", hit.raw_path)
        own = db.words(hit.raw_path)
    data = evidence(found, own, None)
    shown = sum(one["contribution"] for one in data["words"]) + data["rest"]["contribution"]
    assert shown == pytest.approx(data["lexical"], rel=1e-4)
    assert sum(one["share"] for one in data["tokens"]) == pytest.approx(data["late"], abs=1e-4)
    sums = data["arithmetic"]
    assert sum(one["share"] for one in sums["shares"]) == pytest.approx(sums["fused"], rel=1e-5)
    rows, columns = data["grid"]
    assert len(data["patches"]) == rows * columns
    for one in data["words"]:
        assert one["map"][one["best"]] == max(one["map"])
    low, high = data["word_scale"]
    assert all(low <= value <= high for one in data["words"] for value in one["map"])
    assert data["region"] is None  # the bundled model sees the whole photo
    part = dataclasses.replace(found, region=(0.25, 0.0, 0.75, 1.0))
    assert evidence(part, own, None)["region"] == [0.25, 0.0, 0.75, 1.0]
