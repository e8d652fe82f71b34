"""What a library holds, counted once per commit: folders, years, cameras, types, places."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lexsearch.bundle.conditions import MAX_GLOB
from lexsearch.bundle.records import ImageRecord
from lexsearch.types import IntArray

MOST_FOLDERS = 1_000  # shown; the deepest ones are left out beyond
SEPARATOR = os.sep.encode()


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the tree.

    Attributes:
        path: as the system gives it.
        files: indexed files in it and below it.
        inside: its folders, by path; one that holds nothing but one other folder is left out.
    """

    path: bytes
    files: int
    inside: tuple[Folder, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Overview:
    """Counts over all pictures of one commit.

    Attributes:
        generation: which commit.
        newest: ids by the time they were taken, newest first, undated ones last; int64 (n,).
        folders: the tops of the tree: the roots that were indexed.
        years, cameras, types: name -> pictures; pictures without one are not counted.
        place_ids, places: ids int64 (m,) and latitude, longitude in degrees, float64 (m, 2).
    """

    generation: int
    newest: IntArray
    folders: tuple[Folder, ...] = ()
    years: Mapping[str, int] = field(default_factory=dict)
    cameras: Mapping[str, int] = field(default_factory=dict)
    types: Mapping[str, int] = field(default_factory=dict)
    place_ids: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    places: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))

    def inside(self, south: float, north: float, west: float, east: float) -> IntArray:
        """Ids of the pictures taken in a box of degrees, its edges included, newest first."""
        latitude, longitude = self.places[:, 0], self.places[:, 1]
        rows = (latitude >= south) & (latitude <= north) & (longitude >= west)
        wanted = self.place_ids[rows & (longitude <= east)]
        return self.newest[np.isin(self.newest, wanted)]


def overview(generation: int, roots: Sequence[bytes], records: Iterable[ImageRecord]) -> Overview:
    """Count over the records of all pictures."""
    dated: list[tuple[str, int]] = []
    places: list[tuple[float, float]] = []
    placed: list[int] = []
    years: Counter[str] = Counter()
    cameras: Counter[str] = Counter()
    types: Counter[str] = Counter()
    folders: Counter[bytes] = Counter()
    for record in records:
        dated.append((record.taken or "", record.image_id))
        years.update([record.taken[:4]] if record.taken else ())
        cameras.update([record.camera] if record.camera else ())
        types[_type(record.paths[0])] += 1
        folders.update(path.rpartition(SEPARATOR)[0] or SEPARATOR for path in record.paths)
        if record.gps is not None:
            places.append(record.gps)
            placed.append(record.image_id)
    dated.sort(key=lambda one: one[1])
    dated.sort(key=lambda one: one[0], reverse=True)
    return Overview(
        generation,
        np.array([image_id for _, image_id in dated], dtype=np.int64),
        tree(folders, roots),
        dict(sorted(years.items(), reverse=True)),
        dict(cameras.most_common()),
        dict(types.most_common()),
        np.array(placed, dtype=np.int64),
        np.array(places, dtype=np.float64).reshape(-1, 2),
    )


def tree(files: Mapping[bytes, int], roots: Sequence[bytes]) -> tuple[Folder, ...]:
    """The folders below each root, with the files in and below them.

    Args:
        files: folder -> files right in it.
        roots: what was indexed; a folder below none of them is a top of its own.
    """
    inside: dict[bytes, set[bytes]] = {}
    tops: set[bytes] = set()
    for folder in files:
        path = folder
        above = [root for root in roots if _is_below(path, root)]
        top = min(above, key=len, default=path)
        tops.add(top)
        while path != top:
            parent = path.rpartition(SEPARATOR)[0] or SEPARATOR
            inside.setdefault(parent, set()).add(path)
            path = parent
    return tuple(_folder(top, files, inside) for top in sorted(tops))


def _folder(path: bytes, files: Mapping[bytes, int], inside: Mapping[bytes, set[bytes]]) -> Folder:
    below = [_folder(one, files, inside) for one in sorted(inside.get(path, ()))]
    kept = [one.inside[0] if _is_passage(one, files) else one for one in below]
    return Folder(path, files.get(path, 0) + sum(one.files for one in below), tuple(kept))


def _is_passage(folder: Folder, files: Mapping[bytes, int]) -> bool:
    return len(folder.inside) == 1 and not files.get(folder.path)


def _is_below(path: bytes, root: bytes) -> bool:
    return path == root or path.startswith(root.rstrip(SEPARATOR) + SEPARATOR)


def _type(path: bytes) -> str:
    name = os.fsdecode(path.rpartition(SEPARATOR)[2])
    return name.rpartition(".")[2].lower().encode("ascii", "replace").decode()[:8]


def pruned(folders: Sequence[Folder], most: int = MOST_FOLDERS) -> tuple[tuple[Folder, ...], bool]:
    """The same tree with at most so many folders, whole levels at a time, and whether it is cut."""
    depth = 0
    while (count := _count(folders, depth + 1)) <= most:
        if count == _count(folders, depth):
            return tuple(folders), False
        depth += 1
    return tuple(_cut(one, max(depth, 1)) for one in folders[:most]), True


def _count(folders: Sequence[Folder], depth: int) -> int:
    if not depth:
        return 0
    return sum(1 + _count(one.inside, depth - 1) for one in folders)


def _cut(folder: Folder, depth: int) -> Folder:
    inside = tuple(_cut(one, depth - 1) for one in folder.inside) if depth > 1 else ()
    return Folder(folder.path, folder.files, inside)


def path_filter(folder: bytes) -> str:
    """The value of the filter `path:` that admits what lies in a folder and below it.

    Bytes that no text has, and the beginning of a very long path, become wildcards.
    """
    letters = ["?" if "\ud800" <= c <= "\udfff" else glob.escape(c) for c in os.fsdecode(folder)]
    if not folder.endswith(SEPARATOR):
        letters.append(os.sep)
    if sum(map(len, letters)) >= MAX_GLOB:
        while sum(map(len, letters)) > MAX_GLOB - 2:
            del letters[0]
        letters.insert(0, "*")
    return "".join(letters) + "*"
