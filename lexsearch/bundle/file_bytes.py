"""What is in a file of an index: read when it is small, mapped when it is large.

A part of a mapping that the disk cannot give, or that was cut off the file since, ends the process
with a signal (SIGBUS). The same part read through the kernel is an error with a name, so every part
of a mapping is read once, by `part`, before it is used; it stays in memory for the mapping then.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import weakref
from pathlib import Path
from typing import TypeAlias

from lexsearch.errors import IndexDamaged, StorageError

# Files up to this size are read into memory: a mapping holds a file open, and there may be many.
READ_WHOLE = 2 << 20
CHUNK = 1 << 20


class MappedFile(mmap.mmap):
    """A mapping that keeps its file open, for `part`."""

    descriptor: int

    def keep(self, descriptor: int) -> None:
        """Take over an open descriptor of the file; it is closed with the last array in here."""
        self.descriptor = descriptor
        weakref.finalize(self, os.close, descriptor)


Content: TypeAlias = bytes | MappedFile


def damaged(path: Path, what: str) -> IndexDamaged:
    """The error for a file that is not what was written."""
    return IndexDamaged(
        f"{path}: {what}; see what is damaged with: lexsearch check --read-data, "
        "and mend it with: lexsearch repair"
    )


def content(path: Path) -> Content:
    """What is in a file.

    Raises:
        IndexDamaged: it is missing.
        StorageError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if size <= READ_WHOLE:
                file.seek(0)
                return file.read()
            mapped = MappedFile(file.fileno(), 0, access=mmap.ACCESS_READ)
            mapped.keep(os.dup(file.fileno()))
            return mapped
    except FileNotFoundError:
        raise damaged(path, "the file is missing") from None
    except OSError as error:
        raise _unreadable(path, error) from error


def part(path: Path, data: Content, start: int, stop: int) -> bytes | memoryview:
    """The bytes from `start` to `stop` - 1 of what `content` gave, 0 <= start <= stop <= len(data).

    Raises:
        IndexDamaged: the file does not reach so far any more.
        StorageError: the disk cannot give them.
    """
    if isinstance(data, bytes) or not hasattr(os, "pread"):
        return memoryview(data)[start:stop]
    try:
        found = os.pread(data.descriptor, stop - start, start)
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(found) < stop - start:
        raise damaged(path, f"it had {len(data)} bytes when it was opened and was cut since")
    return found


def sha256_of(path: Path, data: Content) -> str:
    """sha256 of what `content` gave, in hexadecimal digits. Errors as in `part`."""
    digest = hashlib.sha256()
    for start in range(0, len(data), CHUNK):
        digest.update(part(path, data, start, min(start + CHUNK, len(data))))
    return digest.hexdigest()


def _unreadable(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path} cannot be read: {error.strerror or error}")
