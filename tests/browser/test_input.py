"""Pictures given by hand, keys, stacks, folders, places and runs of the indexer, in a browser."""

from __future__ import annotations

import base64
import shutil
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lexsearch.bundle.snapshot import Snapshot
from lexsearch.cli.demo import corpus
from lexsearch.errors import LexsearchError
from tests.browser.page import CARDS, Tab, ids, parameters, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

BOX = "a dog on the beach"
# Gives the page a file as a person would: by the clipboard, or dropped on it.
GIVE = """
([kind, data, type, name]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const held = new DataTransfer();
  held.items.add(new File([bytes], name, { type }));
  const how = { bubbles: true, cancelable: true };
  const event = kind === "paste" ? new ClipboardEvent("paste", { ...how, clipboardData: held })
    : new DragEvent(kind, { ...how, dataTransfer: held });
  (document.activeElement ?? document.body).dispatchEvent(event);
  return event.defaultPrevented;
}
"""


# Buttons, fields and pictures inside our components that a screen reader could not name.
NAMELESS = """
() => {
  const bad = [];
  const walk = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.shadowRoot) walk(node.shadowRoot);
      if (root === document) continue;
      const name = node.getAttribute("aria-label") || node.textContent.trim() || node.title
        || node.closest("label")?.textContent.trim();
      if (["BUTTON", "INPUT", "SELECT"].includes(node.tagName) && !name) bad.push(node.outerHTML);
      if (node.tagName === "IMG" && !node.alt) bad.push(node.outerHTML);
    }
  };
  walk(document);
  return bad;
}
"""


def names(page: Any) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        "article .name", "all => all.map(one => one.textContent)"
    )
    return found


def give(page: Any, kind: str, path: Path, type_: str = "image/jpeg") -> bool:
    data = base64.b64encode(path.read_bytes()).decode()
    taken: bool = page.evaluate(GIVE, [kind, data, type_, path.name])
    return taken


