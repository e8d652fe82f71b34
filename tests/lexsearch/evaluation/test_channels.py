"""Scores of all texts against all pictures, against their definitions."""

from typing import Any

import numpy as np
import pytest

from lexsearch.errors import UsageError
from lexsearch.evaluation.channels import (
    BATCH,
    encode_pictures,
    encode_sentences,
    late_scores,
    lexical_scores,
    ranks_of,
    score_matrices,
)
from lexsearch.ranking.maxsim import mean_max_similarity
from lexsearch.types import Encoded, SparseVectors, TokenVectors

TEXTS = ["red", "green blue", "white picture"]


def tokens(rng: np.random.Generator, counts: list[int]) -> TokenVectors:
    values = rng.normal(size=(sum(counts), 5)).astype(np.float32)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return TokenVectors(values, np.cumsum([0, *counts]).astype(np.int64))


def test_late_scores_are_mean_max_similarities() -> None:
    rng = np.random.default_rng(0)
    texts, pictures = tokens(rng, [1, 4, 2]), tokens(rng, [3, 1, 2, 6])
    expected = [
        [mean_max_similarity(texts.item(i), pictures.item(j)) for j in range(4)] for i in range(3)
    ]
    assert late_scores(texts, pictures) == pytest.approx(np.array(expected), abs=1e-6)


def test_lexical_scores_are_products_of_rows() -> None:
    left = SparseVectors.from_rows(
        [(np.array([0, 2], np.int32), np.array([1.0, 2.0], np.float32)), ([], [])], 3
    )
    right = SparseVectors.from_rows(
        [(np.array([2], np.int32), np.array([0.5], np.float32)), ([1], [9.0]), ([0], [3.0])], 3
    )
    assert lexical_scores(left, right).tolist() == [[1.0, 0.0, 3.0], [0.0, 0.0, 0.0]]


def test_hybrid_is_the_weighted_sum_of_what_is_there(toy_model: Any) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    texts, pictures = encode_sentences(toy_model, TEXTS), toy_model.encode_pixels(pixels)
    weights = {"lexical": 0.5, "dense": 0.25, "late": 2.0}
    found = score_matrices(texts, pictures, weights)
    assert found["hybrid"] == pytest.approx(
        sum(weight * found[name] for name, weight in weights.items()), abs=1e-6
    )
    alone = score_matrices(Encoded(None, texts.dense, None), pictures, weights)
    assert list(alone) == ["dense", "hybrid"]


def test_batches_leave_no_seam(toy_model: Any, save: Any) -> None:
    texts = [TEXTS[i % 3] for i in range(BATCH + 2)]
    together, alone = encode_sentences(toy_model, texts), toy_model.encode_texts(texts)
    assert together.dense.values.tobytes() == alone.dense.values.tobytes()
    assert together.tokens.offsets.tolist() == alone.tokens.offsets.tolist()
    assert together.lexical.indptr.tolist() == alone.lexical.indptr.tolist()
    path = save("a.png", ("red", "green", "blue", "white"))
    done: list[int] = []
    found = encode_pictures(toy_model, [path] * (BATCH + 1), on_progress=done.append)
    assert len(found.lexical) == len(found.dense) == len(found.tokens) == BATCH + 1
    assert done == [BATCH, BATCH + 1]


def test_a_picture_that_is_missing_is_named(toy_model: Any, tmp_path: Any) -> None:
    with pytest.raises(UsageError, match=r"none\.png"):
        encode_pictures(toy_model, [tmp_path / "none.png"])


def test_ranks_count_what_is_better_and_ties_go_to_the_smaller_column() -> None:
    scores = np.array([[0.1, 0.9, 0.5], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]], np.float32)
    assert ranks_of(scores, np.array([2, 0, 2])).tolist() == [2, 1, 3]
