"""A word index over segments; how one segment is scored is the backend's part."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from lexsearch.protocols import Sections
from lexsearch.ranking.topk import top_k
from lexsearch.stores.blocks import Block, Blocks
from lexsearch.stores.row_table import BoolArray
from lexsearch.stores.segment_data import MAX_ROWS, entries, lexical_sections
from lexsearch.types import FloatArray, IntArray, Ranking, SparseVectors

WordArray: TypeAlias = npt.NDArray[np.int32]
# (words, weights) -> scores of every row of the segment, float32 (rows,).
Scorer: TypeAlias = Callable[[WordArray, FloatArray], FloatArray]


class SegmentedLexicalIndex:
    """A `LexicalIndex` over attached segments and rows added in memory.

    Scores are exact against the stored float16 weights: products and sums in float32, words in
    ascending order of their id. So a score depends on the image and the query alone, not on
    the segment that the image sits in.
    """

    def __init__(
        self,
        vocab_size: int,
        scorer: Callable[[Sections], Scorer],
        blocks: Blocks | None = None,
    ) -> None:
        self._vocab_size = vocab_size
        self._make_scorer = scorer
        self._blocks = Blocks("lexical") if blocks is None else blocks
        self._scorers: WeakKeyDictionary[Block, Scorer] = WeakKeyDictionary()

    def __len__(self) -> int:
        return len(self._blocks.table)

    def add(self, ids: IntArray, vectors: SparseVectors) -> None:
        """Add rows; an id that is present already is replaced.

        Raises:
            ValueError: another vocabulary, or a weight that is not finite and > 0.
        """
        self._check_vocabulary(vectors.vocab_size)
        if len(ids) != len(vectors):
            raise ValueError(f"{len(ids)} ids for {len(vectors)} vectors")
        step = MAX_ROWS - 1
        for start in range(0, len(vectors), step):
            stop = min(start + step, len(vectors))
            self._blocks.add(ids[start:stop], lexical_sections(_slice(vectors, start, stop)))

    def attach(self, ids: IntArray, sections: Sections, *, live: BoolArray | None = None) -> None:
        """Add the arrays of one segment without copying them; dead rows are never found.

        Raises:
            ValueError: another vocabulary, or ids and rows differ in number.
        """
        self._check_vocabulary(len(sections["inv_ptr"]) - 1)
        self._blocks.attach(ids, sections, live)

    def remove(self, ids: IntArray) -> int:
        """Remove; returns how many were present."""
        return self._blocks.table.remove(ids)

    def search(self, query: SparseVectors, k: int, *, allowed: IntArray | None = None) -> Ranking:
        """The k best live images by the product of weights, those that score 0 included."""
        words, weights = self._query_row(query)
        table = self._blocks.table
        rows = table.candidates(allowed)
        totals = np.zeros(table.size, dtype=np.float32)
        if len(rows):
            for block in self._blocks:
                score = self._scorer(block)
                totals[block.first : block.first + block.count] = score(words, weights)
        return top_k(table.ids[rows], totals[rows], k, source="lexical")

    def score(self, query: SparseVectors, ids: IntArray) -> FloatArray:
        """Scores of the named images, from their own words; NaN where not held."""
        words, weights = self._query_row(query)
        of_word = np.zeros(self._vocab_size, dtype=np.float32)
        of_word[words] = weights
        rows = self._blocks.table.rows_of(ids)
        totals = np.full(len(rows), np.nan, dtype=np.float32)
        for block, places, local in self._blocks.members(rows):
            where, lengths = entries(block.arrays["fwd_ptr"], local)
            stored = np.asarray(block.arrays["fwd_weights"])[where].astype(np.float32)
            products = of_word[np.asarray(block.arrays["fwd_ids"])[where]] * stored
            sums = np.zeros(len(local), dtype=np.float32)
            # One addition after the other, as in `search`; a pairwise sum would round otherwise.
            np.add.at(sums, np.repeat(np.arange(len(local)), lengths), products)
            totals[places] = sums
        return totals

    def vectors(self, ids: IntArray) -> SparseVectors:
        """Stored vectors of the named images, in that order; unknown id: KeyError."""
        rows = self._blocks.table.held_rows(ids)
        found = [
            (places, block, *entries(block.arrays["fwd_ptr"], local))
            for block, places, local in self._blocks.members(rows)
        ]
        lengths = np.zeros(len(rows), dtype=np.int64)
        for places, _, _, counts in found:
            lengths[places] = counts
        indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        words = np.zeros(int(indptr[-1]), dtype=np.int32)
        weights = np.zeros(int(indptr[-1]), dtype=np.float32)
        for places, block, where, _ in found:
            target, _ = entries(indptr, places)
            words[target] = np.asarray(block.arrays["fwd_ids"])[where]
            weights[target] = np.asarray(block.arrays["fwd_weights"])[where]
        return SparseVectors(indptr, words, weights, self._vocab_size)

    def document_frequency(self) -> IntArray:
        """Live images per word, int64 (vocab_size,)."""
        counts = np.zeros(self._vocab_size, dtype=np.int64)
        for block in self._blocks:
            pointers = np.asarray(block.arrays["inv_ptr"], dtype=np.int64)
            counts += pointers[1:] - pointers[:-1]
        dead = np.flatnonzero(~self._blocks.table.live)
        for block, _, local in self._blocks.members(dead):
            where, _ = entries(block.arrays["fwd_ptr"], local)
            words = np.asarray(block.arrays["fwd_ids"])[where]
            counts -= np.bincount(words, minlength=self._vocab_size)
        return counts

    def _scorer(self, block: Block) -> Scorer:
        scorer = self._scorers.get(block)
        if scorer is None:
            scorer = self._scorers[block] = self._make_scorer(block.arrays)
        return scorer

    def _query_row(self, query: SparseVectors) -> tuple[WordArray, FloatArray]:
        if len(query) != 1:
            raise ValueError(f"a search takes one query, not {len(query)}")
        self._check_vocabulary(query.vocab_size)
        words, weights = query.row(0)
        return words, np.asarray(weights, dtype=np.float32)

    def _check_vocabulary(self, found: int) -> None:
        if found != self._vocab_size:
            raise ValueError(f"vocabulary of {found} words; this index has {self._vocab_size}")


def _slice(vectors: SparseVectors, start: int, stop: int) -> SparseVectors:
    first, last = int(vectors.indptr[start]), int(vectors.indptr[stop])
    return SparseVectors(
        vectors.indptr[start : stop + 1] - first,
        vectors.indices[first:last],
        vectors.weights[first:last],
        vectors.vocab_size,
    )
