"""Asks the catalog which contents are stored, one at a time, so that nobody reads all of them."""

from __future__ import annotations

import threading
from pathlib import Path

from lexsearch.bundle.catalog_file import intact_rows, read_only, reading
from lexsearch.catalog.step import CATALOG_FILE
from lexsearch.types import image_id_of


class HeldContents:
    """Digests of stored contents, as a container; sees every commit, safe in many threads."""

    def __init__(self, directory: Path) -> None:
        """directory: the edition, which exists."""
        self._path = directory / CATALOG_FILE
        self._lock = threading.Lock()
        self._connection = read_only(directory)

    def close(self) -> None:
        """Let go of the catalog."""
        with self._lock:
            self._connection.close()

    def __contains__(self, sha256: object) -> bool:
        if not isinstance(sha256, bytes):
            return False
        with self._lock, reading(self._path):
            values = (image_id_of(sha256),)
            rows = intact_rows(self._connection, "content", "WHERE id = ?", values)
        return any(sha256 in row for row in rows)
