"""Reads the tokens of chosen images, chunk by chunk, and asks the disk for them beforehand."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lexsearch.stores.blocks import Block
from lexsearch.stores.segment_data import entries
from lexsearch.types import IntArray

# Two stretches of a file that lie no further apart are asked for together, in bytes.
GAP = 128 << 10


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Images of one block that a query is compared with.

    Attributes:
        block: int8 values, offsets.
        places: int64 (n,), which ones of all that were asked for.
        local: int64 (n,), their rows in the block, ascending, repeats allowed.
    """

    block: Block
    places: IntArray
    local: IntArray


def packed(
    chosen: Iterable[Chosen], scratch: npt.NDArray[np.int8]
) -> Iterator[tuple[IntArray, npt.NDArray[np.int8], IntArray]]:
    """`batches` of several blocks: what is little of each is put together in one batch.

    A batch has a price of its own, which for few images of many blocks would be the most of it.
    Images without tokens are left out.

    Args:
        chosen: blocks of one width.
        scratch: see `batches`.

    Yields:
        as `batches`, with the places of `Chosen`.
    """
    places: list[IntArray] = []
    counts: list[IntArray] = []
    used = 0
    for part in chosen:
        offsets = np.asarray(part.block.arrays["offsets"], dtype=np.int64)
        values = np.asarray(part.block.arrays["values"]).view(np.int8)
        lengths = offsets[part.local + 1] - offsets[part.local]
        filled = np.flatnonzero(lengths)
        local, lengths = part.local[filled], lengths[filled]
        total = int(lengths.sum())
        is_much = 2 * total > len(scratch)
        if used and (is_much or used + total > len(scratch)):  # then scratch is free again
            yield np.concatenate(places), scratch[:used], np.concatenate(counts)
            places, counts, used = [], [], 0
        if is_much:
            for where, rows, sizes in batches(values, offsets, local, scratch):
                yield part.places[filled[where]], rows, sizes
        elif total:
            _copy(values, offsets, local, scratch[used : used + total])
            places.append(part.places[filled])
            counts.append(lengths)
            used += total
    if used:
        yield np.concatenate(places), scratch[:used], np.concatenate(counts)


def batches(
    values: npt.NDArray[np.int8],
    offsets: IntArray,
    local: IntArray,
    scratch: npt.NDArray[np.int8],
) -> Iterator[tuple[IntArray, npt.NDArray[np.int8], IntArray]]:
    """Tokens of the chosen images, at most len(scratch) of them at a time.

    Args:
        values: int8 (total, dim).
        offsets: int64 (n + 1,).
        local: int64 rows, ascending, each with at least one token, repeats allowed.
        scratch: int8 (limit, dim); what is yielded may lie in it, until the next step.

    Yields:
        places in `local`, the tokens of these images, and how many each has. Of an image with
        more than `limit` tokens one part at a time, its place alone each time.
    """
    lengths = offsets[local + 1] - offsets[local]
    limit = len(scratch)
    for start, stop in _chunks(lengths, limit):
        places, counts = np.arange(start, stop), lengths[start:stop]
        first, last = int(offsets[local[start]]), int(offsets[local[stop - 1] + 1])
        total = int(counts.sum())
        if total > limit:
            for begin in range(first, last, limit):
                part = values[begin : min(begin + limit, last)]
                yield places, part, np.array([len(part)], dtype=np.int64)
        elif last - first == total and (local[start + 1 : stop] > local[start : stop - 1]).all():
            yield places, values[first:last], counts
        else:
            rows = scratch[:total]
            _copy(values, offsets, local[start:stop], rows)
            yield places, rows, counts


def _copy(
    values: npt.NDArray[np.int8], offsets: IntArray, local: IntArray, out: npt.NDArray[np.int8]
) -> None:
    """The tokens of the chosen images, one image or more, one after the other, into `out`."""
    first, images, size = int(offsets[0]), len(offsets) - 1, len(out) // len(local)
    regular = (
        int(offsets[-1]) - first == images * size
        and (offsets[local] == first + size * local).all()
        and (offsets[local + 1] == first + size * (local + 1)).all()
    )
    if regular:  # whole images at a time, which is faster than token by token
        whole = values[first : int(offsets[-1])].reshape(images, size * values.shape[1])
        np.take(whole, local, axis=0, out=out.reshape(len(local), -1), mode="clip")
        return
    where, _ = entries(offsets, local)
    np.take(values, where, axis=0, out=out, mode="clip")


def prefetch(values: npt.NDArray[np.generic], offsets: IntArray, local: IntArray) -> int:
    """Ask the system to read the chosen images of a mapped file; returns how many requests.

    Does nothing for arrays that are no mapped file, or where the system has no such request.

    Args:
        values: shape (total, dim).
        offsets: int64 (n + 1,).
        local: int64 rows, ascending.
    """
    mapped = _mapping(values)
    if mapped is None or not hasattr(mmap, "MADV_WILLNEED") or not len(local):
        return 0
    base = np.frombuffer(mapped, dtype=np.uint8)
    origin = values.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    width = values.strides[0]
    begins, ends = origin + offsets[local] * width, origin + offsets[local + 1] * width
    fresh = np.ones(len(local), dtype=bool)
    fresh[1:] = begins[1:] - ends[:-1] > GAP
    firsts = np.flatnonzero(fresh)
    lasts = np.append(firsts[1:], len(local)) - 1
    for begin, end in zip(begins[firsts].tolist(), ends[lasts].tolist(), strict=True):
        page = begin - begin % mmap.PAGESIZE
        if end > begin:
            mapped.madvise(mmap.MADV_WILLNEED, page, end - page)
    return len(firsts)


def _mapping(array: npt.NDArray[np.generic]) -> mmap.mmap | None:
    """The mapped file that an array lies in, or None."""
    holder: object = array
    while isinstance(holder, np.ndarray | memoryview):
        holder = holder.obj if isinstance(holder, memoryview) else holder.base
    return holder if isinstance(holder, mmap.mmap) else None


def _chunks(lengths: IntArray, limit: int) -> Iterator[tuple[int, int]]:
    """Ranges of images, each with at most `limit` tokens together or a single image."""
    ends = np.cumsum(lengths)
    start = 0
    while start < len(lengths):
        before = int(ends[start - 1]) if start else 0
        stop = int(np.searchsorted(ends, before + limit, side="right"))
        stop = max(stop, start + 1)
        yield start, stop
        start = stop
