"""The file of inverted lists for dense search: `ivf/<ulid>/dense.lxv`, named by the catalog.

It is derived from the dense vectors of the segments and can be made again from them at any time,
so damage to it costs speed and never a result: a search that cannot use it scans. The record in
the catalog carries its size and sha256, which is compared before FAISS parses any of it.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lexsearch.bundle.catalog_file import intact_rows
from lexsearch.bundle.container import arrays_of, write_file
from lexsearch.bundle.disk import Disk, new_folder
from lexsearch.bundle.file_bytes import Content, content, damaged, sha256_of
from lexsearch.bundle.garbage import IVF
from lexsearch.bundle.ulid import ULID, new_ulid
from lexsearch.bundle.verify import Problem, problem_of
from lexsearch.catalog.checksum import COVERED, checksum
from lexsearch.errors import IndexDamaged, ModelMissing, StorageError
from lexsearch.protocols import KeepsLists
from lexsearch.types import IntArray, ListFacts, Lists

LISTS_FILE = "dense.lxv"
# Records that say nothing of it are of lists of bytes, scored anew four times, or of float16.
EARLIER_DEPTH = 4
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ListsRecord:
    """What the catalog says of a file of lists: its size in bytes, its sha256, its facts."""

    size: int
    sha256: str
    facts: ListFacts

    def to_text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> ListsRecord:
        """The record in a text.

        Raises:
            ValueError: it is none, or one of another version.
        """
        try:
            fields = json.loads(text)
            facts = ListFacts(**({"depth": EARLIER_DEPTH} | fields["facts"]))
            counts = (facts.images, facts.trained, facts.lists, facts.nprobe, facts.depth)
            if not all(type(one) is int and 0 < one < 1 << 40 for one in counts):
                raise ValueError("a count in the record of lists is none")
            if not (isfinite(facts.recall) and isfinite(facts.imbalance)):
                raise ValueError("a measure in the record of lists is not finite")
            return cls(int(fields["size"]), str(fields["sha256"]), facts)
        except (KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"no record of lists: {error}") from error


def lists_path(directory: Path, ulid: str) -> Path:
    """Where a file of lists lies."""
    return directory / IVF / ulid / LISTS_FILE


def write_lists(directory: Path, lists: Lists, *, disk: Disk) -> tuple[str, ListsRecord]:
    """Write lists under a new ulid, durable when this returns, and not in force yet.

    Raises:
        OSError: the file system refused; nothing of them is left.
    """
    ulid = new_ulid()
    final = lists_path(directory, ulid).parent
    if not final.parent.is_dir():
        disk.make_dir(final.parent)
        disk.sync_dir(directory)
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "faiss": lists.data,
        "image_ids": lists.image_ids,
    }
    with new_folder(disk, final) as folder:
        written = write_file(folder / LISTS_FILE, "lists", ulid, arrays, disk=disk)
    return ulid, ListsRecord(written.size, written.sha256.hex(), lists.facts)


class HeldLists:
    """The lists in force, as a reader holds them: mapped, so that a later removal hurts nobody.

    Attributes:
        record: what the catalog says.
        path: the file.
        problem: why they cannot be used, None as far as is known.
    """

    def __init__(self, directory: Path, ulid: str, record: ListsRecord) -> None:
        self.record = record
        self.path = lists_path(directory, ulid)
        self.problem: str | None = None
        self._ulid = ulid
        self._data: Content = b""
        try:
            self._data = content(self.path)
            self._refuse_size()
        except (IndexDamaged, StorageError) as error:
            self.problem = problem_of(self.path, error).what

    def _refuse_size(self) -> None:
        if len(self._data) != self.record.size:
            raise damaged(
                self.path, f"it has {len(self._data)} bytes, {self.record.size} were written"
            )

    def image_ids(self) -> IntArray:
        """The image behind every number in the lists, -1 where it left; nothing is verified.

        Raises:
            IndexDamaged: the file has no such form.
        """
        self._refuse_size()
        arrays = arrays_of(self.path, self._data, "lists", self._ulid)
        return np.asarray(arrays["image_ids"], dtype=np.int64)

    def load(self) -> Lists:
        """The lists, every byte of them verified.

        Raises:
            IndexDamaged: the file is missing or is not what was written.
        """
        if self.problem is not None:
            raise damaged(self.path, self.problem)
        if sha256_of(self.path, self._data) != self.record.sha256:
            raise damaged(self.path, "its sha256 is not the one recorded")
        arrays = arrays_of(self.path, self._data, "lists", self._ulid)
        try:
            data = np.asarray(arrays["faiss"], dtype=np.uint8)
            return Lists(data, np.asarray(arrays["image_ids"], np.int64), self.record.facts)
        except KeyError as error:
            raise damaged(self.path, f"there is no {error} in it") from error


def lists_in_force(directory: Path, connection: sqlite3.Connection) -> HeldLists | None:
    """The lists that the catalog names; None without any, and where the record is unreadable."""
    try:
        rows = intact_rows(connection, "ivf_gen", "ORDER BY ulid DESC LIMIT 1")
        if not rows or not ULID.fullmatch(rows[0][0]):
            return None
        return HeldLists(directory, rows[0][0], ListsRecord.from_text(rows[0][1]))
    except (sqlite3.DatabaseError, ValueError) as error:
        _log.warning("dense search scans every photo: the record of its lists: %s", error)
        return None


def offer(index: object, held: HeldLists | None) -> str | None:
    """Give lists to a dense index that takes them.

    Returns:
        A sentence for the user where they are there and cannot be used: the index scans.
    """
    if held is None or not isinstance(index, KeepsLists):
        return None
    try:
        index.use_lists(held.load())
    except (IndexDamaged, ValueError) as error:
        held.problem = problem_of(held.path, _as_damage(held.path, error)).what
        advice = "make them again with: lexsearch repair, then lexsearch index"
    except ModelMissing as error:
        held.problem, advice = str(error), "the answers are the same, only slower"
    else:
        return None
    sentence = f"dense search scans every photo: {held.path}: {held.problem}; {advice}"
    _log.warning("%s", sentence)
    return sentence


def _as_damage(path: Path, error: Exception) -> IndexDamaged:
    return error if isinstance(error, IndexDamaged) else damaged(path, str(error))


def summary(held: HeldLists | None, live: IntArray) -> dict[str, str | int | float]:
    """How dense search works on an index, as JSON values; reads no more than a header and ids.

    Args:
        held: the lists in force.
        live: ids of the live images.

    Returns:
        `store` (`flat` or `lists`), `scanned` (images that every search scans); with lists also
        `lists`, `visited` (of them, for 100 results), `recall@100` (as calibrated) and
        `trained` (images); with lists that cannot be used, `problem`.
    """
    if held is None:
        return {"store": "flat", "scanned": len(live)}
    try:
        ids = held.image_ids()
    except (IndexDamaged, StorageError) as error:
        return {"store": "flat", "scanned": len(live), "problem": problem_of(held.path, error).what}
    facts = held.record.facts
    return {
        "store": "lists",
        "scanned": len(np.setdiff1d(live, ids)),
        "lists": facts.lists,
        "visited": facts.nprobe,
        "recall@100": facts.recall,
        "trained": facts.trained,
    }


def lists_problems(
    directory: Path, connection: sqlite3.Connection, *, read_data: bool
) -> Iterator[Problem]:
    """What is wrong with the files of lists that the catalog names.

    Args:
        directory: the index.
        connection: to its catalog.
        read_data: read every byte, not only headers and sizes.
    """
    names = ", ".join(COVERED["ivf_gen"])
    for crc, ulid, text in connection.execute(f"SELECT crc, {names} FROM ivf_gen"):  # noqa: S608
        path = lists_path(directory, str(ulid))
        if crc != checksum((ulid, text)) or not ULID.fullmatch(ulid):
            yield Problem(path, "what the catalog says of it is not what was written")
            continue
        try:
            held = HeldLists(directory, ulid, ListsRecord.from_text(text))
            if held.problem is not None:
                yield Problem(path, held.problem)
            elif read_data:
                held.load()
            else:
                held.image_ids()
        except (IndexDamaged, ValueError) as error:
            yield problem_of(path, _as_damage(path, error))


def is_of_lists(problem: Problem) -> bool:
    """Whether a problem is one of the lists, which can simply be made again."""
    return problem.place.name == LISTS_FILE and problem.place.parent.parent.name == IVF
