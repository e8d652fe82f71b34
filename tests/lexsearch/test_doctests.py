"""Examples in docstrings are true."""

import doctest
import importlib
import pkgutil

import pytest

import lexsearch

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
HEAVY = (
    "lexsearch.nn",
    "lexsearch.training",
    "lexsearch.encoders",
    "lexsearch.stores",
    "lexsearch.adapters.",
)
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(lexsearch.__path__, "lexsearch.", onerror=lambda _: None)
    if not module.name.startswith(HEAVY) and not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", ["lexsearch", *MODULES])
def test_the_examples_of_a_module_hold(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert found.failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    examples = [
        test
        for name in ("lexsearch", "lexsearch.query", "lexsearch.grammar", "lexsearch.api")
        for test in finder.find(importlib.import_module(name))
        if test.examples
    ]
    assert len(examples) >= 4
