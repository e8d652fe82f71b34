"""Late interaction by its definition, on numbers that can be checked by hand."""

import numpy as np
import pytest

from lexsearch.ranking.maxsim import max_similarity, mean_max_similarities, mean_max_similarity

QUERY = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
IMAGE = np.array([[0.6, 0.8], [0.8, -0.6]], dtype=np.float32)


def test_each_query_token_takes_its_best_match() -> None:
    assert max_similarity(QUERY, IMAGE) == pytest.approx(max(0.6, 0.8) + max(0.8, -0.6))
    assert mean_max_similarity(QUERY, IMAGE) == pytest.approx((0.8 + 0.8) / 2)


def test_weights_count_tokens_and_may_be_negative() -> None:
    weights = np.array([3.0, -1.0], dtype=np.float32)
    assert max_similarity(QUERY, IMAGE, weights) == pytest.approx(3 * 0.8 - 1 * 0.8)
    assert mean_max_similarity(QUERY, IMAGE, weights) == pytest.approx((3 * 0.8 - 0.8) / 4)


def test_equal_weights_are_no_weights() -> None:
    weights = np.full(2, 5.0, dtype=np.float32)
    assert mean_max_similarity(QUERY, IMAGE, weights) == pytest.approx(
        mean_max_similarity(QUERY, IMAGE)
    )


def test_a_query_without_tokens_or_weight_scores_zero() -> None:
    assert mean_max_similarity(QUERY[:0], IMAGE) == 0.0
    assert mean_max_similarity(QUERY, IMAGE, np.zeros(2, np.float32)) == 0.0


def test_the_batch_scores_each_image_alone() -> None:
    values = np.concatenate([IMAGE, IMAGE[:1]])
    found = mean_max_similarities(QUERY, values, np.array([0, 2, 2, 3]))
    assert found[[0, 2]].tolist() == pytest.approx([0.8, (0.6 + 0.8) / 2])
    assert np.isnan(found[1])


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match="dim differs: 2 and 3"):
        max_similarity(QUERY, np.ones((1, 3), np.float32))
    with pytest.raises(ValueError, match="no tokens"):
        max_similarity(QUERY, IMAGE[:0])
