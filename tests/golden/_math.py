"""The fixtures without weights: scores, losses and gradients of FILIP and LexVLA in float64."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lexsearch.nn.late import (
    best_similarities,
    informative_mask,
    token_similarities,
    token_similarities_by_parts,
)
from lexsearch.nn.lexical import elu1p, image_logits, lexical_vector, sparsify, text_logits
from lexsearch.nn.lexvla import patch_vectors, word_state
from lexsearch.training.large.lexvla import lexvla_losses
from lexsearch.training.losses import filip, flops, overuse, quadratic_ramp
from tests.golden._fixture import Fixture, unit

SHARE = 0.25


def filip_math(fixture: Fixture) -> None:
    io = fixture.io
    raw_image = io["in.image_tokens"].requires_grad_()
    raw_text = io["in.text_tokens"].requires_grad_()
    image, text = unit(raw_image), unit(raw_text)
    image_mask, text_mask = io["in.image_mask"], io["in.text_mask"]
    fixture.same("image_tokens_l2", image)
    fixture.same("text_tokens_l2", text)
    s_image, s_text = token_similarities(image, text, text_mask, io["in.image_mask_all"])
    fixture.same("all.s_i2t", s_image)
    fixture.same("all.s_t2i", s_text)
    parts = token_similarities_by_parts(image, text, text_mask, image_mask, texts=3)
    s_image, s_text = token_similarities(image, text, text_mask, image_mask)
    fixture.require("scores by parts differ", torch.allclose(parts[0], s_image, atol=1e-12))
    fixture.same("masked.s_i2t", s_image)
    fixture.same("masked.s_t2i", s_text)
    tau = fixture.config["tau"]
    target = torch.arange(len(s_image))
    fixture.same("loss_i2t", F.cross_entropy(s_image / tau, target))
    fixture.same("loss_t2i", F.cross_entropy(s_text.T / tau, target))
    loss = filip(s_image, s_text, torch.tensor(1 / tau, dtype=torch.float64))
    fixture.same("loss", loss)
    loss.backward()
    assert raw_image.grad is not None
    assert raw_text.grad is not None
    fixture.same("loss_grad_image_tokens", raw_image.grad)
    fixture.same("loss_grad_text_tokens", raw_text.grad)
    _selection(fixture, image.detach(), text.detach(), image_mask, text_mask)


def _selection(
    fixture: Fixture, image: Tensor, text: Tensor, image_mask: Tensor, text_mask: Tensor
) -> None:
    for name, own, other, own_mask, other_mask in (
        ("image", image, text, image_mask, text_mask),
        ("text", text, image, text_mask, image_mask),
    ):
        wanted = fixture.io[f"out.select.{name}_scores"]
        scores = best_similarities(own, other, other_mask)
        # What stands at padding is the fixture's own choice, and no score.
        fixture.same(f"select.{name}_scores", torch.where(own_mask, scores, wanted))
        keep = informative_mask(own, other, other_mask, SHARE, own_mask=own_mask)
        fixture.same(f"select.{name}_keep", keep)
    keep_image = informative_mask(image, text, text_mask, SHARE, own_mask=image_mask)
    keep_text = informative_mask(text, image, image_mask, SHARE, own_mask=text_mask)
    s_image, s_text = token_similarities(image, text, keep_text, keep_image)
    fixture.same("select.s_i2t", s_image)
    fixture.same("select.s_t2i", s_text)


def lexvla_math(fixture: Fixture) -> None:
    io, c = fixture.io, fixture.config
    z, book = io["in.z_txt"], io["in.Z_txt"]
    tokens, image_book = io["in.image_tokens"], io["in.Z_img"]
    logits = text_logits(z, book)
    fixture.same("logits_txt", logits)
    fixture.same("elu1p_txt", elu1p(logits))
    fixture.same("logits_img", tokens @ image_book.T)
    fixture.same("pooled_img", elu1p(image_logits(tokens, image_book, chunk=10)))
    s_txt, s_img = lexical_vector(logits), lexical_vector(image_logits(tokens, image_book))
    fixture.same("s_txt", s_txt)
    fixture.same("s_img", s_img)
    fixture.same("s_img_no_cls", lexical_vector(image_logits(tokens[:, 1:], image_book)))
    fixture.same("zero_logits.s", lexical_vector(io["in.zero_logits"]))
    patches = patch_vectors(tokens, image_book)
    fixture.same("patch", patches)
    fixture.same("patch_argmax_vocab", patches.argmax(dim=-1))
    words = len(io["out.word_level.s_txt"])
    states = torch.stack([word_state(book[i : i + 1]) for i in range(words)])
    fixture.same("word_level.s_txt", lexical_vector(text_logits(states, book)))
    for side, s in (("img", s_img), ("txt", s_txt)):
        kept = sparsify(s)
        fixture.same(f"threshold.{side}.values", kept)
        fixture.same(f"threshold.{side}.nnz", (kept > 0).sum(dim=1))
        best = s.topk(c["topk"], dim=1).indices.sort(dim=1).values
        fixture.same(f"topk.{side}.ids_sorted", best)
        fixture.same(f"topk.{side}.values", s.gather(1, best))
    fixture.same("scores.dense", s_img @ s_txt.T)
    fixture.same("scores.sparse", sparsify(s_img) @ sparsify(s_txt).T)
    x = io["in.elu1p.x"].requires_grad_()
    fixture.same("elu1p.y", elu1p(x))
    elu1p(x).sum().backward()
    assert x.grad is not None
    fixture.same("elu1p.grad", x.grad)
    _penalties(fixture, s_img, s_txt)
    _losses(fixture)


def _penalties(fixture: Fixture, s_img: Tensor, s_txt: Tensor) -> None:
    for name, penalty in (("flops", flops), ("overuse", overuse)):
        for side, s in (("img", s_img), ("txt", s_txt)):
            leaf = s.detach().clone().requires_grad_()
            value = penalty(leaf)
            value.backward()
            assert leaf.grad is not None
            fixture.same(f"{name}.{side}", value)
            fixture.same(f"{name}.{side}.grad_s", leaf.grad)
        tokens = fixture.io["in.image_tokens"].detach().clone().requires_grad_()
        book = fixture.io["in.Z_img"].detach().clone().requires_grad_()
        penalty(lexical_vector(image_logits(tokens, book))).backward()
        assert tokens.grad is not None
        assert book.grad is not None
        fixture.same(f"{name}.img.grad_image_tokens", tokens.grad)
        fixture.same(f"{name}.img.grad_Z_img", book.grad)


def _losses(fixture: Fixture) -> None:
    c = fixture.config
    weights = {"overuse_image": c["lambda_img"], "overuse_text": c["lambda_txt"]}

    def computed() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        inputs = {
            "z_txt": fixture.io["in.z_txt"].detach().clone().requires_grad_(),
            "image_tokens": fixture.io["in.image_tokens"].detach().clone().requires_grad_(),
            "Z_img": fixture.io["in.Z_img"].detach().clone().requires_grad_(),
            "logit_scale": torch.tensor(1 / c["tau"], dtype=torch.float64).log().requires_grad_(),
        }
        s_txt = lexical_vector(text_logits(inputs["z_txt"], fixture.io["in.Z_txt"]))
        s_img = lexical_vector(image_logits(inputs["image_tokens"], inputs["Z_img"]))
        return lexvla_losses(s_img, s_txt, inputs["logit_scale"]), inputs

    parts, inputs = computed()
    fixture.same("infonce.i2t", parts["i2t"])
    fixture.same("infonce.t2i", parts["t2i"])
    (parts["i2t"] + parts["t2i"]).backward()
    _gradients(fixture, "infonce", inputs)
    for name in fixture.names("out.total.step"):
        step = name.split(".")[2]
        ramp = quadratic_ramp(int(step.removeprefix("step")), c["ramp_steps"])
        parts, inputs = computed()
        total = parts["i2t"] + parts["t2i"]
        for penalty, weight in weights.items():
            total = total + ramp * weight * parts[penalty]
        if name.count(".") == 2:
            fixture.same(f"total.{step}", total)
        if f"out.total.{step}.grad.z_txt" in fixture.io:
            total.backward()
            _gradients(fixture, f"total.{step}", inputs)


def _gradients(fixture: Fixture, name: str, inputs: dict[str, Tensor]) -> None:
    for what, value in inputs.items():
        assert value.grad is not None
        fixture.same(f"{name}.grad.{what}", value.grad)
