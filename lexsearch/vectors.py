"""Pure functions on vectors: put batches together, compare, and say what sparse ones hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from lexsearch.ranking.maxsim import mean_max_similarities
from lexsearch.types import DenseVectors, FloatArray, SparseVectors, TokenVectors

V = TypeVar("V", SparseVectors, DenseVectors, TokenVectors)


def concatenated(parts: Sequence[V]) -> V:
    """Vectors of one kind, one after the other.

    Raises:
        ValueError: no part.
    """
    if not parts:
        raise ValueError("nothing to put together")
    first = parts[0]
    if len(parts) == 1:
        return first
    if isinstance(first, DenseVectors):
        return DenseVectors(np.concatenate([part.values for part in parts]))
    if isinstance(first, SparseVectors):
        return SparseVectors(
            _joined([part.indptr for part in parts]),
            np.concatenate([part.indices for part in parts]),
            np.concatenate([part.weights for part in parts]),
            first.vocab_size,
        )
    grids = {part.grid for part in parts}
    return TokenVectors(
        np.concatenate([part.values for part in parts]),
        _joined([part.offsets for part in parts]),
        grids.pop() if len(grids) == 1 else None,
    )


def _joined(
    bounds: Sequence[np.ndarray[tuple[int], np.dtype[np.int64]]],
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    counts = np.concatenate([np.diff(one) for one in bounds])
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


def similarity(queries: V, documents: V) -> FloatArray:
    """The score of every query with every document, float32 (n, m).

    The product of word weights, the cosine, or the mean max-similarity over a query's tokens; what
    the channels `lexical`, `dense` and `late` compute, before anything is rounded for storage.
    """
    if isinstance(queries, DenseVectors):
        return (queries.values @ documents.values.T).astype(np.float32)
    if isinstance(queries, TokenVectors):
        rows = [
            mean_max_similarities(
                queries.item(i), documents.values, documents.offsets, _weights(queries, i)
            )
            for i in range(len(queries))
        ]
        return np.stack(rows) if rows else np.zeros((0, len(documents)), np.float32)
    found = np.zeros((len(queries), len(documents)), dtype=np.float32)
    owner = np.repeat(np.arange(len(documents)), np.diff(documents.indptr))
    for i in range(len(queries)):
        of_word = np.zeros(queries.vocab_size, dtype=np.float64)
        ids, weights = queries.row(i)
        of_word[ids] = weights
        products = of_word[documents.indices] * documents.weights
        found[i] = np.bincount(owner, weights=products, minlength=len(documents))
    return found


def _weights(queries: TokenVectors, i: int) -> FloatArray | None:
    if queries.weights is None:
        return None
    return queries.weights[int(queries.offsets[i]) : int(queries.offsets[i + 1])]


def sparsity(vectors: SparseVectors) -> dict[str, float]:
    """Mean number of words of a vector (`active_dims`), and mean share of words that it lacks.

    No vectors count as empty ones.
    """
    active = float(np.diff(vectors.indptr).mean()) if len(vectors) else 0.0
    return {"active_dims": active, "sparsity_ratio": 1.0 - active / max(1, vectors.vocab_size)}


def intersection(one: SparseVectors, other: SparseVectors) -> SparseVectors:
    """The words that two vectors share, with the product of their weights, row by row.

    The sum of a row is the lexical score. One row on either side stands for as many as needed.

    Raises:
        ValueError: other numbers of rows, or vocabularies.
    """
    if one.vocab_size != other.vocab_size:
        raise ValueError(f"vocabularies of {one.vocab_size} and {other.vocab_size} words")
    if len(one) != len(other) and 1 not in (len(one), len(other)):
        raise ValueError(f"{len(one)} and {len(other)} vectors; expected as many, or one")
    count = 0 if 0 in (len(one), len(other)) else max(len(one), len(other))
    rows = []
    for i in range(count):
        ids, weights = one.row(i if len(one) > 1 else 0)
        others, other_weights = other.row(i if len(other) > 1 else 0)
        shared, here, there = np.intersect1d(ids, others, assume_unique=True, return_indices=True)
        rows.append((shared.astype(np.int32), weights[here] * other_weights[there]))
    return SparseVectors.from_rows(rows, one.vocab_size)


def heaviest(vectors: SparseVectors, top_k: int | None = None) -> list[list[tuple[int, float]]]:
    """Word ids of every row with their weights, heaviest first; ties to the smaller id."""
    found = []
    for i in range(len(vectors)):
        ids, weights = vectors.row(i)
        order = np.lexsort((ids, -weights))[:top_k]
        found.append([(int(ids[j]), float(weights[j])) for j in order])
    return found
