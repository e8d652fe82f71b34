"""The word index for the size at hand: NumPy when small, machine code above, SciPy without numba.

All three give the same ranking to the bit, so the choice is one of time alone. NumPy starts at
once, and a search of 5,000 images by it takes 0.7 ms; numba needs 0.5 s to load, and seconds
to compile once for a machine and a version. So a large index answers by NumPy too until machine
code is ready. A thread gets it ready from the second search on: who asks once never waits for it.
"""

from __future__ import annotations

import atexit
import logging
import threading
from importlib.util import find_spec

from lexsearch.stores.lexical import impact
from lexsearch.stores.lexical._segmented import SegmentedLexicalIndex
from lexsearch.types import FloatArray, IntArray, Ranking, SparseVectors

_log = logging.getLogger(__name__)

# Up to so many rows NumPy answers in less than a millisecond; see benchmarks/bench_lexical.
SMALL = 5_000


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
        self._asked = False
        self._getting_ready: threading.Thread | None = None
        self._lock = threading.Lock()

    def search(self, query: SparseVectors, k: int, *, allowed: IntArray | None = None) -> Ranking:
        """The k best live images by the product of weights, those that score 0 included."""
        if self._large is None and self._blocks.table.size > SMALL:
            if self._asked:
                self.warm_up(wait=False)
            self._asked = True
        return self.backend.search(query, k, allowed=allowed)

    def score(self, query: SparseVectors, ids: IntArray) -> FloatArray:
        """Scores of the named images, from their own words; NaN where not held."""
        return self.backend.score(query, ids)

    @property
    def backend(self) -> SegmentedLexicalIndex:
        """The index that answers now."""
        large = self._large
        return self._small if large is None or self._blocks.table.size <= SMALL else large

    def warm_up(self, *, images: int | None = None, wait: bool = True) -> None:
        """Get the backend for many images ready, in a thread of its own.

        Args:
            images: how many there are or will be; few need nothing. None = many.
            wait: return when it is ready.
        """
        if images is not None and images <= SMALL:
            return
        with self._lock:
            if self._getting_ready is None:
                name = "lexsearch word index"
                self._getting_ready = threading.Thread(target=self._ready, name=name, daemon=True)
                self._getting_ready.start()
                # A compiler must not be cut off while the process ends.
                atexit.register(self._getting_ready.join)
        if wait:
            self._getting_ready.join()

    def _ready(self) -> None:
        try:
            large = _large(self._vocab_size, self._small)
        except Exception:
            _log.exception("word search stays with NumPy: no faster index could be made ready")
            return
        self._large = large


def _large(vocab_size: int, small: SegmentedLexicalIndex) -> SegmentedLexicalIndex:
    if find_spec("numba") is not None:
        try:
            from lexsearch.stores.lexical import impact_numba

            impact_numba.warm_up()
            made = impact_numba.build(vocab_size=vocab_size, blocks=small._blocks)
            made.prepare()
            return made
        except ImportError:  # numba does not fit the NumPy that is installed
            pass
    from lexsearch.stores.lexical import scipy_csc

    return scipy_csc.build(vocab_size=vocab_size, blocks=small._blocks)
