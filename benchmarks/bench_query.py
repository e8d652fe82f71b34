"""A whole query: cold from the command line, warm in an open db, stage by stage.

python -m benchmarks.bench_query [--images DIR] [--json] [--save]
The peer of the cold search is a Python process that only imports numpy and onnxruntime.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.bench_index import SAMPLE
from benchmarks.record import save
from lexsearch.api import LexSearch
from lexsearch.engine import MODES

QUERIES = (
    "a dog on the beach", "two people in the snow", "a red car", "a boat at night",
    "a child with a ball", "flowers in a field", "a man on a bicycle", "a black cat",
)  # fmt: skip


def wall(command: list[str], runs: int) -> list[float]:
    """Wall seconds of a command, run by run, after one run that does not count."""
    seconds: list[float] = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def measure(images: Path, runs: int) -> dict[str, Any]:
    """Median seconds cold, median milliseconds warm by mode."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "db"
        with LexSearch.create(place) as db:
            db.index(images)
            warm: dict[str, float] = {}
            stages: dict[str, float] = {}
            for mode in MODES:
                db.search(QUERIES[0], mode=mode)
                times: list[float] = []
                for query in QUERIES * 5:
                    start = time.perf_counter()
                    results = db.search(query, mode=mode)
                    times.append(1000 * (time.perf_counter() - start))
                    for stage, value in results.seconds.items() if mode == "hybrid" else ():
                        stages[stage] = stages.get(stage, 0.0) + value
                warm[mode] = round(statistics.median(times), 2)
            count = len(db)
        search = [sys.executable, "-m", "lexsearch.cli", "search", QUERIES[0], "--db", str(place)]
        cold = statistics.median(wall(search, runs))
        floor = statistics.median(
            wall([sys.executable, "-c", "import numpy, onnxruntime, tokenizers"], runs)
        )
    total = sum(stages.values())
    return {
        "images": count,
        "warm_ms": warm,
        "stages_share": {name: round(value / total, 3) for name, value in stages.items()},
        "cold_s": round(cold, 3),
        "imports_alone_s": round(floor, 3),
        "ratio": round(cold / floor, 2),
    }


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, and save when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, default=SAMPLE)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args(arguments)
    figures = measure(options.images, options.runs)
    if options.save:
        save("bench_query", figures)
    if options.json:
        print(json.dumps(figures))
    else:
        print(
            f"query  {figures['images']} pictures: cold {figures['cold_s']} s "
            f"({figures['ratio']} x its imports alone, {figures['imports_alone_s']} s); "
            f"warm ms {figures['warm_ms']}; shares {figures['stages_share']}"
        )
    return figures


if __name__ == "__main__":
    main()
