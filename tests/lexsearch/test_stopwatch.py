"""Seconds of stages, in one thread and in several."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lexsearch.stopwatch import Stopwatch


def test_a_stage_entered_twice_adds_up_and_total_covers_the_rest() -> None:
    watch = Stopwatch()
    for _ in range(2):
        with watch.stage("a"):
            time.sleep(0.01)
    time.sleep(0.01)
    seconds = watch.seconds()
    assert list(seconds) == ["a", "total"]
    assert 0.02 <= seconds["a"] <= seconds["total"] - 0.01


def test_a_stage_that_fails_is_counted() -> None:
    watch = Stopwatch()
    with pytest.raises(KeyError), watch.stage("a"):
        raise KeyError
    assert "a" in watch.seconds()


def test_stages_side_by_side_add_up_to_more_than_the_total() -> None:
    watch = Stopwatch()

    def sleep(name: str) -> None:
        with watch.stage(name):
            time.sleep(0.05)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(sleep, ["a", "b"]))
    seconds = watch.seconds()
    assert seconds["a"] >= 0.05 <= seconds["b"]


def test_shared_seconds_are_divided() -> None:
    watch = Stopwatch()
    with watch.stage("a"):
        time.sleep(0.01)
    whole = watch.seconds()
    assert watch.seconds(among=4)["a"] == whole["a"] / 4
