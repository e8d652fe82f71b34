"""Moves an index of an older version to this one, in place, keeping a backup."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from lexsearch.bundle.catalog_file import check_header, step_of
from lexsearch.bundle.creation import storage
from lexsearch.bundle.disk import Disk
from lexsearch.bundle.editions import in_force, readable
from lexsearch.bundle.file_bytes import damaged
from lexsearch.bundle.format import read_format
from lexsearch.bundle.lock import WriteLock
from lexsearch.bundle.plain import require_plain
from lexsearch.catalog.database import Database, translated
from lexsearch.catalog.step import CATALOG_FILE, STEP
from lexsearch.catalog.upgrade import upgrade as migrate

BACKUP = "catalog.step{step}.bak"


@dataclass(frozen=True, slots=True)
class UpgradeReport:
    """What an upgrade did.

    Attributes:
        before, after: step of the catalog; equal when there was nothing to do.
        backup: the catalog as it was; None when there was nothing to do.
    """

    before: int
    after: int
    backup: Path | None


def upgrade(
    directory: Path,
    *,
    wait_s: float = 0.0,
    step: int = STEP,
    scripts: Path | None = None,
    disk: Disk | None = None,
) -> UpgradeReport:
    """Bring the catalog of an index to a step, all at once or not at all.

    Where there are several editions each is brought there; the report is of the one in force.
    The catalog as it was is kept beside it, complete and on the disk before anything changes.
    The change itself is one transaction: until it ends, the older version opens the index.

    Args:
        directory: the index.
        wait_s: how long to wait for a writer.
        step: where to; later than this version's own only together with `scripts`.
        scripts: folder of the migrations; None = those of this version.
        disk: where to write the backup.

    Raises:
        IndexMissing: there is no index.
        IndexLocked: another process is writing to it.
        IndexTooNew, IndexDamaged: it cannot be upgraded; nothing was changed.
        StorageError: the file system refused; the older version still opens.
    """
    directory = directory.absolute()
    require_plain(directory)
    read_format(directory, writing=True)
    for _, folder in readable(directory):
        check_header(folder, known=step)
    lock = WriteLock(directory)
    lock.acquire(wait_s=wait_s)
    try:
        with storage(directory):
            reports = {
                folder: _upgrade(folder, step, scripts, disk or Disk())
                for _, folder in readable(directory)
            }
            return reports[in_force(directory)]
    finally:
        lock.release()


def _upgrade(directory: Path, step: int, scripts: Path | None, disk: Disk) -> UpgradeReport:
    before = step_of(directory)
    if before == step:
        return UpgradeReport(before, step, None)
    path = directory / CATALOG_FILE
    backup = directory / BACKUP.format(step=before)
    _keep(path, backup, disk)
    database = Database(path)
    try:
        with database.transaction() as connection:
            migrate(connection, step=step, scripts=scripts)
            _check(connection, path)
    finally:
        database.close()
    return UpgradeReport(before, step, backup)


def _keep(path: Path, backup: Path, disk: Disk) -> None:
    """Write the catalog, with what its log holds, under another name."""
    temporary = backup.with_name(backup.name + ".tmp")
    disk.remove(temporary)
    with translated(path), contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", [os.fspath(temporary)])
    with temporary.open("r+b") as file:
        disk.sync(file)
    disk.rename(temporary, backup)
    disk.sync_dir(backup.parent)


def _check(connection: Connection, path: Path) -> None:
    """Refuse to commit what is not sound."""
    found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if found != ["ok"] or dangling is not None:
        raise damaged(path, "it cannot be upgraded, because it is not sound")
