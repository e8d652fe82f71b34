"""Token store over memory-mapped int8 rows, with the late-interaction kernel in NumPy.

Only the rows of the images asked for are read. They are widened to float32 in chunks of fixed
size and multiplied with the query by BLAS; the query is never rounded. Late interaction after
Khattab and Zaharia 2020 and, as a mean over query tokens, Yao et al. 2021 (FILIP).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from lexsearch.protocols import Sections
from lexsearch.stores.blocks import Block, Blocks
from lexsearch.stores.row_table import BoolArray
from lexsearch.stores.segment_data import MAX_ROWS, TOKEN_LEVELS, entries, token_sections
from lexsearch.types import FloatArray, IntArray, TokenVectors

# Image tokens widened at a time: 2 MB of float32 at width 128, which stays in the cache.
CHUNK_TOKENS = 4_096
# Multiplications that one call of BLAS is given. OpenBLAS starts its threads above 4 * 65,536;
# for products this small they cost more than they bring, on a busy machine forty times more.
CALL_SIZE = 4 * 65_536


def build(*, dim: int, scale: float) -> MemmapTokenStore:
    """An empty store of tokens of that width; the component 127 stands for `scale`."""
    return MemmapTokenStore(dim, scale)


class MemmapTokenStore:
    """A `TokenStore` over attached segments and rows added in memory."""

    def __init__(self, dim: int, scale: float) -> None:
        self._dim = dim
        self._scale = scale
        self._blocks = Blocks("tokens")

    def __len__(self) -> int:
        return len(self._blocks.table)

    def add(self, ids: IntArray, vectors: TokenVectors) -> None:
        """Add images; an id that is present already is replaced.

        Raises:
            ValueError: another width, or a value that is not finite.
        """
        self._check_dim(vectors.dim)
        if len(ids) != len(vectors):
            raise ValueError(f"{len(ids)} ids for {len(vectors)} sets of tokens")
        for start in range(0, len(vectors), MAX_ROWS):
            bounds = vectors.offsets[start : start + MAX_ROWS + 1]
            values = vectors.values[int(bounds[0]) : int(bounds[-1])]
            part = TokenVectors(values, bounds - bounds[0])
            self._blocks.add(ids[start : start + MAX_ROWS], token_sections(part, scale=self._scale))

    def attach(self, ids: IntArray, sections: Sections, *, live: BoolArray | None = None) -> None:
        """Add the arrays of one segment without copying them; dead rows are never found.

        Raises:
            ValueError: another width, or ids and rows differ in number.
        """
        self._check_dim(sections["values"].shape[1])
        self._blocks.attach(ids, sections, live)

    def remove(self, ids: IntArray) -> int:
        """Remove; returns how many were present."""
        return self._blocks.table.remove(ids)

    def score(self, query: TokenVectors, ids: IntArray) -> FloatArray:
        """Mean over query tokens of the best match among an image's tokens.

        Args:
            query: one set of q tokens. With weights w_t the score is
                sum_t w_t * best_t / sum_t |w_t|; a negative weight counts w_t * best_t too.
            ids: int64, any order, repeats allowed.

        Returns:
            float32 (len(ids),); NaN where an image is not held or has no tokens, 0 for all
            others when the query has no tokens or only weights of 0.

        Raises:
            ValueError: not exactly one query, or another width.
        """
        if len(query) != 1:
            raise ValueError(f"a score takes one query, not {len(query)}")
        self._check_dim(query.dim)
        tokens = query.item(0)
        shares = _shares(query)
        rows = self._blocks.table.rows_of(ids)
        scores = np.full(len(rows), np.nan, dtype=np.float32)
        kernel = _Kernel(tokens * np.float32(self._scale / TOKEN_LEVELS), shares)
        for block, places, local in self._blocks.members(rows):
            order = np.argsort(local, kind="stable")  # ascending: the disk is read forwards
            scores[places[order]] = kernel.block(block, local[order])
        return scores

    def vectors(self, ids: IntArray) -> TokenVectors:
        """Stored tokens of the named images, dequantised, in that order; unknown id: KeyError."""
        rows = self._blocks.table.held_rows(ids)
        lengths = np.zeros(len(rows), dtype=np.int64)
        found: list[tuple[IntArray, npt.NDArray[np.generic]]] = []
        for block, places, local in self._blocks.members(rows):
            where, counts = entries(block.arrays["offsets"], local)
            lengths[places] = counts
            found.append((places, np.asarray(block.arrays["values"])[where]))
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        values = np.zeros((int(offsets[-1]), self._dim), dtype=np.float32)
        for places, stored in found:
            values[entries(offsets, places)[0]] = stored
        return TokenVectors(values * np.float32(self._scale / TOKEN_LEVELS), offsets)

    def _check_dim(self, found: int) -> None:
        if found != self._dim:
            raise ValueError(f"tokens of dim {found}; this store has {self._dim}")


class _Kernel:
    """Scores images against one query, with two buffers that serve all chunks.

    Both sides are cut into pieces of one size, filled up with zeros: with one shape and no ragged
    edge BLAS treats a row alike wherever it stands, so an image's score does not depend on its
    company.

    Args:
        query: float32 (q, dim), already times the value of one int8 step.
        shares: float64 (q,), what each query token counts.
    """

    def __init__(self, query: FloatArray, shares: npt.NDArray[np.float64]) -> None:
        dim = query.shape[1]
        piece = 8 if len(query) <= 8 else 16
        pieces = max(1, -(-len(query) // piece))
        step = _step(piece * dim)
        self._shares = shares
        self._tokens = np.zeros((CHUNK_TOKENS, dim), dtype=np.float32)
        self._products = np.zeros((pieces * piece, CHUNK_TOKENS), dtype=np.float32)
        padded = np.zeros((pieces * piece, dim), dtype=np.float32)
        padded[: len(query)] = query
        # Views on the same memory, piece by piece: (pieces, 1, piece, dim) times
        # (1, steps, dim, step) gives (pieces, steps, piece, step).
        self._left = padded.reshape(pieces, 1, piece, dim)
        self._right = self._tokens.reshape(1, -1, step, dim).transpose(0, 1, 3, 2)
        self._out = self._products.reshape(pieces, piece, -1, step).transpose(0, 2, 1, 3)
        self._step = step

    def block(self, block: Block, local: IntArray) -> FloatArray:
        """Scores of some rows of a block, float32 (len(local),); NaN without tokens."""
        values = np.asarray(block.arrays["values"])
        offsets = np.asarray(block.arrays["offsets"], dtype=np.int64)
        lengths = offsets[local + 1] - offsets[local]
        scores = np.full(len(local), np.nan, dtype=np.float32)
        filled = np.flatnonzero(lengths > 0)
        for start, stop in _chunks(lengths[filled]):
            chosen = filled[start:stop]
            where, counts = entries(offsets, local[chosen])
            scores[chosen] = self._chunk(values, where, counts)
        return scores

    def _chunk(
        self, values: npt.NDArray[np.generic], where: IntArray, counts: IntArray
    ) -> FloatArray:
        """Scores of the images whose tokens are values[where], counts[i] > 0 per image."""
        best = np.full((len(self._products), len(counts)), -np.inf, dtype=np.float32)
        starts = np.cumsum(counts) - counts
        for first in range(0, len(where), CHUNK_TOKENS):
            part = where[first : first + CHUNK_TOKENS]
            consecutive = bool((part[1:] - part[:-1] == 1).all())
            rows = values[int(part[0]) : int(part[-1]) + 1] if consecutive else values[part]
            self._tokens[: len(part)] = rows
            steps = -(-len(part) // self._step)
            np.matmul(self._left, self._right[:, :steps], out=self._out[:, :steps])
            # More than one round only for a single image with more tokens than a chunk holds.
            bounds = starts if first == 0 else np.zeros(1, dtype=np.int64)
            found = np.maximum.reduceat(self._products[:, : len(part)], bounds, axis=1)
            np.maximum(best, found, out=best)
        total = np.zeros(len(counts), dtype=np.float64)
        for share, row in zip(self._shares, best, strict=False):
            total += share * row
        return total.astype(np.float32)


def _step(size: int) -> int:
    """Image tokens per call: a power of two from 16 to CHUNK_TOKENS that keeps to CALL_SIZE."""
    step = 16
    while step < CHUNK_TOKENS and 2 * step * size <= CALL_SIZE:
        step *= 2
    return step


def _chunks(lengths: IntArray) -> Iterator[tuple[int, int]]:
    """Ranges of images, each with at most CHUNK_TOKENS tokens together or a single image."""
    ends = np.cumsum(lengths)
    start = 0
    while start < len(lengths):
        before = int(ends[start - 1]) if start else 0
        stop = int(np.searchsorted(ends, before + CHUNK_TOKENS, side="right"))
        stop = max(stop, start + 1)
        yield start, stop
        start = stop


def _shares(query: TokenVectors) -> npt.NDArray[np.float64]:
    """What each query token counts: its weight over the sum of magnitudes; 0 if that is 0."""
    count = len(query.item(0))
    start = int(query.offsets[0])
    weights = np.ones(count) if query.weights is None else query.weights[start : start + count]
    weights = weights.astype(np.float64)
    total = float(np.abs(weights).sum())
    return weights / total if total > 0 else np.zeros(count)
