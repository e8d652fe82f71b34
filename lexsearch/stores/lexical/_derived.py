"""What bounded search needs of a segment, derived from its postings: see `_skipping`."""

from __future__ import annotations

from typing import Any

import numpy as np

from lexsearch.stores.lexical._compiled import compiled, weight_of_bits

BLOCK = 8  # rows that share a bound; 16 and more leave too little to skip
TILE, TILES = 16_384, 4  # rows whose sums are made at once (32 kB), and such tiles of a segment
# Of a word: where its postings reach each tile, its heaviest weight, its line and 1; in bytes.
BITS_OF_MOST, LINE_AND_1, RECORD = TILES + 1, TILES + 2, 32
PADDING = 256  # a segment's rows are padded to a multiple, so that 32 blocks are never cut


@compiled
def word_maxima(pointers: Any, bits: Any, maxima: Any) -> None:
    """Heaviest weight of every word of a segment, float32 (vocab,); 0 where it is absent."""
    for word in range(len(maxima)):
        best = np.uint16(0)  # positive float16 are in the order of their bits
        for i in range(np.int64(pointers[word]), np.int64(pointers[word + 1])):
            best = max(best, bits[i])
        maxima[word] = weight_of_bits(best)


@compiled
def fill(
    pointers: Any, rows: Any, bits: Any, maxima: Any, line_of: Any, records: Any, columns: Any,
    grid: Any,
) -> None:  # fmt: skip
    """Derive what the search needs of a segment.

    A number of a frequent word is ceil(255 * weight / heaviest of the word) in the columns, and
    the largest of 8 rows in the grid.

    Args:
        pointers, rows, bits: the inverted arrays. maxima: float32 (vocab,), see `word_maxima`.
        line_of: int32 (vocab,), line of a frequent word, -1 for others.
        records, columns, grid: see `_kernels`; zeros, filled here.
    """
    for word in range(len(maxima)):
        start, stop = np.int64(pointers[word]), np.int64(pointers[word + 1])
        i = start
        for tile in range(TILES + 1):
            while i < stop and rows[i] < tile * TILE:
                i += 1
            records[word, tile] = i
        most = np.uint16(0)
        for j in range(start, stop):
            most = max(most, bits[j])
        line = line_of[word]
        records[word, BITS_OF_MOST], records[word, LINE_AND_1] = most, line + 1
        if line >= 0:
            step = 255.0 / np.float64(maxima[word])
            for j in range(start, stop):
                level = np.uint8(min(255.0, np.ceil(np.float64(weight_of_bits(bits[j])) * step)))
                columns[line, rows[j]] = level
                grid[line, rows[j] >> 3] = max(grid[line, rows[j] >> 3], level)
