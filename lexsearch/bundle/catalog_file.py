"""Opens the catalog of an index for reading, with the standard library alone."""

from __future__ import annotations

import json
import os
import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lexsearch.bundle.format import too_new
from lexsearch.bundle.open_catalogs import CatalogConnection, bytes_of
from lexsearch.bundle.plain import require_file
from lexsearch.bundle.private_copy import private_copy
from lexsearch.catalog.checksum import COVERED, checksum
from lexsearch.catalog.step import (
    APPLICATION_ID,
    BUSY_TIMEOUT_S,
    CATALOG_FILE,
    OLDEST_READABLE_STEP,
    STEP,
)
from lexsearch.errors import IndexDamaged, IndexMissing, IndexTooOld, StorageError
from lexsearch.types import ModelIdentity

_STEP_AT, _APPLICATION_AT = 60, 68  # offsets in the header of a SQLite file


def check_header(directory: Path, *, writing: bool = False, known: int = STEP) -> None:
    """Refuse the catalog of another version by its first bytes, opening nothing.

    Args:
        directory: the index.
        writing: refuse an older one too, which can be read as it is.
        known: the step that is written.

    Raises:
        IndexTooNew: it has a later step than is known.
        IndexTooOld: it has an earlier one, and it is to be written.
        IndexDamaged: it is no catalog.
    """
    step = step_of(directory, known=known)
    if writing and step < known:
        raise IndexTooOld(
            f"the index in {directory} was written by an older lexsearch (step {step} of its "
            f"catalog, this version writes {known}); searching it works as it is; before it can "
            f"change, upgrade it with: lexsearch upgrade --db {directory}"
        )


def step_of(directory: Path, *, known: int = STEP) -> int:
    """The step in the header of a catalog.

    Raises:
        IndexTooNew, IndexDamaged: see `check_header`.
    """
    path = directory / CATALOG_FILE
    require_file(path)
    try:
        header = bytes_of(path, 100)
    except FileNotFoundError:
        raise _damaged(path, "the file is missing") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise _damaged(path, "it is no SQLite file")
    (application,) = struct.unpack_from(">I", header, _APPLICATION_AT)
    (step,) = struct.unpack_from(">I", header, _STEP_AT)
    _check_step(directory, application, step, known)
    return int(step)


def _check_step(directory: Path, application: int, step: int, known: int = STEP) -> None:
    if application != APPLICATION_ID:
        raise _damaged(directory / CATALOG_FILE, "it is no catalog of lexsearch")
    if step > known:
        raise too_new(directory, f"a catalog of step {step}", f"step {known}")
    if step < OLDEST_READABLE_STEP:
        raise _damaged(directory / CATALOG_FILE, f"its step is {step}")


def read_only(directory: Path, *, touching: bool = True) -> sqlite3.Connection:
    """A connection that cannot write.

    In a folder that may not be written, with nothing in the write-ahead log, the file is read
    as immutable; otherwise as one that a writer may be changing.

    Args:
        directory: the index.
        touching: SQLite may make its shared-memory file in the folder; otherwise the catalog is
            read into memory.

    Raises:
        IndexMissing, IndexTooNew, IndexDamaged, StorageError: it cannot be read.
    """
    path = directory / CATALOG_FILE
    if not path.exists() and not any_segment(directory):
        raise IndexMissing(
            f"the index in {directory} was never finished; make it with: "
            f"lexsearch index PATH --db {directory}"
        )
    check_header(directory)
    with reading(path):
        connection = _connected(path) if touching or is_frozen(directory) else _copied(directory)
        try:
            for setting in ("query_only=ON", "trusted_schema=OFF", "cell_size_check=ON"):
                connection.execute(f"PRAGMA {setting}")
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (step,) = connection.execute("PRAGMA user_version").fetchone()
            _check_step(directory, application, step)
        except BaseException:
            connection.close()
            raise
    return connection


