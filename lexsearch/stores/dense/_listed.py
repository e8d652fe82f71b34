"""A flat dense index that can search through inverted lists of FAISS.

FAISS only proposes: scores come from the raw float16 rows by the arithmetic of `flat`, so an image
has the same score, to the bit, whether lists are used or not. Images that the lists do not hold
yet are scanned, dead ones are masked.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lexsearch.protocols import Sections
from lexsearch.ranking.topk import top_k
from lexsearch.stores.dense import Codes
from lexsearch.stores.dense._query import check_dim, query_row
from lexsearch.stores.dense.flat import SPARSE_SHARE, FlatIndex
from lexsearch.stores.row_table import BoolArray, RowTable
from lexsearch.types import DenseVectors, FloatArray, IntArray, Lists, PixelArray, Ranking

if TYPE_CHECKING:
    from lexsearch.stores.dense._gpu import Placed
    from lexsearch.stores.dense._ivf import Ivf

# Live images from which on lists are used, and below which they are not used any more.
UP, DOWN = 100_000, 60_000
# Images outside the lists are taken in when they are more than this share or this number.
OUTSIDE_SHARE, MOST_OUTSIDE = 0.05, 16_384
# Dead ones are taken out of the lists from this share on.
DEAD_SHARE = 0.2
# Searches before a GPU is asked: starting one takes longer than these on the processor.
PATIENCE = 16


@dataclass(frozen=True, eq=False)
class _Places:
    """How the numbers in the lists and the rows of the store correspond.

    Attributes:
        rows: int64 (numbers,), the live row behind a number, -1 where it is dead.
        numbers: int64 (rows of the store,), -1 where a row is not in the lists or dead.
        outside: int64, ascending live rows that are not in the lists.
        dead: numbers in the lists without a live row.
    """

    rows: IntArray
    numbers: IntArray
    outside: IntArray
    dead: int

    @cached_property
    def alive(self) -> PixelArray | None:
        """One bit per number with a live row; None where all in the lists have one."""
        return np.packbits(self.rows >= 0, bitorder="little") if self.dead else None

    def chosen(self, rows: IntArray) -> tuple[PixelArray, IntArray, int]:
        """Some live rows: the bits of their numbers, those outside the lists, how many inside."""
        numbers = self.numbers[rows]
        inside = numbers >= 0
        mask = np.zeros(len(self.rows), dtype=bool)
        mask[numbers[inside]] = True
        return np.packbits(mask, bitorder="little"), rows[~inside], int(inside.sum())


@dataclass(frozen=True, slots=True, eq=False)
class _Sought:
    """What a search looks for.

    Attributes:
        k: results wanted.
        rows: int64, ascending rows that may be found.
        outside: int64, those of them that are not in the lists.
        inside: how many of them are.
        near: asks the lists: queries, depth, probes -> numbers of each query, best first.
    """

    k: int
    rows: IntArray
    outside: IntArray
    inside: int
    near: Callable[..., list[IntArray]]


def _places(table: RowTable, image_ids: IntArray, held: int) -> _Places:
    rows = table.rows_of(image_ids)
    alive = np.flatnonzero(rows >= 0)
    numbers = np.full(table.size, -1, dtype=np.int64)
    numbers[rows[alive]] = alive
    live = table.candidates(None)
    return _Places(rows, numbers, live[numbers[live] < 0], held - len(alive))


class ListedIndex(FlatIndex):
    """`flat`, with inverted lists in front of it when it was given or made some."""

    def __init__(
        self,
        dim: int,
        *,
        up: int = UP,
        down: int = DOWN,
        codes: Codes | None = None,
        gpu: bool = True,
    ) -> None:
        super().__init__(dim)
        if down > up:
            raise ValueError(f"lists are dropped below {down} images but used from {up} on")
        self._up, self._down, self._codes = up, down, codes
        self._ivf: Ivf | None = None
        self._image_ids: IntArray = np.zeros(0, dtype=np.int64)
        self._lists: Lists | None = None
        self._known: _Places | None = None
        self._placed: Placed | None = None
        self._patience = PATIENCE if gpu else -1

    @property
    def state(self) -> str:
        """A sentence about how a search works at present."""
        ivf = self._ivf
        if ivf is None:
            return f"scanning all {len(self):,} images"
        facts, outside = ivf.facts, len(self._places.outside)
        place = "searching on the processor" if self._placed is None else self._placed.note
        return (
            f"visiting {facts.nprobe} of {facts.lists} lists (recall@100 {facts.recall:.3f} when "
            f"calibrated), scanning {outside:,} images; {place}"
        )

    def add(self, ids: IntArray, vectors: DenseVectors) -> None:
        """Add rows; an id that is present already is replaced. Errors as in `flat`."""
        super().add(ids, vectors)
        self._forget(ids)

    def attach(self, ids: IntArray, sections: Sections, *, live: BoolArray | None = None) -> None:
        """Add the arrays of one segment without copying them. Errors as in `flat`."""
        super().attach(ids, sections, live=live)
        self._forget(ids)

    def remove(self, ids: IntArray) -> int:
        """Remove; returns how many were present."""
        self._known = None
        return super().remove(ids)

    def search(self, query: DenseVectors, k: int, *, allowed: IntArray | None = None) -> Ranking:
        """The k best live images by dot product, as far as the visited lists hold them.

        Returns min(k, candidates) images, as `flat` does. Where fewer rows are allowed than the
        lists would show, all of them are scored; where the visited lists hold too few, more are
        visited. Equal scores by ascending id among the images found.
        """
        row = query_row(query, self._dim)
        if self._ivf is None or k < 1:
            return super().search(query, k, allowed=allowed)
        return self._visit(self._ivf, row[np.newaxis], k, allowed)[0]

    def search_many(
        self, queries: DenseVectors, k: int, *, allowed: IntArray | None = None
    ) -> list[Ranking]:
        """`search` for each of the queries, with the same answers; FAISS gets them together."""
        check_dim(queries.dim, self._dim)
        if self._ivf is None or k < 1:
            return self._scan_together(queries, k, allowed)
        return self._visit(self._ivf, queries.values, k, allowed)

    def _visit(
        self, ivf: Ivf, queries: FloatArray, k: int, allowed: IntArray | None
    ) -> list[Ranking]:
        """The k best for each query, k >= 1, float32 (n, dim)."""
        table, places = self._blocks.table, self._places
        rows = table.candidates(allowed)
        # The k best of a tenth of the images lie among ten times as many of all of them.
        probes = ivf.probes(-(-k * len(self) // max(1, len(rows))))
        shown = ivf.index.ntotal * probes / ivf.lists + len(places.outside)
        depth = ivf.proposals(k)
        if len(rows) <= max(shown / ivf.row_cost + depth, 2.0 * k):
            return self._scored(queries, rows, k)
        if allowed is None:
            chosen, outside = places.alive, places.outside
            inside = len(rows) - len(outside)
        else:
            chosen, outside, inside = places.chosen(rows)
        if not inside:
            return self._scored(queries, rows, k)
        depth = min(inside, depth)
        placed = self._placed_now(len(queries))
        near = partial(ivf.nearest, chosen=chosen, placed=placed)
        sought = _Sought(k, rows, outside, inside, near)
        first = near(queries, depth, probes=probes)
        return [
            self._settled(row, sought, numbers, depth, probes)
            for row, numbers in zip(queries, first, strict=True)
        ]

    def _scored(self, queries: FloatArray, rows: IntArray, k: int) -> list[Ranking]:
        """The k best of some rows, each of which is scored."""
        ids = self._blocks.table.ids[rows]
        return [top_k(ids, self._products(row, rows), k, source="dense") for row in queries]

    def _settled(
        self, row: FloatArray, sought: _Sought, numbers: IntArray, depth: int, probes: int
    ) -> Ranking:
        """The k best of what was found and of the rows outside; asks for more where it must.

        Args:
            row: the query.
            sought: see there.
            numbers: what the lists gave.
            depth: how many were asked for.
            probes: how many lists were visited.
        """
        assert self._ivf is not None
        k, inside, outside, lists = sought.k, sought.inside, sought.outside, self._ivf.lists
        table, places, beside = self._blocks.table, self._places, self._products(row, outside)
        while True:
            if len(numbers) >= min(k, inside):
                found = places.rows[numbers]
                scores = np.concatenate([self._products(row, found), beside])
                if (
                    len(numbers) < depth
                    or depth == inside
                    or scores[: len(numbers)].min() < np.partition(scores, len(scores) - k)[-k]
                ):
                    ids = table.ids[np.concatenate([found, outside])]
                    return top_k(ids, scores, k, source="dense")
                depth = min(4 * depth, inside)  # the k-th place is tied to the last one found
            elif probes < lists:
                probes = min(4 * probes, lists)  # all lists together hold every row
            else:  # codes tell nothing apart for a query of zeros, and FAISS then gives nothing
                return self._scored(row[np.newaxis], sought.rows, k)[0]
            (numbers,) = sought.near(row[np.newaxis], depth, probes=probes)

    def use_lists(self, lists: Lists) -> None:
        """Search through these lists from now on; images outside of them are scanned.

        The lists stay in the memory given, which may be a mapped file.

        Raises:
            ValueError: they are not lists of vectors of this width.
            ModelMissing: faiss is not installed.
        """
        module = importlib.import_module("lexsearch.stores.dense._packed")
        image_ids = np.asarray(lists.image_ids, dtype=np.int64)
        ivf = module.unpacked(lists.data, lists.facts, dim=self._dim, numbers=len(image_ids))
        self._set(ivf, image_ids, lists)

    def make_lists(self, *, bank: Callable[[], FloatArray | None] | None = None) -> Lists | None:
        """Lists that suit the images held now; None where a scan is better.

        Lists are used from `up` live images on and dropped below `down`. Those in use are
        returned as they are while few images are outside of them or dead; else these are taken
        in and out, and after fourfold growth, or when lists became uneven, all are trained anew.
        Trained on images in the order of their ids, so that the way in which an index grew
        makes no difference.

        Raises:
            ModelMissing: faiss is not installed.
        """
        self._refresh(bank)
        if self._ivf is None or self._lists is not None:
            return self._lists
        module = importlib.import_module("lexsearch.stores.dense._packed")
        return Lists(module.packed(self._ivf), self._image_ids, self._ivf.facts)

    def _refresh(self, bank: Callable[[], FloatArray | None] | None) -> None:
        """Train, extend or drop the lists as `make_lists` says."""
        live = len(self)
        if live < (self._up if self._ivf is None else self._down):
            self._set(None, np.zeros(0, dtype=np.int64), None)
            return
        module = importlib.import_module("lexsearch.stores.dense._ivf")
        ivf: Ivf | None = self._ivf
        if ivf is not None and not ivf.needs_training(live) and self._is_fit(ivf, live):
            return
        queries = None if bank is None else bank()
        if ivf is not None and not ivf.needs_training(live):
            ivf, image_ids = self._extended(module, ivf, queries)
        if ivf is None or ivf.needs_training(live):
            ids = np.sort(self._blocks.table.ids[self._blocks.table.candidates(None)])
            rows = self._blocks.table.rows_of(ids)
            ivf, image_ids = module.train(self._raw, rows, bank=queries, codes=self._codes), ids
        self._set(ivf, image_ids, None)

    def _is_fit(self, ivf: Ivf, live: int) -> bool:
        places = self._places
        few_outside = len(places.outside) <= min(OUTSIDE_SHARE * live, MOST_OUTSIDE)
        return few_outside and places.dead <= DEAD_SHARE * ivf.index.ntotal

    def _extended(self, module: Any, ivf: Ivf, queries: FloatArray | None) -> tuple[Ivf, IntArray]:
        if self._lists is not None:  # borrowed memory cannot grow
            packed = importlib.import_module("lexsearch.stores.dense._packed")
            ivf = packed.unpacked(
                self._lists.data, ivf.facts, dim=self._dim,
                numbers=len(self._lists.image_ids), copied=True,
            )  # fmt: skip
        table, places = self._blocks.table, self._places
        added = np.sort(table.ids[places.outside])
        rows = np.concatenate([places.rows, table.rows_of(added)])
        kept = np.where(places.rows >= 0, self._image_ids, -1)
        ivf = module.extended(
            ivf, self._raw, rows, first=len(kept), gone=places.rows < 0, bank=queries
        )
        return ivf, np.concatenate([kept, added])

    def _forget(self, ids: IntArray) -> None:
        """A number in the lists stands for the vector that its image had before."""
        if len(self._image_ids):
            self._image_ids = np.where(np.isin(self._image_ids, ids), -1, self._image_ids)
        self._known = None

    def _set(self, ivf: Ivf | None, image_ids: IntArray, lists: Lists | None) -> None:
        self._ivf, self._image_ids, self._lists = ivf, image_ids, lists
        self._known = self._placed = None

    @property
    def _places(self) -> _Places:
        if self._known is None:
            held = 0 if self._ivf is None else int(self._ivf.index.ntotal)
            self._known = _places(self._blocks.table, self._image_ids, held)
        return self._known

    def _placed_now(self, searches: int) -> Placed | None:
        """The clone on a GPU, made when this process turns out to search often."""
        if self._patience > 0:
            self._patience = max(0, self._patience - searches)
        elif self._patience == 0 and self._placed is None and self._ivf is not None:
            module = importlib.import_module("lexsearch.stores.dense._ivf")
            self._placed = module.placed(self._ivf)
        return self._placed

    def _raw(self, rows: IntArray) -> FloatArray:
        """Stored rows as float32 (len(rows), dim)."""
        values = np.empty((len(rows), self._dim), dtype=np.float32)
        for block, places, local in self._blocks.members(rows):
            values[places] = np.asarray(block.arrays["values"])[local]
        return values

    def _products(self, row: FloatArray, rows: IntArray) -> FloatArray:
        """As in `flat`, but few rows are read without widening their whole segment."""
        if len(rows) >= SPARSE_SHARE * self._blocks.table.size:
            return super()._products(row, rows)
        products = np.full(len(rows), np.nan, dtype=np.float32)
        held = np.flatnonzero(rows >= 0)
        products[held] = np.vecdot(self._raw(rows[held]), row)
        return products
