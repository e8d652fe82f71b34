"""Token store over memory-mapped int8 rows, scored in whole numbers.

Only the rows of the images asked for are read. `score` is as fine as float32. `best` first rounds
the query more coarsely, bounds what that changed, and scores only the images that the bound
leaves undecided; so it ranks as `score` does. Late interaction after Khattab and Zaharia 2020
and, as a mean over query tokens, Yao et al. 2021 (FILIP).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from lexsearch.protocols import Sections
from lexsearch.ranking.topk import top_k
from lexsearch.stores.blocks import Blocks
from lexsearch.stores.row_table import BoolArray
from lexsearch.stores.segment_data import MAX_ROWS, TOKEN_LEVELS, entries, token_sections
from lexsearch.stores.tokens._choice import choose
from lexsearch.stores.tokens._gather import Chosen, prefetch
from lexsearch.stores.tokens._screen import (
    EXACT_DIGITS,
    RoundedQuery,
    Screen,
    Screened,
    rounded,
    undecided,
)
from lexsearch.types import FloatArray, IntArray, Ranking, TokenVectors

# Images left per image wanted, above which another coarse round costs less than it saves.
WORTH_SCREENING = 2


def build(*, dim: int, scale: float, kernel: str = "auto") -> MemmapTokenStore:
    """An empty store of tokens of that width; the component 127 stands for `scale`.

    kernel: what computes; see `lexsearch.stores.tokens._choice.choose`. The scores are the same.
    """
    return MemmapTokenStore(dim, scale, kernel=kernel)


class MemmapTokenStore:
    """A `TokenStore` over attached segments and rows added in memory."""

    def __init__(self, dim: int, scale: float, *, kernel: str = "auto") -> None:
        self._dim = dim
        self._scale = scale
        self._wanted_kernel = kernel
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
            float32 (len(ids),), within float32 rounding of the definition, the same whatever the
            other ids are; NaN where an image is not held or has no tokens, 0 for all
            others when the query has no tokens or only weights of 0.

        Raises:
            ValueError: not exactly one query, or another width.
        """
        question = self._question(query, EXACT_DIGITS)
        return self._screen.scores(question, self._chosen(ids), len(ids))

    def screen(self, query: TokenVectors, ids: IntArray, *, digits: int = 1) -> Screened:
        """`score` with a query rounded to `digits` bytes, and how wrong that may be.

        Args:
            query: as in `score`.
            ids: likewise.
            digits: 1 to 3; int8 numbers that stand for one component of the query.

        Raises:
            ValueError: not exactly one query, or another width.
        """
        return self._screen.bounded(self._question(query, digits), self._chosen(ids), len(ids))

    def best(self, query: TokenVectors, ids: IntArray, k: int) -> Ranking:
        """The k best of the named images, with the scores and the order of `score`.

        Ties go to the smaller id; images that are not held or have no tokens are left out.

        Args:
            query: as in `score`.
            ids: int64, distinct, any order.
            k: >= 0.

        Raises:
            ValueError: k < 0, not exactly one query, or another width.
        """
        if k < 0:
            raise ValueError(f"k must be >= 0, not {k}")
        wanted = np.asarray(ids, dtype=np.int64)
        for digits in (1, 2) if self._screen.kernel.name != "numpy" else ():
            if k and len(wanted) > WORTH_SCREENING * k:
                wanted = wanted[undecided(self.screen(query, wanted, digits=digits), k)]
        scores = self.score(query, wanted)
        held = ~np.isnan(scores)
        return top_k(wanted[held], scores[held], k, source="late")

    def vectors(self, ids: IntArray) -> TokenVectors:
        """Stored tokens of the named images, dequantised, in that order; unknown id: KeyError."""
        rows = self._blocks.table.held_rows(ids)
        lengths = np.zeros(len(rows), dtype=np.int64)
        found: list[tuple[IntArray, npt.NDArray[np.generic]]] = []
        for block, places, local in self._blocks.members(rows):
            _verify(block.arrays, _offsets(block.arrays), local)
            where, counts = entries(block.arrays["offsets"], local)
            lengths[places] = counts
            found.append((places, np.asarray(block.arrays["values"])[where]))
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        values = np.zeros((int(offsets[-1]), self._dim), dtype=np.float32)
        for places, stored in found:
            values[entries(offsets, places)[0]] = stored
        return TokenVectors(values * np.float32(self._scale / TOKEN_LEVELS), offsets)

    @cached_property
    def _screen(self) -> Screen:
        return Screen(choose(self._wanted_kernel, dim=self._dim))

    def _question(self, query: TokenVectors, digits: int) -> RoundedQuery:
        """The query in whole numbers."""
        if len(query) != 1:
            raise ValueError(f"a score takes one query, not {len(query)}")
        self._check_dim(query.dim)
        unit = self._scale / TOKEN_LEVELS
        return rounded(query.item(0), _shares(query), unit, digits=digits)

    def _chosen(self, ids: IntArray) -> list[Chosen]:
        """The images by block, verified; the disk has been asked for them."""
        found: list[Chosen] = []
        for block, places, local in self._blocks.members(self._blocks.table.rows_of(ids)):
            order = np.argsort(local, kind="stable")  # ascending: the disk is read forwards
            prefetch(block.arrays["values"], _offsets(block.arrays), local[order])
            found.append(Chosen(block, places[order], local[order]))
        for one in found:
            _verify(one.block.arrays, _offsets(one.block.arrays), one.local)
        return found

    def _check_dim(self, found: int) -> None:
        if found != self._dim:
            raise ValueError(f"tokens of dim {found}; this store has {self._dim}")


def _shares(query: TokenVectors) -> npt.NDArray[np.float64]:
    """What each query token counts: its weight over the sum of magnitudes; 0 if that is 0."""
    count = len(query.item(0))
    start = int(query.offsets[0])
    weights = np.ones(count) if query.weights is None else query.weights[start : start + count]
    weights = weights.astype(np.float64)
    total = float(np.abs(weights).sum())
    return weights / total if total > 0 else np.zeros(count)


def _verify(arrays: Sections, offsets: IntArray, local: IntArray) -> None:
    """Let a file that is verified block by block look at the blocks of these images."""
    touch = getattr(arrays, "touch", None)
    if touch is not None:
        touch("values", offsets[local], offsets[local + 1])


def _offsets(arrays: Sections) -> IntArray:
    return np.asarray(arrays["offsets"], dtype=np.int64)
