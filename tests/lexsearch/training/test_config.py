"""The recipe file."""

from importlib.resources import files
from pathlib import Path

import pytest

from lexsearch.errors import UsageError
from lexsearch.training.config import MiniConfig, load_config


def test_the_shipped_recipe_is_valid() -> None:
    recipe = load_config(Path(str(files("lexsearch.training") / "configs" / "mini.toml")))
    assert len(recipe.held_out) == 20


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("speed = 1\n")
    with pytest.raises(UsageError, match="'speed'"):
        load_config(tmp_path / "a.toml")


def test_a_value_of_another_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('steps = "many"\n')
    with pytest.raises(UsageError, match=r"steps to 'many'; expected int"):
        load_config(tmp_path / "a.toml")
    (tmp_path / "b.toml").write_text("rate = 1\nheld_out = ['x']\n")
    assert load_config(tmp_path / "b.toml") == MiniConfig(rate=1.0, held_out=("x",))
