"""Every benchmark of cost prints one JSON object in one shape, whatever it measures."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import SMALL

ROOT = Path(__file__).parents[2]
# Sizes that say nothing about speed and run the whole benchmark.
TINY: dict[str, tuple[str, ...]] = {
    "bench_lexical": ("--images", "2500", "--queries", "4", "--peers", "scipy_csc,impact",
                      "--no-first-query"),
    "bench_dense": ("--images", "900", "--dim", "16", "--runs", "2"),
    "bench_maxsim": ("--images", "120", "--tokens", "5", "--dim", "16", "--query", "4",
                     "--runs", "2"),
    "bench_index": ("--limit", "6", "--runs", "1"),
    "bench_query": ("--images", "60", "120", "--runs", "2", "--cold-runs", "1"),
    "bench_rescan": ("--files", "40", "20", "--runs", "1"),
    "bench_memory": ("--images", "60", "--queries", "3"),
    "bench_encoder": (),
    "bench_serve": ("--images", "0", "--clients", "1", "--seconds", "0.2", "--cold-runs", "1"),
}  # fmt: skip
PEERS = {
    "bench_lexical": {"scipy_csc", "impact"},
    "bench_dense": {"flat", "ivf", "faiss", "hnsw ef 64"},
    "bench_maxsim": {"torch", "numpy"},
    "bench_index": {"bare encoder", "decode + encode"},
    "bench_query": {"scipy and numpy", "in turn"},
    "bench_rescan": {"scandir and stat"},
    "bench_memory": {"scipy and numpy", "stored arrays"},
    "bench_encoder": {"torch eager", "int8"},
    "bench_serve": {"engine", "no-op"},
}
# Nothing is ranked in these, so there is no recall.
WITHOUT_RECALL = {"bench_rescan", "bench_encoder", "bench_serve"}
WITHOUT_FLOOR = {"bench_encoder"}
NEEDS = {"bench_dense": "faiss", "bench_encoder": "torch", "bench_maxsim": "torch",
         "bench_lexical": "numba", "bench_serve": "uvicorn"}  # fmt: skip


def check(name: str, figures: dict[str, Any]) -> None:
    """The shape of one size."""
    assert figures["images"] > 0
    assert 0 < figures["ms"]["p50"] <= figures["ms"]["p99"]
    if name in WITHOUT_RECALL:
        assert figures["recall@100"] is None
    else:
        assert 0.5 <= figures["recall@100"] <= 1
    assert PEERS[name] <= figures["peers"].keys()
    for one in figures["peers"].values():
        assert {"ms", "ratio", "recall@100"} <= one.keys()
        assert one["ratio"] > 0
        assert one["ms"] is None or 0 < one["ms"]["p50"] <= one["ms"]["p99"]
        assert one["recall@100"] is None or 0 <= one["recall@100"] <= 1
    if name not in WITHOUT_FLOOR:
        assert figures["floor"]["bound"]
        assert math.isfinite(figures["floor"]["share"])


@pytest.mark.slow
@pytest.mark.parametrize("name", TINY)
def test_json_is_one_object_in_the_shape_of_all(name: str) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *TINY[name], "--json"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert isinstance(figures, dict)
    check(name, figures)
    sizes = figures.get("sizes", []) if name != "bench_serve" else []
    for one in sizes:
        check(name, one)
    assert figures["images"] == max([figures["images"], *(one["images"] for one in sizes)])


def test_what_make_bench_runs_is_checked_here() -> None:
    assert SMALL.keys() == TINY.keys()


@pytest.mark.parametrize("name", SMALL)
def test_what_make_bench_asks_for_is_understood(name: str) -> None:
    """A wrong option would end the run with 2; --help after it ends it with 0 and measures none."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *SMALL[name], "--help"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    known = done.stdout
    assert all(word in known for word in SMALL[name] if word.startswith("--"))
