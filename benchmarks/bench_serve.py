"""The server under load: requests a second and milliseconds by number of clients.

python -m benchmarks.bench_serve [--images N ...] [--clients N ...] [--seconds S] [--json] [--save]

The indexes are the sample pictures (0) and made-up ones (`synthetic_bundle`). The server is
`lexsearch serve` in a process of its own; the clients are threads of this one, each with a
connection that it keeps, and each query is new to whoever answers it. In the same run, taking
turns:

    search    GET /v1/search
    no-op     GET /healthz of the same server: what the framework and the wire cost
    engine    the engine's search in this process, by as many threads: what the search costs

Clients and server share the processors here, so the figures are those of one computer that does
both. Then the command line, in new processes that take turns: through the server, with the index
itself, and Python that does nothing.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.bench_query import CAPTIONS, child, ratio
from benchmarks.bundled_words import SAMPLE
from benchmarks.record import lower_bound, peer, report, shaped
from benchmarks.synthetic_bundle import bundled, index_of
from benchmarks.timing import percentiles
from lexsearch.api import LexSearch
from lexsearch.query import Query

SIZES = (0, 10_000)
CLIENTS = (1, 4, 16)
ROUNDS = 2
TOP = 10
Ask = Callable[[], object]


def texts() -> Iterator[str]:
    """Sentences that differ: a caption and the beginning of another, in either order."""
    lines = CAPTIONS.read_text(encoding="utf-8").splitlines()
    seen = list(dict.fromkeys(line.partition("\t")[2] for line in lines))
    for one, other in itertools.permutations(seen, 2):
        yield f"{one} {' '.join(other.split()[:4])}"


class Texts:
    """New texts for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts = itertools.cycle(dict.fromkeys(texts()))

    def __call__(self) -> str:
        with self._lock:
            return next(self._texts)


class Connection:
    """One client's connection, kept."""

    def __init__(self, host: str, port: int) -> None:
        self._http = http.client.HTTPConnection(host, port, timeout=60)

    def get(self, route: str) -> bytes:
        self._http.request("GET", route)
        response = self._http.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{response.status} for {route}: {body[:200]!r}")
        return body


@contextmanager
def serving(db: Path, cache: Path) -> Iterator[tuple[str, int]]:
    """A warm server in a process of its own: host and port."""
    environment = os.environ | {"LEXSEARCH_CACHE_DIR": str(cache)}
    command = [sys.executable, "-m", "lexsearch.cli", "serve", "--db", f"{db}/", "--port", "0"]
    with (cache / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment)
    assert process.stdout is not None
    try:
        found = re.search(rb"http://(\S+):(\d+)", process.stdout.readline())
        if found is None:
            raise RuntimeError(f"the server did not start; see {log.name}")
        host, port = found[1].decode(), int(found[2])
        Connection(host, port).get("/v1/search?q=boat")
        yield host, port
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def load(make: Callable[[], Ask], clients: int, seconds: float) -> list[float]:
    """Milliseconds of every request that so many clients got answered in that time."""
    found: list[list[float]] = [[] for _ in range(clients)]
    failed: list[BaseException] = []
    together = threading.Barrier(clients)

    def client(own: list[float]) -> None:
        try:
            ask = make()
            ask()
            together.wait()
            end = time.perf_counter() + seconds
            while (start := time.perf_counter()) < end:
                ask()
                own.append(1000 * (time.perf_counter() - start))
        except BaseException as error:
            failed.append(error)
            together.abort()

    threads = [threading.Thread(target=client, args=(own,)) for own in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return list(itertools.chain.from_iterable(found))


def measure_load(
    db: LexSearch, host: str, port: int, clients: int, seconds: float
) -> dict[str, Any]:
    """Requests a second and milliseconds of the three, taking turns."""
    fresh = {"search": Texts(), "engine": Texts()}

    def search() -> Ask:
        line = Connection(host, port)
        return lambda: line.get(f"/v1/search?top_k={TOP}&q={quote(fresh['search']())}")

    def no_op() -> Ask:
        line = Connection(host, port)
        return lambda: line.get("/healthz")

    def engine() -> Ask:
        return lambda: db.engine.search(Query.parse(fresh["engine"]()), k=TOP)

    jobs = {"search": search, "no-op": no_op, "engine": engine}
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(ROUNDS):
        for name, make in jobs.items():
            times[name] += load(make, clients, seconds)
    rates = {name: len(values) / (ROUNDS * seconds) for name, values in times.items()}
    return {
        "clients": clients,
        "requests_per_s": {name: round(rate, 1) for name, rate in rates.items()},
        "ms": {name: percentiles(values) for name, values in times.items()},
        "search over engine": round(rates["search"] / rates["engine"], 3),
    }


def upload(host: str, port: int, runs: int) -> dict[str, float]:
    """Milliseconds of a search by an uploaded picture."""
    files = sorted((SAMPLE / "images").glob("*.jpg"))[: runs + 1]
    times = []
    for file in files:
        line = http.client.HTTPConnection(host, port, timeout=60)
        start = time.perf_counter()
        line.request("POST", f"/v1/search/picture?top_k={TOP}", file.read_bytes())
        answer = line.getresponse()
        answer.read()
        times.append(1000 * (time.perf_counter() - start))
        line.close()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} for {file.name}")
    return percentiles(times[1:])


