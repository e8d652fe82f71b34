"""Every page in every state, run as Streamlit runs it, without a browser."""

from __future__ import annotations

import dataclasses
import os
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lexsearch import LexSearch
from lexsearch.cli.terminal import size
from lexsearch.settings import Settings
from ui import index_job, judgements
from ui.library import Library
from ui.request import Request

App = Callable[..., Any]
Texts = Callable[[Any], str]
Component = Callable[[Any, str], dict[str, Any]]


def best(books: Library) -> str:
    return books.search(Request(text="a red car"), top_k=1)[0].id


def test_a_start_without_a_db_offers_the_sample_pictures(app: App, tmp_path: Path) -> None:
    page = app("search", db=str(tmp_path / "none"))
    assert not page.exception
    assert any(button.label == "Index the sample pictures" for button in page.button)


@pytest.mark.parametrize(
    "name", ["library", "words", "duplicates", "evaluate", "explain", "compare", "settings"]
)
def test_every_page_survives_a_start_without_a_db(app: App, tmp_path: Path, name: str) -> None:
    page = app(name, db=str(tmp_path / "none"), id="00ff", q="car")
    assert not page.exception


def test_an_empty_db_asks_for_pictures(app: App, tmp_path: Path, texts: Texts) -> None:
    LexSearch.create(tmp_path / "empty").close()
    page = app("search", db=str(tmp_path / "empty"))
    assert "Your photos" in texts(page)


def test_a_damaged_db_is_a_message_that_says_what_to_do(
    app: App, tmp_path: Path, made_db: Path, texts: Texts
) -> None:
    shutil.copytree(made_db, tmp_path / "db")
    (tmp_path / "db" / "FORMAT.json").write_text("{")
    page = app("search", db=str(tmp_path / "db"))
    assert not page.exception
    assert page.error[0].value == "The index is damaged."
    assert "FORMAT.json" in texts(page)


def test_the_empty_search_shows_ideas_that_search(app: App, component: Component) -> None:
    page = app("search")
    assert not page.exception
    (idea, *_) = [b for b in page.button if str(b.key).startswith("idea_")]
    page = idea.click().run()
    assert page.query_params["q"] == idea.key.removeprefix("idea_")
    assert component(page, "result_grid")["hits"][0]["rank"] == 1


def test_a_search_shows_hits_with_reasons_and_shares(app: App, component: Component) -> None:
    page = app("search", q="a red car")
    data = component(page, "result_grid")
    assert [hit["rank"] for hit in data["hits"]] == [1, 2, 3, 4, 5]
    first = data["hits"][0]
    assert 0 < len(first["reasons"]) <= 3
    assert set(first["shares"]) == {"lexical", "dense", "late"}
    assert sum(first["shares"].values()) == pytest.approx(first["score"], rel=1e-4)
    assert first["alt"].startswith("photo scene_")
    shown = [word["word"] for word in component(page, "word_pills")["words"]]
    assert {"car", "red"} <= set(shown[:3])


@pytest.mark.parametrize("mode", ["lexical", "dense", "late"])
def test_every_mode_answers(app: App, mode: str, component: Component) -> None:
    data = component(app("search", q="a red car", mode=mode), "result_grid")
    assert data["channels"] == [mode]
    assert len(data["hits"]) == 5


def test_typing_a_query_changes_the_address_and_forgets_edits(app: App) -> None:
    page = app("search", q="a car", w="car:2", must="blue")
    page = page.text_input(key="q").set_value("a boat").run()
    assert page.query_params == {"q": "a boat"}


def test_edited_words_of_the_address_are_in_force(app: App, component: Component) -> None:
    page = app("search", q="a car", w="car:3,umbrella:1", **{"not": "blue"})
    states = {one["word"]: one for one in component(page, "word_pills")["words"]}
    assert states["car"]["factor"] == 3.0
    assert states["umbrella"]["edited"]
    assert states["blue"]["banned"]
    page = next(b for b in page.button if b.label == "Reset words").click().run()
    assert page.query_params == {"q": "a car"}


def test_a_word_is_added_from_the_vocabulary(app: App) -> None:
    page = app("search", q="a car")
    option = next(o for o in page.selectbox(key="added").options if o.startswith("blue ·"))
    page = page.selectbox(key="added").set_value(option).run()
    assert page.query_params["w"] == "blue:1"


def test_a_search_that_cannot_be_made_says_why(app: App, texts: Texts) -> None:
    page = app("search", q="car", must="xyzzy")
    assert "'xyzzy' is not among" in texts(page)
    page = app("search", like="0" * 16)
    assert not page.exception
    assert "no picture" in texts(page)


