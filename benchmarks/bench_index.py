"""Indexing against the bare encoder: what share of its speed the whole pipeline keeps.

python -m benchmarks.bench_index [--images DIR] [--json] [--save]
The peer is the same model on pixels that are in memory already, in the same process.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import save
from lexsearch.pictures import load_pixels
from lexsearch.registry import build, program

SAMPLE = Path(__file__).parents[1] / "sample_corpus" / "images"


def measure(images: Path, limit: int) -> dict[str, Any]:
    """Images per second of the encoder alone, of a first run and of a run with no change."""
    model = build("encoders.models", "mini")
    paths = sorted(path for path in images.iterdir() if path.is_file())
    some = np.stack([load_pixels(path, model.pixel_spec) for path in paths[:limit]])
    model.encode_pixels(some[:4])
    start = time.perf_counter()
    model.encode_pixels(some)
    bare = len(some) / (time.perf_counter() - start)
    with tempfile.TemporaryDirectory() as folder:
        index = program("indexer")
        first = index([images], directory=Path(folder) / "db", model=model)
        seconds_first = sum(first.seconds.values())
        start = time.perf_counter()
        again = index([images], directory=Path(folder) / "db", model=model)
        rescan = again.found / (time.perf_counter() - start)
        size = sum(f.stat().st_size for f in (Path(folder) / "db" / "segments").rglob("*.*"))
    return {
        "images": first.encoded,
        "bare_images_per_s": round(bare, 1),
        "images_per_s": round(first.images_per_s, 1),
        "ratio": round(first.images_per_s / bare, 3),
        "seconds": {name: round(value, 2) for name, value in first.seconds.items()},
        "stage_seconds_sum": round(seconds_first, 2),
        "rescan_files_per_s": round(rescan),
        "bytes_per_image": round(size / max(first.encoded, 1)),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, and save when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, default=SAMPLE)
    parser.add_argument("--limit", type=int, default=128, help="pictures for the bare encoder")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args(arguments)
    figures = measure(options.images, options.limit)
    if options.save:
        save("bench_index", figures)
    if options.json:
        print(json.dumps(figures))
    else:
        print(
            f"index  {figures['images']} pictures: {figures['images_per_s']} images/s, "
            f"bare encoder {figures['bare_images_per_s']}, ratio {figures['ratio']}; "
            f"nothing changed: {figures['rescan_files_per_s']} files/s; "
            f"{figures['bytes_per_image']} bytes a picture; peak {figures['peak_rss_mb']} MB"
        )
    return figures


if __name__ == "__main__":
    main()