def cold(db: Path, url: str, runs: int) -> dict[str, Any]:
    """Seconds of one search by the command line; one round does not count."""
    python = sys.executable
    search = [python, "-m", "lexsearch.cli", "search", next(texts()), "-f"]
    commands = {
        "through the server": [*search, "--server", url],
        "the index itself": [*search, "--db", f"{db}/"],
        "python alone": [python, "-c", "pass"],
    }
    rounds = [{name: child(c)[0] for name, c in commands.items()} for _ in range(runs + 1)][1:]
    seconds = {name: [one[name] for one in rounds] for name in commands}
    return {
        "s": {name: percentiles(values) for name, values in seconds.items()},
        "index over server": ratio(seconds["the index itself"], seconds["through the server"]),
    }


@contextmanager
def index_for(size: int, model: Any, place: Path) -> Iterator[Path]:
    """The sample pictures for 0, otherwise that many made-up ones."""
    if size:
        with index_of(size, model=model) as made:
            yield made
        return
    with LexSearch.create(place / "sample", model=model) as db:
        db.index(SAMPLE / "images")
    yield place / "sample"


def measure(sizes: list[int], clients: list[int], seconds: float, runs: int) -> dict[str, Any]:
    """All figures, by size and number of clients."""
    model = bundled()
    found = []
    with tempfile.TemporaryDirectory(prefix="lexsearch-bench-") as folder:
        for size in sizes:
            with (
                index_for(size, model, Path(folder)) as place,
                LexSearch.open(place, model=model) as db,
                serving(place, Path(folder)) as (host, port),
            ):
                found.append(
                    {
                        "images": len(db),
                        "load": [measure_load(db, host, port, n, seconds) for n in clients],
                        "upload_ms": upload(host, port, runs),
                        "command line": cold(place, f"http://{host}:{port}", runs),
                    }
                )
    ms = found[-1]["load"][0]["ms"]
    return shaped(
        found[-1]["images"],
        ms["search"],
        {name: peer(ms[name], ms["search"]) for name in ("engine", "no-op")},
        floor=lower_bound(
            ms["no-op"]["p50"] + ms["engine"]["p50"], ms["search"], "a no-op and the bare engine"
        ),
        top_k=TOP,
        seconds=ROUNDS * seconds,
        sizes=found,
    )


def show(figures: dict[str, Any]) -> None:
    """For people."""
    for one in figures["sizes"]:
        for line in one["load"]:
            rates, ms = line["requests_per_s"], line["ms"]
            said = "; ".join(
                f"{name} {rates[name]}/s, p50 {ms[name]['p50']}, p99 {ms[name]['p99']} ms"
                for name in rates
            )
            print(f"serve  {one['images']:,} pictures, {line['clients']} clients: {said}; "
                  f"search over engine {line['search over engine']}")  # fmt: skip
        new = one["command line"]
        said = "; ".join(f"{name} p50 {s['p50']} s" for name, s in new["s"].items())
        print(f"       picture sent p50 {one['upload_ms']['p50']} ms; new process: {said}; "
              f"index over server {new['index over server']}")  # fmt: skip


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, and save when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=list(SIZES), help="0 = sample")
    parser.add_argument("--clients", type=int, nargs="+", default=list(CLIENTS))
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round")
    parser.add_argument("--cold-runs", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args(arguments)
    figures = measure(options.images, options.clients, options.seconds, options.cold_runs)
    report("bench_serve", figures, options, show)
    return figures


if __name__ == "__main__":
    main()
