"""Files stay small enough to read, and say what they are for."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = (
    "lexsearch", "indexer", "ui", "migrations", "sample_corpus", "benchmarks", "examples", "tests",
)  # fmt: skip
MAX_LINES = 400
BANNED_NAMES = {"utils.py", "helpers.py", "common.py", "misc.py", "base.py"}
SOURCES = [
    path
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "__pycache__" not in path.parts
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_is_short_named_for_its_purpose_and_says_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_LINES
    assert path.name not in BANNED_NAMES
    assert ast.get_docstring(ast.parse(text)), "the first line says what the file is for"


def test_tests_have_no_packages_that_would_hide_real_ones() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_there_is_a_file_to_check() -> None:
    assert len(SOURCES) > 40
