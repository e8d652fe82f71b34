"""The loaders against transformers at sizes, head counts and seeds that no fixture has.

The fixtures here are written as those of a golden folder; the outputs come from the classes of
transformers with random weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
tf = pytest.importorskip("transformers", reason="transformers is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402
from torch.nn.functional import normalize  # noqa: E402

from tests.golden.check import check_fixture, main  # noqa: E402

TOLERANCE = {"atol": 1e-5, "rtol": 1e-5}


def spread(model: Any) -> Any:
    """Weights large enough that a wrong head count or norm shows."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.15) if parameter.ndim > 1 else parameter.add_(
                0.1 * torch.randn_like(parameter)
            )
    return model.eval()


def rounded(model: Any) -> Any:
    """The same with parameters that float16 holds; its tables stay as they are."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.half())
    return model


def write(
    folder: Path, system: str, model: Any, io: dict[str, Any], *, half: bool = False
) -> Path:  # fmt: skip
    """A fixture of a model and its inputs and outputs."""
    folder.mkdir(parents=True)
    state = {k: v.clone().contiguous() for k, v in model.state_dict().items()}
    if half:
        state = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    save_file(state, str(folder / "weights.safetensors"))
    save_file({k: v.detach().clone().contiguous() for k, v in io.items()},
              str(folder / "io.safetensors"))  # fmt: skip
    meta = {"system": system, "config": model.config.to_dict(), "tolerance": TOLERANCE}
    (folder / "meta.json").write_text(json.dumps(meta))
    return folder


def clip_model(*, heads: tuple[int, int], end: int = 2, half: bool = False) -> Any:
    text = {
        "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 3, "vocab_size": 101,
        "num_attention_heads": heads[1], "max_position_embeddings": 33, "hidden_act": "gelu",
        "eos_token_id": end, "bos_token_id": 99,
    }  # fmt: skip
    vision = {
        "hidden_size": 72, "intermediate_size": 100, "num_hidden_layers": 1, "patch_size": 4,
        "num_attention_heads": heads[0], "image_size": 20, "hidden_act": "gelu",
    }  # fmt: skip
    model = spread(tf.CLIPModel(tf.CLIPConfig(text_config=text, vision_config=vision,
                                              projection_dim=40)))  # fmt: skip
    return rounded(model) if half else model


@torch.no_grad()
def clip(folder: Path, seed: int, *, half: bool = False) -> Path:
    torch.manual_seed(seed)
    # Released files name 2 as the end and mean the highest id; later ones name the id itself.
    end = 2 if seed % 2 else 55
    model = clip_model(heads=(6, 3), end=end, half=half)
    pixels = torch.randn(2, 3, 20, 20)
    ids = torch.randint(3, 50, (4, 15))
    ids[:, 0] = 51
    for row, place in enumerate((14, 3, 9, 1)):
        ids[row, place:] = 100 if end == 2 else 55
    mask = torch.ones_like(ids)
    with torch.no_grad():
        out = model(input_ids=ids, pixel_values=pixels, attention_mask=mask)
        states = out.vision_model_output.last_hidden_state
        tokens = model.visual_projection(model.vision_model.post_layernorm(states))
    io = {
        "in.pixel_values": pixels, "in.input_ids": ids, "in.attention_mask": mask,
        "out.vision_last_hidden_state": states,
        "out.text_last_hidden_state": out.text_model_output.last_hidden_state,
        "out.image_features": model.get_image_features(pixels).pooler_output,
        "out.text_features": model.get_text_features(ids, mask).pooler_output,
        "out.image_embeds": out.image_embeds, "out.text_embeds": out.text_embeds,
        "out.logits_per_image": out.logits_per_image, "out.tokens_projected": tokens,
        "out.patch_tokens_projected": tokens[:, 1:],
        "out.patch_tokens_projected_l2": normalize(tokens[:, 1:], dim=-1),
    }  # fmt: skip
    return write(folder, "clip_hf", model, io, half=half)


@torch.no_grad()
def siglip(folder: Path, seed: int, *, half: bool = False) -> Path:
    torch.manual_seed(seed)
    sizes = {"intermediate_size": 90, "num_hidden_layers": 3, "num_attention_heads": 5}
    text = {**sizes, "hidden_size": 60, "vocab_size": 77, "max_position_embeddings": 19,
            "projection_size": 60}  # fmt: skip
    vision = {**sizes, "hidden_size": 60, "image_size": 30, "patch_size": 6}
    model = spread(tf.SiglipModel(tf.SiglipConfig(text_config=text, vision_config=vision)))
    if half:
        rounded(model)
    ids, pixels = torch.randint(0, 77, (3, 19)), torch.randn(2, 3, 30, 30)
    with torch.no_grad():
        out = model(input_ids=ids, pixel_values=pixels)
    return write(folder, "siglip_hf", model, {
        "in.pixel_values": pixels, "in.input_ids": ids, **siglip_outputs(out),
        "out.text_last_hidden_state": out.text_model_output.last_hidden_state,
    }, half=half)  # fmt: skip


def siglip_outputs(out: Any) -> dict[str, Any]:
    return {
        "out.image_embeds": out.image_embeds, "out.text_embeds": out.text_embeds,
        "out.logits_per_image": out.logits_per_image,
        "out.image_features": out.vision_model_output.pooler_output,
        "out.text_features": out.text_model_output.pooler_output,
        "out.vision_last_hidden_state": out.vision_model_output.last_hidden_state,
    }  # fmt: skip


@torch.no_grad()
def siglip2(folder: Path, seed: int, *, half: bool = False) -> Path:
    torch.manual_seed(seed)
    sizes = {"intermediate_size": 90, "num_hidden_layers": 3, "num_attention_heads": 6}
    text = {**sizes, "hidden_size": 60, "vocab_size": 77, "max_position_embeddings": 11,
            "projection_size": 60}  # fmt: skip
    vision = {**sizes, "hidden_size": 60, "num_patches": 25, "patch_size": 6}
    model = spread(tf.Siglip2Model(tf.Siglip2Config(text_config=text, vision_config=vision)))
    if half:
        rounded(model)
    shapes = torch.tensor([[2, 9], [5, 5], [7, 3]])
    mask = (torch.arange(27) < shapes.prod(dim=1, keepdim=True)).int()
    pixels, ids = torch.randn(3, 27, 108) * mask[:, :, None], torch.randint(0, 77, (2, 11))
    with torch.no_grad():
        out = model(input_ids=ids, pixel_values=pixels, pixel_attention_mask=mask,
                    spatial_shapes=shapes)  # fmt: skip
    io = siglip_outputs(out)
    io["out.vision_last_hidden_state"] = io["out.vision_last_hidden_state"] * mask[:, :, None]
    return write(folder, "siglip2_hf", model, {
        "in.pixel_values": pixels, "in.input_ids": ids, "in.pixel_attention_mask": mask,
        "in.spatial_shapes": shapes, **io,
    }, half=half)  # fmt: skip


@torch.no_grad()
def dinov2(folder: Path, seed: int, *, half: bool = False) -> Path:
    torch.manual_seed(seed)
    model = spread(tf.Dinov2Model(tf.Dinov2Config(
        hidden_size=40, num_hidden_layers=3, num_attention_heads=5, image_size=48, patch_size=8,
        mlp_ratio=2, use_swiglu_ffn=seed % 2 == 0,
    )))  # fmt: skip
    if half:
        rounded(model)
    io: dict[str, Any] = {}
    for height, width in ((48, 48), (24, 40), (80, 16)):
        pixels = torch.randn(2, 3, height, width)
        with torch.no_grad():
            out = model(pixel_values=pixels)
        io[f"in.pixel_values.{height}x{width}"] = pixels
        io[f"out.last_hidden_state.{height}x{width}"] = out.last_hidden_state
        io[f"out.pooler_output.{height}x{width}"] = out.pooler_output
    return write(folder, "dinov2_hf", model, io, half=half)


@torch.no_grad()
def llama(folder: Path, seed: int, *, half: bool = False) -> Path:
    torch.manual_seed(seed)
    model = spread(tf.LlamaForCausalLM(tf.LlamaConfig(
        hidden_size=48, intermediate_size=70, num_hidden_layers=3, num_attention_heads=6,
        num_key_value_heads=2, vocab_size=90, max_position_embeddings=64,
        rope_parameters={"rope_type": "default", "rope_theta": 5e5},
    )))  # fmt: skip
    if half:
        rounded(model)
    lengths = torch.tensor([9, 1, 5])
    keep = torch.randperm(90)[:33].sort().values
    right = torch.randint(3, 90, (3, 9))
    ahead = (torch.arange(9) < lengths[:, None]).long()
    right = right * ahead
    left, behind = torch.zeros_like(right), ahead.flip(1)
    for row, n in enumerate(lengths.tolist()):
        left[row, 9 - n :] = right[row, :n]
    with torch.no_grad():
        states = model.model(input_ids=right, attention_mask=ahead).last_hidden_state
        last = states[torch.arange(3), lengths - 1]
        z_txt = model.lm_head.weight[keep]
        logits = last @ z_txt.T
        active = torch.where(logits >= 0, logits + 1, logits.exp())
    return write(folder, "llama_hf", model, {
        "in.input_ids.right": right, "in.attention_mask.right": ahead,
        "in.input_ids.left": left, "in.attention_mask.left": behind,
        "in.lengths": lengths, "in.keep_ids": keep,
        "out.last_token_hidden": last, "out.last_token_hidden.right_padded": last,
        "out.last_token_hidden.left_padded": last,
        "out.last_token_hidden.left_padded_with_position_ids": last,
        "out.last_token_logits": last @ model.lm_head.weight.T,
        "out.last_hidden_state.right": states * ahead[:, :, None],
        "out.z_txt": z_txt, "out.s_txt": normalize(active, dim=-1),
    }, half=half)  # fmt: skip


SYSTEMS = {
    "clip_hf": clip, "siglip_hf": siglip, "siglip2_hf": siglip2, "dinov2_hf": dinov2,
    "llama_hf": llama,
}  # fmt: skip


@pytest.mark.parametrize("half", [False, True], ids=["fp32", "fp16"])
@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_other_sizes_and_seeds_hold(system: str, seed: int, half: bool, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    result = check_fixture(SYSTEMS[system](tmp_path / f"{system}_{seed}", seed, half=half))
    assert result.passed, result.failures


def test_the_tensors_that_miss_or_are_too_many_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.set_num_threads(1)
    folder = clip(tmp_path / "clip_hf", 3)
    path = str(folder / "weights.safetensors")
    state = load_file(path)
    del state["visual_projection.weight"]
    state["stranger"] = torch.zeros(2)
    save_file(state, path)
    assert main([str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "visual" in said
    assert "0 of 1 fixtures hold" in said
    state["visual_projection.weight"] = torch.zeros(40, 72)
    save_file(state, path)
    assert main([str(tmp_path)]) == 1
    assert "1 unexpected (stranger)" in capsys.readouterr().out


def test_heads_of_another_number_do_not_pass(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    folder = clip(tmp_path / "clip_hf", 3)
    meta = json.loads((folder / "meta.json").read_text())
    meta["config"]["vision_config"]["num_attention_heads"] = 3
    (folder / "meta.json").write_text(json.dumps(meta))
    assert not check_fixture(folder).passed
