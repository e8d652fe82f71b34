"""All SQL that changes a catalog: functions on a connection inside a transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, Table, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from lexsearch.catalog import tables
from lexsearch.catalog.checksum import COVERED, Value, checksum, with_checksum
from lexsearch.catalog.records import (
    AddedRecord,
    ContentRecord,
    FileRecord,
    KnownFile,
    RunRecord,
    SegmentFile,
    SkippedFile,
    signed,
    unsigned,
)
from lexsearch.own_ids import PREFIX, is_key
from lexsearch.types import image_id_of

T = TypeVar("T")
# SQLite before 3.32 allows 999 parameters in one statement.
MAX_PARAMETERS = 900


def chunks(values: Sequence[T], size: int = MAX_PARAMETERS) -> Iterator[Sequence[T]]:
    """The values in pieces that fit into one statement."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def display(path: bytes) -> str:
    r"""A path as text; bytes that are not UTF-8 as \xNN."""
    return path.decode("utf-8", "backslashreplace")


def _plain(text: str | None) -> str | None:
    """Text without half surrogates, which no encoding of SQLite takes."""
    return None if text is None else text.encode("utf-8", "replace").decode("utf-8")


def intact(rows: Iterable[RowMapping], table: str) -> list[Mapping[str, Any]]:
    """Rows of a table with all their columns, each compared with its checksum.

    For what is read in order to be written again: a damaged row would get one that fits.

    Raises:
        sqlite3.DatabaseError: a row is not what was written.
    """
    found: list[Mapping[str, Any]] = [dict(row) for row in rows]
    names = COVERED[table]
    if any(row["crc"] != checksum([row[name] for name in names]) for row in found):
        raise sqlite3.DatabaseError(f"a row of {table} is not what was written")
    return found


def upsert(connection: Connection, table: Table, rows: Iterable[Mapping[str, Value]]) -> None:
    """Insert rows, or change those whose key is there already."""
    checked = [with_checksum(table.name, row) for row in rows]
    if not checked:
        return
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    changes = {name: statement.excluded[name] for name in checked[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes), checked)


# config


def settings(connection: Connection) -> dict[str, str]:
    """Everything in `config`."""
    rows = intact(connection.execute(select(tables.config)).mappings(), "config")
    return {row["key"]: row["value"] for row in rows}


def set_settings(connection: Connection, values: Mapping[str, str]) -> None:
    """Set keys of `config`."""
    upsert(connection, tables.config, [{"key": k, "value": v} for k, v in values.items()])


def forget_setting(connection: Connection, key: str) -> None:
    """Remove a key of `config`, if it is there."""
    connection.execute(delete(tables.config).where(tables.config.c.key == key))


def next_generation(connection: Connection) -> int:
    """Count the generation up; returns the new one."""
    generation = int(settings(connection)["generation"]) + 1
    set_settings(connection, {"generation": str(generation)})
    return generation


# what is known


def known_files(connection: Connection, *, after: bytes, most: int) -> list[KnownFile]:
    """The next paths with their files as last seen, ascending."""
    image, content = tables.image.c, tables.content.c
    rows = connection.execute(
        select(image.path, image.size, image.mtime_ns, image.inode, content.sha256, image.root)
        .join_from(tables.image, tables.content, image.content_id == content.id)
        .where(image.path > after)
        .order_by(image.path)
        .limit(most)
    )
    return [
        KnownFile(path, size, mtime_ns, unsigned(inode), sha256, root)
        for path, size, mtime_ns, inode, sha256, root in rows
    ]


def known_sizes(connection: Connection) -> Iterator[int]:
    """Size of the file at every path, as long as the connection is open."""
    return iter(connection.execute(select(tables.image.c.size)).scalars())


def known_contents(connection: Connection) -> Iterator[bytes]:
    """Digest of every stored content, as long as the connection is open."""
    return iter(connection.execute(select(tables.content.c.sha256)).scalars())


def count_contents(connection: Connection) -> int:
    """How many contents are stored."""
    return int(connection.execute(select(func.count()).select_from(tables.content)).scalar_one())


