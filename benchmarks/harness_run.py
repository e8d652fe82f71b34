"""How one harness, or one test as a harness, is run over a source tree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.torture_runs import CLI, NO_MODEL, OWN, Run

ROOT = Path(__file__).parents[1]
PLUGIN = """
import importlib.util, sys, types
fixture = lambda function=None, **how: function or (lambda inner: inner)
sys.modules.setdefault("pytest", types.SimpleNamespace(fixture=fixture))
spec = importlib.util.spec_from_file_location("toy_fixtures", {path!r})
module = importlib.util.module_from_spec(spec)
sys.modules["toy_fixtures"] = module
spec.loader.exec_module(module)
build = module.ToyModel
"""


def harness_folder() -> Path:
    """The scripts of the shared data.

    Raises:
        SystemExit: there are none.
    """
    folder = Path(os.environ.get("LEXSEARCH_SHARED", "")) / "harness"
    if not (folder / "hlib.py").is_file():
        raise SystemExit("LEXSEARCH_SHARED must name the folder of shared data")
    return folder


def command(
    run: Run, photos: Path, work: Path, *, trials: int, batch_size: int, seed: int
) -> list[str]:
    """The command line of one run."""
    if run.is_test:
        return [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider",
                "--timeout", "0", f"--hypothesis-seed={seed}", run.script]  # fmt: skip
    shared = harness_folder()
    script = next(place for place in (OWN / run.script, shared / run.script) if place.is_file())
    words = [
        sys.executable, str(script), "--photos", str(photos), "--work", str(work),
        "--index-cmd", f"{CLI} index {{photos}} --db {{index}} --json --batch-size {batch_size}",
        "--search-cmd", f"{CLI} search {{query}} --db {{index}} --format json -t 50",
        "--check-cmd", f"{CLI} check --db {{index}} --read-data",
        "--repair-cmd", f"{CLI} repair --db {{index}} --yes",
        "--strip", r'"seconds": ?\{[^}]*\}', "--encoded-re", r'"encoded": ?(\d+)',
        "--committed-re", r"committed (\d+)", "--timeout", "600", "--seed", str(seed),
        "--json", str(work / "result.json"),
        *run.arguments,
    ]  # fmt: skip
    if run.script == "rss_scale.py":
        maker = f"{sys.executable} {shared / 'mkphotos.py'} {{photos}} {{query}}"
        return [*words, "--unique-cmd", maker]
    return [*words, run.unit, str(trials)]


def make_photos(folder: Path, count: int = 40) -> Path:
    """Small different photos."""
    script = harness_folder() / "mkphotos.py"
    subprocess.run([sys.executable, str(script), str(folder), str(count)], check=True)
    return folder


def make_plugin(folder: Path, tree: Path) -> Path:
    """A folder that brings the model `toy` of the tests as another package would."""
    info = folder / "lexsearch_toy-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lexsearch-toy\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[lexsearch.encoders.models]\ntoy = lexsearch_toy:build\n"
    )
    (folder / "lexsearch_toy.py").write_text(PLUGIN.format(path=str(tree / "tests/conftest.py")))
    return folder


def execute(
    run: Run,
    photos: Path,
    *,
    tree: Path = ROOT,
    trials: int,
    queries: int = 2,
    batch_size: int = 16,
    model: str = "mini",
    seed: int = 1,
) -> dict[str, Any]:
    """Run a harness over the command line of a source tree; returns its record.

    Args:
        run: what to run.
        photos: what to index.
        tree: where lexsearch lies.
        trials: how many.
        queries: compared in each trial, 1 to 3.
        batch_size: photos per commit.
        model: `mini`, the bundled one; or `toy`, that of the tests, which costs no time.
        seed: of whatever the harness draws.

    Returns:
        `passed`, `tally` (name of the harness: counts), `failures`, `extra` and `seconds`.

    Raises:
        SystemExit: the harness broke off without a verdict.
    """
    work = Path(tempfile.mkdtemp(prefix=f"lx-{run.name}-"))
    modules = [str(tree), str(OWN)]
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "1",
        "LX_Q": str(queries),
        "LEXSEARCH_DATA_DIR": str(work / "data"),
        "LEXSEARCH_CACHE_DIR": str(work / "cache"),
        "TEST_EXAMPLES": str(trials),
        "TEST_SEED": str(seed),
        "FUZZ_EXAMPLES": str(trials),  # drawn anew, as by `make fuzz`
    }
    name = run.model or model
    if name != NO_MODEL:
        environment["LEXSEARCH_MODEL"] = name
    if not run.is_test:
        modules.append(str(harness_folder()))
        if name == "toy":
            modules.append(str(make_plugin(work / "plugin", tree)))
    environment["PYTHONPATH"] = os.pathsep.join(modules)
    start = time.perf_counter()
    places = {
        str(work): "WORK", str(tree): ".", str(ROOT): ".", str(harness_folder()): "harness",
        str(photos): "PHOTOS", sys.prefix: "python", tempfile.gettempdir(): "TMP",
    }  # fmt: skip
    try:
        done = subprocess.run(
            command(run, photos, work, trials=trials, batch_size=batch_size, seed=seed),
            capture_output=True, text=True, env=environment, cwd=tree if run.is_test else work,
        )  # fmt: skip
        found = _of_test(done, trials) if run.is_test else _of_script(run, work, done)
        found["failures"] = json.loads(without_places(json.dumps(found["failures"]), places))
    except SystemExit as broken:
        raise SystemExit(without_places(str(broken), places)) from broken
    finally:
        shutil.rmtree(work, ignore_errors=True)
    seconds = round(time.perf_counter() - start, 1)
    return {"run": run.name, "model": name, **found, "seconds": seconds}


def without_places(text: str, places: Mapping[str, str]) -> str:
    """A text that says the same on any machine: each place is replaced, the longest first."""
    for place in sorted(places, key=len, reverse=True):
        text = text.replace(place, places[place])
    return text


def _of_script(run: Run, work: Path, done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    result = work / "result.json"
    if not result.is_file():
        raise SystemExit(f"{run.name} broke off: {done.stderr[-2000:]}")
    found = json.loads(result.read_text())
    return {
        "passed": done.returncode == 0, "tally": {found["name"]: found["tally"]},
        "failures": found["fail"], "extra": found["extra"],
    }  # fmt: skip


def _of_test(done: subprocess.CompletedProcess[str], trials: int) -> dict[str, Any]:
    if done.returncode not in (0, 1):
        raise SystemExit(f"the test broke off: {done.stdout[-2000:]}{done.stderr[-500:]}")
    passed = done.returncode == 0
    said = [one for one in done.stdout.splitlines() if one.startswith(("E ", "FAILED", "ERROR"))]
    failures = [] if passed else ["\n".join(said)]
    tally = {"examples": {"ok" if passed else "bad": trials}}
    return {"passed": passed, "tally": tally, "failures": failures, "extra": None}
