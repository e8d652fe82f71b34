"""Dense search on generated vectors: our inverted file against flat scans and HNSW of FAISS.

python -m benchmarks.bench_dense [--images 100000] [--dim 256] [--runs 50]
    [--peers flat,faiss_flat,ivf,hnsw] [--json] [--save]

One query at a time on one thread, everybody by turns in one process, k = 100. Ours is the default
store with the lists that the indexer would write. `ratio` is processor time of the peer over ours.
Peers: `flat` and `faiss_flat` of this package; `ivf`, FAISS's inverted file in float32 with as many
lists, of which as many are visited; `hnsw` at several efforts; and always `faiss`, its flat index
in float32: the floor is its time for the share of the rows that ours visits, the centres of the
lists included. `batch` is processor time a query when ours is given all queries at once.

The vectors: 4,000 concepts, unit Gaussian directions, with frequencies 1 / rank (Zipf). An image
is the sum of four concepts, drawn by frequency, with weights 1, 1/2, 1/3, 1/4, plus Gaussian noise
of length 0.6, scaled to length 1. A text query is the sum of the first two concepts of an image
plus one direction common to all texts (the gap, length 0.6) plus noise of length 0.4, scaled to
length 1. The queries are never shown to the index: it chooses its number of lists on other texts,
as the indexer gives it texts of the vocabulary.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from benchmarks.record import lower_bound, save, shaped
from benchmarks.timing import by_turns, on_one_thread, percentiles
from lexsearch.registry import build
from lexsearch.stores.segment_data import MAX_ROWS, dense_sections
from lexsearch.types import DenseVectors, FloatArray, IntArray, ListFacts

CONCEPTS, HELD, K, QUERIES = 4_000, 4, 100, 200
EFFORTS = (64, 128, 256, 512)
PEERS = ("flat", "faiss_flat", "ivf", "hnsw")


def unit(rows: np.ndarray) -> FloatArray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def corpus(images: int, dim: int, seed: int = 0) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Images (images, dim), texts to search with and others (QUERIES, dim): unit rows.

    Values of the images are those of float16.
    """
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
    gap = unit(rng.normal(size=dim)) * 0.6

    def texts() -> FloatArray:
        asked = held[rng.integers(0, images, QUERIES), :2]
        noise = rng.normal(size=(QUERIES, dim)) * (0.4 / dim**0.5)
        return unit(concepts[asked].sum(axis=1) + gap + noise)

    return values, texts(), texts()


def recall(found: list[IntArray], truth: list[IntArray]) -> float:
    shared = [len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, truth, strict=True)]
    return round(float(np.mean(shared)), 4)


