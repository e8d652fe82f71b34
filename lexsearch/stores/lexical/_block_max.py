"""Compiled search that scores only blocks of rows that can hold one of the k best.

Why skipping is safe. Let q > 0 be a query weight, m the heaviest weight of its word in the
segment, w <= m the heaviest in a block of 8 rows, G = ceil(255 w / m) the number in the grid,
and u the unit of the integer sums. Then q w <= q m / 255 * G <= u * Q * G with
Q = ceil(q m / (255 u)); words without a grid row add ceil(q w' / u) for every row w' of the
block, which is more; words of negative weight add 0, which is more. So no row of a block scores
above u * sum in real arithmetic. A float32 score of n words is off by at most
(n + 1) 2^-24 / (1 - (n + 1) 2^-24) of the sum of |q| m, in whatever order it is added up, and
by 2^-149 a word where numbers are subnormal; `slack` is twice the first plus 1e-30, which covers
two such errors and those of the double precision in which bounds are made. A block is skipped
only if u * sum + slack is less than a score that k admitted rows reach, and a row only if a sum
in another order plus slack is. Equal scores are never skipped, so ties are resolved by id.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lexsearch.stores.lexical._compiled import (
    array_at,
    compiled,
    compiled_any_order,
    prefetch,
    weight_of_bits,
)
from lexsearch.stores.lexical._kernels import (
    CHUNK,
    FWD_IDS,
    FWD_PTR,
    FWD_WEIGHTS,
    GRID,
    GRID_ROW,
    INV_PTR,
    INV_ROWS,
    INV_WEIGHTS,
    WORD_MAX,
    chunk_maxima,
    offer,
    scan,
    score_row,
)

BLOCK = 8  # rows that share a bound; 16 and more leave too little to skip
# The largest sum of q m in units; a block of words without a grid row may have 8 times as much.
UNITS = 2.0**27
BUCKETS = 512  # steps in which blocks are taken from the best bound down
AHEAD = 3  # blocks asked for before they are scored
# What the planner weighs, in ns: a posting added, a row selected, a row begun, a word looked up.
# Measured with benchmarks/bench_lexical at a million images; only their ratios matter.
POSTING_NS, ROW_NS, ROW_START_NS, LOOKUP_NS = 0.8, 0.2, 20.0, 0.64
TRIAL = 2  # the planner decides after so many blocks per image wanted


@compiled
def word_maxima(pointers: Any, bits: Any, maxima: Any) -> None:
    """Heaviest weight of every word of a segment, float32 (vocab,); 0 where it is absent."""
    for word in range(len(maxima)):
        best = np.uint16(0)  # positive float16 are in the order of their bits
        for i in range(np.int64(pointers[word]), np.int64(pointers[word + 1])):
            best = max(best, bits[i])
        maxima[word] = weight_of_bits(best)


@compiled
def fill_grid(pointers: Any, rows: Any, bits: Any, maxima: Any, grid_row: Any, grid: Any) -> None:
    """Grid of block maxima: ceil(255 * heaviest weight in the block / heaviest of the word).

    Args:
        pointers, rows, bits: the inverted arrays. maxima: see `word_maxima`.
        grid_row: int32 (vocab,), the grid's row of a word or -1.
        grid: uint8 (grid rows, stride), zeros, filled here.
    """
    for word in range(len(maxima)):
        if grid_row[word] < 0:
            continue
        line = grid[grid_row[word]]
        step = 255.0 / np.float64(maxima[word])
        for i in range(np.int64(pointers[word]), np.int64(pointers[word + 1])):
            level = np.uint8(min(255.0, np.ceil(np.float64(weight_of_bits(bits[i])) * step)))
            block = rows[i] >> 3
            line[block] = max(line[block], level)


@compiled
def _add_lines(sums: Any, grid: Any, stride: Any, lines: Any, factors: Any) -> None:
    """Add factor * line of the grid, four lines at a time so that sums are seldom loaded."""
    n = len(lines)
    blocks = len(sums)
    for j in range(0, n - n % 4, 4):
        a, b = grid[lines[j] * stride :], grid[lines[j + 1] * stride :]
        c, d = grid[lines[j + 2] * stride :], grid[lines[j + 3] * stride :]
        f, g, h, e = factors[j], factors[j + 1], factors[j + 2], factors[j + 3]
        for i in range(blocks):
            sums[i] += (
                f * np.int32(a[i]) + g * np.int32(b[i]) + h * np.int32(c[i]) + e * np.int32(d[i])
            )
    for j in range(n - n % 4, n):
        a, f = grid[lines[j] * stride :], factors[j]
        for i in range(blocks):
            sums[i] += f * np.int32(a[i])


@compiled
def _block_bounds(
    parts: Any, firsts: Any, block_firsts: Any, words: Any, weights: Any, unit: Any, sums: Any
) -> Any:
    """Upper bounds of all blocks in units, int32; returns the postings of the query's words."""
    lines = np.empty(len(words), np.int64)
    factors = np.empty(len(words), np.int32)
    postings = 0
    for p in range(len(parts)):
        part = parts[p]
        pointers = array_at(part[INV_PTR], 0, np.uint32)
        rows = array_at(part[INV_ROWS], 0, np.uint16)
        bits = array_at(part[INV_WEIGHTS], 0, np.uint16)
        maxima = array_at(part[WORD_MAX], 0, np.float32)
        grid_row = array_at(part[GRID_ROW], 0, np.int32)
        of_part = sums[block_firsts[p] : block_firsts[p + 1]]
        stride = (len(of_part) + CHUNK - 1) // CHUNK * CHUNK
        of_part[:] = 0
        used = 0
        for j in range(len(words)):
            word = words[j]
            start, stop = np.int64(pointers[word]), np.int64(pointers[word + 1])
            postings += stop - start
            if weights[j] < 0 or start == stop:
                continue
            in_units = np.float64(weights[j]) / unit
            if grid_row[word] >= 0:
                lines[used] = grid_row[word]
                factors[used] = np.int32(np.ceil(in_units * np.float64(maxima[word]) / 255.0))
                used += 1
            else:
                for i in range(start, stop):
                    of_part[rows[i] >> 3] += np.int32(
                        np.ceil(in_units * np.float64(weight_of_bits(bits[i])))
                    )
        most = 0
        for j in range(used):
            most = max(most, lines[j])
        grid = array_at(part[GRID], (most + 1) * stride if used else 0, np.uint8)
        _add_lines(of_part, grid, stride, lines[:used], factors[:used])
    return postings


