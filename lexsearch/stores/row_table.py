"""Which image sits in which row of a store, and which rows are alive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lexsearch.types import IntArray, docid

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Sealed:
    """The table as arrays; replaced, never changed.

    ids, live: by row. sorted_ids, sorted_rows: rows that were alive at sealing, by ascending id.
    live_rows: ascending rows that are alive now.
    """

    ids: IntArray
    live: BoolArray
    sorted_ids: IntArray
    sorted_rows: IntArray
    live_rows: IntArray


class RowTable:
    """Rows in the order of their arrival; of several rows with one id only the last is alive.

    Arrivals are cheap: sorting waits until somebody asks for a row.
    """

    def __init__(self) -> None:
        self._arrivals: list[tuple[IntArray, BoolArray]] = []
        self._size = 0
        self._sealed: _Sealed | None = None

    def __len__(self) -> int:
        """Images alive."""
        return len(self._seal().live_rows)

    @property
    def size(self) -> int:
        """Rows, dead ones included."""
        return self._size

    @property
    def ids(self) -> IntArray:
        """Image id of every row, int64 (size,)."""
        return self._seal().ids

    @property
    def live(self) -> BoolArray:
        """Which rows are alive, bool (size,)."""
        return self._seal().live

    def append(self, ids: IntArray, count: int, live: BoolArray | None = None) -> int:
        """Append rows; returns the number of the first.

        Args:
            ids: int64 (count,).
            count: rows that the vectors have.
            live: bool (count,); None = all alive.

        Raises:
            ValueError: ids, vectors and live marks differ in number.
        """
        added = np.array(ids, dtype=np.int64).reshape(-1)
        alive = np.ones(len(added), dtype=bool) if live is None else np.array(live, dtype=bool)
        if not len(added) == len(alive) == count:
            raise ValueError(f"{len(added)} ids and {len(alive)} live marks for {count} vectors")
        first = self._size
        self._arrivals.append((added, alive))
        self._size += count
        self._sealed = None
        return first

    def remove(self, ids: IntArray) -> int:
        """Mark the named images dead; returns how many were alive."""
        rows = self.rows_of(np.unique(np.asarray(ids, dtype=np.int64)))
        rows = rows[rows >= 0]
        old = self._seal()
        live = old.live.copy()
        live[rows] = False
        live_rows = np.flatnonzero(live)
        self._sealed = _Sealed(old.ids, live, old.sorted_ids, old.sorted_rows, live_rows)
        self._arrivals = [(old.ids, live)]
        return len(rows)

    def rows_of(self, ids: IntArray) -> IntArray:
        """Row of every named image, -1 where it is not held; any order, repeats allowed."""
        table = self._seal()
        wanted = np.asarray(ids, dtype=np.int64)
        if not len(table.sorted_ids):
            return np.full(len(wanted), -1, dtype=np.int64)
        places = np.searchsorted(table.sorted_ids, wanted)
        places[places == len(table.sorted_ids)] = 0
        rows = table.sorted_rows[places]
        found = (table.sorted_ids[places] == wanted) & table.live[rows]
        return np.where(found, rows, -1)

    def held_rows(self, ids: IntArray) -> IntArray:
        """Row of every named image.

        Raises:
            KeyError: an image is not held; the message names the first.
        """
        rows = self.rows_of(ids)
        missing = np.flatnonzero(rows < 0)
        if len(missing):
            raise KeyError(f"no image {docid(int(ids[missing[0]]))} in this store")
        return rows

    def candidates(self, allowed: IntArray | None) -> IntArray:
        """Ascending rows that are alive and, when `allowed` is given, named there."""
        if allowed is None:
            return self._seal().live_rows
        rows = self.rows_of(allowed)
        return np.unique(rows[rows >= 0])

    def _seal(self) -> _Sealed:
        if self._sealed is None:
            self._sealed = _sealed(self._arrivals)
            self._arrivals = [(self._sealed.ids, self._sealed.live)]
        return self._sealed


def _sealed(arrivals: list[tuple[IntArray, BoolArray]]) -> _Sealed:
    if not arrivals:
        nothing = np.zeros(0, dtype=np.int64)
        return _Sealed(nothing, np.zeros(0, dtype=bool), nothing, nothing, nothing)
    ids = np.concatenate([part for part, _ in arrivals])
    live = np.concatenate([part for _, part in arrivals])
    rows = np.flatnonzero(live)
    order = np.argsort(ids[rows], kind="stable")
    sorted_rows = rows[order]
    sorted_ids = ids[sorted_rows]
    last = np.ones(len(sorted_ids), dtype=bool)
    last[:-1] = sorted_ids[1:] != sorted_ids[:-1]
    live[sorted_rows[~last]] = False
    return _Sealed(ids, live, sorted_ids[last], sorted_rows[last], np.flatnonzero(live))
