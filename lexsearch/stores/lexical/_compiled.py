"""What the compiled word index builds on: the compiler with its cache, addresses, float16.

Machine code is kept on disk by numba: in NUMBA_CACHE_DIR when set, else beside the source, else
(a read-only installation) in the user's cache folder. Where none can be written, the code is
compiled anew by each process. Numba notices a change of the file that a function stands in, not
of files that it calls: who edits one of these files empties the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir
from numba import carray, njit, types
from numba.core import cgutils
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """The function as machine code, made at its first call, without the interpreter's lock.

    Floating point is strict: no reordering, no fused multiply-add. So sums round as NumPy's.
    """
    return _compiled(function)


def compiled_maximum(function: F) -> F:
    """The same for a function that takes maxima of numbers; NaN does not occur in it."""
    return _compiled(function, fastmath={"nnan", "nsz"})


def compiled_any_order(function: F) -> F:
    """The same for a function whose sums may be added up in any order, so by wide registers."""
    return _compiled(function, fastmath={"reassoc", "nsz"})


def _compiled(function: F, **options: Any) -> F:
    made: F
    try:
        made = njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:  # numba finds no folder that it may write to
        made = njit(nogil=True, **options)(function)
    return made


@intrinsic
def _pointer(typing_context: Any, address: Any) -> Any:
    """int64 -> void *."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), code


@intrinsic
def _float_of_bits(typing_context: Any, bits: Any) -> Any:
    """uint32 -> the float32 of the same bits."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.uint32), code


@intrinsic
def prefetch(typing_context: Any, address: Any) -> Any:
    """Ask for the 64 bytes at an address (int64) without waiting; any address is harmless."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        ask = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        where = builder.inttoptr(arguments[0], cgutils.voidptr_t)
        # for reading, into all levels, data
        builder.call(ask, [where, *(ir.Constant(number, n) for n in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(types.int64), code


@compiled
def array_at(address: int, length: int, dtype: Any) -> Any:
    """The array of that many numbers at an address; the caller keeps its memory alive.

    A query runs over all segments in one call, and numba has no cheap list of arrays whose
    length is not a part of its type.
    """
    return carray(_pointer(address), (length,), dtype)


@compiled
def weight_of_bits(bits: Any) -> Any:
    """uint16, the bits of a positive float16 -> the same number as float32, exactly.

    Subnormal numbers are never loaded as such, so a processor set to flush them does no harm.
    """
    wide = np.uint32(bits) << np.uint32(13)
    if bits < 0x400:
        return _float_of_bits(np.uint32(wide + np.uint32(113 << 23))) - np.float32(2.0**-14)
    return _float_of_bits(np.uint32(wide + np.uint32(112 << 23)))
