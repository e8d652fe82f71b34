"""Keeps what the last query cost most, so that the next one can be nearly the same for little.

A query whose words were edited has the text and the pictures of the one before: no model has to
run, and the dense and the late side have said already what they say of most candidates.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, Protocol, TypeVar

import numpy as np

from lexsearch.types import (
    DenseVectors,
    Encoded,
    FloatArray,
    IntArray,
    Ranking,
    TokenVectors,
)

V = TypeVar("V", DenseVectors, TokenVectors)
V_contra = TypeVar("V_contra", contravariant=True)
PARTS = 256  # parts of queries whose vectors are kept; a long text takes 40 kB
SCORES = 200_000  # images whose scores are kept for the last query


class Scores(Protocol[V_contra]):
    """The part of a store that gives scores."""

    def score(self, query: V_contra, ids: IntArray) -> FloatArray:
        """Scores of the named images, NaN where not held."""
        ...


class EncodedParts:
    """The vectors of the parts of queries that were encoded last; safe in several threads."""

    def __init__(self, size: int = PARTS) -> None:
        self._size = size
        self._lock = Lock()
        self._held: OrderedDict[Hashable, Encoded] = OrderedDict()

    def get(self, key: Hashable) -> Encoded | None:
        """The vectors kept under a key, or None."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def put(self, key: Hashable, vectors: Encoded) -> None:
        """Keep vectors; the ones not asked for longest go."""
        with self._lock:
            self._held[key] = vectors
            self._held.move_to_end(key)
            while len(self._held) > self._size:
                self._held.popitem(last=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Kept(Generic[V]):
    """What a store said to one query. ids ascending, scores by id; ranking for one (k, allowed)."""

    query: V
    ids: IntArray
    scores: FloatArray
    k: int = -1
    allowed: IntArray | None = None
    ranking: Ranking | None = None


class LastQuery(Generic[V]):
    """The answers of one store to the query it was asked last; equal to asking again.

    It holds because a store does not change while it is searched here, and because the score of an
    image does not depend on the others. Safe in several threads: what is kept is replaced, never
    changed.
    """

    def __init__(self) -> None:
        self._kept: _Kept[V] | None = None

    def search(
        self, query: V, k: int, allowed: IntArray | None, ask: Callable[[], Ranking]
    ) -> Ranking:
        """The ranking that `ask` would give, asked only if it is not the one kept."""
        kept = self._of(query)
        if kept.ranking is not None and kept.k == k and _same_ids(kept.allowed, allowed):
            return kept.ranking
        ranking = ask()
        self._kept = _Kept(query, kept.ids, kept.scores, k, allowed, ranking)
        return ranking

    def score(self, store: Scores[V], query: V, ids: IntArray) -> FloatArray:
        """`store.score(query, ids)`, of which only unknown images are computed."""
        kept = self._of(query)
        scores = np.full(len(ids), np.nan, dtype=np.float32)
        known = np.zeros(len(ids), dtype=bool)
        if len(kept.ids):
            places = np.minimum(np.searchsorted(kept.ids, ids), len(kept.ids) - 1)
            known = kept.ids[places] == ids
            scores[known] = kept.scores[places[known]]
        if known.all():
            return scores
        fresh = ids[~known]
        scores[~known] = store.score(query, fresh)
        all_ids, all_scores = fresh, scores[~known]
        if len(kept.ids) + len(fresh) <= SCORES:
            all_ids = np.concatenate([kept.ids, fresh])
            all_scores = np.concatenate([kept.scores, all_scores])
        order = np.argsort(all_ids, kind="stable")
        self._kept = _Kept(
            query, all_ids[order], all_scores[order], kept.k, kept.allowed, kept.ranking
        )
        return scores

    def _of(self, query: V) -> _Kept[V]:
        kept = self._kept
        if kept is not None and _same_query(kept.query, query):
            return kept
        return _Kept(query, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))


def _same_query(one: DenseVectors | TokenVectors, other: DenseVectors | TokenVectors) -> bool:
    if one is other:
        return True
    weights = [v.weights if isinstance(v, TokenVectors) else None for v in (one, other)]
    if (weights[0] is None) != (weights[1] is None):
        return False
    if weights[0] is not None and not np.array_equal(weights[0], weights[1]):  # type: ignore[arg-type]
        return False
    return np.array_equal(one.values, other.values)


def _same_ids(one: IntArray | None, other: IntArray | None) -> bool:
    if one is None or other is None:
        return one is other
    return one is other or np.array_equal(one, other)
