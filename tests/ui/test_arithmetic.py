"""The arithmetic of a fused score in words."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lexsearch.fusion_choice import FUSIONS
from lexsearch.ranking.fusion_rules import NAMED
from lexsearch.ranking.share import Share
from ui.arithmetic import RULES, arithmetic, by_channel, rule
from ui.library import Library
from ui.request import Request

App = Callable[..., AppTest]
Component = Callable[[Any, str], dict[str, Any]]


def test_every_rule_that_can_be_asked_for_has_words() -> None:
    assert set(NAMED) | {"model", "logistic", "lambdamart"} <= set(RULES)
    assert rule("unheard of")[0] == "unheard of"
    assert set(FUSIONS) - {"auto", "learned"} <= set(RULES)


@pytest.mark.parametrize("fusion", ["model", *NAMED])
def test_the_shares_shown_add_up_whatever_rule_is_in_force(
    app: App,
    component: Component,
    monkeypatch: pytest.MonkeyPatch,
    fusion: str,
) -> None:
    monkeypatch.setenv("LEXSEARCH_FUSION", fusion)
    hits = component(app("search", q="a red car"), "result_grid")["hits"]
    for hit in hits:
        assert set(hit["shares"]) == {"lexical", "dense", "late"}
        assert sum(hit["shares"].values()) == pytest.approx(hit["score"], rel=1e-4)
    data = component(app("explain", q="a red car", id=hits[1]["id"]), "patch_viewer")["arithmetic"]
    assert data["rule"] == rule(fusion)[0]
    assert data["fused"] == pytest.approx(hits[1]["score"], rel=1e-4)
    assert sum(one["share"] for one in data["shares"]) == pytest.approx(data["fused"], rel=1e-4)
    assert (rule(fusion)[0] in hits[1]["told"]) == (fusion != "model")
    is_by_rank = {one["what"] == "rank" for one in data["shares"]}
    assert is_by_rank == {fusion == "rrf"}
    page = app("compare", q="a red car")
    table = page.dataframe[0].value
    parts, whole = table[table.channel != "together"], table[table.channel == "together"]
    assert parts["A - B"].sum() == pytest.approx(whole["A - B"].iloc[0], rel=1e-3)


def test_ranks_say_what_they_are_turned_into(books: Library) -> None:
    hit = books.search(Request(text="a red car"), top_k=1)[0]
    with books.use() as db:
        found = db.explain("a red car", hit.raw_path, read_photo=False)
    shares = (
        Share("lexical", "rank", float("inf"), 0.0),
        Share("dense", "rank", 1_234.0, 1 / 1_244),
        Share("late", "found", 1.0, 0.5, 0.5),
        Share("late", "rank", 60 / 63, 0.25, 0.2625),
        Share("all", "constant", -2.0, -2.0),
    )
    data = arithmetic(
        dataclasses.replace(found, fusion="rrf", shares=shares, candidates=2_000), {"dense": 7}
    )
    assert [one["value"] for one in data["shares"]] == [
        "not found", "1,234", "yes", "3 → 0.9524", "",
    ]  # fmt: skip
    assert re.search(r"Rank r gives 1 / \(10 \+ r\)\.", data["does"])
    assert "among the 2,000 pictures" in data["does"]
    assert [one["rank"] for one in data["shares"]] == [None, 7, None, None, None]
    assert by_channel(shares) == {"lexical": 0.0, "dense": 1 / 1_244, "late": 0.75}
