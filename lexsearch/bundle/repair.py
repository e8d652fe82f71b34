"""Mends an index from what still verifies; encodes nothing.

A segment that does not verify is set aside and its pictures are forgotten: the next index run
encodes just these again. A catalog that does not verify is set aside and made anew from the
segments, and from those of its own rows that are intact. Nothing is deleted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from lexsearch.bundle.catalog_file import check_header, read_only, reading
from lexsearch.bundle.changes import refresh_live
from lexsearch.bundle.check import CheckReport, Problem, check_edition
from lexsearch.bundle.creation import new_catalog, storage
from lexsearch.bundle.description import Described, read_segment
from lexsearch.bundle.disk import Disk
from lexsearch.bundle.editions import complete_number, in_force, numbers, remove
from lexsearch.bundle.format import read_format, write_format
from lexsearch.bundle.lists import is_of_lists
from lexsearch.bundle.location import EDITIONS, FORMAT_FILE, edition_folder
from lexsearch.bundle.lock import WriteLock
from lexsearch.bundle.plain import require_plain
from lexsearch.bundle.records import FileRecord
from lexsearch.bundle.salvage import Salvaged, salvage
from lexsearch.bundle.segments import SEGMENTS, segment_folder
from lexsearch.bundle.ulid import ULID, new_ulid
from lexsearch.bundle.verify import segment_problems
from lexsearch.catalog import lists, merging, repository
from lexsearch.catalog.database import Database
from lexsearch.catalog.step import CATALOG_FILE, CATALOG_FILES, FUSION
from lexsearch.errors import IndexDamaged, IndexMissing
from lexsearch.own_ids import is_key, name_of
from lexsearch.ranking.learned_fusion import fusion_summary
from lexsearch.types import ModelIdentity

QUARANTINE = "quarantine"
SHOWN_IDS = 10  # ids of lost pictures that a report names


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What a repair did, or would do.

    Attributes:
        problems: sentences on what was found damaged.
        actions: sentences on what was done about it, in order; empty for a sound index.
        images: pictures in the index afterwards; of a dry run, pictures that are there now.
        forgotten: pictures whose vectors are lost; the next index run encodes them again.
        dry_run: whether nothing was changed.
    """

    problems: tuple[str, ...]
    actions: tuple[str, ...]
    images: int
    forgotten: int
    dry_run: bool


def repair(directory: Path, *, dry_run: bool = False, disk: Disk | None = None) -> RepairReport:
    """Mend an index as far as its own files allow.

    Args:
        directory: the index.
        dry_run: change nothing, only say what would be done.
        disk: where to write.

    Raises:
        IndexMissing: the folder is no index.
        IndexTooNew, IndexTooOld: another version wrote it.
        IndexLocked: another process is writing to it.
        IndexDamaged: nothing is left to mend it from.
        StorageError: the file system refused.
    """
    directory = directory.absolute()
    names = (FORMAT_FILE, CATALOG_FILE, SEGMENTS, EDITIONS)
    if not any((directory / name).exists() for name in names):
        raise IndexMissing(f"there is no index in {directory}")
    require_plain(directory)
    if dry_run:
        return _repair_all(directory, disk=None)
    with contextlib.suppress(IndexDamaged):
        check_header(in_force(directory))
    lock = WriteLock(directory)
    lock.acquire()
    try:
        with storage(directory):
            return _repair_all(directory, disk=disk or Disk())
    finally:
        lock.release()


def _repair_all(directory: Path, *, disk: Disk | None) -> RepairReport:
    """The repair of every edition, the one in force first; without a disk, what it would do."""
    problems: list[str] = []
    actions: list[str] = []
    marked = True
    try:
        force = read_format(directory).edition
    except (IndexDamaged, IndexMissing) as error:
        force = complete_number(directory)
        if force:  # for number 0 it is written with the rest
            marked = False
            problems.append(str(error))
            actions.append(f"write {FORMAT_FILE} anew, with edition {force} in force")
            if disk is not None:
                write_format(directory, uuid_hex=_uuid(directory), edition=force, disk=disk)
    first = _repair(edition_folder(directory, force), disk=disk)
    reports = [first]
    others = [n for n in (0, *numbers(directory)) if n != force and (n or marked or disk)]
    for number in others:
        folder = edition_folder(directory, number)
        if not (folder / CATALOG_FILE).exists():
            continue
        try:
            reports.append(_repair(folder, disk=disk))
        except IndexDamaged as error:
            problems.append(str(error))
            actions.append(f"remove edition {number}, of which nothing can be mended")
            if disk is not None:
                remove(directory, number, disk=disk)
    return RepairReport(
        (*problems, *(text for one in reports for text in one.problems)),
        (*actions, *(text for one in reports for text in one.actions)),
        first.images,
        sum(one.forgotten for one in reports),
        disk is None,
    )


