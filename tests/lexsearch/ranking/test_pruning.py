"""Which words are kept, and what they weigh then."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexsearch.ranking.pruning import heaviest, kept_words
from lexsearch.types import SparseVectors

IDS = np.array([1, 3, 4, 8], np.int32)
WEIGHTS = np.array([0.2, 0.5, 0.2, 0.9], np.float32)


def test_ties_go_to_the_smaller_id() -> None:
    assert kept_words(IDS, WEIGHTS, 3, floor=0.5, least=0.01).ids.tolist() == [1, 3, 8]


def test_a_weight_is_what_stands_above_the_rest() -> None:
    kept = kept_words(IDS, WEIGHTS, 2, floor=0.5, least=0.01)
    assert kept.low == pytest.approx(0.1)
    assert kept.length == pytest.approx(np.hypot(0.4, 0.8))
    assert kept.weights == pytest.approx(np.array([0.4, 0.8]) / kept.length)


def test_with_every_word_kept_the_least_is_what_is_left_out() -> None:
    kept = kept_words(IDS, WEIGHTS, 9, floor=0.9, least=0.1)
    assert kept.ids.tolist() == IDS.tolist()
    assert kept.low == pytest.approx(0.09)


def test_a_vector_without_words_stays_without() -> None:
    kept = kept_words(IDS[:0], WEIGHTS[:0], 3, floor=0.9, least=0.1)
    assert len(kept.ids) == len(kept.weights) == 0
    empty = SparseVectors.from_rows([(IDS[:0], WEIGHTS[:0])], 9)
    assert len(heaviest(empty, 3, floor=0.9).indices) == 0


def test_rows_are_cut_one_by_one() -> None:
    rows = SparseVectors.from_rows([(IDS, WEIGHTS), (IDS[:1], WEIGHTS[:1])], 100)
    kept = heaviest(rows, 2, floor=0.5)
    assert kept.row(0)[0].tolist() == [3, 8]
    assert kept.row(1)[1] == pytest.approx([1.0])


@given(
    st.lists(st.floats(0.0625, 1.0, width=32), min_size=1, max_size=40),
    st.integers(1, 50),
    st.sampled_from([0.0, 0.5, 0.9, 0.99]),
)
def test_order_and_length_are_kept(weights: list[float], k: int, floor: float) -> None:
    values = np.array(weights, np.float32)
    ids = np.arange(len(values), dtype=np.int32)
    kept = kept_words(ids, values, k, floor=floor, least=0.05)
    assert len(kept.ids) == min(k, len(values))
    assert (kept.weights > 0).all()
    assert np.linalg.norm(kept.weights) == pytest.approx(1.0, abs=1e-5)
    assert kept.weights * kept.length + kept.low == pytest.approx(values[kept.ids], abs=1e-6)
    assert (
        np.argsort(-kept.weights, kind="stable") == np.argsort(-values[kept.ids], kind="stable")
    ).all()
