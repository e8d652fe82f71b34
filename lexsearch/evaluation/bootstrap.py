"""Confidence intervals of a mean by the bootstrap over queries.

Queries are drawn with replacement, as many as there are, and the mean is taken again; the interval
runs between the quantiles of these means. Two measures that are resampled with one seed see the
same draws, so that the interval of a difference is that of paired queries.

Source: Efron and Tibshirani 1993, chapter 13 (percentile interval).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Values: TypeAlias = npt.NDArray[np.float64]
RESAMPLES = 1_000
LEVEL = 0.95
SEED = 1
_CHUNK = 100  # resamples drawn at a time


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the interval around it."""

    mean: float
    low: float
    high: float


def resampled_means(values: Values, *, resamples: int = RESAMPLES, seed: int = SEED) -> Values:
    """Means of `resamples` draws with replacement, float64 (resamples, m).

    Args:
        values: shape (n, m), n >= 1: m measures of n queries.
        resamples: draws, >= 1.
        seed: equal seeds and equal n give equal draws.

    Raises:
        ValueError: no query, or no draw.
    """
    count = len(values)
    if values.ndim != 2 or not count:
        raise ValueError(f"values have shape {values.shape}; expected (n, m) with n >= 1")
    if resamples < 1:
        raise ValueError(f"{resamples} resamples; expected at least 1")
    rng = np.random.default_rng(seed)
    shares = np.full(count, 1 / count)
    parts: list[Values] = []
    for start in range(0, resamples, _CHUNK):
        # How often each query was drawn; the mean is then one product.
        drawn = rng.multinomial(count, shares, size=min(_CHUNK, resamples - start))
        parts.append(drawn @ values / count)
    return np.concatenate(parts)


def interval(
    values: Sequence[float] | Values, *, resamples: int = RESAMPLES, seed: int = SEED
) -> Interval:
    """The mean of n values with its 95 % interval.

    With no resamples, or one value, the interval is the mean itself.

    Raises:
        ValueError: no value.
    """
    row = np.asarray(values, dtype=np.float64)
    if not row.size:
        raise ValueError("no value to take the mean of")
    mean = float(row.mean())
    if not resamples:
        return Interval(mean, mean, mean)
    low, high = bounds(resampled_means(row[:, np.newaxis], resamples=resamples, seed=seed)[:, 0])
    return Interval(mean, low, high)


def paired_difference(
    ours: Sequence[float] | Values,
    theirs: Sequence[float] | Values,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """Mean of ours - theirs over the same queries, with its interval.

    Raises:
        ValueError: no query, or two numbers of them.
    """
    one, other = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if one.shape != other.shape:
        raise ValueError(f"{one.size} values and {other.size} values are not of the same queries")
    return interval(one - other, resamples=resamples, seed=seed)


def bounds(means: Values) -> tuple[float, float]:
    """The quantiles (1 - LEVEL) / 2 and (1 + LEVEL) / 2."""
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
