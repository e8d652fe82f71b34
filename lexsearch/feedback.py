"""Pseudo-relevance feedback on words: the best pictures of a first search lend it their words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lexsearch.errors import UsageError
from lexsearch.types import FloatArray, SparseVectors

METHODS = ("rocchio", "rm3")
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Feedback:
    """How a query is to be expanded.

    Attributes:
        method: `rocchio`: the query's words, plus `weight` times the mean of the pictures' unit
            vectors (Rocchio 1971 without non-relevant documents, as Anserini has it). `rm3`: a
            mixture, (1 - weight) of the query's words and `weight` of a relevance model, in
            which a picture counts by its share of the scores (Abdul-Jaleel et al. 2004).
        docs: pictures that lend words, >= 1.
        words: words taken from them, the heaviest, >= 1.
        weight: in [0, 1]; 0 changes nothing.

    Raises:
        UsageError: a value outside of its range.
    """

    method: str = "rocchio"
    docs: int = 10
    words: int = 20
    weight: float = 0.5

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UsageError(f"no feedback is called {self.method!r}; known: {', '.join(METHODS)}")
        if self.docs < 1 or self.words < 1:
            raise UsageError(
                f"feedback of {self.words} words from {self.docs} photos; both must be 1 or more"
            )
        if not 0 <= self.weight <= 1:
            raise UsageError(f"the weight of feedback is {self.weight}; expected 0 to 1")


def expanded(
    query: SparseVectors, pictures: SparseVectors, scores: FloatArray, how: Feedback
) -> SparseVectors:
    """The words of a query with those of the best pictures; its length (L2) stays what it was.

    So the scale of the lexical scores, which the fusion weighs, stays as well. A word that counts
    against the query (weight below 0) is not lent back to it.

    Args:
        query: one row.
        pictures: n rows, n >= 0: stored words of the best pictures, best first.
        scores: shape (n,), of the first search; any scale, higher is better.
        how: what to do.
    """
    ids, weights = query.row(0)
    own = np.zeros(query.vocab_size, dtype=np.float64)
    own[ids] = weights
    lent = _lent(pictures, scores, how)
    lent[own < 0] = 0.0
    if not how.weight or not lent.any() or not (own > 0).any():
        return query
    heaviest = np.lexsort((np.arange(len(lent)), -lent))[: how.words]
    kept = np.zeros_like(lent)
    kept[heaviest] = lent[heaviest]
    if how.method == "rm3":
        positive = own[own > 0].sum()
        mixed = (1 - how.weight) * own / positive + how.weight * kept / kept.sum()
    else:
        mixed = own / np.linalg.norm(own) + how.weight * kept
    mixed *= np.linalg.norm(own) / np.linalg.norm(mixed)
    found = np.flatnonzero(mixed.astype(np.float32))
    row = (found.astype(np.int32), mixed[found].astype(np.float32))
    return SparseVectors.from_rows([row], query.vocab_size)


def _lent(pictures: SparseVectors, scores: FloatArray, how: Feedback) -> Values:
    """Weight of every word in the pictures together."""
    total = np.zeros(pictures.vocab_size, dtype=np.float64)
    count = len(pictures)
    if not count:
        return total
    shares = _shares(scores) if how.method == "rm3" else np.full(count, 1 / count)
    for i in range(count):
        ids, weights = pictures.row(i)
        norm = float(weights.sum() if how.method == "rm3" else np.linalg.norm(weights))
        if norm > 0:
            total[ids] += shares[i] * weights.astype(np.float64) / norm
    return total


def _shares(scores: FloatArray) -> Values:
    """Share of every picture in the relevance model: proportional to its score.

    Where scores can be negative (cosines, log-odds) they are counted from the least of them.
    """
    values = scores.astype(np.float64)
    if values.min() < 0:
        values = values - values.min()
    return values / values.sum() if values.sum() > 0 else np.full(len(values), 1 / len(values))
