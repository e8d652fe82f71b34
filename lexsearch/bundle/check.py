"""Verifies an index without changing it."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lexsearch.bundle.catalog_file import identity_from, read_only, reading
from lexsearch.bundle.container import FILE_NAMES, open_file
from lexsearch.bundle.editions import complete_number, in_force, numbers, readable
from lexsearch.bundle.format import read_format
from lexsearch.bundle.garbage import leftovers
from lexsearch.bundle.lists import lists_problems
from lexsearch.bundle.live_bits import pack
from lexsearch.bundle.location import FORMAT_FILE, edition_folder
from lexsearch.bundle.plain import require_plain
from lexsearch.bundle.sample import Sample
from lexsearch.bundle.segments import segment_folder
from lexsearch.bundle.ulid import ULID
from lexsearch.bundle.verify import Problem, problem_of, segment_problems
from lexsearch.catalog.checksum import checksum, covered
from lexsearch.catalog.records import SegmentFile
from lexsearch.catalog.step import CATALOG_FILE, FUSION
from lexsearch.errors import IndexDamaged, StorageError
from lexsearch.ranking.learned_fusion import fusion_summary
from lexsearch.types import ModelIdentity

__all__ = ["CheckReport", "Problem", "check"]


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found.

    Attributes:
        images: pictures that have a path, of the edition in force.
        problems: what is not as it was written; empty for a sound index.
        orphans: folders that no commit names; harmless, the next index run removes them.
    """

    images: int
    problems: tuple[Problem, ...]
    orphans: tuple[Path, ...]


def check(
    directory: Path,
    *,
    read_data: bool = False,
    sample: Sample | None = None,
    rng: random.Random | None = None,
) -> CheckReport:
    """Verify an index with all its editions.

    Args:
        directory: the index.
        read_data: read every byte and compare every checksum; otherwise only sizes, headers
            and the structure of the catalog.
        sample: of the files of segments read only these; the catalog is read as a whole.
        rng: draws the sample; None = a different one each time.

    Raises:
        IndexMissing: the folder is no index.
        IndexTooNew: a newer version wrote it.
    """
    directory = directory.absolute()
    require_plain(directory)
    lost: list[Problem] = []
    try:
        force = in_force(directory)
        folders = [folder for _, folder in readable(directory)]
    except IndexDamaged as error:  # which edition is in force is not known
        lost = [problem_of(directory / FORMAT_FILE, error)]
        every = [edition_folder(directory, number) for number in (0, *numbers(directory))]
        folders = [one for one in every if (one / CATALOG_FILE).exists()] or [directory]
        force = edition_folder(directory, complete_number(directory))
    reports = {
        one: check_edition(one, read_data=read_data, sample=sample, rng=rng) for one in folders
    }
    found = [problem for one in reports.values() for problem in one.problems]
    return CheckReport(
        reports[force].images if force in reports else 0,
        (*lost, *(problem for problem in found if problem not in lost)),
        tuple(orphan for one in reports.values() for orphan in one.orphans),
    )


def check_edition(
    directory: Path,
    *,
    read_data: bool = False,
    sample: Sample | None = None,
    rng: random.Random | None = None,
) -> CheckReport:
    """What a check of one edition finds; arguments and errors as in `check`."""
    problems: list[Problem] = []
    index_uuid = None
    try:
        index_uuid = read_format(directory).uuid
    except IndexDamaged as error:
        problems.append(problem_of(directory / FORMAT_FILE, error))
    path = directory / CATALOG_FILE
    images, orphans = 0, []
    try:
        connection = read_only(directory)
        try:
            with reading(path):
                connection.execute("BEGIN")
                catalog = _Catalog(directory, connection, read_data=read_data)
                if read_data and sample is not None:
                    catalog.take(sample, rng or random.Random())  # noqa: S311
                problems.extend(catalog.problems(index_uuid))
                images = catalog.images()
                orphans = list(leftovers(directory, catalog.named()))
        except (TypeError, ValueError, OverflowError) as error:
            problems.append(Problem(path, f"a row cannot be read: {error}"))
        finally:
            connection.close()
    except (IndexDamaged, StorageError) as error:
        problems.append(problem_of(path, error))
    return CheckReport(images, tuple(problems), tuple(orphans))


