"""A whole query by size of the index: warm by stage, edited, in a batch, filtered, and cold.

python -m benchmarks.bench_query [--images N ...] [--keep DIR] [--json] [--save]

The indexes are made up (`synthetic_bundle`) and written by the project's own writer; --keep leaves
them in DIR for the next run. Warm: an open `LexSearch`, every query a caption of the sample
pictures that was not asked before, after 20 others (which touch most blocks of the files for the
first time, and so verify them), taking turns with its peers:

    peer     the same answer by SciPy and NumPy over arrays in memory (`query_peer`)
    floor    the model's run and one product over all dense rows
    in turn  this package with its channels one after the other

Ratios are of medians: peer over ours, and floor over ours (1 = nothing is lost). Cold: a new
process, the command line against a process that only imports numpy, onnxruntime and tokenizers.
Wall time by stage means little while others use the machine; ratios of processor time stay.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import chain, islice, permutations
from pathlib import Path
from typing import Any

from benchmarks.query_peer import Peer
from benchmarks.record import lower_bound, peer, report, shaped
from benchmarks.synthetic_bundle import bundled, index_of
from benchmarks.timing import by_turns, percentiles
from lexsearch import finding
from lexsearch.api import LexSearch
from lexsearch.query import Filter, Query

SIZES = (1_000, 10_000, 100_000, 1_000_000)
CAPTIONS = Path(__file__).parents[1] / "sample_corpus" / "captions.tsv"
IMPORTS = "import numpy, tokenizers, lexsearch.onnx_runtime"
TOP, DEEP = 10, 100
WARMING = 20  # queries before the first that counts
TARGETS = {"warm p50, 100,000": (40.0, 15.0), "edited p50, 100,000": (5.0, 1.0)}  # must, goal; ms
FEW = Filter(after="2020-06", before="2020-07")  # a picture in 60 of the made-up
WARM_UP = """
import sys
from lexsearch.api import LexSearch
with LexSearch.open(sys.argv[1] + "/") as db:
    for text in sys.argv[2:]:
        db.search(text)
