"""Word index by SciPy: the query's columns of a compressed sparse column matrix.

The oracle of the faster word indexes. SciPy has no float16, so a segment is copied to float32
at its first search.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.sparse

from lexsearch.protocols import Sections
from lexsearch.stores.blocks import Blocks
from lexsearch.stores.lexical._segmented import SegmentedLexicalIndex, WordArray
from lexsearch.types import FloatArray


def build(*, vocab_size: int, blocks: Blocks | None = None) -> SegmentedLexicalIndex:
    """An index over a vocabulary of that many words: empty, or over blocks that others share."""
    return SegmentedLexicalIndex(vocab_size, CscColumns, blocks)


class CscColumns:
    """Scores the rows of one segment; the matrix is made at the first query."""

    def __init__(self, arrays: Sections) -> None:
        self._arrays = arrays

    @cached_property
    def _matrix(self) -> scipy.sparse.csc_matrix:
        arrays = self._arrays
        shape = (len(arrays["fwd_ptr"]) - 1, len(arrays["inv_ptr"]) - 1)
        columns = (
            np.asarray(arrays["inv_weights"], dtype=np.float32),
            np.asarray(arrays["inv_rows"], dtype=np.int32),
            np.asarray(arrays["inv_ptr"], dtype=np.int64),
        )
        return scipy.sparse.csc_matrix(columns, shape=shape)

    def __call__(self, words: WordArray, weights: FloatArray) -> FloatArray:
        """Scores of every row of the segment, float32 (rows,)."""
        return np.asarray(self._matrix[:, words] @ weights, dtype=np.float32)
