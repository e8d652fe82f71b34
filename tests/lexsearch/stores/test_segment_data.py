"""The codec of a segment: what is stored, what comes back, and what a merge keeps."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexsearch.stores import segment_data
from lexsearch.types import DenseVectors, ModelIdentity, SparseVectors, TokenVectors

IDENTITY = ModelIdentity(
    name="test",
    fingerprints={"lexical": "a", "dense": "b", "tokens": "c"},
    vocab_hash="0" * 64,
    vocab_size=5,
    dense_dim=3,
    token_dim=2,
    tokens_per_image=2,
    lexical_scale=4.0,
    token_scale=0.5,
    words_per_image=4,
)


def sparse(*rows: dict[int, float], vocab_size: int = 5) -> SparseVectors:
    return SparseVectors.from_rows(
        [
            (np.array(list(r), dtype=np.int32), np.array(list(r.values()), dtype=np.float32))
            for r in rows
        ],
        vocab_size,
    )


WORDS = sparse({0: 1.0, 3: 0.5}, {}, {3: 2.0})


def test_words_are_stored_by_image_and_by_word() -> None:
    arrays = segment_data.lexical_sections(WORDS)
    assert arrays["fwd_ptr"].tolist() == [0, 2, 2, 3]
    assert arrays["fwd_ids"].tolist() == [0, 3, 3]
    assert arrays["fwd_weights"].tolist() == [1.0, 0.5, 2.0]
    assert arrays["inv_ptr"].tolist() == [0, 1, 1, 1, 3, 3]
    assert arrays["inv_rows"].tolist() == [0, 0, 2]
    assert arrays["inv_weights"].tolist() == [1.0, 0.5, 2.0]


def test_section_types_are_those_of_the_file_format() -> None:
    words = segment_data.lexical_sections(WORDS)
    assert {name: array.dtype.str for name, array in words.items()} == {
        "fwd_ptr": "<u4",
        "fwd_ids": "<u2",
        "fwd_weights": "<f2",
        "inv_ptr": "<u4",
        "inv_rows": "<u2",
        "inv_weights": "<f2",
    }
    tokens = segment_data.token_sections(
        TokenVectors(np.eye(2, dtype=np.float32), np.array([0, 2])), scale=1.0
    )
    assert tokens["values"].dtype == np.int8
    assert tokens["offsets"].dtype == np.uint32


def test_a_weight_too_small_for_float16_stays_positive() -> None:
    arrays = segment_data.lexical_sections(sparse({1: 1e-30}, {2: 1e30}))
    assert arrays["fwd_weights"].tolist() == [2.0**-24, 65504.0]


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_an_image_with_an_unusable_weight_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="finite and > 0"):
        segment_data.lexical_sections(sparse({1: weight}))


def test_a_segment_of_65536_images_is_refused() -> None:
    empty = SparseVectors(
        np.zeros(65_537, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32), 5
    )
    with pytest.raises(ValueError, match="fewer than 65536 images, not 65536"):
        segment_data.lexical_sections(empty)


def test_a_word_outside_the_vocabulary_is_refused() -> None:
    with pytest.raises(ValueError, match="outside the vocabulary of 5"):
        segment_data.lexical_sections(sparse({5: 1.0}))


def test_tokens_are_rounded_and_clipped_at_the_scale() -> None:
    values = np.array([[0.25, -0.5], [0.6, 0.001]], dtype=np.float32)
    arrays = segment_data.token_sections(TokenVectors(values, np.array([0, 2])), scale=0.5)
    expected = [[round(0.25 / 0.5 * 127), -127], [127, round(0.001 / 0.5 * 127)]]
    assert arrays["values"].tolist() == expected


def test_values_that_are_not_numbers_are_refused() -> None:
    bad = np.array([[np.nan, 0.0, 0.0]], dtype=np.float32)
    with pytest.raises(ValueError, match="finite"):
        segment_data.dense_sections(DenseVectors(bad))
    with pytest.raises(ValueError, match="finite"):
        segment_data.token_sections(TokenVectors(bad, np.array([0, 1])), scale=1.0)
    with pytest.raises(ValueError, match="scale must be > 0"):
        segment_data.quantise(np.zeros(1, np.float32), 0.0)


def test_each_role_stores_its_own_kind() -> None:
    dense = DenseVectors(np.zeros((2, 3), np.float32))
    tokens = TokenVectors(np.zeros((4, 2), np.float32), np.array([0, 2, 4]))
    for role, vectors, count in (
        ("lexical", WORDS, 3),
        ("dense", dense, 2),
        ("tokens", tokens, 2),
    ):
        arrays = segment_data.sections(role, vectors, IDENTITY)  # type: ignore[arg-type]
        assert segment_data.rows(role, arrays) == count  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'lexical' does not store DenseVectors"):
        segment_data.sections("lexical", dense, IDENTITY)


def test_vectors_of_another_width_are_refused_with_both_values() -> None:
    with pytest.raises(ValueError, match="dense dim: found 4, the index has 3"):
        segment_data.sections("dense", DenseVectors(np.zeros((1, 4), np.float32)), IDENTITY)


def test_entries_of_rows_come_in_the_order_asked() -> None:
    offsets = np.array([0, 2, 2, 5], dtype=np.uint32)
    positions, lengths = segment_data.entries(offsets, np.array([2, 1, 0, 2]))
    assert positions.tolist() == [2, 3, 4, 0, 1, 2, 3, 4]
    assert lengths.tolist() == [3, 0, 2, 3]
    positions, lengths = segment_data.entries(offsets, np.zeros(0, np.int64))
    assert positions.tolist() == [] and lengths.tolist() == []


def test_merging_drops_dead_rows_and_keeps_stored_bytes() -> None:
    first = segment_data.lexical_sections(WORDS)
    second = segment_data.lexical_sections(sparse({4: 0.1}))
    merged = segment_data.merge("lexical", [(first, np.array([True, False, True])), (second, None)])
    at_once = segment_data.lexical_sections(sparse({0: 1.0, 3: 0.5}, {3: 2.0}, {4: 0.1}))
    assert set(merged) == set(at_once)
    for name, array in at_once.items():
        assert merged[name].dtype == array.dtype
        assert merged[name].tobytes() == array.tobytes()


def test_merging_nothing_or_different_vocabularies_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to merge"):
        segment_data.merge("dense", [])
    first = segment_data.lexical_sections(WORDS)
    second = segment_data.lexical_sections(sparse({4: 0.1}, vocab_size=6))
    with pytest.raises(ValueError, match=r"different vocabularies: \[5, 6\]"):
        segment_data.merge("lexical", [(first, None), (second, None)])
    with pytest.raises(ValueError, match="2 live marks for 3 rows"):
        segment_data.merge("lexical", [(first, np.array([True, True]))])


ROWS = st.lists(
    st.dictionaries(st.integers(0, 4), st.floats(0.125, 100, width=32), max_size=5), max_size=8
)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_words_come_back_as_their_float16(rows: list[dict[int, float]]) -> None:
    vectors = sparse(*rows)
    back = segment_data.lexical_vectors(segment_data.lexical_sections(vectors), 5)
    assert back.indptr.tolist() == vectors.indptr.tolist()
    assert back.indices.tolist() == vectors.indices.tolist()
    assert back.weights.tolist() == vectors.weights.astype(np.float16).tolist()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 6), st.integers(0, 2**31), st.floats(0.01, 2.0))
def test_tokens_come_back_within_half_a_step(n: int, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(rng.integers(1, 4, n))]).astype(np.int64)
    values = rng.uniform(-scale, scale, (int(offsets[-1]), 3)).astype(np.float32)
    arrays = segment_data.token_sections(TokenVectors(values, offsets), scale=scale)
    back = segment_data.token_vectors(arrays, scale)
    assert back.offsets.tolist() == offsets.tolist()
    assert np.all(np.abs(back.values - values) <= scale / 127 / 2 * 1.001)
    again = segment_data.token_sections(back, scale=scale)
    assert again["values"].tobytes() == arrays["values"].tobytes()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.lists(st.integers(0, 5), min_size=1, max_size=4))
def test_merged_segments_equal_one_segment(seed: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(sum(sizes), 3)).astype(np.float32)
    lengths = rng.integers(1, 4, sum(sizes))
    live = rng.random(sum(sizes)) < 0.7
    parts_dense, parts_tokens = [], []
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    tokens = rng.uniform(-1, 1, (int(lengths.sum()), 2)).astype(np.float32)
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

    def token_part(chosen: np.ndarray) -> TokenVectors:
        positions, counts = segment_data.entries(ends, chosen)
        return TokenVectors(tokens[positions], np.concatenate([[0], np.cumsum(counts)]))

    for start, stop in pairwise(bounds.tolist()):
        mask = live[start:stop]
        parts_dense.append((segment_data.dense_sections(DenseVectors(dense[start:stop])), mask))
        part = token_part(np.arange(start, stop))
        parts_tokens.append((segment_data.token_sections(part, scale=1.0), mask))
    one = segment_data.dense_sections(DenseVectors(dense[live]))
    merged = segment_data.merge("dense", parts_dense)
    assert merged["values"].tobytes() == one["values"].tobytes()
    one = segment_data.token_sections(token_part(np.flatnonzero(live)), scale=1.0)
    merged = segment_data.merge("tokens", parts_tokens)
    assert merged["values"].tobytes() == one["values"].tobytes()
    assert merged["offsets"].tolist() == one["offsets"].tolist()


def test_merges_of_merges_never_round_a_weight_again() -> None:
    rng = np.random.default_rng(11)
    weights = rng.integers(1, 0x7C00, (6, 40)).astype(np.uint16).view(np.float16)
    parts = []
    for i in range(6):
        words = np.sort(rng.permutation(300)[:40]).astype(np.int32)
        row = SparseVectors.from_rows([(words, weights[i].astype(np.float32))], 300)
        parts.append(segment_data.lexical_sections(row))
    tiers = segment_data.merge("lexical", [(part, None) for part in parts[:2]])
    for part in parts[2:]:
        tiers = segment_data.merge("lexical", [(tiers, None), (part, None)])
    for i, part in enumerate(parts):
        own = slice(tiers["fwd_ptr"][i], tiers["fwd_ptr"][i + 1])
        assert tiers["fwd_ids"][own].tobytes() == part["fwd_ids"].tobytes()
        assert tiers["fwd_weights"][own].tobytes() == weights[i].tobytes()
    at_once = segment_data.merge("lexical", [(part, None) for part in parts])
    assert {n: a.tobytes() for n, a in tiers.items()} == {
        n: a.tobytes() for n, a in at_once.items()
    }
