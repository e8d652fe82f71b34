"""What the pages say when something is wrong or missing, and that they work on afterwards."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lexsearch import LexSearch
from lexsearch.bundle.lock import WriteLock
from lexsearch.settings import Settings
from ui import index_job, muted
from ui.library import Library
from ui.request import Request

App = Callable[..., Any]
Texts = Callable[[Any], str]
Component = Callable[[Any, str], dict[str, Any]]
PAGES = ("search", "library", "words", "duplicates", "compare", "explain", "model")


@pytest.fixture
def own_db(tmp_path: Path, made_db: Path) -> Path:
    return shutil.copytree(made_db, tmp_path / "own_db")


def damage(db: Path, role: str) -> None:
    (path,) = db.glob(f"segments/*/{role}")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


@pytest.mark.parametrize("role", ["lexical.lxs", "dense.lxd", "tokens.lxt"])
def test_a_damaged_segment_is_named_with_the_way_out(
    app: App, own_db: Path, role: str, texts: Texts
) -> None:
    damage(own_db, role)
    page = app("search", db=str(own_db), q="a red car")
    assert not page.exception
    assert page.error[0].value == "The index is damaged."
    assert role in texts(page)
    assert "lexsearch repair" in texts(page)


def test_a_catalog_that_is_none_is_named(app: App, own_db: Path, texts: Texts) -> None:
    (own_db / "catalog.sqlite").write_bytes(b"no database at all" * 400)
    for name in PAGES:
        page = app(name, db=str(own_db), q="car", id="0" * 16)
        assert not page.exception
        assert "catalog.sqlite" in texts(page), name


def test_an_index_of_another_model_says_how_to_make_it_anew(
    app: App, tmp_path: Path, toy_model: Any, texts: Texts
) -> None:
    LexSearch.create(tmp_path / "toy", model=toy_model).close()
    page = app("search", db=str(tmp_path / "toy"), q="car")
    assert not page.exception
    assert toy_model.identity.name in texts(page)


def test_a_changed_encoder_is_refused_with_both_names(
    app: App, own_db: Path, texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ui.remembering import RememberingModel

    class Changed(RememberingModel):
        @property
        def identity(self) -> Any:
            from dataclasses import replace

            known = super().identity
            return replace(known, fingerprints={**known.fingerprints, "dense": "other/1"})

    monkeypatch.setattr("ui.library.RememberingModel", Changed)
    page = app("search", db=str(own_db), q="car")
    assert page.error[0].value == "This library was made by another model."
    assert "other/1" in texts(page)
    assert "lexsearch index --force" in texts(page)


def test_a_missing_model_is_named(
    app: App, own_db: Path, monkeypatch: pytest.MonkeyPatch, texts: Texts
) -> None:
    from lexsearch.errors import ModelMissing

    def build(*_: object) -> None:
        raise ModelMissing("the model 'mini' is not installed; get it with: lexsearch models pull")

    monkeypatch.setattr("ui.library.build", build)
    page = app("search", db=str(own_db), q="car")
    assert page.error[0].value == "A model or package is missing."
    assert "lexsearch models pull" in texts(page)


def test_another_writer_does_not_stop_a_search_and_is_named_by_a_run(
    app: App, own_db: Path, photos: Path, settings: Settings, component: Component
) -> None:
    lock = WriteLock(own_db)
    lock.acquire()
    try:
        data = component(app("search", db=str(own_db), q="a red car"), "result_grid")
        assert len(data["hits"]) == 5
        index_job.start(settings, own_db, [str(photos)])
        job = ended(settings, own_db)
    finally:
        lock.release()
    assert job.state == "failed"
    assert "writ" in job.text
    page = app("library", db=str(own_db))
    assert page.error[0].value == "Indexing failed."


def ended(settings: Settings, directory: Path) -> index_job.Job:
    deadline = time.monotonic() + 200
    while (job := index_job.read(settings, directory)) is not None and job.is_active:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert job is not None
    return job


def test_pictures_that_another_process_adds_are_found_at_once(
    books: Library, own_db: Path, photos: Path, settings: Settings, tmp_path: Path
) -> None:
    own = Library(Settings(settings.data_dir, settings.cache_dir, db=str(own_db)))
    before = len(own.overview().newest)
    shutil.copy(photos / "scene_037.jpg", tmp_path / "new.jpg")
    with (tmp_path / "new.jpg").open("ab") as file:
        file.write(b"other bytes")
    with LexSearch.open(own_db) as db:
        db.index(tmp_path / "new.jpg")
    assert len(own.search(Request(text="a red car"), top_k=9)) == before + 1
    assert len(own.overview().newest) == before + 1


def test_an_index_that_moves_away_while_it_is_open_is_a_library_to_be_made(
    app: App, own_db: Path, component: Component
) -> None:
    page = app("search", db=str(own_db), q="a red car")
    away = own_db.rename(own_db.with_name("away"))
    page = page.run()
    assert not page.exception
    assert "Index the sample pictures" in [button.label for button in page.button]
    away.rename(own_db)
    assert len(component(page.run(), "result_grid")["hits"]) == 5


def test_an_index_that_was_replaced_is_opened_anew(
    app: App, own_db: Path, photos: Path, component: Component
) -> None:
    page = app("search", db=str(own_db), q="a red car")
    shutil.rmtree(own_db)
    with LexSearch.create(own_db) as db:
        db.index(photos / "scene_037.jpg")
    page = page.run()
    assert not page.exception
    assert len(component(page, "result_grid")["hits"]) == 1


def test_a_cache_that_cannot_be_written_costs_nothing_but_speed(
    app: App, settings: Settings, component: Component
) -> None:
    settings.cache_dir.parent.mkdir(parents=True, exist_ok=True)
    settings.cache_dir.write_text("a file where the cache should be")
    page = app("search", q="a red car")
    assert not page.exception
    page = page.run()
    assert all(hit["thumb"] for hit in component(page, "result_grid")["hits"])
    for name in ("library", "settings", "explain"):
        assert not app(name).exception


def test_a_run_that_cannot_say_how_far_it_is_does_not_start(
    app: App, settings: Settings, photos: Path, texts: Texts
) -> None:
    settings.cache_dir.parent.mkdir(parents=True, exist_ok=True)
    settings.cache_dir.write_text("a file where the cache should be")
    page = app("library")
    page.text_input(key="folder").set_value(str(photos))
    page = next(b for b in page.button if b.label == "Index this folder").click().run()
    assert not page.exception
    assert "Indexing did not start." in texts(page)


def test_a_photo_that_is_gone_shows_a_card_without_picture(
    app: App, tmp_path: Path, photos: Path, component: Component
) -> None:
    shutil.copy(photos / "scene_037.jpg", tmp_path / "here.jpg")
    with LexSearch.create(tmp_path / "db") as db:
        db.index(tmp_path / "here.jpg")
    (tmp_path / "here.jpg").unlink()
    grid = component(app("search", db=str(tmp_path / "db"), q="car"), "result_grid")
    assert grid["hits"][0]["thumb"] == ""
    page = app("duplicates", db=str(tmp_path / "db"))
    assert not page.exception


def test_more_like_a_photo_that_is_gone_says_so(
    app: App, tmp_path: Path, photos: Path, texts: Texts
) -> None:
    shutil.copy(photos / "scene_037.jpg", tmp_path / "here.jpg")
    with LexSearch.create(tmp_path / "db") as db:
        db.index(tmp_path / "here.jpg")
        id = db.search("car", top_k=1)[0].id
    (tmp_path / "here.jpg").unlink()
    page = app("search", db=str(tmp_path / "db"), like=id)
    assert not page.exception
    assert "here.jpg" in texts(page)


def test_lists_of_ours_that_are_damaged_are_named(
    app: App, settings: Settings, made_db: Path, texts: Texts
) -> None:
    path = muted.file_of(settings, made_db)
    path.parent.mkdir(parents=True)
    path.write_text("{")
    page = app("search", q="car")
    assert not page.exception
    assert path.name in texts(page)
    assert "move it away" in texts(page)


def test_a_run_that_failed_or_was_lost_is_told_on_the_library_page(
    app: App, settings: Settings, made_db: Path, texts: Texts
) -> None:
    place = index_job.file_of(settings, made_db)
    index_job._write(place, index_job.Job("failed", 1, 0.0, 0.0, text="the disk is full"))
    assert "the disk is full" in texts(app("library"))
    index_job._write(place, index_job.Job("running", 2**22 + 1, 0.0, 0.0))
    assert "Indexing ended without a word." in texts(app("library"))


def test_a_run_that_goes_on_shows_how_far_it_is_and_can_be_stopped(
    app: App, settings: Settings, made_db: Path
) -> None:
    now = time.time()
    job = index_job.Job(
        "running", os.getpid(), now - 10, now, done=25, total=100, committed=20, text="plan"
    )
    index_job._write(index_job.file_of(settings, made_db), job)
    page = app("library")
    assert not page.exception
    assert "Stop after this batch" in [b.label for b in page.button]
    assert next(b for b in page.button if b.label == "Index now").disabled
