"""Asks a catalog which images meet conditions: each table by itself, in as few steps as it can.

A date, a camera or a place is a fact of a content, a path or a type one of a file, so an image
meets both where both tables name it. Only images that programs added can say otherwise by path:
their rows are put together and looked at one by one.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from itertools import chain
from typing import Any

import numpy as np

from lexsearch.bundle import conditions
from lexsearch.place import Area, areas
from lexsearch.types import IntArray

MAX_PARAMETERS = 900
WILDCARDS = re.compile(rb"[*?]")
# Images with a path of which a program said something.
SAID = "SELECT i.content_id FROM added a JOIN image i ON i.path = a.path"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What an image has to meet; see `Snapshot.allowed`."""

    after: str | None = None
    before: str | None = None
    path_glob: str | None = None
    type_: str | None = None
    camera: str | None = None
    near: str | None = None
    box: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def of_content(self) -> bool:
        """Whether they ask for a date or a camera."""
        return self.after is not None or self.before is not None or bool(self.camera)

    @property
    def areas(self) -> tuple[Area, ...]:
        """The places that they ask for.

        Raises:
            UsageError: one of them is no place.
        """
        return areas(self.near, self.box)

    @property
    def of_path(self) -> bool:
        """Whether they ask for a path or a type."""
        return self.path_glob is not None or self.type_ is not None


def tables(connection: sqlite3.Connection, asked: Conditions, *, has_added: bool) -> set[str]:
    """The tables that an answer depends on.

    Args:
        connection: to the catalog.
        asked: the conditions.
        has_added: whether the catalog has the table `added`.
    """
    if has_added and _exist(connection, "added"):
        return {"content", "image", "added"}
    found = {"added"} if has_added else set()
    if asked.of_content or asked.areas:
        found.add("content")
    if asked.of_path or "content" not in found:
        found.add("image")
    return found


def meeting(connection: sqlite3.Connection, asked: Conditions, *, has_added: bool) -> IntArray:
    """Ids of the images that meet every condition, ascending; arguments as in `tables`.

    Raises:
        UsageError: the glob is too long, or a place is none.
        sqlite3.DatabaseError: the catalog cannot be read.
    """
    meets = conditions.predicate(
        path_glob=asked.path_glob,
        type_=asked.type_,
        camera=asked.camera,
        near=asked.near,
        box=asked.box,
        meta=asked.meta,
    )
    sides: list[IntArray] = []
    if asked.meta:
        sides = [np.zeros(0, dtype=np.int64)]  # only a program says such things
    else:
        if asked.of_content:
            sides.append(_by_content(connection, asked))
        if asked.areas:
            sides.append(_by_place(connection, asked.areas))
        if asked.of_path or not sides:
            sides.append(_by_path(connection, asked))
    plain = sides[0]
    for other in sides[1:]:
        plain = np.intersect1d(plain, other, assume_unique=True)
    if not has_added or not _exist(connection, "added"):
        return plain
    said = _ids(connection.execute(SAID))
    rows = connection.execute(f"{conditions.TAKEN_BETWEEN} AND c.id IN ({SAID})", _dates(asked))
    met = np.array([image_id for image_id, *facts in rows if meets(*facts)], dtype=np.int64)
    return np.union1d(np.setdiff1d(plain, said), met)


def _exist(connection: sqlite3.Connection, table: str) -> bool:
    ((found,),) = connection.execute(f"SELECT EXISTS (SELECT 1 FROM {table})")  # noqa: S608
    return bool(found)


def _dates(asked: Conditions) -> tuple[str | None, str | None]:
    return asked.after, asked.before


def _by_content(connection: sqlite3.Connection, asked: Conditions) -> IntArray:
    """By what the photo says of itself."""
    statement = "SELECT id FROM content WHERE TRUE"
    values: list[str] = []
    for sign, value in ((">=", asked.after), ("<", asked.before)):
        if value is not None:
            statement += f" AND taken {sign} ?"
            values.append(value)
    if not asked.camera:
        return _ids(connection.execute(statement, values))
    part = asked.camera.casefold()
    known = connection.execute("SELECT DISTINCT camera FROM content WHERE camera IS NOT NULL")
    names = [name for (name,) in known if part in name.casefold()]
    found: list[IntArray] = [np.zeros(0, dtype=np.int64)]
    for start in range(0, len(names), MAX_PARAMETERS):
        some = names[start : start + MAX_PARAMETERS]
        within = f"{statement} AND camera IN ({','.join('?' * len(some))})"
        found.append(_ids(connection.execute(within, [*values, *some])))
    return np.unique(np.concatenate(found))


def _by_place(connection: sqlite3.Connection, wanted: Sequence[Area]) -> IntArray:
    """By where on earth it was taken."""
    south, north = np.array([area.latitudes for area in wanted]).T
    rows = connection.execute(
        "SELECT id, latitude, longitude FROM content "
        "WHERE latitude BETWEEN ? AND ? AND longitude IS NOT NULL",
        (float(south.max()), float(north.min())),
    )
    return _ids((one,) for one, *place in rows if all(area.holds(*place) for area in wanted))


def _by_path(connection: sqlite3.Connection, asked: Conditions) -> IntArray:
    """By where its files lie."""
    where = "TRUE"
    values: list[bytes] = []
    if asked.type_ is not None:
        endings = [b"." + one for one in conditions.suffixes(asked.type_) if b"." not in one]
        ends = [f"lower(CAST(substr(path, -{len(one)}) AS TEXT)) = CAST(? AS TEXT)"
                for one in endings]  # fmt: skip
        where, values = f"({' OR '.join(ends) or 'FALSE'})", list(endings)
    glob = None if asked.path_glob is None else conditions.raw(asked.path_glob)
    has_wildcard = glob is not None and conditions.has_wildcard(glob)
    if glob is not None and b"[" not in glob:
        where += " AND instr(path, ?) > 0"
        values.append(max(WILDCARDS.split(glob), key=len))
    if glob is None or not has_wildcard:
        statement = f"SELECT content_id FROM image WHERE {where}"  # noqa: S608
        return _ids(connection.execute(statement, values))
    matches = re.compile(translate(glob.decode("latin-1")).encode("latin-1")).match
    statement = f"SELECT content_id, path FROM image WHERE {where}"  # noqa: S608
    rows = connection.execute(statement, values)
    return _ids((image_id,) for image_id, path in rows if matches(path))


def _ids(rows: Iterable[tuple[int]]) -> IntArray:
    return np.unique(np.fromiter(chain.from_iterable(rows), dtype=np.int64))
