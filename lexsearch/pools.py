"""Candidates on their way through a pipeline: pure functions on ids and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lexsearch.finding import CHANNELS, Found
from lexsearch.ranking.fusion import reciprocal_rank, weighted_sum
from lexsearch.ranking.normalise import theoretical_min_max
from lexsearch.ranking.topk import top_k
from lexsearch.types import FloatArray, IntArray, Ranking

# How far the second list of a concatenation lies below the first.
STEP = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Candidates with the score that ranks them.

    Attributes:
        ids: int64 (n,), ascending.
        totals: float32 (n,), the score of the stage that came last.
        scores: channel -> float32 (n,), NaN where no stage so far has asked the channel.
        notes: sentences for the user.
    """

    ids: IntArray
    totals: FloatArray
    scores: Mapping[str, FloatArray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def of_ids(cls, ids: IntArray) -> Pool:
        """Candidates that nobody has scored; ids: ascending."""
        return cls(ids, np.zeros(len(ids), dtype=np.float32))

    @classmethod
    def of_found(cls, found: Found) -> Pool:
        """The ranking of a search, with the scores of its channels."""
        order = np.argsort(found.ranking.ids)
        ids = found.ranking.ids[order]
        places = np.searchsorted(found.candidates, ids)
        scores = {name: values[places] for name, values in found.scores.items()}
        return cls(ids, found.ranking.scores[order], scores, found.notes)

    def ranking(self, k: int | None = None) -> Ranking:
        """The k best; None = all."""
        wanted = len(self.ids) if k is None else k
        return top_k(self.ids, self.totals, wanted, source="stages")

    def best(self, k: int) -> Pool:
        """The k best; of equal ones those of smaller id."""
        if k >= len(self.ids):
            return self
        return self._rows(np.searchsorted(self.ids, np.sort(self.ranking(k).ids)))

    def within(self, ids: IntArray) -> Pool:
        """Those of the candidates that are among some ids."""
        return self._rows(np.flatnonzero(np.isin(self.ids, ids)))

    def _rows(self, rows: IntArray) -> Pool:
        scores = {name: values[rows] for name, values in self.scores.items()}
        return Pool(self.ids[rows], self.totals[rows], scores, self.notes)

    def totals_of(self, ids: IntArray) -> FloatArray:
        """The totals of some ids, NaN where one is no candidate."""
        return _placed(ids, self.ids, self.totals)

    def found(self, k: int) -> Found:
        """As a search finds it."""
        scores = {name: self.scores[name] for name in CHANNELS if name in self.scores}
        return Found(self.ranking(k), self.ids, self.totals, scores, self.notes)

    def knowing(self, *others: Pool) -> Pool:
        """The same with what other pools know of its candidates."""
        return Pool(self.ids, self.totals, *_known(self.ids, (*others, self)))


def union(pools: Sequence[Pool]) -> Pool:
    """The candidates of any, ranked by reciprocal rank fusion of the pools."""
    fused = reciprocal_rank([pool.ranking() for pool in pools], sum(len(p.ids) for p in pools))
    order = np.argsort(fused.ids)
    ids = fused.ids[order]
    return Pool(ids, fused.scores[order], *_known(ids, pools))


def intersection(pools: Sequence[Pool]) -> Pool:
    """The candidates of all, ranked likewise."""
    ids = pools[0].ids
    for pool in pools[1:]:
        ids = np.intersect1d(ids, pool.ids)
    return union(pools).within(ids)


def concatenation(pools: Sequence[Pool]) -> Pool:
    """The first pool as it is, and below it what only the next ones hold, in their order."""
    ids, totals = pools[0].ids, pools[0].totals
    for pool in pools[1:]:
        new = ~np.isin(pool.ids, ids)
        below = pool.totals[new]
        if len(below) and len(totals):
            below = below - np.float32(below.max() - totals.min() + STEP)
        ids, totals = np.concatenate([ids, pool.ids[new]]), np.concatenate([totals, below])
    order = np.argsort(ids)
    return Pool(ids[order], totals[order].astype(np.float32), *_known(ids[order], pools))


def weighted(pools: Sequence[Pool], weights: Sequence[float], floors: Sequence[float]) -> Pool:
    """The candidates of any, by the weighted sum of scores brought to one scale.

    A score becomes (score - floor) / (best - floor), best among the candidates of its pool; see
    `theoretical_min_max`. A candidate that a pool lacks counts as the least of that pool.

    floors: the least score that each stage can give.
    """
    ids = np.unique(np.concatenate([pool.ids for pool in pools]))
    names = [f"{i:04}" for i in range(len(pools))]
    scaled = {
        name: theoretical_min_max(pool.totals_of(ids), floor=floor)
        for name, pool, floor in zip(names, pools, floors, strict=True)
    }
    totals = weighted_sum(scaled, dict(zip(names, weights, strict=True)))
    return Pool(ids, totals, *_known(ids, pools))


def _known(ids: IntArray, pools: Sequence[Pool]) -> tuple[dict[str, FloatArray], tuple[str, ...]]:
    """What pools know of some ids by channel; a channel gives an image one score everywhere."""
    scores: dict[str, FloatArray] = {}
    for pool in pools:
        for name, values in pool.scores.items():
            found = _placed(ids, pool.ids, values)
            held = scores.get(name)
            scores[name] = found if held is None else np.where(np.isnan(found), held, found)
    return scores, tuple(dict.fromkeys(note for pool in pools for note in pool.notes))


def _placed(ids: IntArray, known: IntArray, values: FloatArray) -> FloatArray:
    placed = np.full(len(ids), np.nan, dtype=np.float32)
    _, here, there = np.intersect1d(ids, known, assume_unique=True, return_indices=True)
    placed[here] = values[there]
    return placed
