"""The dense indexes agree, and ties beyond the first try are still resolved."""

import numpy as np
import pytest

from lexsearch.registry import build
from lexsearch.stores.segment_data import dense_sections
from lexsearch.types import DenseVectors

pytest.importorskip("faiss")


@pytest.mark.parametrize("dim", [1, 7, 64, 257])
def test_numpy_and_faiss_rank_alike(dim: int) -> None:
    rng = np.random.default_rng(dim)
    values = rng.integers(-8, 9, (300, dim)).astype(np.float32) / 16
    query = DenseVectors(rng.integers(-8, 9, (1, dim)).astype(np.float32) / 16)
    arrays = dense_sections(DenseVectors(values))
    found = []
    for name in ("flat", "faiss_flat"):
        index = build("stores.dense", name, dim=dim)
        index.attach(np.arange(300)[::-1], arrays)
        found.append(index.search(query, 40))
    assert found[0].ids.tolist() == found[1].ids.tolist()
    assert found[0].scores.tolist() == found[1].scores.tolist()


def test_many_more_ties_than_the_margin_go_to_the_smallest_ids() -> None:
    index = build("stores.dense", "faiss_flat", dim=2)
    ids = np.random.default_rng(0).permutation(1000)
    index.add(ids, DenseVectors(np.ones((1000, 2), np.float32)))
    found = index.search(DenseVectors(np.ones((1, 2), np.float32)), 5)
    assert found.ids.tolist() == [0, 1, 2, 3, 4]


def test_a_score_does_not_depend_on_the_position_of_the_row() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(61, 100)).astype(np.float32)
    query = DenseVectors(rng.normal(size=(1, 100)).astype(np.float32))
    whole = build("stores.dense", "flat", dim=100)
    whole.add(np.arange(61), DenseVectors(values))
    together = whole.score(query, np.arange(61))
    for i in range(61):
        alone = build("stores.dense", "flat", dim=100)
        alone.add(np.array([i]), DenseVectors(values[i : i + 1]))
        assert alone.score(query, np.array([i]))[0] == together[i]
        assert whole.score(query, np.array([i]))[0] == together[i]
