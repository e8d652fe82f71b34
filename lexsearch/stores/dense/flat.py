"""Exact dense index in NumPy: the query against every row.

Rows are stored as float16 and widened to float32 once per segment, at its first search.
"""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

import numpy as np

from lexsearch.protocols import Sections
from lexsearch.ranking.topk import top_k
from lexsearch.stores.blocks import Block, Blocks
from lexsearch.stores.dense._query import check_dim, one_by_one, query_row
from lexsearch.stores.dense._together import search_together
from lexsearch.stores.row_table import BoolArray
from lexsearch.stores.segment_data import MAX_ROWS, dense_sections
from lexsearch.types import DenseVectors, FloatArray, IntArray, Ranking

# With fewer candidates than this share of a segment, only their rows are multiplied.
SPARSE_SHARE = 0.25


def build(*, dim: int) -> FlatIndex:
    """An empty index of vectors of that width."""
    return FlatIndex(dim)


class FlatIndex:
    """Dot product with every candidate.

    Every row has its own dot product (`numpy.vecdot`), not a share of a matrix product whose
    rounding depends on the position of the row: so a score is the same wherever the image sits.
    """

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._blocks = Blocks("dense")
        self._matrices: WeakKeyDictionary[Block, FloatArray] = WeakKeyDictionary()
        self._longest: WeakKeyDictionary[Block, float] = WeakKeyDictionary()

    def __len__(self) -> int:
        return len(self._blocks.table)

    def add(self, ids: IntArray, vectors: DenseVectors) -> None:
        """Add rows; an id that is present already is replaced.

        Raises:
            ValueError: another width, or a value that is not finite.
        """
        check_dim(vectors.dim, self._dim)
        if len(ids) != len(vectors):
            raise ValueError(f"{len(ids)} ids for {len(vectors)} vectors")
        for start in range(0, len(vectors), MAX_ROWS):
            part = DenseVectors(vectors.values[start : start + MAX_ROWS])
            self._blocks.add(ids[start : start + MAX_ROWS], dense_sections(part))

    def attach(self, ids: IntArray, sections: Sections, *, live: BoolArray | None = None) -> None:
        """Add the arrays of one segment without copying them; dead rows are never found.

        Raises:
            ValueError: another width, or ids and rows differ in number.
        """
        check_dim(sections["values"].shape[1], self._dim)
        self._blocks.attach(ids, sections, live)

    def remove(self, ids: IntArray) -> int:
        """Remove; returns how many were present."""
        return self._blocks.table.remove(ids)

    def search(self, query: DenseVectors, k: int, *, allowed: IntArray | None = None) -> Ranking:
        """The k best live images by dot product."""
        row = query_row(query, self._dim)
        table = self._blocks.table
        rows = table.candidates(allowed)
        return top_k(table.ids[rows], self._products(row, rows), k, source="dense")

    def search_many(
        self, queries: DenseVectors, k: int, *, allowed: IntArray | None = None
    ) -> list[Ranking]:
        """`search` for each of the queries, with the same answers; reads every row once for many.

        An index that finds otherwise than by scanning is asked one query after the other.
        """
        check_dim(queries.dim, self._dim)
        if type(self).search is not FlatIndex.search:
            return [self.search(one, k, allowed=allowed) for one in one_by_one(queries)]
        return self._scan_together(queries, k, allowed)

    def _scan_together(
        self, queries: DenseVectors, k: int, allowed: IntArray | None
    ) -> list[Ranking]:
        """The k best for each query by all its dot products."""
        table = self._blocks.table
        rows = table.candidates(allowed)
        if len(queries) < 2 or len(rows) < SPARSE_SHARE * table.size:
            return [FlatIndex.search(self, one, k, allowed=allowed) for one in one_by_one(queries)]
        return search_together(
            queries.values,
            k,
            rows=rows,
            ids=table.ids[rows],
            parts=lambda: self._parts(rows),
            products=self._products,
        )

    def _parts(self, rows: IntArray) -> Iterator[tuple[FloatArray, IntArray, float]]:
        """Float32 rows block by block, their places in `rows`, and the length of the longest."""
        for block, places, local in self._blocks.members(rows):
            matrix = self._matrix(block)
            longest = self._longest.get(block)
            if longest is None:
                longest = float(np.vecdot(matrix, matrix).max(initial=0.0)) ** 0.5
                self._longest[block] = longest
            yield (matrix if len(local) == block.count else matrix[local]), places, longest

    def score(self, query: DenseVectors, ids: IntArray) -> FloatArray:
        """Dot products with the named images; NaN where not held."""
        return self._products(query_row(query, self._dim), self._blocks.table.rows_of(ids))

    def _products(self, row: FloatArray, rows: IntArray) -> FloatArray:
        """Dot products by row, float32 (len(rows),); NaN for negative row numbers."""
        products = np.full(len(rows), np.nan, dtype=np.float32)
        for block, places, local in self._blocks.members(rows):
            matrix = self._matrix(block)
            if len(local) < SPARSE_SHARE * block.count:
                products[places] = np.vecdot(matrix[local], row)
            else:
                products[places] = np.vecdot(matrix, row)[local]
        return products

    def _matrix(self, block: Block) -> FloatArray:
        matrix = self._matrices.get(block)
        if matrix is None:
            matrix = np.asarray(block.arrays["values"], dtype=np.float32)
            self._matrices[block] = matrix
        return matrix
