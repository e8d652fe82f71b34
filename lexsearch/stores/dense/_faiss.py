"""The faiss module, or a sentence why it is not here; imported by the stores that need it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lexsearch.errors import ModelMissing

try:
    import faiss as _faiss
except (ImportError, RuntimeError) as error:
    # The wheel for GPUs raises RuntimeError where the CUDA runtime is missing.
    raise ModelMissing(
        f"the dense stores of FAISS cannot load faiss ({error}); "
        "install it with: pip install 'lexsearch[cpu]'"
    ) from error

# Its type stubs know the C++ signatures only, not the ones that its Python layer adds.
faiss: Any = _faiss


# From this many rows on, work on all of them is shared out among threads.
SHARED_FROM = 50_000


@contextmanager
def one_thread(rows: int = 0) -> Iterator[None]:
    """One query, or little work, has nothing to share out: a team of threads costs its start.

    rows: how many the work goes over; from SHARED_FROM on all threads may have their part.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1 if rows < SHARED_FROM else before)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