def known_skipped(connection: Connection) -> dict[bytes, SkippedFile]:
    """Every skipped path, ascending."""
    c = tables.skipped.c
    rows = connection.execute(
        select(c.path, c.reason, c.size, c.mtime_ns, c.sha256).order_by(c.path)
    )
    return {row[0]: SkippedFile(*row) for row in rows}


def roots(connection: Connection) -> list[bytes]:
    """Roots, ascending."""
    return list(
        connection.execute(select(tables.root.c.path).order_by(tables.root.c.path)).scalars()
    )


# changes


def add_roots(connection: Connection, paths: Iterable[bytes]) -> None:
    """Remember roots."""
    upsert(connection, tables.root, [{"path": path} for path in sorted(set(paths))])


def add_run(connection: Connection, run: RunRecord) -> None:
    """Append the summary of a run."""
    add_run_text(connection, json.dumps(asdict(run), sort_keys=True))


def add_run_text(connection: Connection, record: str) -> None:
    """Append the summary of a run as JSON."""
    last = connection.execute(select(func.max(tables.run.c.id))).scalar()
    upsert(connection, tables.run, [{"id": (last or 0) + 1, "record": record}])


def add_skipped(connection: Connection, files: Iterable[SkippedFile]) -> None:
    """Record files that could not be indexed."""
    upsert(
        connection,
        tables.skipped,
        [
            {
                "path": one.path,
                "display": display(one.path),
                "reason": _plain(one.reason),
                "size": signed(one.size),
                "mtime_ns": signed(one.mtime_ns),
                "sha256": one.sha256,
            }
            for one in files
        ],
    )


def remove_skipped(connection: Connection, paths: Sequence[bytes]) -> None:
    """Forget that files were skipped."""
    delete_where(connection, tables.skipped, "path", paths)


def delete_where(
    connection: Connection, table: Table, column: str, values: Sequence[Value]
) -> None:
    """Delete the rows of a table whose column holds one of the values."""
    for part in chunks(values):
        connection.execute(delete(table).where(table.c[column].in_(part)))


def contents_at(
    connection: Connection, paths: Sequence[bytes]
) -> dict[bytes, tuple[int, int, int]]:
    """Content id, size and mtime_ns of those of the paths that are indexed."""
    c = tables.image.c
    found: dict[bytes, tuple[int, int, int]] = {}
    for part in chunks(paths):
        rows = connection.execute(
            select(c.path, c.content_id, c.size, c.mtime_ns).where(c.path.in_(part))
        )
        found.update({path: (content, size, mtime) for path, content, size, mtime in rows})
    return found


def stored_digests(connection: Connection, ids: Sequence[int]) -> dict[int, bytes]:
    """Digest of those of the content ids that are stored."""
    c = tables.content.c
    found: dict[int, bytes] = {}
    for part in chunks(ids):
        rows = connection.execute(select(c.id, c.sha256).where(c.id.in_(part)))
        found.update(rows.all())
    return found


def remove_files(connection: Connection, paths: Sequence[bytes], *, now: int) -> set[int]:
    """Forget paths, keeping a note for readers; returns the contents that lost one."""
    found = contents_at(connection, paths)
    _note_removed(connection, found, now)
    delete_where(connection, tables.image, "path", list(found))
    delete_where(connection, tables.added, "path", [path for path in found if is_key(path)])
    return {content for content, _, _ in found.values()}


def add_files(connection: Connection, files: Sequence[FileRecord], *, now: int) -> set[int]:
    """Add or change paths; returns the contents that gained or lost one."""
    target = {one.path: image_id_of(one.sha256) for one in files}
    before = contents_at(connection, list(target))
    left = {path: old for path, old in before.items() if old[0] != target[path]}
    _note_removed(connection, left, now)
    upsert(
        connection,
        tables.image,
        [
            {
                "path": one.path,
                "display": display(one.path),
                "content_id": target[one.path],
                "size": signed(one.size),
                "mtime_ns": signed(one.mtime_ns),
                "inode": signed(one.inode),
                "root": one.root,
            }
            for one in files
        ],
    )
    remove_skipped(connection, list(target))
    return set(target.values()) | {content for content, _, _ in left.values()}


