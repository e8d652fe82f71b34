"""The query path: encode, find candidates, score them in every channel, fuse, make hits."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

import numpy as np

from lexsearch.bundle.lists import offer
from lexsearch.errors import UsageError
from lexsearch.explain.terms import Contribution, contributions
from lexsearch.query import Query
from lexsearch.query_encoder import EncodedQuery, encode, word_id
from lexsearch.ranking.cutoff import automatic_cutoff
from lexsearch.ranking.fusion import weighted_sum
from lexsearch.ranking.topk import top_k
from lexsearch.registry import build
from lexsearch.results import SearchHit, SearchResults, display_path
from lexsearch.types import FloatArray, IntArray, Ranking, Role, SparseVectors, docid

if TYPE_CHECKING:
    from lexsearch.bundle.snapshot import Snapshot
    from lexsearch.protocols import LexicalIndex, Model, SearchIndex, TokenStore
    from lexsearch.types import DenseVectors

T = TypeVar("T")
Mode: TypeAlias = Literal["lexical", "dense", "late", "hybrid"]
MODES: tuple[Mode, ...] = ("lexical", "dense", "late", "hybrid")
CHANNELS: tuple[str, ...] = ("lexical", "dense", "late")

LATE_ALONE = 20_000  # most images that the late channel scores by itself
LATE_PROPOSED = 1_000  # images each other channel proposes to it above that
SHOWN_TERMS = 5  # words that a hit carries as its reasons
SHOWN_META = ("taken", "camera", "gps", "width", "height")


@dataclass(slots=True)
class Stopwatch:
    """Wall seconds by stage; a stage entered twice adds up."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times the block under `name`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A ranking with what led to it.

    Attributes:
        ranking: the k best.
        candidates: ids that were scored, ascending.
        totals: shape (candidates,), the score that ranks them.
        scores: channel -> shape (candidates,), NaN where the channel does not hold the image.
        notes: sentences for the user.
    """

    ranking: Ranking
    candidates: IntArray
    totals: FloatArray
    scores: Mapping[str, FloatArray]
    notes: tuple[str, ...] = ()


class Engine:
    """Answers queries on one snapshot with one model; stores open when first needed."""

    def __init__(
        self,
        snapshot: Snapshot,
        model: Model,
        *,
        stores: Mapping[Role, str] | None = None,
        late_kernel: str = "auto",
    ) -> None:
        self.snapshot = snapshot
        self.model = model
        self._stores: dict[Role, str] = {"lexical": "auto", "dense": "auto", "tokens": "memmap"}
        self._stores.update(stores or {})
        self._notes: tuple[str, ...] = ()
        self._token_options = {} if late_kernel == "auto" else {"kernel": late_kernel}

    @cached_property
    def lexical(self) -> LexicalIndex:
        """The word index of this snapshot."""
        size = self.model.identity.vocab_size
        index: LexicalIndex = build("stores.lexical", self._stores["lexical"], vocab_size=size)
        self._attach("lexical", index)
        return index

    @cached_property
    def dense(self) -> SearchIndex[DenseVectors]:
        """The dense index of this snapshot."""
        dim = self.model.identity.dense_dim
        index: SearchIndex[DenseVectors] = build("stores.dense", self._stores["dense"], dim=dim)
        self._attach("dense", index)
        if note := offer(index, self.snapshot.lists):
            self._notes += (note,)
        return index

    @cached_property
    def tokens(self) -> TokenStore:
        """The token store of this snapshot."""
        identity = self.model.identity
        store: TokenStore = build(
            "stores.tokens",
            self._stores["tokens"],
            dim=identity.token_dim,
            scale=identity.token_scale,
            **self._token_options,
        )
        self._attach("tokens", store)
        return store

    def _attach(
        self, role: Role, store: LexicalIndex | SearchIndex[DenseVectors] | TokenStore
    ) -> None:
        for segment in self.snapshot.segments:
            store.attach(segment.image_ids, segment.sections(role), live=segment.live)

    def encode(self, query: Query) -> EncodedQuery:
        """The query's vectors; see `lexsearch.query_encoder.encode`."""
        return encode(query, self.model)

    def search(
        self,
        query: Query,
        *,
        k: int,
        mode: Mode = "hybrid",
        cutoff: str | float = "none",
        rerank: int | None = None,
        leave_out: frozenset[int] = frozenset(),
    ) -> SearchResults:
        """The k best pictures for a query.

        Args:
            query: parts and conditions.
            k: results wanted, >= 1.
            mode: channel or `hybrid`.
            cutoff: `none`, `auto` (see `automatic_cutoff`) or a score.
            rerank: late interaction scores only so many candidates (hybrid); None = all of
                them, 0 = none.
            leave_out: ids never returned.

        Raises:
            UsageError: k < 1, an unknown mode, an empty query, an unknown word in a condition,
                or a mode that the query has no side for.
        """
        check_request(k, mode)
        watch = Stopwatch()
        with watch.stage("encode"):
            encoded = self.encode(query)
        with watch.stage("filter"):
            allowed, excluded = self._allowed(query, leave_out)
        found = self.search_encoded(
            encoded, k=k, mode=mode, allowed=allowed, rerank=rerank, watch=watch
        )
        limit = float("-inf")
        if cutoff == "auto":
            limit = automatic_cutoff(found.totals)
        elif cutoff != "none":
            limit = float(cutoff)
        with watch.stage("hits"):
            hits = self._hits(found, encoded, mode, limit)
        notes = encoded.notes + found.notes + self._notes
        return SearchResults(hits, str(query), mode, watch.seconds, notes, limit, excluded)

    def search_encoded(
        self,
        encoded: EncodedQuery,
        *,
        k: int,
        mode: Mode = "hybrid",
        allowed: IntArray | None = None,
        rerank: int | None = None,
        watch: Stopwatch | None = None,
    ) -> Found:
        """The same for vectors: candidates, scores in every channel of the mode, fusion.

        allowed: ascending ids that may be returned; None = all.
        """
        watch = watch or Stopwatch()
        channels = self._channels(encoded, mode)
        candidates, notes = self._candidates(encoded, channels, k, allowed, watch)
        scores: dict[str, FloatArray] = {}
        if "lexical" in channels:
            with watch.stage("lexical"):
                scores["lexical"] = self.lexical.score(_given(encoded.lexical), candidates)
        if "dense" in channels:
            with watch.stage("dense"):
                scores["dense"] = self.dense.score(_given(encoded.dense), candidates)
        if "late" in channels:
            with watch.stage("late"):
                scores["late"] = self._late(encoded, candidates, scores, rerank)
        with watch.stage("fuse"):
            hybrid = mode == "hybrid"
            totals = weighted_sum(scores, self.model.fusion) if hybrid else scores[mode]
            known = ~np.isnan(totals)
            ranking = top_k(candidates[known], totals[known], k, source=mode)
        return Found(ranking, candidates, totals, scores, notes)

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

    def _candidates(
        self,
        encoded: EncodedQuery,
        channels: tuple[str, ...],
        k: int,
        allowed: IntArray | None,
        watch: Stopwatch,
    ) -> tuple[IntArray, tuple[str, ...]]:
        notes: tuple[str, ...] = ()
        depth, proposers = max(self.model.first_stage, k), channels
        if channels == ("late",):
            with watch.stage("candidates"):
                everything = self.snapshot.image_ids() if allowed is None else allowed
            if len(everything) <= LATE_ALONE:
                return everything, ()
            depth, proposers = max(LATE_PROPOSED, k), ("lexical", "dense")
            notes = (
                f"late interaction scored the {depth:,} best of the other two channels each, "
                f"not all {len(everything):,} pictures",
            )
        found: list[IntArray] = []
        if "lexical" in proposers:
            with watch.stage("lexical"):
                query = _given(encoded.lexical)
                found.append(self.lexical.search(query, depth, allowed=allowed).ids)
        if "dense" in proposers:
            with watch.stage("dense"):
                vector = _given(encoded.dense)
                found.append(self.dense.search(vector, depth, allowed=allowed).ids)
        return np.unique(np.concatenate(found)), notes

    def _late(
        self,
        encoded: EncodedQuery,
        candidates: IntArray,
        scores: Mapping[str, FloatArray],
        rerank: int | None,
    ) -> FloatArray:
        query = _given(encoded.tokens)
        if rerank is None or rerank >= len(candidates) or not scores:
            return self.tokens.score(query, candidates)
        late = np.full(len(candidates), np.nan, dtype=np.float32)
        if rerank > 0:
            prior = weighted_sum(scores, self.model.fusion)
            best = np.lexsort((candidates, -prior))[:rerank]
            late[best] = self.tokens.score(query, candidates[best])
        return late

    def _allowed(self, query: Query, leave_out: frozenset[int]) -> tuple[IntArray | None, int]:
        """Ids that the conditions admit (None = all) and how many `-word` took away."""
        allowed: IntArray | None = None
        if query.filters:
            f = query.filters
            allowed = self.snapshot.allowed(
                after=f.after, before=f.before, path_glob=f.path, type_=f.type, camera=f.camera
            )
        for word in query.must:
            carriers = self.carriers(word)
            allowed = carriers if allowed is None else np.intersect1d(allowed, carriers)
        excluded = 0
        if query.exclude or leave_out:
            allowed = self.snapshot.image_ids() if allowed is None else allowed
            before = len(allowed)
            for word in query.exclude:
                allowed = np.setdiff1d(allowed, self.carriers(word))
            excluded = before - len(allowed)
            allowed = np.setdiff1d(allowed, np.array(sorted(leave_out), dtype=np.int64))
        return allowed, excluded

    def carriers(self, word: str) -> IntArray:
        """Ascending ids of the images that carry a word (its `word_fires` or more).

        Raises:
            UsageError: the word is not in the vocabulary.
        """
        key = word_id(word, self.model.vocabulary)
        one = SparseVectors.from_rows(
            [(np.array([key], np.int32), np.ones(1, np.float32))], self.model.identity.vocab_size
        )
        ranking = self.lexical.search(one, max(1, len(self.lexical)))
        return np.sort(ranking.ids[ranking.scores >= self.model.word_fires])

    def _hits(
        self, found: Found, encoded: EncodedQuery, mode: Mode, limit: float
    ) -> tuple[SearchHit, ...]:
        ids = found.ranking.ids
        places = np.searchsorted(found.candidates, ids)
        reasons = self._reasons(encoded, ids)
        hits: list[SearchHit] = []
        for i, record in enumerate(self.snapshot.images(ids.tolist())):
            score = float(found.ranking.scores[i])
            scores: dict[str, float | None] = dict.fromkeys((*CHANNELS, "fused"))
            for name, values in found.scores.items():
                value = float(values[places[i]])
                scores[name] = None if np.isnan(value) else value
            if mode == "hybrid":
                scores["fused"] = score
            hits.append(
                SearchHit(
                    rank=i + 1,
                    id=docid(record.image_id),
                    raw_path=record.paths[0],
                    score=score,
                    scores=scores,
                    terms=reasons[i],
                    also=tuple(display_path(path) for path in record.paths[1:]),
                    meta={name: getattr(record, name) for name in SHOWN_META},
                    below_cutoff=score < limit,
                )
            )
        return tuple(hits)

    def _reasons(self, encoded: EncodedQuery, ids: IntArray) -> list[tuple[Contribution, ...]]:
        """The words that speak for each image, heaviest first, at most SHOWN_TERMS."""
        if encoded.lexical is None or not len(ids):
            return [()] * len(ids)
        stored = self.lexical.vectors(ids)
        vocabulary = self.model.vocabulary
        reasons: list[tuple[Contribution, ...]] = []
        for i in range(len(ids)):
            terms = contributions(encoded.lexical, stored.select([i]), vocabulary)
            whole = (t for t in terms if t.contribution > 0 and vocabulary.is_word(t.word_id))
            reasons.append(tuple(islice(whole, SHOWN_TERMS)))
        return reasons


def check_request(k: int, mode: str) -> None:
    """Raises UsageError unless k >= 1 and the mode exists."""
    if k < 1:
        raise UsageError(f"{k} results were asked for; expected at least 1 (-t N)")
    if mode not in MODES:
        raise UsageError(f"no mode is called {mode!r}; known: {', '.join(MODES)}")


def _given(value: T | None) -> T:
    assert value is not None  # _channels admits a channel only where its side exists
    return value
