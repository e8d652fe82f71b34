"""Word index by Seismic: approximate, for large collections that seldom change.

Seismic (Bruch, Nardini, Rulli and Venturini 2024) clusters posting lists and skips clusters by
their summaries. Of the k best some may be missed; those that are found carry their exact scores,
best first, ties to the smaller id. Building takes minutes for a million images and happens at
the first search after images were added. Removed images are never found.

It answers plain searches of a large index only. Searches among some images, with unwanted words,
for very many results, or of fewer than `SMALLEST` images are exact scans.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import seismic

from lexsearch.ranking.topk import top_k
from lexsearch.stores.blocks import Block, Blocks
from lexsearch.stores.lexical import impact
from lexsearch.stores.lexical._segmented import SegmentedLexicalIndex
from lexsearch.stores.segment_data import entries
from lexsearch.types import IntArray, Ranking, SparseVectors

SMALLEST = 10_000  # images; below, a scan takes no longer and finds everything
MOST_RESULTS = 1_000
# Words of a query that are followed, and how much of the k-th score a cluster must promise: about
# 99 % of the 100 best at a million images (design measurements of the project).
QUERY_CUT, HEAP_FACTOR = 20, 0.8


def build(
    *,
    vocab_size: int,
    blocks: Blocks | None = None,
    query_cut: int = QUERY_CUT,
    heap_factor: float = HEAP_FACTOR,
) -> SeismicWordIndex:
    """An index over a vocabulary of that many words: empty, or over blocks that others share."""
    return SeismicWordIndex(vocab_size, blocks, query_cut=query_cut, heap_factor=heap_factor)


class SeismicWordIndex(SegmentedLexicalIndex):
    """A `LexicalIndex` whose plain searches are approximate."""

    def __init__(
        self, vocab_size: int, blocks: Blocks | None, *, query_cut: int, heap_factor: float
    ) -> None:
        super().__init__(vocab_size, impact.scorer, blocks)
        self._query_cut, self._heap_factor = query_cut, heap_factor
        self._built_of: tuple[Block, ...] = ()
        self._built: Any = None

    def search(self, query: SparseVectors, k: int, *, allowed: IntArray | None = None) -> Ranking:
        """About the k best live images by the product of weights, with exact scores."""
        words, weights = self._query_row(query)
        few = len(self) < SMALLEST or not 0 < k <= MOST_RESULTS
        if few or allowed is not None or not len(words) or weights.min() < 0:
            return super().search(query, k, allowed=allowed)
        names = np.array([str(word) for word in words], dtype=seismic.get_seismic_string())
        found = self._index().search("", names, weights, 2 * k, self._query_cut, self._heap_factor)
        table = self._blocks.table
        rows = np.array([int(row) for _, _, row in found], dtype=np.int64)
        ids = table.ids[rows[table.live[rows]]] if len(rows) else rows
        if len(ids) < k:
            return super().search(query, k)
        return top_k(ids, self.score(query, ids), k, source="lexical")

    def _index(self) -> Any:
        blocks = tuple(self._blocks)
        if self._built is None or self._built_of != blocks:
            dataset = seismic.SeismicDataset(self._vocab_size)
            for block in blocks:
                live = np.flatnonzero(self._blocks.table.live[block.first :][: block.count])
                where, lengths = entries(block.arrays["fwd_ptr"], live)
                dataset.add_documents_by_id(
                    [str(row) for row in (block.first + live).tolist()],
                    np.asarray(block.arrays["fwd_ids"])[where].astype(np.int64),
                    np.asarray(block.arrays["fwd_weights"])[where].astype(np.float32),
                    np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
                )
            self._built = seismic.SeismicIndex.build_from_dataset(dataset)
            self._built_of = blocks
        return self._built
