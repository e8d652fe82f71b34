"""Fewer tokens per image, by averaging those that lie near each other; an option of indexing.

Off unless asked for. Measured with the bundled model on 1,000 photos of
Flickr8k (choosing set, one caption each; late interaction alone, 49 tokens of 128 stored as int8;
`python -m benchmarks.bench_pooling`):

    pooling         tokens   R@1    R@5    R@10   ten best shared with no pooling
    none              49    .132   .373   .504
    neighbours 1/2    28    .129   .375   .501   .91
    neighbours 1/4    16    .133   .378   .508   .89
    kmeans 1/2        25    .127   .375   .509   .92
    kmeans 1/4        13    .132   .371   .509   .89

The differences of recall are within its standard error (.011 to .016); what is lost is the place
of a match in the picture, and about one in ten of the ten best is another picture.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from lexsearch.types import FloatArray, TokenVectors

Pooling: TypeAlias = Literal["neighbours", "kmeans"]
FACTORS = (2, 4)
# Rounds of k-means; the assignment of 49 tokens hardly changes after so many.
ROUNDS = 8
# Patches that become one token, rows x columns, by factor.
_CELLS = {2: (1, 2), 4: (2, 2)}


def pool_tokens(vectors: TokenVectors, *, factor: int, method: Pooling = "kmeans") -> TokenVectors:
    """About one token in place of `factor`; each the mean of its members, of unit length again.

    Args:
        vectors: tokens of n images, without weights.
        factor: 2 or 4.
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
    if factor not in FACTORS:
        raise ValueError(f"tokens are pooled by {FACTORS[0]} or {FACTORS[1]}, not {factor}")
    if vectors.weights is not None:
        raise ValueError("tokens with weights belong to a query and are not pooled")
    if method == "neighbours":
        return _by_neighbours(vectors, factor)
    if method != "kmeans":
        raise ValueError(f"no pooling is called {method!r}; known: kmeans, neighbours")
    sets = [_by_direction(vectors.item(i), factor) for i in range(len(vectors))]
    offsets = np.cumsum([0, *(len(tokens) for tokens in sets)], dtype=np.int64)
    nothing = np.zeros((0, vectors.dim), dtype=np.float32)
    return TokenVectors(np.concatenate([nothing, *sets]), offsets)


def _by_neighbours(vectors: TokenVectors, factor: int) -> TokenVectors:
    if vectors.grid is None:
        raise ValueError("pooling by neighbours needs tokens on a grid")
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
