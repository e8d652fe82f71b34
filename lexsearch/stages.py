"""Pipelines from the stages of a search, put together with operators.

The channels of the engine compute; a pipeline says which, in which order. With `s = db.stages`:

    s.lexical >> s.late                       candidates by words, reranked by late interaction
    0.3 * s.lexical + 0.7 * s.dense           weighted sum of scores, each brought to [0, 1]
    (s.lexical | s.dense) >> s.late % 100     union of candidates, reranked, cut to 100
    s.lexical & s.dense                       what both propose
    s.lexical ^ s.dense                       the first list, then what only the second has

Python binds, from tight to loose: `*` and `%` (from left to right), `+`, `>>`, `&`, `^`, `|`. So
`a | b >> c` is `a | (b >> c)`, and `0.3 * a % 10` is `(0.3 * a) % 10`; brackets help.

Source of the notation: Macdonald and Tonellotto 2020, PyTerrier.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import numpy as np

from lexsearch import pools
from lexsearch.candidates import Candidates, candidate_ids
from lexsearch.engine import Engine
from lexsearch.errors import UsageError
from lexsearch.pools import Pool
from lexsearch.query import Filter, Query
from lexsearch.query_encoder import EncodedQuery
from lexsearch.results import SearchResults
from lexsearch.stopwatch import Stopwatch
from lexsearch.types import IntArray

T = TypeVar("T")


class Host(Protocol):
    """An open db: it has an engine, which `reload` may replace."""

    def current(self, use: Callable[[Engine], T]) -> T: ...  # noqa: D102


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One query on its way through a pipeline.

    Attributes:
        engine: computes.
        encoded: the query's vectors.
        allowed: ascending ids that may be found; None = all.
        depth: candidates that a stage proposes which was given none.
        watch: gets the seconds.
    """

    engine: Engine
    encoded: EncodedQuery
    allowed: IntArray | None
    depth: int
    watch: Stopwatch


