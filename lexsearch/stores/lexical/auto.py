"""The word index for the size at hand: NumPy when small, machine code above, SciPy without numba.

All three give the same ranking to the bit, so the choice is one of time alone. NumPy starts at
once, and a search of 100,000 images by it takes 1.4 ms; numba needs 0.4 s to load.
"""

from __future__ import annotations

from importlib.util import find_spec

from lexsearch.stores.lexical import impact
from lexsearch.stores.lexical._segmented import SegmentedLexicalIndex
from lexsearch.types import FloatArray, IntArray, Ranking, SparseVectors

# Up to so many rows NumPy answers within a few milliseconds; see benchmarks/bench_lexical.
SMALL = 100_000


def build(*, vocab_size: int) -> AutomaticIndex:
    """An empty index over a vocabulary of that many words."""
    return AutomaticIndex(vocab_size)


class AutomaticIndex(SegmentedLexicalIndex):
    """Holds the rows; the searches are those of the backend that suits their number."""

    def __init__(self, vocab_size: int) -> None:
        small = impact.build(vocab_size=vocab_size)
        super().__init__(vocab_size, impact.scorer, small._blocks)
        self._small = small
        self._large: SegmentedLexicalIndex | None = None

    def search(self, query: SparseVectors, k: int, *, allowed: IntArray | None = None) -> Ranking:
        """The k best live images by the product of weights, those that score 0 included."""
        return self.backend.search(query, k, allowed=allowed)

    def score(self, query: SparseVectors, ids: IntArray) -> FloatArray:
        """Scores of the named images, from their own words; NaN where not held."""
        return self.backend.score(query, ids)

    @property
    def backend(self) -> SegmentedLexicalIndex:
        """The index that answers now; it is loaded at the first use."""
        if self._blocks.table.size <= SMALL:
            return self._small
        if self._large is None:
            self._large = _large(self._vocab_size, self._small)
        return self._large


def _large(vocab_size: int, small: SegmentedLexicalIndex) -> SegmentedLexicalIndex:
    if find_spec("numba") is not None:
        try:
            from lexsearch.stores.lexical import impact_numba

            return impact_numba.build(vocab_size=vocab_size, blocks=small._blocks)
        except ImportError:  # numba does not fit the NumPy that is installed
            pass
    from lexsearch.stores.lexical import scipy_csc

    return scipy_csc.build(vocab_size=vocab_size, blocks=small._blocks)
