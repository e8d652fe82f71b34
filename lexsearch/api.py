"""The public facade: one object that indexes, searches and explains."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lexsearch.bundle.catalog_file import recorded_identity
from lexsearch.bundle.editions import in_force
from lexsearch.bundle.location import db_directory
from lexsearch.bundle.snapshot import ATTEMPTS, Snapshot
from lexsearch.contents import Contents
from lexsearch.engine import Engine, Mode, check_request
from lexsearch.errors import IndexDamaged, IndexMissing, WrongModel
from lexsearch.explanation import explanation
from lexsearch.pictures import absolute
from lexsearch.query import Filter, Picture, Query
from lexsearch.registry import build, program
from lexsearch.results import Explanation, SearchResults, WordCount, WordWeight
from lexsearch.settings import Settings
from lexsearch.stores.pooling import factor_of, made_by, pooled_identity
from lexsearch.types import ROLES, SparseVectors
from lexsearch.word_use import WordUse

if TYPE_CHECKING:
    from lexsearch.protocols import Model

T = TypeVar("T")


class LexSearch(Contents):
    """An open db: searches what was indexed, and can index more.

    Opening reads the catalog only; models and stores load when they are first needed. An open
    object answers from the commit it has seen; `reload` moves it to the newest.

    >>> from lexsearch import LexSearch
    >>> LexSearch.open("no/such/folder")
    Traceback (most recent call last):
        ...
    lexsearch.errors.IndexMissing: ...
    """

    def __init__(
        self,
        directory: Path,
        snapshot: Snapshot,
        settings: Settings,
        *,
        model: Model | None = None,
    ) -> None:
        self.directory = directory
        self.settings = settings
        self.snapshot = snapshot
        self._given_model = model

    @classmethod
    def open(
        cls,
        db: str | os.PathLike[str] | None = None,
        *,
        model: Model | None = None,
        settings: Settings | None = None,
    ) -> LexSearch:
        """Open an existing db by name or folder.

        Args:
            db: a name, or a folder (a Path, or a str with a separator or a leading dot).
            model: the model to query with; None = the installed one that the db names.
            settings: None = those of this process.

        Raises:
            IndexMissing: there is none; the message has the command that makes it.
            IndexDamaged, IndexTooNew: it cannot be read.
        """
        settings = settings or Settings.load()
        directory = _directory(db, settings)
        return cls(directory, Snapshot.open(directory), settings, model=model)

    @classmethod
    def create(
        cls,
        db: str | os.PathLike[str] | None = None,
        *,
        model: str | Model | None = None,
        settings: Settings | None = None,
    ) -> LexSearch:
        """Make an empty db for a model set, or open the db if it is there already.

        Args:
            db: as in `open`.
            model: a model set by name, or a model; None = the one of the settings.
            settings: None = those of this process.

        Raises:
            WrongModel: the db exists and was made by another model.
            UsageError: the folder holds something else.
        """
        from lexsearch.bundle.writer import BundleWriter

        settings = settings or Settings.load()
        directory = _directory(db, settings)
        name = settings.model if model is None else model
        chosen: Model = (
            build("encoders.models", name, threads=settings.threads)
            if isinstance(name, str)
            else name
        )
        recorded = recorded_identity(in_force(directory))
        pool = 1 if recorded is None else factor_of(recorded)
        identity = pooled_identity(chosen.identity, pool)
        BundleWriter.open(directory, identity=identity, create=True).close()
        return cls(directory, Snapshot.open(directory), settings, model=chosen)

    def __enter__(self) -> LexSearch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.snapshot)

    def close(self) -> None:
        """Let go of the files; the object cannot search afterwards."""
        self.snapshot.close()

    @cached_property
    def model(self) -> Model:
        """The model that made this db.

        Raises:
            WrongModel: the installed model of that name is another one.
        """
        ours = self.snapshot.identity
        model = self._given_model or build(
            "encoders.models", ours.name, threads=self.settings.threads
        )
        theirs = pooled_identity(model.identity, factor_of(ours))
        for role in ROLES:
            here, there = ours.fingerprints.get(role), theirs.fingerprints.get(role)
            if here != there:
                raise WrongModel(
                    f"{self.directory} was indexed with {role} encoder {here}, but the installed "
                    f"model {ours.name!r} has {there}; index again with: "
                    f"lexsearch index --force PATH --db {self.directory}"
                )
        return model

    @cached_property
    def engine(self) -> Engine:
        """The query path over the present snapshot."""
        settings = self.settings
        return Engine(
            self.snapshot, self.model, late_kernel=settings.late_kernel, threads=settings.threads
        )

    def reload(self) -> bool:
        """Move to the newest commit; returns whether there was one."""
        if not self.snapshot.is_stale():
            return False
        old = self.snapshot
        self.snapshot = Snapshot.open(self.directory)
        model = self.__dict__.get("model", self._given_model)
        if model is not None and not made_by(model.identity, self.snapshot.identity):
            self._given_model = None
            self.__dict__.pop("model", None)
        self.__dict__.pop("engine", None)
        self.__dict__.pop("word_use", None)
        old.close()
        return True

    def index(
        self,
        *paths: str | os.PathLike[str],
        on_progress: Any = None,
        **options: Any,
    ) -> Any:
        """Index folders or files into this db and see the result at once.

        Args:
            paths: folders are walked, files are taken.
            on_progress: called with an `indexer.progress.Progress` after each batch.
            options: fields of `indexer.pipeline.IndexOptions`.

        Returns:
            An `indexer.report.IndexReport`.
        """
        options_type = program("index_options")
        options.setdefault("threads", self.settings.threads)
        report = program("indexer")(
            paths,
            directory=self.directory,
            model=self.model,
            options=options_type(**{"lists_from": self.settings.lists_from} | options),
            on_progress=on_progress,
        )
        self.reload()
        return report

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
    ) -> SearchResults:
        """The best pictures for a query, best first; a str goes through `Query.parse`.

        Args:
            query: text in the grammar of the search box, or a `Query`.
            top_k: results wanted, >= 1.
            mode: `lexical`, `dense`, `late` or `hybrid`.
            filters: further conditions.
            cutoff: `none`, `auto`, or a score; hits under it are marked, not dropped.
            rerank: how many candidates late interaction scores in a hybrid search.
            every_word: hits carry all words that both sides share, not only the heaviest.

        Raises:
            UsageError: see `Engine.search`.
        """
        check_request(top_k, mode)
        wanted = _query(query, filters)
        return self._current(
            lambda: self.engine.search(
                wanted, k=top_k, mode=mode, cutoff=cutoff, rerank=rerank, every_word=every_word
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
        many = [_query(query, filters) for query in queries]
        return self._current(
            lambda: self.engine.search_many(many, k=top_k, mode=mode, cutoff=cutoff, rerank=rerank)
        )

    def _current(self, use: Callable[[], T]) -> T:
        """The result of a use of the snapshot; when a merge took a file of it, of a newer one.

        Raises:
            IndexDamaged, IndexMissing: the newest commit has the same trouble.
        """
        for _ in range(ATTEMPTS - 1):
            try:
                return use()
            except (IndexDamaged, IndexMissing):
                if not self.reload():
                    raise
        return use()

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
        return self._current(lambda: self.engine.search(query, k=top_k, mode="lexical"))

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

        def found() -> SearchResults:
            own: frozenset[int] = frozenset()
            if isinstance(picture, str | os.PathLike):
                same = self.snapshot.find(absolute(picture))
                own = frozenset() if same is None else frozenset([same])
            return self.engine.search(
                query,
                k=top_k,
                mode=mode,
                cutoff=cutoff,
                rerank=rerank,
                leave_out=own,
                every_word=every_word,
            )

        return self._current(found)

    def explain(
        self,
        query: str | Query,
        picture: str | bytes | os.PathLike[str],
        *,
        read_photo: bool = True,
    ) -> Explanation:
        """Why an indexed picture answers a query: words, patches, arithmetic of the fusion.

        Args:
            query: as in `search`.
            picture: path of an indexed picture.
            read_photo: False = say what the index alone knows; `patches` is then None, and the
                file need not exist any more.

        Raises:
            UsageError: the picture is not in the db, or the file is gone.
        """
        query = Query.parse(query) if isinstance(query, str) else query
        record = self._record(picture)
        return explanation(self.engine, query, record, absolute(picture), read_photo=read_photo)

    def words(
        self, picture: str | bytes | os.PathLike[str], *, top_k: int = 20
    ) -> list[WordWeight]:
        """The heaviest stored words of an indexed picture.

        Raises:
            UsageError: the picture is not in the db.
        """
        record = self._record(picture)
        return self._heaviest(self.engine.lexical.vectors(np.array([record.image_id])), top_k)

    def query_words(self, query: str | Query, *, top_k: int = 20) -> list[WordWeight]:
        """The heaviest words of a query's vector; a str is taken literally."""
        query = Query.text(query) if isinstance(query, str) else query
        lexical = self.engine.encode(query).lexical
        return [] if lexical is None else self._heaviest(lexical, top_k)

    def _heaviest(self, vectors: SparseVectors, top_k: int) -> list[WordWeight]:
        ids, weights = vectors.row(0)
        vocabulary = self.model.vocabulary
        order = np.lexsort((ids, -weights))
        found = [
            WordWeight(vocabulary.words[int(ids[i])], float(weights[i]))
            for i in order
            if vocabulary.is_word(int(ids[i]))
        ]
        return found[:top_k]

    @cached_property
    def word_use(self) -> WordUse:
        """How often every word of the vocabulary fires in this db; counted at the first use."""
        index, model = self.engine.lexical, self.model
        ids = self.snapshot.image_ids()
        return WordUse.of(index, ids, model.vocabulary, fires=model.word_fires)

    def complete(self, prefix: str, *, top_k: int = 20) -> list[WordCount]:
        """Words of the vocabulary that start with a prefix, with their image counts."""
        counts = self.engine.lexical.document_frequency()
        vocabulary = self.model.vocabulary
        return [
            WordCount(vocabulary.words[i], int(counts[i]))
            for i in vocabulary.complete(prefix.lower(), top_k)
        ]


def _query(query: str | Query, filters: Filter | None) -> Query:
    wanted = Query.parse(query) if isinstance(query, str) else query
    return wanted if filters is None else wanted.with_(filters=filters)


def _directory(db: str | os.PathLike[str] | None, settings: Settings) -> Path:
    if isinstance(db, os.PathLike):
        return Path(db).absolute()
    return db_directory(db or settings.db, data_dir=settings.data_dir)
