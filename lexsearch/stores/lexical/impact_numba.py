"""Word index in machine code: a plain scan of the postings, or whole-number bounds first.

Exact like the NumPy index, to the bit; see `_kernels` and `_skipping`. A scan needs nothing but
the arrays of the segment files. What bounds need is derived from them at the first search of an
index large enough for it, and kept in memory by segment.

Source: bounds for 8 images together after Mallia, Suel and Tonellotto 2024 (BMP). Theirs are of
all words, and what is left is scored in their order; the mix with exact sums of rare words, the
columns of frequent ones, the guess and the float scores are ours.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from lexsearch.protocols import Sections
from lexsearch.ranking.topk import top_k
from lexsearch.stores.blocks import Block, Blocks
from lexsearch.stores.lexical import _derived as derive
from lexsearch.stores.lexical import _kernels as kernels
from lexsearch.stores.lexical import _skipping as skipping
from lexsearch.stores.lexical._segmented import Scorer, SegmentedLexicalIndex, WordArray
from lexsearch.stores.row_table import BoolArray
from lexsearch.types import FloatArray, IntArray, Ranking, SparseVectors

# A word in at least this share of a segment's images keeps its weights by image and by block, 1.1
# byte an image; of rarer words postings are added up. A posting costs about as much as 16 bytes.
FREQUENT = 1 / 16
# Fewest images for which that is worth deriving. Most results that are searched for so.
DERIVE_FROM, MOST_RESULTS = 2_000, 1_000
# When more than this share of the blocks comes into question, all columns are read instead.
MANY_BLOCKS = 1 / 32
# At most this share of the images may be scored by itself; beyond, a scan is cheaper.
SCORED_SHARE = 1 / 40
# One posting added in a scan costs so much less than one image scored from its own words, that
# at most one allowed image in so many is scored by itself.
ALLOWED_SHARE = 60
# Sums of weights beyond this could overflow; the bounds are not made for infinity.
LARGEST_SUM = 1e33
# Sums by row, bounds by block, rows in question and their bounds: see `_skipping.search`.
Working: TypeAlias = tuple[
    npt.NDArray[np.uint16], npt.NDArray[np.uint16], IntArray, npt.NDArray[np.uint16]
]
EVERYTHING = np.zeros(0, dtype=np.bool_)


def build(*, vocab_size: int, blocks: Blocks | None = None) -> NumbaImpactIndex:
    """An index over a vocabulary of that many words: empty, or over blocks that others share."""
    return NumbaImpactIndex(vocab_size, blocks)


def warm_up() -> None:
    """Compile every kernel, or load what is compiled already.

    Some ten seconds of processor time once for a machine and a version, half a second afterwards.
    """
    rows = np.arange(64, dtype=np.int64)
    one = SparseVectors(rows[:2], np.zeros(1, np.int32), np.ones(1, np.float32), 1)
    many = SparseVectors(rows, np.zeros(63, np.int32), np.ones(63, np.float32), 1)
    for derive_from in (len(rows), 0):
        index = NumbaImpactIndex(1, derive_from=derive_from)
        index.add(rows[:63], many)
        index.search(one, 1)
        index.score(one, rows[:1])


@dataclass(frozen=True, slots=True)
class Plan:
    """How a search went: rows scored by their own words, and whether it fell back to a scan."""

    rows_scored: int = 0
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
    def stride(self) -> int:
        """Rows with padding."""
        return -(-self.count // derive.PADDING) * derive.PADDING

    @cached_property
    def word_max(self) -> FloatArray:
        """Heaviest weight of every word, float32 (vocab_size,)."""
        maxima = np.zeros(self.vocab_size, dtype=np.float32)
        derive.word_maxima(self._arrays["inv_ptr"], self._bits("inv_weights"), maxima)
        return maxima

    @cached_property
    def derived(self) -> tuple[npt.NDArray[np.generic], ...]:
        """Records of all words, columns and grid of the frequent ones: see `_derive.fill`."""
        held = np.diff(self._arrays["inv_ptr"].astype(np.int64))
        frequent = np.flatnonzero(held >= max(1, int(FREQUENT * self.count)))
        line = np.full(self.vocab_size, -1, dtype=np.int32)
        line[frequent] = np.arange(len(frequent), dtype=np.int32)
        records = np.zeros((self.vocab_size, derive.RECORD // 4), dtype=np.uint32)
        columns = np.zeros((len(frequent), self.stride), dtype=np.uint8)
        grid = np.zeros((len(frequent), self.stride // derive.BLOCK), dtype=np.uint8)
        derive.fill(
            self._arrays["inv_ptr"], self._arrays["inv_rows"], self._bits("inv_weights"),
            self.word_max, line, records, columns, grid,
        )  # fmt: skip
        return records, columns, grid

    def addresses(self, *, derived: bool) -> list[int]:
        """Where the kernels find its arrays, in their order; 0 = not derived."""
        found = [array.ctypes.data for array in self._arrays.values()]
        arrays = self.derived if derived else ()
        found += [array.ctypes.data for array in arrays]
        return found + [0] * (kernels.PART - len(found))

    def _bits(self, name: str) -> npt.NDArray[np.uint16]:
        return self._arrays[name].view(np.uint16)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """All segments as the kernels take them.

    Attributes:
        blocks: what it was made of. parts: keeps the memory behind the addresses alive.
        addresses: int64 (segments, PART). firsts, places: int64 (segments + 1,), see `_skipping`.
        word_max: float32 (vocab_size,), None where nothing is derived.
    """

    blocks: tuple[Block, ...]
    parts: Sequence[Part]
    addresses: IntArray
    firsts: IntArray
    places: IntArray
    word_max: FloatArray | None

    def serves(self, blocks: tuple[Block, ...], *, derived: bool) -> bool:
        """Whether it was made of these blocks, with what is derived where it is wanted."""
        return self.blocks == blocks and (self.word_max is not None or not derived)


class NumbaImpactIndex(SegmentedLexicalIndex):
    """A `LexicalIndex` in machine code. Searches in several threads do not disturb each other.

    Args:
        vocab_size: words of the vocabulary.
        blocks: rows that others share, None = none yet.
        derive_from: images from which on bounds are derived and searched by.
        scored_share: a scan is made when a larger share of the images comes into question.
        many_blocks: all columns are read when a larger share of the blocks does.

    Attributes:
        plan: of the last search.
    """

    def __init__(
        self,
        vocab_size: int,
        blocks: Blocks | None = None,
        *,
        derive_from: int = DERIVE_FROM,
        scored_share: float = SCORED_SHARE,
        many_blocks: float = MANY_BLOCKS,
    ) -> None:
        super().__init__(vocab_size, _scorer, blocks)
        self._derive_from = derive_from
        self._scored_share = scored_share
        self._many_blocks = many_blocks
        self._parts: WeakKeyDictionary[Block, Part] = WeakKeyDictionary()
        self._table: Table | None = None
        self._of_thread = threading.local()
        self.plan = Plan()

    def prepare(self) -> None:
        """Derive now what the next search would derive from segments that are new."""
        if self._blocks.table.size >= self._derive_from:
            self._tables(derived=True)

    @property
    def derived_bytes(self) -> int:
        """Memory of what was derived from the segments so far."""
        table = self._table
        if table is None or table.word_max is None:
            return 0
        return sum(sum(a.nbytes for a in (p.word_max, *p.derived)) for p in table.parts)

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
        skip = len(image_ids) >= self._derive_from and k <= MOST_RESULTS
        skip = skip and len(words) <= skipping.MOST_WORDS
        table = self._tables(derived=skip)
        maxima = None if table.word_max is None else table.word_max[words].astype(np.float64)
        best = 0.0 if maxima is None else float(np.maximum(weights, 0) @ maxima)
        if skip and maxima is not None and best > 0:
            slack = float(np.abs(weights) @ maxima) * (len(words) + 2) * 2.0**-23 + 1e-30
            counts = np.zeros(2, dtype=np.int64)
            held = skipping.search(
                table.addresses, table.firsts, table.places, image_ids, admitted, words, weights,
                self._vocab_size, best / skipping.UNITS, slack,
                int(self._many_blocks * table.places[-1] / derive.BLOCK),
                *self._working_arrays(table, k), scores, ids, counts,
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

    def _working_arrays(self, table: Table, k: int) -> Working:
        """Memory of a search, kept by its thread: fresh memory would cost more than its use."""
        size = int(table.places[-1])
        most = max(1_024, 8 * k, int(size * self._scored_share)) + 1
        held: Working | None = getattr(self._of_thread, "arrays", None)
        if held is None or len(held[0]) != size or len(held[2]) != most:
            held = self._of_thread.arrays = (
                np.zeros(size, dtype=np.uint16),
                np.zeros(size // derive.BLOCK, dtype=np.uint16),
                np.zeros(most, dtype=np.int64),
                np.zeros(most, dtype=np.uint16),
            )
        return held

    def _score_chosen(self, rows: IntArray, words: WordArray, weights: FloatArray) -> FloatArray:
        totals = np.empty(len(rows), dtype=np.float32)
        of_word = np.zeros(self._vocab_size, dtype=np.float32)
        of_word[words] = weights
        table = self._tables(derived=False)
        kernels.score_chosen(table.addresses, table.firsts, rows, of_word, totals)
        return totals

    def _tables(self, *, derived: bool) -> Table:
        blocks, table = tuple(self._blocks), self._table
        if table is not None and table.serves(blocks, derived=derived):
            return table
        parts = [self._part(block) for block in blocks]
        addresses = np.zeros((len(parts), kernels.PART), dtype=np.int64)
        for i, part in enumerate(parts):
            addresses[i] = part.addresses(derived=derived)
        maxima = [part.word_max for part in parts] if derived else []
        self._table = table = Table(
            blocks,
            parts,
            addresses,
            np.cumsum([0, *(part.count for part in parts)], dtype=np.int64),
            np.cumsum([0, *(part.stride for part in parts)], dtype=np.int64),
            np.max(maxima, axis=0) if maxima else None,
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
    addresses = np.array(part.addresses(derived=False), dtype=np.int64)
    return partial(_scores, part, addresses)


def _scores(part: Part, addresses: IntArray, words: WordArray, weights: FloatArray) -> FloatArray:
    """Scores of every row of one segment, float32 (rows,)."""
    totals = np.zeros(part.count, dtype=np.float32)
    kernels.add_postings(addresses, words, weights, totals)
    return totals
