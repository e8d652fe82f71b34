"""The arrays that a store holds: attached segments as they are, added rows in small blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lexsearch.protocols import Sections
from lexsearch.stores.row_table import BoolArray, RowTable
from lexsearch.stores.segment_data import MAX_ROWS, merge, rows
from lexsearch.types import IntArray, Role


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Block:
    """Consecutive rows of a store.

    Attributes:
        first: number of its first row in the store.
        count: rows.
        arrays: sections as in a segment file.
        owned: made by `add`, so it may be merged with its neighbour.
    """

    first: int
    count: int
    arrays: Sections
    owned: bool


class Blocks:
    """Blocks of one role behind one row table."""

    def __init__(self, role: Role) -> None:
        self.table = RowTable()
        self._role: Role = role
        self._blocks: list[Block] = []

    def __iter__(self) -> Iterator[Block]:
        return iter(self._blocks)

    def attach(self, ids: IntArray, arrays: Sections, live: BoolArray | None) -> None:
        """Append a segment without copying its arrays."""
        self._append(ids, arrays, live, owned=False)

    def add(self, ids: IntArray, arrays: Sections) -> None:
        """Append rows that live in memory only.

        A block is merged with its left neighbour while that one is at most twice its size, so
        adding images one by one leaves few blocks and moves each row O(log n) times.
        """
        self._append(ids, arrays, None, owned=True)
        while len(self._blocks) > 1:
            left, right = self._blocks[-2:]
            count = left.count + right.count
            if not left.owned or left.count > 2 * right.count or count >= MAX_ROWS:
                return
            joined = merge(self._role, [(left.arrays, None), (right.arrays, None)])
            self._blocks[-2:] = [Block(left.first, count, joined, True)]

    def members(self, chosen: IntArray) -> Iterator[tuple[Block, IntArray, IntArray]]:
        """The chosen rows block by block.

        Args:
            chosen: int64 rows of the store, any order; negative ones are left out.

        Yields:
            the block, the places in `chosen` that fall into it, their row numbers inside it.
        """
        starts = np.array([block.first for block in self._blocks], dtype=np.int64)
        owners = np.searchsorted(starts, chosen, side="right") - 1
        owners[chosen < 0] = -1
        for number in np.unique(owners[owners >= 0]).tolist():
            block = self._blocks[number]
            places = np.flatnonzero(owners == number)
            yield block, places, chosen[places] - block.first

    def _append(
        self, ids: IntArray, arrays: Sections, live: BoolArray | None, *, owned: bool
    ) -> None:
        count = rows(self._role, arrays)
        first = self.table.append(ids, count, live)
        if count:
            self._blocks.append(Block(first, count, arrays, owned))
