"""TULIP on a toy CLIP."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from safetensors.torch import load_file  # noqa: E402

from lexsearch.encoders._backbones import Source, clip_model  # noqa: E402
from lexsearch.errors import ModelMissing, UsageError  # noqa: E402
from lexsearch.nn.clip_text import ClipText, load_text, text_shape  # noqa: E402
from lexsearch.nn.rotary import expanded_theta  # noqa: E402
from lexsearch.training.large.config import TulipConfig  # noqa: E402
from lexsearch.training.large.loop import Run  # noqa: E402
from lexsearch.training.large.tulip import (  # noqa: E402
    Distillation,
    build,
    load_tulip_text,
    run_tulip,
    short_and_long,
    to_stage_2,
    tokens,
)


def config(toys: Any, **changes: Any) -> TulipConfig:
    return TulipConfig(
        **{
            "model": str(toys.clip), "distil_steps": 12, "distil_batch": 12, "distil_rate": 3e-3,
            "distil_warm_up": 1, "steps": 16, "batch": 6, "rate": 3e-3, "decay": 0.0,
            "precision": "fp32", "trained_length": 20, "new_length": 60, "say_every": 1,
            "save_every": 5, "local_files_only": True, **changes,
        }
    )  # fmt: skip


def values(lines: list[str], name: str) -> list[float]:
    return [float(line.split(f"{name} ")[-1].split()[0]) for line in lines if f"{name} " in line]


def test_both_stages_lower_their_losses(toys: Any, tmp_path: Path) -> None:
    said: list[str] = []
    folder = run_tulip(config(toys), toys.data, Run(tmp_path, torch.device("cpu"), said.append))
    distance = values(said, "distance")
    assert distance[-1] < 0.5 * distance[0]
    long = values(said, "long")
    assert sum(long[-3:]) < 0.9 * sum(long[:3])
    tower = load_tulip_text(folder)
    assert tower.context == 60
    assert tower.theta == pytest.approx(expanded_theta(20, 60, 8))
    state = load_file(str(folder / "tulip.safetensors"))
    assert "positional_embedding" not in state
    assert state["visual.conv1.weight"].shape == (32, 3, 8, 8)
    assert state["visual.transformer.resblocks.1.attn.in_proj_weight"].shape == (96, 32)
    first = load_file(str(folder / "stage1.safetensors"))
    assert set(first) == {k for k in state if not k.startswith("visual.") and k != "logit_scale"}
    load_text(ClipText(text_shape(first, heads=4), positions="rotary"), first)


def test_the_student_starts_from_the_teacher_and_keeps_its_embedding(toys: Any) -> None:
    parts = build(config(toys))
    Distillation(parts, ["a red circle"], config(toys), torch.device("cpu"))
    student, teacher = parts.student.state_dict(), parts.teacher.state_dict()
    assert all(torch.equal(value, teacher[name]) for name, value in student.items())
    assert not parts.student.token_embedding.weight.requires_grad
    assert not any(p.requires_grad for p in parts.teacher.parameters())


def test_the_teacher_is_the_text_tower_of_clip(toys: Any) -> None:
    parts = build(config(toys))
    ids = tokens(parts.tokenizer, ["the circle is red", "a bar"], 20)
    clip = clip_model(Source(str(toys.clip), local=True)).eval()
    wanted = clip.get_text_features(input_ids=ids).pooler_output
    assert torch.allclose(parts.teacher(ids), wanted, atol=1e-5)


def test_stage_2_starts_with_the_projection_of_clip_and_a_larger_theta(toys: Any) -> None:
    for keep in (False, True):
        parts = build(config(toys))
        with torch.no_grad():
            parts.student.text_projection.add_(1.0)
        to_stage_2(parts, config(toys, keep_projection=keep))
        same = torch.equal(parts.student.text_projection, parts.teacher.text_projection)
        assert same is not keep
        assert parts.student.theta > 10_000


def test_a_text_cut_at_the_context_ends_with_the_end_token(toys: Any) -> None:
    tokenizer = build(config(toys)).tokenizer
    ids = tokens(tokenizer, ["a red circle " * 30, "a bar"], 20)
    assert ids.shape == (2, 20)
    assert ids[0, -1] == tokenizer.eos_token_id == ids.max()
    assert ids[1, -1] == 0


def test_short_and_long_captions_of_a_photo() -> None:
    assert short_and_long(["A dog. It runs."]) == ("A dog", "A dog. It runs.")
    assert short_and_long(["A dog runs on grass.", "a dog"]) == ("a dog", "A dog runs on grass.")
    assert short_and_long(["A dog"]) == ("A dog", "A dog")


def test_a_stage_longer_than_the_context_of_clip_is_an_error(toys: Any) -> None:
    with pytest.raises(UsageError, match="trained_length 30; expected at most 20"):
        build(config(toys, trained_length=30))
    with pytest.raises(UsageError, match="expected 'clip'"):
        build(config(toys, model=str(toys.dinov2)))


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="does not hold a TULIP model"):
        load_tulip_text(tmp_path)


@pytest.mark.parametrize("after", [8, 19])
def test_a_run_stopped_in_either_stage_and_resumed_equals_one_that_was_not(
    toys: Any, tmp_path: Path, stopped: Any, after: int
) -> None:
    recipe = config(toys, cached=4, distil_cached=5)
    quiet = Run(tmp_path / "whole", torch.device("cpu"), lambda _: None)
    whole = run_tulip(recipe, toys.data, quiet)
    cut = replace(quiet, out=tmp_path / "cut")
    stopped(lambda: run_tulip(recipe, toys.data, cut), after=after)
    resumed = run_tulip(recipe, toys.data, cut)
    assert (whole / "tulip.safetensors").read_bytes() == (
        resumed / "tulip.safetensors"
    ).read_bytes()
