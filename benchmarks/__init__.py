"""Benchmarks: one script per stage, each with its peer measured in the same run."""
