"""The plots draw what the records hold, and say what they lack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.plots import draw

ONE = {
    "images": 1000,
    "warm": {
        "ms": {"encode": {"p50": 2.0}, "total": {"p50": 4.0, "p99": 9.0}},
        "peer_ms": {"p50": 8.0},
        "floor_ms": {"p50": 2.0},
    },
    "batch": {"ms_per_query": 3.0},
    "edited": {"ms": {"total": {"p50": 1.0}}},
    "cold": {
        "s": {"p50": 0.4}, "imports_s": {"p50": 0.1}, "peak_mb": 150,
        "peak_mb_after_20_queries": 180,
    },
}  # fmt: skip


def test_a_figure_is_drawn_for_each_record_and_a_missing_one_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = {
        "machine": {"processor": "a processor", "cores": 2},
        "date": "2026-01-01",
        "commit": "abc",
        "sizes": [ONE, {**ONE, "images": 10_000}],
    }
    (tmp_path / "bench_query.json").write_text(json.dumps(record), encoding="utf-8")
    written = draw(tmp_path)
    assert [path.name for path in written] == ["query.png", "memory.png"]
    for path in written:
        with Image.open(path) as picture:
            assert picture.width > 600
            assert len(picture.convert("L").getcolors() or ()) > 10
    assert "rescan.png not drawn: bench_rescan.json" in capsys.readouterr().out
