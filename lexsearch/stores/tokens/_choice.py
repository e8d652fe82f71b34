"""Which token kernel a process uses: the first that is there and answers rightly."""

from __future__ import annotations

import importlib
import itertools
import sys
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lexsearch.errors import ModelMissing, UsageError
from lexsearch.types import IntArray

KERNELS = ("auto", "onnx", "torch", "numpy")
# What a unit of a digit of a query is worth in units of the next one.
BASE = 256
# Digits lie in [-HALF, HALF), so that every whole number has exactly one way to be written.
HALF = 128
# Largest magnitude of a stored token component, and of the first digit.
LARGEST = 127
# Up to this width two digits times a token stay below 2^31.
MAX_DIM = (2**31 - 1) // (LARGEST * (LARGEST * BASE + HALF))
# Shape of the self-check: enough tokens and columns for every path of a vector unit.
CHECK_TOKENS, CHECK_DIM, CHECK_QUERY = 64, 256, 13


class IntegerKernel(Protocol):
    """Finds the best match of every query token in every image, in whole numbers."""

    @property
    def name(self) -> str:
        """As in KERNELS."""
        ...

    def best(
        self,
        query: npt.NDArray[np.int8],
        rows: npt.NDArray[np.int8],
        counts: IntArray,
        scratch: npt.NDArray[np.int8],
    ) -> npt.NDArray[np.int32] | npt.NDArray[np.float64]:
        """The maxima of exact products, shape (n, q): whole numbers, as int32 or float64.

        Args:
            query: shape (digits, dim, q), 1 to 3 digits, q >= 1, contiguous; a component is
                ((first * BASE) + second) * BASE + third, or shorter; first in [-127, 127].
            rows: shape (tokens, dim), contiguous, values in [-127, 127]; may be read-only, may
                be the beginning of `scratch`.
            counts: int64 (n,), each >= 1, sum = tokens; how many rows each image owns.
            scratch: shape (>= tokens, dim), contiguous; may be overwritten.
        """
        ...


def choose(name: str = "auto", *, dim: int) -> IntegerKernel:
    """The kernel to use.

    `auto` takes torch where the process has imported it already, else onnxruntime, else NumPy;
    a kernel that is not installed or fails its self-check is passed over. Importing torch takes
    a second, so `auto` never does it. Above MAX_DIM dimensions it is always NumPy.

    Args:
        name: one of KERNELS; any but `auto` forces that one.
        dim: width of the tokens.

    Raises:
        UsageError: no kernel has that name.
        ModelMissing: the one that was forced is not installed or fails its self-check.
    """
    if name not in KERNELS:
        raise UsageError(f"no token kernel is called {name!r}; known: {', '.join(KERNELS)}")
    wanted = [name] if name != "auto" else ["torch"] * ("torch" in sys.modules) + ["onnx"]
    for candidate in wanted if dim <= MAX_DIM else ():
        kernel = _load(candidate)
        if kernel is not None:
            return kernel
        if name != "auto":
            raise ModelMissing(
                f"the token kernel {name!r} is not installed or computes wrongly here; "
                "use the kernel 'numpy' or 'auto'"
            )
    fallback = _load("numpy")
    assert fallback is not None
    return fallback


def _load(name: str) -> IntegerKernel | None:
    try:
        module = importlib.import_module(f"lexsearch.stores.tokens._kernel_{name}")
    except ImportError:
        return None
    kernel: IntegerKernel = module.build()
    return kernel if is_exact(kernel) else None


def is_exact(kernel: IntegerKernel) -> bool:
    """Whether a kernel's answers on 64 x 256 scattered values equal those of float64 arithmetic."""
    rows = _scattered(CHECK_TOKENS, CHECK_DIM).clip(-LARGEST, LARGEST)
    query = _scattered(3, CHECK_DIM, CHECK_QUERY)
    # The largest sums there are. Processors that add pairs of products in 16 bits fail here.
    rows[0], rows[1] = LARGEST, -LARGEST
    query[:, :, 0] = LARGEST
    query[0, :, 1], query[1:, :, 1] = -LARGEST, -HALF
    first, second, third = rows.astype(np.float64) @ query.astype(np.float64)
    two = BASE * first + second
    cases = itertools.product(
        ((query[:1], first), (query[:2], two), (query, BASE * two + third)),
        (np.full(4, CHECK_TOKENS // 4), np.array([1, 20, 3, CHECK_TOKENS - 24])),
    )
    for (digits, products), counts in cases:
        wanted = np.maximum.reduceat(products, np.cumsum(counts) - counts, axis=0)
        try:
            found = kernel.best(digits, rows, counts, np.empty_like(rows))
        except (RuntimeError, AttributeError, NotImplementedError):
            return False  # an operator that this build or this processor lacks
        if found.shape != wanted.shape or not (found == wanted).all():
            return False
    return True


def _scattered(*shape: int) -> npt.NDArray[np.int8]:
    """Values all over [-128, 127] without numpy.random, whose import takes 10 ms."""
    numbers = np.arange(np.prod(shape), dtype=np.int64)
    return (numbers * numbers * 40_503 // 97 % BASE - HALF).astype(np.int8).reshape(shape)
