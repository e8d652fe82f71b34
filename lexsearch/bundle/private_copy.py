"""A catalog read into memory, for a reader that must write nothing at all.

SQLite itself cannot read a catalog in its folder without making, or marking, the shared-memory file
of the write-ahead log there. So the bytes are read, as a writer may be changing them meanwhile, and
taken only when nothing moved under them.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from pathlib import Path

from lexsearch.bundle.file_bytes import damaged
from lexsearch.bundle.open_catalogs import bytes_of
from lexsearch.catalog.step import BUSY_TIMEOUT_S, CATALOG_FILE

# A write-ahead log begins with 32 bytes; the salts in it change when the log begins anew.
LOG_HEADER = 32
RETRY_S = 0.01
# File systems keep times no finer than some milliseconds, some of them two seconds.
TICK_NS = 3_000_000_000


def private_copy(directory: Path) -> sqlite3.Connection:
    """A connection to a copy of the catalog in memory; the folder is only read.

    In WAL mode the main file changes only while a checkpoint copies pages into it that stand in the
    log as well. So a main file read before a log that did not begin anew is whole together with it.

    Raises:
        sqlite3.DatabaseError: it is no catalog.
        IndexDamaged: it is never still.
        OSError: it cannot be read.
    """
    path = directory / CATALOG_FILE
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while time.monotonic() < deadline:
        before = _state(path)
        main = bytes_of(path)
        log = _log(path)
        if _state(path)[1] == before[1] and (log or _state(path) == before):
            return _opened(main, log)
        time.sleep(RETRY_S)
    raise damaged(path, "it changes faster than it can be read")


def footprint(directory: Path) -> tuple[object, ...] | None:
    """What changes when the catalog does; None while it may change within a tick of a clock."""
    path = directory / CATALOG_FILE
    found: list[object] = []
    for one in (path, _log_of(path)):
        try:
            state = one.stat()
        except OSError:
            found.append(None)
            continue
        if abs(time.time_ns() - state.st_mtime_ns) < TICK_NS:
            return None
        found.append((state.st_size, state.st_mtime_ns, state.st_ino))
    return tuple(found)


def _state(path: Path) -> tuple[tuple[int, int, int], bytes]:
    """Size, time and inode of the main file, and the beginning of the log."""
    found = path.stat()
    try:
        with _log_of(path).open("rb") as file:
            begin = file.read(LOG_HEADER)
    except FileNotFoundError:
        begin = b""
    return (found.st_size, found.st_mtime_ns, found.st_ino), begin


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _log(path: Path) -> bytes:
    try:
        return _log_of(path).read_bytes()
    except FileNotFoundError:
        return b""


def _opened(main: bytes, log: bytes) -> sqlite3.Connection:
    if log:
        main = _merged(main, log)
    # Bytes 18 and 19 say whether there is a log; a catalog in memory has none.
    image = main[:18] + b"\x01\x01" + main[20:]
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    try:
        connection.deserialize(image)
    except BaseException:
        connection.close()
        raise
    return connection


def _merged(main: bytes, log: bytes) -> bytes:
    """The main file with what the log holds, put together by SQLite in a folder apart."""
    with tempfile.TemporaryDirectory(prefix="lexsearch-") as folder:
        path = Path(folder) / CATALOG_FILE
        path.write_bytes(main)
        _log_of(path).write_bytes(log)
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
        return path.read_bytes()
