"""The query path: encode, find candidates, score them in every channel, fuse, make hits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lexsearch.admission import Admission
from lexsearch.errors import UsageError
from lexsearch.feedback import expanded
from lexsearch.finding import CHANNELS, MODES, Finder, Found, Mode, Request, Wanted
from lexsearch.fusion_choice import FusionChoice
from lexsearch.hits import make_hits, reasons
from lexsearch.open_stores import OpenStores
from lexsearch.protocols import WarmsUp
from lexsearch.query import Query
from lexsearch.query_encoder import EncodedQuery, encode_many
from lexsearch.ranking.cutoff import automatic_cutoff
from lexsearch.results import SearchResults
from lexsearch.reuse import EncodedParts
from lexsearch.stopwatch import Stopwatch
from lexsearch.types import IntArray, Ranking, Role
from lexsearch.vectors import heaviest

if TYPE_CHECKING:
    from lexsearch.bundle.snapshot import Snapshot
    from lexsearch.protocols import LexicalIndex, Model, SearchIndex, TokenStore
    from lexsearch.ranking.fusion_rules import Rule
    from lexsearch.settings import Settings
    from lexsearch.types import DenseVectors

__all__ = ["CHANNELS", "MODES", "Engine", "Found", "Mode", "check_request"]


class Engine:
    """Answers queries on one snapshot with one model; stores open when first needed.

    Args:
        snapshot: what is searched.
        model: encodes the queries.
        stores: plugin by role, where it is not the default.
        late_kernel: what computes late interaction; see `Settings`.
        threads: most that one call uses; 0 = as many as there are processors.
        fusion: how channels are joined; see `lexsearch.fusion_choice.FUSIONS`.

    Raises:
        UsageError: no fusion of that name.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        model: Model,
        *,
        stores: Mapping[Role, str] | None = None,
        late_kernel: str = "auto",
        threads: int = 0,
        fusion: str = "auto",
    ) -> None:
        self.fusion = FusionChoice(fusion, snapshot, model)
        self.snapshot = snapshot
        self.model = model
        self._stores = OpenStores(snapshot, model.identity, names=stores, late_kernel=late_kernel)
        self._finder = Finder(snapshot, model, self._stores, threads=threads)
        self._admission = Admission(snapshot, model)
        self._parts = EncodedParts()

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        model: Model,
        settings: Settings,
        *,
        stores: Mapping[Role, str] | None = None,
    ) -> Engine:
        """An engine as the settings of this process want it."""
        return cls(
            snapshot,
            model,
            stores=stores,
            late_kernel=settings.late_kernel,
            threads=settings.threads,
            fusion=settings.fusion,
        )

    @property
    def lexical(self) -> LexicalIndex:
        """The word index of this snapshot."""
        return self._stores.lexical

    @property
    def dense(self) -> SearchIndex[DenseVectors]:
        """The dense index of this snapshot."""
        return self._stores.dense

    @property
    def tokens(self) -> TokenStore:
        """The token store of this snapshot."""
        return self._stores.tokens

    def encode(self, query: Query, *, mode: Mode = "hybrid") -> EncodedQuery:
        """The query's vectors; see `lexsearch.query_encoder.encode`.

        mode: of the first search, where the query asks for feedback.
        """
        return self.encode_many([query], mode=mode)[0]

    def encode_many(self, queries: Sequence[Query], *, mode: Mode = "hybrid") -> list[EncodedQuery]:
        """The vectors of each query; see `lexsearch.query_encoder.encode_many`.

        mode: of the first search, where a query asks for feedback.
        """
        found = encode_many(queries, self.model, self._parts)
        return [self._fed(query, one, mode) for query, one in zip(queries, found, strict=True)]

    def _fed(
        self, query: Query, encoded: EncodedQuery, mode: Mode, allowed: IntArray | None = None
    ) -> EncodedQuery:
        """The query with the words of the best pictures; as it is where it asks for none."""
        how = query.feedback
        if how is None or encoded.lexical is None or mode not in ("lexical", "hybrid"):
            return encoded
        allowed = self.allowed(query) if allowed is None else allowed
        wanted = Wanted(encoded, allowed, rule=self._rule(query, mode))
        best = self._finder.find(wanted, Request(how.docs, mode), Stopwatch()).ranking
        if not len(best):
            return encoded
        stored = self.lexical.vectors(best.ids)
        words = expanded(encoded.lexical, stored, best.scores, how)
        note = f"words of the {len(best)} best pictures were added ({how.method})"
        return replace(encoded, lexical=words, notes=(*encoded.notes, note))

    def search(
        self,
        query: Query,
        *,
        k: int,
        mode: Mode = "hybrid",
        cutoff: str | float = "none",
        rerank: int | None = None,
        leave_out: frozenset[int] = frozenset(),
        every_word: bool = False,
        with_shares: int = 0,
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
            every_word: hits carry every word that both sides share, so that they add up to
                the lexical score; otherwise the few heaviest.
            with_shares: so many of the best hits say what their fused score is made of; all of
                them with every word.

        Raises:
            UsageError: k < 1, an unknown mode, an empty query, an unknown word in a condition,
                or a mode that the query has no side for.
        """
        check_request(k, mode)
        watch = Stopwatch()
        with self._finder.opening(_reads([query], mode), watch), watch.stage("encode"):
            encoded = encode_many([query], self.model, self._parts)[0]
        with watch.stage("filter"):
            allowed, excluded = self.admitted(query, leave_out)
        with watch.stage("feedback") if query.feedback else nullcontext():
            encoded = self._fed(query, encoded, mode, allowed)
        wanted = Wanted(encoded, allowed, rule=self._rule(query, mode))
        found = self._finder.find(wanted, Request(k, mode, rerank), watch)
        with watch.stage("hits"):
            made = self.results(
                query,
                encoded,
                found,
                mode,
                cutoff,
                excluded,
                every_word=every_word,
                with_shares=with_shares,
            )
        return made.timed(watch.seconds())

    def search_many(
        self,
        queries: Sequence[Query],
        *,
        k: int,
        mode: Mode = "hybrid",
        cutoff: str | float = "none",
        rerank: int | None = None,
    ) -> list[SearchResults]:
        """`search` for each of many queries, in their order, with the same answers.

        Texts and pictures are encoded together, a text that occurs twice once; the searches share
        the processors. Every result has an equal part of the seconds of all.

        Raises:
            UsageError: as in `search`, for the first query that is at fault.
        """
        check_request(k, mode)
        if not queries:
            return []
        watch = Stopwatch()
        with self._finder.opening(_reads(queries, mode), watch), watch.stage("encode"):
            encoded = encode_many(queries, self.model, self._parts)
        with watch.stage("filter"):
            admitted = [self.admitted(query) for query in queries]
        encoded = [
            self._fed(query, encoded[i], mode, admitted[i][0]) for i, query in enumerate(queries)
        ]
        wanted = [
            Wanted(encoded[i], admitted[i][0], rule=self._rule(query, mode))
            for i, query in enumerate(queries)
        ]
        found = self._finder.find_many(wanted, Request(k, mode, rerank), watch)
        with watch.stage("hits"):
            made = [
                self.results(query, encoded[i], found[i], mode, cutoff, admitted[i][1])
                for i, query in enumerate(queries)
            ]
        seconds = watch.seconds(among=len(queries))
        return [one.timed(seconds) for one in made]

    def ranking(
        self, query: Query, *, k: int, mode: Mode = "hybrid", allowed: IntArray | None = None
    ) -> Ranking:
        """The ids and scores of the k best, without reading what is known of the pictures.

        allowed: ascending ids that may be found, besides the conditions of the query; None = all.

        Raises:
            UsageError: as in `search`.
        """
        check_request(k, mode)
        watch = Stopwatch()
        with self._finder.opening(_reads([query], mode), watch):
            encoded = encode_many([query], self.model, self._parts)[0]
        admitted = self.allowed(query)
        if admitted is not None and allowed is not None:
            admitted = np.intersect1d(admitted, allowed, assume_unique=True)
        allowed = allowed if admitted is None else admitted
        encoded = self._fed(query, encoded, mode, allowed)
        wanted = Wanted(encoded, allowed, rule=self._rule(query, mode))
        return self._finder.find(wanted, Request(k, mode), watch).ranking

    def search_encoded(
        self,
        encoded: EncodedQuery,
        *,
        k: int,
        mode: Mode = "hybrid",
        allowed: IntArray | None = None,
        candidates: IntArray | None = None,
        rerank: int | None = None,
        watch: Stopwatch | None = None,
        rule: Rule | None = None,
        also: IntArray | None = None,
    ) -> Found:
        """The same for vectors: candidates, scores in every channel of the mode, fusion.

        Args:
            encoded: the query.
            k: results wanted, >= 1.
            mode: channel or `hybrid`.
            allowed: ascending ids that may be returned; None = all.
            candidates: ascending ids to score, in place of proposing any; `allowed` is not looked
                at.
            rerank: see `search`.
            watch: gets the seconds.
            rule: joins the channels; None = the one in force for texts.
            also: ascending ids that are candidates whoever proposes them.
        """
        rule = rule or (self.fusion.for_texts if mode == "hybrid" else None)
        wanted = Wanted(encoded, allowed, candidates, rule, also)
        return self._finder.find(wanted, Request(k, mode, rerank), watch or Stopwatch())

    def warm_up(self, *, wait: bool = True) -> None:
        """Do now what the first searches would wait for: open stores, widen rows, compile.

        wait: also for machine code; without it a thread makes it and searches do not wait either.
        """
        self.search(Query.text("a photo"), k=1)
        if "lexical" in self.model.identity.fingerprints and isinstance(self.lexical, WarmsUp):
            self.lexical.warm_up(images=len(self.lexical), wait=wait)

    def _rule(self, query: Query, mode: Mode) -> Rule | None:
        return self.fusion.for_query(query) if mode == "hybrid" else None

    def admitted(
        self, query: Query, leave_out: frozenset[int] = frozenset()
    ) -> tuple[IntArray | None, int]:
        """Ascending ids that the conditions of a query admit, and how many `-word` took away.

        leave_out: ids never admitted.

        Raises:
            UsageError: a condition names an unknown word.
        """
        return self._admission.admitted(query, lambda: self.lexical, leave_out)

    def stored_words(self, image_id: int, *, k: int = 20) -> list[str]:
        """The heaviest whole words that are stored of an image, heaviest first."""
        if "lexical" not in self.model.identity.fingerprints:
            return []
        vocabulary = self.model.vocabulary
        ((*row,),) = heaviest(self.lexical.vectors(np.array([image_id], dtype=np.int64)))
        return [vocabulary.words[i] for i, _ in row if vocabulary.is_word(i)][:k]

    def carriers(self, word: str) -> IntArray:
        """Ascending ids of the images that carry a word (its `word_fires` or more).

        Raises:
            UsageError: the word is not in the vocabulary.
        """
        return self._admission.carriers(word, lambda: self.lexical)

    def allowed(self, query: Query) -> IntArray | None:
        """Ascending ids that the conditions of a query admit; None = all."""
        return self.admitted(query)[0]

    def results(
        self,
        query: Query,
        encoded: EncodedQuery,
        found: Found,
        mode: str,
        cutoff: str | float = "none",
        excluded: int = 0,
        *,
        every_word: bool = False,
        with_shares: int = 0,
    ) -> SearchResults:
        """What was found as hits with paths and reasons; arguments as in `search`."""
        limit = float("-inf")
        if cutoff == "auto":
            limit = automatic_cutoff(found.totals)
        elif cutoff != "none":
            limit = float(cutoff)
        words = reasons(
            encoded.lexical,
            found.ranking.ids,
            lambda: self.lexical,
            self.model.vocabulary,
            every_word=every_word,
        )
        hits = make_hits(
            found,
            self.snapshot,
            words,
            is_fused=mode not in CHANNELS,
            limit=limit,
            with_shares=len(words) if every_word else with_shares,
        )
        notes = encoded.notes + found.notes + self._stores.notes
        fusion = "model" if found.rule is None else found.rule.name
        return SearchResults(hits, str(query), mode, {}, notes, limit, excluded, fusion)


def check_request(k: int, mode: str) -> None:
    """Raises UsageError unless k >= 1 and the mode exists."""
    if k < 1:
        raise UsageError(f"{k} results were asked for; expected at least 1 (-t N)")
    if mode not in MODES:
        raise UsageError(f"no mode is called {mode!r}; known: {', '.join(MODES)}")


def _reads(queries: Sequence[Query], mode: Mode) -> Mode:
    """The mode whose stores the queries need: words alone have no other side."""
    sides = any(part.kind != "words" for query in queries for part in query.parts)
    return mode if sides else "lexical"
