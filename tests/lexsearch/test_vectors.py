"""Arithmetic on vectors, on hand-sized ones."""

from __future__ import annotations

import numpy as np
import pytest

from lexsearch.types import DenseVectors, SparseVectors, TokenVectors
from lexsearch.vectors import concatenated, heaviest, intersection, similarity, sparsity


def sparse(*rows: dict[int, float], size: int = 8) -> SparseVectors:
    return SparseVectors.from_rows(
        [(np.array(list(row), np.int32), np.array(list(row.values()), np.float32)) for row in rows],
        size,
    )


def rows(vectors: SparseVectors) -> list[dict[int, float]]:
    return [
        dict(zip(ids.tolist(), weights.tolist(), strict=True))
        for ids, weights in (vectors.row(i) for i in range(len(vectors)))
    ]


def test_sparse_similarity_is_the_product_of_weights() -> None:
    queries = sparse({1: 2.0, 3: 1.0}, {})
    documents = sparse({1: 0.5}, {3: 4.0, 1: 1.0}, {7: 9.0}, {})
    expected = [[2 * 0.5, 2 * 1 + 1 * 4, 0, 0], [0, 0, 0, 0]]
    assert similarity(queries, documents).tolist() == expected


def test_token_similarity_is_the_mean_over_query_tokens_of_the_best_match() -> None:
    queries = TokenVectors(np.eye(2, dtype=np.float32), np.array([0, 2]))
    documents = TokenVectors(
        np.array([[0.6, 0.8], [1, 0], [0, 1]], np.float32), np.array([0, 1, 3])
    )
    found = similarity(queries, documents)
    assert found == pytest.approx(np.array([[(0.6 + 0.8) / 2, (1.0 + 1.0) / 2]]))


def test_dense_similarity_is_the_dot_product_of_unit_rows() -> None:
    one = DenseVectors(np.array([[0.6, 0.8]], np.float32))
    other = DenseVectors(np.array([[1.0, 0.0], [0.0, 1.0]], np.float32))
    assert similarity(one, other) == pytest.approx(np.array([[0.6, 0.8]]))


def test_sparsity_counts_words() -> None:
    found = sparsity(sparse({1: 1.0}, {1: 1.0, 2: 1.0, 5: 1.0}))
    assert found == {"active_dims": 2.0, "sparsity_ratio": 1 - 2 / 8}
    assert sparsity(sparse()) == {"active_dims": 0.0, "sparsity_ratio": 1.0}


def test_an_intersection_sums_to_the_score() -> None:
    query, documents = sparse({1: 2.0, 3: 1.0}), sparse({1: 0.5, 4: 1.0}, {3: 4.0, 1: 1.0}, {})
    shared = intersection(query, documents)
    assert rows(shared) == [{1: 1.0}, {1: 2.0, 3: 4.0}, {}]
    assert [sum(row.values()) for row in rows(shared)] == similarity(query, documents)[0].tolist()
    with pytest.raises(ValueError, match="2 and 3 vectors"):
        intersection(sparse({}, {}), documents)
    with pytest.raises(ValueError, match="vocabularies of 8 and 9"):
        intersection(query, sparse({}, size=9))


def test_the_heaviest_words_come_first_and_ties_by_id() -> None:
    vectors = sparse({5: 1.0, 2: 1.0, 7: 3.0}, {})
    assert heaviest(vectors) == [[(7, 3.0), (2, 1.0), (5, 1.0)], []]
    assert heaviest(vectors, 1) == [[(7, 3.0)], []]


def test_parts_put_together_are_the_whole() -> None:
    whole = sparse({1: 2.0}, {}, {3: 1.0, 4: 5.0}, {0: 1.0})
    again = concatenated([whole.select([0, 1]), whole.select([2]), whole.select([3])])
    assert rows(again) == rows(whole)
    assert again.indptr.tolist() == whole.indptr.tolist()
    tokens = TokenVectors(
        np.arange(12, dtype=np.float32).reshape(6, 2), np.array([0, 2, 6]), (1, 2)
    )
    one, other = (
        TokenVectors(tokens.item(i), np.array([0, len(tokens.item(i))]), (1, 2)) for i in (0, 1)
    )
    joined = concatenated([one, other])
    assert joined.values.tolist() == tokens.values.tolist()
    assert joined.offsets.tolist() == [0, 2, 6]
    assert joined.grid == (1, 2)
    with pytest.raises(ValueError, match="nothing"):
        concatenated([])
