"""The image graph that ships against the same network in torch, and against its int8 form.

python -m benchmarks.bench_encoder [--images DIR --captions TSV] [--json] [--save]
Peers in the same run: torch eager (float32, same layers, the same number of threads). With captions
the R@10 of the dense channel is measured for float16 weights as shipped and for static int8.
Needs the extra `train`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.record import peer, save, shaped
from benchmarks.timing import percentiles
from lexsearch.models.files import bundled
from lexsearch.nn.mini import Mini, MiniShape
from lexsearch.nn.vit import Vit
from lexsearch.onnx_runtime import onnxruntime
from lexsearch.pictures import load_pixels
from lexsearch.registry import build
from lexsearch.training.export import ImageGraph
from lexsearch.training.fusion import recalls
from lexsearch.training.quantise import static_int8

SAMPLE = Path(__file__).parents[1] / "sample_corpus" / "images"
CALIBRATION = 48
ROUNDS = 40


def session(source: bytes | str, threads: int) -> onnxruntime.InferenceSession:
    """A session on the processor."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def alternately(jobs: dict[str, Callable[[int], object]]) -> dict[str, dict[str, float]]:
    """Milliseconds of every job; they take turns, so that noise hits all of them."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for i in range(ROUNDS + 3):
        for name, job in jobs.items():
            start = time.perf_counter()
            job(i)
            if i >= 3:
                times[name].append(1000 * (time.perf_counter() - start))
    return {name: percentiles(values) for name, values in times.items()}


def measure(images: Path, captions: Path | None, calibration: Path) -> dict[str, Any]:
    """Milliseconds a picture, ratios, and what int8 costs."""
    files = bundled("mini")
    spec = files.pixel_spec
    paths = sorted(path for path in images.iterdir() if path.is_file())
    pixels = np.stack([load_pixels(path, spec) for path in paths[: ROUNDS + 3]])
    threads = os.cpu_count() or 1
    torch.set_num_threads(threads)
    network = ImageGraph(Vit(), Mini(MiniShape(words=8))).eval()
    with tempfile.TemporaryDirectory() as folder:
        shipped = Path(folder) / "image.onnx"
        shipped.write_bytes(files.read("image.onnx"))
        small = Path(folder) / "int8.onnx"
        sample = sorted(path for path in calibration.iterdir() if path.is_file())[:CALIBRATION]
        static_int8(shipped, small, (load_pixels(path, spec) for path in sample))
        ours, int8 = session(str(shipped), threads), session(str(small), threads)

        def eager(i: int) -> object:
            with torch.inference_mode():
                return network(torch.from_numpy(pixels[i % len(pixels)][None]))

        times = alternately(
            {
                "onnx": lambda i: ours.run(None, {"pixels": pixels[i % len(pixels)][None]}),
                "torch eager": eager,
                "int8": lambda i: int8.run(None, {"pixels": pixels[i % len(pixels)][None]}),
            }
        )
        shipped_ms = times.pop("onnx")
        found = shaped(
            len(pixels),
            shipped_ms,
            {name: peer(ms, shipped_ms) for name, ms in times.items()},
            threads=threads,
            bytes={"onnx": shipped.stat().st_size, "int8": small.stat().st_size},
        )
        if captions is not None:
            found["dense R@10"] = recall_of({"onnx": ours, "int8": int8}, images, captions)
    return found


def recall_of(
    sessions: dict[str, onnxruntime.InferenceSession], images: Path, captions: Path
) -> dict[str, float]:
    """Text-to-image R@10 of the dense channel in percent, by graph."""
    model = build("encoders.models", "mini")
    lines = [line.split("\t") for line in captions.read_text(encoding="utf-8").splitlines()]
    names = sorted({line[0] for line in lines})
    own = torch.tensor([names.index(line[0]) for line in lines])
    texts = torch.from_numpy(model.encode_texts([line[1] for line in lines]).dense.values)
    photos: dict[str, list[np.ndarray]] = {name: [] for name in sessions}
    for name in names:
        pixels = load_pixels(images / name, model.pixel_spec)[None]
        for graph, one in sessions.items():
            photos[graph].append(one.run(["dense"], {"pixels": pixels})[0][0])
    return {
        graph: round(recalls(texts @ torch.from_numpy(np.stack(rows)).T, own)["R@10"], 2)
        for graph, rows in photos.items()
    }


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, and save when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, default=SAMPLE)
    parser.add_argument("--captions", type=Path)
    parser.add_argument("--calibration", type=Path, default=SAMPLE, help="pictures for int8")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args(arguments)
    figures = measure(options.images, options.captions, options.calibration)
    if options.save:
        save("bench_encoder", figures)
    print(json.dumps(figures, indent=None if options.json else 2))
    return figures


if __name__ == "__main__":
    main()
