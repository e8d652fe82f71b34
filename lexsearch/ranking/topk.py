"""The k best of many scores, ties resolved exactly."""

from __future__ import annotations

import numpy as np

from lexsearch.types import FloatArray, IntArray, Ranking


def top_k(ids: IntArray, scores: FloatArray, k: int, *, source: str) -> Ranking:
    """The k best images: descending score, equal scores by ascending id.

    Which of several images with the k-th score are kept is decided by id as well, so the
    result never depends on the order of the input.

    Args:
        ids: int64, shape (n,), distinct, any order.
        scores: float32, shape (n,); NaN counts as -infinity.
        k: >= 0; more than n gives n.
        source: the role or stage that the ranking names.

    Raises:
        ValueError: k < 0, or ids and scores differ in length.
    """
    if k < 0:
        raise ValueError(f"k must be >= 0, not {k}")
    if len(ids) != len(scores):
        raise ValueError(f"{len(ids)} ids for {len(scores)} scores")
    keys = np.where(np.isnan(scores), -np.inf, scores)
    if k < len(ids):
        chosen = _best_rows(ids, keys, k)
        ids, scores, keys = ids[chosen], scores[chosen], keys[chosen]
    order = np.lexsort((ids, -keys))
    return Ranking(
        np.asarray(ids, dtype=np.int64)[order],
        np.asarray(scores, dtype=np.float32)[order],
        source,
    )


def _best_rows(ids: IntArray, keys: FloatArray, k: int) -> IntArray:
    """Rows of the k best, in no order; of the rows that tie for the last places the least ids."""
    if k == 0:
        return np.zeros(0, dtype=np.int64)
    threshold = np.partition(keys, len(keys) - k)[len(keys) - k]
    above = np.flatnonzero(keys > threshold)
    tied = np.flatnonzero(keys == threshold)
    places = k - len(above)
    if places < len(tied):
        tied = tied[np.argpartition(ids[tied], places - 1)[:places]]
    return np.concatenate([above, tied])
