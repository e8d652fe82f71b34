"""Late interaction by torch's integer product, for processes that have torch loaded anyway.

`torch._int_mm` is private to torch, so nothing trusts it before `choose` has checked its answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch

from lexsearch.stores.tokens._choice import BASE
from lexsearch.types import IntArray

NAME = "torch"


def build() -> TorchKernel:
    """The kernel."""
    return TorchKernel()


class TorchKernel:
    """An `IntegerKernel` on the processor, on one thread."""

    name = NAME

    def best(
        self,
        query: npt.NDArray[np.int8],
        rows: npt.NDArray[np.int8],
        counts: IntArray,
        scratch: npt.NDArray[np.int8],
    ) -> npt.NDArray[np.int32] | npt.NDArray[np.float64]:
        """Largest product per image and query token; see `IntegerKernel.best`."""
        if not rows.flags.writeable:  # torch takes no read-only arrays
            scratch[: len(rows)] = rows
            rows = scratch[: len(rows)]
        with torch.inference_mode(), _one_thread():
            images = torch.from_numpy(rows)
            products = torch._int_mm(images, torch.from_numpy(query[0]))
            for i, digit in enumerate(query[1:]):
                low = torch._int_mm(images, torch.from_numpy(digit))
                if i == 1:
                    products = products.double()  # three digits do not fit into int32
                products = torch.add(low, products, alpha=BASE)
            if (counts == counts[0]).all():
                by_image = products.view(len(counts), int(counts[0]), -1)
                return np.asarray(by_image.amax(dim=1).numpy())
        starts = np.cumsum(counts) - counts
        return np.asarray(np.maximum.reduceat(products.numpy(), starts, axis=0))


@contextmanager
def _one_thread() -> Iterator[None]:
    """A chunk is too small to share out; the setting is torch's own, of the calling thread."""
    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
