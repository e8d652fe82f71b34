"""SQL for merging segments, describing them, and forgetting what is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, select

from lexsearch.catalog import repository, tables
from lexsearch.catalog.checksum import COVERED, Value
from lexsearch.catalog.repository import chunks, delete_where, upsert


def rows_of(connection: Connection, segment_id: int) -> list[Mapping[str, Any]]:
    """Content rows of a segment by position, each with `has_path` and `was_removed`."""
    content, image, removed = tables.content.c, tables.image.c, tables.removed.c
    rows = connection.execute(
        select(
            tables.content,
            select(image.path).where(image.content_id == content.id).exists().label("has_path"),
            select(removed.path)
            .where(removed.content_id == content.id)
            .exists()
            .label("was_removed"),
        )
        .where(content.segment_id == segment_id)
        .order_by(content.position)
    )
    return repository.intact(rows.mappings(), "content")


def paths_of(connection: Connection, contents: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Path rows by content, each list in byte order of the paths."""
    c = tables.image.c
    found: dict[int, list[dict[str, Any]]] = {}
    for part in chunks(contents):
        rows = connection.execute(
            select(c.content_id, c.path, c.size, c.mtime_ns, c.inode, c.root)
            .where(c.content_id.in_(part))
            .order_by(c.path)
        )
        for row in rows.mappings():
            found.setdefault(row["content_id"], []).append(dict(row))
    return found


def file_names(connection: Connection, segments: Sequence[int]) -> set[str]:
    """Names of the files of segments."""
    c = tables.segment_file.c
    rows = connection.execute(select(c.name).where(c.segment_id.in_(segments)).distinct())
    return set(rows.scalars())


def forget_segment(connection: Connection, number: int) -> int:
    """Forget a segment with its contents and their paths; returns how many contents."""
    content, image, removed = tables.content, tables.image, tables.removed
    held = select(content.c.id).where(content.c.segment_id == number)
    count = connection.execute(
        select(func.count()).select_from(content).where(content.c.segment_id == number)
    ).scalar_one()
    keys = select(image.c.path).where(image.c.content_id.in_(held))
    connection.execute(delete(tables.added).where(tables.added.c.path.in_(keys)))
    for table in (image, removed):
        connection.execute(delete(table).where(table.c.content_id.in_(held)))
    for table, column in ((content, "segment_id"), (tables.segment_file, "segment_id")):
        delete_where(connection, table, column, [number])
    delete_where(connection, tables.segment, "id", [number])
    return int(count)


def move(connection: Connection, rows: Iterable[Mapping[str, Any]], *, segment_id: int) -> None:
    """Let content rows stand, in this order, in another segment."""
    names = COVERED["content"]
    upsert(
        connection,
        tables.content,
        [
            {**{name: row[name] for name in names}, "segment_id": segment_id, "position": position}
            for position, row in enumerate(rows)
        ],
    )


def drop_segments(connection: Connection, segments: Mapping[int, str], *, now: int) -> None:
    """Forget segments (number -> ulid) with the contents that still stand in them."""
    numbers = list(segments)
    for table, column in (
        (tables.content, "segment_id"), (tables.segment_file, "segment_id"), (tables.segment, "id"),
    ):  # fmt: skip
        delete_where(connection, table, column, numbers)
    note_dropped(connection, segments.values(), now=now)


def note_dropped(connection: Connection, ulids: Iterable[str], *, now: int) -> None:
    """Record that the files of segments may go after a while."""
    upsert(connection, tables.dropped, [{"ulid": ulid, "since": now} for ulid in ulids])


def forget_everything(connection: Connection, *, now: int) -> None:
    """Forget pictures, paths and skipped files; roots and runs stay."""
    c = tables.segment.c
    everything = dict(connection.execute(select(c.id, c.ulid)).all())
    for table in (tables.image, tables.added, tables.removed, tables.skipped, tables.ivf_gen):
        connection.execute(delete(table))
    drop_segments(connection, everything, now=now)


def forget_removed(connection: Connection, *, before: int) -> None:
    """Forget the notes on paths that were removed before a moment."""
    connection.execute(delete(tables.removed).where(tables.removed.c.since < before))


def named_folders(connection: Connection) -> set[str]:
    """Ulids of the segments and derived indexes in force."""
    found: set[str] = set()
    for table in (tables.segment, tables.ivf_gen):
        found.update(connection.execute(select(table.c.ulid)).scalars())
    return found


def dropped(connection: Connection) -> dict[str, int]:
    """When each dropped segment was dropped, in seconds since 1970."""
    c = tables.dropped.c
    return dict(connection.execute(select(c.ulid, c.since)).all())


def forget_dropped(connection: Connection, ulids: Sequence[Value]) -> None:
    """Forget dropped segments whose files are gone."""
    delete_where(connection, tables.dropped, "ulid", ulids)
