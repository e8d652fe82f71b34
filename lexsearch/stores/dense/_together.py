"""Many dense queries at once: matrix products propose, dot products by row decide.

A matrix product reads every row once for all queries, but rounds a score by where the row sits.
So it only proposes: every row whose product could belong to the k best, given how far the two
roundings can be apart, is scored again by its own dot product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from lexsearch.ranking.topk import top_k
from lexsearch.types import FloatArray, IntArray, Ranking

UNIT_ROUNDOFF = 2.0**-24
# Products held at a time: 64 MB.
PRODUCTS = 1 << 24
# Float32 rows of a part of the store, the place of each among the candidates, and a length that
# none of them exceeds.
Part = tuple[FloatArray, IntArray, float]


def search_together(
    queries: FloatArray,
    k: int,
    *,
    rows: IntArray,
    ids: IntArray,
    parts: Callable[[], Iterable[Part]],
    products: Callable[[FloatArray, IntArray], FloatArray],
) -> list[Ranking]:
    """The k best rows for each query, as `products` scores and orders them.

    Args:
        queries: float32 (n, dim).
        k: >= 0.
        rows: int64 (candidates,), row numbers.
        ids: int64 (candidates,), the image of each.
        parts: gives the candidates' rows, all of them once; asked for every group of queries.
        products: scores of one query with some rows, float32: the ones that count.
    """
    found: list[Ranking] = []
    step = max(1, PRODUCTS // max(1, len(rows)))
    for start in range(0, len(queries), step):
        group = queries[start : start + step]
        near = np.empty((len(group), len(rows)), dtype=np.float32)
        longest = 0.0
        for matrix, places, length in parts():
            near[:, places] = group @ matrix.T
            longest = max(longest, length)
        for query, scores in zip(group, near, strict=True):
            chosen = _could_be_best(query, scores, k, longest)
            exact = products(query, rows[chosen])
            found.append(top_k(ids[chosen], exact, k, source="dense"))
    return found


def _could_be_best(query: FloatArray, scores: FloatArray, k: int, longest: float) -> IntArray:
    """Places whose score, however it was rounded, may be among the k best.

    Two sums of dim products in float32, added in any order, each differ from the true sum by at
    most gamma * |x| * |y| with gamma = dim * u / (1 - dim * u) (Higham 2002, section 3.1).
    """
    if k >= len(scores):
        return np.arange(len(scores))
    if k < 1:
        return np.zeros(0, dtype=np.int64)
    dim = len(query)
    gamma = dim * UNIT_ROUNDOFF / (1 - dim * UNIT_ROUNDOFF)
    apart = 2.02 * gamma * float(np.linalg.norm(query)) * longest
    kth = float(np.partition(scores, len(scores) - k)[len(scores) - k])
    return np.flatnonzero(scores >= kth - 2 * apart)
