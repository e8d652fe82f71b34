"""Weights of words as whole numbers, as Lucene, Anserini and Pyserini want them."""

from __future__ import annotations

import numpy as np

from lexsearch.types import FloatArray, IntArray

SCALE = 256.0  # impacts per unit of weight; float16 weights make impacts below 2**24
# Lucene adds scores up as float32: whole numbers below this are told apart.
EXACT_BELOW = 2**24


def impacts(weights: FloatArray, scale: float = SCALE) -> IntArray:
    """Weights times scale, rounded to the even of two like near numbers, at least 1; int64.

    >>> impacts(np.array([0.317, 0.0001], np.float32), 100).tolist()
    [32, 1]
    """
    scaled = np.rint(np.asarray(weights, dtype=np.float64) * scale)
    return np.maximum(1, scaled).astype(np.int64)
