"""The ablations are settings of the recipe, each different from it."""

from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("tokenizers")
pytest.importorskip("simplemma", reason="simplemma is not installed")

from lexsearch.training.ablations import ABLATIONS
from lexsearch.training.config import MiniConfig
from lexsearch.training.pairs import PENALTIES


def test_the_first_one_is_the_recipe_and_every_other_changes_something() -> None:
    recipe, *others = (replace(MiniConfig(), **changes) for changes in ABLATIONS.values())
    assert recipe == MiniConfig()
    assert all(other != recipe for other in others)
    assert {other.penalty for other in others} == set(PENALTIES)
