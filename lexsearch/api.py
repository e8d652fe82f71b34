"""The public facade: one object that indexes, searches and explains."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from lexsearch.bundle.location import db_directory
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.engine import Engine, Mode, check_request
from lexsearch.errors import IndexMissing, UsageError, WrongModel
from lexsearch.explanation import explanation
from lexsearch.pictures import absolute, load_for_display
from lexsearch.query import Filter, Picture, Query
from lexsearch.registry import build, program
from lexsearch.results import (
    Explanation,
    SearchResults,
    WordCount,
    WordWeight,
    display_path,
)
from lexsearch.settings import Settings
from lexsearch.types import ROLES, SparseVectors
from lexsearch.word_use import WordUse

if TYPE_CHECKING:
    from PIL.Image import Image

    from lexsearch.bundle.records import ImageRecord, SkippedFile
    from lexsearch.protocols import Model


class LexSearch:
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
        chosen: Model = build("encoders.models", name) if isinstance(name, str) else name
        BundleWriter.open(directory, identity=chosen.identity, create=True).close()
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
        model = self._given_model or build("encoders.models", ours.name)
        for role in ROLES:
            here, there = ours.fingerprints.get(role), model.identity.fingerprints.get(role)
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
        return Engine(self.snapshot, self.model, late_kernel=self.settings.late_kernel)

    def reload(self) -> bool:
        """Move to the newest commit; returns whether there was one."""
        if not self.snapshot.is_stale():
            return False
        old = self.snapshot
        self.snapshot = Snapshot.open(self.directory)
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
        report = program("indexer")(
            paths,
            directory=self.directory,
            model=self.model,
            options=options_type(**options),
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
    ) -> SearchResults:
        """The best pictures for a query, best first; a str goes through `Query.parse`.

        Args:
            query: text in the grammar of the search box, or a `Query`.
            top_k: results wanted, >= 1.
            mode: `lexical`, `dense`, `late` or `hybrid`.
            filters: further conditions.
            cutoff: `none`, `auto`, or a score; hits under it are marked, not dropped.
            rerank: how many candidates late interaction scores in a hybrid search.

        Raises:
            UsageError: see `Engine.search`.
        """
        check_request(top_k, mode)
        query = Query.parse(query) if isinstance(query, str) else query
        if filters is not None:
            query = query.with_(filters=filters)
        return self.engine.search(query, k=top_k, mode=mode, cutoff=cutoff, rerank=rerank)

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
        return self.engine.search(query, k=top_k, mode="lexical")

    def like(
        self,
        picture: Picture,
        *,
        top_k: int = 10,
        mode: Mode = "hybrid",
        filters: Filter | None = None,
        cutoff: str | float = "none",
        rerank: int | None = None,
    ) -> SearchResults:
        """Pictures like a picture; the picture itself is left out when it is indexed."""
        query = Query.image(picture).with_(filters=filters)
        own: frozenset[int] = frozenset()
        if isinstance(picture, str | os.PathLike):
            found = self.snapshot.find(absolute(picture))
            own = frozenset() if found is None else frozenset([found])
        return self.engine.search(
            query, k=top_k, mode=mode, cutoff=cutoff, rerank=rerank, leave_out=own
        )

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

    def picture(self, id: str) -> ImageRecord:
        """What is known of the picture with that id (16 hex digits).

        Raises:
            UsageError: no id, or no picture of this db.
        """
        try:
            image_id = int(id, 16)
        except ValueError:
            image_id = -1
        if len(id) != 16 or not 0 <= image_id < 2**63:
            raise UsageError(f"{id[:40]!r} is no id of a picture; expected 16 hex digits")
        try:
            return self.snapshot.images([image_id])[0]
        except IndexMissing as error:
            raise UsageError(f"no picture {id} in {self.directory}") from error

    def load_picture(self, id: str, *, side: int = 720) -> Image:
        """The picture with that id, RGB, upright, at most `side` pixels long, without metadata.

        Raises:
            UsageError: no such picture in the db, or none of its files can be read.
        """
        record = self.picture(id)
        path = next((p for p in record.paths if os.path.exists(p)), record.paths[0])  # noqa: PTH110
        return load_for_display(path, record.width, record.height, side=side)

    def _record(self, picture: str | bytes | os.PathLike[str]) -> ImageRecord:
        path = absolute(picture)
        found = self.snapshot.find(path)
        if found is None:
            raise UsageError(
                f"{display_path(path)} is not in {self.directory}; add it with: "
                f"lexsearch index {display_path(path)}"
            )
        return self.snapshot.images([found])[0]

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

    def status(self) -> dict[str, Any]:
        """What is in the db, as JSON values."""
        identity = self.snapshot.identity
        runs = self.snapshot.runs()
        return {
            "directory": str(self.directory),
            "generation": self.snapshot.generation,
            "model": identity.name,
            "fingerprints": dict(identity.fingerprints),
            **self.snapshot.counts(),
            "roots": [display_path(root) for root in self.snapshot.roots()],
            "last_run": runs[-1] if runs else None,
        }

    def skipped(self) -> list[SkippedFile]:
        """Files that could not be indexed, with the reason."""
        return self.snapshot.skipped()

    def duplicates(self) -> list[list[str]]:
        """Groups of paths that hold the same bytes."""
        return [
            [display_path(path) for path in record.paths] for record in self.snapshot.duplicates()
        ]

    def near_duplicates(self, threshold: int = 4) -> list[list[str]]:
        """Groups of different pictures whose 64-bit difference hashes are at most that far."""
        return [
            [display_path(record.paths[0]) for record in group]
            for group in self.snapshot.near_duplicates(threshold)
        ]


def _directory(db: str | os.PathLike[str] | None, settings: Settings) -> Path:
    if isinstance(db, os.PathLike):
        return Path(db).absolute()
    return db_directory(db or settings.db, data_dir=settings.data_dir)
