"""Compiled scan over the words of all segments, and the scores of single rows.

A score is the float32 sum of float32 products in ascending order of the word ids, as in the
NumPy index, so it is the same number wherever and however it is computed.

`parts` describes the segments, int64 (segments, PART): the addresses of the arrays of a segment
file and of what `impact_numba` derives from them.

    FWD_PTR u32, FWD_IDS u16, FWD_WEIGHTS u16 (bits of float16): words by row
    INV_PTR u32, INV_ROWS u16, INV_WEIGHTS u16: rows by word
    RECORDS u32 (vocab, 8), of words, COLUMNS u8 (lines, rows) and GRID u8 (lines, blocks) of
    frequent words: see `_skipping`
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lexsearch.stores.lexical._compiled import (
    array_at,
    compiled,
    compiled_maximum,
    weight_of_bits,
)

FWD_PTR, FWD_IDS, FWD_WEIGHTS, INV_PTR, INV_ROWS, INV_WEIGHTS, RECORDS, COLUMNS, GRID, PART = range(
    10
)
CHUNK = 64  # rows, or blocks, whose maximum is looked at before they are
MOST_ROWS = 65_536  # of a segment


@compiled
def _worse(score: Any, image_id: Any, other_score: Any, other_id: Any) -> Any:
    return score < other_score or (score == other_score and image_id > other_id)


@compiled
def offer(scores: Any, ids: Any, held: Any, score: Any, image_id: Any) -> Any:
    """Put an image into the heap of the k best, the worst at its root; returns how many it has."""
    k = len(scores)
    if held < k:
        place = held
        while place > 0:
            parent = (place - 1) >> 1
            if not _worse(score, image_id, scores[parent], ids[parent]):
                break
            scores[place], ids[place] = scores[parent], ids[parent]
            place = parent
        scores[place], ids[place] = score, image_id
        return held + 1
    if not _worse(scores[0], ids[0], score, image_id):
        return held
    place = 0
    while True:
        child = 2 * place + 1
        if child >= k:
            break
        if child + 1 < k and _worse(scores[child + 1], ids[child + 1], scores[child], ids[child]):
            child += 1
        if not _worse(scores[child], ids[child], score, image_id):
            break
        scores[place], ids[place] = scores[child], ids[child]
        place = child
    scores[place], ids[place] = score, image_id
    return held


@compiled_maximum
def chunk_maxima(values: Any, maxima: Any) -> None:
    """Maximum of every CHUNK values, the last chunk may be short."""
    full = len(values) // CHUNK
    for chunk in range(full):
        best = values[chunk * CHUNK]
        for i in range(chunk * CHUNK, chunk * CHUNK + CHUNK):
            best = max(best, values[i])
        maxima[chunk] = best
    if full < len(maxima):
        best = values[full * CHUNK]
        for i in range(full * CHUNK, len(values)):
            best = max(best, values[i])
        maxima[full] = best


@compiled
def add_postings(part: Any, words: Any, weights: Any, totals: Any) -> None:
    """Add the scores of every row of one segment to `totals`, float32 (rows,)."""
    pointers = array_at(part[INV_PTR], 0, np.uint32)
    rows = array_at(part[INV_ROWS], 0, np.uint16)
    bits = array_at(part[INV_WEIGHTS], 0, np.uint16)
    for j in range(len(words)):
        weight = weights[j]
        for i in range(np.int64(pointers[words[j]]), np.int64(pointers[words[j] + 1])):
            totals[rows[i]] += weight * weight_of_bits(bits[i])


@compiled
def scan(
    parts: Any, firsts: Any, image_ids: Any, admitted: Any, words: Any, weights: Any,
    floor: Any, scores: Any, ids: Any,
) -> Any:  # fmt: skip
    """The k best admitted rows of all segments by a scan of all postings of the query's words.

    Args:
        parts: see the module. firsts: int64 (segments + 1,), the store's row of each first row.
        image_ids: int64, by row. admitted: bool, by row; empty = all.
        words: int32, ascending. weights: float32.
        floor: a score that k admitted rows are known to reach; -inf = none is known.
        scores, ids: float32 and int64 (k,), filled here, a heap in no order.

    Returns:
        How many were found.
    """
    totals = np.empty(MOST_ROWS, np.float32)
    maxima = np.empty(MOST_ROWS // CHUNK, np.float32)
    k, held = len(scores), 0
    for p in range(len(parts)):
        first = firsts[p]
        count = firsts[p + 1] - first
        of_rows = totals[:count]
        of_rows[:] = 0
        add_postings(parts[p], words, weights, of_rows)
        if len(admitted):
            for i in range(count):
                if not admitted[first + i]:
                    of_rows[i] = -np.inf
        of_chunks = maxima[: (count + CHUNK - 1) // CHUNK]
        chunk_maxima(of_rows, of_chunks)
        if held == k:
            floor = max(floor, scores[0])
        elif len(of_chunks) > k:
            # k chunks have a row of this score or more.
            floor = max(floor, np.partition(of_chunks, len(of_chunks) - k)[len(of_chunks) - k])
        for chunk in range(len(of_chunks)):
            if of_chunks[chunk] < floor:
                continue
            for i in range(chunk * CHUNK, min(chunk * CHUNK + CHUNK, count)):
                if of_rows[i] >= floor and (len(admitted) == 0 or admitted[first + i]):
                    held = offer(scores, ids, held, of_rows[i], image_ids[first + i])
            if held == k:
                floor = max(floor, scores[0])
    return held


@compiled
def score_row(part: Any, row: Any, of_word: Any) -> Any:
    """Score of one row of a segment from its own words; of_word: float32 (vocab,), 0 = absent.

    Words that the query lacks add 0, which changes no sum.
    """
    pointers = array_at(part[FWD_PTR], 0, np.uint32)
    words = array_at(part[FWD_IDS], 0, np.uint16)
    bits = array_at(part[FWD_WEIGHTS], 0, np.uint16)
    total = np.float32(0)
    for i in range(np.int64(pointers[row]), np.int64(pointers[row + 1])):
        total += of_word[words[i]] * weight_of_bits(bits[i])
    return total


@compiled
def score_chosen(parts: Any, firsts: Any, rows: Any, of_word: Any, totals: Any) -> None:
    """Scores of rows of the store, int64 (n,), into totals, float32 (n,); NaN for rows < 0."""
    for i in range(len(rows)):
        if rows[i] < 0:
            totals[i] = np.nan
        else:
            p = np.searchsorted(firsts, rows[i], side="right") - 1
            totals[i] = score_row(parts[p], rows[i] - firsts[p], of_word)
