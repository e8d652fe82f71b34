"""The sums that bounded search starts from: rare words by row, frequent ones by block or by row.

The arithmetic, and why it is safe, stands in `_skipping`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lexsearch.stores.lexical._compiled import (
    add_to_32,
    compiled,
    prefetch,
    u16_at,
    u32_at,
    weight_of_bits,
)
from lexsearch.stores.lexical._derived import (
    BITS_OF_MOST,
    BLOCK,
    LINE_AND_1,
    RECORD,
    TILE,
)
from lexsearch.stores.lexical._kernels import (
    COLUMNS,
    GRID,
    INV_ROWS,
    INV_WEIGHTS,
    RECORDS,
)

PIECE = 512  # postings converted at once
FARTHEST = 1_024  # bytes of postings asked for at once
STRIP = 16_384  # rows whose columns are added at once, 32 kB of sums


@compiled
def _look_up(
    part: Any, words: Any, weights: Any, unit: Any, rare: Any, rare_factors: Any, lines: Any,
    factors: Any,
) -> Any:  # fmt: skip
    """Sort the query's words into rare ones of a segment and lines; returns their numbers.

    The lines are made a multiple of 4 by some of factor 0.

    Args:
        rare: int64, addresses of the records of rare words. rare_factors: float32. lines: int64.
        factors: uint16. All four are filled here.
    """
    n, used = 0, 0
    for j in range(len(words)):
        prefetch(part[RECORDS] + RECORD * np.int64(words[j]))
    for j in range(len(words)):
        record = part[RECORDS] + RECORD * np.int64(words[j])
        most = weight_of_bits(np.uint16(u32_at(record, BITS_OF_MOST)))
        if weights[j] < 0 or most == 0:
            continue
        in_units = np.float64(weights[j]) / unit
        line = np.int64(u32_at(record, LINE_AND_1)) - 1
        if line < 0:
            rare[n], rare_factors[n] = record, in_units
            n += 1
        else:
            factors[used] = np.uint16(np.ceil(in_units * np.float64(most) * (256.0 / 255)))
            lines[used] = line
            used += 1
    while used & 3:
        lines[used], factors[used] = lines[used - 1], 0
        used += 1
    return n, used


@compiled
def _add_rare(part: Any, tile: Any, rare: Any, factors: Any, n: Any, piece: Any, sums: Any) -> None:
    """Add the postings of rare words in one tile to its sums."""
    for j in range(n):
        start = np.int64(u32_at(rare[j], tile))
        stop = np.int64(u32_at(rare[j], tile + 1))
        if j + 1 < n:  # the next word's postings are read soon, and lie elsewhere
            ahead = 2 * np.int64(u32_at(rare[j + 1], tile))
            far = min(2 * np.int64(u32_at(rare[j + 1], tile + 1)), ahead + FARTHEST)
            while ahead < far:
                prefetch(part[INV_ROWS] + ahead)
                prefetch(part[INV_WEIGHTS] + ahead)
                ahead += 64
        factor = factors[j]
        while start < stop:
            count = min(stop - start, PIECE)
            # Addresses stand outside the loops, or compilers fear that a sum overwrites them.
            bits, rows = part[INV_WEIGHTS] + 2 * start, part[INV_ROWS] + 2 * start
            for i in range(count):
                piece[i] = np.uint16(np.int32(weight_of_bits(u16_at(bits, i)) * factor))
            for i in range(count):
                sums[np.int64(u16_at(rows, i)) & (TILE - 1)] += piece[i]
            start += count


@compiled
def _add_lines(
    here: Any, base: Any, stride: Any, count: Any, lines: Any, factors: Any, used: Any
) -> None:
    """Add `count` numbers of every line of the grid, or of every column, to sums.

    Args:
        here: address of uint16 (count,), a multiple of 32. base: of the first number in line 0.
        stride: numbers of a line.
    """
    for j in range(0, used, 4):
        a, b = base + lines[j] * stride, base + lines[j + 1] * stride
        c, d = base + lines[j + 2] * stride, base + lines[j + 3] * stride
        f, g, h, e = factors[j], factors[j + 1], factors[j + 2], factors[j + 3]
        for turn in range(count >> 5):
            i = turn << 5
            add_to_32(here + 2 * i, a + i, b + i, c + i, d + i, f, g, h, e)


@compiled
def sum_up(
    parts: Any, firsts: Any, places: Any, words: Any, weights: Any, unit: Any, lines: Any,
    factors: Any, used: Any, sums: Any, blocks: Any,
) -> None:  # fmt: skip
    """Sums of the rare words by row and bounds of the frequent ones by block, of all rows.

    Args:
        places: int64 (segments + 1,), first row of each segment where all are padded.
        lines, factors: int64 and uint16 (segments, words + 4). used: int64 (segments,).
        sums, blocks: uint16, by row and by block. These five are filled here.
    """
    rare, rare_factors = np.empty(len(words), np.int64), np.empty(len(words), np.float32)
    piece = np.empty(PIECE, np.uint16)
    for p in range(len(parts)):
        stride = places[p + 1] - places[p]
        n, lines_used = _look_up(
            parts[p], words, weights, unit, rare, rare_factors, lines[p], factors[p]
        )
        used[p] = lines_used
        tiles = (firsts[p + 1] - firsts[p] + TILE - 1) // TILE
        for tile in range(tiles):
            start = places[p] + tile * TILE
            stop = min(start + TILE, places[p + 1])
            for i in range(start, stop):
                sums[i] = 0
            _add_rare(parts[p], tile, rare, rare_factors, n, piece, sums[start:stop])
        first = places[p] // BLOCK
        for i in range(first, first + stride // BLOCK):
            blocks[i] = 0
        _add_lines(
            blocks.ctypes.data + 2 * first, parts[p, GRID], stride // BLOCK, stride // BLOCK,
            lines[p], factors[p], lines_used,
        )  # fmt: skip


@compiled
def add_columns(
    parts: Any, places: Any, lines: Any, factors: Any, used: Any, sums: Any, blocks: Any
) -> None:
    """Add the frequent words' own weights to all sums; nothing is left to bound by block."""
    for p in range(len(parts)):
        stride = places[p + 1] - places[p]
        for start in range(0, stride, STRIP):
            here = sums.ctypes.data + 2 * (places[p] + start)
            _add_lines(
                here, parts[p, COLUMNS] + start, stride, min(STRIP, stride - start), lines[p],
                factors[p], used[p],
            )  # fmt: skip
        used[p] = 0
    for i in range(len(blocks)):
        blocks[i] = 0
