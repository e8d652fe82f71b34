"""LexVLA against its golden fixtures: mapper, losses, gradients, and both backbones."""

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from lexsearch.nn.lexical import (  # noqa: E402
    elu1p,
    image_logits,
    lexical_vector,
    sparsify,
    text_logits,
)
from lexsearch.nn.lexvla import LexVla, last_real, patch_vectors, text_states  # noqa: E402
from lexsearch.training.losses import flops, overuse, quadratic_ramp  # noqa: E402

pytestmark = pytest.mark.shared
TENSORS = dict[str, Any]


@pytest.fixture
def io(shared: Path) -> TENSORS:
    from safetensors.torch import load_file

    return load_file(str(shared / "golden" / "lexvla_math" / "io.safetensors"))


def same(found: Any, wanted: Any) -> bool:
    return bool(torch.allclose(found.detach(), wanted, atol=1e-12, rtol=0))


def vectors(io: TENSORS) -> tuple[Any, Any]:
    s_txt = lexical_vector(text_logits(io["in.z_txt"], io["in.Z_txt"]))
    return lexical_vector(image_logits(io["in.image_tokens"], io["in.Z_img"])), s_txt


def test_the_mapper(io: TENSORS) -> None:
    logits = text_logits(io["in.z_txt"], io["in.Z_txt"])
    assert same(logits, io["out.logits_txt"])
    assert same(elu1p(logits), io["out.elu1p_txt"])
    tokens, codebook = io["in.image_tokens"], io["in.Z_img"]
    assert same(tokens @ codebook.T, io["out.logits_img"])
    assert same(elu1p(image_logits(tokens, codebook, chunk=10)), io["out.pooled_img"])
    s_img, s_txt = vectors(io)
    assert same(s_img, io["out.s_img"])
    assert same(s_txt, io["out.s_txt"])
    assert same(lexical_vector(image_logits(tokens[:, 1:], codebook)), io["out.s_img_no_cls"])
    assert same(lexical_vector(io["in.zero_logits"]), io["out.zero_logits.s"])


def test_the_activation_and_its_gradient(io: TENSORS) -> None:
    x = io["in.elu1p.x"].requires_grad_()
    y = elu1p(x)
    assert same(y, io["out.elu1p.y"])
    y.sum().backward()
    assert same(x.grad, io["out.elu1p.grad"])


def test_the_vectors_of_patches(io: TENSORS) -> None:
    patches = patch_vectors(io["in.image_tokens"], io["in.Z_img"])
    assert same(patches, io["out.patch"])
    assert torch.equal(patches.argmax(dim=-1), io["out.patch_argmax_vocab"])


def test_the_word_level_path(io: TENSORS) -> None:
    model = LexVla(io["in.Z_txt"], torch.arange(97), image_width=4, heads=1)
    model.z_txt = io["in.Z_txt"]
    for word in range(5):
        assert same(model.word_vector(torch.tensor([word])), io["out.word_level.s_txt"][word])


@pytest.mark.parametrize("side", ["img", "txt"])
def test_the_sparsifiers(io: TENSORS, side: str) -> None:
    s = vectors(io)[side == "txt"]
    kept = sparsify(s)
    assert same(kept, io[f"out.threshold.{side}.values"])
    assert torch.equal((kept > 0).sum(dim=1), io[f"out.threshold.{side}.nnz"])
    few = sparsify(s, top_k=10)
    ids = io[f"out.topk.{side}.ids_sorted"]
    assert torch.equal(few.nonzero()[:, 1].reshape(6, 10), ids)
    assert same(few.gather(1, ids), io[f"out.topk.{side}.values"])


def test_the_scores(io: TENSORS) -> None:
    s_img, s_txt = vectors(io)
    assert same(s_img @ s_txt.T, io["out.scores.dense"])
    found = sparsify(s_img) @ sparsify(s_txt).T
    assert same(found, io["out.scores.sparse"])


@pytest.mark.parametrize("name", ["flops", "overuse"])
@pytest.mark.parametrize("side", ["img", "txt"])
def test_the_penalties_and_their_gradients(io: TENSORS, name: str, side: str) -> None:
    penalty = {"flops": flops, "overuse": overuse}[name]
    s = vectors(io)[side == "txt"].requires_grad_()
    value = penalty(s)
    assert same(value, io[f"out.{name}.{side}"])
    value.backward()
    assert same(s.grad, io[f"out.{name}.{side}.grad_s"])


@pytest.mark.parametrize("name", ["flops", "overuse"])
def test_the_gradients_of_the_penalties_on_tokens_and_codebook(io: TENSORS, name: str) -> None:
    tokens, codebook = io["in.image_tokens"].requires_grad_(), io["in.Z_img"].requires_grad_()
    penalty = {"flops": flops, "overuse": overuse}[name]
    penalty(lexical_vector(image_logits(tokens, codebook))).backward()
    assert same(tokens.grad, io[f"out.{name}.img.grad_image_tokens"])
    assert same(codebook.grad, io[f"out.{name}.img.grad_Z_img"])


