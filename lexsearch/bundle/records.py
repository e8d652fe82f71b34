"""The values that go into an index and come out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lexsearch.catalog.records import (
    AddedRecord,
    ContentRecord,
    FileRecord,
    KnownFile,
    RunRecord,
    SkippedFile,
    signed,
    unsigned,
)
from lexsearch.types import Encoded

__all__ = [
    "AddedRecord",
    "CommitBatch",
    "ContentRecord",
    "FileRecord",
    "ImageRecord",
    "KnownFile",
    "RunRecord",
    "SkippedFile",
    "signed",
    "unsigned",
]


@dataclass(frozen=True, slots=True, eq=False)
class CommitBatch:
    """What one durable commit changes; everything in it happens or nothing does.

    Attributes:
        contents: new pictures, row i of `vectors` each; a digest that is stored already gets
            the new vectors.
        vectors: the vectors of `contents`; None when there are none.
        files: paths to add or to change; each digest is stored already or in `contents`.
        removed: paths to forget.
        skipped: files that could not be indexed; they replace earlier entries of the path.
        unskipped: paths that are no longer skipped.
        added: what a program said of pictures whose keys are among `files`; see
            `lexsearch.own_ids`.
    """

    contents: Sequence[ContentRecord] = ()
    vectors: Encoded | None = None
    files: Sequence[FileRecord] = ()
    removed: Sequence[bytes] = ()
    skipped: Sequence[SkippedFile] = ()
    unskipped: Sequence[bytes] = ()
    added: Sequence[AddedRecord] = ()

    def __bool__(self) -> bool:
        return any((self.contents, self.files, self.removed, self.skipped, self.unskipped))


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One picture with all its paths.

    Attributes:
        image_id: see `lexsearch.image_id.image_id_of`.
        sha256: digest of the bytes.
        paths: at least one, in byte order.
        width, height, taken, camera, gps, thumb_hash: see `ContentRecord`.
        size, mtime_ns: of the file at the first path, as indexed.
        ids: that programs gave it, sorted; a picture without a file has its key as its path.
        meta: what they said of it; of several ids the first one counts.
    """

    image_id: int
    sha256: bytes
    paths: tuple[bytes, ...]
    width: int
    height: int
    taken: str | None
    camera: str | None
    gps: tuple[float, float] | None
    thumb_hash: int | None
    size: int
    mtime_ns: int
    ids: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
