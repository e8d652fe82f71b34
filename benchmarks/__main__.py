"""Runs the small sizes of all benchmarks one after the other, each in a process of its own.

python -m benchmarks [--save] [--only NAME ...]

Within ten minutes on two quiet cores. Full sizes: each benchmark by itself, with its defaults.
A benchmark that fails is named and the others run on; the exit code is then 1. --save also draws
the plots. `bench_model` and `bench_pooling` need data from outside and are not among them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

SMALL: dict[str, tuple[str, ...]] = {
    "bench_index": ("--limit", "96", "--runs", "2"),
    "bench_query": ("--images", "1000", "10000", "--runs", "30", "--cold-runs", "3"),
    "bench_rescan": ("--files", "1000", "10000", "--runs", "5"),
    "bench_lexical": ("--images", "20000", "--queries", "50"),
    "bench_dense": ("--images", "20000", "--runs", "20", "--peers", "flat,ivf,hnsw"),
    "bench_maxsim": ("--runs", "10"),
    "bench_memory": ("--images", "1000", "10000"),
    "bench_encoder": (),
    "bench_serve": ("--images", "0", "--clients", "1", "4", "--seconds", "1", "--cold-runs", "2"),
}
# Their records are of the full size or with data from outside; a small run must not replace them.
NOT_SAVED = ("bench_dense", "bench_encoder", "bench_index", "bench_maxsim", "bench_memory",
              "bench_query", "bench_rescan", "bench_serve")  # fmt: skip


def run(name: str, *, save: bool) -> bool:
    """Run one; returns whether it succeeded."""
    options = list(SMALL[name])
    if save and name not in NOT_SAVED:
        options.append("--save")
    start = time.perf_counter()
    code = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options]).returncode
    print(f"{name}: {'done' if code == 0 else f'FAILED ({code})'} in "
          f"{time.perf_counter() - start:.0f} s", flush=True)  # fmt: skip
    return code == 0


def main() -> int:
    """Run them; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true", help="the records that small sizes may have")
    parser.add_argument("--only", nargs="+", choices=sorted(SMALL), default=list(SMALL))
    options = parser.parse_args()
    failed = [name for name in options.only if not run(name, save=options.save)]
    if options.save:
        subprocess.run([sys.executable, "-m", "benchmarks.plots"], check=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
