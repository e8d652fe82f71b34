"""Keeps the memory of a long run level where the C library is glibc."""

from __future__ import annotations

import ctypes
import sys

M_ARENA_MAX = -8  # mallopt(3)


def one_arena() -> bool:
    """Have all threads of this process share one heap; false where the C library knows no such.

    glibc gives threads heaps of their own, and each keeps the holes that pictures and vectors
    leave: the peak of a run went on growing by 40 MB over its first thousand pictures. One heap
    grows by none, and the run is as fast. It is for programs, not for a library in somebody
    else's process, and counts for heaps that are not there yet: call it first.
    """
    if sys.platform != "linux":
        return False
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    return set_option is not None and bool(set_option(M_ARENA_MAX, 1))