def add_added(connection: Connection, records: Sequence[AddedRecord]) -> None:
    """Record what programs said of pictures; their keys are among the files."""
    upsert(
        connection,
        tables.added,
        [
            {
                "path": one.path,
                "file": one.file,
                "taken": _plain(one.taken),
                "camera": _plain(one.camera),
                "latitude": None if one.gps is None else one.gps[0],
                "longitude": None if one.gps is None else one.gps[1],
                "meta": _plain(one.meta),
            }
            for one in records
        ],
    )


def count_added(connection: Connection) -> int:
    """Pictures that programs added, by their ids."""
    prefix = func.substr(tables.image.c.path, 1, len(PREFIX))
    counted = select(func.count()).select_from(tables.image).where(prefix == PREFIX)
    return int(connection.execute(counted).scalar_one())


def _note_removed(
    connection: Connection, files: Mapping[bytes, tuple[int, int, int]], now: int
) -> None:
    upsert(
        connection,
        tables.removed,
        [
            {"path": path, "content_id": content, "since": now, "size": size, "mtime_ns": mtime}
            for path, (content, size, mtime) in files.items()
        ],
    )


def add_contents(
    connection: Connection, contents: Sequence[ContentRecord], *, segment_id: int
) -> set[int]:
    """Store contents as the rows of a segment, in order; returns segments that lost rows."""
    ids = [image_id_of(one.sha256) for one in contents]
    c = tables.content.c
    superseded: set[int] = set()
    for part in chunks(ids):
        superseded.update(
            connection.execute(select(c.segment_id).where(c.id.in_(part)).distinct()).scalars()
        )
    upsert(
        connection,
        tables.content,
        [
            _content_row(content_id, one, segment_id, position)
            for position, (content_id, one) in enumerate(zip(ids, contents, strict=True))
        ],
    )
    return superseded


def _content_row(
    content_id: int, one: ContentRecord, segment_id: int, position: int
) -> dict[str, Value]:
    place = one.gps if one.gps is not None and all(isfinite(v) for v in one.gps) else (None, None)
    latitude, longitude = place
    return {
        "id": content_id,
        "sha256": one.sha256,
        "segment_id": segment_id,
        "position": position,
        "width": int(one.width),
        "height": int(one.height),
        "taken": _plain(one.taken),
        "camera": _plain(one.camera),
        "latitude": None if latitude is None else float(latitude),
        "longitude": None if longitude is None else float(longitude),
        "thumb_hash": None if one.thumb_hash is None else signed(one.thumb_hash),
    }


# segments


def add_segment(connection: Connection, ulid: str, rows: int, files: Sequence[SegmentFile]) -> int:
    """Record a segment whose rows are all alive; returns its number."""
    last = connection.execute(select(func.max(tables.segment.c.id))).scalar()
    number = int(last or 0) + 1
    row: dict[str, Value] = {"id": number, "ulid": ulid, "rows": rows, "live": None}
    upsert(connection, tables.segment, [row])
    upsert(
        connection,
        tables.segment_file,
        [{"segment_id": number, **one._asdict()} for one in files],
    )
    return number


def segments(connection: Connection) -> list[Mapping[str, Any]]:
    """Number, ulid, rows and live bits of every segment, oldest first."""
    rows = connection.execute(select(tables.segment).order_by(tables.segment.c.id))
    return intact(rows.mappings(), "segment")


def segments_of(connection: Connection, contents: Iterable[int]) -> set[int]:
    """Segments that hold these contents."""
    c = tables.content.c
    found: set[int] = set()
    for part in chunks(sorted(contents)):
        found.update(
            connection.execute(select(c.segment_id).where(c.id.in_(part)).distinct()).scalars()
        )
    return found


def live_positions(connection: Connection, segment_id: int) -> list[int]:
    """Rows of a segment whose content has a path, ascending."""
    content, image = tables.content.c, tables.image.c
    has_path = select(image.path).where(image.content_id == content.id).exists()
    rows = connection.execute(
        select(content.position)
        .where(content.segment_id == segment_id, has_path)
        .order_by(content.position)
    )
    return list(rows.scalars())


def set_live(connection: Connection, row: Mapping[str, Any], live: bytes | None) -> None:
    """Store the live bits of a segment."""
    names = ("id", "ulid", "rows")
    upsert(connection, tables.segment, [{**{n: row[n] for n in names}, "live": live}])