def test_conditions_that_nothing_meets_are_said(app: App, texts: Texts) -> None:
    page = app("search", q="car", after="2999")
    assert "No picture meets these conditions" in texts(page)


def test_the_copied_command_is_on_the_page(app: App, settings: Settings) -> None:
    page = app("search", q="a car", mode="lexical")
    lines = [block.value for block in page.code]
    assert lines[0] == f"lexsearch search --mode lexical --db {settings.db} 'a car'"
    assert "LexSearch.open" in lines[1]


def test_why_shows_the_patches_of_a_hit(app: App, books: Library, component: Component) -> None:
    page = app("explain", q="a red car", id=best(books))
    assert not page.exception
    data = component(page, "patch_viewer")
    assert data["grid"] == [7, 7]
    assert data["picture"].startswith("data:image/jpeg;base64,")
    assert data["arithmetic"]["shares"][0]["rank"] >= 1


def test_why_without_a_search_explains_the_words_of_the_picture(
    app: App, books: Library, component: Component
) -> None:
    data = component(app("explain", id=best(books)), "patch_viewer")
    assert data["lexical"] > 0
    assert data["tokens"] == []


def test_why_of_nothing_points_to_the_search(app: App, texts: Texts) -> None:
    assert "Search first" in texts(app("explain"))
    assert "no picture '../../etc/passwd'" in texts(app("explain", id="../../etc/passwd", q="x"))


def test_why_of_a_photo_that_is_gone_shows_what_is_stored(
    app: App, tmp_path: Path, photos: Path, component: Component
) -> None:
    shutil.copy(photos / "scene_037.jpg", tmp_path / "here.jpg")
    with LexSearch.create(tmp_path / "db") as db:
        db.index(tmp_path / "here.jpg")
        id = db.search("car", top_k=1)[0].id
    (tmp_path / "here.jpg").unlink()
    data = component(app("explain", db=str(tmp_path / "db"), q="car", id=id), "patch_viewer")
    assert data["picture"] is None
    assert data["words"]
    assert "the index stored" in data["notes"][0]
    grid = component(app("search", db=str(tmp_path / "db"), q="car"), "result_grid")
    assert grid["hits"][0]["thumb"] == ""


def test_the_library_lists_folders_and_skipped_files(app: App, photos: Path, texts: Texts) -> None:
    page = app("library")
    assert not page.exception
    assert str(photos) in texts(page)
    assert page.dataframe[0].value["file"][0].endswith("broken <b>.jpg")
    assert [metric.value for metric in page.metric][:3] == ["5", "6", "1"]


def test_a_folder_that_does_not_exist_is_refused(app: App, texts: Texts) -> None:
    page = app("library")
    page.text_input(key="folder").set_value("/no/such/folder")
    page = next(b for b in page.button if b.label == "Index this folder").click().run()
    assert "there is no folder or file /no/such/folder" in texts(page)


def test_the_words_page_counts_and_shows_examples(app: App, component: Component) -> None:
    page = app("words", word="car")
    assert not page.exception
    assert component(page, "result_grid")["title"].startswith("car: ")
    assert page.dataframe[0].value["pictures"].max() <= 5


def test_muted_words_are_kept(app: App, books: Library) -> None:
    page = app("words")
    page = page.multiselect[0].set_value(["blue"]).run()
    assert not page.exception
    from ui import muted

    assert muted.load(books.settings, books.directory) == ("blue",)


def test_duplicates_are_listed_as_plain_text(app: App) -> None:
    page = app("duplicates")
    assert not page.exception
    assert "copy *of* [it](http---x).jpg" in page.code[0].value


def test_near_duplicates_follow_the_slider(app: App) -> None:
    page = app("duplicates")
    page = page.slider(key="near_bits").set_value(16).run()
    assert not page.exception


def test_compare_shows_differences_that_add_up(app: App) -> None:
    page = app("compare", q="a red car")
    assert not page.exception
    channels, words = page.dataframe[0].value, page.dataframe[1].value
    assert channels["A - B"][:-1].sum() == pytest.approx(channels["A - B"].iloc[-1], abs=1e-6)
    assert words["A - B"].sum() != 0


def test_evaluate_asks_for_judgements_first(app: App, texts: Texts) -> None:
    assert "No search has a relevant picture yet" in texts(app("evaluate"))


def test_evaluate_measures_what_was_judged(app: App, books: Library, texts: Texts) -> None:
    id = best(books)
    judgements.judge(books.settings, books.directory, {"q": "a red car", "mode": "late"}, id, 1)
    page = app("evaluate")
    assert not page.exception
    table = page.dataframe[1].value.set_index("setting")
    assert table.loc["Hybrid", "R@1"] == 1.0
    assert "too few topics" in texts(page)


