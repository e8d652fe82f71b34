"""Runs over judged topics, compared."""

from __future__ import annotations

import pytest

from lexsearch.errors import UsageError
from lexsearch.query import Query
from ui.library import Library
from ui.request import Request
from ui.trials import FAST, Material, Trial, by_topic, differences, foreign, table, try_out, verdict

MATERIAL = Material(
    "k",
    {"1": Query.text("a"), "2": Query.text("b")},
    {"1": "a", "2": "b"},
    {"1": {"x": 1}, "2": {"y": 1}},
)
GOOD = Trial("good", {"1": {"x": 2.0, "z": 1.0}, "2": {"y": 1.0}}, 12.34)
HALF = Trial("half", {"1": {"z": 2.0, "x": 1.0}, "2": {"y": 1.0}})


def test_a_table_has_means_and_times() -> None:
    good, half = table([GOOD, HALF], MATERIAL)
    assert (good["R@1"], good["ms per search"]) == (1.0, 12.3)
    assert (half["R@1"], half["RR"], half["ms per search"]) == (0.5, (1 / 2 + 1) / 2, None)


def test_every_measure_is_compared_with_its_test() -> None:
    rows = {row["measure"]: row for row in differences(GOOD, HALF, MATERIAL)}
    assert rows["R@1"]["difference"] == 0.5
    assert rows["R@1"]["better, worse"] == "1, 0"
    assert rows["R@1"]["p"] == 1.0  # one topic differs: both signs are as large
    assert rows["R@5"]["difference"] == 0.0


def test_few_topics_never_give_a_verdict() -> None:
    assert "too few topics" in verdict(0.01, 5)
    assert verdict(0.01, 6) == "a real difference"
    assert verdict(0.05, 6) == "may be chance"


def test_topics_come_with_the_largest_gain_first() -> None:
    rows = by_topic(HALF, GOOD, MATERIAL, "R@1")
    assert [(row["topic"], row["gap"]) for row in rows] == [("2", 0.0), ("1", -1.0)]


def test_a_run_of_another_system_is_read_and_a_broken_one_refused() -> None:
    trial = foreign("theirs", b"1 Q0 x 1 2.5 tag\n2 Q0 y 1 1.0 tag\n")
    assert trial.run == {"1": {"x": 2.5}, "2": {"y": 1.0}}
    assert trial.search_ms is None
    with pytest.raises(UsageError):
        foreign("theirs", b"no run\n")


def test_a_setting_searches_every_topic_it_can(books: Library) -> None:
    query = books.query(Request(text="a red car"))
    words = Query.words({"car": 1.0})
    material = Material("k", {"1": query, "2": words}, {}, {})
    assert set(try_out(books, material, "dense").run) == {"1"}
    fast = try_out(books, material, FAST)
    assert set(fast.run) == {"1", "2"}
    assert fast.search_ms is not None
    assert len(fast.run["1"]) == 5
