"""Word index in machine code: a plain scan of the postings, or only of blocks worth it.

Exact like the NumPy index, to the bit; see `_kernels` and `_block_max`. A scan needs nothing but
the arrays of the segment files. The block grid of `search_blocks` is derived from them at the
first search of an index large enough for it, and kept in memory per segment.

Source: block-max pruning with small blocks after Mallia, Suel and Tonellotto 2024 (BMP); planner,
exact float scores and the mix of grid rows and postings are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from lexsearch.protocols import Sections
from lexsearch.ranking.topk import top_k
from lexsearch.stores.blocks import Block, Blocks
from lexsearch.stores.lexical import _block_max as block_max
from lexsearch.stores.lexical import _kernels as kernels
from lexsearch.stores.lexical._segmented import Scorer, SegmentedLexicalIndex, WordArray
from lexsearch.stores.row_table import BoolArray
from lexsearch.types import FloatArray, IntArray, Ranking, SparseVectors

# From so many images on, bounds and the blocks they leave cost less than a plain scan. At a
# million (benchmarks/bench_lexical --blocks-from 0) they win a little at the median, lose at the
# tail and take 0.5 GB; the share of blocks that is left falls with the number of images.
BLOCKS_FROM = 2_000_000
# Most results that blocks are searched for: with more, too many blocks stay in question.
BLOCKS_MOST_RESULTS = 1_000
# A word in at least this share of a segment's images gets a row of the grid (1 byte for 8
# images); of rarer words the postings themselves are added up.
GRID_SHARE = 1 / 128
# One posting added in a scan costs so much less than one image scored from its own words, that
# at most one allowed image in so many is scored by itself.
ALLOWED_SHARE = 60
# Sums of weights beyond this could overflow; the bounds are not made for infinity.
LARGEST_SUM = 1e33
EVERYTHING = np.zeros(0, dtype=np.bool_)


def build(*, vocab_size: int, blocks: Blocks | None = None) -> NumbaImpactIndex:
    """An index over a vocabulary of that many words: empty, or over blocks that others share."""
    return NumbaImpactIndex(vocab_size, blocks)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a search went: blocks scored by their own words, and whether it fell back to a scan."""

    blocks_scored: int = 0
    fell_back: bool = False