"""


def texts() -> Iterator[Query]:
    """Captions of the sample pictures, each once, then two of them at a time."""
    lines = CAPTIONS.read_text(encoding="utf-8").splitlines()
    seen = list(dict.fromkeys(line.partition("\t")[2] for line in lines))
    pairs = (f"{one} {other}" for one, other in permutations(seen, 2))
    return map(Query.text, chain(seen, pairs))


def ratio(one: list[float], other: list[float]) -> float:
    """Median over median."""
    return round(statistics.median(one) / statistics.median(other), 2)


def warm(db: LexSearch, fresh: Iterator[Query], runs: int) -> dict[str, Any]:
    """Milliseconds of single queries, by stage and against the peers."""
    for query in islice(fresh, WARMING):
        db.search(query, top_k=TOP)
    asked = list(islice(fresh, 3 * (runs + 1)))
    script = Peer(db.snapshot, db.model)
    stages: dict[str, list[float]] = {}

    def ours(run: int) -> None:
        results = db.search(asked[3 * run + 3], top_k=TOP)
        for stage, seconds in results.seconds.items() if run >= 0 else ():
            stages.setdefault(stage, []).append(1000 * seconds)

    def in_turn(run: int) -> None:
        before, finding.SIDE_BY_SIDE_FROM = finding.SIDE_BY_SIDE_FROM, sys.maxsize
        try:
            db.search(asked[3 * run + 4], top_k=TOP)
        finally:
            finding.SIDE_BY_SIDE_FROM = before

    def side_by_side(run: int) -> None:
        before, finding.SIDE_BY_SIDE_FROM = finding.SIDE_BY_SIDE_FROM, 0
        try:
            db.search(asked[3 * run + 5], top_k=TOP)
        finally:
            finding.SIDE_BY_SIDE_FROM = before

    jobs = {
        "ours": ours,
        "in turn": in_turn,
        "side by side": side_by_side,
        "peer": lambda run: script.search(str(asked[3 * run + 3]), TOP),
        "floor": lambda run: script.floor(str(asked[3 * run + 3])),
    }
    measured = by_turns(jobs, runs)
    times = {name: wall for name, (wall, _) in measured.items()}
    processor = {name: spent for name, (_, spent) in measured.items()}
    return {
        "ms": {name: percentiles(values) for name, values in stages.items()},
        "peer_ms": percentiles(times["peer"]),
        "floor_ms": percentiles(times["floor"]),
        "ratio": ratio(times["peer"], times["ours"]),
        "floor over ours": ratio(times["floor"], times["ours"]),
        "cpu_ms": {name: percentiles(spent) for name, spent in processor.items()},
        "cpu ratio": ratio(processor["peer"], processor["ours"]),
        "cpu, floor over ours": ratio(processor["floor"], processor["ours"]),
        "in turn over side by side": ratio(times["in turn"], times["side by side"]),
        "in_turn_ms": percentiles(times["in turn"]),
        **agreement(db, script, asked[:20]),
    }


def agreement(db: LexSearch, script: Peer, asked: list[Query]) -> dict[str, float]:
    """The share of queries with the best picture of the peer, which is exact, and of its 100."""
    same, shared = 0, 0.0
    for query in asked:
        wanted = script.search(str(query), min(DEEP, len(db)))[0].tolist()
        found = [int(hit.id, 16) for hit in db.search(query, top_k=DEEP)]
        same += found[0] == wanted[0]
        shared += len(set(found) & set(wanted)) / len(wanted)
    return {
        "same best as the peer": round(same / len(asked), 4),
        "recall@100": round(shared / len(asked), 4),
    }


def edited(db: LexSearch, fresh: Iterator[Query], runs: int) -> dict[str, Any]:
    """Milliseconds of a query whose words were edited, after the query itself."""
    stages: dict[str, list[float]] = {}
    first: list[float] = []
    for query in islice(fresh, runs):
        first.append(1000 * db.search(query, top_k=TOP).seconds["total"])
        word = db.query_words(str(query), top_k=1)[0].word
        for factor in (0.5, 2.0):
            seconds = db.search(query.with_(weights={word: factor}), top_k=TOP).seconds
            for stage, value in seconds.items():
                stages.setdefault(stage, []).append(1000 * value)
    return {
        "ms": {name: percentiles(values) for name, values in stages.items()},
        "first query over edited": ratio(first, stages["total"]),
    }


def many(db: LexSearch, fresh: Iterator[Query], count: int) -> dict[str, Any]:
    """Milliseconds per query of a batch, taking turns with single queries; all of them new."""
    batch, single = [], []
    for _ in range(2):
        start = time.perf_counter()
        db.search_many(list(islice(fresh, count)), top_k=TOP)
        batch.append(1000 * (time.perf_counter() - start) / count)
        for query in islice(fresh, count):
            single.append(1000 * db.search(query, top_k=TOP).seconds["total"])
    return {
        "queries": count,
        "ms_per_query": round(statistics.median(batch), 3),
        "single over batch": ratio(single, batch),
    }


def filtered(db: LexSearch, fresh: Iterator[Query], runs: int) -> dict[str, Any]:
    """Milliseconds of queries with a condition that leaves few: the first, and the following."""
    asked = list(islice(fresh, runs))
    times = [db.search(query, top_k=TOP, filters=FEW) for query in asked]
    left = len(db.search(asked[0], top_k=len(db), filters=FEW))
    return {
        "left": left,
        "found": min(len(results) for results in times),
        "first_ms": round(1000 * times[0].seconds["total"], 3),
        "ms": percentiles([1000 * results.seconds["total"] for results in times[1:]]),
    }


def child(command: list[str]) -> tuple[float, float]:
    """Wall seconds and peak megabytes of a process that must succeed."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    passed = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[:4]} ended with {process.returncode}")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return passed, usage.ru_maxrss / unit


