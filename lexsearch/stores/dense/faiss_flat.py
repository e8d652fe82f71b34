"""Exact dense index by FAISS: float16 rows, inner product, live and allowed rows by bitmap.

Douze et al. 2024, The Faiss library.
"""

from __future__ import annotations

import numpy as np

from lexsearch.protocols import Sections
from lexsearch.ranking.topk import top_k
from lexsearch.stores.dense._faiss import faiss, one_thread
from lexsearch.stores.dense._query import check_dim, query_row
from lexsearch.stores.row_table import BoolArray, RowTable
from lexsearch.stores.segment_data import dense_sections
from lexsearch.types import DenseVectors, FloatArray, IntArray, Ranking

# Rows widened to float32 at a time while a segment is copied into the index.
COPY_ROWS = 8_192
# More rows than asked, so that most ties at the k-th place are seen in the first try.
TIE_MARGIN = 16


def build(*, dim: int) -> FaissFlatIndex:
    """An empty index of vectors of that width."""
    return FaissFlatIndex(dim)


class FaissFlatIndex:
    """FAISS scalar quantiser in float16; rows are numbered by our own table."""

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._table = RowTable()
        self._index = faiss.IndexScalarQuantizer(
            dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )

    def __len__(self) -> int:
        return len(self._table)

    def add(self, ids: IntArray, vectors: DenseVectors) -> None:
        """Add rows; an id that is present already is replaced.

        Raises:
            ValueError: another width, or a value that is not finite.
        """
        self.attach(ids, dense_sections(vectors))

    def attach(self, ids: IntArray, sections: Sections, *, live: BoolArray | None = None) -> None:
        """Add the rows of one segment; FAISS keeps a copy of its own.

        Raises:
            ValueError: another width, or ids and rows differ in number.
        """
        values = np.asarray(sections["values"])
        check_dim(values.shape[1], self._dim)
        self._table.append(ids, len(values), live)
        for start in range(0, len(values), COPY_ROWS):
            self._index.add(values[start : start + COPY_ROWS].astype(np.float32))

    def remove(self, ids: IntArray) -> int:
        """Remove; returns how many were present. The rows stay in memory, masked."""
        return self._table.remove(ids)

    def search(self, query: DenseVectors, k: int, *, allowed: IntArray | None = None) -> Ranking:
        """The k best live images by dot product."""
        row = query_row(query, self._dim)
        rows = self._table.candidates(allowed)
        depth = min(k + TIE_MARGIN, len(rows))
        while True:
            found, scores = self._nearest(row, rows, depth)
            # All that tie with the k-th are here once the last one found scores less.
            if depth == len(rows) or scores[-1] < scores[k - 1]:
                return top_k(self._table.ids[found], scores, k, source="dense")
            depth = min(depth * 4, len(rows))

    def score(self, query: DenseVectors, ids: IntArray) -> FloatArray:
        """Dot products with the named images; NaN where not held."""
        row = query_row(query, self._dim)
        rows = self._table.rows_of(ids)
        chosen = np.unique(rows[rows >= 0])
        found, scores = self._nearest(row, chosen, len(chosen))
        products = np.full(self._table.size + 1, np.nan, dtype=np.float32)
        products[found] = scores
        return products[rows]  # row -1 reads the extra last place, which stays NaN

    def _nearest(self, row: FloatArray, rows: IntArray, depth: int) -> tuple[IntArray, FloatArray]:
        """The `depth` best of some rows, depth <= len(rows): rows and scores, best first."""
        if depth == 0:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        chosen = np.zeros(self._table.size, dtype=bool)
        chosen[rows] = True
        selector = faiss.IDSelectorBitmap(np.packbits(chosen, bitorder="little"))
        with one_thread():
            scores, found = self._index.search(
                np.ascontiguousarray(row, dtype=np.float32)[np.newaxis],
                depth,
                params=faiss.SearchParameters(sel=selector),
            )
        return found[0], scores[0]