class Part:
    """One segment as the kernels take it.

    Raises:
        ValueError: the arrays contradict each other; machine code must not follow them.
    """

    def __init__(self, arrays: Sections) -> None:
        self._arrays = {
            name: np.require(np.asarray(arrays[name]), dtype, ("C", "A"))
            for name, dtype in (
                ("fwd_ptr", np.uint32),
                ("fwd_ids", np.uint16),
                ("fwd_weights", np.float16),
                ("inv_ptr", np.uint32),
                ("inv_rows", np.uint16),
                ("inv_weights", np.float16),
            )
        }
        self.count = len(self._arrays["fwd_ptr"]) - 1
        self.vocab_size = len(self._arrays["inv_ptr"]) - 1
        self._check("fwd_ptr", "fwd_ids", self.vocab_size)
        self._check("inv_ptr", "inv_rows", self.count)

    def _check(self, pointers: str, targets: str, bound: int) -> None:
        at, to = self._arrays[pointers], self._arrays[targets]
        weights = self._arrays[targets[:4] + "weights"]
        if at[0] != 0 or at[-1] != len(to) or len(to) != len(weights) or (at[1:] < at[:-1]).any():
            raise ValueError(f"{pointers} does not fit {len(to)} entries of {targets}")
        if len(to) and int(to.max()) >= bound:
            raise ValueError(f"{targets} holds {int(to.max())}; expected less than {bound}")

    @property
    def nnz(self) -> int:
        """Words of all its images."""
        return len(self._arrays["fwd_ids"])

    @property
    def block_count(self) -> int:
        """Blocks of its rows."""
        return -(-self.count // block_max.BLOCK)

    @cached_property
    def word_max(self) -> FloatArray:
        """Heaviest weight of every word, float32 (vocab_size,)."""
        maxima = np.zeros(self.vocab_size, dtype=np.float32)
        block_max.word_maxima(self._arrays["inv_ptr"], self._bits("inv_weights"), maxima)
        return maxima

    @cached_property
    def grid(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
        """Row of the grid by word (-1 = none), and the grid: see `fill_grid`."""
        held = np.diff(self._arrays["inv_ptr"].astype(np.int64))
        frequent = np.flatnonzero(held >= max(1, int(GRID_SHARE * self.count)))
        row = np.full(self.vocab_size, -1, dtype=np.int32)
        row[frequent] = np.arange(len(frequent), dtype=np.int32)
        stride = -(-self.block_count // kernels.CHUNK) * kernels.CHUNK
        grid = np.zeros((len(frequent), stride), dtype=np.uint8)
        block_max.fill_grid(
            self._arrays["inv_ptr"],
            self._arrays["inv_rows"],
            self._bits("inv_weights"),
            self.word_max,
            row,
            grid,
        )
        return row, grid

    def addresses(self, *, with_grid: bool) -> list[int]:
        """Where the kernels find its arrays, in their order; 0 = not derived."""
        found = [array.ctypes.data for array in self._arrays.values()]
        if not with_grid:
            return [*found, 0, 0, 0]
        return [*found, *(a.ctypes.data for a in (self.word_max, *self.grid))]

    def _bits(self, name: str) -> npt.NDArray[np.uint16]:
        return self._arrays[name].view(np.uint16)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """All segments as the kernels take them.

    Attributes:
        blocks: what it was made of. parts: keeps the memory behind the addresses alive.
        addresses: int64 (segments, PART). firsts, block_firsts: int64 (segments + 1,).
        word_max: float32 (vocab_size,), None without grids. words_per_row: mean.
    """

    blocks: tuple[Block, ...]
    parts: Sequence[Part]
    addresses: IntArray
    firsts: IntArray
    block_firsts: IntArray
    word_max: FloatArray | None
    words_per_row: float

    def serves(self, blocks: tuple[Block, ...], *, with_grid: bool) -> bool:
        """Whether it was made of these blocks, with grids where they are wanted."""
        return self.blocks == blocks and (self.word_max is not None or not with_grid)


class NumbaImpactIndex(SegmentedLexicalIndex):
    """A `LexicalIndex` in machine code. Searches in several threads do not disturb each other.

    Args:
        vocab_size: words of the vocabulary.
        blocks: rows that others share, None = none yet.
        blocks_from: images from which on blocks are searched.
        patience: blocks may cost so many times the plain scan; 1 = what the planner expects.

    Attributes:
        plan: of the last search.
    """

    def __init__(
        self,
        vocab_size: int,
        blocks: Blocks | None = None,
        *,
        blocks_from: int = BLOCKS_FROM,
        patience: float = 1.0,
    ) -> None:
        super().__init__(vocab_size, _scorer, blocks)
        self._blocks_from = blocks_from
        self._patience = patience
        self._parts: WeakKeyDictionary[Block, Part] = WeakKeyDictionary()
        self._table: Table | None = None
        self.plan = Plan()

    @property
    def derived_bytes(self) -> int:
        """Memory of what was derived from the segments so far."""
        table = self._table
        if table is None or table.word_max is None:
            return 0
        return sum(p.word_max.nbytes + p.grid[0].nbytes + p.grid[1].nbytes for p in table.parts)

    def search(self, query: SparseVectors, k: int, *, allowed: IntArray | None = None) -> Ranking:
        """The k best live images by the product of weights, those that score 0 included."""
        words, weights = self._query_row(query)
        rows = self._blocks.table
        count = len(rows) if allowed is None else len(allowed)
        self.plan = Plan()
        heavy = not np.abs(weights).sum(dtype=np.float64) < LARGEST_SUM
        if k < 1 or 4 * k >= count or heavy:
            return super().search(query, k, allowed=allowed)
        admitted = EVERYTHING if len(rows) == rows.size else rows.live
        if allowed is not None:
            chosen = rows.candidates(allowed)
            if len(chosen) * ALLOWED_SHARE < rows.size:
                scores = self._score_chosen(chosen, words, weights)
                return top_k(rows.ids[chosen], scores, k, source="lexical")
            admitted = np.zeros(rows.size, dtype=np.bool_)
            admitted[chosen] = True
        return self._best(words, weights, k, admitted)

    def score(self, query: SparseVectors, ids: IntArray) -> FloatArray:
        """Scores of the named images, from their own words; NaN where not held."""
        words, weights = self._query_row(query)
        return self._score_chosen(self._blocks.table.rows_of(ids), words, weights)

    def _best(self, words: WordArray, weights: FloatArray, k: int, admitted: BoolArray) -> Ranking:
        image_ids = np.ascontiguousarray(self._blocks.table.ids)
        scores, ids = np.empty(k, dtype=np.float32), np.empty(k, dtype=np.int64)
        by_blocks = len(image_ids) >= self._blocks_from and k <= BLOCKS_MOST_RESULTS
        table = self._tables(with_grid=by_blocks)
        maxima = None if table.word_max is None else table.word_max[words].astype(np.float64)
        best = 0.0 if maxima is None else float(np.maximum(weights, 0) @ maxima)
        if by_blocks and maxima is not None and best > 0:
            slack = float(np.abs(weights) @ maxima) * (len(words) + 2) * 2.0**-23 + 1e-30
            counts = np.zeros(2, dtype=np.int64)
            held = block_max.search_blocks(
                table.addresses, table.firsts, table.block_firsts, image_ids, admitted, words,
                weights, self._vocab_size, best / block_max.UNITS, slack, table.words_per_row,
                self._patience, scores, ids, counts,
            )  # fmt: skip
            self.plan = Plan(int(counts[0]), bool(counts[1]))
        else:
            floor = np.float32(-np.inf)
            held = kernels.scan(
                table.addresses, table.firsts, image_ids, admitted, words, weights, floor,
                scores, ids,
            )  # fmt: skip
        order = np.lexsort((ids[:held], -scores[:held]))
        return Ranking(ids[:held][order], scores[:held][order], "lexical")

    def _score_chosen(self, rows: IntArray, words: WordArray, weights: FloatArray) -> FloatArray:
        totals = np.empty(len(rows), dtype=np.float32)
        of_word = np.zeros(self._vocab_size, dtype=np.float32)
        of_word[words] = weights
        table = self._tables(with_grid=False)
        kernels.score_chosen(table.addresses, table.firsts, rows, of_word, totals)
        return totals

    def _tables(self, *, with_grid: bool) -> Table:
        blocks, table = tuple(self._blocks), self._table
        if table is not None and table.serves(blocks, with_grid=with_grid):
            return table
        parts = [self._part(block) for block in blocks]
        addresses = np.zeros((len(parts), kernels.PART), dtype=np.int64)
        for i, part in enumerate(parts):
            addresses[i] = part.addresses(with_grid=with_grid)
        maxima = [part.word_max for part in parts] if with_grid else []
        self._table = table = Table(
            blocks,
            parts,
            addresses,
            np.cumsum([0, *(part.count for part in parts)], dtype=np.int64),
            np.cumsum([0, *(part.block_count for part in parts)], dtype=np.int64),
            np.max(maxima, axis=0) if maxima else None,
            sum(part.nnz for part in parts) / max(1, sum(part.count for part in parts)),
        )
        return table

    def _part(self, block: Block) -> Part:
        part = self._parts.get(block)
        if part is None:
            part = self._parts[block] = Part(block.arrays)
        return part

    def _query_row(self, query: SparseVectors) -> tuple[WordArray, FloatArray]:
        words, weights = super()._query_row(query)
        if len(words) and (words.min() < 0 or words.max() >= self._vocab_size):
            raise ValueError(f"a word id lies outside the vocabulary of {self._vocab_size}")
        return np.ascontiguousarray(words, dtype=np.int32), np.ascontiguousarray(weights)


def _scorer(arrays: Sections) -> Scorer:
    part = Part(arrays)
    addresses = np.array(part.addresses(with_grid=False), dtype=np.int64)
    return partial(_scores, part, addresses)


def _scores(part: Part, addresses: IntArray, words: WordArray, weights: FloatArray) -> FloatArray:
    """Scores of every row of one segment, float32 (rows,)."""
    totals = np.zeros(part.count, dtype=np.float32)
    kernels.add_postings(addresses, words, weights, totals)
    return totals
