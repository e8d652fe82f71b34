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
    held = {"queries": {"own_mb": 150.0, "mapped_mb": 9.0}}
    one = {
        "images": 1000, "disk_bytes_per_image": {"lexical": 900.0, "all": 900.0}, "memory": held,
        "peers": {"scipy and numpy": {"memory": held}},
    }  # fmt: skip
    (tmp_path / "bench_memory.json").write_text(json.dumps(record | {"sizes": [one]}), "utf-8")
    for images in (1000, 10_000):
        ms = {"p50": images / 1e4, "p99": images / 5e3}
        seismic = {"ms": ms} if images > 1000 else "not available: an extra"
        own = {"images": images, "ms": ms, "peers": {"scipy_csc": {"ms": ms}, "seismic": seismic}}
        own |= {"floor": {"ms": 0.01}} if images > 1000 else {}
        place = tmp_path / f"bench_lexical_bundled_{images}.json"
        place.write_text(json.dumps(record | own), encoding="utf-8")
    written = draw(tmp_path)
    assert [path.name for path in written] == ["query.png", "cold.png", "memory.png", "lexical.png"]
    for path in written:
        with Image.open(path) as picture:
            assert picture.width > 600
            assert len(picture.convert("L").getcolors() or ()) > 10
    said = capsys.readouterr().out
    assert "rescan.png not drawn: bench_rescan.json" in said
    assert "dense.png not drawn: there is no bench_dense*.json" in said
