"""Every text against every picture, in memory: the exact scores of each channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import scipy.sparse

from lexsearch.pictures import load_pixels
from lexsearch.protocols import Model
from lexsearch.ranking.fusion import weighted_sum
from lexsearch.types import (
    DenseVectors,
    Encoded,
    FloatArray,
    IntArray,
    SparseVectors,
    TokenVectors,
)

BATCH = 32  # pictures or texts encoded at a time


def encode_pictures(
    model: Model,
    paths: Sequence[Path],
    *,
    on_progress: Callable[[int], None] | None = None,
) -> Encoded:
    """Vectors of n picture files, n >= 1, in order.

    Raises:
        UsageError: a file is missing or cannot be read.
    """
    parts: list[Encoded] = []
    for start in range(0, len(paths), BATCH):
        some = paths[start : start + BATCH]
        pixels = np.stack([load_pixels(str(path), model.pixel_spec) for path in some])
        parts.append(model.encode_pixels(pixels))
        if on_progress is not None:
            on_progress(start + len(some))
    return together(parts)


def encode_sentences(model: Model, texts: Sequence[str]) -> Encoded:
    """Vectors of n texts, n >= 1, in order, each taken literally."""
    starts = range(0, len(texts), BATCH)
    return together([model.encode_texts(texts[start : start + BATCH]) for start in starts])


def together(parts: Sequence[Encoded]) -> Encoded:
    """One batch of several, in order; all must fill the same roles, and there is at least one."""
    lexical = [part.lexical for part in parts if part.lexical is not None]
    dense = [part.dense.values for part in parts if part.dense is not None]
    tokens = [part.tokens for part in parts if part.tokens is not None]
    return Encoded(
        _joined_words(lexical) if lexical else None,
        DenseVectors(np.concatenate(dense)) if dense else None,
        _joined_tokens(tokens) if tokens else None,
    )


def score_matrices(
    texts: Encoded, pictures: Encoded, fusion: Mapping[str, float]
) -> dict[str, FloatArray]:
    """Mode -> scores, float32 (texts, pictures), for the roles both sides have, and `hybrid`.

    `hybrid` is the weighted sum over all pictures; no first stage comes before it.
    """
    scores: dict[str, FloatArray] = {}
    if texts.lexical is not None and pictures.lexical is not None:
        scores["lexical"] = lexical_scores(texts.lexical, pictures.lexical)
    if texts.dense is not None and pictures.dense is not None:
        scores["dense"] = texts.dense.values @ pictures.dense.values.T
    if texts.tokens is not None and pictures.tokens is not None:
        scores["late"] = late_scores(texts.tokens, pictures.tokens)
    if scores:
        shape = next(iter(scores.values())).shape
        flat = {name: matrix.reshape(-1) for name, matrix in scores.items()}
        scores["hybrid"] = weighted_sum(flat, fusion).reshape(shape)
    return scores


def lexical_scores(texts: SparseVectors, pictures: SparseVectors) -> FloatArray:
    """Products of all rows of two sides, float32 (texts, pictures)."""
    product = _matrix(texts) @ _matrix(pictures).T
    return np.asarray(product.todense(), dtype=np.float32)


def late_scores(texts: TokenVectors, pictures: TokenVectors) -> FloatArray:
    """Mean over a text's tokens of the best match in the picture, float32 (texts, pictures).

    Every text and every picture has at least one token.

    Source: Yao et al. 2021 (FILIP), section 3.1.
    """
    starts = pictures.offsets[:-1]
    scores = np.empty((len(texts), len(pictures)), dtype=np.float32)
    for i in range(len(texts)):
        similarity = texts.item(i) @ pictures.values.T  # (tokens of the text, all patches)
        scores[i] = np.maximum.reduceat(similarity, starts, axis=1).mean(axis=0)
    return scores


def ranks_of(scores: FloatArray, right: IntArray) -> IntArray:
    """Rank from 1 of one column in every row, by descending score, ties to the smaller column.

    Args:
        scores: shape (n, columns).
        right: shape (n,), the column that is asked for.
    """
    own = np.take_along_axis(scores, right[:, np.newaxis], axis=1)
    before = np.arange(scores.shape[1]) < right[:, np.newaxis]
    better: IntArray = ((scores > own) | ((scores == own) & before)).sum(axis=1)
    return better + 1


def _matrix(vectors: SparseVectors) -> scipy.sparse.csr_matrix:
    shape = (len(vectors), vectors.vocab_size)
    return scipy.sparse.csr_matrix((vectors.weights, vectors.indices, vectors.indptr), shape=shape)


def _joined_words(parts: Sequence[SparseVectors]) -> SparseVectors:
    rows = [part.row(i) for part in parts for i in range(len(part))]
    return SparseVectors.from_rows(rows, parts[0].vocab_size)


def _joined_tokens(parts: Sequence[TokenVectors]) -> TokenVectors:
    counts = np.concatenate([np.diff(part.offsets) for part in parts])
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]).astype(np.int64)
    return TokenVectors(np.concatenate([part.values for part in parts]), offsets, parts[0].grid)
