"""An inverted file of FAISS over raw float16 rows: training, growth, search.

Sivic and Zisserman 2003, Video Google (inverted lists of visual words); Andre et al. 2017,
Accelerated nearest neighbor search with Quick ADC (4-bit product codes in registers); Douze et al.
2024, The Faiss library.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from lexsearch.stores.dense import Codes, codes_for, pq4_codes
from lexsearch.stores.dense._calibrate import (
    BANK,
    DEPTH,
    RECALL,
    Raw,
    calibrate,
    exact_neighbours,
    parts,
    rescored,
    text_like,
)
from lexsearch.stores.dense._faiss import faiss, one_thread
from lexsearch.stores.dense._gpu import MOST_LISTS, MOST_NEIGHBOURS, Placed, gpu_seen, place
from lexsearch.stores.row_table import BoolArray
from lexsearch.types import FloatArray, IntArray, ListFacts, PixelArray

LEAST_LISTS, MOST_TRAINED_LISTS = 256, 65_536
# Rows that training sees per list: FAISS warns below 39 and gains nothing above 64.
LEAST_POINTS, POINTS = 39, 50
ROUNDS = 10
# Training is repeated after so much growth or loss, or when lists have become so much more uneven.
GROWTH, IMBALANCE = 4.0, 2.0
# Proposals beyond k, so that ties at the k-th place and float16 roundings are seen.
MARGIN = 16
# Proposals per result that calibration tries, by what the lists hold; all are scored anew.
DEPTHS: dict[Codes, tuple[int, ...]] = {"fp16": (1,), "sq8": (4,), "pq4": (2, 4, 8, 16)}
# Scoring a row anew costs so many times what FAISS pays for one in its lists.
ROW_COSTS: dict[Codes, float] = {"fp16": 2.0, "sq8": 3.0, "pq4": 60.0}


def lists_for(count: int) -> int:
    """Inverted lists for so many rows: a power of two near 4 sqrt(n), 256 to 65,536.

    Fewer where the rows would not suffice to train them: at least 39 a list.
    """
    wished = 2 ** round(np.log2(4 * np.sqrt(max(count, 1))))
    return int(max(1, min(max(wished, LEAST_LISTS), MOST_TRAINED_LISTS, count // LEAST_POINTS)))


@dataclass(frozen=True, slots=True, eq=False)
class Ivf:
    """A trained index.

    Attributes:
        index: of FAISS; the ids inside are numbers that the store gives out.
        facts: see `ListFacts`.
        writable: False for an index that lies in borrowed memory.
        memory: what it lies in, which has to live as long.
    """

    index: Any
    facts: ListFacts
    writable: bool = True
    memory: Any = field(default=None, repr=False)

    @property
    def lists(self) -> int:
        """Number of inverted lists."""
        return int(self.index.nlist)

    @property
    def codes(self) -> Codes:
        """What the lists hold of a row."""
        if isinstance(self.index, faiss.IndexIVFPQFastScan):
            return "pq4"
        return "sq8" if self.index.code_size == self.index.d else "fp16"

    @property
    def row_cost(self) -> float:
        """Scoring a stored row costs so many times what a row in the lists costs."""
        return ROW_COSTS[self.codes]

    def needs_training(self, live: int) -> bool:
        """Whether it has outgrown its training: 4 times the rows, or lists twice as uneven."""
        trained = self.facts.trained
        return (
            not trained / GROWTH <= live <= GROWTH * trained
            or _imbalance(self.index) > IMBALANCE * self.facts.imbalance
        )

    def probes(self, k: int) -> int:
        """Lists to visit for k neighbours: doubled for every doubling of k above 100."""
        doublings = max(0, int(np.ceil(np.log2(max(k, 1) / DEPTH))))
        return min(self.lists, self.facts.nprobe << doublings)

    def proposals(self, k: int) -> int:
        """Numbers to ask for and score anew for k neighbours; coded rows: as for 100 at least."""
        factor = self.facts.depth
        return max(k + MARGIN, factor * max(k, DEPTH) if factor > 1 else 0)

    def nearest(
        self,
        queries: FloatArray,
        depth: int,
        *,
        probes: int,
        chosen: PixelArray | None,
        placed: Placed | None = None,
    ) -> list[IntArray]:
        """Numbers found in the `probes` nearest lists, for each query at most `depth`, best first.

        What is found for a query does not depend on the others, on the processor.

        Args:
            queries: float32 (n, dim).
            depth: >= 1.
            probes: 1 to `lists`.
            chosen: one bit per number that may be found, the first in the lowest bit of the
                first byte; None = all in the lists.
            placed: a clone on a GPU, used where it is able to.
        """
        rows = np.ascontiguousarray(queries, dtype=np.float32)
        fits = chosen is None and depth <= MOST_NEIGHBOURS and probes <= MOST_LISTS
        if placed is not None and placed.on_gpu and fits:
            with placed.lock:
                _, found = placed.index.search(
                    rows, depth, params=faiss.SearchParametersIVF(nprobe=probes)
                )
            return [one[one >= 0] for one in np.asarray(found)]
        parameters = faiss.SearchParametersIVF(nprobe=probes)
        if chosen is not None:
            selector = faiss.IDSelectorBitmap(chosen)
            parameters = faiss.SearchParametersIVF(nprobe=probes, sel=selector)
        # From so many queries on, FAISS finds their lists by a matrix product, which rounds
        # otherwise than one query at a time.
        group = max(1, faiss.cvar.distance_compute_blas_threshold - 1)
        near: list[IntArray] = []
        for start in range(0, len(rows), group):
            part = rows[start : start + group]
            visited = len(part) * self.index.ntotal * probes // self.lists
            with one_thread(visited if len(part) > 1 else 0):
                _, found = self.index.search(part, depth, params=parameters)
            near += [one[one >= 0] for one in np.asarray(found)]
        return near


def train(
    raw: Raw, rows: IntArray, *, bank: FloatArray | None = None, codes: Codes | None = None
) -> Ivf:
    """An index of some rows, trained, filled and calibrated; a row's number is its place.

    Args:
        raw: reads rows as float32.
        rows: int64, at least 1; with equal rows in equal order the index is equal.
        bank: texts as queries, float32 (n, dim), on which the number of visited lists is chosen;
            None = those of `text_like`.
        codes: what the lists hold; None for the rule of `codes_for`.
    """
    rng = np.random.default_rng(0)
    lists = lists_for(len(rows))
    order = rng.permutation(len(rows))
    points = raw(rows[np.sort(order[: lists * POINTS])])
    dim = points.shape[1]
    index = empty(dim, lists, codes or codes_for(len(rows), gpu=gpu_seen(faiss)))
    index.cp.spherical, index.cp.niter, index.cp.seed = True, ROUNDS, 0
    index.cp.min_points_per_centroid = 1
    with one_thread(len(rows)):
        index.train(points)
        for start, part in parts(rows):
            index.add_with_ids(raw(part), np.arange(start, start + len(part)))
    if bank is None or not len(bank):
        held_out = rows[np.sort(order[lists * POINTS :])]
        bank = text_like(raw, held_out if len(held_out) >= BANK else rows, rng)
    facts = ListFacts(len(rows), len(rows), lists, 1, 1.0, _imbalance(index), 1)
    return _calibrated(Ivf(index, facts), raw, rows, bank)


def empty(dim: int, lists: int, codes: Codes) -> Any:
    """An index of FAISS that is not trained."""
    centres, scalar = faiss.IndexFlatIP(dim), faiss.ScalarQuantizer
    if codes == "pq4":
        index = faiss.IndexIVFPQFastScan(
            centres, dim, lists, pq4_codes(dim), 4, faiss.METRIC_INNER_PRODUCT
        )
        index.by_residual = True
        return index
    kind = scalar.QT_8bit if codes == "sq8" else scalar.QT_fp16
    return faiss.IndexIVFScalarQuantizer(
        centres, dim, lists, kind, faiss.METRIC_INNER_PRODUCT, False
    )


def extended(
    ivf: Ivf,
    raw: Raw,
    rows: IntArray,
    *,
    first: int,
    gone: BoolArray,
    bank: FloatArray | None = None,
) -> Ivf:
    """The index with all rows of the store in it and none of the dead, calibrated anew.

    Args:
        ivf: writable; changed in place inside FAISS, not to be used any more.
        raw: reads rows as float32.
        rows: int64, row of every number; those from `first` on are new, dead ones are -1.
        first: numbers below it are in the lists.
        gone: bool (first,), numbers to take out.
        bank: as in `train`.
    """
    if not ivf.writable:
        raise ValueError("an index in borrowed memory cannot grow")
    if gone.any():
        ivf.index.remove_ids(faiss.IDSelectorBitmap(np.packbits(gone, bitorder="little")))
    with one_thread(len(rows) - first):
        for start, part in parts(rows[first:]):
            numbers = np.arange(first + start, first + start + len(part))
            ivf.index.add_with_ids(raw(part), numbers)
    if bank is None or not len(bank):
        bank = text_like(raw, rows[rows >= 0], np.random.default_rng(0))
    return _calibrated(ivf, raw, rows, bank)


def _calibrated(ivf: Ivf, raw: Raw, rows: IntArray, bank: FloatArray) -> Ivf:
    """The index with the lists to visit and the rows to score anew chosen, at the least cost.

    Args:
        ivf: trained and filled.
        raw: reads rows as float32.
        rows: int64, the row of every number in the lists, -1 where it is dead.
        bank: queries, float32 (n, dim).
    """
    numbers = np.flatnonzero(rows >= 0)
    depth = min(DEPTH, len(numbers))
    truth = numbers[exact_neighbours(raw, rows[numbers], bank, depth)]
    each = ivf.index.ntotal / ivf.lists

    def probe(factor: int, queries: FloatArray, depth: int, probes: int) -> IntArray:
        parameters = faiss.SearchParametersIVF(nprobe=probes)
        wide = depth if factor == 1 else min(factor * depth, ivf.index.ntotal)
        with one_thread(len(rows)):
            found = ivf.index.search(np.ascontiguousarray(queries), wide, params=parameters)[1]
        return np.asarray(found if factor == 1 else rescored(raw, rows, queries, found, depth))

    ways: list[tuple[bool, float, int, int, float]] = []
    for factor in DEPTHS[ivf.codes]:
        nprobe, recall = calibrate(partial(probe, factor), ivf.lists, truth, bank)
        cost = each * nprobe + ivf.row_cost * factor * DEPTH
        misses = recall < RECALL
        ways.append((misses, -recall if misses else cost, nprobe, factor, recall))
    _, _, nprobe, factor, recall = min(ways)
    old = ivf.facts
    facts = ListFacts(len(numbers), old.trained, ivf.lists, nprobe, recall, old.imbalance, factor)
    return Ivf(ivf.index, facts)


def placed(ivf: Ivf) -> Placed:
    """A clone on a GPU where there is one that takes it; see `place`."""
    return place(faiss, ivf.index)


def _imbalance(index: Any) -> float:
    return float(index.invlists.imbalance_factor())