@dataclass(frozen=True, repr=False)
class Stage(ABC):
    """One step of a search, or several put together; stages of one db combine by operators."""

    host: Host = field(compare=False)

    @abstractmethod
    def pool(self, asked: Asked, given: Pool | None) -> Pool:
        """The candidates of this stage with their scores; given: from those, None = of its own."""

    @abstractmethod
    def floor(self, asked: Asked) -> float:
        """The least score that this stage can give to a query of positive weights."""

    @property
    @abstractmethod
    def _written(self) -> tuple[int, str]:
        """How tightly its operator binds, and the text."""

    def __repr__(self) -> str:
        return self._written[1]

    def search(
        self,
        query: str | Query,
        *,
        top_k: int = 10,
        filters: Filter | None = None,
        cutoff: str | float = "none",
    ) -> SearchResults:
        """The best pictures, best first; arguments as in `LexSearch.search`.

        A first stage proposes `Model.first_stage` candidates, as in a hybrid search, or `top_k`.

        Raises:
            UsageError: as in `LexSearch.search`.
        """
        asked = [Query.of(query, filters)]
        return self.host.current(lambda engine: self._answers(engine, asked, top_k, cutoff)[0])

    def search_many(
        self, queries: Sequence[str | Query], *, top_k: int = 10, filters: Filter | None = None
    ) -> list[SearchResults]:
        """`search` for each query, in their order; texts and pictures are encoded together."""
        wanted = [Query.of(query, filters) for query in queries]
        return self.host.current(lambda engine: self._answers(engine, wanted, top_k, "none"))

    def rerank(
        self,
        query: str | Query,
        candidates: Candidates,
        *,
        top_k: int | None = None,
        filters: Filter | None = None,
    ) -> SearchResults:
        """The given pictures, in the order of this stage.

        Args:
            query: its conditions hold for the candidates too.
            candidates: ids or hits in any order, a `Ranking`, or the results of a search.
            top_k: results wanted; None = all of them.
            filters: further conditions.

        Raises:
            UsageError: as in `search`, or an id that no picture of the db has.
        """
        wanted = Query.of(query, filters)

        def reranked(engine: Engine) -> SearchResults:
            ids = candidate_ids(engine.snapshot, candidates)
            k = max(1, len(ids)) if top_k is None else top_k
            return self._answers(engine, [wanted], k, "none", ids)[0]

        return self.host.current(reranked)

    def _answers(
        self,
        engine: Engine,
        queries: Sequence[Query],
        k: int,
        cutoff: str | float,
        candidates: IntArray | None = None,
    ) -> list[SearchResults]:
        if k < 1:
            raise UsageError(f"{k} results were asked for; expected at least 1")
        watch = Stopwatch()
        with watch.stage("encode"):
            encoded = engine.encode_many(queries) if queries else []
        depth = max(engine.model.first_stage, k)
        made = []
        for query, vectors in zip(queries, encoded, strict=True):
            with watch.stage("filter"):
                allowed, excluded = engine.admitted(query)
            given = None if candidates is None else Pool.of_ids(candidates)
            if given is not None and allowed is not None:
                given = given.within(allowed)
            found = self.pool(Asked(engine, vectors, allowed, depth, watch), given).found(k)
            with watch.stage("hits"):
                made.append(engine.results(query, vectors, found, repr(self), cutoff, excluded))
        seconds = watch.seconds(among=max(1, len(queries)))
        return [one.timed(seconds) for one in made]

    def __rshift__(self, other: Stage) -> Stage:
        """`a >> b`: b on the candidates of a."""
        return Chain(self.host, _parts(Chain, self, other))

    def __or__(self, other: Stage) -> Stage:
        """`a | b`: the candidates of either, by reciprocal rank fusion of the two lists."""
        return Union(self.host, _parts(Union, self, other))

    def __and__(self, other: Stage) -> Stage:
        """`a & b`: the candidates of both, ranked likewise."""
        return Intersection(self.host, _parts(Intersection, self, other))

    def __xor__(self, other: Stage) -> Stage:
        """`a ^ b`: the list of a, and below it what only b has."""
        return Concatenation(self.host, _parts(Concatenation, self, other))

    def __add__(self, other: Stage) -> Stage:
        """`a + b`: the sum of their scores, each brought to [0, 1]; see `pools.weighted`."""
        _parts(Sum, self, other)
        return Sum(self.host, _terms(self) + _terms(other))

    def __mul__(self, weight: float) -> Stage:
        """`0.3 * a`: its score, brought to [0, 1], times a number."""
        if not abs(weight) < float("inf"):
            raise UsageError(f"a stage was multiplied by {weight}; expected a finite number")
        return Sum(self.host, tuple((weight * w, stage) for w, stage in _terms(self)))

    __rmul__ = __mul__

    def __mod__(self, k: int) -> Stage:
        """`a % k`: the k best of a."""
        if k < 1:
            raise UsageError(f"a stage was cut to {k}; expected at least 1")
        return Cut(self.host, self, k)


@dataclass(frozen=True, repr=False)
class Sum(Stage):
    """A weighted sum of normalised scores."""

    terms: tuple[tuple[float, Stage], ...]

    def pool(self, asked: Asked, given: Pool | None) -> Pool:
        """See `Stage`; every term scores what any of them proposes."""
        stages = [stage for _, stage in self.terms]
        found = [stage.pool(asked, given) for stage in stages]
        if given is None and len(stages) > 1:
            everything = Pool.of_ids(np.unique(np.concatenate([one.ids for one in found])))
            found = [stage.pool(asked, everything) for stage in stages]
        floors = [stage.floor(asked) for stage in stages]
        return pools.weighted(found, [weight for weight, _ in self.terms], floors)

    def floor(self, asked: Asked) -> float:
        """See `Stage`."""
        return sum(min(0.0, weight) for weight, _ in self.terms)

    @property
    def _written(self) -> tuple[int, str]:
        if len(self.terms) == 1:
            weight, stage = self.terms[0]
            return 6, f"{weight:g} * {_inside(stage, 7)}"
        shown = [
            _inside(stage, 6) if weight == 1.0 else f"{weight:g} * {_inside(stage, 7)}"
            for weight, stage in self.terms
        ]
        return 5, " + ".join(shown)


