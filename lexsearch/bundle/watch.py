"""Tells which commit of an index is the newest, on a connection of its own."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from threading import Lock

from lexsearch.bundle.catalog_file import is_frozen, read_only, reading
from lexsearch.bundle.private_copy import footprint
from lexsearch.catalog.step import CATALOG_FILE
from lexsearch.errors import StorageError

NEWEST = "SELECT value FROM config WHERE key = 'generation'"


class Watch:
    """Reads the number of the newest commit; safe in many threads.

    A connection that many threads read from need not do for this: while any statement on it is
    open, all of them see the commit that the first one saw, and under steady load that never ends.
    """

    def __init__(self, directory: Path, *, touching: bool = True) -> None:
        """touching: as in `catalog_file.read_only`."""
        self._directory = directory
        self._touching = touching
        self._newest = 0
        self._seen: tuple[object, ...] | None = None  # the catalog when it was last read
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._closed = False

    def generation(self) -> int:
        """Number of the newest commit.

        Raises:
            IndexMissing, IndexTooNew, IndexDamaged, StorageError: the catalog cannot be read.
        """
        with self._lock:
            if self._closed:
                raise StorageError(f"the index in {self._directory} was closed")
            seen = None if self._touching else footprint(self._directory)
            if seen is not None and seen == self._seen:
                return self._newest
            connection = self._connection or read_only(self._directory, touching=self._touching)
            try:
                with reading(self._directory / CATALOG_FILE):
                    ((value,),) = connection.execute(NEWEST).fetchall()
            except BaseException:
                self._connection = None
                connection.close()
                raise
            # A copy, or a file that is read as immutable, never shows a change.
            apart = not self._touching or is_frozen(self._directory)
            self._connection = None if apart else connection
            if apart:
                connection.close()
            self._newest, self._seen = int(value), seen
            return self._newest

    def close(self) -> None:
        """Let go of the catalog."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            self._closed = True
