"""A set of digests that grows, in little memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

import numpy as np
import numpy.typing as npt

LENGTH = 32  # bytes of a SHA-256
# Digests that wait in a set of Python's before they are sorted in among the others.
MOST_RECENT = 65_536


class Digests(Set[bytes]):
    """SHA-256 digests, 32 bytes each where a set takes a hundred.

    Another thread may ask what it holds while it grows.
    """

    def __init__(self, digests: Iterable[bytes] = ()) -> None:
        """Hold the digests, each 32 bytes, in any order."""
        held: npt.NDArray[np.bytes_] = np.fromiter(digests, f"S{LENGTH}")
        held.sort()
        # What `np.unique` does; that imports masked arrays, which nothing here needs.
        self._sorted = held[np.append(True, held[1:] != held[:-1])[: len(held)]]
        self._recent: set[bytes] = set()

    def add(self, digests: Iterable[bytes]) -> None:
        """Hold these too."""
        self._recent.update(one for one in digests if one not in self)
        if len(self._recent) > MOST_RECENT:
            new = np.array(sorted(self._recent), f"S{LENGTH}")
            # In this order: a thread that looks among the recent ones first misses none.
            self._sorted = np.insert(self._sorted, np.searchsorted(self._sorted, new), new)
            self._recent = set()

    def __contains__(self, digest: object) -> bool:
        if digest in self._recent:
            return True
        held = self._sorted
        # NumPy drops the zeros at the end of a value, and adds them when it compares.
        place = int(np.searchsorted(held, np.array(digest, held.dtype)))
        return place < len(held) and _whole(held[place]) == digest

    def __iter__(self) -> Iterator[bytes]:
        yield from map(_whole, self._sorted)
        yield from self._recent

    def __len__(self) -> int:
        return len(self._sorted) + len(self._recent)


def _whole(digest: bytes) -> bytes:
    return bytes(digest).ljust(LENGTH, b"\0")
