"""The bytes of an inverted file: as FAISS writes it, read back with nothing in it believed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from lexsearch.stores.dense import MOST_PQ4
from lexsearch.stores.dense._faiss import faiss
from lexsearch.stores.dense._ivf import Ivf, empty
from lexsearch.types import ListFacts, PixelArray

# What must be as in an index of our own, of the index itself, its centres and its codes.
TOLD = (
    "d", "metric_type", "metric_arg", "by_residual", "code_size", "max_codes", "M",
    "nbits", "ksub", "qtype", "bits", "bbs", "qbs", "qbs2", "implem", "skip", "parallel_mode",
)  # fmt: skip
# Most iterations of a loop that the bytes of an index may ask of FAISS: lists, and a little more.
MOST_LOOPS = 1 << 20


def packed(ivf: Ivf) -> PixelArray:
    """The index as FAISS writes it, uint8 (bytes,)."""
    writer = faiss.VectorIOWriter()
    faiss.write_index(ivf.index, writer)
    return np.asarray(faiss.vector_to_array(writer.data), dtype=np.uint8)


def unpacked(
    data: PixelArray, facts: ListFacts, *, dim: int, numbers: int, copied: bool = False
) -> Ivf:
    """The index that `packed` gave, inside the very bytes, or copied so that it can grow.

    FAISS is given limits, so bytes that lie about their sizes are an error and no more; nor does
    it compare what stands in its lists with anything, which is done here.

    Args:
        data: uint8 (bytes,), contiguous; the caller has verified their checksum.
        facts: what belongs to it.
        dim: width that its vectors must have.
        numbers: how many were given out: those in the lists are 0 to `numbers` - 1, each once.
        copied: whether to copy the lists out of the bytes.

    Raises:
        ValueError: it is no such index.
    """
    reader = None if copied else faiss.ZeroCopyIOReader(faiss.swig_ptr(data), len(data))
    # FAISS asks room for tables of codes that it then makes for Euclidean distances only.
    tables = 4 * (facts.lists * MOST_PQ4 * 16 + 1)
    with _limits(max(len(data), tables)):
        try:
            index = faiss.deserialize_index(data) if copied else faiss.read_index(reader)
        except RuntimeError as error:
            reason = str(error).strip().rpartition("Error: ")[2] or "no reason given"
            raise ValueError(f"FAISS cannot read it ({reason})") from error
    if reader is not None and reader.rp_ != len(data):
        raise ValueError(f"it has {len(data)} bytes, the index in it {reader.rp_}")
    if not isinstance(index, (faiss.IndexIVFScalarQuantizer, faiss.IndexIVFPQFastScan)):
        raise ValueError(f"it holds a {type(index).__name__}, no inverted lists")
    if (index.d, index.nlist, index.ntotal) != (dim, facts.lists, facts.images):
        raise ValueError(
            f"it has {index.ntotal} vectors of dim {index.d} in {index.nlist} lists; "
            f"expected {facts.images} of dim {dim} in {facts.lists}"
        )
    ivf = Ivf(index, facts, writable=copied, memory=(data, reader))
    _refuse_settings(index, empty(dim, facts.lists, ivf.codes))
    _refuse_numbers(index, numbers)
    return ivf


def _refuse_settings(index: Any, own: Any) -> None:
    """Raise ValueError unless FAISS was told of an index what it is told of our own."""
    centres = faiss.downcast_index(index.quantizer)
    if type(centres) is not faiss.IndexFlatIP or centres.ntotal != index.nlist:
        raise ValueError(f"its centres are {centres.ntotal} in a {type(centres).__name__}")
    if not (index.is_trained and centres.is_trained):
        raise ValueError("it says that it is not trained")
    told = _told(index)
    for name, value in _told(own).items():
        if told[name] != value:
            raise ValueError(f"its {name} is {told[name]}, expected {value}")


def _told(index: Any) -> dict[str, int | float]:
    """What FAISS was told of an index, of its centres and of its codes when it made them."""
    codes = index.pq if hasattr(index, "pq") else index.sq
    parts = {"index": index, "centres": index.quantizer, "codes": codes}
    return {
        f"{part}.{name}": getattr(held, name)
        for part, held in parts.items()
        for name in TOLD
        if hasattr(held, name)
    }


def _refuse_numbers(index: Any, numbers: int) -> None:
    """Raise ValueError unless its lists hold `ntotal` different numbers of 0 to `numbers` - 1."""
    seen = np.zeros(numbers, dtype=bool)
    for one in range(index.nlist):
        size = index.invlists.list_size(one)
        if not size:
            continue
        held = faiss.rev_swig_ptr(index.invlists.get_ids(one), size)
        if held.min() < 0 or held.max() >= numbers:
            raise ValueError(f"list {one} in it holds numbers other than 0 to {numbers - 1}")
        seen[held] = True
    different = np.count_nonzero(seen)
    if different != index.ntotal:
        raise ValueError(f"its lists hold {different} different vectors, not {index.ntotal}")


@contextlib.contextmanager
def _limits(size: int) -> Iterator[None]:
    """FAISS refuses to make a vector of more bytes than that."""
    before = (
        faiss.get_deserialization_vector_byte_limit(), faiss.get_deserialization_loop_limit()
    )  # fmt: skip
    faiss.set_deserialization_vector_byte_limit(size)
    faiss.set_deserialization_loop_limit(MOST_LOOPS)
    try:
        yield
    finally:
        faiss.set_deserialization_vector_byte_limit(before[0])
        faiss.set_deserialization_loop_limit(before[1])
