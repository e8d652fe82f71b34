"""The app in a real browser: first paint, warm searches, a moved slider, memory over time.

python -m benchmarks.bench_app [--pictures 10000] [--searches 200] [--json] [--save]
The db repeats the vectors of the sample pictures under new ids with a little noise, and every
id has a thumbnail in the cache; needs Chromium and playwright.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from benchmarks.bench_query import QUERIES
from benchmarks.record import save
from lexsearch.api import LexSearch
from lexsearch.bundle.records import CommitBatch, ContentRecord, FileRecord
from lexsearch.bundle.writer import BundleWriter
from lexsearch.cli.demo import corpus
from lexsearch.pixels import to_pixels
from lexsearch.registry import build
from lexsearch.thumbnails import Thumbnails
from lexsearch.types import DenseVectors, Encoded, TokenVectors, docid, image_id_of

BATCH = 1_000
SOURCES = 40  # sample pictures behind the copies
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WAIT_MS = 120_000


def fill(directory: Path, cache: Path, pictures: int) -> None:
    """A db of so many pictures, and a thumbnail of each."""
    from PIL import Image

    model = build("encoders.models", "mini")
    files = sorted(corpus().iterdir())[:SOURCES]
    pixels = np.stack([to_pixels(Image.open(file), model.pixel_spec) for file in files])
    source = model.encode_pixels(pixels)
    thumbnails = Thumbnails(cache)
    rng = np.random.default_rng(1)
    with BundleWriter.open(directory, identity=model.identity, create=True) as writer:
        for start in range(0, pictures, BATCH):
            rows = rng.integers(0, len(files), min(BATCH, pictures - start))
            digests = [hashlib.sha256(f"{start + i}".encode()).digest() for i in range(len(rows))]
            writer.commit(_batch(source, rows, digests, rng))
            for row, digest in zip(rows.tolist(), digests, strict=True):
                id = docid(image_id_of(digest))
                held = thumbnails.path(docid(row))
                if not held.exists():
                    with Image.open(files[row]) as picture:
                        small = picture.convert("RGB")
                    small.thumbnail((320, 320))
                    thumbnails.make(docid(row), lambda side, small=small: small)
                thumbnails.path(id).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(held, thumbnails.path(id))


def _batch(source: Encoded, rows: Any, digests: list[bytes], rng: Any) -> CommitBatch:
    assert source.lexical is not None and source.dense is not None and source.tokens is not None
    dense = source.dense.values[rows] + rng.normal(0, 0.01, (len(rows), source.dense.dim))
    dense /= np.linalg.norm(dense, axis=1, keepdims=True)
    tokens = np.concatenate([source.tokens.item(int(row)) for row in rows])
    count = len(source.tokens.item(0))
    offsets = np.arange(0, count * len(rows) + 1, count, dtype=np.int64)
    vectors = Encoded(
        source.lexical.select(rows),
        DenseVectors(dense.astype(np.float32)),
        TokenVectors(tokens, offsets, source.tokens.grid),
    )
    names = [f"/photos/{digest.hex()[:8]}.jpg".encode() for digest in digests]
    return CommitBatch(
        contents=[ContentRecord(digest, 320, 240) for digest in digests],
        vectors=vectors,
        files=[
            FileRecord(name, 1, 1, 1, digest, b"/photos")
            for name, digest in zip(names, digests, strict=True)
        ],
    )


def memory_mb(pid: int) -> float:
    """Resident memory of the server, the child of the command."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    status = Path(f"/proc/{children[0]}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def measure(pictures: int, searches: int) -> dict[str, Any]:
    """All figures; medians unless said otherwise."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        fill(home / "db", home / "cache" / "lexsearch", pictures)
        with LexSearch.open(home / "db") as db:
            assert len(db) == pictures
        environment = {**os.environ, "XDG_CACHE_HOME": f"{home}/cache", "XDG_DATA_HOME": folder}
        command = [sys.executable, "-m", "lexsearch.cli", "ui", "--db", f"{home}/db"]
        server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        address = server.stdout.readline().split("at ")[1].split()[0]
        try:
            with sync_playwright() as driver:
                place = shutil.which("chromium")
                browser = driver.chromium.launch(executable_path=place, args=FLAGS)
                figures = _browse(browser, address, server.pid, searches)
                browser.close()
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()
    return {"pictures": pictures, "load_per_core": _load(), **figures}


def _load() -> float:
    return round(os.getloadavg()[0] / (os.cpu_count() or 1), 2)


def _browse(browser: Any, address: str, pid: int, searches: int) -> dict[str, Any]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(WAIT_MS)
    start = time.perf_counter()
    page.goto(address)
    page.wait_for_selector("input")
    first_box = time.perf_counter() - start
    page.wait_for_selector("article img[src]")
    first_pictures = time.perf_counter() - start
    page.goto(f"{address}/?q={quote(QUERIES[-1])}")
    page.wait_for_selector("article .reasons span")
    times: list[float] = []
    held: list[float] = []
    for i in range(searches):
        text = f"{QUERIES[i % len(QUERIES)]} {i}"
        times.append(_search(page, text))
        if i in (19, searches - 1):
            held.append(memory_mb(pid))
    slider: list[float] = []
    for key in ("End", "Home") * 5:
        slider.append(_slide(page, key))
    return {
        "first_box_s": round(first_box, 2),
        "first_pictures_s": round(first_pictures, 2),
        "search_ms": round(1000 * statistics.median(times), 1),
        "search_ms_p95": round(1000 * sorted(times)[int(0.95 * len(times))], 1),
        "slider_ms": round(1000 * statistics.median(slider), 1),
        "searches": searches,
        "memory_mb_after_20": round(held[0], 1),
        "memory_mb_at_the_end": round(held[-1], 1),
    }


def _search(page: Any, text: str) -> float:
    """Seconds from Enter until the grid has the answer to this search."""
    box = page.get_by_placeholder("a dog on the beach")
    box.fill(text)
    start = time.perf_counter()
    box.press("Enter")
    page.wait_for_function(
        "text => [...document.querySelectorAll('*')].some("
        "n => n.shadowRoot?.querySelector('.grid')?.dataset.query === text)",
        arg=text,
        polling="raf",
    )
    return time.perf_counter() - start


def _slide(page: Any, key: str) -> float:
    pill = page.locator("[data-word] input").first
    marks = page.locator(".grid").first
    before = marks.get_attribute("data-turn")
    pill.focus()
    start = time.perf_counter()
    pill.press(key)
    page.wait_for_function(
        "before => [...document.querySelectorAll('*')].some("
        "n => { const g = n.shadowRoot?.querySelector('.grid'); "
        "return g && g.dataset.turn !== before; })",
        arg=before,
        polling="raf",
    )
    return time.perf_counter() - start


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args(argv)
    figures = measure(given.pictures, given.searches)
    print(json.dumps(figures, indent=None if given.json else 2))
    if given.save:
        save("bench_app", figures)


if __name__ == "__main__":
    main()
