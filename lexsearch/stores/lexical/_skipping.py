"""Compiled search by whole-number bounds: only rows that can be among the k best are scored.

In units of 1/60,000 of the best possible score:

1. rare words of the query are added up posting by posting, for every row;
2. frequent words are bounded for 8 rows at a time by their heaviest weight in the block (the grid);
3. where both together reach the k-th score, the row's own weights of the frequent words (the
   columns, 8 bits) take the place of the block's; where that is in many blocks, the columns are
   added for all rows, one after the other;
4. rows that still reach it are scored exactly from their own words.

The k-th score is guessed from the bounds. The rows that reach the guess are found as above, the k
best of them by bound are scored, and the worst of these scores is what every row has to reach.

Why skipping is safe. Let q > 0 be a query weight, m the heaviest weight of its word in the
segment, w <= m that of a row or the heaviest of its block, u the unit, u * 60,000 = sum of q m.
Frequent words hold G = ceil(255 w / m), so q w <= u * G * F / 256 with F = ceil(256 q m / (255 u));
what is added is that product rounded down. Rare words add q w / u, in float32, rounded down. Both
lose less than 1.01 units a word; words of negative weight add 0, which is too much. Sums stay
below 60,000 and one for each word. So no row scores above u * (sum + 1.01 words) in real
arithmetic. A float32 score of n words is off by at most (n + 1) 2^-24 / (1 - (n + 1) 2^-24) of the
sum of |q| m, and by 2^-149 a word where numbers are subnormal; `slack` is twice that plus 1e-30,
which covers the errors of the double precision in which bounds are made. A row is skipped only if
u * (sum + 1.01 words) + slack is less than a score that k admitted rows reach. Equal scores are
never skipped, so ties are resolved by id.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lexsearch.stores.lexical._compiled import (
    add_to_8,
    compiled,
    copy_8,
    prefetch,
    rows_above,
    u32_at,
)
from lexsearch.stores.lexical._derived import (
    BLOCK,
)
from lexsearch.stores.lexical._kernels import (
    COLUMNS,
    FWD_IDS,
    FWD_PTR,
    FWD_WEIGHTS,
    offer,
    scan,
    score_row,
)
from lexsearch.stores.lexical._sums import add_columns, sum_up

UNITS = 60_000.0  # the largest sum, below the largest uint16
MOST_WORDS = 4_000  # of a query, so that rounding cannot carry a sum over 65,535
LOSS = 1.01  # units a word
BUCKET_BITS = 5  # sums are counted in steps of 32 units
BUCKETS = 65_536 >> BUCKET_BITS
AHEAD = 6  # rows asked for before they are scored
NEAR, NEAR_AHEAD = 64, 3  # blocks that are looked at together, and asked for before
SAMPLE = 512  # groups of 32 rows by whose bounds the k-th score is guessed
GROUPS = 3  # groups, per image wanted, that should reach the guess
TRIES = 12


@compiled
def _guess(sums: Any, blocks: Any, size: Any, n: Any) -> Any:
    """A number that the bounds of about n groups of 32 rows reach, from a sample of groups."""
    groups = size >> 5
    step = max(1, groups // SAMPLE)
    maxima = np.empty(groups // step, np.uint16)
    for turn in range(len(maxima)):
        best, group = 0, turn * step
        for block in range(4 * group, 4 * group + 4):
            most = np.uint16(0)
            for i in range(BLOCK * block, BLOCK * block + BLOCK):
                most = max(most, sums[i])
            best = max(best, np.int64(most) + np.int64(blocks[block]))
        maxima[turn] = best
    return _nth_best(maxima, len(maxima), max(1, n // step))


@compiled
def _collect(
    parts: Any, firsts: Any, places: Any, admitted: Any, lines: Any, factors: Any, used: Any,
    sums: Any, blocks: Any, level: Any, rows: Any, bounds: Any,
) -> Any:  # fmt: skip
    """Admitted rows that reach the level by their own weights; returns how many.

    Args:
        rows, bounds: int64, ascending, and uint16, filled here. When they are too short for all,
            their length is returned and what they hold is not all there is.
    """
    own, near = np.empty(BLOCK, np.uint16), np.empty(NEAR, np.int64)
    here, found, p, n, last = own.ctypes.data, 0, 0, 0, places[-1] >> 5
    of_rows, of_blocks = sums.ctypes.data, blocks.ctypes.data
    for turn in range(last):
        mask = rows_above(of_rows + 64 * turn, of_blocks + 8 * turn, np.uint16(level))
        if mask != 0:
            for quarter in range(4):
                if (mask >> np.uint32(8 * quarter)) & np.uint32(255) != 0:
                    near[n] = 32 * turn + 8 * quarter
                    n += 1
        if n < NEAR - 4 and turn + 1 < last:
            continue
        # A handful of blocks: their columns are asked for before the first is looked at.
        ahead, asked = p, 0
        for i in range(n + NEAR_AHEAD):
            while asked < min(i + NEAR_AHEAD, n):
                while near[asked] >= places[ahead + 1]:
                    ahead += 1
                stride = places[ahead + 1] - places[ahead]
                at = parts[ahead, COLUMNS] + near[asked] - places[ahead]
                for j in range(used[ahead]):
                    prefetch(at + lines[ahead, j] * stride)
                asked += 1
            if i >= n:
                break
            while near[i] >= places[p + 1]:
                p += 1
            stride, count = places[p + 1] - places[p], firsts[p + 1] - firsts[p]
            copy_8(here, of_rows + 2 * near[i])
            start = near[i] - places[p]
            at = parts[p, COLUMNS] + start
            for j in range(0, used[p], 4):
                add_to_8(
                    here, at + lines[p, j] * stride, at + lines[p, j + 1] * stride,
                    at + lines[p, j + 2] * stride, at + lines[p, j + 3] * stride,
                    factors[p, j], factors[p, j + 1], factors[p, j + 2], factors[p, j + 3],
                )  # fmt: skip
            for j in range(min(BLOCK, count - start)):
                row = firsts[p] + start + j
                if own[j] < level or (len(admitted) and not admitted[row]):
                    continue
                if found == len(rows):
                    return found
                rows[found], bounds[found] = row, own[j]
                found += 1
        n = 0
    return found


@compiled
def _blocks_above(sums: Any, blocks: Any, level: Any) -> Any:
    """How many blocks have a row that reaches the level by the bounds of blocks."""
    of_rows, of_blocks, found = sums.ctypes.data, blocks.ctypes.data, 0
    for turn in range(len(sums) >> 5):
        mask = rows_above(of_rows + 64 * turn, of_blocks + 8 * turn, np.uint16(level))
        if mask != 0:
            for quarter in range(4):
                if (mask >> np.uint32(8 * quarter)) & np.uint32(255) != 0:
                    found += 1
    return found


@compiled
def _nth_best(values: Any, count: Any, n: Any) -> Any:
    """A number that at least n of `count` uint16 values reach, and few more; 0 if n > count."""
    of_bucket = np.zeros(BUCKETS, np.int64)
    for i in range(count):
        of_bucket[values[i] >> BUCKET_BITS] += 1
    reached, bucket = 0, BUCKETS
    while bucket > 0 and reached < n:
        bucket -= 1
        reached += of_bucket[bucket]
    return np.int64(bucket) << BUCKET_BITS


@compiled
def _ask_for_row(part: Any, row: Any) -> None:
    """Prefetch the words and weights of a row."""
    at = 2 * np.int64(u32_at(part[FWD_PTR], row))
    stop = 2 * np.int64(u32_at(part[FWD_PTR], row + 1))
    while at < stop:
        prefetch(part[FWD_IDS] + at)
        prefetch(part[FWD_WEIGHTS] + at)
        at += 64


@compiled
def _score_rows(
    parts: Any, firsts: Any, image_ids: Any, of_word: Any, rows: Any, bounds: Any, count: Any,
    least: Any, below: Any, scores: Any, ids: Any, held: Any, counts: Any,
) -> Any:  # fmt: skip
    """Offer the rows with least <= bound < below to the heap of the k best; how many it has."""
    chosen = np.empty(count, np.int64)
    n = 0
    for i in range(count):
        if bounds[i] >= least and bounds[i] < below:
            chosen[n] = rows[i]
            n += 1
    counts[0] += n
    p, asked, asked_part = 0, 0, 0
    for i in range(n):
        while asked < min(i + AHEAD, n):
            while chosen[asked] >= firsts[asked_part + 1]:
                asked_part += 1
            _ask_for_row(parts[asked_part], chosen[asked] - firsts[asked_part])
            asked += 1
        while chosen[i] >= firsts[p + 1]:
            p += 1
        score = score_row(parts[p], chosen[i] - firsts[p], of_word)
        held = offer(scores, ids, held, score, image_ids[chosen[i]])
    return held


@compiled
def search(
    parts: Any, firsts: Any, places: Any, image_ids: Any, admitted: Any, words: Any, weights: Any,
    vocab_size: Any, unit: Any, slack: Any, many_blocks: Any, sums: Any, blocks: Any, rows: Any,
    bounds: Any, scores: Any, ids: Any, counts: Any,
) -> Any:  # fmt: skip
    """The k best admitted rows of all segments, scoring only those that can be among them.

    Args:
        places: int64 (segments + 1,), first row of each segment where all are padded.
        unit, slack: see the module.
        many_blocks: the columns are added for all rows when more blocks come into question.
        sums, blocks: uint16 (places[-1],) and (places[-1] / 8,); rows, bounds: int64 and uint16,
            as long as rows may be scored. All four for use in here only.
        counts: int64 (2,), filled here: rows scored; 1 where too many came into question and
            the plain scan was taken.
        others: as in `scan`.

    Returns:
        How many were found.
    """
    k, held = len(scores), 0
    lines = np.empty((len(parts), len(words) + 4), np.int64)
    factors = np.empty((len(parts), len(words) + 4), np.uint16)
    used = np.empty(len(parts), np.int64)
    counts[0], counts[1] = 0, 0
    sum_up(parts, firsts, places, words, weights, unit, lines, factors, used, sums, blocks)
    guess = _guess(sums, blocks, places[-1], GROUPS * k)
    by_block = used.max() > 0
    if by_block and _blocks_above(sums, blocks, guess) > many_blocks:
        add_columns(parts, places, lines, factors, used, sums, blocks)
        guess, by_block = _guess(sums, blocks, places[-1], GROUPS * k), False
    found, least = 0, np.int64(0)
    for _ in range(TRIES):
        found = _collect(
            parts, firsts, places, admitted, lines, factors, used, sums, blocks, guess, rows,
            bounds,
        )  # fmt: skip
        least = _nth_best(bounds, found, k)
        if found == len(rows):  # too many: try again with what k of these reach
            if least <= guess:
                break
            guess = least
        elif found >= k or guess == 0:
            break
        else:
            guess = np.int64(guess * 0.875) if guess > 64 else np.int64(0)
            if by_block and _blocks_above(sums, blocks, guess) > many_blocks:
                add_columns(parts, places, lines, factors, used, sums, blocks)
                guess, by_block = _guess(sums, blocks, places[-1], GROUPS * k), False
    least = max(least, guess)  # what is below the guess was not found, so it is not scored
    if found < len(rows) and (found >= k or guess == 0):
        of_word = np.zeros(vocab_size, np.float32)
        for j in range(len(words)):
            of_word[words[j]] = weights[j]
        held = _score_rows(
            parts, firsts, image_ids, of_word, rows, bounds, found, least, 65_536, scores, ids,
            held, counts,
        )  # fmt: skip
        level = np.int64(0)
        if held == k:
            reached = np.floor((np.float64(scores[0]) - slack) / unit - LOSS * len(words) - 1)
            level = np.int64(max(0.0, min(reached, 65_535.0)))
        if level < guess:
            if by_block and _blocks_above(sums, blocks, level) > many_blocks:
                add_columns(parts, places, lines, factors, used, sums, blocks)
            found = _collect(
                parts, firsts, places, admitted, lines, factors, used, sums, blocks, level, rows,
                bounds,
            )  # fmt: skip
        if found < len(rows):
            return _score_rows(
                parts, firsts, image_ids, of_word, rows, bounds, found, level, least, scores, ids,
                held, counts,
            )  # fmt: skip
    counts[1] = 1
    floor = scores[0] if held == k else np.float32(-np.inf)
    return scan(parts, firsts, image_ids, admitted, words, weights, floor, scores, ids)
