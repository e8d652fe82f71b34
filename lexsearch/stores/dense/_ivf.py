"""An inverted file of FAISS over raw float16 rows: training, growth, calibration, search, file.

Sivic and Zisserman 2003, Video Google (inverted lists of visual words); Douze et al. 2024, The
Faiss library.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from lexsearch.stores.dense._faiss import faiss, one_thread
from lexsearch.stores.dense._gpu import MOST_LISTS, MOST_NEIGHBOURS, Placed, place
from lexsearch.stores.row_table import BoolArray
from lexsearch.types import FloatArray, IntArray

Codes: TypeAlias = Literal["fp16", "sq8"]
Raw: TypeAlias = Callable[[IntArray], FloatArray]

LEAST_LISTS, MOST_TRAINED_LISTS = 256, 65_536
# Rows that training sees per list: FAISS warns below 39 and gains nothing above 64.
LEAST_POINTS, POINTS = 39, 50
ROUNDS = 10
# From this many rows on, one byte per component.
SQ8_FROM = 2_000_000
CHUNK_ROWS = 16_384
# Calibration: queries, neighbours compared, the recall to reach, the first number of lists tried.
BANK, DEPTH, RECALL, FIRST_PROBES = 200, 100, 0.95, 8
# Training is repeated after so much growth, or when lists have become so much more uneven.
GROWTH, IMBALANCE = 4.0, 2.0
# Dead rows are taken out of the lists from this share on; until then they are masked.
DEAD_SHARE = 0.2


def lists_for(count: int) -> int:
    """Inverted lists for so many rows: a power of two near 4 sqrt(n), 256 to 65,536.

    Fewer where the rows would not suffice to train them: at least 39 a list.
    """
    wished = 2 ** round(np.log2(4 * np.sqrt(max(count, 1))))
    return int(max(1, min(max(wished, LEAST_LISTS), MOST_TRAINED_LISTS, count // LEAST_POINTS)))


@dataclass(frozen=True, slots=True, eq=False)
class Ivf:
    """A trained index with what is needed to keep it fit.

    Attributes:
        index: of FAISS; the ids inside are row numbers of the store.
        placed: where it is searched.
        nprobe: lists visited for 100 neighbours, by calibration.
        recall: what calibration measured with it.
        trained_rows: rows at training.
        imbalance: of the lists at training, 1 = all alike.
        filled: rows of the store below this number are in the lists, unless dead then.
        writable: False for an index in a mapped file.
    """

    index: Any
    placed: Placed
    nprobe: int
    recall: float
    trained_rows: int
    imbalance: float
    filled: int
    writable: bool = True

    @property
    def lists(self) -> int:
        """Number of inverted lists."""
        return int(self.index.nlist)

    def needs_training(self) -> bool:
        """Whether it has outgrown its training: 4 times the rows, or lists twice as uneven."""
        return (
            self.index.ntotal > GROWTH * self.trained_rows
            or _imbalance(self.index) > IMBALANCE * self.imbalance
        )

    def probes(self, k: int) -> int:
        """Lists to visit for k neighbours: doubled for every doubling of k above 100."""
        doublings = max(0, int(np.ceil(np.log2(max(k, 1) / DEPTH))))
        return min(self.lists, self.nprobe << doublings)

    def nearest(
        self, query: FloatArray, depth: int, *, probes: int, chosen: BoolArray | None
    ) -> IntArray:
        """Rows found in the `probes` nearest lists, at most `depth`, best first.

        Args:
            query: float32 (dim,).
            depth: >= 1.
            probes: 1 to `lists`.
            chosen: bool (rows of the store,), rows that may be found; None = all in the lists.
        """
        row = np.ascontiguousarray(query, dtype=np.float32)[np.newaxis]
        fits = chosen is None and depth <= MOST_NEIGHBOURS and probes <= MOST_LISTS
        index = self.placed.index if fits else self.index
        parameters = faiss.SearchParametersIVF(nprobe=probes)
        if chosen is not None:
            selector = faiss.IDSelectorBitmap(np.packbits(chosen, bitorder="little"))
            parameters = faiss.SearchParametersIVF(nprobe=probes, sel=selector)
        with one_thread():
            _, found = index.search(row, depth, params=parameters)
        return np.asarray(found[0][found[0] >= 0])


def train(
    raw: Raw,
    rows: IntArray,
    filled: int,
    *,
    bank: FloatArray | None = None,
    codes: Codes | None = None,
    gpu: bool = True,
) -> Ivf:
    """An index of some rows, trained, filled and calibrated.

    Args:
        raw: reads rows as float32.
        rows: int64, ascending, at least 1: the live ones.
        filled: rows of the store, dead ones included.
        bank: text-like queries, float32 (n, dim), on which the number of visited lists is
            chosen; None = made by `text_like`.
        codes: `fp16`, `sq8`, or None for the rule: `sq8` above two million rows.
        gpu: whether to search on a GPU when there is one.
    """
    rng = np.random.default_rng(0)
    lists = lists_for(len(rows))
    sample = np.sort(rng.permutation(rows)[: lists * POINTS])
    points = raw(sample)
    kind = codes or ("sq8" if len(rows) > SQ8_FROM else "fp16")
    scalar = faiss.ScalarQuantizer
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(points.shape[1]), points.shape[1], lists,
        scalar.QT_8bit if kind == "sq8" else scalar.QT_fp16,
        faiss.METRIC_INNER_PRODUCT, False,
    )  # fmt: skip
    index.cp.spherical, index.cp.niter, index.cp.seed = True, ROUNDS, 0
    index.cp.min_points_per_centroid = 1
    index.train(points)
    for part in _parts(rows):
        index.add_with_ids(raw(part), part)
    if bank is None:
        held_out = np.setdiff1d(rows, sample, assume_unique=True)
        bank = text_like(raw, held_out if len(held_out) >= BANK else rows, rng)
    nprobe, recall = calibrate(index, raw, rows, bank)
    placed = _placed(index, gpu)
    return Ivf(index, placed, nprobe, recall, len(rows), _imbalance(index), filled)


def text_like(raw: Raw, rows: IntArray, rng: np.random.Generator) -> FloatArray:
    """At most 200 unit queries as far from the images as texts are.

    A text lies on the other side of a gap: its nearest image is far away, and the direction to
    it is not one in which images differ. So each query is an image moved towards a random
    direction by its own length (cosine about 0.7), which spreads its neighbours over more lists
    than an image as query does.

    Args:
        raw: reads rows as float32.
        rows: int64, at least 1.
        rng: chooses rows and directions.

    Source: Liang et al. 2022, Mind the gap.
    """
    images = raw(np.sort(rng.permutation(rows)[:BANK]))
    directions = rng.normal(size=images.shape)
    lengths = np.linalg.norm(images, axis=1, keepdims=True)
    directions *= lengths / np.linalg.norm(directions, axis=1, keepdims=True)
    moved = images + directions
    moved /= np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)
    return np.ascontiguousarray(moved, dtype=np.float32)


def calibrate(index: Any, raw: Raw, rows: IntArray, bank: FloatArray) -> tuple[int, float]:
    """The smallest number of lists (8, 16, 32, ...) with recall@100 >= .95, and that recall."""
    depth = min(DEPTH, len(rows))
    truth = exact_neighbours(raw, rows, bank, depth)
    probes = min(FIRST_PROBES, index.nlist)
    while True:
        _, found = index.search(bank, depth, params=faiss.SearchParametersIVF(nprobe=probes))
        hits = [len(np.intersect1d(a, b)) for a, b in zip(truth, found, strict=True)]
        recall = float(np.mean(hits)) / depth if hits else 1.0
        if recall >= RECALL or probes == index.nlist:
            return probes, round(recall, 4)
        probes = min(2 * probes, index.nlist)


def exact_neighbours(raw: Raw, rows: IntArray, queries: FloatArray, depth: int) -> IntArray:
    """The `depth` best rows per query by all dot products, int64 (n, depth), in no order."""
    best = np.full((len(queries), depth), -np.inf, dtype=np.float32)
    found = np.full((len(queries), depth), -1, dtype=np.int64)
    for part in _parts(rows):
        scores = np.concatenate([best, queries @ raw(part).T], axis=1)
        held = np.concatenate([found, np.broadcast_to(part, (len(queries), len(part)))], axis=1)
        top = np.argpartition(-scores, depth - 1, axis=1)[:, :depth]
        best, found = (np.take_along_axis(a, top, axis=1) for a in (scores, held))
    return found


def grown(ivf: Ivf, raw: Raw, live: BoolArray, *, gpu: bool = True) -> Ivf:
    """The index with the rows that came since, without the dead ones when they are many.

    Returns the same object where there is nothing to do.

    Args:
        ivf: changed in place inside FAISS; not to be used any more.
        raw: reads rows as float32.
        live: bool (rows of the store,).
        gpu: as in `train`.
    """
    added = ivf.filled + np.flatnonzero(live[ivf.filled :])
    alive = int(live[: ivf.filled].sum())
    dead = ivf.index.ntotal - alive
    sweeps = dead > DEAD_SHARE * ivf.index.ntotal
    if not len(added) and not sweeps:
        return replace(ivf, filled=len(live)) if ivf.filled < len(live) else ivf
    if sweeps:
        gone = np.packbits(~live[: ivf.filled], bitorder="little")
        ivf.index.remove_ids(faiss.IDSelectorBitmap(gone))
    for part in _parts(added):
        ivf.index.add_with_ids(raw(part), part)
    return replace(ivf, placed=_placed(ivf.index, gpu), filled=len(live))


def write(ivf: Ivf, folder: Path, ids: IntArray) -> None:
    """Write the index as `dense.ivf` and what belongs to it as `dense.ivf.json`.

    Each file replaces its predecessor in one step; the second names the first by its size and
    the store by a digest of its ids, so a half-written pair is never taken for a whole one.

    Args:
        ivf: what to write.
        folder: exists.
        ids: image id of every row of the store.
    """
    path = folder / "dense.ivf"
    beside = folder / f"dense.ivf.{os.getpid()}"
    faiss.write_index(ivf.index, str(beside))
    _settle(beside, path)
    record = {
        "nprobe": ivf.nprobe, "recall": ivf.recall, "trained_rows": ivf.trained_rows,
        "imbalance": ivf.imbalance, "filled": ivf.filled,
        "bytes": path.stat().st_size, "ids": digest(ids),
    }  # fmt: skip
    beside.write_text(json.dumps(record), encoding="utf-8")
    _settle(beside, folder / "dense.ivf.json")


def read(folder: Path, ids: IntArray, *, mapped: bool = True) -> Ivf | None:
    """The index that was written for these ids, or None where there is none that fits.

    Args:
        folder: where `write` put it.
        ids: image id of every row of the store.
        mapped: leave the lists in the file, which makes opening free and adding impossible.
    """
    path = folder / "dense.ivf"
    try:
        record = json.loads((folder / "dense.ivf.json").read_text(encoding="utf-8"))
        if record.pop("bytes") != path.stat().st_size or record.pop("ids") != digest(ids):
            return None
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC if mapped else 0)
        return Ivf(
            index, Placed(index, False, "searching a mapped file"), writable=not mapped, **record
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None  # a derived file: what cannot be read is made again


def unmapped(ivf: Ivf, folder: Path) -> Ivf | None:
    """The same index loaded from its file, so that it can grow; None where the file is gone."""
    try:
        index = faiss.read_index(str(folder / "dense.ivf"))
    except RuntimeError:
        return None
    return replace(ivf, index=index, placed=_placed(index, False), writable=True)


def digest(ids: IntArray) -> str:
    """What tells one list of rows from another."""
    return hashlib.sha256(np.ascontiguousarray(ids, dtype="<i8").tobytes()).hexdigest()


def _settle(beside: Path, path: Path) -> None:
    with beside.open("rb+") as file:
        os.fsync(file.fileno())
    beside.replace(path)


def _placed(index: Any, gpu: bool) -> Placed:
    return place(faiss, index) if gpu else Placed(index, False, "searching on the processor")


def _imbalance(index: Any) -> float:
    return float(index.invlists.imbalance_factor())


def _parts(rows: IntArray) -> Iterator[IntArray]:
    for start in range(0, len(rows), CHUNK_ROWS):
        yield rows[start : start + CHUNK_ROWS]
