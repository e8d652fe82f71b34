"""Which catalogs this process reads, because no file of them may be opened and closed meanwhile.

On POSIX systems a process that closes any descriptor of a file loses all its locks on that file,
those of SQLite too. A writer in another process that finishes then believes that nobody reads, and
removes the write-ahead log under the readers: they would never see another commit, and might read
pages of several. So what needs bytes of a catalog reads them here. The locks belong to the process,
and so does this table.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from pathlib import Path
from threading import Lock
from typing import TypeAlias

Inode: TypeAlias = "tuple[int, int]"
_lock = Lock()
_reading: Counter[Inode] = Counter()
_kept: dict[Inode, int] = {}  # descriptors that must not be closed yet


class CatalogConnection(sqlite3.Connection):
    """A connection that is counted from `count` until it is closed."""

    inode: Inode | None = None

    def count(self, path: Path) -> None:
        """Note that this process reads the catalog at a path."""
        self.inode = _inode(path)
        with _lock:
            _reading[self.inode] += 1

    def close(self) -> None:
        """Close, and note it."""
        super().close()
        inode, self.inode = self.inode, None
        if inode is not None:
            with _lock:
                _reading[inode] -= 1
                if _reading[inode] <= 0:
                    del _reading[inode]
                    if inode in _kept:
                        os.close(_kept.pop(inode))


def bytes_of(path: Path, most: int = -1) -> bytes:
    """The first bytes of a catalog; the descriptor stays open while this process reads it.

    most: how many; -1 = all.

    Raises:
        OSError: it cannot be read.
    """
    inode = _inode(path)
    with _lock:
        if _reading.get(inode, 0) <= 0:
            with path.open("rb") as file:
                return file.read(most)
        if inode not in _kept:
            _kept[inode] = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(_kept[inode], "rb", closefd=False) as file:
            file.seek(0)
            return file.read(most)


def _inode(path: Path) -> Inode:
    found = path.stat()
    return found.st_dev, found.st_ino
