"""The documentation site builds without a warning, and its figures are those of the records."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_hooks", ROOT / "docs" / "site_hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_site_builds_strictly_and_asks_no_other_site(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="the extra `docs` is not installed")
    pytest.importorskip("mkdocstrings", reason="the extra `docs` is not installed")
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path],
        capture_output=True, text=True, cwd=ROOT, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    page = (tmp_path / "reference" / "api.html").read_text(encoding="utf-8")
    assert "search_terms" in page
    server = (tmp_path / "reference" / "server.html").read_text(encoding="utf-8")
    assert "POST /v1/search/picture" in server
    for built in tmp_path.rglob("*.html"):
        text = built.read_text(encoding="utf-8")
        assert "{{" not in text, built
        assert 'src="http' not in text, built
        assert "fonts.googleapis" not in text, built


def test_figures_are_those_of_the_records(hooks: ModuleType) -> None:
    record = json.loads((ROOT / "benchmarks" / "results" / "bench_model.json").read_text())
    shown = hooks.targets()
    for one in record["targets"]:
        assert f"| {one['target']} | {hooks.number(one['reached'])} |" in shown
    assert record["commit"] in shown
    serve = json.loads((ROOT / "benchmarks" / "results" / "bench_serve.json").read_text())
    rate = serve["sizes"][0]["load"][0]["requests_per_s"]["search"]
    assert hooks.number(rate) in hooks.serving()


def test_every_record_is_shown(hooks: ModuleType) -> None:
    shown = hooks.records()
    for file in (ROOT / "benchmarks" / "results").glob("*.json"):
        if isinstance(json.loads(file.read_text()), dict):
            assert f"### {file.stem}\n" in shown


def test_numbers_have_four_digits_that_count(hooks: ModuleType) -> None:
    given = (0.123456, 12345.678, 17, True, None, "mini")
    assert [hooks.number(value) for value in given] == [
        "0.1235", "12,346", "17", "yes", "-", "mini",
    ]  # fmt: skip


def test_a_folder_in_the_navigation_becomes_its_pages(hooks: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "how-to").mkdir()
    (tmp_path / "how-to" / "b.md").write_text("intro\n# Do `b`\n")
    (tmp_path / "how-to" / "a.md").write_text("# Do a\n")
    nav = [{"Home": "index.md"}, {"Parts": [{"How-to": "how-to/"}]}]
    assert hooks._expanded(nav, tmp_path) == [
        {"Home": "index.md"},
        {"Parts": [{"How-to": [{"Do a": "how-to/a.md"}, {"Do b": "how-to/b.md"}]}]},
    ]


def test_an_unknown_mark_fails_the_build(hooks: ModuleType) -> None:
    with pytest.raises(KeyError):
        hooks.on_page_markdown("{{ nonsense }}", None, None, None)


def test_examples_of_docstrings_become_blocks() -> None:
    pytest.importorskip("griffe", reason="the extra `docs` is not installed")
    spec = importlib.util.spec_from_file_location("doctests", ROOT / "docs" / "griffe_doctests.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = "Adds.\n\n>>> 1 + 1  # doctest: +SKIP\n2\n\nMore."
    assert module.fenced(text) == "Adds.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nMore."
