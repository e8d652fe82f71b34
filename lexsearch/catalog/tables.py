"""The tables of a catalog, for writing; `migrations/` makes them.

Paths are bytes, because file names need not be text; `display` is the same for a reader's eye.
Every row has a `crc` over its other columns (see `checksum`).
"""

from __future__ import annotations

from sqlalchemy import (
    BLOB,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

metadata = MetaData()


def _crc() -> Column[int]:
    return Column("crc", Integer, nullable=False)


# generation, uuid and identity of the index.
config = Table(
    "config",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    _crc(),
)

# live: one bit per row, first row in the lowest bit; NULL when all rows are alive.
segment = Table(
    "segment",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ulid", Text, nullable=False, unique=True),
    Column("rows", Integer, nullable=False),
    Column("live", BLOB),
    _crc(),
)

segment_file = Table(
    "segment_file",
    metadata,
    Column("segment_id", ForeignKey("segment.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("sha256", BLOB, nullable=False),
    _crc(),
    sqlite_with_rowid=False,
)

# One picture by its bytes; id is the first 63 bits of the digest.
content = Table(
    "content",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sha256", BLOB, nullable=False),
    Column("segment_id", ForeignKey("segment.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("taken", Text),
    Column("camera", Text),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("thumb_hash", Integer),
    _crc(),
    Index("content_place", "segment_id", "position", unique=True),
)

# One path of a picture, or one id that a program gave it; see `lexsearch.own_ids`.
image = Table(
    "image",
    metadata,
    Column("path", BLOB, primary_key=True),
    Column("display", Text, nullable=False),
    Column("content_id", ForeignKey("content.id"), nullable=False),
    Column("size", Integer, nullable=False),
    Column("mtime_ns", Integer, nullable=False),
    Column("inode", Integer, nullable=False),
    Column("root", BLOB, nullable=False),
    _crc(),
    Index("image_content", "content_id"),
    sqlite_with_rowid=False,
)

# What a program said of a picture that it added; `path` is the key of its id in `image`, `file` the
# file that it came from, if any. Where a fact is NULL that of the content counts. meta: JSON.
added = Table(
    "added",
    metadata,
    Column("path", BLOB, primary_key=True),
    Column("file", BLOB),
    Column("taken", Text),
    Column("camera", Text),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("meta", Text),
    _crc(),
    Index("added_file", "file"),
    sqlite_with_rowid=False,
)

# Paths that pictures had a while ago, for readers that opened the index before that.
removed = Table(
    "removed",
    metadata,
    Column("path", BLOB, primary_key=True),
    Column("content_id", Integer, primary_key=True),
    Column("since", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("mtime_ns", Integer, nullable=False),
    _crc(),
    Index("removed_content", "content_id"),
    sqlite_with_rowid=False,
)

skipped = Table(
    "skipped",
    metadata,
    Column("path", BLOB, primary_key=True),
    Column("display", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("mtime_ns", Integer, nullable=False),
    Column("sha256", BLOB),
    _crc(),
    sqlite_with_rowid=False,
)

root = Table("root", metadata, Column("path", BLOB, primary_key=True), _crc())

run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("record", Text, nullable=False),
    _crc(),
)

# Segments that a merge replaced; their files go when no reader can still be opening them.
dropped = Table(
    "dropped",
    metadata,
    Column("ulid", Text, primary_key=True),
    Column("since", Integer, nullable=False),
    _crc(),
)

# Approximate dense indexes, derived from segments and rebuilt when missing.
ivf_gen = Table(
    "ivf_gen",
    metadata,
    Column("ulid", Text, primary_key=True),
    Column("record", Text, nullable=False),
    _crc(),
)
