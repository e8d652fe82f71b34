"""Late interaction by NumPy alone: whole numbers in float64, which holds all their sums exactly.

The fallback where nothing faster is installed, and the kernel for widths whose sums do not fit
into int32.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lexsearch.stores.tokens._choice import BASE
from lexsearch.types import IntArray

# Image tokens widened at a time: 1 MB of float64 at width 128, which stays in the cache.
STEP_TOKENS = 1_024
# Multiplications that one call of BLAS is given. OpenBLAS starts its threads above 4 * 65,536;
# for products this small they cost more than they bring, on a busy machine forty times more.
CALL_SIZE = 4 * 65_536


def build() -> NumpyKernel:
    """The kernel."""
    return NumpyKernel()


class NumpyKernel:
    """An `IntegerKernel` for any width."""

    name = "numpy"

    def best(
        self,
        query: npt.NDArray[np.int8],
        rows: npt.NDArray[np.int8],
        counts: IntArray,
        scratch: npt.NDArray[np.int8],
    ) -> npt.NDArray[np.float64]:
        """Largest product per image and query token; see `IntegerKernel.best`."""
        levels = np.zeros(query.shape[1:], dtype=np.float64)
        for digit in query:
            levels = levels * BASE + digit
        products = np.empty((len(rows), query.shape[2]), dtype=np.float64)
        step = max(1, min(STEP_TOKENS, CALL_SIZE // levels.size))
        for start in range(0, len(rows), step):
            wide = rows[start : start + step].astype(np.float64)
            np.matmul(wide, levels, out=products[start : start + step])
        return np.asarray(np.maximum.reduceat(products, np.cumsum(counts) - counts, axis=0))