def test_a_thumb_again_takes_it_back(books: Library) -> None:
    place = (books.settings, books.directory)
    judgements.judge(*place, {"q": "car", "n": "48"}, "00ff", 1)
    assert judgements.load(*place).grades_of({"q": "car", "mode": "late"}) == {"00ff": 1}
    judgements.judge(*place, {"q": "car"}, "00ff", 0)
    assert judgements.load(*place).grades_of({"q": "car"}) == {"00ff": 0}
    assert judgements.load(*place).qrels() == {}
    judgements.judge(*place, {"q": "car"}, "00ff", 0)
    assert judgements.load(*place).topics == ()


def test_settings_clear_the_cache(app: App, books: Library) -> None:
    books.thumbs([best(books)])
    page = app("settings")
    assert not page.exception
    page = next(b for b in page.button if b.label == "Clear the cache").click().run()
    assert not list(books.settings.cache_dir.rglob("*.webp"))


def test_a_job_indexes_in_its_own_process(tmp_path: Path, photos: Path) -> None:
    settings = Settings(tmp_path / "data", tmp_path / "cache")
    directory = tmp_path / "new"
    started = index_job.start(settings, directory, [str(photos / "scene_014.jpg")])
    assert started.is_active
    deadline = time.monotonic() + 200
    while (job := index_job.read(settings, directory)) and job.is_active:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert job is not None
    assert (job.state, job.committed, job.pid != os.getpid()) == ("done", 1, True)
    with LexSearch.open(directory) as db:
        assert len(db) == 1


def test_of_two_runs_that_are_asked_for_at_once_one_starts(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []

    class Process:
        def __init__(self, *args: object, **kwargs: object) -> None:
            started.append(args)

        def wait(self) -> int:
            return 0

    monkeypatch.setattr(index_job.subprocess, "Popen", Process)
    settings = Settings(tmp_path / "data", tmp_path / "cache")
    ready = threading.Barrier(8)

    def ask(_: int) -> bool:
        ready.wait()
        try:
            index_job.start(settings, tmp_path / "new", [str(photos)])
        except index_job.UnderWay:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ask, range(8))) == [False] * 7 + [True]
    assert len(started) == 1


def test_a_second_tab_is_told_of_the_run_under_way(
    app: App, settings: Settings, made_db: Path, photos: Path, texts: Texts
) -> None:
    page = app("library")
    now = time.time()
    job = index_job.Job("running", os.getpid(), now, now, done=25, total=100, committed=20)
    index_job._write(index_job.file_of(settings, made_db), job)  # by the other tab
    page.text_input(key="folder").set_value(str(photos))
    page = next(b for b in page.button if b.label == "Index this folder").click().run()
    assert "Another run is under way: this is how far it is." in texts(page)
    assert "did not start" not in texts(page)
    assert "failed" not in texts(page)
    done = dataclasses.replace(job, state="done", text="25 new")
    index_job._write(index_job.file_of(settings, made_db), done)
    page.run()
    assert "Another run" not in texts(page.run())


def test_a_job_whose_process_died_is_known_as_lost(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "data", tmp_path / "cache")
    job = index_job.Job("running", 2**22 + 1, 0.0, 0.0)
    index_job._write(index_job.file_of(settings, tmp_path), job)
    found = index_job.read(settings, tmp_path)
    assert found is not None
    assert found.was_lost
    assert not found.is_active


def test_the_time_left_follows_the_speed_so_far() -> None:
    job = index_job.Job("running", 1, started=0.0, updated=10.0, done=25, total=100)
    assert job.seconds_left == 10.0 / 25 * 75
    assert index_job.Job("running", 1, 0.0, 10.0).seconds_left is None


def test_the_words_page_lists_overused_and_silent_words(app: App, books: Library) -> None:
    page = app("words")
    used, silent = (table.value for table in page.dataframe[:2])
    assert used["pictures"].is_monotonic_decreasing
    assert used["share"].iloc[0] == used["pictures"].iloc[0] / 5
    with books.use() as db:
        assert set(silent["word"]) == set(db.word_use.never_used())
    assert not set(silent["word"]) & set(used["word"])


def test_the_library_says_what_every_channel_takes_on_disk(app: App, books: Library) -> None:
    shown = {one.label: one.value for one in app("library").metric}
    with books.use() as db:
        sizes = db.status()["bytes"]
    assert {"Words", "Meaning", "Fine match"} <= set(shown)
    assert shown["Meaning"] == size(sizes["dense"])
    assert shown["Words"] == size(sizes["lexical"])
