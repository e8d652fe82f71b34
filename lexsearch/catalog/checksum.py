"""The crc32 that every row of the catalog carries over its other columns.

SQLite's own integrity check looks at the structure of pages; a flipped bit inside a path or a
digest passes it. This does not.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import TypeAlias

Value: TypeAlias = int | float | str | bytes | None

# Columns that the checksum of a row covers, in this order, by table.
COVERED: dict[str, tuple[str, ...]] = {
    "config": ("key", "value"),
    "segment": ("id", "ulid", "rows", "live"),
    "segment_file": ("segment_id", "name", "size", "sha256"),
    "content": (
        "id", "sha256", "segment_id", "position", "width", "height", "taken", "camera",
        "latitude", "longitude", "thumb_hash",
    ),
    "image": ("path", "content_id", "size", "mtime_ns", "inode", "root"),
    "added": ("path", "file", "taken", "camera", "latitude", "longitude", "meta"),
    "removed": ("path", "content_id", "since", "size", "mtime_ns"),
    "skipped": ("path", "reason", "size", "mtime_ns", "sha256"),
    "root": ("path",),
    "run": ("id", "record"),
    "dropped": ("ulid", "since"),
    "ivf_gen": ("ulid", "record"),
}  # fmt: skip


# Tables that catalogs of an earlier step than this lack.
SINCE = {"added": 2}


def covered(step: int) -> dict[str, tuple[str, ...]]:
    """`COVERED` of a catalog of that step."""
    return {name: columns for name, columns in COVERED.items() if SINCE.get(name, 1) <= step}


def checksum(values: Iterable[Value]) -> int:
    """crc32 over values with their types and lengths, so that no two lists look alike."""
    return zlib.crc32(b"".join([_bytes_of(value) for value in values]))


def with_checksum(table: str, row: Mapping[str, Value]) -> dict[str, Value]:
    """The row of a table with its `crc`."""
    return {**row, "crc": checksum(row[name] for name in COVERED[table])}


def _bytes_of(value: Value) -> bytes:
    if value is None:
        return b"n"
    if type(value) is int:  # the most frequent first: a filter checks every row of an index
        return b"i%d;" % value
    if isinstance(value, bytes):
        return b"b%d:%b" % (len(value), value)
    if isinstance(value, str):
        data = value.encode("utf-8", "surrogatepass")
        return b"s%d:" % len(data) + data
    if isinstance(value, float):
        return b"f" + struct.pack("<d", value)
    return b"i%d;" % value
