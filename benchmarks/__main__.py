"""Runs the small benchmarks one after the other and saves what they measured."""

from __future__ import annotations

from benchmarks import bench_index, bench_query

for benchmark in (bench_index, bench_query):
    benchmark.main(["--save"])
