"""Whole numbers rank as the definition does, whatever kernel computes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexsearch.ranking.maxsim import mean_max_similarities
from lexsearch.registry import build
from lexsearch.stores.segment_data import token_sections
from lexsearch.stores.tokens._screen import Screened, rounded, undecided
from lexsearch.types import TokenVectors

pytestmark = pytest.mark.parametrize("kernel", ["onnx", "torch", "numpy"])


def store_of(kernel: str, dim: int, scale: float = 0.5) -> Any:
    if kernel != "numpy":
        pytest.importorskip("onnxruntime" if kernel == "onnx" else kernel)
    return build("stores.tokens", "memmap", dim=dim, scale=scale, kernel=kernel)


def images(rng: np.random.Generator, lengths: list[int], dim: int) -> TokenVectors:
    levels = rng.integers(-127, 128, (sum(lengths), dim)).astype(np.float32)
    offsets = np.cumsum([0, *lengths], dtype=np.int64)
    return TokenVectors(levels * np.float32(0.5 / 127), offsets)


def question(rng: np.random.Generator, q: int, dim: int, weighted: bool = False) -> TokenVectors:
    weights = rng.normal(size=q).astype(np.float32) if weighted else None
    return TokenVectors(
        rng.normal(size=(q, dim)).astype(np.float32), np.array([0, q]), weights=weights
    )


def oracle(query: TokenVectors, held: TokenVectors) -> np.ndarray:
    return mean_max_similarities(query.values, held.values, held.offsets, query.weights)


def test_screened_scores_are_within_their_errors(kernel: str) -> None:
    @settings(max_examples=25, deadline=None)
    @given(
        st.integers(0, 2**31),
        st.lists(st.integers(0, 30), max_size=10),
        st.integers(1, 20),
        st.sampled_from([1, 7, 64, 129]),
        st.sampled_from([1, 2]),
        st.booleans(),
    )
    def holds(seed: int, lengths: list[int], q: int, dim: int, digits: int, weighted: bool) -> None:
        rng = np.random.default_rng(seed)
        held, query = images(rng, lengths, dim), question(rng, q, dim, weighted)
        store = store_of(kernel, dim)
        ids = np.arange(len(lengths))
        store.attach(ids, token_sections(held, scale=0.5))
        found = store.screen(query, ids, digits=digits)
        wanted = oracle(query, held)
        assert np.isnan(found.scores).tolist() == np.isnan(wanted).tolist()
        seen = ~np.isnan(wanted)
        off = np.abs(found.scores - wanted)[seen]
        assert (off <= found.errors[seen] + 1e-5 * np.abs(wanted[seen])).all()

    holds()


def test_the_best_are_those_of_the_definition(kernel: str) -> None:
    @settings(max_examples=25, deadline=None)
    @given(
        st.integers(0, 2**31),
        st.lists(st.integers(0, 20), max_size=40),
        st.integers(1, 12),
        st.integers(0, 50),
        st.booleans(),
    )
    def holds(seed: int, lengths: list[int], q: int, k: int, weighted: bool) -> None:
        rng = np.random.default_rng(seed)
        held, query = images(rng, lengths, 32), question(rng, q, 32, weighted)
        store = store_of(kernel, 32)
        ids = rng.permutation(1000)[: len(lengths)].astype(np.int64)
        store.add(ids, held)
        exact = store.score(query, ids)
        wanted = sorted(
            (-score, i) for score, i in zip(exact.tolist(), ids.tolist(), strict=True)
            if score == score
        )[:k]  # fmt: skip
        found = store.best(query, ids, k)
        assert [
            (-s, i) for s, i in zip(found.scores.tolist(), found.ids.tolist(), strict=True)
        ] == (wanted)

    holds()


@pytest.mark.parametrize(("size", "dim", "q"), [(49, 128, 15), (196, 256, 32), (1, 128, 1)])
def test_the_top_ten_of_random_unit_tokens_equal_the_oracle(
    kernel: str, size: int, dim: int, q: int
) -> None:
    rng = np.random.default_rng(size)
    values = rng.normal(size=(150 * size, dim)).astype(np.float32)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    query = rng.normal(size=(q, dim)).astype(np.float32)
    query /= np.linalg.norm(query, axis=1, keepdims=True)
    store = store_of(kernel, dim, scale=0.4)
    ids = np.arange(150)
    store.add(ids, TokenVectors(values, np.arange(151) * size))
    held = store.vectors(ids)
    asked = TokenVectors(query, np.array([0, q]))
    wanted = np.lexsort((ids, -oracle(asked, held)))[:10]
    assert store.best(asked, ids, 10).ids.tolist() == wanted.tolist()


def test_ties_go_to_the_smaller_ids(kernel: str) -> None:
    rng = np.random.default_rng(1)
    one = images(rng, [3], 8)
    store = store_of(kernel, 8)
    for i in rng.permutation(60).tolist():
        store.add(np.array([i]), one)
    query = question(rng, 4, 8)
    assert store.best(query, rng.permutation(60), 5).ids.tolist() == [0, 1, 2, 3, 4]


def test_deleted_unknown_and_empty_images_are_left_out(kernel: str) -> None:
    rng = np.random.default_rng(2)
    store = store_of(kernel, 8)
    store.attach(np.arange(40), token_sections(images(rng, [2, 0] * 20, 8), scale=0.5))
    store.remove(np.arange(0, 20))
    query = question(rng, 3, 8)
    found = store.best(query, np.arange(60), 30)
    assert sorted(found.ids.tolist()) == list(range(20, 40, 2))
    assert len(store.best(query, np.zeros(0, np.int64), 5)) == 0
    assert len(store.best(query, np.arange(60), 0)) == 0
    with pytest.raises(ValueError, match="k must be >= 0"):
        store.best(query, np.arange(60), -1)


def test_a_screened_score_does_not_depend_on_company_segment_or_order(kernel: str) -> None:
    rng = np.random.default_rng(4)
    lengths = rng.integers(1, 90, 300).tolist()
    held, query = images(rng, lengths, 24), question(rng, 248, 24)
    ids = np.arange(300)
    one, many = store_of(kernel, 24), store_of(kernel, 24)
    one.attach(ids, token_sections(held, scale=0.5))
    for start in range(0, 300, 70):
        bounds = held.offsets[start : start + 71]
        part = TokenVectors(held.values[bounds[0] : bounds[-1]], bounds - bounds[0])
        many.attach(ids[start : start + 70], token_sections(part, scale=0.5))
    together = one.screen(query, ids)
    shuffled = rng.permutation(300)
    for other, order in ((many, ids), (one, shuffled), (many, np.array([7, 7, 299, 7]))):
        found = other.screen(query, order)
        assert found.scores.tobytes() == together.scores[order].tobytes()
        assert found.errors.tobytes() == together.errors[order].tobytes()
    alone = np.concatenate([one.screen(query, ids[i : i + 1]).scores for i in range(300)])
    assert alone.tobytes() == together.scores.tobytes()


def test_a_score_does_not_depend_on_company_at_any_width(kernel: str) -> None:
    rng = np.random.default_rng(11)
    for dim, q in ((8, 8), (24, 17), (128, 16), (100, 32)):
        held, query = images(rng, rng.integers(1, 90, 120).tolist(), dim), question(rng, q, dim)
        store = store_of(kernel, dim)
        store.add(np.arange(120), held)
        together = store.score(query, np.arange(120))
        alone = np.concatenate([store.score(query, np.array([i])) for i in range(120)])
        assert alone.tobytes() == together.tobytes()
        shuffled = rng.permutation(120)
        assert store.score(query, shuffled).tobytes() == together[shuffled].tobytes()


def test_images_of_one_size_in_one_segment_equal_images_one_by_one(kernel: str) -> None:
    rng = np.random.default_rng(5)
    held, query = images(rng, [7] * 50, 16), question(rng, 3, 16)
    whole, single = store_of(kernel, 16), store_of(kernel, 16)
    whole.attach(np.arange(50), token_sections(held, scale=0.5))
    for i in range(50):
        single.add(np.array([i]), TokenVectors(held.item(i), np.array([0, 7])))
    chosen = np.array([3, 4, 9, 30, 31, 49])
    one, other = whole.screen(query, chosen), single.screen(query, chosen)
    assert one.scores.tobytes() == other.scores.tobytes()


def test_an_image_with_more_tokens_than_a_chunk_is_screened_whole(kernel: str) -> None:
    rng = np.random.default_rng(6)
    held, query = images(rng, [3, 20_000, 2], 5), question(rng, 3, 5)
    store = store_of(kernel, 5)
    store.add(np.arange(3), held)
    found = store.screen(query, np.arange(3))
    assert (np.abs(found.scores - oracle(query, held)) <= found.errors + 1e-6).all()
    again = store.screen(query, np.arange(3))
    assert again.errors.tobytes() == found.errors.tobytes()


def test_a_width_whose_sums_exceed_int32_is_scored_too(kernel: str) -> None:
    rng = np.random.default_rng(7)
    held, query = images(rng, [2] * 30, 600), question(rng, 2, 600)
    store = store_of(kernel, 600)
    store.add(np.arange(30), held)
    scores = store.score(query, np.arange(30))
    assert scores == pytest.approx(oracle(query, held), rel=1e-5)
    best = np.lexsort((np.arange(30), -scores))[:3]
    assert store.best(query, np.arange(30), 3).ids.tolist() == best.tolist()


def test_all_kernels_give_the_same_numbers_to_the_bit(kernel: str) -> None:
    rng = np.random.default_rng(10)
    held, query = images(rng, rng.integers(0, 30, 50).tolist(), 64), question(rng, 9, 64, True)
    ids = np.arange(50)
    one, other = store_of(kernel, 64), store_of("numpy", 64)
    for store in (one, other):
        store.add(ids, held)
    assert one.score(query, ids).tobytes() == other.score(query, ids).tobytes()
    for digits in (1, 2, 3):
        a, b = (store.screen(query, ids, digits=digits) for store in (one, other))
        assert a.scores.tobytes() == b.scores.tobytes()
        assert a.errors.tobytes() == b.errors.tobytes()


def test_queries_without_tokens_or_of_zeros_score_zero(kernel: str) -> None:
    rng = np.random.default_rng(8)
    store = store_of(kernel, 4)
    store.add(np.array([2, 1]), images(rng, [2, 3], 4))
    for values in (np.zeros((0, 4), np.float32), np.zeros((2, 4), np.float32)):
        query = TokenVectors(values, np.array([0, len(values)]))
        found = store.best(query, np.array([1, 2]), 1)
        assert (found.ids.tolist(), found.scores.tolist()) == ([1], [0.0])


def test_a_second_digit_makes_the_error_smaller(kernel: str) -> None:
    rng = np.random.default_rng(9)
    tokens, shares = rng.normal(size=(5, 40)).astype(np.float32), np.full(5, 0.2)
    one, two = (rounded(tokens, shares, 0.01, digits=digits) for digits in (1, 2))
    assert two.error < one.error / 50
    assert np.abs(two.digits[0]).max() == 127


def test_only_what_may_be_among_the_best_is_undecided(kernel: str) -> None:
    scores = np.array([0.5, 0.9, np.nan, 0.8, 0.7], dtype=np.float32)
    errors = np.array([0.05, 0.0, 0.0, 0.06, 0.05], dtype=np.float32)
    assert undecided(Screened(scores, errors), 2).tolist() == [1, 3, 4]
    assert undecided(Screened(scores, errors), 4).tolist() == [0, 1, 3, 4]
    assert undecided(Screened(scores, np.zeros(5, np.float32)), 1).tolist() == [1]
