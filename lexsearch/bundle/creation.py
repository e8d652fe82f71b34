"""Opens an index folder for writing, and makes one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from sqlalchemy import Connection

from lexsearch.bundle.catalog_file import (
    any_segment,
    check_header,
    identity_from,
    identity_text,
    read_only,
    reading,
    verify_rows,
)
from lexsearch.bundle.disk import Disk
from lexsearch.bundle.file_bytes import damaged
from lexsearch.bundle.filesystem import refuse_remote
from lexsearch.bundle.format import number_in_force, read_format, write_format
from lexsearch.bundle.location import FORMAT_FILE, edition_folder
from lexsearch.bundle.lock import HOLDER_FILE, LOCK_FILE, WriteLock
from lexsearch.bundle.reserve import RESERVE_FILE, keep_reserve, reserve_size
from lexsearch.bundle.segments import SEGMENTS
from lexsearch.bundle.standing import Standing
from lexsearch.catalog import merging, repository
from lexsearch.catalog.checksum import COVERED
from lexsearch.catalog.database import Database
from lexsearch.catalog.step import CATALOG_FILE, CATALOG_TMP, CATALOG_TMP_FILES, FUSION
from lexsearch.catalog.upgrade import upgrade
from lexsearch.errors import IndexDamaged, IndexMissing, StorageError, UsageError, WrongModel
from lexsearch.types import ROLES, ModelIdentity

# What an interrupted creation may leave in a folder that is no index yet.
BEGINNINGS = frozenset(
    {LOCK_FILE, HOLDER_FILE, RESERVE_FILE, SEGMENTS, FORMAT_FILE + ".tmp", *CATALOG_TMP_FILES}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opened:
    """The parts of an index that is open for writing.

    Attributes:
        index: its folder.
        directory: that of the edition that is written.
        number: of that edition.
    """

    index: Path
    directory: Path
    number: int
    index_uuid: str
    database: Database
    lock: WriteLock


def open_for_writing(
    directory: Path,
    identity: ModelIdentity,
    *,
    create: bool,
    replace: bool,
    wait_s: float,
    edition: int | None,
    disk: Disk,
    now: Callable[[], float],
    standing: Standing,
) -> Opened:
    """Lock an index, make what is missing of it or of an edition, and open the catalog.

    Raises:
        LexsearchError: see `BundleWriter.open`; nothing was written.
    """
    index = directory.absolute()
    with storage(index):
        if edition is not None:
            read_format(index, writing=True)  # an edition beside others needs an index
        with contextlib.suppress(IndexDamaged):  # or under repair: looked at again when locked
            _refuse(_place(index, edition), create=create)
        refuse_remote(index)
        _make_folder(index, disk)
    lock = WriteLock(index)
    lock.acquire(wait_s=wait_s)
    database: Database | None = None
    try:
        number = number_in_force(index) if edition is None else edition
        directory = edition_folder(index, number)
        with storage(directory):
            _refuse(directory, create=create)
            _make_folder(directory, disk)
            index_uuid = _ensure(directory, identity, disk)
            keep_reserve(directory, size=reserve_size(directory / CATALOG_FILE))
        if not standing.is_verified(directory):
            _verify_catalog(directory)
            standing.verified()
        database = Database(directory / CATALOG_FILE)
        _check_identity(
            directory, database, identity, index_uuid, replace=replace, index=index, now=now
        )
    except BaseException:
        if database is not None:
            with contextlib.suppress(StorageError):
                database.close()
        lock.release()
        raise
    return Opened(index, directory, number, index_uuid, database, lock)


def _place(index: Path, edition: int | None) -> Path:
    return edition_folder(index, number_in_force(index) if edition is None else edition)


def _make_folder(directory: Path, disk: Disk) -> None:
    """Make a folder and those above it; their names are on the disk when this returns."""
    missing = [one for one in (directory, *directory.parents) if not one.exists()]
    for one in reversed(missing):
        with contextlib.suppress(FileExistsError):  # another process was faster
            disk.make_dir(one)
        with contextlib.suppress(PermissionError):  # one may add to a folder and not list it
            disk.sync_dir(one.parent)


@contextlib.contextmanager
def storage(directory: Path) -> Iterator[None]:
    """Turns the errors of the file system into ours."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(
            f"the index in {directory} cannot be written: {error.strerror or error}"
        ) from error


def _refuse(directory: Path, *, create: bool) -> None:
    """Look, without writing, whether this version may write here.

    Another process may be making the index meanwhile. It begins with the format file, so whoever
    finds anything else and then no format file has found a folder that is no index.
    """
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory} is a file; an index needs a folder of its own")
    found = sorted(path.name for path in directory.iterdir()) if directory.exists() else []
    if (directory / FORMAT_FILE).exists():
        read_format(directory, writing=True)
        if (directory / CATALOG_FILE).exists() or any_segment(directory):
            check_header(directory, writing=True)
        return
    if CATALOG_FILE in found:
        raise damaged(directory / FORMAT_FILE, "the file is missing")
    strangers = [name for name in found if name not in BEGINNINGS]
    if strangers:
        raise UsageError(
            f"{directory} is not empty and no index (it holds {strangers[0]!r}); "
            "choose another folder with: --db DIR"
        )
    if not create:
        raise IndexMissing(
            f"there is no index in {directory}; make it with: lexsearch index PATH --db {directory}"
        )


