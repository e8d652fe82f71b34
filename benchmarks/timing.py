"""Times callables turn by turn, on one thread, in wall and in processor milliseconds."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def on_one_thread(module: str, arguments: Sequence[str] | None) -> None:
    """Start the module again with one thread for every library, unless it runs so already."""
    if any(os.environ.get(name) != "1" for name in THREADS):
        given = list(sys.argv[1:] if arguments is None else arguments)
        environment = os.environ | dict.fromkeys(THREADS, "1")
        os.execve(sys.executable, [sys.executable, "-m", module, *given], environment)


def by_turns(
    jobs: Mapping[str, Callable[[int], Any]], runs: int
) -> dict[str, tuple[list[float], list[float]]]:
    """Wall and processor milliseconds of every job, run by run.

    The jobs take turns, so that a busy moment of the machine falls on all of them; one round
    before the first does not count.

    Args:
        jobs: called with the number of the run, -1 for the round that does not count.
        runs: >= 1.
    """
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in jobs}
    for run in range(-1, runs):
        for name, job in jobs.items():
            wall, processor = time.perf_counter(), time.process_time()
            job(run)
            processor, wall = time.process_time() - processor, time.perf_counter() - wall
            if run >= 0:
                found[name][0].append(1000 * wall)
                found[name][1].append(1000 * processor)
    return found


def read_rate(size_bytes: int) -> float:
    """Bytes per second at which one core reads so many again and again, 1 MB to 256 MB."""
    numbers = np.ones(min(max(size_bytes, 1 << 20), 1 << 28) // 8, dtype=np.uint64)
    best = float("inf")
    for _ in range(7):
        start = time.perf_counter()
        np.add.reduce(numbers)
        best = min(best, time.perf_counter() - start)
    return float(numbers.nbytes / best)


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """The median, and the value that 99 of 100 do not exceed."""
    ordered = sorted(values)
    last = ordered[min(len(ordered) - 1, -(-99 * len(ordered) // 100) - 1)]
    return {"p50": round(statistics.median(ordered), 3), "p99": round(last, 3)}
