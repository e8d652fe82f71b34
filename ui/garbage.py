"""Spares the garbage collector what lives as long as the app: words, counts, compiled code.

Streamlit collects all garbage after every event, which walks every object of the process and holds
up the answer. Whatever outlives a collection that took long is left alone from then on.
"""

from __future__ import annotations

import gc
import time

SLOW_S = 0.010  # processor time of a collection from which its survivors are left alone
FULL = 2  # the generation that holds all others


class Sparing:
    """A callback of the collector; objects that it freezes are freed only by their last use."""

    def __init__(self, slow_s: float = SLOW_S) -> None:
        self._slow_s = slow_s
        self._start = 0.0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        """Called by Python before and after every collection."""
        if info["generation"] != FULL:
            return
        if phase == "start":
            self._start = time.thread_time()
        elif time.thread_time() - self._start > self._slow_s:
            gc.freeze()


def spare_the_lasting() -> None:
    """Install it in this process, once."""
    if not any(isinstance(one, Sparing) for one in gc.callbacks):
        gc.callbacks.append(Sparing())
