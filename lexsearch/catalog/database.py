"""The one writing connection of a catalog: settings, transactions, errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import StaticPool

from lexsearch.catalog.step import BUSY_TIMEOUT_S
from lexsearch.errors import IndexDamaged, StorageError

FULL_OR_FAILING = ("disk is full", "disk I/O error", "unable to open", "readonly", "locked")


class Database:
    """A catalog opened for writing; nobody else may write, which the caller's lock makes sure of.

    It commits with `synchronous=FULL`: a commit that returned survives a power cut.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = _engine(path)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One `BEGIN IMMEDIATE`; everything in it is committed, or nothing.

        Raises:
            StorageError: the disk is full or failing; nothing was changed.
            IndexDamaged: the file is not a catalog any more.
        """
        with translated(self.path), self._engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Move what the write-ahead log holds into the file, and close."""
        try:
            with translated(self.path), self._engine.connect() as connection:
                raw = connection.connection.driver_connection
                assert isinstance(raw, sqlite3.Connection)
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            self._engine.dispose()


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turns the errors of SQLite into ours."""
    try:
        yield
    except (DatabaseError, sqlite3.DatabaseError) as error:
        reason = str(error.orig if isinstance(error, DatabaseError) else error)
        if any(text in reason for text in FULL_OR_FAILING):
            raise StorageError(f"{path}: {reason}") from error
        raise IndexDamaged(
            f"{path}: {reason}; see what is damaged with: lexsearch check, "
            "and mend it with: lexsearch repair"
        ) from error
    except UnicodeDecodeError as error:
        raise IndexDamaged(
            f"{path}: a text in it is none; mend it with: lexsearch repair"
        ) from error


def _engine(path: Path) -> Engine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            path.absolute().as_uri() + "?mode=rwc",
            uri=True,
            isolation_level=None,  # we say BEGIN ourselves; DDL then is transactional too
            check_same_thread=False,
            timeout=BUSY_TIMEOUT_S,
        )
        for setting in (
            "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON",
            "trusted_schema=OFF", "cell_size_check=ON",
        ):  # fmt: skip
            connection.execute(f"PRAGMA {setting}").fetchall()
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        if mode != "wal":
            connection.close()
            raise StorageError(
                f"{path} cannot keep a write-ahead log here; an index needs a local folder, "
                "choose one with: --db DIR"
            )
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
