"""Scores of one channel brought to a common scale; NaN stays NaN."""

from __future__ import annotations

import numpy as np

from lexsearch.types import FloatArray


def theoretical_min_max(scores: FloatArray, *, floor: float) -> FloatArray:
    """(score - floor) / (best - floor): 0 at the least value the channel can give, 1 at the best.

    Unlike the observed minimum, the floor does not depend on which images are in the list.

    Args:
        scores: shape (n,), each >= floor or NaN.
        floor: -1 for a cosine, 0 for a product of word weights, -1 for mean max-similarity.

    Returns:
        float32 (n,) in [0, 1]; all 0 when no score lies above the floor.

    Source: Bruch, Gai and Ingber 2023 (TM2C2).
    """
    return _scaled(scores, floor, _finite_max(scores, floor))


def min_max(scores: FloatArray) -> FloatArray:
    """(score - least) / (best - least), float32 (n,) in [0, 1]; all 0 when all are equal."""
    known = scores[~np.isnan(scores)]
    if not len(known):
        return np.asarray(scores, dtype=np.float32)
    return _scaled(scores, float(known.min()), float(known.max()))


def distribution(scores: FloatArray) -> FloatArray:
    """Position between mean - 3 sigma (0) and mean + 3 sigma (1), clipped; 0.5 when all are equal.

    Robust against one outlier when lists are long. sigma is the population's.
    """
    known = scores[~np.isnan(scores)].astype(np.float64)
    if not len(known):
        return np.asarray(scores, dtype=np.float32)
    centre, spread = float(known.mean()), 3.0 * float(known.std())
    if spread == 0.0:
        return np.where(np.isnan(scores), scores, 0.5).astype(np.float32)
    return np.clip(_scaled(scores, centre - spread, centre + spread), 0.0, 1.0)


def _finite_max(scores: FloatArray, floor: float) -> float:
    known = scores[~np.isnan(scores)]
    return float(known.max()) if len(known) else floor


def _scaled(scores: FloatArray, low: float, high: float) -> FloatArray:
    if high <= low:
        return np.where(np.isnan(scores), scores, 0.0).astype(np.float32)
    return ((scores.astype(np.float64) - low) / (high - low)).astype(np.float32)
