"""Finds and ranks pictures for encoded queries: propose, score in every channel, fuse."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

import numpy as np

from lexsearch.errors import UsageError
from lexsearch.open_stores import OpenStores
from lexsearch.query_encoder import EncodedQuery
from lexsearch.ranking.fusion import weighted_sum
from lexsearch.ranking.fusion_rules import Rule, Weighted
from lexsearch.ranking.topk import top_k
from lexsearch.reuse import LastQuery
from lexsearch.stopwatch import Stopwatch
from lexsearch.types import DenseVectors, FloatArray, IntArray, Ranking, TokenVectors

if TYPE_CHECKING:
    from lexsearch.bundle.snapshot import Snapshot
    from lexsearch.protocols import Model

T = TypeVar("T")
Mode: TypeAlias = Literal["lexical", "dense", "late", "hybrid"]
MODES: tuple[Mode, ...] = ("lexical", "dense", "late", "hybrid")
CHANNELS: tuple[str, ...] = ("lexical", "dense", "late")

LATE_ALONE = 20_000  # most images that the late channel scores by itself
LATE_PROPOSED = 1_000  # images each other channel proposes to it above that
# Images from which on lexical and dense search side by side: below, handing one of them to a
# thread costs more than it saves (benchmarks/bench_query).
SIDE_BY_SIDE_FROM = 50_000


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A ranking with what led to it.

    Attributes:
        ranking: the k best.
        candidates: ids that were scored, ascending.
        totals: shape (candidates,), the score that ranks them.
        scores: channel -> shape (candidates,), NaN where the channel does not hold the image.
        notes: sentences for the user.
        rule: that made `totals` of `scores`; None where one channel ranks.
    """

    ranking: Ranking
    candidates: IntArray
    totals: FloatArray
    scores: Mapping[str, FloatArray]
    notes: tuple[str, ...] = ()
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a search.

    Attributes:
        k: results, >= 1.
        mode: channel or `hybrid`.
        rerank: late interaction scores only so many candidates (hybrid); None = all of them,
            0 = none.
    """

    k: int
    mode: Mode = "hybrid"
    rerank: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """One query, ready to be searched.

    Attributes:
        encoded: its vectors.
        allowed: ascending ids that may be found; None = all.
        candidates: ascending ids to score, all of them, in place of proposing any.
        rule: joins the channels in a hybrid search, where it covers those of the query; None =
            the model's weights.
        also: ascending ids that are candidates whoever proposes them.
    """

    encoded: EncodedQuery
    allowed: IntArray | None = None
    candidates: IntArray | None = None
    rule: Rule | None = None
    also: IntArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Proposing:
    """Where candidates come from: `everything`, or the `depth` best of each proposer."""

    everything: IntArray | None
    depth: int = 0
    proposers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Finder:
    """Searches over the stores of one snapshot.

    threads: most that one call uses; 0 = as many as there are processors.
    """

    def __init__(
        self, snapshot: Snapshot, model: Model, stores: OpenStores, *, threads: int = 0
    ) -> None:
        self.snapshot = snapshot
        self.model = model
        self.stores = stores
        self.threads = threads or os.cpu_count() or 1
        self._last_dense: LastQuery[DenseVectors] = LastQuery()
        self._last_late: LastQuery[TokenVectors] = LastQuery()

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads, thread_name_prefix="lexsearch")

    @contextmanager
    def opening(self, mode: Mode, watch: Stopwatch) -> Iterator[None]:
        """Opens the stores of a mode in another thread while the block runs.

        What the block does not hide of it is the stage `open`.
        """
        opener = self.stores.opener(mode)
        if opener is None or self.threads == 1:
            yield
            return
        future = self._pool.submit(opener)
        try:
            yield
        finally:
            with watch.stage("open"):
                wait([future])
        future.result()

    def find(self, wanted: Wanted, request: Request, watch: Stopwatch) -> Found:
        """The k best pictures for a query, with their scores in every channel of the mode.

        Answers to the same dense and late side as in the last call are taken from there.
        """
        query, allowed = wanted.encoded, wanted.allowed
        channels = self._channels(query, request.mode)
        proposing = (
            self._proposing(channels, request.k, allowed, watch)
            if wanted.candidates is None
            else _Proposing(wanted.candidates)
        )
        jobs: dict[str, Callable[[], Ranking]] = {}
        if "lexical" in proposing.proposers:
            words = _given(query.lexical)
            jobs["lexical"] = lambda: self.stores.lexical.search(
                words, proposing.depth, allowed=allowed
            )
        if "dense" in proposing.proposers:
            vector = _given(query.dense)
            jobs["dense"] = lambda: self._last_dense.search(
                vector,
                proposing.depth,
                allowed,
                lambda: self.stores.dense.search(vector, proposing.depth, allowed=allowed),
            )
        proposed = self._side_by_side(jobs, watch)
        return self._ranked(wanted, proposing, proposed, channels, request, watch, last=True)

    def find_many(
        self, wanted: Sequence[Wanted], request: Request, watch: Stopwatch
    ) -> list[Found]:
        """`find` for each of many queries, with the same answers.

        A dense store that can take many queries at once does; everything else runs in threads,
        one query each. The first query is answered before the others: stores derive what they
        need at their first search.
        """
        plans = [
            (channels, self._proposing(channels, request.k, one.allowed, watch))
            for one in wanted
            for channels in (self._channels(one.encoded, request.mode),)
        ]
        dense = self._dense_together(wanted, [proposing for _, proposing in plans], watch)

        def one(i: int) -> Found:
            query, allowed = wanted[i].encoded, wanted[i].allowed
            channels, proposing = plans[i]
            proposed: dict[str, Ranking] = {} if i not in dense else {"dense": dense[i]}
            if "lexical" in proposing.proposers:
                with watch.stage("lexical"):
                    words = _given(query.lexical)
                    proposed["lexical"] = self.stores.lexical.search(
                        words, proposing.depth, allowed=allowed
                    )
            if "dense" in proposing.proposers and i not in dense:
                with watch.stage("dense"):
                    vector = _given(query.dense)
                    proposed["dense"] = self.stores.dense.search(
                        vector, proposing.depth, allowed=allowed
                    )
            return self._ranked(
                wanted[i], proposing, proposed, channels, request, watch, last=False
            )

        if self.threads == 1 or len(wanted) < 3:
            return [one(i) for i in range(len(wanted))]
        return [one(0), *self._pool.map(one, range(1, len(wanted)))]

    def _dense_together(
        self, wanted: Sequence[Wanted], plans: Sequence[_Proposing], watch: Stopwatch
    ) -> dict[int, Ranking]:
        """Rankings of the queries that share a filter, where the store can do many at once."""
        alike: dict[int, list[int]] = {}
        for i, plan in enumerate(plans):
            if "dense" in plan.proposers:  # equal filters of one call are one array
                alike.setdefault(id(wanted[i].allowed), []).append(i)
        groups = [group for group in alike.values() if len(group) > 1]
        if not groups:
            return {}
        found: dict[int, Ranking] = {}
        with watch.stage("dense"):
            together = getattr(self.stores.dense, "search_many", None)
            if together is None:
                return {}
            for group in groups:
                rows = [_given(wanted[i].encoded.dense).values for i in group]
                vectors, first = DenseVectors(np.concatenate(rows)), group[0]
                rankings: list[Ranking] = together(
                    vectors, plans[first].depth, allowed=wanted[first].allowed
                )
                found.update(zip(group, rankings, strict=True))
        return found

    def _side_by_side(
        self, jobs: Mapping[str, Callable[[], Ranking]], watch: Stopwatch
    ) -> dict[str, Ranking]:
        def timed(name: str) -> Ranking:
            with watch.stage(name):
                return jobs[name]()

        names = list(jobs)
        apart = self.threads > 1 and len(names) > 1
        if not apart or len(self.snapshot.image_ids()) < SIDE_BY_SIDE_FROM:
            return {name: timed(name) for name in names}
        others = {name: self._pool.submit(timed, name) for name in names[1:]}
        found = {names[0]: timed(names[0])}
        return found | {name: future.result() for name, future in others.items()}

    def _channels(self, encoded: EncodedQuery, mode: Mode) -> tuple[str, ...]:
        sides = {"lexical": encoded.lexical, "dense": encoded.dense, "late": encoded.tokens}
        present = tuple(name for name in CHANNELS if sides[name] is not None)
        if mode == "hybrid":
            return present
        if mode not in present:
            raise UsageError(
                f"a query by words alone has no {mode} side; use --mode lexical or add a text"
            )
        return (mode,)

    def _proposing(
        self, channels: tuple[str, ...], k: int, allowed: IntArray | None, watch: Stopwatch
    ) -> _Proposing:
        if channels != ("late",):
            return _Proposing(None, max(self.model.first_stage, k), channels)
        with watch.stage("candidates"):
            everything = self.snapshot.image_ids() if allowed is None else allowed
        if len(everything) <= LATE_ALONE:
            return _Proposing(everything)
        depth = max(LATE_PROPOSED, k)
        note = (
            f"late interaction scored the {depth:,} best of the other two channels each, "
            f"not all {len(everything):,} pictures"
        )
        return _Proposing(None, depth, ("lexical", "dense"), (note,))

    def _ranked(
        self,
        wanted: Wanted,
        proposing: _Proposing,
        proposed: Mapping[str, Ranking],
        channels: tuple[str, ...],
        request: Request,
        watch: Stopwatch,
        *,
        last: bool,
    ) -> Found:
        """Scores of all candidates in every channel, and the k best.

        last: keep the answers for the next query, and use those of the last.
        """
        query, candidates = wanted.encoded, proposing.everything
        if candidates is None:
            ids = [found.ids for found in proposed.values()]
            also = [] if wanted.also is None else [wanted.also]
            candidates = np.unique(np.concatenate([*ids, *also]))
        scores: dict[str, FloatArray] = {}
        if "lexical" in channels:
            with watch.stage("lexical"):
                scores["lexical"] = self.stores.lexical.score(_given(query.lexical), candidates)
        if "dense" in channels:
            with watch.stage("dense"):
                vector = _given(query.dense)
                scores["dense"] = (
                    self._last_dense.score(self.stores.dense, vector, candidates)
                    if last
                    else self.stores.dense.score(vector, candidates)
                )
        if "late" in channels:
            with watch.stage("late"):
                scores["late"] = self._late(query, candidates, scores, request.rerank, last=last)
        with watch.stage("fuse"):
            rule = self._rule(wanted, scores) if request.mode == "hybrid" else None
            totals = scores[request.mode] if rule is None else rule.totals(scores)
            known = ~np.isnan(totals)
            ranking = top_k(candidates[known], totals[known], request.k, source=request.mode)
        return Found(ranking, candidates, totals, scores, proposing.notes, rule)

    def _rule(self, wanted: Wanted, scores: Mapping[str, FloatArray]) -> Rule:
        if wanted.rule is not None and wanted.rule.covers(scores):
            return wanted.rule
        return Weighted(self.model.fusion)

    def _late(
        self,
        query: EncodedQuery,
        candidates: IntArray,
        scores: Mapping[str, FloatArray],
        rerank: int | None,
        *,
        last: bool,
    ) -> FloatArray:
        tokens = _given(query.tokens)

        def score(ids: IntArray) -> FloatArray:
            if last:
                return self._last_late.score(self.stores.tokens, tokens, ids)
            return self.stores.tokens.score(tokens, ids)

        if rerank is None or rerank >= len(candidates) or not scores:
            return score(candidates)
        late = np.full(len(candidates), np.nan, dtype=np.float32)
        if rerank > 0:
            prior = weighted_sum(scores, self.model.fusion)
            best = np.lexsort((candidates, -prior))[:rerank]
            late[best] = score(candidates[best])
        return late


def _given(value: T | None) -> T:
    assert value is not None  # _channels admits a channel only where its side exists
    return value
