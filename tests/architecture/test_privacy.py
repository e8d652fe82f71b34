"""Nothing leaves the machine, and nothing is written where it does not belong."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SWITCH = "lexsearch.onnx_runtime"


def first_imports(path: Path) -> list[str]:
    """Modules that a file imports, in order; of onnxruntime only what the switch did not give."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return [name for name in found if name == SWITCH or name.partition(".")[0] == "onnxruntime"]


@pytest.mark.parametrize("folder", ["lexsearch", "indexer", "ui", "benchmarks", "sample_corpus"])
def test_onnxruntime_is_imported_with_its_telemetry_off(folder: str) -> None:
    for path in sorted((ROOT / folder).rglob("*.py")):
        found = first_imports(path)
        if found and path != ROOT / "lexsearch" / "onnx_runtime.py":
            assert found[0] == SWITCH, f"{path.relative_to(ROOT)} imports {found[0]} itself"


USES = """
import sys
from lexsearch.cli import main
photos, db = sys.argv[1:]
assert main(["index", photos, "--db", db, "--exclude", "scene_[1-9]*"]) == 0
assert main(["search", "a dog", "--db", db]) == 0
import onnxruntime
"""


def test_a_whole_use_writes_only_into_its_own_folders(tmp_path: Path) -> None:
    """onnxruntime otherwise keeps a device id and unsent events in the cache of the user."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    home = tmp_path / "home"
    home.mkdir()
    theirs = {name: value for name, value in os.environ.items() if not name.startswith("LEXSEARCH")}
    theirs.pop("ORT_DISABLE_TELEMETRY", None)
    run = subprocess.run(
        [sys.executable, "-c", USES, ROOT / "sample_corpus" / "images", tmp_path / "db"],
        capture_output=True,
        text=True,
        check=False,
        env={
            **theirs,
            "PYTHONPATH": str(ROOT),
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
        },
    )
    assert run.returncode == 0, run.stderr
    written = {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}
    assert [name for name in sorted(written) if "/lexsearch/" not in f"/{name}"] == []
