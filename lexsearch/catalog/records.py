"""The rows of a catalog as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias


class FileRecord(NamedTuple):
    """One file as the index knows it; a path is absolute, normalised and never resolved.

    Attributes:
        path: as the file system spells it.
        size: bytes.
        mtime_ns, inode: together with the size, the cache that saves hashing.
        sha256: digest of the bytes, 32 bytes.
        root: the folder or file that the run was given and that led to this path.
    """

    path: bytes
    size: int
    mtime_ns: int
    inode: int
    sha256: bytes
    root: bytes


KnownFile: TypeAlias = FileRecord


def signed(value: int) -> int:
    """The same 64 bits as a signed number, which is what SQLite stores."""
    return (value & 0xFFFF_FFFF_FFFF_FFFF ^ 1 << 63) - (1 << 63)


def unsigned(value: int) -> int:
    """The same 64 bits as an unsigned number."""
    return value & 0xFFFF_FFFF_FFFF_FFFF


class SkippedFile(NamedTuple):
    """A file that could not be indexed, and why; tried again when its bytes change.

    Attributes:
        path: as the file system spells it.
        reason: one sentence.
        size, mtime_ns: of the file when it was tried.
        sha256: of its bytes, None when they could not be read.
    """

    path: bytes
    reason: str
    size: int
    mtime_ns: int
    sha256: bytes | None


class ContentRecord(NamedTuple):
    """What an index remembers of one picture's bytes, beside its vectors.

    Attributes:
        sha256: digest of the bytes, 32 bytes; the picture's identity.
        width, height: of the upright picture, in pixels.
        taken: local time of the photo, ISO 8601, or None.
        camera: maker and model, or None.
        gps: latitude and longitude in degrees, or None.
        thumb_hash: 64-bit difference hash, unsigned, or None.
    """

    sha256: bytes
    width: int
    height: int
    taken: str | None = None
    camera: str | None = None
    gps: tuple[float, float] | None = None
    thumb_hash: int | None = None


class AddedRecord(NamedTuple):
    """What a program said of a picture that it added.

    Attributes:
        path: the key of its id; see `lexsearch.own_ids`.
        file: absolute path of the file that it came from, or None.
        taken, camera, gps: in place of what the content says, or None.
        meta: a JSON object, or None.
    """

    path: bytes
    file: bytes | None = None
    taken: str | None = None
    camera: str | None = None
    gps: tuple[float, float] | None = None
    meta: str | None = None


class SegmentFile(NamedTuple):
    """One file of a segment: its name, bytes and sha256."""

    name: str
    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The summary of one indexing run.

    Attributes:
        started: when, ISO 8601 with offset.
        seconds: wall time.
        counts: files by outcome, such as new, changed, moved, removed, encoded, skipped.
        stages: wall seconds by stage.
        complete: False when the run was interrupted.
    """

    started: str
    seconds: float
    counts: Mapping[str, int] = field(default_factory=dict)
    stages: Mapping[str, float] = field(default_factory=dict)
    complete: bool = True
