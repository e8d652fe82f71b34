"""The recipe files of the large recipes."""

from importlib.resources import files
from pathlib import Path

import pytest

from lexsearch.errors import UsageError
from lexsearch.training.large.config import (
    FilipConfig,
    LexVlaConfig,
    LoopConfig,
    TulipConfig,
    as_plain,
    load_recipe,
)

KINDS = {
    "lexvla": LexVlaConfig,
    "lexvla-small": LexVlaConfig,
    "tulip": TulipConfig,
    "filip": FilipConfig,
}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_shipped_recipes_are_valid(name: str) -> None:
    path = Path(str(files("lexsearch.training") / "configs" / f"{name}.toml"))
    assert load_recipe(path, KINDS[name]).steps > 1000


def test_the_recipe_of_lexvla_is_that_of_the_paper() -> None:
    path = Path(str(files("lexsearch.training") / "configs" / "lexvla.toml"))
    recipe = load_recipe(path, LexVlaConfig)
    assert (recipe.batch, recipe.rate, recipe.vocabulary) == (6144, 5e-4, 17_149)
    assert (recipe.lambda_image, recipe.lambda_text, recipe.ramp) == (5e-4, 1e-3, 2000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("speed = 1", "sets 'speed'; known: .*adapter_heads"),
        ('steps = "many"', "sets steps to 'many'; expected int"),
        ("steps = true", "sets steps to True; expected int"),
        ("rate = true", "sets rate to True; expected float"),
        ("steps = 0", "sets steps to 0; expected at least 1"),
        ("rate = nan", "sets rate to nan; expected at least 0"),
        ("beta1 = 1.5", "sets beta1 to 1.5; expected at most 1"),
        ('penalty = "l1"', "sets penalty to 'l1'; expected overuse or flops"),
        ('lora_targets = "q"', "sets lora_targets to 'q'; expected list"),
        ("lora_targets = [1]", r"sets lora_targets to \[1\]; expected texts"),
        ("steps = ", "is not TOML"),
    ],
)
def test_a_bad_value_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.toml").write_text(text + "\n")
    with pytest.raises(UsageError, match=said):
        load_recipe(tmp_path / "a.toml", LexVlaConfig)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml does not open"):
        load_recipe(tmp_path / "none.toml", LexVlaConfig)


def test_values_that_do_not_go_together_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("new_length = 50\n")
    with pytest.raises(UsageError, match="new_length to 50; expected at least trained_length, 77"):
        load_recipe(tmp_path / "a.toml", TulipConfig)
    (tmp_path / "b.toml").write_text("captions = 5\n")
    with pytest.raises(UsageError, match="captions to 5; needs multi_positive"):
        load_recipe(tmp_path / "b.toml", FilipConfig)


def test_the_command_line_wins_and_is_checked_too(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("steps = 5\nrate = 1\nlora_targets = ['q']\n")
    recipe = load_recipe(tmp_path / "a.toml", LexVlaConfig, {"steps": 7, "seed": None})
    assert (recipe.steps, recipe.rate, recipe.seed) == (7, 1.0, 1)
    assert recipe.lora_targets == ("q",)
    assert as_plain(recipe)["lora_targets"] == ["q"]
    with pytest.raises(UsageError, match="the command line sets steps to 0"):
        load_recipe(tmp_path / "a.toml", LexVlaConfig, {"steps": 0})


def test_stage_1_of_tulip_has_numbers_of_its_own() -> None:
    recipe = TulipConfig(distil_steps=3, distil_batch=5, distil_rate=0.1, distil_warm_up=2)
    stage: LoopConfig = recipe.stage1()
    assert (stage.steps, stage.batch, stage.rate, stage.warm_up) == (3, 5, 0.1, 2)
