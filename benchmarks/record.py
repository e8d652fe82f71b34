"""Writes what a benchmark measured, with the machine, the date and the commit."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def commit(paths: Sequence[str] = (".",)) -> str:
    """The newest commit that changed these paths, with `+` when files of them differ from it."""
    root = Path(__file__).parents[1]
    head = subprocess.run(
        ["git", "log", "-1", "--format=%h", "--", *paths], cwd=root, capture_output=True, text=True
    ).stdout.strip()
    changed = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=no", "--", *paths],
        cwd=root, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    return (head or "unknown") + ("+" if changed else "")


def processor() -> str:
    """The name of the processor."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def save(name: str, figures: dict[str, Any]) -> Path:
    """Write `results/<name>.json`, replacing the last one."""
    record = {
        "benchmark": name,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": commit(),
        "machine": {
            "processor": processor(),
            "cores": os.cpu_count(),
            "system": platform.system(),
            "python": platform.python_version(),
        },
        **figures,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return path


def shaped(
    images: int,
    ms: dict[str, float],
    peers: dict[str, Any],
    *,
    recall: float | None = None,
    floor: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Figures as every benchmark of cost prints them with `--json`.

    Args:
        images: pictures, or files, of the largest size measured.
        ms: `p50` and `p99` of ours.
        peers: by name: `ms`, `ratio` (median of the peer over ours) and `recall@100`, or a
            sentence why it is not there; see `peer`.
        recall: recall@100 of ours; None where nothing is ranked.
        floor: `ms`, `share` (of the median of ours that it is) and `bound`, which says of what;
            None where none is known.
        more: what this benchmark measures besides.
    """
    return {
        "images": images, "ms": ms, "recall@100": recall, "peers": peers, "floor": floor, **more,
    }  # fmt: skip


def peer(
    ms: dict[str, float], ours: dict[str, float], *, recall: float | None = None, **more: Any
) -> dict[str, Any]:
    """The figures of a peer beside the milliseconds of ours."""
    ratio = round(ms["p50"] / ours["p50"], 3) if ours["p50"] else None
    return {"ms": ms, "ratio": ratio, "recall@100": recall, **more}


def lower_bound(ms: float, ours: dict[str, float], bound: str) -> dict[str, Any]:
    """The least time that is possible, and what share of ours it is (1 = nothing is lost)."""
    share = round(ms / ours["p50"], 3) if ours["p50"] else None
    return {"ms": round(ms, 4), "share": share, "bound": bound}


def report(
    name: str,
    figures: dict[str, Any],
    options: argparse.Namespace,
    show: Callable[[dict[str, Any]], None],
) -> None:
    """Save with `--save`; print one JSON object with `--json`, else what `show` prints."""
    if options.save:
        save(name, figures)
    if options.json:
        print(json.dumps(figures))
    else:
        show(figures)