@compiled
def _level(score: Any, slack: Any, unit: Any) -> Any:
    """Blocks whose bound is below this many units hold no row that reaches the score."""
    level = np.floor((np.float64(score) - slack) / unit) - 1
    return np.int32(max(-2.0, min(level, UNITS)))


@compiled
def _take_blocks(sums: Any, maxima: Any, least: Any, below: Any, blocks: Any) -> Any:
    """Numbers of the blocks with least <= bound < below into `blocks`; returns how many."""
    taken = 0
    for chunk in range(len(maxima)):
        if maxima[chunk] < least:
            continue
        for i in range(chunk * CHUNK, min(chunk * CHUNK + CHUNK, len(sums))):
            if least <= sums[i] and sums[i] < below:
                blocks[taken] = i
                taken += 1
    return taken


@compiled
def _by_bound(sums: Any, blocks: Any, ordered: Any) -> None:
    """The blocks from the best bound down, in BUCKETS steps, and by number within a step."""
    low, high = sums[blocks[0]], sums[blocks[0]]
    for block in blocks:
        low, high = min(low, sums[block]), max(high, sums[block])
    step = np.float64(BUCKETS - 1) / max(1, high - low)
    starts = np.zeros(BUCKETS + 1, np.int64)
    for block in blocks:
        starts[np.int64((high - sums[block]) * step) + 1] += 1
    for i in range(BUCKETS):
        starts[i + 1] += starts[i]
    for block in blocks:
        bucket = np.int64((high - sums[block]) * step)
        ordered[starts[bucket]] = block
        starts[bucket] += 1


@compiled_any_order
def _rough_sum(words: Any, bits: Any, of_word: Any) -> Any:
    """About the score of the row with these words: the same products in another order."""
    total = np.float32(0)
    for i in range(len(words)):
        total += of_word[words[i]] * weight_of_bits(bits[i])
    return total


@compiled
def _ask_for_block(part: Any, start: Any, stop: Any) -> None:
    """Prefetch the words and weights of rows start to stop - 1."""
    pointers = array_at(part[FWD_PTR], 0, np.uint32)
    for at in range(2 * np.int64(pointers[start]), 2 * np.int64(pointers[stop]), 64):
        prefetch(part[FWD_IDS] + at)
        prefetch(part[FWD_WEIGHTS] + at)


