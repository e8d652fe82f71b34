"""Evidence and conditions in a browser: patches in order, the fusion in force, places, runs."""

from __future__ import annotations

import datetime as dt
import json
import re
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

from lexsearch.evaluation.runs import read_qrels, read_run
from lexsearch.place import box
from tests.browser.page import CARDS, Tab, ids, parameters, searched, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_two_tabs_that_start_a_run_at_once_show_the_same_run(
    tab: Tab, serve: Any, tmp_path: Path
) -> None:
    with serve(tmp_path, tmp_path / "db") as address:
        pages = [tab(address), tab(address)]
        buttons = [page.get_by_role("button", name="Index the sample pictures") for page in pages]
        for button in buttons:
            button.wait_for()
        for button in buttons:
            button.click(no_wait_after=True)
        said: set[str] = set()

        def both_search() -> bool:
            for page in pages:
                said.update(page.locator("main").inner_text().splitlines())
            return all(page.locator(CARDS).count() for page in pages)

        wait_for(both_search)
        assert not [line for line in said if "failed" in line or "did not start" in line]
        home = tmp_path / "cache" / "lexsearch" / "jobs"
        (job,) = (json.loads(path.read_text()) for path in home.glob("*.json"))
        assert job["state"] == "done"
        assert len(ids(pages[0])) == len(ids(pages[1])) > 0


def test_the_patches_that_say_a_word_are_listed_in_order(tab: Tab, app: str) -> None:
    page = searched(tab, app, "a red car")
    page.locator(CARDS).first.get_by_text("why?").click()
    listed = page.locator(".patches [data-patch]")
    listed.first.wait_for()
    assert listed.count() == 5
    values = [float(text.split()[-1]) for text in listed.all_inner_texts()]
    assert values == sorted(values, reverse=True)
    assert page.locator(".order").count() == 5
    mark, first = (page.locator(name).first.bounding_box() for name in (".mark", ".order"))
    assert (mark["x"], mark["y"]) == pytest.approx((first["x"], first["y"]), abs=1.0)
    listed.nth(1).click()
    row, column = re.findall(r"\d+", listed.nth(1).inner_text().partition("·")[2])[:2]
    page.get_by_text(f"patch row {row}, column {column}").wait_for()
    before = [one.get_attribute("data-patch") for one in listed.all()]
    page.locator(".row[data-word]").nth(1).click()
    assert [one.get_attribute("data-patch") for one in listed.all()] != before


def test_the_arithmetic_is_that_of_the_rule_in_force(
    tab: Tab, serve: Any, tmp_path: Path, dated: Path
) -> None:
    (tmp_path / "lexsearch.toml").write_text('fusion = "rrf"\n')
    with serve(tmp_path, dated) as address:
        page = searched(tab, address, "a red car")
        assert "reciprocal ranks" in page.locator("article .bar").first.get_attribute("title")
        page.locator(CARDS).nth(1).get_by_text("why?").click()
        page.locator("[data-tab=sum]").click()
        assert page.locator("[data-rule]").inner_text() == "reciprocal ranks (RRF)"
        page.get_by_text("Rank r gives 1 / (60 + r).").wait_for()
        shares = page.locator("[data-share]").all()
        given = [float(one.get_attribute("data-share")) for one in shares]
        ranks = [
            float(one)
            for one in page.locator("table.sum tbody td:nth-child(3)").all_inner_texts()[:3]
        ]
        assert given == pytest.approx([1 / (60 + rank) for rank in ranks], rel=1e-6)
        fused = float(page.locator("[data-fused]").get_attribute("data-fused"))
        assert sum(given) == pytest.approx(fused, rel=1e-5)


def test_a_place_on_the_map_becomes_a_filter(
    tab: Tab, serve: Any, tmp_path: Path, dated: Path
) -> None:
    with serve(tmp_path, dated) as dated_app:
        page = tab(f"{dated_app}/library")
        picker = page.get_by_role("combobox", name="Busiest places")
        picker.click()
        page.get_by_text("45.000° N, 9.000° E").first.click()
        page.get_by_role("button", name="Search among these").click()
        wait_for(lambda: set(parameters(page)) == {"box"})
        assert box(parameters(page)["box"]).holds(45.0, 9.0)
        wait_for(lambda: len(ids(page)) == 1)
        page.goto(f"{dated_app}/?{urllib.parse.urlencode({'q': 'near:41.01,2,5km'})}")
        wait_for(lambda: page.locator("article .name").all_inner_texts() == ["scene_014.jpg"])


def test_judgements_made_by_thumbs_are_downloaded_in_trec_form(
    tab: Tab, serve: Any, tmp_path: Path, dated: Path
) -> None:
    with serve(tmp_path, dated) as app:
        page = searched(tab, app, "a red car")
        page.get_by_text("Judge", exact=True).click()
        found = ids(page)[:2]
        for place, (kind, id) in enumerate(zip(("Relevant", "Not relevant"), found, strict=True)):
            thumb = page.locator(f"article[data-id='{id}']").get_by_title(kind, exact=True)
            thumb.click()
            wait_for(lambda thumb=thumb: thumb.get_attribute("aria-pressed") == "true")
            assert place < 2
        page.goto(f"{app}/evaluate")
        files: dict[str, Path] = {}
        for name in ("qrels.txt", "topics.tsv"):
            button = page.get_by_role("button", name=name)
            button.wait_for()
            with page.expect_download() as waiting:
                button.click()
            files[name] = tmp_path / name
            waiting.value.save_as(files[name])
        ((qid, judged),) = read_qrels(files["qrels.txt"]).items()
        assert judged == {found[0]: 1, found[1]: 0}
        assert files["topics.tsv"].read_text(encoding="utf-8") == f"{qid}\ta red car\n"
        run = page.locator("[data-testid=stDownloadButton] button").filter(has_text="hybrid").first
        with page.expect_download() as waiting:
            run.click()
        waiting.value.save_as(tmp_path / "run")
        assert found[0] in read_run(tmp_path / "run")[qid]


def test_a_camera_and_a_day_are_picked_in_the_form_of_filters(
    tab: Tab, serve: Any, tmp_path: Path, dated: Path
) -> None:
    with serve(tmp_path, dated) as app:
        page = searched(tab, app, "car")
        page.get_by_role("button", name="Filters").click()
        picker = page.get_by_role("combobox", name="Camera")
        picker.click()
        page.get_by_role("option", name="Lumo X1").click()
        wait_for(lambda: parameters(page).get("camera") == "Lumo X1")
        page.get_by_role("button", name="Filters (1)").wait_for()
        page.get_by_test_id("stDateInput").first.get_by_role("button").last.click()
        page.locator("[role=gridcell] button, [role=gridcell] [role=button]").first.click()
        wait_for(lambda: "after" in parameters(page))
        assert dt.date.fromisoformat(parameters(page)["after"]) > dt.date(2024, 6, 1)
        page.get_by_text("No picture meets these conditions.").wait_for()
