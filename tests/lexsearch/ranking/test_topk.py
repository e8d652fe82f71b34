"""Descending scores, ties to the smaller id."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexsearch.ranking.topk import top_k


def top(ids: list[int], scores: list[float], k: int) -> list[int]:
    ranking = top_k(
        np.array(ids, dtype=np.int64), np.array(scores, dtype=np.float32), k, source="test"
    )
    assert ranking.source == "test"
    return ranking.ids.tolist()


def test_the_best_come_first() -> None:
    assert top([1, 2, 3], [0.1, 0.3, 0.2], 2) == [2, 3]


def test_equal_scores_go_to_the_smaller_id() -> None:
    assert top([5, 3, 9, 1], [1.0, 1.0, 2.0, 1.0], 2) == [9, 1]
    assert top([5, 3, 9, 1], [1.0, 1.0, 2.0, 1.0], 9) == [9, 1, 3, 5]


def test_zero_and_minus_zero_are_equal() -> None:
    assert top([2, 1], [0.0, -0.0], 2) == [1, 2]


def test_infinite_and_missing_scores_have_their_places() -> None:
    inf, nan = float("inf"), float("nan")
    assert top([1, 2, 3, 4], [-inf, inf, nan, 0.0], 4) == [2, 4, 1, 3]
    assert top([1, 2, 3, 4], [-inf, inf, nan, 0.0], 1) == [2]


def test_none_wanted_or_none_there_gives_none() -> None:
    assert top([1, 2], [1.0, 2.0], 0) == []
    assert top([], [], 5) == []


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match="k must be >= 0, not -1"):
        top([1], [1.0], -1)
    with pytest.raises(ValueError, match="2 ids for 1 scores"):
        top([1, 2], [1.0], 1)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 2.0]), max_size=30), st.integers(0, 35), st.data())
def test_it_equals_a_full_sort_in_any_input_order(
    scores: list[float], k: int, data: st.DataObject
) -> None:
    ids = data.draw(st.permutations(range(len(scores))))
    pairs = sorted(zip(ids, scores, strict=True), key=lambda p: (-p[1], p[0]))
    assert top(list(ids), scores, k) == [i for i, _ in pairs[:k]]