def _connected(path: Path) -> sqlite3.Connection:
    query = "mode=ro&immutable=1" if is_frozen(path.parent) else "mode=ro"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{query}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_TIMEOUT_S,
        check_same_thread=False,
        factory=CatalogConnection,
    )
    connection.count(path)
    return connection


def _copied(directory: Path) -> sqlite3.Connection:
    try:
        return private_copy(directory)
    except OSError as error:
        raise StorageError(
            f"{directory / CATALOG_FILE} cannot be read: {error.strerror or error}"
        ) from error


def recorded_identity(directory: Path) -> ModelIdentity | None:
    """The identity of the model behind an index; None where there is no finished index.

    Raises:
        IndexTooNew, IndexDamaged, StorageError: it cannot be read.
    """
    if not (directory / CATALOG_FILE).exists():
        return None
    path = directory / CATALOG_FILE
    connection = read_only(directory)
    try:
        with reading(path):
            rows = dict(intact_rows(connection, "config"))
        return identity_from(rows["identity"])
    except (KeyError, ValueError) as error:
        raise _damaged(path, "its settings are not readable") from error
    finally:
        connection.close()


def any_segment(directory: Path) -> bool:
    """Whether there are segments, which a finished creation cannot lack a catalog for."""
    folder = directory / "segments"
    return folder.is_dir() and any(folder.iterdir())


def is_frozen(directory: Path) -> bool:
    """Whether nobody can be writing here: a read-only folder with an empty write-ahead log."""
    log = directory / (CATALOG_FILE + "-wal")
    return not os.access(directory, os.W_OK) and not (log.exists() and log.stat().st_size)


def intact_rows(
    connection: sqlite3.Connection, table: str, where: str = "", values: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """The covered columns of rows of a table, in the order of `COVERED`.

    Args:
        connection: to the catalog.
        table: a name of `COVERED`.
        where: what follows the name of the table; constant text with marks for values.
        values: what the marks stand for.

    Raises:
        sqlite3.DatabaseError: a row does not carry its checksum, or cannot be read.
    """
    columns = ", ".join(COVERED[table])
    statement = f"SELECT crc, {columns} FROM {table} {where}"  # noqa: S608
    rows = connection.execute(statement, tuple(values)).fetchall()
    if any(row[0] != checksum(row[1:]) for row in rows):
        raise sqlite3.DatabaseError(f"a row of {table} is not what was written")
    return [row[1:] for row in rows]


def verify_rows(connection: sqlite3.Connection, table: str) -> None:
    """Compare the checksum of every row of a table, keeping none in memory.

    Raises:
        sqlite3.DatabaseError: a row does not carry its checksum, or cannot be read.
    """
    columns = ", ".join(COVERED[table])
    for crc, *values in connection.execute(f"SELECT crc, {columns} FROM {table}"):  # noqa: S608
        if crc != checksum(values):
            raise sqlite3.DatabaseError(f"a row of {table} is not what was written")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns the errors of SQLite into ours."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        reason = str(error)
        if any(text in reason for text in ("unable to open", "disk I/O", "readonly", "locked")):
            raise StorageError(f"{path} cannot be read: {reason}") from error
        raise _damaged(path, reason) from error
    except UnicodeDecodeError as error:
        raise _damaged(path, f"a text in it is none: {error}") from error


def _damaged(path: Path, what: str) -> IndexDamaged:
    return IndexDamaged(
        f"{path}: {what}; see what is damaged with: lexsearch check, "
        "and mend it with: lexsearch repair"
    )


def identity_text(identity: ModelIdentity) -> str:
    """A model identity as the catalog stores it."""
    return json.dumps(asdict(identity), sort_keys=True)


def identity_from(text: str) -> ModelIdentity:
    """The model identity in a text of the catalog.

    Raises:
        ValueError: it is none.
    """
    fields = json.loads(text)
    if not isinstance(fields, Mapping):
        raise ValueError("a model identity is a JSON object")
    try:
        return ModelIdentity(**fields)
    except TypeError as error:
        raise ValueError(str(error)) from error