@pytest.fixture(scope="module")
def dated_app(serve: Any, dated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(tmp_path_factory.mktemp("home"), dated) as address:
        yield address


def test_a_pasted_picture_is_searched_with(tab: Tab, app: str, photos: Path) -> None:
    page = tab(app)
    page.wait_for_selector(CARDS)
    page.get_by_placeholder(BOX).focus()
    assert give(page, "paste", photos / "scene_037.jpg"), "the box does not get it as well"
    chip = page.locator(".chip.upload img")
    chip.wait_for()
    assert chip.get_attribute("src").startswith("data:image/jpeg;base64,")
    wait_for(lambda: names(page)[0] == "scene_037.jpg")
    page.get_by_label("Remove: your picture").click()
    wait_for(lambda: parameters(page) == {})


def test_a_dropped_picture_is_searched_with_and_another_file_refused(
    tab: Tab, app: str, photos: Path, tmp_path: Path
) -> None:
    page = tab(app)
    page.wait_for_selector(CARDS)
    give(page, "dragover", photos / "scene_041.jpg")
    page.get_by_text("Drop the picture to search with it").wait_for()
    assert give(page, "drop", photos / "scene_041.jpg")
    wait_for(lambda: "upload" in parameters(page))
    wait_for(lambda: names(page)[0] == "scene_041.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    give(page, "drop", tmp_path / "broken.jpg")
    page.get_by_text("broken.jpg is no picture").wait_for()


def test_text_on_the_clipboard_is_left_to_the_box(tab: Tab, app: str, tmp_path: Path) -> None:
    page = tab(app)
    page.wait_for_selector(CARDS)
    (tmp_path / "note.txt").write_text("a red car")
    assert not give(page, "paste", tmp_path / "note.txt", "text/plain")
    assert parameters(page) == {}


def focused(page: Any) -> str:
    """The label of what has the focus, also inside a component."""
    found: str = page.evaluate(
        "() => { let node = document.activeElement; "
        "while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement; "
        "return node?.getAttribute('aria-label') ?? ''; }"
    )
    return found


def test_a_search_is_made_and_read_by_keyboard_alone(tab: Tab, app: str) -> None:
    page = tab(app)
    page.wait_for_selector(CARDS)
    page.keyboard.press("/")
    assert focused(page) == "Search your photos"
    page.keyboard.type("a red car")
    page.keyboard.press("Enter")
    page.wait_for_selector("article .reasons span")
    page.locator("article .open").first.focus()
    first = focused(page)
    page.keyboard.press("ArrowRight")
    second = focused(page)
    assert first != second
    assert second.startswith("Why this picture: ")
    page.keyboard.press("End")
    page.keyboard.press("Home")
    assert focused(page) == first
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector(".stage img")
    assert second.removeprefix("Why this picture: ") in page.locator(".stage img").get_attribute(
        "alt"
    )
    page.locator("[data-tab=words]").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("[data-tab=own]").get_attribute("aria-selected") == "true"
    page.keyboard.press("Escape")
    page.wait_for_selector("article .reasons span")
    assert parameters(page) == {"q": "a red car"}
    page.locator("article .open").first.focus()
    page.keyboard.press("Escape")
    assert focused(page) == "Search your photos"


def test_every_control_has_a_name_and_every_picture_words(tab: Tab, app: str) -> None:
    page = tab(f"{app}/?q=car")
    page.wait_for_selector("article .reasons span")
    for address in (None, "words?word=car", "library"):
        if address is not None:
            page.goto(f"{app}/{address}")
            page.wait_for_selector("h2")
            page.wait_for_timeout(1_000)
        nameless = page.evaluate(NAMELESS)
        assert nameless == []


def test_a_word_excluded_in_the_box_is_freed_by_its_pill(tab: Tab, app: str) -> None:
    page = tab(f"{app}/?{urllib.parse.urlencode({'q': 'a red car -blue'})}")
    page.locator("[data-word=blue].banned").wait_for()
    page.get_by_label("Ban blue", exact=True).click()
    wait_for(lambda: parameters(page) == {"q": "a red car"})
    box = page.get_by_placeholder(BOX)
    wait_for(lambda: box.input_value() == "a red car")


def test_nearly_equal_pictures_are_stacked(tab: Tab, dated_app: str) -> None:
    page = tab(f"{dated_app}/?q=car")
    wait_for(lambda: len(ids(page)) == 4)
    page.get_by_text("Stack", exact=True).click()
    wait_for(lambda: len(ids(page)) == 3)
    assert parameters(page)["stack"] == "1"
    stack = page.get_by_role("button", name="1 nearly the same")
    assert stack.get_attribute("aria-expanded") == "false"
    stack.click()
    wait_for(lambda: len(ids(page)) == 4)
    assert stack.get_attribute("aria-expanded") == "true"


def test_a_folder_and_a_year_of_the_library_are_filters(tab: Tab, dated_app: str) -> None:
    page = tab(f"{dated_app}/library")
    page.get_by_role("button", name="sea 2").click()
    wait_for(lambda: sorted(names(page)) == ["scene_014.jpg", "scene_037.jpg"])
    assert parameters(page)["path"].endswith("/sea/*")
    page.goto(f"{dated_app}/library")
    fold = page.locator(".fold[aria-expanded=true]")
    fold.press("Enter")
    wait_for(lambda: not page.get_by_role("button", name="sea 2").is_visible())
    page.get_by_role("button", name="2023 1").click()
    wait_for(lambda: names(page) == ["scene_014.jpg"])
    assert parameters(page) == {"after": "2023", "before": "2024"}


def test_a_box_over_points_shows_the_pictures_taken_there(tab: Tab, dated_app: str) -> None:
    asked: list[str] = []
    page = tab("about:blank")
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{dated_app}/library")
    chart = page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg")
    chart.first.wait_for()
    chart.first.scroll_into_view_if_needed()
    page.wait_for_timeout(1_500)
    box = chart.first.bounding_box()
    page.mouse.move(box["x"] + 0.60 * box["width"], box["y"] + 0.03 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.97 * box["width"], box["y"] + 0.40 * box["height"], steps=10)
    page.mouse.up()
    page.get_by_text("1 picture here").wait_for()
    wait_for(lambda: names(page) == ["scene_037.jpg"])
    assert {urllib.parse.urlsplit(one).hostname for one in asked} <= {"127.0.0.1", None, ""}


def committed(db: Path) -> bool:
    """Whether a first batch is in the index."""
    try:
        with Snapshot.open(db) as snapshot:
            return len(snapshot) > 0
    except LexsearchError:
        return False


def test_a_run_is_stopped_goes_on_and_tries_skipped_files_again(
    tab: Tab, serve: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    data = (corpus() / "scene_014.jpg").read_bytes()
    for i in range(400):
        (folder / f"photo_{i:04}.jpg").write_bytes(data + b"%d" % i)
    (folder / "aa_broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    with serve(tmp_path, tmp_path / "db") as address:
        page = tab(f"{address}/library")
        page.get_by_placeholder("~/Pictures").fill(str(folder))
        page.get_by_role("button", name="Index this folder").click()
        wait_for(lambda: committed(tmp_path / "db"))
        page.get_by_role("button", name="Stop after this batch").click()
        page.get_by_text("Last run:").wait_for()
        page.get_by_role("heading", name="Folders", exact=True).first.wait_for()
        before = int(page.get_by_test_id("stMetricValue").first.inner_text().replace(",", ""))
        assert before < 400
        page.get_by_role("button", name="Index now").click()
        metric = page.get_by_test_id("stMetricValue").first
        wait_for(lambda: metric.inner_text() == "400", seconds=300)
        page.get_by_text("Try it again").wait_for()
        shutil.copy(corpus() / "scene_037.jpg", folder / "aa_broken.jpg")
        wait_for(lambda: page.get_by_role("button", name="Try it again").is_enabled())
        page.get_by_role("button", name="Try it again").click()
        wait_for(lambda: metric.inner_text() == "401")
        page.get_by_text("None.", exact=True).wait_for()


@pytest.mark.parametrize("is_dark", [False, True])
def test_every_page_fits_a_phone_light_and_dark(tab: Tab, dated_app: str, is_dark: bool) -> None:
    page = tab(f"{dated_app}/?q=car", width=390, height=844, dark=is_dark)
    page.wait_for_selector("article .reasons span")
    one = ids(page)[0]
    for address in (
        "?q=car",
        "?after=2024",
        f"why?q=car&id={one}",
        "compare?q=car",
        "library",
        "words?word=car",
        "duplicates",
        "evaluate",
        "settings",
        "model",
    ):
        page.goto(f"{dated_app}/{address}")
        page.wait_for_selector("article, h2, .stage img")
        page.wait_for_timeout(700)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address


def test_the_focus_stays_where_it_is_when_the_page_is_drawn_anew(tab: Tab, app: str) -> None:
    page = tab(f"{app}/?q=car")
    page.wait_for_selector("article .reasons span")
    page.get_by_text("Judge", exact=True).click()
    thumb = page.locator("article .mark").first
    thumb.focus()
    thumb.press("Enter")
    wait_for(lambda: thumb.get_attribute("aria-pressed") == "true")
    assert focused(page).startswith("Relevant: ")
    slider = page.get_by_label("Hide pictures that score less")
    slider.focus()
    for _ in range(3):
        slider.press("ArrowRight")
    slider.press("End")
    wait_for(lambda: "cutoff" in parameters(page))
    page.wait_for_timeout(1_000)
    assert focused(page) == "Hide pictures that score less"
    assert slider.get_attribute("aria-valuetext").endswith("hidden")
    pill = page.get_by_label("Weight of car", exact=True)
    pill.focus()
    pill.press("End")
    wait_for(lambda: parameters(page).get("w") == "car:3")
    page.wait_for_timeout(1_000)
    assert focused(page) == "Weight of car"