def _repair(directory: Path, *, disk: Disk | None) -> RepairReport:
    """The repair; without a disk, what it would do."""
    report = _check(directory)
    problems = tuple(str(problem) for problem in report.problems)
    if not problems:
        return RepairReport((), (), report.images, 0, disk is None)
    unmarked = any(one.place.name == FORMAT_FILE for one in report.problems)
    actions = [f"write {FORMAT_FILE} anew"] if unmarked else []
    if unmarked and disk is not None:
        write_format(directory, uuid_hex=_uuid(directory), disk=disk)
        report = _check(directory)
    rest = [one for one in report.problems if not is_of_lists(one)]
    bad = sorted({one.segment for one in rest if one.segment is not None})
    if any(one.segment is None and one.place.name != FORMAT_FILE for one in rest):
        done, forgotten = _rebuild(directory, disk)  # the new catalog names no lists
    else:
        if disk is not None:  # a sound catalog can be upgraded; a new one is of this version
            check_header(directory, writing=True)
        if len(rest) < len(report.problems):
            actions += _drop_lists(directory, disk)
        done, forgotten = _set_aside(directory, bad, disk)
    images = report.images if disk is None else _check(directory).images
    return RepairReport(problems, (*actions, *done), images, forgotten, disk is None)


def _check(directory: Path) -> CheckReport:
    """Every problem; a missing FORMAT.json or catalog is one here."""
    try:
        return check_edition(directory, read_data=True)
    except IndexMissing:
        name = CATALOG_FILE if (directory / FORMAT_FILE).exists() else FORMAT_FILE
        return CheckReport(0, (Problem(directory / name, "the file is missing"),), ())


def _uuid(directory: Path) -> str | None:
    rows = salvage(directory).settings
    if "uuid" in rows:
        return rows["uuid"]
    return next((one.index_uuid for one in _sound_segments(directory)[0]), None)


def _drop_lists(directory: Path, disk: Disk | None) -> list[str]:
    """Forget the lists for dense search; their file goes with the garbage of the next run."""
    if disk is not None:
        database = Database(directory / CATALOG_FILE)
        try:
            with database.transaction() as connection:
                lists.drop(connection, now=0)
                repository.next_generation(connection)
        finally:
            database.close()
    return ["drop the lists for dense search; the next index makes them again"]


def _set_aside(directory: Path, bad: Sequence[str], disk: Disk | None) -> tuple[list[str], int]:
    """Forget bad segments in the catalog, then move their folders to the quarantine."""
    actions = [f"set segment {ulid} aside; the next index encodes its pictures" for ulid in bad]
    actions += _to_add_again(_keys_in(directory, bad))
    if disk is None or not bad:
        return actions, _held(directory, bad)
    forgotten = 0
    database = Database(directory / CATALOG_FILE)
    try:
        with database.transaction() as connection:
            for row in repository.segments(connection):
                if row["ulid"] in bad:
                    forgotten += merging.forget_segment(connection, row["id"])
            repository.next_generation(connection)
    finally:
        database.close()
    for ulid in bad:
        _quarantine(directory, [segment_folder(directory, ulid)], disk)
    return actions, forgotten


def _keys_in(directory: Path, ulids: Sequence[str]) -> list[bytes]:
    """Keys of the ids of pictures that programs added, in segments."""
    statement = """
        SELECT image.path FROM image JOIN content ON content.id = image.content_id
        JOIN segment ON segment.id = content.segment_id WHERE segment.ulid = ?
    """
    with reading(directory / CATALOG_FILE), contextlib.closing(read_only(directory)) as connection:
        found = [path for ulid in ulids for (path,) in connection.execute(statement, [ulid])]
    return sorted(path for path in found if is_key(path))


def _to_add_again(keys: Sequence[bytes]) -> list[str]:
    """A sentence about pictures that no folder can give back."""
    if not keys:
        return []
    shown = ", ".join(name_of(key) for key in keys[:SHOWN_IDS])
    more = f" and {len(keys) - SHOWN_IDS:,} more" if len(keys) > SHOWN_IDS else ""
    return [f"forget pictures that a program added, which must add them again: {shown}{more}"]


def _held(directory: Path, ulids: Sequence[str]) -> int:
    """How many pictures the catalog has in segments."""
    statement = """
        SELECT count(*) FROM content JOIN segment ON segment.id = content.segment_id
        WHERE segment.ulid = ?
    """
    with reading(directory / CATALOG_FILE), contextlib.closing(read_only(directory)) as connection:
        return sum(int(connection.execute(statement, [ulid]).fetchone()[0]) for ulid in ulids)


