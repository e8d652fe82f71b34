"""Dense index that makes its inverted lists by itself, in memory, at the first search.

For stores without an index folder, where `auto` would have no file to read lists from.
"""

from __future__ import annotations

import logging

from lexsearch.errors import ModelMissing
from lexsearch.protocols import Sections
from lexsearch.stores.dense import Codes
from lexsearch.stores.dense._listed import DOWN, UP, ListedIndex
from lexsearch.stores.dense._query import check_dim
from lexsearch.stores.row_table import BoolArray
from lexsearch.types import DenseVectors, IntArray, Ranking

_log = logging.getLogger(__name__)


def build(
    *,
    dim: int,
    up: int = UP,
    down: int = DOWN,
    bank: DenseVectors | None = None,
    codes: Codes | None = None,
    gpu: bool = True,
) -> FaissIvfIndex:
    """An empty index of vectors of that width.

    Args:
        dim: width.
        up: live images from which on lists are used.
        down: live images below which they are dropped; at most `up`.
        bank: texts as queries, on which the number of visited lists is chosen, besides queries
            made from the images.
        codes: what the lists hold; None for the rule of `codes_for`.
        gpu: whether to search on a GPU when FAISS sees one.

    Raises:
        ValueError: down > up, or a bank of another width.
    """
    return FaissIvfIndex(dim, up=up, down=down, bank=bank, codes=codes, gpu=gpu)


class FaissIvfIndex(ListedIndex):
    """Keeps its lists fit after every change. Without faiss it stays flat and logs why, once."""

    def __init__(
        self,
        dim: int,
        *,
        up: int = UP,
        down: int = DOWN,
        bank: DenseVectors | None = None,
        codes: Codes | None = None,
        gpu: bool = True,
    ) -> None:
        super().__init__(dim, up=up, down=down, codes=codes, gpu=gpu)
        if bank is not None:
            check_dim(bank.dim, dim)
        self._bank = bank
        self._is_current = False
        self._lacks_faiss = False

    @property
    def state(self) -> str:
        """A sentence about how a search works at present."""
        self._renew()
        return super().state

    def add(self, ids: IntArray, vectors: DenseVectors) -> None:
        """Add rows; an id that is present already is replaced. Errors as in `flat`."""
        super().add(ids, vectors)
        self._is_current = False

    def attach(self, ids: IntArray, sections: Sections, *, live: BoolArray | None = None) -> None:
        """Add the arrays of one segment without copying them. Errors as in `flat`."""
        super().attach(ids, sections, live=live)
        self._is_current = False

    def remove(self, ids: IntArray) -> int:
        """Remove; returns how many were present."""
        self._is_current = False
        return super().remove(ids)

    def search(self, query: DenseVectors, k: int, *, allowed: IntArray | None = None) -> Ranking:
        """The k best live images; the first search after a change may train lists."""
        self._renew()
        return super().search(query, k, allowed=allowed)

    def search_many(
        self, queries: DenseVectors, k: int, *, allowed: IntArray | None = None
    ) -> list[Ranking]:
        """`search` for each of the queries, with the same answers."""
        self._renew()
        return super().search_many(queries, k, allowed=allowed)

    def _renew(self) -> None:
        if self._is_current or self._lacks_faiss:
            return
        bank = self._bank
        try:
            self._refresh(None if bank is None else lambda: bank.values)
        except ModelMissing as error:
            _log.warning("every search scans %d images: %s", len(self), error)
            self._lacks_faiss = True
        self._is_current = True
