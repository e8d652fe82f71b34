"""Dense search on generated vectors: our inverted file against flat scans and HNSW of FAISS.

python -m benchmarks.bench_dense [--images 100000] [--dim 256] [--runs 50] [--no-hnsw]
    [--json] [--save]

One query at a time on one thread, everybody by turns in one process, k = 100. Milliseconds are
processor time for `ratio`; the peer of the ratio is FAISS's flat index in float32.

The vectors: 4,000 concepts, unit Gaussian directions, with frequencies 1 / rank (Zipf). An image
is the sum of four concepts, drawn by frequency, with weights 1, 1/2, 1/3, 1/4, plus Gaussian noise
of length 0.6, scaled to length 1. A text query is the sum of the first two concepts of an image
plus one direction common to all texts (the gap, length 0.6) plus noise of length 0.4, scaled to
length 1. The queries are never shown to the index: it chooses its number of lists on queries of
its own, made from images (see `stores/dense/_ivf.py`).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.record import save
from benchmarks.timing import by_turns, on_one_thread, percentiles
from lexsearch.registry import build
from lexsearch.stores.segment_data import MAX_ROWS, dense_sections
from lexsearch.types import DenseVectors, FloatArray, IntArray

CONCEPTS, HELD, K, QUERIES = 4_000, 4, 100, 200
EFFORTS = (64, 128, 256, 512)


def unit(rows: np.ndarray) -> FloatArray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def corpus(images: int, dim: int, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """Images (images, dim) and text queries (QUERIES, dim), unit rows, float16 values."""
    rng = np.random.default_rng(seed)
    concepts = unit(rng.normal(size=(CONCEPTS, dim)))
    frequency = 1 / np.arange(1, CONCEPTS + 1)
    frequency /= frequency.sum()
    weights = 1 / np.arange(1, HELD + 1)
    values = np.empty((images, dim), dtype=np.float32)
    held = rng.choice(CONCEPTS, (images, HELD), p=frequency)
    for start in range(0, images, MAX_ROWS):
        part = held[start : start + MAX_ROWS]
        mixed = np.einsum("h,nhd->nd", weights, concepts[part])
        noise = rng.normal(size=mixed.shape) * (0.6 / dim**0.5)
        values[start : start + MAX_ROWS] = unit(mixed + noise).astype(np.float16)
    asked = held[rng.integers(0, images, QUERIES), :2]
    gap = unit(rng.normal(size=dim)) * 0.6
    noise = rng.normal(size=(QUERIES, dim)) * (0.4 / dim**0.5)
    return values, unit(concepts[asked].sum(axis=1) + gap + noise)


def recall(found: list[IntArray], truth: list[IntArray]) -> float:
    shared = [len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, truth, strict=True)]
    return round(float(np.mean(shared)), 4)


def measure(images: int, dim: int, runs: int, *, hnsw: bool) -> dict[str, Any]:
    """Milliseconds, recall and build seconds of every index."""
    import faiss  # type: ignore[import-untyped, unused-ignore]

    values, texts = corpus(images, dim)
    seconds: dict[str, float] = {}
    finders: dict[str, Callable[[FloatArray], IntArray]] = {}
    segments = [
        (np.arange(start, min(start + MAX_ROWS, images)),
         dense_sections(DenseVectors(values[start : start + MAX_ROWS])))
        for start in range(0, images, MAX_ROWS)
    ]  # fmt: skip

    def store(name: str, **options: Any) -> Any:
        index = build("stores.dense", name, dim=dim, **options)
        for ids, arrays in segments:
            index.attach(ids, arrays)
        begin = time.process_time()
        index.search(DenseVectors(texts[:1]), K)
        seconds[name] = round(time.process_time() - begin, 2)
        finders[name] = lambda query: index.search(DenseVectors(query[np.newaxis]), K).ids
        return index

    inverted = store("faiss_ivf", up=1, down=0)
    store("flat")
    store("faiss_flat")
    plain = faiss.IndexFlatIP(dim)
    plain.add(values)
    finders["faiss float32 flat"] = lambda query: plain.search(query[np.newaxis], K)[1][0]
    if hnsw:
        graph = faiss.IndexHNSWFlat(dim, 32, faiss.METRIC_INNER_PRODUCT)
        begin = time.process_time()
        graph.add(values)
        seconds["faiss hnsw32"] = round(time.process_time() - begin, 2)
        for effort in EFFORTS:
            found = faiss.SearchParametersHNSW(efSearch=effort)
            finders[f"faiss hnsw32 ef {effort}"] = lambda query, found=found: graph.search(
                query[np.newaxis], K, params=found
            )[1][0]
    jobs = {
        name: (lambda run, find=find: find(texts[run % QUERIES])) for name, find in finders.items()
    }
    times = by_turns(jobs, runs)
    truth = [finders["flat"](query) for query in texts]
    ours = percentiles(times["faiss_ivf"][1])["p50"]
    peer = percentiles(times["faiss float32 flat"][1])["p50"]
    ivf = inverted._lists()
    peers = {
        name: {
            "ms": percentiles(times[name][0]),
            "cpu_ms": percentiles(times[name][1]),
            "ratio": round(percentiles(times[name][1])["p50"] / ours, 2),
            "recall@100": recall([find(query) for query in texts], truth),
        }
        for name, find in finders.items()
        if name != "faiss_ivf"
    }
    return {
        "images": images,
        "dim": dim,
        "ms": percentiles(times["faiss_ivf"][0]),
        "cpu_ms": percentiles(times["faiss_ivf"][1]),
        "recall@100": recall([finders["faiss_ivf"](query) for query in texts], truth),
        "calibrated": {"lists": ivf.lists, "nprobe": ivf.nprobe, "recall@100": ivf.recall},
        "ratio against faiss flat": round(peer / ours, 2),
        "peers": peers,
        "floor": {
            "cpu_ms": round(peer * ivf.nprobe / ivf.lists, 3),
            "share": round(peer * ivf.nprobe / ivf.lists / ours, 3),
        },
        "build_cpu_s": seconds,
    }


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, and save when asked."""
    on_one_thread("benchmarks.bench_dense", arguments)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--no-hnsw", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args(arguments)
    figures = measure(options.images, options.dim, options.runs, hnsw=not options.no_hnsw)
    if options.save:
        save("bench_dense", figures)
    if options.json:
        print(json.dumps(figures))
        return figures
    print(
        f"dense  {figures['images']:,} x {figures['dim']}: {figures['cpu_ms']} ms, recall@100 "
        f"{figures['recall@100']}, {figures['ratio against faiss flat']} x faster than faiss flat, "
        f"{figures['calibrated']}, build {figures['build_cpu_s']}"
    )
    for name, row in figures["peers"].items():
        print(f"  {name:22} {row['cpu_ms']} recall@100 {row['recall@100']} ratio {row['ratio']}")
    return figures


if __name__ == "__main__":
    main()
