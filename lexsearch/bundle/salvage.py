"""Reads from a damaged catalog what still carries its checksum."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lexsearch.bundle.catalog_file import identity_from
from lexsearch.bundle.records import AddedRecord, FileRecord, SkippedFile
from lexsearch.catalog.checksum import COVERED, checksum
from lexsearch.catalog.step import CATALOG_FILE
from lexsearch.types import ModelIdentity


@dataclass(frozen=True, slots=True)
class Salvaged:
    """Intact rows of a catalog.

    Attributes:
        settings: of `config`.
        identity: of the model, None when it is lost.
        contents: digests that the catalog knew.
        files: paths with their digests.
        has_all_files: whether every row of paths could be read and is intact.
        skipped, roots, runs, added: likewise; a run is its JSON text.
    """

    settings: dict[str, str]
    identity: ModelIdentity | None
    contents: frozenset[bytes]
    files: tuple[FileRecord, ...]
    has_all_files: bool
    skipped: tuple[SkippedFile, ...]
    roots: tuple[bytes, ...]
    runs: tuple[str, ...]
    added: tuple[AddedRecord, ...] = ()


def salvage(directory: Path) -> Salvaged:
    """What can be read of a catalog; empty when there is none."""
    path = directory / CATALOG_FILE
    tables: dict[str, list[tuple[Any, ...]]] = {name: [] for name in COVERED}
    intact = dict.fromkeys(COVERED, False)
    if path.exists():
        with contextlib.suppress(sqlite3.DatabaseError), _opened(path) as connection:
            for name in COVERED:
                intact[name] = _read(connection, name, tables[name].append)
    settings = dict(tables["config"])
    identity = None
    with contextlib.suppress(KeyError, ValueError, TypeError):
        identity = identity_from(settings["identity"])
    digests = {row[0]: row[1] for row in tables["content"]}
    files = tuple(
        FileRecord(row[0], row[2], row[3], row[4] & (1 << 64) - 1, digests[row[1]], row[5])
        for row in tables["image"]
        if row[1] in digests
    )
    return Salvaged(
        settings=settings,
        identity=identity,
        contents=frozenset(digests.values()),
        files=files,
        has_all_files=intact["image"] and intact["content"],
        skipped=tuple(SkippedFile(*row) for row in tables["skipped"]),
        roots=tuple(row[0] for row in tables["root"]),
        runs=tuple(row[1] for row in tables["run"]),
        added=tuple(added_record(row) for row in tables["added"]),
    )


def added_record(row: Sequence[Any]) -> AddedRecord:
    """The record behind the covered columns of a row of `added`."""
    path, file, taken, camera, latitude, longitude, meta = row
    gps = None if latitude is None or longitude is None else (latitude, longitude)
    return AddedRecord(path, file, taken, camera, gps, meta)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        # a text that is none must not hide the rows behind it; its checksum will not fit
        connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        connection.execute("PRAGMA query_only=ON")
        connection.execute("PRAGMA trusted_schema=OFF")
        yield connection
    finally:
        connection.close()


def _read(
    connection: sqlite3.Connection, table: str, keep: Callable[[tuple[Any, ...]], None]
) -> bool:
    """Hand over the intact rows of a table; returns whether that is all of them."""
    names = ", ".join(COVERED[table])
    complete = True
    try:
        for crc, *values in connection.execute(f"SELECT crc, {names} FROM {table}"):  # noqa: S608
            try:
                good = crc == checksum(values)
            except TypeError:
                good = False
            if good:
                keep(tuple(values))
            complete = complete and good
    except sqlite3.DatabaseError:
        return False
    return complete
