"""Many dense queries at once answer as one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexsearch.stores.dense import _together
from lexsearch.stores.dense._together import _could_be_best
from lexsearch.stores.dense.flat import FlatIndex
from lexsearch.stores.segment_data import dense_sections
from lexsearch.types import DenseVectors

DIM = 24


def vectors(rng: np.random.Generator, n: int, *, tied: bool = False) -> DenseVectors:
    values = rng.integers(-2, 3, (n, DIM)) if tied else rng.normal(size=(n, DIM))
    return DenseVectors(values.astype(np.float32))


def filled(rng: np.random.Generator, sizes: list[int], *, tied: bool) -> FlatIndex:
    index = FlatIndex(DIM)
    ids = rng.permutation(10 * sum(sizes) + 1)[: sum(sizes)].astype(np.int64)
    start = 0
    for size in sizes:
        part = ids[start : start + size]
        live = rng.random(size) < 0.8
        index.attach(part, dense_sections(vectors(rng, size, tied=tied)), live=live)
        start += size
    return index


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**31),
    st.lists(st.integers(0, 60), max_size=4),
    st.integers(0, 5),
    st.integers(0, 30),
    st.booleans(),
    st.booleans(),
)
def test_each_ranking_is_that_of_a_search_to_the_bit(
    seed: int, sizes: list[int], n: int, k: int, tied: bool, filtered: bool
) -> None:
    rng = np.random.default_rng(seed)
    index = filled(rng, sizes, tied=tied)
    queries = vectors(rng, n, tied=tied)
    allowed = np.sort(rng.permutation(index._blocks.table.ids)[: sum(sizes) // 2])
    only = allowed if filtered else None
    together = index.search_many(queries, k, allowed=only)
    assert len(together) == n
    for i, found in enumerate(together):
        alone = index.search(DenseVectors(queries.values[i : i + 1]), k, allowed=only)
        assert found.ids.tolist() == alone.ids.tolist()
        assert found.scores.tobytes() == alone.scores.tobytes()
        assert found.source == alone.source


def test_queries_are_cut_into_groups_that_fit_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_together, "PRODUCTS", 100)
    rng = np.random.default_rng(1)
    index = filled(rng, [30], tied=False)
    queries = vectors(rng, 11)
    found = index.search_many(queries, 3)
    alone = [index.search(DenseVectors(queries.values[i : i + 1]), 3) for i in range(11)]
    assert [f.ids.tolist() for f in found] == [a.ids.tolist() for a in alone]


def test_rows_that_rounding_may_have_put_behind_the_last_place_stay() -> None:
    query = np.full(DIM, 1.0, np.float32)
    scores = np.array([1.0, 1.0 - 1e-7, 0.9], np.float32)
    assert _could_be_best(query, scores, 1, longest=1.0).tolist() == [0, 1]


def test_another_width_is_refused() -> None:
    index = filled(np.random.default_rng(0), [3], tied=False)
    with pytest.raises(ValueError, match="this index has"):
        index.search_many(DenseVectors(np.ones((2, DIM + 1), np.float32)), 1)


def test_an_index_that_searches_otherwise_is_asked_one_by_one() -> None:
    class Backwards(FlatIndex):
        def search(self, query, k, *, allowed=None):  # type: ignore[no-untyped-def]
            return super().search(DenseVectors(-query.values), k, allowed=allowed)

    rng = np.random.default_rng(2)
    index = Backwards(DIM)
    index.add(np.arange(20), vectors(rng, 20))
    queries = vectors(rng, 3)
    found = index.search_many(queries, 2)
    alone = [index.search(DenseVectors(queries.values[i : i + 1]), 2) for i in range(3)]
    assert [f.ids.tolist() for f in found] == [a.ids.tolist() for a in alone]
