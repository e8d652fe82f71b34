"""Which words of a vector are kept, and what they weigh then."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from lexsearch.types import FloatArray, SparseVectors

WordIds: TypeAlias = npt.NDArray[np.int32]


class Kept(NamedTuple):
    """The words of one vector that stay.

    ids: ascending. weights: > 0, what is stored. A weight w of the whole vector became
    (w - low) / length.
    """

    ids: WordIds
    weights: FloatArray
    low: float
    length: float


def kept_words(ids: WordIds, weights: FloatArray, k: int, *, floor: float, least: float) -> Kept:
    """The k heaviest words of a unit vector by how much they stand out, at unit length again.

    Every kept weight is lowered by `floor` times the heaviest weight that is left out. So a word
    that has barely made it weighs little, and a picture of many half-true words does not come
    before one of few true ones.

    Args:
        ids: ascending, shape (n,).
        weights: float32 (n,), each above `least`.
        k: at least 1; n or more keeps all. Ties go to the smaller id.
        floor: in [0, 1).
        least: what counts as the heaviest weight left out when none is.
    """
    left_out = least
    if len(ids) > k:
        order = np.lexsort((ids, -weights))
        left_out = float(weights[order[k]])
        chosen = np.sort(order[:k])
        ids, weights = ids[chosen], weights[chosen]
    low = np.float32(floor * left_out)
    lowered = weights - low
    length = float(np.linalg.norm(lowered)) or 1.0
    return Kept(ids, (lowered / np.float32(length)).astype(np.float32), float(low), length)


def heaviest(vectors: SparseVectors, k: int, *, floor: float) -> SparseVectors:
    """`kept_words` of every row; what counts as left out at least is the flat 1 / sqrt(V)."""
    least = vectors.vocab_size**-0.5
    rows = [
        kept_words(*vectors.row(i), k, floor=floor, least=least)[:2] for i in range(len(vectors))
    ]
    return SparseVectors.from_rows(rows, vectors.vocab_size)
