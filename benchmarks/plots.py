"""Draws cost against size from what the benchmarks saved in results/.

python -m benchmarks.plots [--results DIR]

Writes query.png (milliseconds by stage, against peer and floor), cold.png, lexical.png, dense.png,
memory.png and rescan.png beside the records. lexical.png and dense.png are drawn from the records
of several sizes. A figure whose record is missing is not drawn, and that is said.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.record import RESULTS

matplotlib.use("Agg")

STAGES = ("encode", "filter", "lexical", "dense", "late", "fuse", "hits")
COLOURS = ("#4e79a7", "#bab0ac", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#b07aa1")
QUERY_TARGET_MS = 40
RESCAN_TARGET = 20_000
Record = dict[str, Any]


def query(record: Record, figure: Figure) -> None:
    """Milliseconds of a warm query: stages as bars, then single, edited and batch against peers."""
    sizes = record["sizes"]
    left, right = figure.subplots(1, 2)
    places = range(len(sizes))
    base = [0.0] * len(sizes)
    for stage, colour in zip(STAGES, COLOURS, strict=True):
        heights = [one["warm"]["ms"].get(stage, {"p50": 0.0})["p50"] for one in sizes]
        left.bar(places, heights, 0.6, bottom=base, label=stage, color=colour)
        base = [low + height for low, height in zip(base, heights, strict=True)]
    totals = [one["warm"]["ms"]["total"]["p50"] for one in sizes]
    left.plot(places, totals, "k_", markersize=30, label="total (wall)")
    left.set_xticks(list(places), [f"{one['images']:,}" for one in sizes])
    left.set(xlabel="pictures", ylabel="ms, median of each stage", title="A warm query, by stage")
    images = [one["images"] for one in sizes]
    series: dict[str, tuple[str, Callable[[Record], float]]] = {
        "SciPy and NumPy script": ("s--", lambda one: one["warm"]["peer_ms"]["p50"]),
        "p99": ("^:", lambda one: one["warm"]["ms"]["total"]["p99"]),
        "p50": ("o-", lambda one: one["warm"]["ms"]["total"]["p50"]),
        "in a batch": ("d-", lambda one: one["batch"]["ms_per_query"]),
        "edited words": ("v-", lambda one: one["edited"]["ms"]["total"]["p50"]),
        "floor": ("k-.", lambda one: one["warm"]["floor_ms"]["p50"]),
    }
    for name, (style, value) in series.items():
        right.plot(images, [value(one) for one in sizes], style, label=name, markersize=5)
    right.axhline(QUERY_TARGET_MS, color="#cc0000", linewidth=0.8, label="target at 100,000")
    right.set(xscale="log", yscale="log", xlabel="pictures", ylabel="ms", title="Cost against size")
    right.grid(which="both", alpha=0.2)
    for axes in (left, right):
        _legend(axes)


def cold(record: Record, figure: Figure) -> None:
    """Peak megabytes and seconds of a cold search by size."""
    sizes = record["sizes"]
    images = [one["images"] for one in sizes]
    left, right = figure.subplots(1, 2)
    for name, key in (("one cold search", "peak_mb"), ("20 queries", "peak_mb_after_20_queries")):
        left.plot(images, [one["cold"][key] for one in sizes], "o-", label=name)
    _axes(left, "pictures", "MB, peak resident", "Memory of a cold search")
    for name, key in (("lexsearch search", "s"), ("its imports alone", "imports_s")):
        right.plot(images, [one["cold"][key]["p50"] for one in sizes], "o-", label=name)
    _axes(right, "pictures", "s, median", "A cold search")


def memory(record: Record, figure: Figure) -> None:
    """Bytes a picture on disk by channel, and megabytes of a search process, against arrays."""
    sizes = record["sizes"]
    images = [one["images"] for one in sizes]
    left, right = figure.subplots(1, 2)
    kinds = [name for name in sizes[-1]["disk_bytes_per_image"] if name != "all"]
    base = [0.0] * len(sizes)
    for name in kinds:
        heights = [one["disk_bytes_per_image"].get(name, 0.0) for one in sizes]
        left.bar(range(len(sizes)), heights, 0.6, bottom=base, label=name)
        base = [low + height for low, height in zip(base, heights, strict=True)]
    left.set_xticks(range(len(sizes)), [f"{n:,}" for n in images])
    left.set(xlabel="pictures", ylabel="bytes a picture", title="On disk")
    _legend(left)
    arrays = [one["peers"]["scipy and numpy"]["memory"]["queries"] for one in sizes]
    for name, held in (("ours", [one["memory"]["queries"] for one in sizes]), ("arrays", arrays)):
        right.plot(images, [one["own_mb"] for one in held], "o-", label=f"{name}, own")
        both = [one["own_mb"] + one["mapped_mb"] for one in held]
        right.plot(images, both, "s--", label=f"{name}, with mapped files")
    _axes(right, "pictures", "MB in memory", "A process that searches", y_scale="log")


def peers(records: Sequence[Record], figure: Figure) -> None:
    """Milliseconds of a search by size, ours against every peer and the floor."""
    axes = figure.subplots()
    images = [one["images"] for one in records]
    time = "cpu_ms" if all("cpu_ms" in one for one in records) else "ms"
    axes.plot(images, [one[time]["p50"] for one in records], "o-", color="black", label="ours")
    axes.plot(images, [one[time]["p99"] for one in records], "^:", color="black", label="ours, p99")
    floors = [one.get("floor") or {} for one in records]
    axes.plot(images, [one.get("ms", float("nan")) for one in floors], "k-.", label="floor")
    names = dict.fromkeys(name for one in records for name in one["peers"])
    for name in names:
        rows = [one["peers"].get(name) for one in records]
        found = [row[time]["p50"] if isinstance(row, dict) else float("nan") for row in rows]
        axes.plot(images, found, "s--", label=name, markersize=4)
    _axes(axes, "pictures", "ms, median", "One query on one thread", y_scale="log")


def rescan(record: Record, figure: Figure) -> None:
    """Files per second of a run that finds nothing changed."""
    sizes = record["sizes"]
    files = [one["files"] for one in sizes]
    axes = figure.subplots()
    for name, key, style in (
        ("os.scandir and stat (floor)", "floor_files_per_s", "k-."),
        ("index again, in process", "files_per_s", "o-"),
        ("lexsearch index, new process", "command_line_files_per_s", "s--"),
    ):
        axes.plot(files, [one[key] for one in sizes], style, label=name)
    axes.axhline(RESCAN_TARGET, color="#cc0000", linewidth=0.8, label="target")
    _axes(axes, "files", "files per second", "Nothing changed", y_scale="log")


def _axes(axes: Axes, x: str, y: str, title: str, *, y_scale: str = "linear") -> None:
    axes.set(xscale="log", yscale=y_scale, xlabel=x, ylabel=y, title=title)
    if y_scale == "linear":
        axes.set_ylim(bottom=0)
    axes.grid(which="both", alpha=0.2)
    _legend(axes)


def _legend(axes: Axes) -> None:
    """Beside the axes, where it hides no line."""
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0), markerscale=0.6)


FIGURES: dict[str, tuple[str, Callable[[Record, Figure], None], tuple[float, float]]] = {
    "query": ("bench_query", query, (13, 4.5)),
    "cold": ("bench_query", cold, (10, 4)),
    "memory": ("bench_memory", memory, (11, 4)),
    "rescan": ("bench_rescan", rescan, (6, 4)),
}
# Drawn from all records whose names match, one for each size.
BY_SIZE = {"lexical": "bench_lexical_bundled_*.json", "dense": "bench_dense*.json"}


def read(path: Path) -> Record:
    """A record; empty where there is none."""
    found: Record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def draw(results: Path) -> list[Path]:
    """Draw every figure whose record is there; returns what was written."""
    written = []
    for name, (benchmark, drawing, size) in FIGURES.items():
        record = read(results / f"{benchmark}.json")
        if not record.get("sizes"):
            print(f"plots  {name}.png not drawn: {benchmark}.json has no sizes")
            continue
        figure = Figure(figsize=size, layout="constrained")
        drawing(record, figure)
        written.append(finished(figure, results / f"{name}.png", [record]))
    for name, pattern in BY_SIZE.items():
        records = sorted(map(read, results.glob(pattern)), key=lambda record: record["images"])
        if not records:
            print(f"plots  {name}.png not drawn: there is no {pattern}")
            continue
        figure = Figure(figsize=(7, 4.5), layout="constrained")
        peers(records, figure)
        written.append(finished(figure, results / f"{name}.png", records))
    return written


def finished(figure: Figure, path: Path, records: Sequence[Record]) -> Path:
    """The figure with what it was made on, as a file."""
    machine = records[-1]["machine"]
    made = sorted({f"{record['date']}, commit {record['commit']}" for record in records})
    figure.supxlabel(
        f"{machine['processor']}, {machine['cores']} cores, {'; '.join(made)}",
        fontsize=7, color="#666666",
    )  # fmt: skip
    figure.savefig(path, dpi=110, metadata={"Software": None})
    return path


def main(arguments: list[str] | None = None) -> None:
    """Draw and say where."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS)
    for path in draw(parser.parse_args(arguments).results):
        print(f"plots  wrote {path}")


if __name__ == "__main__":
    main()
