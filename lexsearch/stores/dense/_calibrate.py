"""How many inverted lists a search has to visit, measured on queries that look like texts.

Liang et al. 2022, Mind the gap: texts lie at a distance from images, so a text has its neighbours
in more lists than an image has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from lexsearch.types import FloatArray, IntArray

Raw: TypeAlias = Callable[[IntArray], FloatArray]
Probe: TypeAlias = Callable[[FloatArray, int, int], IntArray]

# Queries, neighbours compared, the recall to reach, the first number of lists tried.
BANK, DEPTH, RECALL, FIRST_PROBES = 200, 100, 0.95, 8
# Standard errors of the measured recall that have to lie above the recall to reach.
MARGIN_ERRORS = 2.0
# Lengths that a query made from an image is moved away from it. With 3, generated texts and such
# queries find equal shares in equally many lists at 30,000 images (at more, these ask for more);
# with 1, texts find .93 where these find .96.
GAP = 3.0
CHUNK_ROWS = 16_384


def calibrate(probe: Probe, lists: int, truth: IntArray, bank: FloatArray) -> tuple[int, float]:
    """The smallest number of lists that reaches recall@100 >= .95, and the recall it has.

    Numbers are tried in quarters of an octave: 8, 10, 12, 14, 16, 20, ... The recall must lie two
    of its standard errors above .95, so that it holds for other queries too.

    Args:
        probe: the best of so many lists: called with queries, neighbours wanted, lists visited;
            int64 (n, neighbours), -1 where there are fewer.
        lists: how many there are.
        truth: the neighbours by all dot products, int64 (n, depth).
        bank: queries, float32 (n, dim).
    """
    for probes in _numbers(lists):
        found = probe(bank, truth.shape[1], probes)
        hits = [len(np.intersect1d(a, b)) for a, b in zip(truth, found, strict=True)]
        shares = np.array(hits, dtype=np.float64) / max(1, truth.shape[1])
        recall = float(shares.mean()) if len(shares) else 1.0
        error = float(shares.std()) / max(1, len(shares)) ** 0.5
        if recall - MARGIN_ERRORS * error >= RECALL:
            break
    return probes, round(recall, 4)


def _numbers(lists: int) -> Iterator[int]:
    octave = FIRST_PROBES
    while octave < lists:
        yield from (n for n in range(octave, 2 * octave, octave // 4) if n < lists)
        octave *= 2
    yield lists


def text_like(raw: Raw, rows: IntArray, rng: np.random.Generator) -> FloatArray:
    """At most 200 unit queries as far from the images as texts are.

    Each is an image moved towards a random direction by three times its own length (cosine about
    0.3, like that of a photo and its caption), which spreads its neighbours over more lists than
    an image as query does.

    Args:
        raw: reads rows as float32.
        rows: int64, at least 1.
        rng: chooses rows and directions.
    """
    images = raw(np.sort(rng.permutation(rows)[:BANK]))
    directions = rng.normal(size=images.shape)
    lengths = np.linalg.norm(images, axis=1, keepdims=True)
    directions *= GAP * lengths / np.linalg.norm(directions, axis=1, keepdims=True)
    moved = images + directions
    moved /= np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)
    return np.ascontiguousarray(moved, dtype=np.float32)


def exact_neighbours(raw: Raw, rows: IntArray, queries: FloatArray, depth: int) -> IntArray:
    """The `depth` best of some rows per query by all dot products, in no order.

    Returns:
        Places in `rows`, int64 (n, depth).
    """
    best = np.full((len(queries), depth), -np.inf, dtype=np.float32)
    found = np.full((len(queries), depth), -1, dtype=np.int64)
    for start, part in parts(rows):
        scores = np.concatenate([best, queries @ raw(part).T], axis=1)
        places = np.arange(start, start + len(part))
        held = np.concatenate([found, np.broadcast_to(places, (len(queries), len(part)))], axis=1)
        top = np.argpartition(-scores, depth - 1, axis=1)[:, :depth]
        best, found = (np.take_along_axis(a, top, axis=1) for a in (scores, held))
    return found


def rescored(
    raw: Raw, rows: IntArray, queries: FloatArray, found: IntArray, depth: int
) -> IntArray:
    """The `depth` best of what was found for each query, by dot products with the rows themselves.

    Args:
        raw: reads rows as float32.
        rows: int64, row of every number.
        queries: float32 (n, dim).
        found: int64 (n, proposals), numbers, -1 where there are fewer.
        depth: at most `proposals`.

    Returns:
        Numbers, int64 (n, depth), in no order; -1 where there are fewer.
    """
    best = np.full((len(queries), depth), -1, dtype=np.int64)
    for place, (query, numbers) in enumerate(zip(queries, found, strict=True)):
        held = numbers[numbers >= 0]
        scores = raw(rows[held]) @ query
        top = np.argsort(-scores, kind="stable")[:depth]
        best[place, : len(top)] = held[top]
    return best


def parts(rows: IntArray) -> Iterator[tuple[int, IntArray]]:
    """Rows in pieces that fit into memory as float32, each with its place."""
    for start in range(0, len(rows), CHUNK_ROWS):
        yield start, rows[start : start + CHUNK_ROWS]
