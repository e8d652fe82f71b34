"""Indexing against its parts run bare: what share of their speed the whole pipeline keeps.

python -m benchmarks.bench_index [--images DIR] [--limit 128] [--runs 3] [--json] [--save]

Milliseconds are those of one picture. Everybody takes turns in one process over the same files;
ours makes a new index in every round. Peers:

    bare encoder      the same model on pixels that are in memory already
    decode + encode   threads that decode, as many as there are processors, and that model

The floor is the slower of decoding alone and encoding alone, which a perfect overlap would reach.
`peak_mb` is that of new processes that index a quarter and all of the files: it should not grow.
`recall@100` compares dense searches by captions in the index with those over the bare encoder's
vectors. `rescan` is the next run, in which nothing changed.

A run has a price whatever it does (0.7 s, most of it the start of the decoders), which is much of
three seconds: over a folder of many pictures the share is higher. --save then names the record
after the folder.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.bench_query import texts
from benchmarks.record import lower_bound, peer, report, shaped
from benchmarks.timing import percentiles
from lexsearch.api import LexSearch
from lexsearch.pictures import load_pixels
from lexsearch.registry import build, program
from lexsearch.types import FloatArray, image_id_of

PEAK = """
import resource, sys
from pathlib import Path
from lexsearch.registry import build, program
paths = [Path(name) for name in sys.stdin.read().split("\\0")]
program("indexer")(paths, directory=Path(sys.argv[1]), model=build("encoders.models", "mini"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
SAMPLE = Path(__file__).parents[1] / "sample_corpus" / "images"
BATCH, QUERIES, K = 64, 30, 100


def measure(images: Path, limit: int, runs: int) -> dict[str, Any]:
    """Milliseconds a picture of the pipeline and of its parts."""
    model = build("encoders.models", "mini")
    paths = sorted(path for path in images.iterdir() if path.is_file())[:limit]
    pixels = np.stack([load_pixels(path, model.pixel_spec) for path in paths])
    model.encode_pixels(pixels[:4])
    index = program("indexer")
    with tempfile.TemporaryDirectory(prefix="lexsearch-bench-") as folder:
        place = Path(folder) / "db"
        made: list[Any] = []

        def ours() -> None:
            shutil.rmtree(place, ignore_errors=True)
            made.append(index(paths, directory=place, model=model))

        def decode() -> None:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                for _ in pool.map(lambda path: load_pixels(path, model.pixel_spec), paths):
                    pass

        def both() -> None:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                some = pool.map(lambda path: load_pixels(path, model.pixel_spec), paths)
                while batch := list(islice(some, BATCH)):
                    model.encode_pixels(np.stack(batch))

        def encode() -> None:
            for start in range(0, len(pixels), BATCH):
                model.encode_pixels(pixels[start : start + BATCH])

        jobs = {"ours": ours, "bare encoder": encode, "decode + encode": both, "decode": decode}
        times = by_picture(jobs, runs, len(paths))
        start = time.perf_counter()
        again = index(paths, directory=place, model=model)
        rescan = again.found / (time.perf_counter() - start)
        size = sum(f.stat().st_size for f in (place / "segments").rglob("*.*"))
        found = recall(place, model, paths, model.encode_pixels(pixels).dense.values)
    ms = times.pop("ours")
    alone = max(times.pop("decode")["p50"], times["bare encoder"]["p50"])
    return shaped(
        made[-1].encoded,
        ms,
        {name: peer(value, ms, recall=1.0) for name, value in times.items()},
        recall=found,
        floor=lower_bound(alone, ms, "the slower of decoding and encoding alone"),
        images_per_s=round(1000 / ms["p50"], 1),
        megapixels=statistics.median(map(megapixels, paths)),
        seconds={name: round(value, 2) for name, value in made[-1].seconds.items()},
        rescan_files_per_s=round(rescan),
        bytes_per_image=round(size / max(made[-1].encoded, 1)),
        peak_mb={len(some): peak_mb(some) for some in (paths[: max(1, len(paths) // 4)], paths)},
    )


def megapixels(path: Path) -> float:
    """Of one picture."""
    with Image.open(path) as image:
        return round(image.width * image.height / 1e6, 3)


def by_picture(
    jobs: dict[str, Callable[[], None]], runs: int, count: int
) -> dict[str, dict[str, float]]:
    """Milliseconds a picture, of jobs that take turns."""
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(runs):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            taken[name].append(1000 * (time.perf_counter() - start) / count)
    return {name: percentiles(values) for name, values in taken.items()}


def peak_mb(paths: list[Path]) -> int:
    """Peak megabytes of a process that indexes some files, its decoders left out."""
    with tempfile.TemporaryDirectory(prefix="lexsearch-bench-") as folder:
        done = subprocess.run(
            [sys.executable, "-c", PEAK, f"{folder}/db"], input="\0".join(map(str, paths)),
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(int(done.stdout) / unit)


def recall(place: Path, model: Any, paths: list[Path], bare: FloatArray) -> float:
    """The share of the best by the bare vectors that a dense search of the index finds."""
    ids = np.array([image_id_of(hashlib.sha256(path.read_bytes()).digest()) for path in paths])
    shares = []
    with LexSearch.open(place, model=model) as db:
        for query in islice(texts(), QUERIES):
            dense = model.encode_texts([str(query)]).dense.values[0]
            k = min(K, max(1, len(paths) // 2))
            wanted = ids[np.argsort(-(bare @ dense), kind="stable")[:k]]
            hits = db.search(query, top_k=k, mode="dense")
            shares.append(len({int(hit.id, 16) for hit in hits} & set(wanted.tolist())) / k)
    return round(float(np.mean(shares)), 4)


def show(figures: dict[str, Any]) -> None:
    """For people."""
    peers = {name: one["ratio"] for name, one in figures["peers"].items()}
    print(
        f"index  {figures['images']} pictures: {figures['images_per_s']} images/s, {figures['ms']} "
        f"ms a picture; peers over ours {peers}; share of the floor {figures['floor']['share']}; "
        f"nothing changed: {figures['rescan_files_per_s']} files/s; "
        f"{figures['bytes_per_image']} bytes a picture; peak by pictures {figures['peak_mb']} MB"
    )


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, and save when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, default=SAMPLE, help="a folder of pictures")
    parser.add_argument("--limit", type=int, default=128, help="pictures")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args(arguments)
    figures = measure(options.images, options.limit, options.runs)
    name = "bench_index" if options.images == SAMPLE else f"bench_index_{options.images.name}"
    report(name, figures, options, show)
    return figures


if __name__ == "__main__":
    main()
