"""The files that a walk found, held in columns."""

from __future__ import annotations

from abc import abstractmethod
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar, overload

from lexsearch.bundle.records import signed, unsigned

Row = TypeVar("Row")


class FoundFile(NamedTuple):
    """A regular file that may be a picture, as the walk saw it.

    Attributes:
        path: absolute and normalised.
        size: bytes.
        mtime_ns: nanoseconds since 1970, as the 64 bits that an index keeps.
        inode: 0 where the system has none; its lower 64 bits where it is longer.
        root: the folder or file that the run was given and that led to this path.
    """

    path: bytes
    size: int
    mtime_ns: int
    inode: int
    root: bytes


class Columns(Sequence[Row]):
    """Rows that are put together when they are asked for; a slice is a list of them."""

    @abstractmethod
    def row(self, place: int) -> Row:
        """The one at a place, from 0."""

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...

    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return [self.row(one) for one in range(*place.indices(len(self)))]
        return self.row(place)


class FoundFiles(Columns[FoundFile]):
    """Files in columns: 36 bytes each beside their paths, where a tuple takes more than 200."""

    def __init__(self, files: Iterable[FoundFile] = ()) -> None:
        """Hold the files in the order given."""
        self._paths: list[bytes] = []
        self._sizes = array("q")
        self._mtimes = array("q")
        self._inodes = array("Q")
        self._root_of = array("I")
        self._roots: list[bytes] = []
        self._number_of: dict[bytes, int] = {}
        for file in files:
            self.append(file)

    @property
    def paths(self) -> Sequence[bytes]:
        """Their paths."""
        return self._paths

    @property
    def roots(self) -> Sequence[bytes]:
        """The roots that led to any of them."""
        return self._roots

    def append(self, file: FoundFile) -> None:
        """Add one at the end."""
        self._paths.append(file.path)
        self._sizes.append(file.size)
        self._mtimes.append(signed(file.mtime_ns))
        self._inodes.append(unsigned(file.inode))
        self._root_of.append(self._number(file.root))

    def _number(self, root: bytes) -> int:
        number = self._number_of.setdefault(root, len(self._roots))
        if number == len(self._roots):
            self._roots.append(root)
        return number

    def sort(self) -> None:
        """Order them by path."""
        order = sorted(range(len(self)), key=self._paths.__getitem__)
        self._paths = [self._paths[i] for i in order]
        for name in ("_sizes", "_mtimes", "_inodes", "_root_of"):
            column: array[int] = getattr(self, name)
            setattr(self, name, array(column.typecode, (column[i] for i in order)))

    def has(self, path: bytes) -> bool:
        """Whether a path is among them; they must be sorted."""
        place = bisect_left(self._paths, path)
        return place < len(self._paths) and self._paths[place] == path

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[FoundFile]:
        columns = (self._paths, self._sizes, self._mtimes, self._inodes, self._root_of)
        for path, size, mtime_ns, inode, root in zip(*columns, strict=True):
            yield FoundFile(path, size, mtime_ns, inode, self._roots[root])

    def row(self, place: int) -> FoundFile:
        """The file at a place."""
        return FoundFile(
            self._paths[place],
            self._sizes[place],
            self._mtimes[place],
            self._inodes[place],
            self._roots[self._root_of[place]],
        )