def losses(io: TENSORS) -> tuple[dict[str, Any], dict[str, Any]]:
    pytest.importorskip("transformers", reason="transformers is not installed")
    from lexsearch.training.large.lexvla import lexvla_losses

    inputs = {
        "z_txt": io["in.z_txt"].requires_grad_(),
        "image_tokens": io["in.image_tokens"].requires_grad_(),
        "Z_img": io["in.Z_img"].requires_grad_(),
        "logit_scale": torch.tensor(1 / 0.07, dtype=torch.float64).log().requires_grad_(),
    }
    s_img, s_txt = vectors(io)
    return lexvla_losses(s_img, s_txt, inputs["logit_scale"]), inputs


def test_the_contrastive_loss_and_its_gradients(io: TENSORS) -> None:
    parts, inputs = losses(io)
    assert same(parts["i2t"], io["out.infonce.i2t"])
    assert same(parts["t2i"], io["out.infonce.t2i"])
    (parts["i2t"] + parts["t2i"]).backward()
    for name, value in inputs.items():
        assert same(value.grad, io[f"out.infonce.grad.{name}"]), name
    assert io["in.Z_txt"].grad is None


@pytest.mark.parametrize("step", [0, 500, 2000, 3000])
def test_the_total_at_a_step_and_its_gradients(io: TENSORS, step: int) -> None:
    from lexsearch.training.large.config import LexVlaConfig
    from lexsearch.training.large.lexvla import LexVlaRecipe

    parts, inputs = losses(io)
    recipe = LexVlaRecipe.__new__(LexVlaRecipe)
    recipe.config = LexVlaConfig()
    weights = recipe.weights(step)
    assert weights["overuse_text"] == 1e-3 * quadratic_ramp(step, 2000)
    total = torch.stack([weights[name] * value for name, value in parts.items()]).sum()
    assert same(total, io[f"out.total.step{step}"])
    if step == 3000:
        total.backward()
        for name, value in inputs.items():
            assert same(value.grad, io[f"out.total.step3000.grad.{name}"]), name


def test_float32_is_close(io: TENSORS) -> None:
    single = {name: value.float() for name, value in io.items() if value.is_floating_point()}
    for found, name in zip(vectors(single), ("out.s_img", "out.s_txt"), strict=True):
        assert torch.allclose(found.double(), io[name], atol=2e-6, rtol=0)


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_text_side_on_a_llama(shared: Path, side: str) -> None:
    tf = pytest.importorskip("transformers", reason="transformers is not installed")
    from safetensors.torch import load_file

    from lexsearch.nn.lora import add_lora

    folder = shared / "golden" / "llama_hf"
    meta = json.loads((folder / "meta.json").read_text())
    found = load_file(str(folder / "io.safetensors"))
    language_model = tf.LlamaForCausalLM(tf.LlamaConfig(**meta["config"]))
    language_model.load_state_dict(load_file(str(folder / "weights.safetensors")))
    decoder = language_model.eval().base_model
    add_lora(decoder, rank=4, alpha=8.0)
    model = LexVla(language_model.lm_head.weight, found["in.keep_ids"], image_width=8, heads=2)
    ids, mask = found[f"in.input_ids.{side}"], found[f"in.attention_mask.{side}"]
    atol = 1e-5 if side == "right" else 2e-5
    with torch.no_grad():
        states = text_states(decoder, ids, mask)
        s_txt = model.text_vectors(states)
        logits = states @ language_model.lm_head.weight.T
    assert torch.equal(model.z_txt, found["out.z_txt"])
    assert torch.allclose(states, found["out.last_token_hidden"], atol=atol, rtol=1e-5)
    assert torch.allclose(s_txt, found["out.s_txt"], atol=atol, rtol=1e-5)
    assert torch.allclose(logits, found["out.last_token_logits"], atol=atol, rtol=1e-5)
    wrong = found["out.s_txt_from_embed_tokens_WRONG"]
    assert not torch.allclose(s_txt, wrong, atol=1e-2)
    if side == "right":
        stored = found["out.last_hidden_state.right"]
        assert torch.allclose(last_real(stored, mask), states, atol=atol, rtol=1e-5)


@pytest.mark.parametrize("size", ["98x98", "56x56", "70x42"])
def test_the_image_side_on_a_dinov2(shared: Path, tmp_path: Path, size: str) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    from safetensors.torch import load_file

    from lexsearch.encoders._backbones import ImageTower, Source

    folder = shared / "golden" / "dinov2_hf"
    meta = json.loads((folder / "meta.json").read_text())
    found = load_file(str(folder / "io.safetensors"))
    (tmp_path / "config.json").write_text(json.dumps(meta["config"]))
    weights = (folder / "weights.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights)
    tower = ImageTower(Source(str(tmp_path), local=True), side=98).eval()
    with torch.no_grad():
        states = tower(found[f"in.pixel_values.{size}"])
    assert torch.allclose(states, found[f"out.last_hidden_state.{size}"], atol=1e-5, rtol=1e-5)
