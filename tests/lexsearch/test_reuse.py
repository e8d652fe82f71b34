"""What is kept from query to query is what would be computed anew."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lexsearch import reuse
from lexsearch.reuse import EncodedParts, LastQuery
from lexsearch.types import DenseVectors, Encoded, IntArray, Ranking, TokenVectors

NOTHING = Encoded(None, None, None)


class Table:
    """A store whose score is a function of query and id; ids that end in 7 are not held."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def score(self, query: DenseVectors, ids: IntArray) -> np.ndarray:
        self.asked += ids.tolist()
        scores = (ids * query.values[0, 0]).astype(np.float32)
        scores[ids % 10 == 7] = np.nan
        return scores


def dense(value: float) -> DenseVectors:
    return DenseVectors(np.array([[value, 1.0]], np.float32))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([1.0, 2.0]), st.sets(st.integers(0, 40), max_size=20)),
        max_size=8,
    ),
    st.integers(0, 30),
)
def test_scores_are_those_of_the_store_whatever_was_asked_before(
    steps: list[tuple[float, set[int]]], limit: int
) -> None:
    store, last = Table(), LastQuery[DenseVectors]()
    before, reuse.SCORES = reuse.SCORES, limit
    try:
        for value, wanted in steps:
            ids = np.array(list(wanted), dtype=np.int64)
            found = last.score(store, dense(value), ids)
            assert np.array_equal(found, Table().score(dense(value), ids), equal_nan=True)
    finally:
        reuse.SCORES = before


def test_an_image_is_scored_once_for_one_query() -> None:
    store, last = Table(), LastQuery[DenseVectors]()
    last.score(store, dense(1), np.array([1, 2, 7]))
    last.score(store, dense(1), np.array([7, 2, 3]))
    assert store.asked == [1, 2, 7, 3]
    last.score(store, dense(2), np.array([1]))
    assert store.asked == [1, 2, 7, 3, 1]


def test_a_ranking_is_kept_for_the_same_query_depth_and_filter_only() -> None:
    last, calls = LastQuery[DenseVectors](), 0

    def ask() -> Ranking:
        nonlocal calls
        calls += 1
        return Ranking(np.array([calls]), np.ones(1, np.float32), "dense")

    few = np.array([1, 2])
    steps = [(1, 5, None), (1, 5, None), (1, 6, None), (1, 6, few), (1, 6, few.copy())]
    steps += [(1, 6, np.array([1])), (2, 6, np.array([1]))]
    found = [last.search(dense(v), k, allowed, ask).ids[0] for v, k, allowed in steps]
    assert found == [1, 1, 2, 3, 3, 4, 5]


def test_token_weights_make_another_query() -> None:
    store, last = Table(), LastQuery[TokenVectors]()
    values, bounds = np.ones((2, 2), np.float32), np.array([0, 2])
    for weights in (None, np.array([1, 1], np.float32), np.array([1, -1], np.float32)):
        last.score(store, TokenVectors(values, bounds, None, weights), np.array([4]))  # type: ignore[arg-type]
    assert store.asked == [4, 4, 4]


def test_the_parts_not_asked_for_longest_go_first() -> None:
    parts = EncodedParts(2)
    parts.put("a", NOTHING)
    parts.put("b", NOTHING)
    assert parts.get("a") is NOTHING
    parts.put("c", NOTHING)
    assert parts.get("b") is None
    assert parts.get("a") is parts.get("c") is NOTHING
