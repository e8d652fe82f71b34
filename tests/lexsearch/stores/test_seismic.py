"""The Seismic word index: most of the best, with exact scores, and never a removed image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lexsearch.registry import build
from lexsearch.types import SparseVectors

pytest.importorskip("seismic", reason="needs pyseismic-lsr (extra `seismic`)")

VOCAB, SIZE = 400, 12_000


@pytest.fixture(scope="module")
def indexes() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    words = np.sort(np.argsort(rng.random((SIZE, VOCAB)), axis=1)[:, :20], axis=1)
    vectors = SparseVectors(
        np.arange(0, 20 * SIZE + 1, 20),
        words.astype(np.int32).ravel(),
        rng.gamma(2, 0.5, 20 * SIZE).astype(np.float32) + np.float32(0.01),
        VOCAB,
    )
    exact = build("stores.lexical", "impact", vocab_size=VOCAB)
    near = build("stores.lexical", "seismic", vocab_size=VOCAB)
    for index in (exact, near):
        index.add(np.arange(SIZE), vectors)
    return exact, near


def query(seed: int, sign: float = 1.0) -> SparseVectors:
    rng = np.random.default_rng(seed)
    words = np.sort(rng.permutation(VOCAB)[:10]).astype(np.int32)
    weights = rng.uniform(0.1, 1, 10).astype(np.float32)
    weights[0] *= np.float32(sign)
    return SparseVectors.from_rows([(words, weights)], VOCAB)


def test_nearly_all_of_the_best_are_found_with_their_exact_scores(
    indexes: tuple[Any, Any],
) -> None:
    exact, near = indexes
    shares = []
    for seed in range(20):
        asked = query(seed)
        wanted, found = exact.search(asked, 20), near.search(asked, 20)
        assert len(found) == 20
        assert found.scores.tobytes() == exact.score(asked, found.ids).tobytes()
        assert (np.diff(found.scores) <= 0).all()
        shares.append(len(np.intersect1d(wanted.ids, found.ids)) / 20)
    assert np.mean(shares) > 0.9


@pytest.mark.parametrize("how", ["allowed", "unwanted word", "many results"])
def test_other_searches_are_exact(indexes: tuple[Any, Any], how: str) -> None:
    allowed = np.arange(0, SIZE, 3) if how == "allowed" else None
    asked = query(1, -1.0 if how == "unwanted word" else 1.0)
    k = 5_000 if how == "many results" else 15
    wanted, found = (index.search(asked, k, allowed=allowed) for index in indexes)
    assert found.ids.tolist() == wanted.ids.tolist()
    assert found.scores.tobytes() == wanted.scores.tobytes()


def test_removed_images_are_not_found(indexes: tuple[Any, Any]) -> None:
    _, near = indexes
    gone = near.search(query(2), 5).ids
    assert near.remove(gone) == 5
    assert not np.isin(gone, near.search(query(2), 100).ids).any()


@pytest.mark.parametrize("left", [5, 60, 3_000])
def test_k_images_are_found_whenever_k_are_left(left: int) -> None:
    """Most are removed, so nearly all that the bare search proposes is dead."""
    rng = np.random.default_rng(left)
    words = np.sort(np.argsort(rng.random((6_000, VOCAB)), axis=1)[:, :20], axis=1)
    weights = rng.uniform(0.1, 1, 20 * 6_000).astype(np.float32)
    near = build("stores.lexical", "seismic", vocab_size=VOCAB)
    pointers = np.arange(0, 20 * 6_000 + 1, 20)
    near.add(
        np.arange(6_000),
        SparseVectors(pointers, words.astype(np.int32).ravel(), weights, VOCAB),
    )
    near.search(query(1), 10)
    near.remove(rng.permutation(6_000)[left:])
    for seed, k in ((2, 1), (3, 30), (4, 100), (5, 6_000)):
        found = near.search(query(seed), k)
        assert len(found) == min(k, left)
        assert found.scores.tobytes() == near.score(query(seed), found.ids).tobytes()
