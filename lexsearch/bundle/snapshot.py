"""Reads one generation of an index: segments to attach, and what is known of each picture."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from lexsearch.bundle import conditions, near
from lexsearch.bundle.catalog_file import (
    identity_from,
    intact_rows,
    read_only,
    reading,
    verify_rows,
)
from lexsearch.bundle.container import FILE_NAMES, damaged
from lexsearch.bundle.format import read_format
from lexsearch.bundle.lists import HeldLists, lists_in_force
from lexsearch.bundle.live_bits import unpack
from lexsearch.bundle.records import ImageRecord, SkippedFile
from lexsearch.bundle.segment_view import VERIFIED_TOKEN_BYTES, SegmentView, open_listed
from lexsearch.bundle.segments import segment_folder
from lexsearch.bundle.ulid import ULID
from lexsearch.bundle.watch import Watch
from lexsearch.catalog.checksum import COVERED
from lexsearch.catalog.step import CATALOG_FILE
from lexsearch.errors import IndexDamaged, IndexMissing
from lexsearch.types import ROLES, IntArray, ModelIdentity, docid

__all__ = ["SegmentView", "Snapshot"]

# A merge may remove files between reading the list of segments and opening them.
ATTEMPTS = 3
MAX_PARAMETERS = 900


class Snapshot:
    """One generation of an index; which images it holds never changes.

    Paths and dates are read when they are asked for. Where a picture has lost all its paths
    since, its last ones are given; an hour and a merge later it is an error to ask for it.

    Attributes:
        directory: the index.
        generation: which commit this is.
        identity: of the model that made it.
        segments: oldest first.
        lists: for dense search, None where the catalog names none.
    """

    def __init__(
        self,
        directory: Path,
        connection: sqlite3.Connection,
        *,
        generation: int,
        identity: ModelIdentity,
        segments: tuple[SegmentView, ...],
        lists: HeldLists | None = None,
    ) -> None:
        self.directory = directory
        self.generation = generation
        self.identity = identity
        self.segments = segments
        self.lists = lists
        self._connection = connection
        self._path = directory / CATALOG_FILE
        self._watch = Watch(directory)
        self._verified = False

    @classmethod
    def open(cls, directory: Path) -> Snapshot:
        """The newest generation in a folder.

        Raises:
            IndexMissing: the folder is no index.
            IndexTooNew: a newer version wrote it.
            IndexDamaged: a file of it is missing or is not what was written.
            StorageError: it cannot be read.
        """
        directory = directory.absolute()
        index_uuid = read_format(directory).uuid
        for attempt in range(ATTEMPTS):
            connection = read_only(directory)
            try:
                with reading(directory / CATALOG_FILE):
                    return cls._read(directory, connection, index_uuid)
            except BaseException as error:
                connection.close()
                if not isinstance(error, IndexDamaged) or attempt + 1 == ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    @classmethod
    def _read(cls, directory: Path, connection: sqlite3.Connection, index_uuid: str) -> Snapshot:
        path = directory / CATALOG_FILE
        connection.execute("BEGIN")
        try:
            settings = dict(intact_rows(connection, "config"))
            listed = intact_rows(connection, "segment", "ORDER BY id")
            sizes: dict[int, dict[str, int]] = {}
            for number, name, size, _ in intact_rows(connection, "segment_file"):
                sizes.setdefault(number, {})[name] = size
            lists = lists_in_force(directory, connection)
        finally:
            connection.execute("ROLLBACK")
        try:
            if settings["uuid"] != index_uuid:
                raise damaged(path, "it belongs to another index")
            identity = identity_from(settings["identity"])
            generation = int(settings["generation"])
        except (KeyError, ValueError) as error:
            raise damaged(path, "its settings are not readable") from error
        tokens = sum(files.get(FILE_NAMES["tokens"], 0) for files in sizes.values())
        verifies = tokens <= VERIFIED_TOKEN_BYTES
        segments = tuple(
            _view(directory, ulid, count, live, sizes.get(number, {}), verifies_tokens=verifies)
            for number, ulid, count, live in listed
        )
        return cls(
            directory,
            connection,
            generation=generation,
            identity=identity,
            segments=segments,
            lists=lists,
        )

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._ids)

    def image_ids(self) -> IntArray:
        """Ids of the live images, ascending."""
        return self._ids

    @cached_property
    def _ids(self) -> IntArray:
        parts = [segment.live_ids() for segment in self.segments]
        ids = np.sort(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.int64)
        ids.flags.writeable = False
        return ids

    def images(self, ids: Sequence[int]) -> list[ImageRecord]:
        """What is known of the named images, in that order; repeats allowed.

        Raises:
            IndexMissing: an image is not in the index, or not any more.
        """
        wanted = [int(image_id) for image_id in ids]
        found = {record.image_id: record for record in self._records(sorted(set(wanted)))}
        missing = [image_id for image_id in wanted if image_id not in found]
        if missing:
            raise IndexMissing(
                f"the image {docid(missing[0])} is not in {self.directory}; the index has "
                "changed since it was opened, open it again"
            )
        return [found[image_id] for image_id in wanted]

    def _records(self, ids: Sequence[int]) -> Iterator[ImageRecord]:
        for start in range(0, len(ids), MAX_PARAMETERS):
            part = ids[start : start + MAX_PARAMETERS]
            paths = self._paths("image", part)
            paths |= self._paths("removed", [i for i in part if i not in paths])
            for row in self._rows("content", "id", part):
                if row[0] in paths:
                    yield _record(row, paths[row[0]])

    def _paths(self, table: str, ids: Sequence[int]) -> dict[int, list[tuple[bytes, int, int]]]:
        """Path, size and mtime_ns of every file of the images, in byte order."""
        found: dict[int, list[tuple[bytes, int, int]]] = {}
        for row in self._rows(table, "content_id", ids):
            named = dict(zip(COVERED[table], row, strict=True))
            one = (named["path"], named["size"], named["mtime_ns"])
            found.setdefault(named["content_id"], []).append(one)
        for files in found.values():
            files.sort()
        return found

    def _rows(self, table: str, column: str, values: Sequence[int]) -> list[tuple[Any, ...]]:
        """Rows of a table whose column holds one of at most MAX_PARAMETERS values."""
        marks = ",".join("?" * len(values))
        with reading(self._path):
            return intact_rows(self._connection, table, f"WHERE {column} IN ({marks})", values)

    def _query(self, statement: str, values: Iterable[Any] = ()) -> list[Any]:
        with reading(self._path):
            return self._connection.execute(statement, tuple(values)).fetchall()

    def find(self, path: bytes) -> int | None:
        """Id of the image at a path, or None.

        Args:
            path: absolute and normalised, as it was indexed.
        """
        with reading(self._path):
            rows = intact_rows(self._connection, "image", "WHERE path = ?", [path])
            rows = rows or intact_rows(
                self._connection, "removed", "WHERE path = ? ORDER BY since DESC", [path]
            )
        held = (int(row[1]) for row in rows)  # content_id, in both tables
        return next((image_id for image_id in held if self._holds(image_id)), None)

    def _holds(self, image_id: int) -> bool:
        place = int(np.searchsorted(self._ids, image_id))
        return place < len(self._ids) and int(self._ids[place]) == image_id

    def allowed(
        self,
        *,
        after: str | None = None,
        before: str | None = None,
        path_glob: str | None = None,
        type_: str | None = None,
        camera: str | None = None,
    ) -> IntArray:
        """Ids of the live images that meet every condition given, ascending.

        Args:
            after: taken at or after this ISO date or beginning of one; undated images fail.
            before: taken before it; likewise.
            path_glob: glob over the whole path, `*` crosses folders; without a wildcard a part
                of the path.
            type_: a file type such as `jpeg` or `tif`, by the suffix of the path.
            camera: part of the camera's name, in any case.
        """
        self._verify_rows()
        rows = self._query(conditions.TAKEN_BETWEEN, [after, before])
        meets = conditions.predicate(path_glob=path_glob, type_=type_, camera=camera)
        found = {image_id for image_id, path, camera_name in rows if meets(path, camera_name)}
        ids = np.fromiter(found, dtype=np.int64, count=len(found))
        return np.intersect1d(ids, self._ids)

    def _verify_rows(self) -> None:
        """Compare the checksum of every row that conditions look at, once."""
        if not self._verified:
            with reading(self._path):
                for table in ("content", "image"):
                    verify_rows(self._connection, table)
            self._verified = True

    def skipped(self) -> list[SkippedFile]:
        """Files that could not be indexed, by path."""
        return [SkippedFile(*row) for row in self._all_rows("skipped", "path")]

    def _all_rows(self, table: str, order: str) -> list[tuple[Any, ...]]:
        with reading(self._path):
            return intact_rows(self._connection, table, f"ORDER BY {order}")

    def runs(self) -> list[dict[str, Any]]:
        """Summaries of the indexing runs, oldest first: started, seconds, complete, counts."""
        records = [json.loads(text) for _, text in self._all_rows("run", "id")]
        return [
            {name: value for name, value in record.items() if name != "counts"} | record["counts"]
            for record in records
        ]

    def roots(self) -> list[bytes]:
        """Folders and files that were given to index, sorted."""
        return [path for (path,) in self._all_rows("root", "path")]

    def counts(self) -> dict[str, Any]:
        """Numbers of images, files, skipped and segments, and `bytes` on disk by role."""
        ((files,),) = self._query("SELECT count(*) FROM image")
        ((skipped,),) = self._query("SELECT count(*) FROM skipped")
        sizes = dict.fromkeys(ROLES, 0) | {"catalog": _size(self._path)}
        for segment in self.segments:
            for role in ROLES:
                sizes[role] += segment.sizes.get(FILE_NAMES[role], 0)
        if self.lists is not None:
            sizes["lists"] = self.lists.record.size
        return {
            "images": len(self),
            "files": files,
            "skipped": skipped,
            "segments": len(self.segments),
            "bytes": sizes,
        }

    def duplicates(self) -> list[ImageRecord]:
        """Images with more than one path, by first path."""
        self._verify_rows()
        rows = self._query("SELECT content_id FROM image GROUP BY content_id HAVING count(*) > 1")
        records = self._records(sorted(row[0] for row in rows if self._holds(row[0])))
        return sorted(records, key=lambda record: record.paths)

    def near_duplicates(self, threshold: int) -> list[list[ImageRecord]]:
        """Groups of different images whose difference hashes link them, by first path.

        Args:
            threshold: bits that two linked images may differ in, 0 to 64.
        """
        self._verify_rows()
        rows = self._query("SELECT id, thumb_hash FROM content WHERE thumb_hash IS NOT NULL")
        held = [(image_id, bits) for image_id, bits in rows if self._holds(image_id)]
        groups = near.groups(held, threshold)
        wanted = [image_id for group in groups for image_id in group]
        records = {record.image_id: record for record in self._records(sorted(wanted))}
        found = [
            sorted((records[i] for i in group if i in records), key=lambda r: r.paths)
            for group in groups
        ]
        return sorted((g for g in found if len(g) > 1), key=lambda group: group[0].paths)

    def is_stale(self) -> bool:
        """Whether a newer generation was committed."""
        return self._watch.generation() != self.generation

    def close(self) -> None:
        """Let go of the catalog; arrays that were given out stay valid."""
        self._watch.close()
        self._connection.close()


def _view(
    directory: Path,
    ulid: str,
    rows: int,
    live: bytes | None,
    sizes: dict[str, int],
    *,
    verifies_tokens: bool,
) -> SegmentView:
    if not ULID.fullmatch(ulid):
        raise damaged(directory / CATALOG_FILE, f"{ulid!r} is no name of a segment")
    folder = segment_folder(directory, ulid)
    arrays = open_listed(folder, "ids", ulid, sizes.get(FILE_NAMES["ids"], -1), at_once=True)
    image_ids = arrays["image_ids"].astype(np.int64, copy=False)
    try:
        alive = unpack(live, rows)
    except ValueError as error:
        raise damaged(directory / CATALOG_FILE, str(error)) from error
    if len(image_ids) != rows:
        raise damaged(folder, f"it has {len(image_ids)} rows, the catalog says {rows}")
    return SegmentView(ulid, image_ids, alive, folder, sizes, verifies_tokens)


def _record(row: Sequence[Any], files: Sequence[tuple[bytes, int, int]]) -> ImageRecord:
    image_id, sha256, _, _, width, height, taken, camera, latitude, longitude, bits = row
    return ImageRecord(
        image_id,
        sha256,
        tuple(path for path, _, _ in files),
        width,
        height,
        taken,
        camera,
        None if latitude is None or longitude is None else (latitude, longitude),
        None if bits is None else bits & 0xFFFF_FFFF_FFFF_FFFF,
        files[0][1],
        files[0][2],
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
