"""Memory by size: bytes on disk by channel, and what a search process holds, against plain arrays.

python -m benchmarks.bench_memory [--images N ...] [--queries 20] [--keep DIR] [--json] [--save]

The indexes are made up (`synthetic_bundle`); --keep leaves them in DIR for the next run. A process
of its own opens the index and searches in each mode by turns; after each step it reads what of
it is in memory, its own pages (`own_mb`) apart from those of mapped files (`mapped_mb`), which the
system takes back when it needs them. Linux only. Peers:

    scipy and numpy   a process with the same index as plain arrays, float32, and the same queries
    stored arrays     on disk: each value once, in the type that is stored (nothing inverted, no
                      catalog); `ratio` is of bytes a picture, theirs over ours

The floor of the memory is the dense rows in float16 and every word once: what an exact search of
both reads. `recall@100` of ours is against the peer, whose answers are exact.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.bench_query import DEEP, texts
from benchmarks.record import peer, report, shaped
from benchmarks.synthetic_bundle import bundled, index_of
from benchmarks.timing import percentiles
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.types import ROLES

SIZES = (1_000, 10_000, 100_000)
MODES = ("lexical", "dense", "late", "hybrid")
WORD_BYTES = 4  # id u16, weight f16
Ask = Callable[[str, str], list[int]]


def held_mb() -> dict[str, float]:
    """Megabytes of this process that are in memory."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    found = {line.partition(":")[0]: line.split()[1:2] for line in lines}
    own, mapped = (int(found[name][0]) / 1024 for name in ("RssAnon", "RssFile"))
    return {"own_mb": round(own, 1), "mapped_mb": round(mapped, 1)}


def opened_db(place: Path, model: Any) -> Ask:
    """Searches through the package."""
    from lexsearch.api import LexSearch

    db = LexSearch.open(place, model=model)
    return lambda text, mode: [
        int(hit.id, 16)
        for hit in db.search(text, top_k=DEEP, mode=mode)  # type: ignore[arg-type]
    ]


def opened_arrays(place: Path, model: Any) -> Ask:
    """Searches over plain arrays; there is one mode, hybrid."""
    from benchmarks.query_peer import Peer

    with Snapshot.open(place) as snapshot:
        script, most = Peer(snapshot, model), len(snapshot)
    return lambda text, mode: script.search(text, min(DEEP, most))[0].tolist()


OPENERS = {"ours": opened_db, "scipy and numpy": opened_arrays}


def searching(name: str, place: Path, queries: int) -> dict[str, Any]:
    """What this process holds after each step, and what it found; run in a new process."""
    model = bundled()
    model.encode_texts(["a dog on the beach"])
    steps = {"model": held_mb()}
    ask = OPENERS[name](place, model)
    steps["opened"] = held_mb()
    asked = [str(query) for query in islice(texts(), queries)]
    for mode in MODES if name == "ours" else ("hybrid",):
        for text in asked[:3]:
            ask(text, mode)
        steps[mode] = held_mb()
    taken, found = [], []
    for text in asked:
        start = time.perf_counter()
        found.append(ask(text + " .", "hybrid"))
        taken.append(1000 * (time.perf_counter() - start))
    steps["queries"] = held_mb()
    return {"steps": steps, "ms": percentiles(taken), "found": found}


