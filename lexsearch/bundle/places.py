"""Moves, copies and removes whole indexes; photos are never touched."""

from __future__ import annotations

import contextlib
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from lexsearch.bundle.catalog_file import check_header
from lexsearch.bundle.creation import storage
from lexsearch.bundle.disk import Disk, sync_tree
from lexsearch.bundle.format import read_format
from lexsearch.bundle.garbage import IVF
from lexsearch.bundle.location import EDITIONS, FORMAT_FILE, edition_folder
from lexsearch.bundle.lock import HOLDER_FILE, LOCK_FILE, WriteLock
from lexsearch.bundle.repair import QUARANTINE
from lexsearch.bundle.reserve import RESERVE_FILE
from lexsearch.bundle.segments import SEGMENTS
from lexsearch.bundle.upgrade import BACKUP
from lexsearch.catalog.database import Database
from lexsearch.catalog.step import CATALOG_FILE, CATALOG_FILES, CATALOG_TMP_FILES
from lexsearch.errors import IndexMissing, UsageError

# What an archive holds: the catalog after its log was moved into it, and what it names.
EXPORTED = (FORMAT_FILE, CATALOG_FILE, SEGMENTS, IVF)
# Everything that belongs to an index; `remove` deletes nothing else.
OWN = (
    *EXPORTED, EDITIONS, *CATALOG_FILES[1:], *CATALOG_TMP_FILES, FORMAT_FILE + ".tmp",
    RESERVE_FILE, HOLDER_FILE, QUARANTINE, LOCK_FILE,
)  # fmt: skip


def move(source: Path, target: Path) -> None:
    """Move an index.

    Raises:
        IndexMissing: there is none at the source.
        IndexLocked: somebody is writing to it.
        UsageError: there is something at the target.
        StorageError: the file system refused.
    """
    disk = Disk()
    _refuse_existing(target)
    with _locked(source), storage(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            source.rename(target)
        except OSError:  # another file system: copy, then remove
            temporary = target.with_name(target.name + ".tmp")
            with _removed_on_error(temporary):
                shutil.copytree(source, temporary, symlinks=True)
                sync_tree(disk, temporary)
                disk.rename(temporary, target)
                disk.sync_dir(target.absolute().parent)
            _remove_own(source)
        (target / HOLDER_FILE).unlink(missing_ok=True)


def export(directory: Path, archive: Path) -> None:
    """Write an index into one tar file, which appears when it is complete.

    Raises:
        IndexMissing: there is none.
        IndexLocked: somebody is writing to it.
        StorageError: the file system refused.
    """
    with _locked(directory), storage(archive.parent):
        number = read_format(directory, writing=True).edition
        directory = edition_folder(directory, number)  # the archive is an index of one edition
        read_format(directory, writing=True)
        check_header(directory)
        Database(directory / CATALOG_FILE).close()
        temporary = archive.with_name(archive.name + ".tmp")
        with _removed_on_error(temporary):
            with temporary.open("wb") as file:
                with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                    for name in EXPORTED:
                        if name == IVF and not (directory / name).is_dir():
                            continue
                        tar.add(directory / name, arcname=name, filter=_plain_owner)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(archive)
            Disk().sync_dir(archive.absolute().parent)


def import_(archive: Path, directory: Path) -> None:
    """Unpack an archive that `export` made as a new index.

    Only plain files and folders under names of an index are taken.

    Raises:
        UsageError: there is something at the target, or the archive is not one of an index.
        IndexTooNew, IndexDamaged: the index in it is not usable.
        StorageError: the file system refused.
    """
    _refuse_existing(directory)
    temporary = directory.with_name(directory.name + ".tmp")
    with storage(directory), _removed_on_error(temporary):
        directory.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        try:
            with tarfile.open(archive, mode="r:") as tar:
                for member in tar:
                    _check_member(archive, member)
                    tar.extract(member, temporary, filter="data")
        except tarfile.TarError as error:
            raise UsageError(f"{archive} is no archive of an index: {error}") from error
        try:
            read_format(temporary)
        except IndexMissing:
            raise UsageError(f"{archive} holds no index") from None
        disk = Disk()
        sync_tree(disk, temporary)
        disk.rename(temporary, directory)
        disk.sync_dir(directory.absolute().parent)


def remove(directory: Path) -> None:
    """Remove an index and, when nothing else is in it, its folder.

    Raises:
        IndexMissing: there is none.
        IndexLocked: somebody is writing to it.
        StorageError: the file system refused.
    """
    with _locked(directory), storage(directory):
        _remove_own(directory)


def _remove_own(directory: Path) -> None:
    backups = [path.name for path in directory.glob(BACKUP.format(step="*"))]
    for name in (*OWN, *backups):
        path = directory / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        directory.rmdir()


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    if not (directory / FORMAT_FILE).is_file():
        raise IndexMissing(f"there is no index in {directory}")
    lock = WriteLock(directory)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _removed_on_error(temporary: Path) -> Iterator[None]:
    """Removes what is half done when it does not get done."""
    try:
        yield
    except BaseException:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                temporary.unlink()
        raise


def _refuse_existing(target: Path) -> None:
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise UsageError(f"{target} exists already; choose another name or remove it first")


def _plain_owner(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Members without the names of who made them; links and devices stay out."""
    if not (member.isreg() or member.isdir()):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _check_member(archive: Path, member: tarfile.TarInfo) -> None:
    path = PurePosixPath(member.name)
    inside = not path.is_absolute() and ".." not in path.parts and path.parts[:1]
    if not (inside and path.parts[0] in EXPORTED and (member.isreg() or member.isdir())):
        raise UsageError(
            f"{archive} holds {member.name!r}, which belongs to no index; nothing was imported"
        )
