"""Indexing again when nothing changed, by number of files: against a bare walk of the folder.

python -m benchmarks.bench_rescan [--files N ...] [--json] [--save]

The files are small and all different, 500 to a folder. The index of them is made up: thin vectors,
but the catalog knows the path, size, time, inode and digest of every file as a real run leaves
them, so the run that is measured finds nothing to do. The floor is `os.scandir` and `stat` of every
file, by turns with ours in this process. The command line runs in new processes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.record import lower_bound, peer, save, shaped
from benchmarks.synthetic_bundle import bundled, write
from benchmarks.timing import by_turns, percentiles
from lexsearch.registry import program

SIZES = (1_000, 10_000, 100_000)
PER_FOLDER = 500
MUST, GOAL = 20_000, 50_000  # files per second


def make_files(folder: Path, count: int) -> list[bytes]:
    """Paths of new files; file i holds its number."""
    paths = []
    for i in range(count):
        below = folder / f"{i // PER_FOLDER:04d}"
        if i % PER_FOLDER == 0:
            below.mkdir(parents=True)
        path = below / f"IMG_{i:07d}.jpg"
        path.write_bytes(b"%d" % i)
        paths.append(os.fsencode(path))
    return paths


def bare_walk(folder: bytes) -> int:
    """Lists every folder and stats every file; returns how many files there were."""
    count, folders = 0, [folder]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)
                    count += 1
    return count


def measure_one(count: int, model: Any, runs: int) -> dict[str, Any]:
    """Files per second of ours, the floor and the command line."""
    with tempfile.TemporaryDirectory() as temporary:
        place, photos = Path(temporary) / "db", Path(temporary) / "photos"
        paths = make_files(photos, count)

        def name_file(i: int) -> tuple[bytes, int, int, int]:
            found = os.stat(paths[i])  # noqa: PTH116
            return paths[i], found.st_size, found.st_mtime_ns, found.st_ino

        write(place, count, model=model, name_file=name_file, root=os.fsencode(photos), thin=True)
        index = program("indexer")
        stages: dict[str, list[float]] = {}

        def ours(run: int) -> None:
            report = index([photos], directory=place, model=model)
            if (report.found, report.unchanged, report.encoded) != (count, count, 0):
                raise RuntimeError(f"expected {count} unchanged files, the run says {report}")
            for name, seconds in report.seconds.items() if run >= 0 else ():
                stages.setdefault(name, []).append(seconds)

        def floor(run: int) -> None:
            assert bare_walk(os.fsencode(photos)) == count

        times = by_turns({"ours": ours, "floor": floor}, runs)
        command = [
            sys.executable, "-m", "lexsearch.cli", "index", str(photos), "--db", f"{place}/",
        ]  # fmt: skip
        cli = []
        for _ in range(min(runs, 3)):
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            cli.append(time.perf_counter() - start)
    ours_ms, floor_ms = percentiles(times["ours"][0]), percentiles(times["floor"][0])
    cli_ms = percentiles([1000 * seconds for seconds in cli])
    return shaped(
        count,
        ours_ms,
        {"scandir and stat": peer(floor_ms, ours_ms), "command line": peer(cli_ms, ours_ms)},
        floor=lower_bound(floor_ms["p50"], ours_ms, "os.scandir and stat of every file"),
        stages_ms={n: round(1000 * statistics.median(v), 2) for n, v in stages.items()},
        **_rates(count, times, cli),
    )


def _rates(
    count: int, times: dict[str, tuple[list[float], list[float]]], cli: list[float]
) -> dict[str, Any]:
    """Files per second and ratios, from milliseconds of the runs and seconds of the commands."""
    wall, processor = (statistics.median(values) for values in times["ours"])
    floor_wall, floor_processor = (statistics.median(values) for values in times["floor"])
    return {
        "files": count,
        "files_per_s": round(1000 * count / wall),
        "files_per_cpu_s": round(1000 * count / processor),
        "floor_files_per_s": round(1000 * count / floor_wall),
        "ours over floor": round(wall / floor_wall, 2),
        "cpu, ours over floor": round(processor / floor_processor, 2),
        "command_line_files_per_s": round(count / statistics.median(cli)),
        "command_line_s": round(statistics.median(cli), 3),
    }


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, and save when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args(arguments)
    model = bundled()
    sizes = [measure_one(count, model, options.runs) for count in sorted(options.files)]
    figures = {**sizes[-1], "runs": options.runs, "sizes": sizes}
    if options.save:
        save("bench_rescan", figures)
    if options.json:
        print(json.dumps(figures))
    else:
        for one in figures["sizes"]:
            print(
                f"rescan  {one['files']:,} files: {one['files_per_s']:,} files/s "
                f"({one['ours over floor']} x the time of a bare walk, "
                f"{one['floor_files_per_s']:,} files/s; processor time "
                f"{one['cpu, ours over floor']} x); command line "
                f"{one['command_line_files_per_s']:,} files/s, {one['command_line_s']} s"
            )
        print(f"target: at least {MUST:,} files/s, better {GOAL:,}")
    return figures


if __name__ == "__main__":
    main()
