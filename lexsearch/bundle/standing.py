"""What a program that changes an index call after call need not look at again at each of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from lexsearch.catalog.step import CATALOG_FILE

# Seconds after which every row is compared with its checksum again, changed or not.
VERIFIED_S = 3600.0
# Share of the pictures that may have come since the lists for dense search were looked at.
UNLISTED_SHARE = 0.01


class Standing:
    """How the last writer of an open object left the index; see docs/adr/0028.

    Only a holder of the write lock may ask and tell.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: tuple[object, ...] | None = None
        self._verified_at = 0.0
        self._unlisted: int | None = None

    def is_verified(self, directory: Path) -> bool:
        """Whether every row was verified not long ago, and only we have changed any since."""
        fresh = self._clock() - self._verified_at < VERIFIED_S
        return fresh and self._left is not None and self._left == _state(directory)

    def verified(self) -> None:
        """Say that every row has just been verified."""
        self._verified_at = self._clock()

    def leave(self, directory: Path) -> None:
        """Remember the catalog as it is now, after our own last change."""
        self._left = _state(directory)

    def distrust(self) -> None:
        """Forget it all, after an error."""
        self._left = self._unlisted = None

    def lists_are_due(self, added: int, held: int) -> bool:
        """Whether the lists should be looked at, after so many more pictures of `held` in all."""
        if self._unlisted is not None:
            self._unlisted += added
            if self._unlisted < UNLISTED_SHARE * held:
                return False
        self._unlisted = 0
        return True


def _state(directory: Path) -> tuple[object, ...]:
    """What differs after any change through the file system, of the catalog and its log."""
    found: list[object] = [directory]
    for name in (CATALOG_FILE, CATALOG_FILE + "-wal"):
        try:
            state = (directory / name).stat()
        except OSError:
            found.append(None)
            continue
        # An empty log says nothing: readers make and remove it.
        if state.st_size or name == CATALOG_FILE:
            found.append((state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino))
        else:
            found.append(None)
    return tuple(found)