def measure(images: int, dim: int, runs: int, names: list[str]) -> dict[str, Any]:
    """Milliseconds, recall, bytes and build seconds of ours and of the named peers."""
    import faiss  # type: ignore[import-untyped, unused-ignore]

    values, texts, others = corpus(images, dim)
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
        return index

    def finder(index: Any) -> Callable[[FloatArray], IntArray]:
        return lambda query: index.search(DenseVectors(query[np.newaxis]), K).ids

    begin = time.process_time()
    lists = store("auto", up=1, down=0).make_lists(bank=lambda: others)
    seconds["ours"] = round(time.process_time() - begin, 2)
    ours = store("auto", up=1, down=0)
    begin = time.perf_counter()
    hashlib.sha256(lists.data).hexdigest()
    ours.use_lists(lists)
    opened = 1000 * (time.perf_counter() - begin)
    finders["ours"] = finder(ours)
    exact = store("flat")
    for name in names:
        if name in ("flat", "faiss_flat"):
            finders[name] = finder(exact if name == "flat" else store(name))
    plain = faiss.IndexFlatIP(dim)
    plain.add(values)
    finders["faiss"] = lambda query: plain.search(query[np.newaxis], K)[1][0]
    if "ivf" in names:
        finders["ivf"], seconds["ivf"] = faiss_ivf(values, lists.facts)
    if "hnsw" in names:
        graph = faiss.IndexHNSWFlat(dim, 32, faiss.METRIC_INNER_PRODUCT)
        begin = time.process_time()
        graph.add(values)
        seconds["hnsw"] = round(time.process_time() - begin, 2)
        for effort in EFFORTS:
            found = faiss.SearchParametersHNSW(efSearch=effort)
            finders[f"hnsw ef {effort}"] = lambda query, found=found: graph.search(
                query[np.newaxis], K, params=found
            )[1][0]
    jobs = {
        name: (lambda run, find=find: find(texts[run % QUERIES])) for name, find in finders.items()
    }
    times = by_turns(jobs, runs)
    truth = [finder(exact)(query) for query in texts]
    p50 = percentiles(times["ours"][1])["p50"]
    plain_p50 = percentiles(times["faiss"][1])["p50"]
    facts = lists.facts
    least = plain_p50 * (facts.nprobe / facts.lists + facts.lists / images)
    batch = by_turns(
        {"ours": lambda run: ours.search_many(DenseVectors(texts), K)}, max(1, runs // 10)
    )["ours"][1]
    return shaped(
        images,
        percentiles(times["ours"][0]),
        {
            name: {
                "ms": percentiles(times[name][0]),
                "cpu_ms": percentiles(times[name][1]),
                "ratio": round(percentiles(times[name][1])["p50"] / p50, 2),
                "recall@100": recall([find(query) for query in texts], truth),
            }
            for name, find in finders.items()
            if name != "ours"
        },
        recall=recall([finders["ours"](query) for query in texts], truth),
        floor=lower_bound(least, {"p50": p50}, "float32 scan of the visited rows, processor time"),
        dim=dim,
        cpu_ms=percentiles(times["ours"][1]),
        calibrated={"lists": facts.lists, "visited": facts.nprobe, "recall@100": facts.recall},
        batch={"queries": QUERIES, "cpu_ms_per_query": round(median(batch) / QUERIES, 3)},
        build_cpu_s=seconds,
        open_ms=round(opened, 1),
        bytes={
            "rows": 2 * images * dim,
            "lists": int(lists.data.nbytes + lists.image_ids.nbytes),
            "faiss": 4 * images * dim,
        },
    )


def faiss_ivf(values: FloatArray, facts: ListFacts) -> tuple[Callable[[FloatArray], Any], float]:
    """FAISS's own inverted file in float32, by its defaults, and processor seconds to make it."""
    import faiss

    index = faiss.IndexIVFFlat(
        faiss.IndexFlatIP(values.shape[1]), values.shape[1], facts.lists,
        faiss.METRIC_INNER_PRODUCT,
    )  # fmt: skip
    begin = time.process_time()
    index.cp.min_points_per_centroid = 1
    index.train(values)
    index.add(values)
    spent = round(time.process_time() - begin, 2)
    index.nprobe = facts.nprobe
    return lambda query: index.search(query[np.newaxis], K)[1][0], spent


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, and save when asked."""
    on_one_thread("benchmarks.bench_dense", arguments)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--peers", default=",".join(PEERS), help="names, separated by commas")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args(arguments)
    names = [name for name in options.peers.split(",") if name]
    if unknown := sorted(set(names) - set(PEERS)):
        parser.error(f"no peer is called {unknown[0]!r}; known: {', '.join(PEERS)}")
    figures = measure(options.images, options.dim, options.runs, names)
    if options.save:
        save("bench_dense" + ("" if options.images == 100_000 else f"_{options.images}"), figures)
    if options.json:
        print(json.dumps(figures))
        return figures
    print(
        f"dense  {figures['images']:,} x {figures['dim']}: {figures['cpu_ms']} ms, recall@100 "
        f"{figures['recall@100']}, {figures['calibrated']}, batch {figures['batch']}, share of the "
        f"floor {figures['floor']['share']}, build {figures['build_cpu_s']} s, "
        f"open {figures['open_ms']} ms, bytes {figures['bytes']}"
    )
    for name, row in figures["peers"].items():
        print(f"  {name:22} {row['cpu_ms']} recall@100 {row['recall@100']} ratio {row['ratio']}")
    return figures


if __name__ == "__main__":
    main()
