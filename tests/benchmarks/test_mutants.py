"""Every planted fault still has its place in the tree, and something that catches it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.mutants import planted
from benchmarks.planted import MUTANTS, Mutant
from benchmarks.torture_runs import RUNS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_applies_compiles_and_has_a_catcher(mutant: Mutant) -> None:
    texts: dict[str, str] = {}
    for path, old, new in mutant.edits:
        text = texts.get(path) or (ROOT / path).read_text(encoding="utf-8")
        texts[path] = planted(text, path, old, new)
        compile(texts[path], path, "exec")
    assert mutant.tests or mutant.runs
    for node in mutant.tests:
        path, _, name = node.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")
    assert {name for name, _ in mutant.runs} <= {run.name for run in RUNS}


def test_an_edit_that_fits_nowhere_or_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="0 times"):
        planted("abc", "x.py", "d", "e")
    with pytest.raises(ValueError, match="2 times"):
        planted("aa", "x.py", "a", "b")
