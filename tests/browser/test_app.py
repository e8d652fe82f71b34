"""The app in a real browser."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from lexsearch import LexSearch
from tests.browser.page import CARDS, Tab, ids, parameters, searched, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_typing_a_search_shows_pictures_with_reasons_and_a_reload_keeps_them(
    tab: Tab, app: str
) -> None:
    page = tab(app)
    page.wait_for_selector(CARDS)
    box = page.get_by_placeholder("a dog on the beach")
    box.fill("a red car")
    box.press("Enter")
    page.wait_for_selector("article .reasons span")
    assert parameters(page) == {"q": "a red car"}
    first = page.locator(CARDS).first
    assert first.locator("img").get_attribute("src").startswith("data:image/webp;base64,")
    assert first.locator("img").get_attribute("alt").startswith("photo scene_")
    assert first.locator(".bar i").count() == 3
    before = ids(page)
    page.reload()
    page.wait_for_selector("article .reasons span")
    assert page.get_by_placeholder("a dog on the beach").input_value() == "a red car"
    assert ids(page) == before


def test_a_slider_pin_and_ban_change_the_results_and_the_address(tab: Tab, app: str) -> None:
    page = searched(tab, app, "a red car")
    slider = page.get_by_label("Weight of car", exact=True)
    slider.focus()
    slider.press("End")
    wait_for(lambda: parameters(page).get("w") == "car:3")
    wait_for(lambda: page.locator("[data-word=car].edited").count() == 1)
    page.get_by_label("Ban car", exact=True).click()
    wait_for(lambda: parameters(page).get("not") == "car")
    page.get_by_role("button", name="Reset words").click()
    wait_for(lambda: parameters(page) == {"q": "a red car"})


def test_more_and_not_like_this(tab: Tab, app: str) -> None:
    page = searched(tab, app, "a red car")
    first = ids(page)[0]
    page.locator(CARDS).first.get_by_title("More like this").click()
    wait_for(lambda: parameters(page) == {"like": first})
    wait_for(lambda: page.locator(".chip.like").count() == 1 and first not in ids(page))
    other = ids(page)[0]
    page.locator(CARDS).first.get_by_title("Not like this").click()
    wait_for(lambda: parameters(page) == {"like": first, "unlike": other})
    wait_for(lambda: other not in ids(page))


def test_hover_words_maps_and_a_search_from_patches(tab: Tab, app: str) -> None:
    page = searched(tab, app, "a red car")
    page.locator(CARDS).first.get_by_text("why?").click()
    page.wait_for_selector(".stage img")
    assert page.locator(".mark").is_visible(), "the patch that carries the credit is outlined"
    total = float(page.locator("[data-sum]").get_attribute("data-sum"))
    assert f"{total:.4f}"[:5] in page.get_by_text("The lexical score").inner_text()
    box = page.locator(".stage").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.07, box["y"] + box["height"] * 0.07)
    page.get_by_text("patch row 1, column 1").wait_for()
    page.mouse.move(box["x"] + box["width"] * 0.93, box["y"] + box["height"] * 0.07)
    page.get_by_text("patch row 1, column 7").wait_for()
    before = page.locator(".heat").evaluate("node => node.toDataURL()")
    page.locator(".row[data-word]").nth(1).click()
    assert page.locator(".heat").evaluate("node => node.toDataURL()") != before
    page.locator("[data-tab=tokens]").click()
    page.locator(".row[data-kind=token]").nth(2).click()
    page.get_by_text("only it counts").wait_for()
    page.locator("[data-tab=sum]").click()
    fused = float(page.locator("[data-fused]").get_attribute("data-fused"))
    shares = page.eval_on_selector_all("[data-share]", "all => all.map(one => +one.dataset.share)")
    assert sum(shares) == pytest.approx(fused, rel=1e-3)
    y = box["y"] + box["height"] * 0.5
    page.mouse.move(box["x"] + box["width"] * 0.2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, y, steps=12)
    page.mouse.up()
    page.get_by_text("patches picked").wait_for()
    page.get_by_role("button", name="Search with these words").click()
    page.wait_for_selector(CARDS)
    found = parameters(page)
    assert found["mode"] == "lexical"
    assert len(found["w"].split(",")) == 8


def test_the_viewer_works_by_keyboard(tab: Tab, app: str) -> None:
    page = searched(tab, app, "a red car")
    page.locator(CARDS).first.get_by_text("why?").click()
    stage = page.locator(".stage")
    stage.wait_for()
    stage.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Space"):
        stage.press(key)
    page.get_by_text("1 patch picked").wait_for()
    stage.press("Escape")
    page.get_by_text("patch row 2, column 2").wait_for()


def test_hostile_file_names_are_only_text(tab: Tab, app: str, hostile: tuple[str, ...]) -> None:
    page = searched(tab, app, "<script>hacked()</script> [a](http://evil.example) car")
    wait_for(lambda: len(ids(page)) == 7)
    names = page.eval_on_selector_all("article .name", "all => all.map(one => one.textContent)")
    assert set(hostile) <= set(names)
    place = names.index(hostile[1])
    page.locator(CARDS).nth(place).get_by_text("why?").click()
    page.wait_for_selector(".stage img")
    page.get_by_text(hostile[1]).first.wait_for()
    for address in ("library", "duplicates", "compare?q=car", "words?word=car"):
        page.goto(f"{app}/{address}")
        page.wait_for_selector("h2")
        page.wait_for_timeout(1_000)
        assert page.locator("a[href^=javascript], a[href*=evil]").count() == 0
        assert page.locator("img[src=x], .katex").count() == 0
        # The card of the model has bold words of its own.
        assert "bold" not in page.locator("main strong").all_text_contents()
    assert page.evaluate("typeof window.hacked") == "undefined"


def test_a_phone_has_no_sideways_scroll(tab: Tab, app: str) -> None:
    page = searched(tab, app, "a red car", width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = [page.locator(CARDS).nth(i).bounding_box() for i in (0, 1, 2)]
    assert boxes[0]["y"] == boxes[1]["y"] < boxes[2]["y"]
    page.locator(CARDS).first.get_by_text("why?").click()
    page.wait_for_selector(".stage img")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_two_tabs_keep_to_themselves(tab: Tab, app: str) -> None:
    one, other = searched(tab, app, "a red car"), searched(tab, app, "a bird")
    before = ids(other)
    one.get_by_label("Ban car", exact=True).click()
    wait_for(lambda: parameters(one).get("not") == "car")
    assert parameters(other) == {"q": "a bird"}
    assert ids(other) == before


def test_indexing_from_the_page_of_a_first_start(
    tab: Tab, serve: Any, tmp_path: Path, photos: Path
) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for name in ("scene_014.jpg", "scene_037.jpg"):
        shutil.copy(photos / name, few / name)
    with serve(tmp_path, tmp_path / "db") as address:
        page = tab(address)
        page.get_by_role("button", name="Index the sample pictures").wait_for()
        page.get_by_placeholder("~/Pictures").fill(str(few))
        page.get_by_role("button", name="Index this folder").click()
        page.get_by_text("2 pictures. Search them").wait_for()
        page.wait_for_selector(CARDS)
        assert len(ids(page)) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists the children of a process")
def test_an_app_that_a_signal_ended_is_there_again_with_the_page(
    tab: Tab, serve: Any, tmp_path: Path, photos: Path
) -> None:
    with LexSearch.create(tmp_path / "db") as db:
        db.index(photos)
    command = serve(tmp_path, tmp_path / "db")
    with command as address:
        page = searched(tab, address, "a red car")
        found = ids(page)
        pid = command.process.pid
        (server,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        os.kill(int(server), signal.SIGBUS)
        box = page.get_by_placeholder("a dog on the beach")
        wait_for(box.is_disabled)  # the page has noticed

        def asked() -> bool:  # what is typed while the page is drawn again is lost
            box.fill("a beach")
            box.press("Enter")
            page.wait_for_timeout(2_000)
            return parameters(page)["q"] == "a beach"

        wait_for(asked)
        wait_for(lambda: ids(page) not in ([], found))


def upgrade(port: int, host: str, origin: str) -> bytes:
    """Ask for the socket that the page talks through; the status of the answer."""
    lines = (
        "GET /_stcore/stream HTTP/1.1",
        f"Host: {host}",
        f"Origin: {origin}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "\r\n",
    )
    with socket.create_connection(("127.0.0.1", port), timeout=60) as link:
        link.sendall("\r\n".join(lines).encode())
        return link.recv(64).split()[1]


def test_another_host_name_and_a_foreign_page_are_refused(app: str) -> None:
    port = int(app.rpartition(":")[2])
    own, foreign = f"127.0.0.1:{port}", f"evil.example:{port}"
    assert upgrade(port, own, f"http://{own}") == b"101"
    assert upgrade(port, foreign, f"http://{foreign}") == b"403"
    assert upgrade(port, own, f"http://{foreign}") == b"403"
    assert upgrade(port, foreign, f"http://{own}") == b"403"


def test_the_server_is_bound_to_this_computer_and_sends_no_statistics(app: str) -> None:
    with urllib.request.urlopen(f"{app}/_stcore/host-config", timeout=30) as answer:
        assert "allowedOrigins" in json.loads(answer.read())
    port = int(app.rpartition(":")[2])
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    bound = {line.split()[1] for line in lines if line.split()[3] == "0A"}
    assert f"0100007F:{port:04X}" in bound
    assert f"00000000:{port:04X}" not in bound
