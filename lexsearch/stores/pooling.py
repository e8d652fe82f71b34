"""Fewer tokens per image, by averaging those that lie near each other; an option of indexing.

`lexsearch index --pool-tokens N` keeps about one token in place of N. The factor is part of the
identity of an index, so that images of different factors never stand in one index. Off unless
asked for; what it costs is in docs/adr/0015 (`python -m benchmarks.bench_pooling`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from lexsearch.types import FloatArray, ModelIdentity, TokenVectors

Pooling: TypeAlias = Literal["neighbours", "kmeans"]
MOST_FACTOR = 16
# What the fingerprint of a token encoder ends with in an index of pooled tokens.
_MARK = "+pooled/"
# Rounds of k-means; the assignment of 49 tokens hardly changes after so many.
ROUNDS = 8
# Patches that become one token, rows x columns, by factor.
_CELLS = {2: (1, 2), 4: (2, 2)}


def pooled_identity(identity: ModelIdentity, factor: int) -> ModelIdentity:
    """The identity of an index whose images keep one token in place of `factor`; 1 = all."""
    if factor == 1 or "tokens" not in identity.fingerprints:
        return identity
    tokens = f"{identity.fingerprints['tokens']}{_MARK}{factor}"
    return replace(
        identity,
        fingerprints=identity.fingerprints | {"tokens": tokens},
        tokens_per_image=-(-identity.tokens_per_image // factor),
    )


def factor_of(identity: ModelIdentity) -> int:
    """How many tokens one stands for in an index of that identity; 1 where none were pooled."""
    factor = identity.fingerprints.get("tokens", "").rpartition(_MARK)[2]
    return int(factor) if factor.isdecimal() and _MARK in identity.fingerprints["tokens"] else 1


def made_by(model: ModelIdentity, recorded: ModelIdentity) -> bool:
    """Whether a model made what an index of the recorded identity holds, pooled or not."""
    made = pooled_identity(model, factor_of(recorded))
    return made.fingerprints == recorded.fingerprints


def pool_tokens(vectors: TokenVectors, *, factor: int, method: Pooling = "kmeans") -> TokenVectors:
    """About one token in place of `factor`; each the mean of its members, of unit length again.

    Args:
        vectors: tokens of n images, without weights.
        factor: 1 to 16; with `neighbours` 2 or 4.
        method: `kmeans` groups the tokens of an image by direction, ceil(tokens / factor)
            groups; `neighbours` averages cells of the patch grid, 1 x 2 or 2 x 2, smaller ones at
            the right and lower edge.

    Returns:
        Tokens of the same images in the same order; with `neighbours` they have a grid, with
        `kmeans` none. An image with one token or none keeps what it has.

    Raises:
        ValueError: another factor or method, weights, or `neighbours` without a grid.

    Source: Clavie, Chaffin and Adams 2024, Reducing the footprint of multi-vector retrieval
    with minimal performance impact via token pooling.
    """
    if not 1 <= factor <= MOST_FACTOR:
        raise ValueError(f"tokens are pooled by 1 to {MOST_FACTOR}, not {factor}")
    if vectors.weights is not None:
        raise ValueError("tokens with weights belong to a query and are not pooled")
    if method == "neighbours":
        return _by_neighbours(vectors, factor)
    if method != "kmeans":
        raise ValueError(f"no pooling is called {method!r}; known: kmeans, neighbours")
    if factor == 1:
        return vectors
    sets = [_by_direction(vectors.item(i), factor) for i in range(len(vectors))]
    offsets = np.cumsum([0, *(len(tokens) for tokens in sets)], dtype=np.int64)
    nothing = np.zeros((0, vectors.dim), dtype=np.float32)
    return TokenVectors(np.concatenate([nothing, *sets]), offsets)


def _by_neighbours(vectors: TokenVectors, factor: int) -> TokenVectors:
    if vectors.grid is None:
        raise ValueError("pooling by neighbours needs tokens on a grid")
    if factor not in _CELLS:
        raise ValueError(f"neighbours are pooled by 2 or 4, not {factor}")
    rows, columns = vectors.grid
    high, wide = _CELLS[factor]
    grid = (-(-rows // high), -(-columns // wide))
    n = len(vectors)
    sums = vectors.values.astype(np.float64).reshape(n, rows, columns, vectors.dim)
    sums = np.add.reduceat(sums, np.arange(0, rows, high), axis=1)
    sums = np.add.reduceat(sums, np.arange(0, columns, wide), axis=2)
    size = grid[0] * grid[1]
    values = _unit(sums.reshape(n * size, vectors.dim))
    return TokenVectors(values, np.arange(n + 1, dtype=np.int64) * size, grid)


def _by_direction(tokens: FloatArray, factor: int) -> FloatArray:
    """Spherical k-means, begun at tokens spread evenly over the image; ties to the first group."""
    count = -(-len(tokens) // factor)
    if len(tokens) < 2:
        return tokens
    exact = tokens.astype(np.float64)
    centres = exact[np.arange(count) * len(tokens) // count]
    for _ in range(ROUNDS):
        owners = (exact @ centres.T).argmax(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, owners, exact)
        filled = np.bincount(owners, minlength=count) > 0
        centres = np.where(filled[:, np.newaxis], sums, centres)
        centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    return _unit(centres[filled])


def _unit(rows: npt.NDArray[np.float64]) -> FloatArray:
    """Rows of length 1, float32; a row of zeros stays one."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0), dtype=np.float32)