def in_new_process(name: str, place: Path, queries: int) -> dict[str, Any]:
    """`searching` there."""
    command = [sys.executable, "-m", "benchmarks.bench_memory", "--child", name, str(place),
               str(queries)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def on_disk(place: Path) -> dict[str, float]:
    """Bytes a picture by what they are for; `rest` is ids, descriptions and what is left over."""
    with Snapshot.open(place) as snapshot:
        counts, images = snapshot.counts()["bytes"], max(1, len(snapshot))
    found = {name: size / images for name, size in counts.items()}
    whole = sum(file.stat().st_size for file in place.rglob("*") if file.is_file()) / images
    found["rest"] = whole - sum(found.values())
    return {name: round(size, 1) for name, size in (found | {"all": whole}).items()}


def stored_once(place: Path) -> dict[str, float]:
    """Bytes a picture of every value once, by channel."""
    with Snapshot.open(place) as snapshot:
        found = dict.fromkeys(ROLES, 0.0)
        for segment in snapshot.segments:
            found["lexical"] += WORD_BYTES * len(segment.sections("lexical")["fwd_ids"])
            found["dense"] += segment.sections("dense")["values"].nbytes
            found["tokens"] += segment.sections("tokens")["values"].nbytes
        return {name: round(size / max(1, len(snapshot)), 1) for name, size in found.items()}


def measure_one(size: int, queries: int, model: Any, keep: Path | None) -> dict[str, Any]:
    """All figures of one size."""
    with index_of(size, model=model, keep=keep) as place:
        disk, once = on_disk(place), stored_once(place)
        ran = {name: in_new_process(name, place, queries) for name in OPENERS}
    exact = ran["scipy and numpy"].pop("found")
    shared = [
        len(set(one) & set(other)) / len(other)
        for one, other in zip(ran["ours"].pop("found"), exact, strict=True)
    ]
    grown = {name: grown_bytes(one["steps"], size) for name, one in ran.items()}
    ms = ran["ours"]["ms"]
    least = once["lexical"] + once["dense"]
    own = grown["ours"]
    peers = {
        "scipy and numpy": peer(
            ran["scipy and numpy"]["ms"], ms, recall=1.0, memory=ran["scipy and numpy"]["steps"],
            bytes_per_image=grown["scipy and numpy"],
            memory_ratio=round(grown["scipy and numpy"]["all"] / max(1.0, own["all"]), 3),
        ),
        "stored arrays": {
            "ms": None, "ratio": round(sum(once.values()) / disk["all"], 3), "recall@100": None,
            "bytes_per_image": once,
        },
    }  # fmt: skip
    return shaped(
        size,
        ms,
        peers,
        recall=round(sum(shared) / len(shared), 4),
        floor={
            "ms": None, "share": round(least / max(1.0, own["all"]), 3), "bytes_per_image": least,
            "bound": "memory of dense rows in float16 and every word once",
        },
        disk_bytes_per_image=disk,
        memory=ran["ours"]["steps"],
        memory_bytes_per_image=own,
    )  # fmt: skip


def grown_bytes(steps: dict[str, dict[str, float]], size: int) -> dict[str, float]:
    """Bytes a picture that a process took from the loaded model on: own, mapped and all."""
    first, last = steps["model"], steps["queries"]
    found = {
        name.removesuffix("_mb"): round((last[name] - first[name]) * 2**20 / size, 1)
        for name in first
    }
    return found | {"all": round(sum(found.values()), 1)}


def show(figures: dict[str, Any]) -> None:
    """For people."""
    for one in figures["sizes"]:
        script, stored = one["peers"]["scipy and numpy"], one["peers"]["stored arrays"]
        print(
            f"memory  {one['images']:,} pictures: disk, bytes a picture "
            f"{one['disk_bytes_per_image']}; stored arrays over ours {stored['ratio']}"
        )
        print(
            f"        process {one['memory']['queries']} MB, from the model on "
            f"{one['memory_bytes_per_image']} bytes a picture; plain arrays over ours "
            f"{script['memory_ratio']}, share of the floor {one['floor']['share']}; "
            f"by step {one['memory']}"
        )


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, and save when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--keep", type=Path, help="folder for the indexes")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args(arguments)
    if options.child:
        name, place, queries = options.child
        print(json.dumps(searching(name, Path(place), int(queries))))
        return {}
    model = bundled()
    sizes = [measure_one(n, options.queries, model, options.keep) for n in sorted(options.images)]
    figures = {**sizes[-1], "queries": options.queries, "sizes": sizes}
    report("bench_memory", figures, options, show)
    return figures


if __name__ == "__main__":
    main()
