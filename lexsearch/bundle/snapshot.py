"""Reads one generation of an index: segments to attach, and what is known of each picture."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import weakref
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from lexsearch.bundle import near
from lexsearch.bundle.catalog_file import (
    identity_from,
    intact_rows,
    reading,
)
from lexsearch.bundle.catalog_file import read_only as connect
from lexsearch.bundle.container import FILE_NAMES
from lexsearch.bundle.file_bytes import damaged
from lexsearch.bundle.format import number_in_force, read_format
from lexsearch.bundle.lists import HeldLists, lists_in_force
from lexsearch.bundle.live_bits import unpack
from lexsearch.bundle.location import edition_folder
from lexsearch.bundle.picture_rows import PictureRows
from lexsearch.bundle.plain import require_plain
from lexsearch.bundle.records import ImageRecord, SkippedFile
from lexsearch.bundle.segment_view import VERIFIED_TOKEN_BYTES, SegmentView, open_listed
from lexsearch.bundle.segments import segment_folder
from lexsearch.bundle.selection import Conditions
from lexsearch.bundle.ulid import ULID
from lexsearch.bundle.watch import Watch
from lexsearch.catalog.step import CATALOG_FILE, FUSION
from lexsearch.errors import IndexDamaged, IndexMissing, UsageError
from lexsearch.own_ids import DOCID, key_of, name_of
from lexsearch.types import ROLES, IntArray, ModelIdentity, docid

__all__ = ["SegmentView", "Snapshot"]

# A merge may remove files between reading the list of segments and opening them.
ATTEMPTS = 3


class Snapshot:
    """One generation of an index; which images it holds never changes.

    Paths and dates are read when they are asked for. Where a picture has lost all its paths
    since, its last ones are given; an hour and a merge later it is an error to ask for it.

    Attributes:
        directory: the edition of the index that is in force.
        generation: which commit this is.
        identity: of the model that made it.
        segments: oldest first.
        lists: for dense search, None where the catalog names none.
        fusion: text of the learned fusion (`lexsearch.ranking.learned_fusion`), None without.
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
        touching: bool = True,
        fusion: str | None = None,
        index: Path | None = None,
    ) -> None:
        self.directory = directory
        self._index = directory if index is None else index
        self.generation = generation
        self.identity = identity
        self.segments = segments
        self.lists = lists
        self.fusion = fusion
        self._connection = connection
        self._path = directory / CATALOG_FILE
        self._rows = PictureRows(connection, self._path)
        self._watch = Watch(directory, touching=touching)
        # Threads may still be reading when the one that opened it has moved on: the last to let
        # go of this object closes it.
        weakref.finalize(self, connection.close)
        weakref.finalize(self, self._watch.close)

    @classmethod
    def open(cls, directory: Path, *, read_only: bool = False) -> Snapshot:
        """The newest generation in a folder.

        Args:
            directory: the index.
            read_only: leave no trace in the folder, not even the files of SQLite's own locks; the
                catalog is read into memory.

        Raises:
            IndexMissing: the folder is no index.
            IndexTooNew: a newer version wrote it.
            IndexDamaged: a file of it is missing or is not what was written.
            StorageError: it cannot be read.
        """
        index = directory.absolute()
        require_plain(index)
        for attempt in range(ATTEMPTS):
            try:
                folder = edition_folder(index, number_in_force(index))
                return cls._open(index, folder, touching=not read_only)
            except (IndexDamaged, IndexMissing):
                # A merge has taken files, or another edition was put in force and this one removed.
                if attempt + 1 == ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    @classmethod
    def _open(cls, index: Path, directory: Path, *, touching: bool) -> Snapshot:
        index_uuid = read_format(directory).uuid
        connection = connect(directory, touching=touching)
        try:
            with reading(directory / CATALOG_FILE):
                return cls._read(index, directory, connection, index_uuid, touching=touching)
        except BaseException:
            connection.close()
            raise

    @classmethod
    def _read(
        cls,
        index: Path,
        directory: Path,
        connection: sqlite3.Connection,
        index_uuid: str,
        *,
        touching: bool,
    ) -> Snapshot:
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
            touching=touching,
            fusion=settings.get(FUSION),
            index=index,
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
        found = {record.image_id: record for record in self._rows.records(sorted(set(wanted)))}
        missing = [image_id for image_id in wanted if image_id not in found]
        if missing:
            raise IndexMissing(
                f"the image {docid(missing[0])} is not in {self._index}; the index has "
                "changed since it was opened, open it again"
            )
        return [found[image_id] for image_id in wanted]

    def _query(self, statement: str, values: Iterable[Any] = ()) -> list[Any]:
        with reading(self._path):
            return self._connection.execute(statement, tuple(values)).fetchall()

    def find(self, path: bytes) -> int | None:
        """Id of the image at a path, or that a program added from there, or None.

        Args:
            path: absolute and normalised, as it was indexed.
        """
        return next((one for one in self._rows.at(path) if self._holds(one)), None)

    def ids_of(self, names: Iterable[str]) -> dict[str, int]:
        """Image id by name: 16 hex digits, or an id that a program gave; unknown ones left out."""
        found: dict[str, int] = {}
        for name in names:
            with contextlib.suppress(UsageError):  # what can be no id is none
                number = int(name, 16) if DOCID.fullmatch(name) else self.find(key_of(name))
                if number is not None:
                    found[name] = number
        return found

    def own_ids(self) -> list[str]:
        """Ids that programs gave to pictures they added, sorted by their bytes."""
        return [name_of(key) for key in self._rows.own_keys()]

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
        near: str | None = None,
        box: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> IntArray:
        """Ids of the live images that meet every condition given, ascending.

        Args:
            after: taken at or after this ISO date or beginning of one; undated images fail.
            before: taken before it; likewise.
            path_glob: glob over the whole path, `*` crosses folders; without a wildcard a part
                of the path.
            type_: a file type such as `jpeg` or `tif`, by the suffix of the path.
            camera: part of the camera's name, in any case.
            near, box: taken in a circle, in a box (see `lexsearch.place`); placeless images fail.
            meta: what programs said of the pictures that they added, by name.
        """
        asked = Conditions(after, before, path_glob, type_, camera, near, box, meta or {})
        return np.intersect1d(self._rows.meeting(asked), self._ids, assume_unique=True)

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
        """Numbers of images, files, ids, skipped and segments, and `bytes` on disk by role."""
        files, added = self._rows.counts()
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
            "added": added,
            "skipped": skipped,
            "segments": len(self.segments),
            "bytes": sizes,
        }

    def duplicates(self) -> list[ImageRecord]:
        """Images with more than one path, by first path."""
        self._rows.verify()
        rows = self._query("SELECT content_id FROM image GROUP BY content_id HAVING count(*) > 1")
        records = self._rows.records(sorted(row[0] for row in rows if self._holds(row[0])))
        return sorted((r for r in records if len(r.paths) > 1), key=lambda record: record.paths)

    def near_duplicates(self, threshold: int) -> list[list[ImageRecord]]:
        """Groups of different images whose difference hashes link them, by first path.

        Args:
            threshold: bits that two linked images may differ in, 0 to 64.
        """
        self._rows.verify()
        rows = self._query("SELECT id, thumb_hash FROM content WHERE thumb_hash IS NOT NULL")
        held = [(image_id, bits) for image_id, bits in rows if self._holds(image_id)]
        groups = near.groups(held, threshold)
        wanted = [image_id for group in groups for image_id in group]
        records = {record.image_id: record for record in self._rows.records(sorted(wanted))}
        found = [
            sorted((records[i] for i in group if i in records), key=lambda r: r.paths)
            for group in groups
        ]
        return sorted((g for g in found if len(g) > 1), key=lambda group: group[0].paths)

    def is_stale(self) -> bool:
        """Whether a newer generation was committed, or another edition put in force."""
        if edition_folder(self._index, number_in_force(self._index)) != self.directory:
            return True
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


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