@compiled
def _score_blocks(
    parts: Any, firsts: Any, block_firsts: Any, image_ids: Any, admitted: Any, of_word: Any,
    sums: Any, blocks: Any, level: Any, slack: Any, unit: Any, scores: Any, ids: Any, held: Any,
    affordable: Any, counts: Any,
) -> Any:  # fmt: skip
    """Offer the rows of the blocks, leaving out those whose bound has become too low.

    counts[0] grows by the blocks scored; it stops where they become `affordable` many.
    """
    k = len(scores)
    for turn in range(len(blocks) + AHEAD):
        if turn < len(blocks) and sums[blocks[turn]] >= level:
            block = blocks[turn]
            p = np.searchsorted(block_firsts, block, side="right") - 1
            start = (block - block_firsts[p]) * BLOCK
            _ask_for_block(parts[p], start, min(start + BLOCK, firsts[p + 1] - firsts[p]))
        if turn < AHEAD or sums[blocks[turn - AHEAD]] < level:
            continue
        if counts[0] == affordable:
            break
        counts[0] += 1
        block = blocks[turn - AHEAD]
        p = np.searchsorted(block_firsts, block, side="right") - 1
        start, first = (block - block_firsts[p]) * BLOCK, firsts[p]
        stop = min(start + BLOCK, firsts[p + 1] - first)
        part = parts[p]
        pointers = array_at(part[FWD_PTR], 0, np.uint32)
        end = np.int64(pointers[stop])
        words = array_at(part[FWD_IDS], end, np.uint16)
        bits = array_at(part[FWD_WEIGHTS], end, np.uint16)
        for row in range(start, stop):
            # A rough sum is as near to the real score as the exact one: see the module.
            if len(admitted) and not admitted[first + row]:
                continue
            own = slice(np.int64(pointers[row]), np.int64(pointers[row + 1]))
            rough = np.float64(_rough_sum(words[own], bits[own], of_word))
            if held < k or rough + slack >= scores[0]:
                score = score_row(part, row, of_word)
                held = offer(scores, ids, held, score, image_ids[first + row])
                if held == k:
                    level = _level(scores[0], slack, unit)
    return held


@compiled
def _count(sums: Any, least: Any, below: Any) -> Any:
    found = np.int32(0)
    for i in range(len(sums)):
        found += np.int32((sums[i] >= least) & (sums[i] < below))
    return found


@compiled
def search_blocks(
    parts: Any, firsts: Any, block_firsts: Any, image_ids: Any, admitted: Any, words: Any,
    weights: Any, vocab_size: Any, unit: Any, slack: Any, words_per_row: Any, patience: Any,
    scores: Any, ids: Any, counts: Any,
) -> Any:  # fmt: skip
    """The k best admitted rows, scoring only blocks that can hold one of them.

    Blocks are scored in waves of falling bounds, each four times the last one, until no block
    left can hold a better row. After a wave the planner compares what is left with the plain
    scan, and falls back to the scan where that is cheaper.

    Args:
        block_firsts: int64 (segments + 1,), number of each segment's first block.
        unit, slack: see the module. words_per_row: mean.
        patience: blocks may cost so many times the scan before it is taken instead.
        counts: int64 (2,), filled here: blocks scored; 1 where it fell back to the scan.
        others: as in `scan`.

    Returns:
        How many were found.
    """
    k, held, wave = len(scores), 0, max(16, len(scores))
    sums = np.empty(block_firsts[-1], np.int32)
    postings = _block_bounds(parts, firsts, block_firsts, words, weights, unit, sums)
    maxima = np.empty((len(sums) + CHUNK - 1) // CHUNK, np.int32)
    chunk_maxima(sums, maxima)
    of_word = np.zeros(vocab_size, np.float32)
    for j in range(len(words)):
        of_word[words[j]] = weights[j]
    by_scan = patience * (POSTING_NS * postings + ROW_NS * len(image_ids))
    affordable = np.int64(by_scan / (BLOCK * (ROW_START_NS + LOOKUP_NS * words_per_row)))
    blocks, ordered = np.empty(len(sums), np.int64), np.empty(len(sums), np.int64)
    level, below = np.int32(-1), np.int32(2**31 - 1)
    counts[0], counts[1] = 0, 0
    while counts[0] < affordable:
        least = level
        if wave < len(maxima):
            least = max(level, np.partition(maxima, len(maxima) - wave)[len(maxima) - wave])
        taken = _take_blocks(sums, maxima, least, below, blocks)
        if taken:
            _by_bound(sums, blocks[:taken], ordered)
            held = _score_blocks(
                parts, firsts, block_firsts, image_ids, admitted, of_word, sums,
                ordered[:taken], level, slack, unit, scores, ids, held, affordable, counts,
            )  # fmt: skip
            if counts[0] == affordable:
                break
        below = least
        if held == k:
            level = _level(scores[0], slack, unit)
        if level >= below:
            return held
        if counts[0] >= TRIAL * k and _count(sums, level, below) > affordable:
            break
        wave *= 4
    counts[1] = 1
    floor = scores[0] if held == k else np.float32(-np.inf)
    return scan(parts, firsts, image_ids, admitted, words, weights, floor, scores, ids)
