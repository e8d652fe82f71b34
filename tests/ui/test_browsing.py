"""The search page beyond a plain query: filters alone, stacks, bans of the text, pictures given."""

from __future__ import annotations

import base64
import datetime as dt
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lexsearch import LexSearch
from lexsearch.cli.demo import corpus
from ui import judgements
from ui.library import Library
from ui.request import Request, without_exclusion
from ui.uploads import decode_upload
from ui.views.filters import day
from ui.views.holdings import box_filter

App = Callable[..., Any]
Texts = Callable[[Any], str]
Component = Callable[[Any, str], dict[str, Any]]


@pytest.fixture(scope="module")
def dated_db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of two years in two folders; three of them nearly the same, two with a place."""
    folder = tmp_path_factory.mktemp("dated")
    for place, year, name, gps in (
        ("sea [1]", 2023, "scene_014.jpg", (41.5, 2.25)),
        ("sea [1]", 2024, "scene_037.jpg", (-33.0, 151.0)),
        ("town", 2024, "scene_041.jpg", None),
    ):
        (folder / place).mkdir(exist_ok=True)
        _save(corpus() / name, folder / place / name, year, gps, quality=92)
    for i, quality in enumerate((60, 75)):
        _save(corpus() / "scene_041.jpg", folder / "town" / f"again{i}.jpg", 2024, None, quality)
    directory = tmp_path_factory.mktemp("dated_db") / "db"
    with LexSearch.create(directory) as db:
        assert db.index(folder).encoded == 5
    return directory


def _save(
    source: Path, target: Path, year: int, gps: tuple[float, float] | None, quality: int
) -> None:
    exif = Image.Exif()
    exif[0x0110] = "Lumo X1"
    exif.get_ifd(0x8769)[0x9003] = f"{year}:06:01 12:00:00"
    if gps is not None:
        exif.get_ifd(0x8825).update(
            {
                1: "N" if gps[0] >= 0 else "S",
                2: (abs(gps[0]), 0.0, 0.0),
                3: "E" if gps[1] >= 0 else "W",
                4: (abs(gps[1]), 0.0, 0.0),
            }
        )
    with Image.open(source) as picture:
        picture.convert("RGB").save(target, exif=exif, quality=quality)


def test_filters_alone_show_what_they_admit_newest_first(
    app: App, dated_db: Path, component: Component
) -> None:
    data = component(app("search", db=str(dated_db), after="2024"), "result_grid")
    assert data["title"] == "4 pictures"
    assert {hit["reasons"][0] for hit in data["hits"]} == {"2024-06-01"}
    data = component(app("search", db=str(dated_db), type="jpeg"), "result_grid")
    assert [hit["reasons"][0][:4] for hit in data["hits"]] == ["2024"] * 4 + ["2023"]


def test_a_filter_that_was_typed_shows_the_same(
    app: App, dated_db: Path, component: Component
) -> None:
    page = app("search", db=str(dated_db), q="before:2024")
    assert [hit["name"] for hit in component(page, "result_grid")["hits"]] == ["scene_014.jpg"]


def test_a_label_alone_shows_what_carries_it(
    app: App, made_db: Path, tmp_path: Path, component: Component
) -> None:
    shutil.copytree(made_db, tmp_path / "labelled")
    with LexSearch.open(tmp_path / "labelled") as db:
        labels = db.label(["car", "boat"], templates=["a {}"], keep=True)
        wanted = [labels.classes[i] for i in labels.best].count("car")
    page = app("search", db=str(tmp_path / "labelled"), q="label:car")
    assert 0 < wanted < 5
    assert len(component(page, "result_grid")["hits"]) == wanted


def test_an_exclusion_alone_shows_the_rest(app: App, books: Library, component: Component) -> None:
    with books.use() as db:
        word = next(one for one in db.word_use.used() if 0 < one.images < 5)
    data = component(app("search", q=f"-{word.word}"), "result_grid")
    assert len(data["hits"]) == 5 - word.images


def test_filters_that_admit_nothing_say_so(app: App, texts: Texts) -> None:
    assert "No picture meets these conditions" in texts(app("search", after="2999"))


def test_the_filters_are_cleared_by_one_button(app: App, dated_db: Path) -> None:
    page = app("search", db=str(dated_db), q="car", after="2024", camera="lumo")
    page = next(b for b in page.button if b.label == "Clear the filters").click().run()
    assert page.query_params == {"q": "car"}


def test_the_library_lists_folders_years_and_cameras_with_their_filters(
    app: App, dated_db: Path, component: Component
) -> None:
    groups = component(app("library", db=str(dated_db)), "facets")["groups"]
    (top,) = groups[0]["entries"]
    inside = {one["label"]: one for one in top["inside"]}
    assert {name: one["count"] for name, one in inside.items()} == {"sea [1]": 2, "town": 3}
    lists = {g["title"]: {e["label"]: e["count"] for e in g["entries"]} for g in groups[1:]}
    assert lists == {
        "Years": {"2024": 4, "2023": 1},
        "Cameras": {"Lumo X1": 5},
        "File types": {"jpg": 5},
    }
    page = app("search", db=str(dated_db), path=inside["sea [1]"]["value"])
    names = {hit["name"] for hit in component(page, "result_grid")["hits"]}
    assert names == {"scene_014.jpg", "scene_037.jpg"}


def test_a_place_of_the_list_shows_its_pictures(
    app: App, dated_db: Path, component: Component, texts: Texts
) -> None:
    page = app("library", db=str(dated_db))
    assert "2 pictures know where they were taken" in texts(page)
    box = page.selectbox(key="place")
    option = next(one for one in box.options if one.startswith("33.000° S"))
    page = box.select(option).run()
    assert not page.exception
    data = component(page, "result_grid")
    assert data["title"] == "1 picture here"
    assert [hit["name"] for hit in data["hits"]] == ["scene_037.jpg"]


def test_nearly_equal_pictures_are_stacked_and_counted(
    app: App, dated_db: Path, component: Component
) -> None:
    plain = component(app("search", db=str(dated_db), q="a car"), "result_grid")
    assert [hit["others"] for hit in plain["hits"]] == [0] * 5
    page = app("search", db=str(dated_db), q="a car", stack="1")
    data = component(page, "result_grid")
    assert sorted(hit["others"] for hit in data["hits"]) == [0, 0, 2]
    best = next(hit for hit in data["hits"] if hit["others"])
    page.session_state["opened_stacks"] = frozenset({best["id"]})
    hits = component(page.run(), "result_grid")["hits"]
    place = next(i for i, hit in enumerate(hits) if hit["opened"])
    names = {hit["name"] for hit in hits[place : place + 3]}
    assert names == {"scene_041.jpg", "again0.jpg", "again1.jpg"}


def test_stacking_is_in_the_copied_command(app: App) -> None:
    page = app("search", q="car", stack="1")
    assert "--group-duplicates" in page.code[0].value
    assert page.toggle(key="stacked").value
    assert page.toggle(key="stacked").set_value(False).run().query_params == {"q": "car"}


def test_a_word_excluded_in_the_text_is_a_banned_pill(app: App, component: Component) -> None:
    page = app("search", q="a car -blue")
    states = {one["word"]: one for one in component(page, "word_pills")["words"]}
    assert states["blue"]["banned"]
    assert not states["car"]["banned"]


def test_a_ban_is_taken_back_where_it_stands() -> None:
    assert Request(text="a car -Blue").ban("blue").text == "a car"
    assert Request(text="-blue car").ban("blue").text == "car"
    assert Request(exclude=("blue",)).ban("blue").exclude == ()
    banned = Request(text="car", must=("blue",), cutoff=0.2).ban("blue")
    assert (banned.exclude, banned.must, banned.cutoff) == (("blue",), (), None)


def test_a_pin_takes_the_place_of_a_ban() -> None:
    pinned = Request(text="car -blue", exclude=("red",)).pin("blue")
    assert (pinned.text, pinned.must, pinned.exclude) == ("car", ("blue",), ("red",))
    assert pinned.pin("blue").must == ()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('"a -blue b" -blue', '"a -blue b"'),
        ("x-blue -blues", "x-blue -blues"),
        ("-blue -BLUE car", "car"),
        ("car -", "car -"),
    ],
)
def test_only_real_exclusions_leave_the_text(text: str, left: str) -> None:
    assert without_exclusion(text, "blue") == left


def test_a_picture_that_was_given_has_a_chip_with_its_likeness(
    app: App, photos: Path, component: Component
) -> None:
    page = app("search")
    from ui.state import library

    picture = decode_upload((photos / "scene_037.jpg").read_bytes())
    library().keep_upload("feed", picture)
    page.query_params["upload"] = "feed"
    page = page.run()
    (chip,) = component(page, "word_pills")["pictures"]
    data = base64.b64decode(chip["thumb"].partition(",")[2])
    with Image.open(io.BytesIO(data)) as thumb:
        assert max(thumb.size) == 96
    assert component(page, "result_grid")["hits"][0]["name"] == "scene_037.jpg"


def test_a_picture_that_is_gone_after_a_restart_says_so(app: App, texts: Texts) -> None:
    assert "drop it on the page again" in texts(app("search", upload="0123"))


def test_the_model_page_has_the_card_and_the_weights(app: App, texts: Texts) -> None:
    page = app("model")
    assert not page.exception
    assert [metric.label for metric in page.metric] == ["Words", "Meaning", "Fine match"]
    assert any("lexsearch-mini" in block.value for block in page.markdown)
    assert "vector of" in texts(page)


def test_compare_takes_another_picture_than_the_one_it_was_asked_for(
    app: App, books: Library
) -> None:
    first, second = (hit.id for hit in books.search(Request(text="a red car"), top_k=2))
    page = app("compare", q="a red car", a=second)
    assert not page.exception
    assert page.selectbox(key="compare_a").value == second
    assert page.selectbox(key="compare_b").value == first


def test_evaluate_compares_every_measure_and_shows_one_topic(
    app: App, books: Library, component: Component
) -> None:
    hits = books.search(Request(text="a red car"), top_k=2)
    place = (books.settings, books.directory)
    judgements.judge(*place, {"q": "a red car"}, hits[0].id, 1)
    judgements.judge(*place, {"q": "a red car"}, hits[1].id, 0)
    page = app("evaluate")
    assert list(page.dataframe[2].value["measure"]) == ["nDCG@10", "R@1", "R@5", "R@10", "RR"]
    assert page.dataframe[1].value["ms per search"].notna().all()
    box = next(one for one in page.selectbox if one.label == "Look at one topic")
    page = box.select(box.options[0]).run()
    assert not page.exception
    data = component(page, "result_grid")
    assert data["title"] == "this: Hybrid"
    assert [hit["reasons"] for hit in data["hits"][:3]] == [
        ["relevant"],
        ["not relevant"],
        ["not judged"],
    ]


def test_evaluate_searches_once_for_the_same_topics(app: App, books: Library) -> None:
    hit = books.search(Request(text="a red car"), top_k=1)[0]
    judgements.judge(books.settings, books.directory, {"q": "a red car"}, hit.id, 1)
    page = app("evaluate")
    before = page.session_state["trials"]
    page = next(one for one in page.selectbox if one.label == "by").select("RR").run()
    assert page.session_state["trials"] is before


def test_judgements_can_be_forgotten(app: App, books: Library, texts: Texts) -> None:
    place = (books.settings, books.directory)
    judgements.judge(*place, {"q": "car"}, "00ff", 1)
    page = app("evaluate")
    page = next(b for b in page.button if b.label == "Forget them").click().run()
    assert "No search has a relevant picture yet" in texts(page)
    assert judgements.load(*place).topics == ()


def test_places_are_filters_of_the_form_and_of_the_box(
    app: App, dated_db: Path, component: Component, texts: Texts
) -> None:
    data = component(app("search", db=str(dated_db), near="41.6,2.2,20km"), "result_grid")
    assert [hit["name"] for hit in data["hits"]] == ["scene_014.jpg"]
    data = component(app("search", db=str(dated_db), q="box:-34,150,-32,152"), "result_grid")
    assert [hit["name"] for hit in data["hits"]] == ["scene_037.jpg"]
    data = component(app("search", db=str(dated_db), q="car near:41.6,2.2,20km"), "result_grid")
    assert [hit["name"] for hit in data["hits"]] == ["scene_014.jpg"]
    page = app("search", db=str(dated_db), q="car")
    page = page.text_input(key="filter_near").set_value(" 41.6,2.2,20km ").run()
    assert page.query_params == {"q": "car", "near": "41.6,2.2,20km"}
    page = page.text_input(key="filter_near").set_value("Barcelona").run()
    assert "near:Barcelona is no place; expected" in texts(page)


def test_dates_and_cameras_are_picked(app: App, dated_db: Path, component: Component) -> None:
    page = app("search", db=str(dated_db), q="car", before="2024")
    assert page.date_input(key="filter_before").value == dt.date(2024, 1, 1)
    assert page.date_input(key="filter_after").value is None
    assert page.selectbox(key="filter_camera").options == [], "counted when the form is opened"
    page = page.date_input(key="filter_after").set_value(dt.date(2023, 6, 1)).run()
    assert page.query_params == {"q": "car", "before": "2024", "after": "2023-06-01"}
    assert [hit["name"] for hit in component(page, "result_grid")["hits"]] == ["scene_014.jpg"]
    picker = page.selectbox(key="filter_camera")  # the form stays open when it is used
    assert picker.options == ["Lumo X1"]
    page = picker.select("Lumo X1").run()
    assert page.query_params["camera"] == "Lumo X1"
    page = page.date_input(key="filter_after").set_value(None).run()
    assert page.query_params == {"q": "car", "before": "2024", "camera": "Lumo X1"}
    other = app("search", db=str(dated_db), q="car", camera="lumo")
    assert other.selectbox(key="filter_camera").options == ["lumo"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024", dt.date(2024, 1, 1)),
        ("2024-02-30", dt.date(2024, 3, 1)),
        ("2024-07-14T11:02:09", dt.date(2024, 7, 14)),
        ("0001", None),
        ("9999-99-99", None),
        ("", None),
        ("soon", None),
    ],
)
def test_a_beginning_of_a_date_is_its_first_day(text: str, expected: dt.date | None) -> None:
    assert day(text) == expected


def test_a_place_of_the_library_is_searched_in(app: App, dated_db: Path) -> None:
    page = app("library", db=str(dated_db))
    option = next(o for o in page.selectbox(key="place").options if o.startswith("33.000° S"))
    page = page.selectbox(key="place").select(option).run()
    assert "Search among these" in [one.label for one in page.button]
    assert box_filter(-33.0, -33.0, 151.0, 151.0) == "-33,151,-33,151"
    for edges in ((-33.12345678, -33.0, 150.9, 151.00000049), (-90.0, 90.0, -180.0, 180.0)):
        south, west, north, east = map(float, box_filter(*edges).split(","))
        assert south <= edges[0] <= edges[1] <= north
        assert west <= edges[2] <= edges[3] <= east
