"""Every token store keeps the promises of `TokenStore`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexsearch.ranking.maxsim import mean_max_similarities
from lexsearch.registry import build, names
from lexsearch.stores.segment_data import token_sections
from lexsearch.types import TokenVectors

DIM, SCALE = 5, 0.5
pytestmark = pytest.mark.parametrize("name", names("stores.tokens"))


def store_of(name: str) -> Any:
    return build("stores.tokens", name, dim=DIM, scale=SCALE)


def tokens(rng: np.random.Generator, lengths: list[int] | np.ndarray) -> TokenVectors:
    """Values that int8 holds exactly, so that the oracle sees what the store sees."""
    offsets = np.concatenate([[0], np.cumsum(np.asarray(lengths, dtype=np.int64))])
    levels = rng.integers(-127, 128, (int(offsets[-1]), DIM)).astype(np.float32)
    return TokenVectors(levels * np.float32(SCALE / 127), offsets.astype(np.int64))


def question(rng: np.random.Generator, q: int, weights: np.ndarray | None = None) -> TokenVectors:
    values = rng.normal(size=(q, DIM)).astype(np.float32)
    return TokenVectors(values, np.array([0, q]), weights=weights)


def oracle(query: TokenVectors, images: TokenVectors) -> list[float]:
    scores = mean_max_similarities(query.values, images.values, images.offsets, query.weights)
    return scores.tolist()


def test_scores_equal_the_definition(name: str) -> None:
    @settings(max_examples=40, deadline=None)
    @given(
        st.integers(0, 2**31),
        st.lists(st.integers(1, 60), max_size=12),
        st.integers(0, 20),
        st.booleans(),
    )
    def holds(seed: int, lengths: list[int], q: int, weighted: bool) -> None:
        rng = np.random.default_rng(seed)
        weights = rng.normal(size=q).astype(np.float32) if weighted else None
        images, query = tokens(rng, lengths), question(rng, q, weights)
        store = store_of(name)
        ids = rng.permutation(100)[: len(lengths)].astype(np.int64)
        store.add(ids, images)
        assert store.score(query, ids).tolist() == pytest.approx(oracle(query, images), abs=1e-5)

    holds()


def test_weights_divide_by_the_sum_of_their_magnitudes(name: str) -> None:
    store = store_of(name)
    eye = np.eye(DIM, dtype=np.float32) * np.float32(SCALE)
    store.add(np.array([1]), TokenVectors(eye[:1], np.array([0, 1])))
    values = np.eye(DIM, dtype=np.float32)[[0, 0]]
    query = TokenVectors(values, np.array([0, 2]), weights=np.array([3.0, -1.0], np.float32))
    assert store.score(query, np.array([1])).tolist() == [
        pytest.approx((3 * 0.5 - 1 * 0.5) / (3 + 1))
    ]


def test_a_score_does_not_depend_on_company_segment_or_order(name: str) -> None:
    rng = np.random.default_rng(4)
    lengths = rng.integers(1, 90, 300)
    images, query = tokens(rng, lengths), question(rng, 11)
    ids = np.arange(300)
    one, many = store_of(name), store_of(name)
    one.attach(ids, token_sections(images, scale=SCALE))
    for start in range(0, 300, 70):
        bounds = images.offsets[start : start + 71]
        part = TokenVectors(images.values[bounds[0] : bounds[-1]], bounds - bounds[0])
        many.attach(ids[start : start + 70], token_sections(part, scale=SCALE))
    together = one.score(query, ids)
    assert many.score(query, ids).tobytes() == together.tobytes()
    shuffled = rng.permutation(300)
    assert one.score(query, shuffled).tobytes() == together[shuffled].tobytes()
    alone = np.concatenate([one.score(query, ids[i : i + 1]) for i in range(300)])
    assert alone.tobytes() == together.tobytes()
    repeated = np.array([5, 5, 299, 5])
    assert one.score(query, repeated).tolist() == together[repeated].tolist()


def test_images_of_one_token_may_be_asked_twice(name: str) -> None:
    rng = np.random.default_rng(13)
    images, query = tokens(rng, [1, 1, 1]), question(rng, 2)
    store = store_of(name)
    store.add(np.arange(3), images)
    wanted = np.array(oracle(query, images))[[0, 0, 2]].tolist()
    assert store.score(query, np.array([0, 0, 2])).tolist() == pytest.approx(wanted, abs=1e-5)


def test_an_image_with_more_tokens_than_a_chunk_is_scored_whole(name: str) -> None:
    rng = np.random.default_rng(5)
    images, query = tokens(rng, [3, 9_000, 2]), question(rng, 3)
    store = store_of(name)
    ids = np.array([1, 2, 3])
    store.add(ids, images)
    assert store.score(query, ids).tolist() == pytest.approx(oracle(query, images), abs=1e-5)


def test_dead_removed_and_unknown_images_score_nan(name: str) -> None:
    rng = np.random.default_rng(6)
    arrays = token_sections(tokens(rng, [2, 2, 2]), scale=SCALE)
    for array in arrays.values():
        array.flags.writeable = False
    store = store_of(name)
    store.attach(np.array([1, 2, 3]), arrays, live=np.array([True, False, True]))
    assert store.remove(np.array([3, 3, 99])) == 1
    assert len(store) == 1
    missing = np.isnan(store.score(question(rng, 2), np.array([1, 2, 3, 4])))
    assert missing.tolist() == [False, True, True, True]


def test_an_image_without_tokens_scores_nan_and_an_empty_query_zero(name: str) -> None:
    rng = np.random.default_rng(7)
    store = store_of(name)
    store.add(np.array([1, 2]), tokens(rng, [0, 2]))
    scores = store.score(question(rng, 2), np.array([1, 2]))
    assert np.isnan(scores).tolist() == [True, False]
    assert store.score(question(rng, 0), np.array([2])).tolist() == [0.0]


def test_an_empty_store_holds_nothing(name: str) -> None:
    store = store_of(name)
    rng = np.random.default_rng(8)
    assert len(store) == 0
    assert np.isnan(store.score(question(rng, 2), np.array([1]))).all()
    assert store.score(question(rng, 2), np.zeros(0, np.int64)).tolist() == []
    assert len(store.vectors(np.zeros(0, np.int64))) == 0


def test_vectors_come_back_in_the_order_asked(name: str) -> None:
    rng = np.random.default_rng(9)
    first, second = tokens(rng, [2, 3]), tokens(rng, [1])
    store = store_of(name)
    store.attach(np.array([10, 20]), token_sections(first, scale=SCALE))
    store.add(np.array([5]), second)
    found = store.vectors(np.array([20, 5, 20, 10]))
    assert found.offsets.tolist() == [0, 3, 4, 7, 9]
    for i, wanted in enumerate((first.item(1), second.item(0), first.item(1), first.item(0))):
        assert found.item(i) == pytest.approx(wanted, abs=1e-6)
    with pytest.raises(KeyError, match="0000000000000063"):
        store.vectors(np.array([99]))


def test_a_replaced_image_has_its_new_tokens(name: str) -> None:
    rng = np.random.default_rng(10)
    store = store_of(name)
    store.add(np.array([1, 2]), tokens(rng, [2, 2]))
    newer = tokens(rng, [4])
    store.add(np.array([1]), newer)
    assert len(store) == 2
    assert store.vectors(np.array([1])).values == pytest.approx(newer.values, abs=1e-6)


def test_adding_one_by_one_equals_adding_at_once(name: str) -> None:
    rng = np.random.default_rng(11)
    images, query = tokens(rng, [3] * 20), question(rng, 4)
    single, whole = store_of(name), store_of(name)
    for i in range(20):
        single.add(np.array([i]), TokenVectors(images.item(i), np.array([0, 3])))
    whole.add(np.arange(20), images)
    ids = np.arange(20)
    assert single.score(query, ids).tobytes() == whole.score(query, ids).tobytes()


def test_misuse_is_refused(name: str) -> None:
    rng = np.random.default_rng(12)
    store = store_of(name)
    with pytest.raises(ValueError, match="one query, not 2"):
        store.score(tokens(rng, [1, 1]), np.array([1]))
    with pytest.raises(ValueError, match="this store has 5"):
        store.score(TokenVectors(np.ones((1, 4), np.float32), np.array([0, 1])), np.array([1]))
    with pytest.raises(ValueError, match="1 ids for 2"):
        store.add(np.array([1]), tokens(rng, [1, 1]))
    with pytest.raises(ValueError, match="finite"):
        bad = TokenVectors(np.full((1, DIM), np.inf, np.float32), np.array([0, 1]))
        store.add(np.array([1]), bad)
    assert len(store) == 0
