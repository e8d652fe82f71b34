"""The app in a real browser: first paint, warm searches, a moved slider, memory over time.

python -m benchmarks.bench_app [--images N ...] [--searches N] [--keep DIR] [--json] [--save]

The indexes are made up (`synthetic_bundle`); --keep leaves them in DIR for the next run. Every
picture has a thumbnail in the cache, one of 40 drawn from the sample pictures. Each size gets a
server of its own, started by `lexsearch ui`, and a new Chromium (needs playwright):

    first paint     a first visit, with nothing loaded yet: the box to type in; then the pictures
    search          from Enter to the frame in which the grid holds the answer; every text is new
    slider          from a move of a word's slider to that frame; the words change, nothing else
    engine          what the page itself says that words and search took, within the above
    memory          of the server without mapped files, of the page without garbage; the first
                    searches fill caches of a bounded size, so the second half is the one to read
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.bench_query import texts
from benchmarks.bundled_words import SAMPLE
from benchmarks.record import lower_bound, peer, report, shaped
from benchmarks.synthetic_bundle import bundled, index_of
from benchmarks.timing import percentiles
from lexsearch.pictures import load_for_display
from lexsearch.thumbnails import SIDE, Thumbnails
from lexsearch.types import docid, image_id_of

SIZES = (10_000, 100_000)
SOURCES = 40  # sample pictures behind the thumbnails
SLIDES = 40
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WAIT_MS = 120_000
TICKS = os.sysconf("SC_CLK_TCK")
BOX = "a dog on the beach"
GRID = """
want => {
  const hosts = [...document.querySelectorAll('*')].filter((node) => node.shadowRoot);
  const grid = hosts.map((node) => node.shadowRoot.querySelector('.grid')).find(Boolean);
  return grid && (want.query === undefined || grid.dataset.query === want.query)
    && (want.turn === undefined || grid.dataset.turn !== want.turn);
}
"""
TARGETS = {
    "first paint": "2 s",
    "search p50, 10,000": "300 ms",
    "slider p50, 100,000, engine": "100 ms",
    "memory over 200 searches": "flat",
}


def fill_cache(cache: Path, images: int) -> None:
    """A thumbnail for every picture of a made-up index."""
    thumbnails = Thumbnails(cache)
    made: list[Path] = []
    for number, path in enumerate(sorted((SAMPLE / "images").iterdir())[:SOURCES]):
        name = docid(number)

        def load(side: int, path: Path = path) -> Any:
            return load_for_display(os.fsencode(path), side, side * 3 // 4, side=side)

        assert thumbnails.make(name, load, SIDE) is not None
        made.append(thumbnails.path(name))
    for i in range(images):
        place = thumbnails.path(docid(image_id_of(hashlib.sha256(b"%d" % i).digest())))
        place.parent.mkdir(parents=True, exist_ok=True)
        os.link(made[i % len(made)], place)


@contextmanager
def served(db: Path, home: Path) -> Iterator[tuple[str, int, float]]:
    """Address, process id and seconds to the start of an app of its own."""
    environment = {**os.environ, "XDG_CACHE_HOME": f"{home}/cache", "XDG_DATA_HOME": f"{home}/data"}
    command = [sys.executable, "-m", "lexsearch.cli", "ui", "--db", f"{db}/"]
    start = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split("at ")[1].split()[0]
        passed = time.perf_counter() - start
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        try:
            yield address, int(children[0]), passed
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def memory_mb(pid: int) -> float:
    """Memory of a process, without the pages of files that it has mapped."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
    return round(int(line.split()[1]) / 1024, 1)


def cpu_ms(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / TICKS


def rest(pid: int) -> None:
    """Wait until a process has nothing to do: large indexes compile code on the side at first."""
    for _ in range(60):
        before = cpu_ms(pid)
        time.sleep(1)
        if cpu_ms(pid) - before < 50:
            return


class Tab:
    """One page of the app, and what happens in it by the clock."""

    def __init__(self, browser: Any) -> None:
        self.page = browser.new_page(viewport={"width": 1280, "height": 900})
        self.page.set_default_timeout(WAIT_MS)
        self.tools = self.page.context.new_cdp_session(self.page)

    def first_visit(self, address: str) -> dict[str, float]:
        """Seconds to the box, to its first pictures, and to the first pixel."""
        start = time.perf_counter()
        self.page.goto(address, wait_until="commit")
        self.page.get_by_placeholder(BOX).wait_for()
        box = time.perf_counter() - start
        self.page.wait_for_selector("article img[src]")
        pictures = time.perf_counter() - start
        paint = self.page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
        )
        shown = {"pixel": paint / 1000, "box": box, "pictures": pictures}
        return {name: round(value, 2) for name, value in shown.items()}

    def search(self, text: str) -> float:
        """Milliseconds from Enter to the frame with the answer."""
        box = self.page.get_by_placeholder(BOX)
        box.fill(text)
        start = time.perf_counter()
        box.press("Enter", no_wait_after=True)
        self._until({"query": text})
        return 1000 * (time.perf_counter() - start)

    def slide(self, factor: float) -> float:
        """Milliseconds from a move of the first slider to the frame with the new order."""
        turn = self.page.locator(".grid").first.get_attribute("data-turn")
        slider = self.page.locator("[data-word] input").first
        start = time.perf_counter()
        slider.evaluate(
            "(node, value) => { node.value = value; "
            "node.dispatchEvent(new Event('input', { bubbles: true })); }",
            str(factor),
        )
        self._until({"turn": turn})
        return 1000 * (time.perf_counter() - start)

    def engine_ms(self) -> float:
        """What the page says that words and search took."""
        text = self.page.locator(".summary .faint").first.inner_text()
        return float(text.split(" ms")[0].replace(",", ""))

    def heap_mb(self) -> float:
        """JavaScript memory in use, without garbage."""
        self.tools.send("HeapProfiler.collectGarbage")
        used = self.tools.send("Runtime.getHeapUsage")["usedSize"]
        return round(float(used) / 2**20, 1)

    def _until(self, want: dict[str, Any]) -> None:
        self.page.wait_for_function(GRID, arg=want, polling="raf")


