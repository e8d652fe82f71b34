"""The searches of an open db."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from lexsearch.channel_stages import Stages
from lexsearch.engine import Engine, Mode, check_request
from lexsearch.opened import OpenDb
from lexsearch.pictures import absolute
from lexsearch.query import Filter, Picture, Query
from lexsearch.results import SearchResults


class Searching(OpenDb):
    """The part of `LexSearch` that finds pictures."""

    @property
    def stages(self) -> Stages:
        """The parts of a search, to be combined: `db.stages.lexical >> db.stages.late`."""
        return Stages(self)

    def search(
        self,
        query: str | Query,
        *,
        top_k: int = 10,
        mode: Mode = "hybrid",
        filters: Filter | None = None,
        cutoff: str | float = "none",
        rerank: int | None = None,
        every_word: bool = False,
        with_shares: int = 0,
    ) -> SearchResults:
        """The best pictures for a query, best first; a str goes through `Query.parse`.

        Args:
            query: text in the grammar of the search box, or a `Query`.
            top_k: results wanted, >= 1.
            mode: `lexical`, `dense`, `late` or `hybrid`.
            filters: further conditions.
            cutoff: `none`, `auto`, or a score; hits under it are marked, not dropped.
            rerank: how many candidates late interaction scores in a hybrid search.
            every_word: hits carry all words that both sides share, not only the heaviest, and
                what their fused scores are made of.
            with_shares: the latter alone, for so many of the best hits.

        Raises:
            UsageError: see `Engine.search`.
        """
        check_request(top_k, mode)
        wanted = Query.of(query, filters)
        return self.current(
            lambda engine: engine.search(
                wanted,
                k=top_k,
                mode=mode,
                cutoff=cutoff,
                rerank=rerank,
                every_word=every_word,
                with_shares=with_shares,
            )
        )

    def search_many(
        self,
        queries: Sequence[str | Query],
        *,
        top_k: int = 10,
        mode: Mode = "hybrid",
        filters: Filter | None = None,
        cutoff: str | float = "none",
        rerank: int | None = None,
    ) -> list[SearchResults]:
        """What `search` gives for each query, in less time; see `Engine.search_many`.

        >>> from lexsearch import LexSearch
        >>> with LexSearch.open("photos") as db:  # doctest: +SKIP
        ...     dogs, cats = db.search_many(["a dog", "a cat"], top_k=5)
        """
        check_request(top_k, mode)
        many = [Query.of(query, filters) for query in queries]
        return self.current(
            lambda engine: engine.search_many(
                many, k=top_k, mode=mode, cutoff=cutoff, rerank=rerank
            )
        )

    def search_terms(
        self,
        terms: Mapping[str, float],
        *,
        must: Sequence[str] = (),
        exclude: Sequence[str] = (),
        top_k: int = 10,
        filters: Filter | None = None,
    ) -> SearchResults:
        """The best pictures by weighted words alone; runs no model."""
        query = Query.words(terms).with_(must=must, exclude=exclude, filters=filters)
        return self.current(lambda engine: engine.search(query, k=top_k, mode="lexical"))

    def like(
        self,
        picture: Picture,
        *,
        top_k: int = 10,
        mode: Mode = "hybrid",
        filters: Filter | None = None,
        cutoff: str | float = "none",
        rerank: int | None = None,
        every_word: bool = False,
    ) -> SearchResults:
        """Pictures like a picture; the picture itself is left out when it is indexed."""
        query = Query.image(picture).with_(filters=filters)

        def found(engine: Engine) -> SearchResults:
            own: frozenset[int] = frozenset()
            if isinstance(picture, str | os.PathLike):
                same = engine.snapshot.find(absolute(picture))
                own = frozenset() if same is None else frozenset([same])
            return engine.search(
                query,
                k=top_k,
                mode=mode,
                cutoff=cutoff,
                rerank=rerank,
                leave_out=own,
                every_word=every_word,
            )

        return self.current(found)
