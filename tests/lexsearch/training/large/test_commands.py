"""`lexsearch train lexvla|tulip|filip`."""

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from click.testing import CliRunner, Result  # noqa: E402

from lexsearch.errors import ModelMissing, UsageError  # noqa: E402
from lexsearch.training.cli import command  # noqa: E402

SMALL = 'precision = "fp32"\nlocal_files_only = true\nsteps = 2\nbatch = 4\n'


def recipe(toys: Any, name: str, folder: Path) -> Path:
    own = {
        "lexvla": f'image_model = "{toys.dinov2}"\ntext_model = "{toys.llama}"\nimage_size = 28\n'
        "vocabulary = 40\nadapter_heads = 4\nmax_tokens = 400\nlora_rank = 2\n",
        "tulip": f'model = "{toys.clip}"\ndistil_steps = 2\ndistil_batch = 4\n'
        "trained_length = 20\nnew_length = 40\n",
        "filip": f'image_model = "{toys.clip}"\ntext_model = "{toys.clip}"\nimage_size = 32\n'
        "max_tokens = 20\n",
    }
    path = folder / f"{name}.toml"
    path.write_text(SMALL + own[name])
    return path


def call(*words: Any) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])


@pytest.mark.parametrize("name", ["lexvla", "tulip", "filip"])
def test_a_recipe_trains_and_says_where_the_model_is(toys: Any, tmp_path: Path, name: str) -> None:
    path, out = recipe(toys, name, tmp_path), tmp_path / "out"
    words = (name, "--config", path, "--data", toys.data, "--out", out, "--steps", 3, "--seed", 2)
    result = call(*words)
    assert result.exit_code == 0, result.exception
    assert f"model: {out / 'model'}" in result.output
    assert f"{name} 2/3" in result.output
    again = call(*words)
    assert again.exit_code == 0
    assert f"{name}: resumed at step 3" in again.output


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("lexvla", ("image tower", "adapter", "codebook of images", "language model")),
        ("tulip", ("stage 1", "teacher", "student", "stage 2", "text tower")),
        ("filip", ("image tower", "text tower", "heads")),
    ],
)
def test_a_dry_run_counts_without_weights(
    toys: Any, tmp_path: Path, name: str, parts: tuple[str, ...]
) -> None:
    bare = {kind: tmp_path / kind for kind in ("clip", "dinov2", "llama")}
    for kind, folder in bare.items():
        folder.mkdir()
        config = (getattr(toys, kind) / "config.json").read_bytes()
        (folder / "config.json").write_bytes(config)
    only = type(toys)(**bare, data=toys.data)
    result = call(name, "--config", recipe(only, name, tmp_path), "--dry-run")
    assert result.exit_code == 0, result.exception
    for part in (*parts, "in all", "memory: ", "time: 2 steps of 4 pairs"):
        assert part in result.output


def test_the_recipe_of_the_paper_trains_as_much_as_the_paper_says(tmp_path: Path) -> None:
    import json

    import transformers as tf

    for name, config in (("dinov2", tf.Dinov2Config()), ("llama", tf.LlamaConfig())):
        (tmp_path / name).mkdir()  # the defaults are DINOv2-base and Llama-2-7B
        (tmp_path / name / "config.json").write_text(json.dumps(config.to_dict()))
    path = tmp_path / "a.toml"
    path.write_text(
        f'image_model = "{tmp_path / "dinov2"}"\ntext_model = "{tmp_path / "llama"}"\n'
        "local_files_only = true\nbatch = 6144\ncached = 64\nsteps = 18000\n"
    )
    output = call("lexvla", "--config", path, "--dry-run").output
    trained = {
        line.split("  ")[0]: int(line.split()[-2].replace(",", ""))
        for line in output.splitlines()
        if line.endswith(" train")
    }
    assert trained["codebook of images"] == 70_242_304
    assert trained["language model"] == pytest.approx(19.99e6, rel=1e-3)
    assert trained["in all"] == pytest.approx(109e6, rel=0.02)
    assert "memory: " in output


def test_the_count_of_what_trains_is_that_of_the_model(toys: Any, tmp_path: Path) -> None:
    from lexsearch.training.large.config import FilipConfig, load_recipe
    from lexsearch.training.large.filip import build

    path = recipe(toys, "filip", tmp_path)
    model = build(load_recipe(path, FilipConfig))
    count = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert f"{count:,} train" in call("filip", "--config", path, "--dry-run").output


def test_a_bad_configuration_names_the_key(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("lambda = 1\n")
    result = call("lexvla", "--config", tmp_path / "a.toml", "--dry-run")
    assert isinstance(result.exception, UsageError)
    assert "'lambda'" in str(result.exception)


def test_data_and_out_are_asked_for(toys: Any, tmp_path: Path) -> None:
    path = recipe(toys, "filip", tmp_path)
    result = call("filip", "--config", path)
    assert isinstance(result.exception, UsageError)
    assert "--data is missing" in str(result.exception)


def test_a_backbone_that_is_not_there_is_named(toys: Any, tmp_path: Path) -> None:
    path = recipe(toys, "tulip", tmp_path)
    path.write_text(path.read_text().replace(str(toys.clip), "no/such-model"))
    result = call("tulip", "--config", path, "--dry-run")
    assert isinstance(result.exception, ModelMissing)
    assert "no/such-model is not in the Hugging Face cache" in str(result.exception)


def test_the_group_lists_all_recipes() -> None:
    result = call("--help")
    assert all(name in result.output for name in ("mini", "lexvla", "tulip", "filip"))