class _Catalog:
    """The checks that need the catalog."""

    def __init__(self, directory: Path, connection: sqlite3.Connection, *, read_data: bool) -> None:
        self.directory = directory
        self.path = directory / CATALOG_FILE
        self.connection = connection
        self.read_data = read_data
        self.sample: set[Path] | None = None

    def take(self, sample: Sample, rng: random.Random) -> None:
        """Read only a sample of the files of segments."""
        rows = self.connection.execute(
            "SELECT ulid, name, size FROM segment_file JOIN segment ON segment.id = segment_id"
        )
        files = [(segment_folder(self.directory, ulid) / name, size) for ulid, name, size in rows]
        self.sample = sample.chosen(files, rng=rng)

    def images(self) -> int:
        (count,) = self.connection.execute(
            "SELECT count(DISTINCT content_id) FROM image"
        ).fetchone()
        return int(count)

    def named(self) -> set[str]:
        rows = self.connection.execute("SELECT ulid FROM segment UNION SELECT ulid FROM ivf_gen")
        return {ulid for (ulid,) in rows}

    def problems(self, index_uuid: str | None) -> Iterator[Problem]:
        yield from self._structure()
        yield from self._rows()
        settings = dict(self.connection.execute("SELECT key, value FROM config"))
        try:
            identity = identity_from(settings["identity"])
            int(settings["generation"])
        except (KeyError, ValueError):
            yield Problem(self.path, "its settings are not readable")
            return
        if FUSION in settings:
            problem = (fusion_summary(settings[FUSION]) or {}).get("problem")
            if problem is not None:
                yield Problem(self.path, f"its learned fusion is not readable: {problem}")
        if index_uuid is not None and settings.get("uuid") != index_uuid:
            yield Problem(self.path, "it belongs to another index")
        segments = self.connection.execute("SELECT id, ulid, rows, live FROM segment")
        for number, ulid, rows, live in segments.fetchall():
            if not ULID.fullmatch(ulid):
                yield Problem(self.path, f"{ulid!r} is no name of a segment")
                continue
            yield from self._segment(number, ulid, rows, live, identity)
        yield from lists_problems(self.directory, self.connection, read_data=self.read_data)

    def _structure(self) -> Iterator[Problem]:
        statement = "PRAGMA integrity_check" if self.read_data else "PRAGMA quick_check"
        for (text,) in self.connection.execute(statement):
            if text != "ok":
                yield Problem(self.path, str(text))
        broken = self.connection.execute("PRAGMA foreign_key_check").fetchall()
        if broken:
            yield Problem(self.path, f"{len(broken)} rows of {broken[0][0]} point nowhere")

    def _rows(self) -> Iterator[Problem]:
        """Rows whose checksum is not that of their columns."""
        (step,) = self.connection.execute("PRAGMA user_version").fetchone()
        for table, columns in covered(step).items() if self.read_data else ():
            names = ", ".join(columns)
            rows = self.connection.execute(f"SELECT crc, {names} FROM {table}")  # noqa: S608
            wrong = sum(crc != checksum(values) for crc, *values in rows)
            if wrong and table != "ivf_gen":  # see `lists_problems`
                yield Problem(self.path, f"{wrong} rows of {table} are not what was written")

    def _segment(
        self, number: int, ulid: str, rows: int, live: bytes | None, identity: ModelIdentity
    ) -> Iterator[Problem]:
        folder = segment_folder(self.directory, ulid)
        listed = self.connection.execute(
            "SELECT name, size, sha256 FROM segment_file WHERE segment_id = ?", [number]
        )
        found = list(
            segment_problems(
                folder,
                [SegmentFile(*row) for row in listed],
                identity,
                count=rows,
                read_data=self.read_data,
                sample=self.sample,
            )
        )
        yield from found
        places = self.connection.execute(
            "SELECT position, id, EXISTS (SELECT 1 FROM image WHERE content_id = content.id) "
            "FROM content WHERE segment_id = ? ORDER BY position",
            [number],
        ).fetchall()
        positions = [position for position, _, _ in places]
        if positions and not 0 <= positions[0] <= positions[-1] < rows:
            yield Problem(self.path, f"a picture stands outside the rows of segment {ulid}")
            return
        if pack([position for position, _, alive in places if alive], rows) != live:
            yield Problem(self.path, f"the live rows of segment {ulid} are not those of its paths")
        if not found:
            arrays = open_file(folder / FILE_NAMES["ids"], "ids", ulid)
            expected = np.array([image_id for _, image_id, _ in places], dtype=np.int64)
            if not np.array_equal(np.asarray(arrays["image_ids"])[positions], expected):
                yield Problem(self.path, f"segment {ulid} holds other pictures than it says")