def measure(size: int, searches: int, keep: Path | None) -> dict[str, Any]:
    """All figures of one size."""
    from playwright.sync_api import sync_playwright

    with (
        index_of(size, model=bundled(), keep=keep) as db,
        tempfile.TemporaryDirectory() as home,
        sync_playwright() as driver,
    ):
        fill_cache(Path(home, "cache", "lexsearch"), size)
        place = shutil.which("chromium")
        browser = driver.chromium.launch(executable_path=place, args=FLAGS)
        with served(db, Path(home)) as (address, pid, start_s):
            figures = browse(Tab(browser), address, pid, searches)
        browser.close()
    return {"images": size, "server_up_s": round(start_s, 2), **figures}


def browse(tab: Tab, address: str, pid: int, searches: int) -> dict[str, Any]:
    """A first visit, warm searches, moves of a slider."""
    first = tab.first_visit(address)
    fresh = map(str, texts())
    for text in islice(fresh, 5):
        tab.search(text)
    rest(pid)
    times: list[float] = []
    engine: list[float] = []
    memory: dict[str, dict[str, float]] = {}
    before = cpu_ms(pid)
    for i, text in enumerate(islice(fresh, searches), start=1):
        times.append(tab.search(text))
        engine.append(tab.engine_ms())
        if i in (20, searches // 2, searches):
            memory[str(i)] = {"server_mb": memory_mb(pid), "page_mb": tab.heap_mb()}
    spent = (cpu_ms(pid) - before) / searches
    tab.slide(1.5)
    moves: list[float] = []
    engine_moves: list[float] = []
    before = cpu_ms(pid)
    for i in range(SLIDES):
        moves.append(tab.slide((3.0, 0.0, 2.0, 0.5)[i % 4]))
        engine_moves.append(tab.engine_ms())
    return {
        "first_visit_s": first,
        "searches": searches,
        "search_ms": percentiles(times),
        "search_engine_ms": percentiles(engine),
        "search_cpu_ms": round(spent, 1),
        "slider_ms": percentiles(moves),
        "slider_engine_ms": percentiles(engine_moves),
        "slider_cpu_ms": round((cpu_ms(pid) - before) / SLIDES, 1),
        "memory_after": memory,
    }


def show(figures: dict[str, Any]) -> None:
    """For people."""
    for one in figures["sizes"]:
        first, memory = one["first_visit_s"], one["memory_after"]
        print(
            f"app    {one['images']:,} pictures: server up after {one['server_up_s']} s; first "
            f"pixel {first['pixel']} s, box {first['box']} s, pictures {first['pictures']} s"
        )
        for name in ("search", "slider"):
            whole, engine = one[f"{name}_ms"], one[f"{name}_engine_ms"]
            print(
                f"       {name} p50 {whole['p50']}, p99 {whole['p99']} ms in the browser; engine "
                f"p50 {engine['p50']} ms; processor of the server {one[f'{name}_cpu_ms']} ms"
            )
        print(f"       memory by searches: {memory}")
    for name, limit in TARGETS.items():
        print(f"target {name}: {limit}")


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, and save when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--searches", type=int, default=400)
    parser.add_argument("--keep", type=Path, help="folder for the indexes")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args(arguments)
    found = [measure(size, options.searches, options.keep) for size in options.images]
    last = found[-1]
    figures = shaped(
        last["images"],
        last["search_ms"],
        {"engine": peer(last["search_engine_ms"], last["search_ms"])},
        floor=lower_bound(last["search_engine_ms"]["p50"], last["search_ms"], "the bare engine"),
        sizes=found,
    )
    report("bench_app", figures, options, show)
    return figures


if __name__ == "__main__":
    main()
