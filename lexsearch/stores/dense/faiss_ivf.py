"""Dense index that scans while it is small and visits inverted lists when it is large.

Rows are kept as float16, as in `flat`; that is the record of truth. From 100,000 images on the
first search makes an inverted file of FAISS from them, and every later one keeps it up to date;
below 60,000 it is dropped again. FAISS only proposes: scores come from the raw rows, by the same
arithmetic as in `flat`, so an image has the same score in both.
"""

from __future__ import annotations

import importlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from lexsearch.errors import ModelMissing
from lexsearch.protocols import Sections
from lexsearch.ranking.topk import top_k
from lexsearch.stores.dense._query import check_dim, query_row
from lexsearch.stores.dense.flat import SPARSE_SHARE, FlatIndex
from lexsearch.stores.row_table import BoolArray
from lexsearch.types import DenseVectors, FloatArray, IntArray, Ranking

if TYPE_CHECKING:
    from lexsearch.stores.dense._ivf import Ivf

# Live images from which on lists are used, and below which they are not used any more.
UP, DOWN = 100_000, 60_000
# Proposals beyond k, so that ties at the k-th place and float16 roundings are seen.
MARGIN = 16
# Proposals per result where the lists hold one byte per component.
SQ8_DEPTH = 4
# Multiplying a row here costs so many times what FAISS pays for one in its lists.
ROW_COST = 2.0

_log = logging.getLogger(__name__)


def build(
    *,
    dim: int,
    up: int = UP,
    down: int = DOWN,
    bank: DenseVectors | None = None,
    codes: Literal["fp16", "sq8"] | None = None,
    gpu: bool = True,
) -> FaissIvfIndex:
    """An empty index of vectors of that width.

    Args:
        dim: width.
        up: live images from which on lists are used.
        down: live images below which they are dropped; at most `up`.
        bank: text-like queries that the number of visited lists is chosen on; None = made from
            the images.
        codes: what the lists hold; None = float16 up to two million images, then bytes.
        gpu: whether to search on a GPU when FAISS sees one.

    Raises:
        ValueError: down > up, or a bank of another width.
    """
    return FaissIvfIndex(dim, up=up, down=down, bank=bank, codes=codes, gpu=gpu)


class FaissIvfIndex(FlatIndex):
    """`flat` with an inverted file in front of it. Without faiss it stays flat and logs why."""

    def __init__(
        self,
        dim: int,
        *,
        up: int = UP,
        down: int = DOWN,
        bank: DenseVectors | None = None,
        codes: Literal["fp16", "sq8"] | None = None,
        gpu: bool = True,
    ) -> None:
        super().__init__(dim)
        if down > up:
            raise ValueError(f"lists are dropped below {down} images but used from {up} on")
        if bank is not None:
            check_dim(bank.dim, dim)
        self._up, self._down = up, down
        self._bank, self._codes, self._gpu = bank, codes, gpu
        self._ivf: Ivf | None = None
        self._folder = Path()  # where the lists were read from
        self._is_current = False
        self._missing = False

    @property
    def state(self) -> str:
        """A sentence about how a search works at present."""
        ivf = self._lists()
        if ivf is None:
            return f"scanning all {len(self):,} images"
        return (
            f"visiting {ivf.nprobe} of {ivf.lists} lists (recall@100 {ivf.recall:.3f} when "
            f"calibrated); {ivf.placed.note}"
        )

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
        """The k best live images by dot product, as far as the visited lists hold them.

        Returns min(k, candidates) images, as `flat` does. Where fewer rows are allowed than the
        lists would show, all of them are scored; where the visited lists hold too few, more are
        visited. Equal scores by ascending id among the images found.
        """
        row = query_row(query, self._dim)
        ivf = self._lists()
        if ivf is None or k < 1:
            return super().search(query, k, allowed=allowed)
        table = self._blocks.table
        rows = table.candidates(allowed)
        probes = ivf.probes(k)
        shown = ivf.index.ntotal * probes / ivf.lists
        if len(rows) * ROW_COST <= max(shown, 4.0 * k):
            return top_k(table.ids[rows], self._products(row, rows), k, source="dense")
        masked = allowed is not None or len(rows) < ivf.index.ntotal
        chosen = np.zeros(table.size, dtype=bool) if masked else None
        if chosen is not None:
            chosen[rows] = True
        coarse = ivf.index.code_size == self._dim
        depth = min(len(rows), max(k + MARGIN, SQ8_DEPTH * k if coarse else 0))
        while True:
            found = ivf.nearest(row, depth, probes=probes, chosen=chosen)
            if len(found) < min(k, len(rows)) and probes < ivf.lists:
                probes = min(4 * probes, ivf.lists)  # all lists together hold every row
                continue
            scores = self._products(row, found)
            order = np.sort(scores)[::-1]
            if len(found) < depth or depth == len(rows) or order[-1] < order[k - 1]:
                return top_k(table.ids[found], scores, k, source="dense")
            depth = min(4 * depth, len(rows))  # the k-th place is tied to the last one found

    def write(self, folder: Path) -> bool:
        """Write the lists into a folder; returns False where there are none at this size."""
        ivf = self._lists()
        if ivf is None:
            return False
        importlib.import_module("lexsearch.stores.dense._ivf").write(
            ivf, folder, self._blocks.table.ids
        )
        return True

    def read(self, folder: Path) -> bool:
        """Use the lists that were written for these very rows; False where there are none.

        They stay in the file until the first change, which loads them.
        """
        module = importlib.import_module("lexsearch.stores.dense._ivf")
        ivf = module.read(folder, self._blocks.table.ids)
        if ivf is None or len(self) < self._down:
            return False
        self._folder, self._ivf, self._is_current = folder, ivf, True
        return True

    def _lists(self) -> Ivf | None:
        """The inverted file, made or brought up to date when images came or went."""
        if self._is_current or self._missing:
            return self._ivf
        live = len(self)
        if live < (self._up if self._ivf is None else self._down):
            self._ivf = None
        else:
            try:
                module = importlib.import_module("lexsearch.stores.dense._ivf")
            except ModelMissing as error:
                _log.warning("every search scans %d images: %s", live, error)
                self._missing = True
                return None
            table = self._blocks.table
            ivf: Ivf | None = self._ivf
            if ivf is not None and not ivf.writable:
                ivf = module.unmapped(ivf, self._folder)  # a mapped file cannot grow
            if ivf is not None:
                ivf = module.grown(ivf, self._raw, table.live, gpu=self._gpu)
            if ivf is None or ivf.needs_training():
                ivf = module.train(
                    self._raw, table.candidates(None), table.size,
                    bank=None if self._bank is None else self._bank.values,
                    codes=self._codes, gpu=self._gpu,
                )  # fmt: skip
            self._ivf = ivf
        self._is_current = True
        return self._ivf

    def _raw(self, rows: IntArray) -> FloatArray:
        """Stored rows as float32 (len(rows), dim)."""
        values = np.empty((len(rows), self._dim), dtype=np.float32)
        for block, places, local in self._blocks.members(rows):
            values[places] = np.asarray(block.arrays["values"])[local]
        return values

    def _products(self, row: FloatArray, rows: IntArray) -> FloatArray:
        """As in `flat`, but few rows are read without widening their whole segment."""
        if len(rows) >= SPARSE_SHARE * self._blocks.table.size:
            return super()._products(row, rows)
        products = np.full(len(rows), np.nan, dtype=np.float32)
        held = np.flatnonzero(rows >= 0)
        products[held] = np.vecdot(self._raw(rows[held]), row)
        return products
