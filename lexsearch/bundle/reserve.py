"""Space kept back, so that a last commit and a clean end fit on a full disk."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

RESERVE_FILE = ".reserve"
# A commit changes some pages of the catalog, of a large one more; never more than the latter.
LEAST_BYTES, MOST_BYTES = 256 << 10, 16 << 20


def reserve_size(catalog: Path) -> int:
    """Bytes that a last commit and the move of its log into the catalog may take."""
    size = catalog.stat().st_size if catalog.exists() else 0
    return max(LEAST_BYTES, min(2 * size, MOST_BYTES))


def keep_reserve(directory: Path, *, size: int = MOST_BYTES) -> None:
    """Make the reserve if there is none; no room for it is no error."""
    path = directory / RESERVE_FILE
    with contextlib.suppress(OSError):
        if path.stat().st_size >= size:
            return
    try:
        with path.open("wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.write(bytes(size))
    except OSError:
        free_reserve(directory)


def free_reserve(directory: Path) -> None:
    """Give the space back."""
    with contextlib.suppress(OSError):
        (directory / RESERVE_FILE).unlink()
