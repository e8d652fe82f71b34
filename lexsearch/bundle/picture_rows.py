"""What a catalog says of pictures: rows put together to records, each row verified."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lexsearch.bundle import selection
from lexsearch.bundle.catalog_file import intact_rows, reading, verify_rows
from lexsearch.bundle.records import AddedRecord, ImageRecord
from lexsearch.bundle.salvage import added_record
from lexsearch.bundle.selection import MAX_PARAMETERS, Conditions
from lexsearch.catalog.checksum import COVERED, SINCE
from lexsearch.own_ids import is_key, name_of
from lexsearch.types import IntArray, docid


class _File(NamedTuple):
    """One path of a picture, or one key of an id."""

    path: bytes
    size: int
    mtime_ns: int


class PictureRows:
    """Reads one catalog.

    Args:
        connection: to it.
        path: of its file, for errors.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        with reading(path):
            (step,) = connection.execute("PRAGMA user_version").fetchone()
        self._verified: set[str] = set()
        self._has_added = int(step) >= SINCE["added"]

    def records(self, ids: Sequence[int]) -> Iterator[ImageRecord]:
        """What is known of the named images that have, or had, a path; ids: distinct."""
        for start in range(0, len(ids), MAX_PARAMETERS):
            part = ids[start : start + MAX_PARAMETERS]
            files = self._files("image", part)
            said = self._said([f.path for one in files.values() for f in one if is_key(f.path)])
            files |= self._files("removed", [i for i in part if i not in files])
            for row in self.rows("content", "id", part):
                if row[0] in files:
                    yield _record(row, files[row[0]], said)

    def _files(self, table: str, ids: Sequence[int]) -> dict[int, list[_File]]:
        """Every file of the images, in byte order of the paths."""
        found: dict[int, list[_File]] = {}
        for row in self.rows(table, "content_id", ids):
            named = dict(zip(COVERED[table], row, strict=True))
            one = _File(named["path"], named["size"], named["mtime_ns"])
            found.setdefault(named["content_id"], []).append(one)
        for files in found.values():
            files.sort()
        return found

    def _said(self, keys: Sequence[bytes]) -> dict[bytes, AddedRecord]:
        """What programs said of the pictures that they added, by key."""
        if not self._has_added or not keys:
            return {}
        rows: list[tuple[Any, ...]] = []
        for start in range(0, len(keys), MAX_PARAMETERS):
            rows += self.rows("added", "path", keys[start : start + MAX_PARAMETERS])
        return {row[0]: added_record(row) for row in rows}

    def rows(self, table: str, column: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Rows of a table whose column holds one of at most MAX_PARAMETERS values."""
        if not values:
            return []
        marks = ",".join("?" * len(values))
        with reading(self._path):
            return intact_rows(self._connection, table, f"WHERE {column} IN ({marks})", values)

    def at(self, path: bytes) -> list[int]:
        """Ids of the images that are, came from, or were at a path, the present one first."""
        with reading(self._path):
            rows = intact_rows(self._connection, "image", "WHERE path = ?", [path])
        if not rows and self._has_added:
            with reading(self._path):
                keys = intact_rows(self._connection, "added", "WHERE file = ?", [path])
            rows = self.rows("image", "path", [key for key, *_ in keys[:MAX_PARAMETERS]])
        if not rows:
            with reading(self._path):
                rows = intact_rows(
                    self._connection, "removed", "WHERE path = ? ORDER BY since DESC", [path]
                )
        return [int(row[1]) for row in rows]  # content_id, in both tables

    def own_keys(self) -> list[bytes]:
        """Keys of the ids that programs gave, ascending."""
        statement = f"WHERE path >= {KEYS_FROM} AND path < {KEYS_TO} ORDER BY path"
        with reading(self._path):
            return [row[0] for row in intact_rows(self._connection, "image", statement)]

    def counts(self) -> tuple[int, int]:
        """How many files and how many ids the images have."""
        statement = f"SELECT count(*), sum(path >= {KEYS_FROM} AND path < {KEYS_TO}) FROM image"  # noqa: S608
        with reading(self._path):
            ((everything, ids),) = self._connection.execute(statement).fetchall()
        return int(everything) - int(ids or 0), int(ids or 0)

    def meeting(self, asked: Conditions) -> IntArray:
        """Ids of the images that meet every condition, ascending; see `Snapshot.allowed`.

        The checksum of every row that this depends on is compared, once.
        """
        with reading(self._path):
            looked_at = selection.tables(self._connection, asked, has_added=self._has_added)
        self.verify(looked_at)
        with reading(self._path):
            return selection.meeting(self._connection, asked, has_added=self._has_added)

    def verify(self, tables: Iterable[str] = ("content", "image", "added")) -> None:
        """Compare the checksum of every row of some tables, once."""
        with reading(self._path):
            for table in sorted(set(tables) - self._verified):
                if table != "added" or self._has_added:
                    verify_rows(self._connection, table)
                self._verified.add(table)


KEYS_FROM, KEYS_TO = "X'69643A'", "X'69643B'"  # `own_ids.PREFIX`, and the byte string after it


def _record(
    row: Sequence[Any], files: Sequence[_File], said: Mapping[bytes, AddedRecord]
) -> ImageRecord:
    image_id, sha256, _, _, width, height, taken, camera, latitude, longitude, bits = row
    keys = [one for one in files if is_key(one.path)]
    records = [said[one.path] for one in keys if one.path in said]
    sources = [
        _File(one.file, key.size, key.mtime_ns)
        for key in keys
        if (one := said.get(key.path)) is not None and one.file is not None
    ]
    real = {one.path: one for one in sources}
    real |= {one.path: one for one in files if not is_key(one.path)}
    shown = sorted(real.values()) or list(files)
    gps = None if latitude is None or longitude is None else (latitude, longitude)
    meta: dict[str, Any] = {}
    for one in reversed(records):
        meta |= json.loads(one.meta) if one.meta else {}
    return ImageRecord(
        image_id,
        sha256,
        tuple(one.path for one in shown),
        width,
        height,
        _first((one.taken for one in records), taken),
        _first((one.camera for one in records), camera),
        _first((one.gps for one in records), gps),
        None if bits is None else bits & 0xFFFF_FFFF_FFFF_FFFF,
        shown[0].size,
        shown[0].mtime_ns,
        tuple(name for one in keys if (name := name_of(one.path)) != docid(image_id)),
        meta,
    )


def _first(said: Iterable[Any], otherwise: Any) -> Any:
    """The first that is not None."""
    return next((one for one in said if one is not None), otherwise)
