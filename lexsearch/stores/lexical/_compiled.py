"""What the compiled word index builds on: the compiler with its cache, addresses, float16.

Machine code is kept on disk by numba: in NUMBA_CACHE_DIR when set, else in the user's cache
folder, in a folder of its own for every state of the source (numba looks at the file that a
function stands in, not at those that it calls). Where none can be written, the code is compiled
anew by each process.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir
from numba import carray, njit, types
from numba.core import cgutils, config
from numba.extending import intrinsic
from platformdirs import user_cache_dir

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """The function as machine code, made at its first call, without the interpreter's lock.

    Floating point is strict: no reordering, no fused multiply-add. So sums round as NumPy's.
    """
    return _compiled(function)


def compiled_maximum(function: F) -> F:
    """The same for a function that takes maxima of numbers; NaN does not occur in it."""
    return _compiled(function, fastmath={"nnan", "nsz"})


def _cache_folder() -> str:
    """Where machine code of this source is kept; "" = where numba likes."""
    if config.CACHE_DIR:
        return str(config.CACHE_DIR)
    state = sha256()
    for name in ("_compiled.py", "_kernels.py", "_derived.py", "_sums.py", "_skipping.py"):
        try:
            state.update(Path(__file__).with_name(name).read_bytes())
        except OSError:  # the source is not there as files
            return ""
    place = Path(user_cache_dir("lexsearch", appauthor=False)) / "compiled"
    return str(place / state.hexdigest()[:16])


CACHE_FOLDER = _cache_folder()


def _compiled(function: F, **options: Any) -> F:
    made: F
    others, config.CACHE_DIR = config.CACHE_DIR, CACHE_FOLDER
    try:
        made = njit(cache=True, nogil=True, **options)(function)
    except (RuntimeError, OSError):  # numba finds no folder that it may write to
        made = njit(nogil=True, **options)(function)
    finally:
        config.CACHE_DIR = others
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


def _loader(kind: Any, width: int) -> Any:
    """(address, i) -> the i-th number of that type behind the address, int64 both."""

    @intrinsic
    def load(typing_context: Any, address: Any, i: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            base, at = arguments
            first = builder.inttoptr(base, context.get_value_type(kind).as_pointer())
            return builder.load(builder.gep(first, [at]), align=width)

        return kind(types.int64, types.int64), code

    return load


# Loads instead of arrays: a query runs over all segments in one call, and code for arrays takes
# many times as long to compile.
u16_at, u32_at = _loader(types.uint16, 2), _loader(types.uint32, 4)


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


def _numbers(lanes: int) -> tuple[Any, Any, Any]:
    return tuple(ir.VectorType(ir.IntType(bits), lanes) for bits in (8, 16, 32))


def _everywhere(builder: Any, number: Any, lanes: int) -> Any:
    """The vector that holds a uint16 in every lane."""
    none = ir.Constant(ir.VectorType(ir.IntType(16), lanes), ir.Undefined)
    first = builder.insert_element(none, number, ir.Constant(ir.IntType(32), 0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    return builder.shuffle_vector(first, none, mask)


def _add_bytes(lanes: int) -> Any:
    """sums[i] += line[i] * factor / 256, rounded down, for four lines at once.

    Args of what it returns: the addresses of uint16 sums and of four uint8 lines, then four
    uint16 factors. One instruction does many numbers, which compilers do not find in the loop
    itself. It is written for no certain processor: LLVM splits it into what the one at hand can
    do.
    """

    @intrinsic
    def add(typing_context: Any, sums: Any, a: Any, b: Any, c: Any, d: Any,
            f: Any, g: Any, h: Any, e: Any) -> Any:  # fmt: skip
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            byte, narrow, wide = _numbers(lanes)
            place = builder.inttoptr(arguments[0], narrow.as_pointer())
            total = builder.load(place, align=2)
            for line, factor in zip(arguments[1:5], arguments[5:9], strict=True):
                found = builder.load(builder.inttoptr(line, byte.as_pointer()), align=1)
                high = builder.shl(builder.zext(found, narrow), ir.Constant(narrow, [8] * lanes))
                product = builder.mul(
                    builder.zext(high, wide),
                    builder.zext(_everywhere(builder, factor, lanes), wide),
                )
                share = builder.lshr(product, ir.Constant(wide, [16] * lanes))
                total = builder.add(total, builder.trunc(share, narrow))
            builder.store(total, place, align=2)
            return context.get_dummy_value()

        one, where = types.uint16, types.int64
        return types.void(where, where, where, where, where, one, one, one, one), code

    return add


@intrinsic
def copy_8(typing_context: Any, to: Any, of: Any) -> Any:
    """Copy eight uint16 from one address to another."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = _numbers(8)[1].as_pointer()
        found = builder.load(builder.inttoptr(arguments[1], kind), align=2)
        builder.store(found, builder.inttoptr(arguments[0], kind), align=2)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), code


@intrinsic
def rows_above(typing_context: Any, sums: Any, blocks: Any, level: Any) -> Any:
    """Which of 32 rows reach a level: bit i for sums[i] + blocks[i / 8] >= level, uint32.

    Args: the addresses of uint16 (32,) and (4,); the level as uint16.
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        narrow, four = _numbers(32)[1], _numbers(4)[1]
        of_rows = builder.load(builder.inttoptr(arguments[0], narrow.as_pointer()), align=2)
        found = builder.load(builder.inttoptr(arguments[1], four.as_pointer()), align=2)
        spread = ir.Constant(_numbers(32)[2], [i // 8 for i in range(32)])
        of_blocks = builder.shuffle_vector(found, ir.Constant(four, ir.Undefined), spread)
        total = builder.add(of_rows, of_blocks)
        reached = builder.icmp_unsigned(">=", total, _everywhere(builder, arguments[2], 32))
        return builder.bitcast(reached, ir.IntType(32))

    return types.uint32(types.int64, types.int64, types.uint16), code


add_to_32 = _add_bytes(32)
add_to_8 = _add_bytes(8)


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