def cold(place: Path, runs: int) -> dict[str, Any]:
    """Seconds and megabytes of new processes that take turns; one round does not count."""
    python = sys.executable
    first = str(next(texts()))
    search = [python, "-m", "lexsearch.cli", "search", first, "--db", f"{place}/", "-f"]
    rounds = [(child(search), child([python, "-c", IMPORTS])) for _ in range(runs + 1)][1:]
    ours, imports = ([one[i][0] for one in rounds] for i in (0, 1))
    _, warm_mb = child(
        [python, "-c", WARM_UP, str(place), *(str(q) for q in islice(texts(), WARMING))]
    )
    return {
        "s": percentiles(ours),
        "imports_s": percentiles(imports),
        "over its imports": ratio(ours, imports),
        "peak_mb": round(statistics.median(one[0][1] for one in rounds)),
        "peak_mb_after_20_queries": round(warm_mb),
    }


def measure(sizes: list[int], runs: int, cold_runs: int, keep: Path | None) -> dict[str, Any]:
    """All figures, by size."""
    model = bundled()
    found = []
    for size in sizes:
        with index_of(size, model=model, keep=keep) as place:
            figures: dict[str, Any] = {"images": size, "cold": cold(place, cold_runs)}
            with LexSearch.open(place, model=model) as db:
                figures["segments"] = len(db.snapshot.segments)
                fresh = texts()
                figures["warm"] = warm(db, fresh, runs)
                figures["edited"] = edited(db, fresh, runs)
                figures["batch"] = many(db, fresh, min(64, max(8, runs)))
                figures["filtered"] = filtered(db, fresh, max(3, runs // 3))
            files = sum(f.stat().st_size for f in (place / "segments").rglob("*.*"))
            figures["bytes_per_image"] = round(files / size)
            found.append(in_shape(figures))
    return {**found[-1], "top_k": TOP, "runs": runs, "sizes": found}


def in_shape(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures of one size; ours is the warm query, the peer that is exact has recall 1."""
    single = figures["warm"]
    ours = single["ms"]["total"]
    peers = {
        "scipy and numpy": peer(single["peer_ms"], ours, recall=1.0),
        "in turn": peer(single["in_turn_ms"], ours, recall=single["recall@100"]),
    }
    bound = "the model's run and one product over all dense rows"
    return shaped(
        figures.pop("images"),
        ours,
        peers,
        recall=single["recall@100"],
        floor=lower_bound(single["floor_ms"]["p50"], ours, bound),
        **figures,
    )


def show(figures: dict[str, Any]) -> None:
    """For people."""
    for one in figures["sizes"]:
        single, new = one["warm"], one["cold"]
        stages = {name: value["p50"] for name, value in single["ms"].items()}
        total = single["ms"]["total"]
        print(
            f"query  {one['images']:,} pictures: warm p50 {total['p50']}, p99 {total['p99']} ms; "
            f"peer / ours {single['ratio']}, floor / ours {single['floor over ours']}, "
            f"in turn / side by side {single['in turn over side by side']}; p50 by stage {stages}"
        )
        print(
            f"       processor p50 {single['cpu_ms']['ours']['p50']} ms, peer / ours "
            f"{single['cpu ratio']}, floor / ours {single['cpu, floor over ours']}"
        )
        print(
            f"       edited words p50 {one['edited']['ms']['total']['p50']} ms; batch of "
            f"{one['batch']['queries']}: {one['batch']['ms_per_query']} ms a query, single / batch "
            f"{one['batch']['single over batch']}; {one['filtered']['left']} left by a filter: "
            f"first {one['filtered']['first_ms']} ms, then p50 {one['filtered']['ms']['p50']} ms"
        )
        print(
            f"       cold p50 {new['s']['p50']} s ({new['over its imports']} x its imports alone), "
            f"peak {new['peak_mb']} MB; after 20 queries {new['peak_mb_after_20_queries']} MB"
        )
    for name, (must, goal) in TARGETS.items():
        print(f"target {name}: at most {must} ms, better {goal} ms")


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, and save when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--runs", type=int, default=60, help="queries of each sort")
    parser.add_argument("--cold-runs", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="folder for the indexes")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args(arguments)
    figures = measure(sorted(options.images), options.runs, options.cold_runs, options.keep)
    report("bench_query", figures, options, show)
    return figures


if __name__ == "__main__":
    main()
