"""The files that a run has to decode, held as places among the files found."""

from __future__ import annotations

from array import array
from typing import Literal, NamedTuple

from indexer.found import Columns, FoundFile, FoundFiles

Kind = Literal["new", "changed", "unchanged"]
KINDS: tuple[Kind, ...] = ("new", "changed", "unchanged")
WAS_KNOWN, WAS_SKIPPED, WAS_KILLED = 4, 8, 16  # bits above that of the kind


class Pending(NamedTuple):
    """A file to decode.

    Attributes:
        file: as the walk saw it.
        kind: new: at a path the index does not know; changed: the bytes are not those it knows;
            unchanged: encoded again because the run was told to.
        was_known: the index holds an image at this path.
        was_skipped: the index remembers the path as a file it could not read.
        was_killed: because its decoder was killed, once.
    """

    file: FoundFile
    kind: Kind
    was_known: bool
    was_skipped: bool
    was_killed: bool = False


class PendingFiles(Columns[Pending]):
    """Files to decode, in the order in which they were found; five bytes each."""

    def __init__(self, found: FoundFiles) -> None:
        """None of the files found."""
        self._found = found
        self._places = array("I")
        self._facts = bytearray()

    def append(
        self, place: int, kind: Kind, *, was_known: bool, was_skipped: bool, was_killed: bool
    ) -> None:
        """Add the file at a place among those found."""
        self._places.append(place)
        self._facts.append(
            KINDS.index(kind)
            | WAS_KNOWN * was_known
            | WAS_SKIPPED * was_skipped
            | WAS_KILLED * was_killed
        )

    @property
    def path_bytes(self) -> int:
        """Length of their paths and of the roots of these, together."""
        files = (self._found[place] for place in self._places)
        return sum(len(file.path) + len(file.root) for file in files)

    def __len__(self) -> int:
        return len(self._places)

    def row(self, place: int) -> Pending:
        """The file at a place among those to decode."""
        facts = self._facts[place]
        return Pending(
            self._found[self._places[place]],
            KINDS[facts % WAS_KNOWN],
            bool(facts & WAS_KNOWN),
            bool(facts & WAS_SKIPPED),
            bool(facts & WAS_KILLED),
        )
