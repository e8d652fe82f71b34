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
# Rows found that are held at a time, for all queries together: 48 MB.
MOST_FOUND = 1 << 22


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
        return self._best(query_row(query, self._dim)[np.newaxis], k, allowed)[0]

    def search_many(
        self, queries: DenseVectors, k: int, *, allowed: IntArray | None = None
    ) -> list[Ranking]:
        """`search` for each of the queries, with the same answers; FAISS gets them together."""
        check_dim(queries.dim, self._dim)
        return self._best(queries.values, k, allowed)

    def _best(self, queries: FloatArray, k: int, allowed: IntArray | None) -> list[Ranking]:
        rows = self._table.candidates(allowed)
        depth = max(0, min(k + TIE_MARGIN, len(rows)))
        step = max(1, MOST_FOUND // max(1, depth))
        made: list[Ranking] = []
        for start in range(0, len(queries), step):
            part = queries[start : start + step]
            for row, found, scores in zip(part, *self._nearest(part, rows, depth), strict=True):
                made.append(self._settled(row, k, rows, found, scores))
        return made

    def _settled(
        self, row: FloatArray, k: int, rows: IntArray, found: IntArray, scores: FloatArray
    ) -> Ranking:
        """The k best; asks for more while the k-th is tied to the last one found."""
        while 0 < k <= len(found) < len(rows) and scores[-1] == scores[k - 1]:
            depth = min(len(found) * 4, len(rows))
            ((found,), (scores,)) = self._nearest(row[np.newaxis], rows, depth)
        return top_k(self._table.ids[found], scores, k, source="dense")

    def score(self, query: DenseVectors, ids: IntArray) -> FloatArray:
        """Dot products with the named images; NaN where not held."""
        row = query_row(query, self._dim)
        rows = self._table.rows_of(ids)
        chosen = np.unique(rows[rows >= 0])
        ((found,), (scores,)) = self._nearest(row[np.newaxis], chosen, len(chosen))
        products = np.full(self._table.size + 1, np.nan, dtype=np.float32)
        products[found] = scores
        return products[rows]  # row -1 reads the extra last place, which stays NaN

    def _nearest(
        self, queries: FloatArray, rows: IntArray, depth: int
    ) -> tuple[IntArray, FloatArray]:
        """The `depth` best of some rows for each query: rows and scores (n, depth), best first.

        depth: at most len(rows).
        """
        if depth == 0 or not len(queries):
            shape = (len(queries), depth)
            return np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.float32)
        chosen = np.zeros(self._table.size, dtype=bool)
        chosen[rows] = True
        selector = faiss.IDSelectorBitmap(np.packbits(chosen, bitorder="little"))
        with one_thread(len(queries) * len(rows) if len(queries) > 1 else 0):
            scores, found = self._index.search(
                np.ascontiguousarray(queries, dtype=np.float32),
                depth,
                params=faiss.SearchParameters(sel=selector),
            )
        return found, scores
