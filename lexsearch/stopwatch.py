"""Wall seconds of a search: stage by stage, and as a whole."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

TOTAL = "total"


class Stopwatch:
    """Starts when it is made. Stages may be entered more than once and in several threads.

    Every stage counts the wall seconds between its begin and its end, so stages that ran side by
    side add up to more than the total, and what belongs to no stage is missing from their sum.
    """

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._lock = Lock()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times the block under `name`; a stage entered again adds up."""
        start = time.perf_counter()
        try:
            yield
        finally:
            passed = time.perf_counter() - start
            with self._lock:
                self._stages[name] = self._stages.get(name, 0.0) + passed

    def seconds(self, *, among: int = 1) -> dict[str, float]:
        """Seconds by stage in the order of their first end, then `total` since the start.

        among: searches that share them; each gets an equal part.
        """
        stages = {**self._stages, TOTAL: time.perf_counter() - self._start}
        return {name: passed / among for name, passed in stages.items()}