def _ensure(directory: Path, identity: ModelIdentity, disk: Disk) -> str:
    """Make what a new or half-made index lacks; returns its uuid."""
    if not (directory / FORMAT_FILE).exists():
        write_format(directory, disk=disk)
    index_uuid = read_format(directory, writing=True).uuid
    if not (directory / SEGMENTS).is_dir():
        disk.make_dir(directory / SEGMENTS)
        disk.sync_dir(directory)
    if not (directory / CATALOG_FILE).exists():
        new_catalog(directory, index_uuid, identity, disk=disk)
    return index_uuid


def new_catalog(
    directory: Path,
    index_uuid: str,
    identity: ModelIdentity,
    *,
    disk: Disk,
    fill: Callable[[Connection], None] | None = None,
    before_rename: Callable[[], None] | None = None,
) -> None:
    """Make a catalog under a temporary name and give it its name when it is complete.

    It keeps a write-ahead log from its first moment: to switch later takes a rollback journal,
    and readers, who cannot write, could not open a catalog that was killed in that moment.

    Args:
        directory: the index.
        index_uuid: its uuid.
        identity: of the model.
        disk: where to write.
        fill: what else belongs in it.
        before_rename: what makes room for the name.
    """
    path = directory / CATALOG_TMP
    for name in CATALOG_TMP_FILES:
        disk.remove(directory / name)
    database = Database(path)
    try:
        with database.transaction() as connection:
            upgrade(connection)
            values = {"uuid": index_uuid, "identity": identity_text(identity), "generation": "0"}
            repository.set_settings(connection, values)
            if fill is not None:
                fill(connection)
    finally:
        database.close()
    if before_rename is not None:
        before_rename()
    disk.rename(path, directory / CATALOG_FILE)
    disk.sync_dir(directory)


def _verify_catalog(directory: Path) -> None:
    """Compare the checksum of every row: a writer would give a damaged one a fitting new one."""
    with (
        reading(directory / CATALOG_FILE),
        contextlib.closing(read_only(directory)) as connection,
    ):
        for table in COVERED:
            verify_rows(connection, table)


def _check_identity(
    directory: Path,
    database: Database,
    identity: ModelIdentity,
    index_uuid: str,
    *,
    replace: bool,
    index: Path,
    now: Callable[[], float],
) -> None:
    with database.transaction() as connection:
        settings = repository.settings(connection)
        path = directory / CATALOG_FILE
        if settings.get("uuid") != index_uuid:
            raise damaged(path, "it belongs to another index")
        try:
            recorded = identity_from(settings["identity"])
        except (KeyError, ValueError) as error:
            raise damaged(path, "the identity of the model is not readable") from error
        if recorded == identity:
            return
        if not replace:
            raise WrongModel(wrong_model(index, recorded, identity))
        if count := repository.count_added(connection):
            raise WrongModel(holds_added(index, count))
        merging.forget_everything(connection, now=int(now()))
        repository.set_settings(connection, {"identity": identity_text(identity)})
        repository.forget_setting(connection, FUSION)  # it was learned on the other model
        repository.next_generation(connection)


def holds_added(directory: Path, count: int) -> str:
    """The sentence about an index that another model cannot take over."""
    return (
        f"the index in {directory} holds {count:,} pictures that a program added, which no walk "
        "over folders can give to another model; delete them first (LexSearch.delete), or use "
        "another index with: --db NAME"
    )


def wrong_model(directory: Path, recorded: ModelIdentity, given: ModelIdentity) -> str:
    """The sentence about an index of another model, with what differs."""
    differences = [
        f"{name}: index {old}, model {new}"
        for name, old, new in _compared(recorded, given)
        if old != new
    ]
    return (
        f"the index in {directory} was made by another model ({'; '.join(differences)}); "
        f"encode everything again with: lexsearch index --force PATH --db {directory}, or beside "
        f"it, while searches go on, with: --model {given.name}; "
        "or keep it and use another index with: --db NAME"
    )


def _compared(
    recorded: ModelIdentity, given: ModelIdentity
) -> Iterator[tuple[str, object, object]]:
    for role in ROLES:
        yield f"{role} encoder", recorded.fingerprints.get(role), given.fingerprints.get(role)
    for field in fields(ModelIdentity):
        if field.name != "fingerprints":
            yield field.name, getattr(recorded, field.name), getattr(given, field.name)
