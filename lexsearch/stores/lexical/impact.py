"""Word index in NumPy alone: one scattered addition per segment.

Light to import and fast enough to some 20,000 images, so it serves the cold search path.
Term-at-a-time scoring after Turtle and Flood 1995; on learned sparse vectors, whose query words
are many and of like weight, skipping schemes find nothing to skip.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from lexsearch.protocols import Sections
from lexsearch.stores.blocks import Blocks
from lexsearch.stores.lexical._segmented import Scorer, SegmentedLexicalIndex, WordArray
from lexsearch.stores.segment_data import entries
from lexsearch.types import FloatArray


def build(*, vocab_size: int, blocks: Blocks | None = None) -> SegmentedLexicalIndex:
    """An index over a vocabulary of that many words: empty, or over blocks that others share."""
    return SegmentedLexicalIndex(vocab_size, scorer, blocks)


def scorer(arrays: Sections) -> Scorer:
    """Scores the rows of one segment."""
    return partial(
        _scatter_add,
        len(arrays["fwd_ptr"]) - 1,
        np.asarray(arrays["inv_ptr"]),
        np.asarray(arrays["inv_rows"], dtype=np.uint16),
        np.asarray(arrays["inv_weights"]),
    )


def _scatter_add(
    count: int,
    pointers: npt.NDArray[np.generic],
    rows: npt.NDArray[np.uint16],
    impacts: npt.NDArray[np.generic],
    words: WordArray,
    weights: FloatArray,
) -> FloatArray:
    """Sum over words of weight * impact, float32 (count,), added in the order of the words."""
    where, lengths = entries(pointers, words.astype(np.int64))
    products = np.repeat(weights, lengths) * impacts[where].astype(np.float32)
    totals = np.zeros(count, dtype=np.float32)
    np.add.at(totals, rows[where], products)
    return totals
