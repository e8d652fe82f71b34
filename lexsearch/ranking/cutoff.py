"""Where the relevant part of a result list ends."""

from __future__ import annotations

import numpy as np

from lexsearch.types import FloatArray

# A hit must stand this many robust standard deviations above the middle of the candidates.
STANDS_OUT = 2.5
# 1 / the third quartile of the normal distribution: makes the MAD estimate its deviation.
MAD_TO_DEVIATION = 1.4826
MIN_CANDIDATES = 20


def automatic_cutoff(scores: FloatArray) -> float:
    """The lowest score that still stands out from the crowd of candidates.

    The crowd is described by its median and its median absolute deviation (MAD), which a few
    true hits do not move: cut-off = median + 2.5 * 1.4826 * MAD. With fewer than 20 candidates
    there is no crowd and nothing is cut.

    Args:
        scores: shape (n,), the scores of all candidates, any order; NaN entries are ignored.

    Returns:
        The cut-off, -inf when nothing is to be cut; hits that score at least it are relevant.

    Source: Hampel's identifier (Hampel 1974, JASA 69, the influence curve).
    """
    known = scores[~np.isnan(scores)]
    if len(known) < MIN_CANDIDATES:
        return float("-inf")
    middle = float(np.median(known))
    deviation = MAD_TO_DEVIATION * float(np.median(np.abs(known - middle)))
    return middle + STANDS_OUT * deviation