def _quarantine(directory: Path, paths: Sequence[Path], disk: Disk) -> None:
    place = directory / QUARANTINE
    if not place.is_dir():
        disk.make_dir(place)
    folder = place / new_ulid()
    disk.make_dir(folder)
    for path in paths:
        if path.exists():
            disk.rename(path, folder / path.name)
            disk.sync_dir(path.parent)
    disk.sync_dir(folder)
    disk.sync_dir(place)


def _rebuild(directory: Path, disk: Disk | None) -> tuple[list[str], int]:
    """Make the catalog anew from the segments and from its own intact rows."""
    saved = salvage(directory)
    sound, bad = _sound_segments(directory)
    actions = [f"set segment {ulid} aside; the next index encodes its pictures" for ulid in bad]
    actions.append(f"set {CATALOG_FILE} aside and make it anew from {len(sound)} segments")
    if not sound and saved.identity is None:
        raise IndexDamaged(
            f"{directory} has neither a readable catalog nor a sound segment; remove it and "
            f"index again with: lexsearch index PATH --db {directory}"
        )
    identity = sound[-1].identity if sound else saved.identity
    assert identity is not None
    sound = [one for one in sound if one.identity == identity]
    kept = {content.sha256 for one in sound for content, _ in one.contents}
    lost = [one.path for one in saved.files if is_key(one.path) and one.sha256 not in kept]
    actions += _to_add_again(sorted(lost))
    if disk is None:
        return actions, len(saved.contents - kept)
    index_uuid = sound[-1].index_uuid if sound else saved.settings.get("uuid", "")
    with contextlib.suppress(IndexMissing, IndexDamaged):
        index_uuid = read_format(directory).uuid
    if not (directory / SEGMENTS).is_dir():
        disk.make_dir(directory / SEGMENTS)

    def fill(connection: Connection) -> None:
        _fill(connection, sound, saved, identity)

    new_catalog(
        directory,
        index_uuid,
        identity,
        disk=disk,
        fill=fill,
        before_rename=lambda: _quarantine(
            directory, [directory / name for name in CATALOG_FILES], disk
        ),
    )
    for ulid in bad:
        _quarantine(directory, [segment_folder(directory, ulid)], disk)
    return actions, len(saved.contents - kept)


def _fill(
    connection: Connection, sound: Sequence[Described], saved: Salvaged, identity: ModelIdentity
) -> None:
    """Write what is known into a new catalog; later segments win, salvaged paths over all."""
    stored: set[bytes] = set()
    files: dict[bytes, FileRecord] = {}
    for one in sound:
        number = repository.add_segment(connection, one.ulid, len(one.contents), one.files)
        contents = [content for content, _ in one.contents]
        repository.add_contents(connection, contents, segment_id=number)
        stored.update(content.sha256 for content in contents)
        if not saved.has_all_files:
            files.update((file.path, file) for _, listed in one.contents for file in listed)
    files.update((file.path, file) for file in saved.files if file.sha256 in stored)
    repository.add_files(connection, [files[path] for path in sorted(files)], now=0)
    repository.add_added(connection, [one for one in saved.added if one.path in files])
    repository.add_skipped(connection, saved.skipped)
    repository.add_roots(
        connection, [*saved.roots, *(f.root for f in files.values() if not is_key(f.path))]
    )
    for run in saved.runs:
        repository.add_run_text(connection, run)
    refresh_live(connection, [row["id"] for row in repository.segments(connection)])
    newest = max((one.generation for one in sound), default=0)
    generation = max(newest, int(saved.settings.get("generation", "0"))) + 1
    repository.set_settings(connection, {"generation": str(generation)})
    fusion = fusion_summary(saved.settings.get(FUSION))
    if fusion is not None and "problem" not in fusion and saved.identity == identity:
        repository.set_settings(connection, {FUSION: saved.settings[FUSION]})


def _sound_segments(directory: Path) -> tuple[list[Described], list[str]]:
    """Segments that verify byte for byte, oldest commit first, and ulids of those that do not."""
    sound, bad = [], []
    folder = directory / SEGMENTS
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not ULID.fullmatch(path.name) or path.is_symlink() or not path.is_dir():
            continue
        segment = read_segment(path)
        problems = segment and next(
            segment_problems(
                path, segment.files, segment.identity, count=len(segment.contents), read_data=True
            ),
            None,
        )
        if segment is None or problems:
            bad.append(path.name)
        else:
            sound.append(segment)
    return sorted(sound, key=lambda one: (one.generation, one.ulid)), bad
