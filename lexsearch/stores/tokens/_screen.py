"""Late interaction in whole numbers, with a bound of what rounding the query changed.

Stored tokens are int8 as they are; only the query is rounded, to one, two or three int8 digits
per component. Three are as fine as float32. Of a query token x = step * digits + rest, the product
with an image token t differs from the rounded one by rest . t, which is at most |rest| |t| (Cauchy
and Schwarz); so the best match over an image's tokens differs by at most |rest| times the length
of its longest token. Sums of whole numbers are exact in any order, so neither score nor bound
depends on the company of an image or on the kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from lexsearch.stores.blocks import Block
from lexsearch.stores.tokens._choice import BASE, HALF, LARGEST, IntegerKernel
from lexsearch.stores.tokens._gather import Chosen, packed
from lexsearch.types import FloatArray, IntArray

DoubleArray = npt.NDArray[np.float64]

# Image tokens multiplied at a time: 1 MB at width 128.
CHUNK_TOKENS = 8_192
# Image tokens whose length is computed at a time; 1 MB of float32 at width 256.
LENGTH_TOKENS = 1_024
# Digits whose scores count as exact.
EXACT_DIGITS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Screened:
    """Scores that may be wrong by as much as their errors say.

    Attributes:
        scores: float32 (n,); NaN where an image is not held or has no tokens.
        errors: float32 (n,), >= 0; the exact score lies within scores +- errors.
    """

    scores: FloatArray
    errors: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class RoundedQuery:
    """A query in whole numbers.

    Attributes:
        digits: int8 (digits, dim, q), contiguous, as `IntegerKernel.best` takes them.
        values: float64 (q,), what one unit of the integer maximum is worth, share included.
        error: the most that a score may be wrong by, per unit of length (in int8 levels) of the
            image's longest token; that of EXACT_DIGITS is part of it.
    """

    digits: npt.NDArray[np.int8]
    values: DoubleArray
    error: float


def rounded(
    tokens: FloatArray, shares: DoubleArray, unit: float, *, digits: int = 1
) -> RoundedQuery:
    """The query in whole numbers, each token with a step of its own: its largest component / 127.

    Args:
        tokens: float32 (q, dim), q >= 1.
        shares: float64 (q,), what each query token counts.
        unit: what one int8 level of a stored token is worth.
        digits: 1 to 3; each makes the steps BASE times finer.
    """
    exact = tokens.astype(np.float64)
    steps = np.abs(exact).max(axis=1, keepdims=True) / LARGEST
    steps[steps == 0] = 1.0  # a token of zeros
    least = steps / BASE ** (EXACT_DIGITS - 1)
    steps /= BASE ** (digits - 1)
    levels = np.rint(exact / steps)
    rest = np.linalg.norm(exact - levels * steps, axis=1)
    split = np.empty((digits, *levels.T.shape), dtype=np.int8)
    for i in reversed(range(digits)):
        digit = (levels + HALF) % BASE - HALF if i else levels
        split[i] = digit.T
        levels = (levels - digit) / BASE
    wrong = rest + least[:, 0] * np.sqrt(tokens.shape[1])
    error = float((np.abs(shares) * wrong).sum() * unit)
    return RoundedQuery(split, shares * steps[:, 0] * unit, error)


class Screen:
    """Scores images with an integer kernel; remembers the length of each image's longest token."""

    def __init__(self, kernel: IntegerKernel) -> None:
        self.kernel = kernel
        self._longest: WeakKeyDictionary[Block, FloatArray] = WeakKeyDictionary()

    def scores(self, query: RoundedQuery, chosen: Sequence[Chosen], count: int) -> FloatArray:
        """Scores of chosen images by their places, float32 (count,); NaN without tokens.

        Args:
            query: q tokens.
            chosen: no place twice.
            count: more than the last place.
        """
        return self._scan(query, chosen, count, None).astype(np.float32)

    def bounded(self, query: RoundedQuery, chosen: Sequence[Chosen], count: int) -> Screened:
        """The same with errors; of an image without tokens the error means nothing."""
        lengths = np.zeros(count, dtype=np.float32)
        for part in chosen:
            lengths[part.places] = self._lengths(part.block)[part.local]
        scores = self._scan(query, chosen, count, lengths)
        for part in chosen:  # whole images only, so another thread never sees a part of one
            self._lengths(part.block)[part.local] = lengths[part.places]
        # The lengths, the scores and the errors are float32: three roundings.
        errors = query.error * lengths.astype(np.float64) + 3e-7 * (1 + np.abs(scores))
        return Screened(scores.astype(np.float32), errors.astype(np.float32))

    def _scan(
        self,
        query: RoundedQuery,
        chosen: Sequence[Chosen],
        count: int,
        lengths: FloatArray | None,
    ) -> DoubleArray:
        """Scores, float64 (count,); fills in `lengths` where it is 0, when it is given."""
        best = np.full((count, len(query.values)), -np.inf)
        filled = np.zeros(count, dtype=bool)
        longest = np.zeros(count, dtype=np.float32)
        scratch = np.empty((CHUNK_TOKENS, query.digits.shape[1]), dtype=np.int8)
        for places, rows, counts in packed(chosen, scratch):
            filled[places] = True
            if lengths is not None and (lengths[places] == 0).any():
                longest[places] = np.maximum(longest[places], _longest(rows, counts))
            if len(query.values):
                part = self.kernel.best(query.digits, rows, counts, scratch)
                best[places] = np.maximum(best[places], part)
        if lengths is not None:
            np.maximum(lengths, longest, out=lengths)
        scores = np.full(count, np.nan)
        scores[filled] = np.vecdot(best[filled], query.values)
        return scores

    def _lengths(self, block: Block) -> FloatArray:
        longest = self._longest.get(block)
        if longest is None:
            longest = np.zeros(block.count, dtype=np.float32)
            self._longest[block] = longest
        return longest


def _longest(rows: npt.NDArray[np.int8], counts: IntArray) -> FloatArray:
    """Length in int8 levels of the longest token of each image, float32 (n,)."""
    squares = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), LENGTH_TOKENS):
        wide = rows[start : start + LENGTH_TOKENS].astype(np.float32)
        np.vecdot(wide, wide, out=squares[start : start + LENGTH_TOKENS])
    return np.asarray(np.sqrt(np.maximum.reduceat(squares, np.cumsum(counts) - counts)))


def undecided(screened: Screened, k: int) -> IntArray:
    """Places that may be among the k best: all others are certainly worse than k images.

    Args:
        screened: n scores.
        k: >= 1.

    Returns:
        int64, ascending; all places with a score when there are at most k of them.
    """
    held = np.flatnonzero(~np.isnan(screened.scores))
    if len(held) <= k:
        return held
    scores = screened.scores[held].astype(np.float64)
    errors = screened.errors[held].astype(np.float64)
    least = np.partition(scores - errors, len(held) - k)[len(held) - k]
    return np.asarray(held[scores + errors >= least])
