"""What an index knows of its files, read when a plan asks for it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lexsearch.bundle.digests import Digests
from lexsearch.bundle.records import KnownFile, SkippedFile
from lexsearch.bundle.writer import BundleWriter


@dataclass(frozen=True)
class Known:
    """What an index knows.

    Attributes:
        files: gives every indexed path, ascending, anew each time it is called.
        skipped: files that earlier runs could not read, by path.
        read_sizes: gives the sizes of all indexed files in bytes, ascending.
        read_contents: gives the digests of all stored contents, those without a file included.
    """

    files: Callable[[], Iterable[KnownFile]]
    skipped: Mapping[bytes, SkippedFile] = field(default_factory=dict)
    read_sizes: Callable[[], npt.NDArray[np.int64]] = lambda: np.empty(0, np.int64)
    read_contents: Callable[[], Digests] = Digests

    @classmethod
    def to(cls, writer: BundleWriter) -> Known:
        """What the index of a writer knows."""
        return cls(
            writer.known_files,
            writer.known_skipped(),
            writer.known_sizes,
            writer.known_contents,
        )

    @classmethod
    def of(cls, files: Iterable[KnownFile], skipped: Iterable[SkippedFile] = ()) -> Known:
        """Files in any order, each with a content of its own that is stored."""
        known = sorted(files)
        return cls(
            lambda: known,
            {one.path: one for one in skipped},
            lambda: np.sort(np.array([file.size for file in known], np.int64)),
            lambda: Digests(file.sha256 for file in known),
        )

    @cached_property
    def contents(self) -> Digests:
        """Digests of all stored contents."""
        return self.read_contents()

    @cached_property
    def _sizes(self) -> npt.NDArray[np.int64]:
        return self.read_sizes()

    def has_size(self, size: int) -> bool:
        """Whether an indexed file has so many bytes."""
        place = bisect_left(self._sizes, size)
        return place < len(self._sizes) and int(self._sizes[place]) == size
