"""What a segment says of itself, in `seg.json`: written from records, read with nothing believed.

It has everything that the catalog knows of the pictures in it, as of the commit that wrote the
segment, so that `repair` can make a lost catalog again. Paths that change later (a rename, a copy,
a removal) stand in the catalog only; after a repair the next index run sees them on the disk and
puts them right without encoding.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

from lexsearch.bundle.file_bytes import damaged
from lexsearch.bundle.format import unsealed
from lexsearch.bundle.records import ContentRecord, FileRecord
from lexsearch.catalog.records import SegmentFile
from lexsearch.errors import IndexDamaged
from lexsearch.types import ModelIdentity

DESCRIPTION = "seg.json"
SEGMENT_FORMAT = 1
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Described:
    """A segment as it describes itself."""

    ulid: str
    generation: int
    index_uuid: str
    identity: ModelIdentity
    files: tuple[SegmentFile, ...]
    contents: tuple[tuple[ContentRecord, list[FileRecord]], ...]


def describe(
    index_uuid: str,
    generation: int,
    identity: ModelIdentity,
    contents: Iterable[tuple[ContentRecord, Iterable[FileRecord]]],
) -> dict[str, Any]:
    """What `seg.json` says, but for the names of the files."""
    return {
        "magic": "lexsearch segment",
        "format": SEGMENT_FORMAT,
        "index": index_uuid,
        "generation": generation,
        "identity": asdict(identity),
        "contents": [
            {
                "sha256": one.sha256.hex(),
                "width": int(one.width),
                "height": int(one.height),
                "taken": one.taken,
                "camera": one.camera,
                "gps": None if one.gps is None else [float(value) for value in one.gps],
                "thumb_hash": one.thumb_hash,
                "files": [
                    [_text(f.path), f.size, f.mtime_ns, f.inode, _text(f.root)] for f in files
                ],
            }
            for one, files in contents
        ],
    }


def read_segment(folder: Path) -> Described | None:
    """A segment by its own description, None when that is damaged."""
    path = folder / DESCRIPTION
    try:
        data = path.read_bytes()
        fields = unsealed(path, data)
        if fields["ulid"] != folder.name:
            raise damaged(path, "it describes another segment")
        listed = [
            SegmentFile(_plain_text(name), _whole(size, 63), bytes.fromhex(digest))
            for name, size, digest in fields["files"]
        ]
        own = SegmentFile(DESCRIPTION, len(data), hashlib.sha256(data).digest())
        return Described(
            ulid=folder.name,
            generation=_whole(fields["generation"], 63),
            index_uuid=_plain_text(fields["index"]),
            identity=ModelIdentity(**fields["identity"]),
            files=(*listed, own),
            contents=tuple(_contents(fields)),
        )
    except (OSError, IndexDamaged, LookupError, TypeError, ValueError, OverflowError):
        return None


def _contents(fields: Mapping[str, Any]) -> list[tuple[ContentRecord, list[FileRecord]]]:
    """The contents and files of a `seg.json`, in the order of the rows; believes nothing.

    Raises:
        KeyError, TypeError, ValueError, OverflowError: it is no such description.
    """
    found = []
    for one in fields["contents"]:
        digest = bytes.fromhex(one["sha256"])
        content = ContentRecord(
            digest,
            _whole(one["width"], 31),
            _whole(one["height"], 31),
            _optional(_plain_text, one["taken"]),
            _optional(_plain_text, one["camera"]),
            _optional(_place, one["gps"]),
            _optional(_whole, one["thumb_hash"]),
        )
        files = [
            FileRecord(
                _bytes(path),
                _whole(size, 63),
                _moment(mtime_ns),
                _whole(inode),
                digest,
                _bytes(root),
            )
            for path, size, mtime_ns, inode, root in one["files"]
        ]
        found.append((content, files))
    return found


def _whole(value: object, bits: int = 64) -> int:
    """A JSON value as the number of 0 to 2**bits - 1 that it must be."""
    if type(value) is not int or not 0 <= value < 1 << bits:
        raise ValueError(f"expected a whole number of {bits} bits")
    return value


def _plain_text(value: object) -> str:
    """A JSON value as the text that it must be, one that has bytes."""
    if not isinstance(value, str):
        raise TypeError("expected a text")
    value.encode("utf-8")
    return value


def _optional(kind: Callable[[object], T], value: object) -> T | None:
    return None if value is None else kind(value)


def _place(value: object) -> tuple[float, float]:
    if not isinstance(value, list):
        raise TypeError("expected a place")
    latitude, longitude = value
    if not (isfinite(latitude) and isfinite(longitude)):
        raise ValueError("expected a place")
    return float(latitude), float(longitude)


def _moment(value: object) -> int:
    """Nanoseconds, also before 1970."""
    if type(value) is not int or not -(1 << 63) <= value < 1 << 63:
        raise ValueError("expected a time")
    return value


def _text(path: bytes) -> str:
    return base64.b64encode(path).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
