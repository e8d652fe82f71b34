"""Writes what a benchmark measured, with the machine, the date and the commit."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def commit() -> str:
    """The commit of the working tree, with `+` when files differ from it."""
    root = Path(__file__).parents[1]
    head = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True
    ).stdout.strip()
    changed = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=no"],
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
