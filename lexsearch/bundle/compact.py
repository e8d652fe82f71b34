"""Merges segments: which ones, and how; stored values are copied bit for bit."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection

from lexsearch.bundle.changes import refresh_live
from lexsearch.bundle.container import FILE_NAMES, open_file
from lexsearch.bundle.description import describe
from lexsearch.bundle.disk import Disk
from lexsearch.bundle.live_bits import BoolArray, unpack
from lexsearch.bundle.records import ContentRecord, FileRecord, unsigned
from lexsearch.bundle.segments import segment_folder, write_segment
from lexsearch.bundle.ulid import new_ulid
from lexsearch.catalog import merging, repository
from lexsearch.protocols import Sections
from lexsearch.stores.segment_data import SectionArrays, merge
from lexsearch.types import ROLES, ModelIdentity, Role

# A tier is merged when it has more than this many segments.
SMALL_SEGMENTS = 8
# Rows below which a segment belongs to the first and to the second tier; others are large.
TIERS = (1024, 8192)
# Most rows of a merged segment; at 6 KB of tokens an image, 100 MB of arrays in memory.
MERGED_ROWS = 16_384
# A segment is rewritten when more than this share of its rows is dead.
DEAD_SHARE = 0.25
# Vectors and last paths of removed pictures stay this long, for readers that opened the index
# before, and for folders that come back.
KEEP_REMOVED_S = 3600


@dataclass(frozen=True, slots=True)
class Place:
    """What a merge needs to know of the index."""

    directory: Path
    uuid: str
    identity: ModelIdentity
    disk: Disk


def small_segments(segments: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Segments of the first tier."""
    return [one for one in segments if one["rows"] < TIERS[0]]


def next_group(connection: Connection, *, drop: bool) -> list[Mapping[str, Any]]:
    """Segments to merge next, oldest first; empty when nothing needs it.

    A tier that has too many is merged as a whole, in pieces of at most MERGED_ROWS rows; then,
    where rows may be dropped, segments with many dead rows are rewritten one by one.
    """
    segments = repository.segments(connection)
    floor = 0
    for ceiling in TIERS:
        tier = [one for one in segments if floor <= one["rows"] < ceiling]
        floor = ceiling
        if len(tier) > SMALL_SEGMENTS:
            total = list(accumulate(one["rows"] for one in tier))
            return tier[: max(2, bisect_right(total, MERGED_ROWS))]
    if not drop:
        return []
    return next(([one] for one in segments if _is_worth_rewriting(connection, one)), [])


def _is_worth_rewriting(connection: Connection, segment: Mapping[str, Any]) -> bool:
    live = unpack(segment["live"], segment["rows"])
    if live is None or float((~live).mean()) <= DEAD_SHARE:
        return False
    kept = len(_kept(merging.rows_of(connection, segment["id"])))
    return kept < (1 - DEAD_SHARE) * int(segment["rows"])


def merge_group(
    connection: Connection,
    group: Sequence[Mapping[str, Any]],
    place: Place,
    *,
    now: int,
    drop: bool,
) -> None:
    """Replace segments by one, or by none when no row of them is kept.

    Runs inside the caller's transaction; the new files are durable before it ends.
    drop: leave out rows that no path has and none had a while ago.
    """
    found = [(one, merging.rows_of(connection, one["id"])) for one in group]
    parts = [(one, _kept(rows) if drop else rows) for one, rows in found]
    rows = [row for _, kept in parts for row in kept]
    if rows:
        generation = int(repository.settings(connection)["generation"]) + 1
        arrays: dict[Role, SectionArrays] = {}
        for role in _roles(connection, group):
            taken = [_sections(place, one, kept, role) for one, kept in parts]
            arrays[role] = merge(role, taken)
        description = describe(place.uuid, generation, place.identity, _contents(connection, rows))
        ulid = new_ulid()
        files = write_segment(place.directory, ulid, arrays, description, disk=place.disk)
        number = repository.add_segment(connection, ulid, len(rows), files)
        merging.move(connection, rows, segment_id=number)
        refresh_live(connection, [number])
    merging.drop_segments(connection, {one["id"]: one["ulid"] for one in group}, now=now)
    repository.next_generation(connection)


def _kept(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["has_path"] or row["was_removed"]]


def _roles(connection: Connection, group: Sequence[Mapping[str, Any]]) -> list[Role]:
    names = merging.file_names(connection, [one["id"] for one in group])
    return [role for role in ROLES if FILE_NAMES[role] in names]


def _sections(
    place: Place, segment: Mapping[str, Any], kept: Sequence[Mapping[str, Any]], role: Role
) -> tuple[Sections, BoolArray]:
    path = segment_folder(place.directory, segment["ulid"]) / FILE_NAMES[role]
    mask = np.zeros(segment["rows"], dtype=np.bool_)
    mask[[row["position"] for row in kept]] = True
    return open_file(path, role, segment["ulid"], verify=True), mask


def _contents(
    connection: Connection, rows: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[ContentRecord, list[FileRecord]]]:
    paths = merging.paths_of(connection, [row["id"] for row in rows])
    for row in rows:
        yield (
            content_of(row),
            [file_of(one, row["sha256"]) for one in paths.get(row["id"], [])],
        )


def content_of(row: Mapping[str, Any]) -> ContentRecord:
    """The record behind a row of `content`."""
    gps = None if row["latitude"] is None else (row["latitude"], row["longitude"])
    bits = row["thumb_hash"]
    return ContentRecord(
        row["sha256"], row["width"], row["height"], row["taken"], row["camera"], gps,
        None if bits is None else unsigned(bits),
    )  # fmt: skip


def file_of(row: Mapping[str, Any], sha256: bytes) -> FileRecord:
    """The record behind a row of `image`."""
    inode = unsigned(row["inode"])
    return FileRecord(row["path"], row["size"], row["mtime_ns"], inode, sha256, row["root"])
