"""Where in the picture a word, a query or a query token matches: maps over the patch grid.

A map has shape (rows, columns), row 0 at the top of the upright picture.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import numpy as np

from lexsearch.types import FloatArray, PatchWords, SparseVectors


def word_map(patch_words: PatchWords, word_id: int) -> FloatArray:
    """Weight of one word on every patch, float32 (rows, columns), >= 0.

    Raises:
        ValueError: no such word, or weights that do not fill the grid.
    """
    words = _checked(patch_words).shape[1]
    if not 0 <= word_id < words:
        raise ValueError(f"no word {word_id} in a vocabulary of {words}")
    return _grid(patch_words.weights[:, word_id], patch_words.grid)


def query_map(patch_words: PatchWords, query: SparseVectors) -> FloatArray:
    """sum over query words of query weight * patch weight, float32 (rows, columns).

    Unwanted words count negative. The sum over patches is not the image's score, which takes
    every word from its strongest patch.

    Raises:
        ValueError: not exactly one query row, or another vocabulary.
    """
    words = _checked(patch_words).shape[1]
    if len(query) != 1:
        raise ValueError(f"the query has {len(query)} rows, not one")
    if query.vocab_size != words:
        raise ValueError(f"vocabularies of {query.vocab_size} and {words} words")
    ids, weights = query.row(0)
    return _grid(patch_words.weights[:, ids] @ weights, patch_words.grid)


def token_map(token: FloatArray, image: FloatArray, grid: tuple[int, int]) -> FloatArray:
    """Similarity of one query token with every patch, float32 (rows, columns).

    The maximum is what this token adds to the late-interaction score before the mean.

    Args:
        token: shape (dim,).
        image: shape (rows * columns, dim), row-major.
        grid: (rows, columns).

    Raises:
        ValueError: widths differ, or the tokens do not fill the grid.
    """
    if token.shape != image.shape[1:]:
        raise ValueError(f"dim differs: {token.shape[0]} and {image.shape[1]}")
    return _grid(image @ token, grid)


def arg_max_patch(heat: FloatArray) -> tuple[int, int]:
    """(row, column) of the largest value; ties to the first in reading order, NaN never.

    Raises:
        ValueError: an empty map.
    """
    if heat.ndim != 2 or not heat.size:
        raise ValueError(f"a map has rows and columns; this one has shape {heat.shape}")
    row, column = divmod(int(np.argmax(np.where(np.isnan(heat), -np.inf, heat))), heat.shape[1])
    return row, column


def patch_terms(
    patch_words: PatchWords,
    row: int,
    column: int,
    *,
    k: int = 8,
    is_shown: Callable[[int], bool] = lambda word_id: True,
) -> list[tuple[int, float]]:
    """The k heaviest words of one patch, in the unit of what is stored.

    Args:
        patch_words: of one image.
        row, column: of the patch.
        k: most words.
        is_shown: whether a word id may be among them.

    Returns:
        (word id, weight > 0), heaviest first, ties to the smaller id.

    Raises:
        ValueError: no such patch.
    """
    rows, columns = patch_words.grid
    if not (0 <= row < rows and 0 <= column < columns):
        raise ValueError(f"no patch ({row}, {column}) in a grid of {rows} x {columns}")
    weights = patch_words.as_stored(_checked(patch_words)[row * columns + column])
    fired = np.flatnonzero(weights > 0)
    order = fired[np.lexsort((fired, -weights[fired]))].tolist()
    shown = islice((word_id for word_id in order if is_shown(word_id)), k)
    return [(word_id, float(weights[word_id])) for word_id in shown]


def _checked(patch_words: PatchWords) -> FloatArray:
    rows, columns = patch_words.grid
    weights = patch_words.weights
    if weights.ndim != 2 or len(weights) != rows * columns:
        raise ValueError(f"weights of shape {weights.shape} for a grid of {rows} x {columns}")
    return weights


def _grid(values: FloatArray, grid: tuple[int, int]) -> FloatArray:
    rows, columns = grid
    if len(values) != rows * columns:
        raise ValueError(f"{len(values)} patches for a grid of {rows} x {columns}")
    return np.asarray(values, dtype=np.float32).reshape(rows, columns)
