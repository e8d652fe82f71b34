"""The public facade: one object that indexes, searches and explains."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lexsearch.bundle.catalog_file import recorded_identity
from lexsearch.bundle.editions import in_force
from lexsearch.bundle.location import db_directory
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.engine import Mode
from lexsearch.explaining import Explaining
from lexsearch.labelled import Labelling
from lexsearch.query import Filter
from lexsearch.registry import build
from lexsearch.searcher import Searcher
from lexsearch.searching import Searching
from lexsearch.settings import Settings
from lexsearch.stores.pooling import factor_of, pooled_identity
from lexsearch.writing import Writing

if TYPE_CHECKING:
    from lexsearch.protocols import Model


class LexSearch(Searching, Explaining, Labelling, Writing):
    """An open db: searches what was indexed, and can index more.

    Opening reads the catalog only; models and stores load when they are first needed. An open
    object answers from the commit it has seen; `reload` moves it to the newest. Threads may share
    it; see `OpenDb`.

    >>> from lexsearch import LexSearch
    >>> LexSearch.open("no/such/folder")
    Traceback (most recent call last):
        ...
    lexsearch.errors.IndexMissing: ...
    """

    @classmethod
    def open(
        cls,
        db: str | os.PathLike[str] | None = None,
        *,
        model: Model | None = None,
        settings: Settings | None = None,
        read_only: bool = False,
    ) -> LexSearch:
        """Open an existing db by name or folder.

        Args:
            db: a name, or a folder (a Path, or a str with a separator or a leading dot).
            model: the model to query with; None = the installed one that the db names.
            settings: None = those of this process.
            read_only: write nothing, neither into the folder of the db nor into a cache, and
                refuse to change it. The catalog is then read into memory, and above 50,000
                pictures words are searched without machine code, which is slower. (A published
                model may keep the embeddings of its words in the cache folder; see `model`.)

        Raises:
            IndexMissing: there is none; the message has the command that makes it.
            IndexDamaged, IndexTooNew: it cannot be read.
        """
        settings = settings or Settings.load()
        directory = _directory(db, settings)
        snapshot = Snapshot.open(directory, read_only=read_only)
        return cls(directory, snapshot, settings, model=model, read_only=read_only)

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
        made = cls(
            directory,
            Snapshot.open(directory),
            settings,
            model=None if isinstance(name, str) else chosen,
        )
        made._model = chosen
        return made

    def as_searcher(self, *, mode: Mode = "hybrid", filters: Filter | None = None) -> Searcher:
        """This db in the calling habits of Pyserini: `search`, `batch_search`, `doc`, `close`."""
        return Searcher(self, mode=mode, filters=filters)


def _directory(db: str | os.PathLike[str] | None, settings: Settings) -> Path:
    if isinstance(db, os.PathLike):
        return Path(db).absolute()
    return db_directory(db or settings.db, data_dir=settings.data_dir)
