"""Moves a FAISS index to a GPU when there is one; the index on the CPU stays the one of record."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

# Most neighbours and most lists that a GPU index takes in one search.
MOST_NEIGHBOURS = MOST_LISTS = 2_048


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """An index where it will be searched.

    Attributes:
        index: the clone, or the index that was given.
        on_gpu: whether it is a clone on a GPU.
        note: a sentence that says where it is and why.
        resources: memory of the GPU, which has to live as long as the clone.
        lock: held during a search on a GPU, whose memory serves one at a time.
    """

    index: Any
    on_gpu: bool
    note: str
    resources: Any = field(default=None, repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


def gpu_seen(faiss: Any) -> bool:
    """Whether faiss can use a GPU here."""
    has_part = hasattr(faiss, "StandardGpuResources") and hasattr(faiss, "index_cpu_to_gpu")
    return has_part and faiss.get_num_gpus() > 0


def place(faiss: Any, index: Any) -> Placed:
    """A clone on the first GPU, in float16; the index itself where that is not possible.

    Args:
        faiss: the module; the wheel for processors has none of the functions used here.
        index: of a kind that can be cloned (flat, IVF); never changed.
    """
    if not (hasattr(faiss, "StandardGpuResources") and hasattr(faiss, "index_cpu_to_gpu")):
        return Placed(index, False, "searching on the processor: this faiss has no GPU part")
    if faiss.get_num_gpus() < 1:
        return Placed(index, False, "searching on the processor: faiss sees no GPU")
    try:
        resources = faiss.StandardGpuResources()
        options = faiss.GpuClonerOptions()
        options.useFloat16 = True
        options.indicesOptions = faiss.INDICES_64_BIT
        clone = faiss.index_cpu_to_gpu(resources, 0, index, options)
    except RuntimeError as error:  # out of memory, or a kind of index that has no clone
        reason = (str(error).strip().splitlines() or ["no reason given"])[0]
        return Placed(index, False, f"searching on the processor: the GPU refused ({reason})")
    return Placed(clone, True, "searching on the GPU", resources)