@dataclass(frozen=True, repr=False)
class Cut(Stage):
    """The k best of a stage."""

    stage: Stage
    k: int

    def pool(self, asked: Asked, given: Pool | None) -> Pool:
        """See `Stage`."""
        deeper = replace(asked, depth=max(asked.depth, self.k))
        return self.stage.pool(deeper, given).best(self.k)

    def floor(self, asked: Asked) -> float:
        """See `Stage`."""
        return self.stage.floor(asked)

    @property
    def _written(self) -> tuple[int, str]:
        return 6, f"{_inside(self.stage, 6)} % {self.k}"


@dataclass(frozen=True, repr=False)
class _Several(Stage):
    """Stages joined by one operator."""

    parts: tuple[Stage, ...]
    level = 0
    sign = ""

    def floor(self, asked: Asked) -> float:
        """See `Stage`."""
        return 0.0

    @property
    def _written(self) -> tuple[int, str]:
        return self.level, f" {self.sign} ".join(_inside(p, self.level + 1) for p in self.parts)


@dataclass(frozen=True, repr=False)
class Chain(_Several):
    """One stage after the other, each on the candidates of the one before."""

    level = 4
    sign = ">>"

    def pool(self, asked: Asked, given: Pool | None) -> Pool:
        """See `Stage`; the scores of all its stages are kept, the last one ranks."""
        for stage in self.parts:
            before, given = given, stage.pool(asked, given)
            if before is not None:
                given = given.knowing(before)
        assert given is not None
        return given

    def floor(self, asked: Asked) -> float:
        """See `Stage`."""
        return self.parts[-1].floor(asked)


@dataclass(frozen=True, repr=False)
class Union(_Several):
    """What any of the stages finds."""

    level = 1
    sign = "|"

    def pool(self, asked: Asked, given: Pool | None) -> Pool:
        """See `Stage`."""
        return pools.union([stage.pool(asked, given) for stage in self.parts])


@dataclass(frozen=True, repr=False)
class Intersection(_Several):
    """What all of the stages find."""

    level = 3
    sign = "&"

    def pool(self, asked: Asked, given: Pool | None) -> Pool:
        """See `Stage`."""
        return pools.intersection([stage.pool(asked, given) for stage in self.parts])


@dataclass(frozen=True, repr=False)
class Concatenation(_Several):
    """One list below the other."""

    level = 2
    sign = "^"

    def pool(self, asked: Asked, given: Pool | None) -> Pool:
        """See `Stage`."""
        return pools.concatenation([stage.pool(asked, given) for stage in self.parts])

    def floor(self, asked: Asked) -> float:
        """See `Stage`; what lies below the first list has no least score of its own."""
        return self.parts[0].floor(asked)


def _parts(kind: type[Stage], one: Stage, other: Stage) -> tuple[Stage, ...]:
    """The stages that an operator joins; what the same operator joined before is taken apart."""
    if not isinstance(other, Stage):
        raise TypeError(f"a stage combines with a stage, not with {type(other).__name__}")
    if one.host is not other.host:
        raise UsageError("stages of two dbs were combined; take all of them from one db.stages")
    parts: tuple[Stage, ...] = ()
    for stage in (one, other):
        parts += stage.parts if type(stage) is kind and isinstance(stage, _Several) else (stage,)
    return parts


def _terms(stage: Stage) -> tuple[tuple[float, Stage], ...]:
    return stage.terms if isinstance(stage, Sum) else ((1.0, stage),)


def _inside(stage: Stage, level: int) -> str:
    """The text of a stage, in brackets where it binds less tightly than its place asks for."""
    binds, text = stage._written
    return text if binds >= level else f"({text})"
