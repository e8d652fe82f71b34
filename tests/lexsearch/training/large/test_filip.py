"""FILIP on toy towers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from torch.nn.functional import normalize  # noqa: E402

from lexsearch.errors import ModelMissing, UsageError  # noqa: E402
from lexsearch.training.large.config import FilipConfig  # noqa: E402
from lexsearch.training.large.filip import (  # noqa: E402
    build,
    directions,
    filip_losses,
    load_filip,
    run_filip,
)
from lexsearch.training.large.loop import Run  # noqa: E402


def config(toys: Any, **changes: Any) -> FilipConfig:
    return FilipConfig(
        **{
            "image_model": str(toys.clip), "text_model": str(toys.clip), "image_size": 32,
            "max_tokens": 20, "dim": 16, "steps": 24, "batch": 6, "rate": 3e-3, "warm_up": 1,
            "precision": "fp32", "half": False, "say_every": 1, "save_every": 5,
            "local_files_only": True, **changes,
        }
    )  # fmt: skip


def i2t(lines: list[str]) -> list[float]:
    return [float(line.split("i2t ")[1].split()[0]) for line in lines if "i2t" in line]


def test_training_lowers_the_loss_and_the_model_loads_again(toys: Any, tmp_path: Path) -> None:
    said: list[str] = []
    folder = run_filip(config(toys), toys.data, Run(tmp_path, torch.device("cpu"), said.append))
    values = i2t(said)
    assert sum(values[-4:]) < 0.8 * sum(values[:4])
    one, other = load_filip(folder), load_filip(folder)
    pixels = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        tokens = one.encode_image(pixels)
        assert torch.equal(tokens, other.encode_image(pixels))
    assert tokens.shape == (2, 16, 16)
    assert torch.allclose(tokens.norm(dim=-1), torch.ones(2, 16), atol=1e-5)
    (folder / "config.json").unlink()
    with pytest.raises(ModelMissing, match="does not hold a FILIP model"):
        load_filip(folder)


@pytest.mark.parametrize(
    "changes",
    [{"share": 1.0}, {"both_sides": False}, {"half": True, "precision": "bf16"},
     {"captions": 2, "multi_positive": True}, {"cached": 4}, {"accumulate": 2},
     {"include_cls": True, "augment": True}, {"train": "heads"}, {"save_memory": True},
     {"weights": "random"}],
    ids=str,
)  # fmt: skip
def test_every_variant_trains(toys: Any, tmp_path: Path, changes: dict[str, Any]) -> None:
    said: list[str] = []
    run_filip(
        config(toys, steps=2, **changes),
        toys.data,
        Run(tmp_path, torch.device("cpu"), said.append),
    )
    assert len(i2t(said)) == 2


def test_a_dinov2_can_stand_for_the_image_tower(toys: Any) -> None:
    model = build(config(toys, image_model=str(toys.dinov2), image_size=28))
    assert model.encode_image(torch.randn(1, 3, 28, 28)).shape == (1, 4, 16)


def test_frozen_towers_stay_and_heads_train(toys: Any) -> None:
    model = build(config(toys, train="heads"))
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert {name.partition(".")[0] for name in trained} == {"heads"}


def test_padding_does_not_change_the_tokens_of_a_text(toys: Any) -> None:
    model = build(config(toys)).eval()
    ids, mask = torch.tensor([[320, 5, 9, 321]]), torch.ones(1, 4, dtype=torch.int64)
    longer = torch.cat([ids, torch.zeros(1, 6, dtype=torch.int64)], dim=1)
    longer_mask = torch.cat([mask, torch.zeros(1, 6, dtype=torch.int64)], dim=1)
    with torch.no_grad():
        plain, padded = model.encode_text(ids, mask), model.encode_text(longer, longer_mask)
    assert torch.allclose(plain, padded[:, :4], atol=1e-5)


def test_padding_does_not_change_the_loss(toys: Any) -> None:
    torch.manual_seed(1)
    image, text = (normalize(torch.randn(*s), dim=-1) for s in ((3, 8, 16), (3, 1, 8, 16)))
    mask = torch.ones(3, 1, 8, dtype=torch.bool)
    mask[1, 0, 4:] = False
    padding = 9 * torch.ones(3, 1, 5, 16)
    for share in (0.25, 1.0):
        recipe = config(toys, share=share)
        scale = torch.tensor(10.0)
        plain = filip_losses(image, text, mask, scale, recipe)
        longer = torch.cat([mask, torch.zeros(3, 1, 5, dtype=torch.bool)], dim=2)
        padded = filip_losses(image, torch.cat([text, padding], dim=2), longer, scale, recipe)
        for name, value in plain.items():
            assert padded[name].item() == pytest.approx(value.item(), abs=1e-6)


def test_every_caption_of_a_picture_is_a_target() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0, 0.0], [0.0, 0.0, 3.0, 1.0]])
    found = directions(logits, logits, 2)
    rows = torch.log_softmax(logits, dim=1)
    wanted = -(rows[0, :2].mean() + rows[1, 2:].mean()) / 2
    assert found["i2t"].item() == pytest.approx(wanted.item(), abs=1e-6)
    columns = torch.log_softmax(logits, dim=0)
    right = -(columns[0, :2].sum() + columns[1, 2:].sum()) / 4
    assert found["t2i"].item() == pytest.approx(right.item(), abs=1e-6)


def test_more_tokens_than_the_tower_takes_are_an_error(toys: Any) -> None:
    with pytest.raises(UsageError, match="max_tokens 21; expected at most 20"):
        build(config(toys, max_tokens=21))


def test_a_run_stopped_and_resumed_equals_one_that_was_not(
    toys: Any, tmp_path: Path, stopped: Any
) -> None:
    recipe = config(toys, steps=12, augment=True)
    quiet = Run(tmp_path / "whole", torch.device("cpu"), lambda _: None)
    whole = run_filip(recipe, toys.data, quiet)
    cut = replace(quiet, out=tmp_path / "cut")
    stopped(lambda: run_filip(recipe, toys.data, cut), after=7)
    resumed = run_filip(recipe, toys.data, cut)
    assert (whole / "filip.safetensors").read_bytes() == (
        resumed / "filip.safetensors"
    ).read_bytes()
