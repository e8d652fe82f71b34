"""Reads one generation of an index: segments to attach, and what is known of each picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lexsearch.bundle.records import ImageRecord, SkippedFile
from lexsearch.types import IntArray, ModelIdentity, Role


@dataclass(frozen=True, slots=True, eq=False)
class SegmentView:
    """One segment: the image of every row, which rows are alive, and the arrays of each role."""

    ulid: str
    image_ids: IntArray
    live: npt.NDArray[np.bool_] | None

    def sections(self, role: Role) -> Mapping[str, npt.NDArray[np.generic]]:
        """The arrays of one role, read-only."""
        raise NotImplementedError


class Snapshot:
    """One generation of an index."""

    directory: Path
    generation: int
    identity: ModelIdentity
    segments: tuple[SegmentView, ...]

    @classmethod
    def open(cls, directory: Path) -> Snapshot:
        """The newest generation in a folder."""
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def image_ids(self) -> IntArray:
        """Ids of the live images, ascending."""
        raise NotImplementedError

    def images(self, ids: Sequence[int]) -> list[ImageRecord]:
        """What is known of the named images, in that order."""
        raise NotImplementedError

    def find(self, path: bytes) -> int | None:
        """Id of the image at a path, or None."""
        raise NotImplementedError

    def allowed(
        self,
        *,
        after: str | None = None,
        before: str | None = None,
        path_glob: str | None = None,
        type_: str | None = None,
        camera: str | None = None,
    ) -> IntArray:
        """Ids of the live images that meet every condition given, ascending."""
        raise NotImplementedError

    def skipped(self) -> list[SkippedFile]:
        """Files that could not be indexed, by path."""
        raise NotImplementedError

    def runs(self) -> list[dict[str, Any]]:
        """Summaries of the indexing runs, oldest first."""
        raise NotImplementedError

    def roots(self) -> list[bytes]:
        """Folders and files that were given to index, sorted."""
        raise NotImplementedError

    def counts(self) -> dict[str, Any]:
        """Images, files, skipped, segments, and bytes per role."""
        raise NotImplementedError

    def duplicates(self) -> list[ImageRecord]:
        """Images with more than one path, by first path."""
        raise NotImplementedError

    def near_duplicates(self, threshold: int) -> list[list[ImageRecord]]:
        """Groups of images whose difference hashes are at most `threshold` bits apart."""
        raise NotImplementedError

    def is_stale(self) -> bool:
        """Whether a newer generation was committed."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the catalog."""
        raise NotImplementedError
