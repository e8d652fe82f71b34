"""What each system of the fixtures is asked, through the product's loaders."""

from __future__ import annotations

import shutil
from typing import Any

import torch
from torch import Tensor

from lexsearch.encoders._backbones import ImageTower, Source, language_model
from lexsearch.encoders._clip_tower import load_clip, load_tulip
from lexsearch.encoders._filip_tower import load_filip
from lexsearch.encoders._siglip_tower import load_siglip
from lexsearch.encoders.captions import limber as captions
from lexsearch.nn.clip_resnet import ClipResNet
from lexsearch.nn.clip_vision import ClipVision
from lexsearch.nn.declip import DeclipFilip, class_tokens, similarities, training_logits
from lexsearch.nn.lexical import lexical_vector, text_logits
from lexsearch.nn.lexvla import LexVla, text_states
from lexsearch.nn.limber import (
    caption_loss,
    cut_at_end,
    flattened,
    greedy,
    joined,
    labels,
    mean_log_likelihood,
    nucleus,
    token_log_likelihood,
)
from lexsearch.nn.rotary import BASE_THETA, expanded_theta
from tests.golden._fixture import Fixture, unit

NO_GRAD = torch.inference_mode


@NO_GRAD()
def clip_hf(fixture: Fixture) -> None:
    io = fixture.io
    tower = load_clip(fixture.layout(config=fixture.config))
    assert isinstance(tower.visual, ClipVision)
    pixels, ids = io["in.pixel_values"], io["in.input_ids"]
    states = tower.visual.states(pixels)
    image, patches = tower.image(pixels)
    text, _ = tower.text(ids)
    fixture.same("vision_last_hidden_state", states)
    fixture.same("text_last_hidden_state", tower.encode_text.states(ids, io["in.attention_mask"]))
    fixture.same("image_features", image)
    fixture.same("text_features", text)
    fixture.same("image_embeds", unit(image))
    fixture.same("text_embeds", unit(text))
    fixture.same("logits_per_image", tower.logits(image, text))
    fixture.same("tokens_projected", tower.visual.project(states))
    fixture.same("patch_tokens_projected", patches)
    fixture.same("patch_tokens_projected_l2", unit(patches))


@NO_GRAD()
def clip_openclip(fixture: Fixture) -> None:
    io, c = fixture.io, fixture.config
    vision = {
        "image_size": c["image_size"], "layers": c["vision_layers"], "width": c["vision_width"],
        "patch_size": c["patch_size"], "head_width": c["vision_width"] // c["vision_heads"],
    }  # fmt: skip
    text = {
        "context_length": c["context_length"], "vocab_size": c["vocab_size"],
        "width": c["text_width"], "heads": c["text_heads"], "layers": c["text_layers"],
    }  # fmt: skip
    model = {
        "embed_dim": c["embed_dim"], "quick_gelu": c["quick_gelu"],
        "vision_cfg": vision, "text_cfg": text,
    }  # fmt: skip
    folder = fixture.layout(
        "open_clip_model.safetensors", open_clip_config={"model_cfg": model, "preprocess_cfg": {}}
    )
    tower = load_clip(folder)
    assert isinstance(tower.visual, ClipVision)
    pixels = io["in.pixel_values"]
    image, patches = tower.image(pixels)
    words, _ = tower.text(io["in.tokens"])
    fixture.same("image_features", image)
    fixture.same("text_features", words)
    fixture.same("image_features_l2", unit(image))
    fixture.same("text_features_l2", unit(words))
    fixture.same("logits_per_image", tower.logits(image, words))
    normed = tower.visual.ln_post(tower.visual.states(pixels)[:, 1:])
    fixture.same("patch_tokens_ln_post", normed)
    fixture.same("patch_tokens_projected", patches)
    fixture.same("patch_tokens_projected_l2", unit(patches))


@NO_GRAD()
def tulip(fixture: Fixture) -> None:
    io, c = fixture.io, fixture.config
    heads = {"vision_heads": c["vision_heads"], "text_heads": c["text_heads"]}
    folder = fixture.layout(lexsearch=heads)
    for name, theta in fixture.meta["theta"].items():
        lengths = [n for n in fixture.names("out.text.") if f".{name}." in n]
        ntk = fixture.meta.get("ntk", {}).get(name)
        context = c["context_length"]
        if ntk is not None:
            trained, new, alpha = ntk["trained_length"], ntk["new_length"], ntk["alpha"]
            bases = {BASE_THETA, *fixture.meta["theta"].values()} - {theta}
            own = [expanded_theta(trained, new, c["head_dim"], alpha=alpha, theta=b) for b in bases]
            fixture.require(
                f"theta {own} for {theta}", any(abs(one / theta - 1) < 1e-9 for one in own)
            )
            context = max(context, new)
        tower = load_tulip(folder, theta=theta, context=context)
        for wanted in lengths:
            length = wanted.rpartition(".")[2]
            vectors, _ = tower.text(io[f"in.tokens.{length}"])
            fixture.same(f"text.{name}.{length}", vectors)
    fixture.same("image", tower.image(io["in.pixel_values"])[0])


@NO_GRAD()
def siglip_hf(fixture: Fixture) -> None:
    io = fixture.io
    tower = load_siglip(fixture.layout(config=fixture.config))
    pixels, ids = io["in.pixel_values"], io["in.input_ids"]
    if tower.naflex:
        mask = io["in.pixel_attention_mask"]
        image, states = tower.states(
            pixel_values=pixels, pixel_attention_mask=mask, spatial_shapes=io["in.spatial_shapes"]
        )
        states = states * mask[:, :, None]
    else:
        image, states = tower.states(pixel_values=pixels)
        fixture.require(
            "the tower and its states differ", torch.equal(tower.image(pixels)[0], image)
        )
    text, tokens = tower.text(ids)
    fixture.require("the last token is the text", torch.allclose(tokens[:, -1], text, atol=1e-6))
    fixture.same("image_features", image)
    fixture.same("text_features", text)
    fixture.same("image_embeds", unit(image))
    fixture.same("text_embeds", unit(text))
    fixture.same("logits_per_image", tower.logits(image, text))
    fixture.same("vision_last_hidden_state", states)
    if "out.text_last_hidden_state" in io:
        fixture.same("text_last_hidden_state", tower.text_states(ids))


@NO_GRAD()
def dinov2_hf(fixture: Fixture) -> None:
    folder = fixture.layout(config=fixture.config)
    tower = ImageTower(Source(str(folder), local=True), side=fixture.config["image_size"]).eval()
    for name in fixture.names("in.pixel_values."):
        size = name.rpartition(".")[2]
        states = tower(fixture.io[name])
        fixture.same(f"last_hidden_state.{size}", states)
        fixture.same(f"pooler_output.{size}", states[:, 0])


@NO_GRAD()
def llama_hf(fixture: Fixture) -> None:
    io = fixture.io
    found = language_model(Source(str(fixture.layout(config=fixture.config)), local=True))
    decoder = found.decoder.eval()
    model = LexVla(found.head, io["in.keep_ids"], image_width=8, heads=2)
    left = float(fixture.meta["tolerance"].get("left_padding_atol", 2e-5))
    for side, atol in (("right", None), ("left", left)):
        ids, mask = io[f"in.input_ids.{side}"], io[f"in.attention_mask.{side}"]
        states = text_states(decoder, ids, mask)
        fixture.same("last_token_hidden", states, atol=atol)
        fixture.same("last_token_logits", states @ found.head.T, atol=atol)
        fixture.same("s_txt", lexical_vector(text_logits(states, model.z_txt)), atol=atol)
        if side == "right":
            fixture.same("last_token_hidden.right_padded", states)
        else:
            fixture.same("last_token_hidden.left_padded_with_position_ids", states, atol=atol)
            fixture.same("last_token_hidden.left_padded", states, atol=atol)
    mask = io["in.attention_mask.right"]
    out = decoder(input_ids=io["in.input_ids.right"], attention_mask=mask).last_hidden_state
    fixture.same("last_hidden_state.right", out * mask[:, :, None])
    fixture.same("z_txt", model.z_txt)
    wrong = io.get("out.s_txt_from_embed_tokens_WRONG")
    if wrong is not None:
        s_txt = lexical_vector(text_logits(states, model.z_txt))
        fixture.require("reads the input embedding", not torch.allclose(s_txt, wrong, atol=1e-2))


@NO_GRAD()
def filip_declip(fixture: Fixture) -> None:
    io, c = fixture.io, fixture.config
    heads = {"vision_heads": c["vision_heads"], "text_heads": c["text_heads"]}
    tower = load_filip(fixture.layout(lexsearch=heads), variant="declip")
    model = tower.model
    assert isinstance(model, DeclipFilip)
    pixels, ids = io["in.pixel_values"], io["in.tokens"]
    vectors, image = tower.image(pixels)
    words, text = tower.text(ids)
    fixture.same("image_global", vectors)
    fixture.same("text_global", words)
    fixture.same("image_tokens_raw", model.visual.states(pixels)[:, 1:])
    fixture.same("text_tokens_raw", model.encode_text.states(ids))
    fixture.same("image_tokens", image)
    fixture.same("text_tokens", text)
    fixture.same("image_tokens_l2", unit(image))
    fixture.same("text_tokens_l2", unit(text))
    fixture.same("eval_sim_i2t", similarities(unit(image), unit(text)))
    fixture.same("eval_sim_t2i", similarities(unit(text), unit(image)))
    i2t, t2i = training_logits(unit(image), unit(text), model.logit_scale_dense)
    fixture.same("train_logits_i2t_top16", i2t)
    fixture.same("train_logits_t2i_top16", t2i)
    classes = len(io["out.zeroshot_class_tokens"])
    tokens = class_tokens(text.reshape(classes, -1, *text.shape[1:]))
    fixture.same("zeroshot_class_tokens", tokens)
    fixture.same("zeroshot_logits", similarities(unit(image), tokens))


@NO_GRAD()
def limber_clip_rn(fixture: Fixture) -> None:
    folder = fixture.layout(config=fixture.config)
    trunk = captions.load_trunk(folder, heads=fixture.config["attnpool_heads"])
    assert isinstance(trunk, ClipResNet)
    fixture.same("grid_tokens", trunk.grid_tokens(fixture.io["in.pixel_values"]))
    fixture.same("attnpool_features", trunk(fixture.io["in.pixel_values"]))


@NO_GRAD()
def limber(fixture: Fixture) -> None:
    folder = fixture.layout(config=gptj(fixture.config))
    language = captions.load_language_model(folder)
    for kind in sorted({name.split(".")[1] for name in fixture.names("in.")}):
        path = fixture.temporary / f"{kind}.safetensors"
        shutil.copyfile(fixture.folder / f"proj_{kind}.safetensors", path)
        prompts = captions.load_prompts(path, fixture.config["n_embd"])
        _limber_kind(fixture, kind, language, prompts)


def gptj(c: dict[str, Any]) -> dict[str, Any]:
    """The configuration that lies beside a GPT-J of these sizes."""
    return {
        "model_type": "gptj", "architectures": ["GPTJForCausalLM"], "n_embd": c["n_embd"],
        "n_layer": c["n_layer"], "n_head": c["n_head"], "rotary_dim": c["rotary_dim"],
        "vocab_size": c["vocab_size"], "n_positions": c["n_positions"],
        "layer_norm_epsilon": c.get("layer_norm_epsilon", 1e-5),
        "activation_function": c.get("activation", "gelu_new"), "tie_word_embeddings": False,
        "bos_token_id": c["eos_id"], "eos_token_id": c["eos_id"],
    }  # fmt: skip


def _limber_kind(fixture: Fixture, kind: str, language: Any, prompts: Any) -> None:
    io, end = fixture.io, fixture.config["eos_id"]

    def given(name: str) -> Tensor:
        return io[f"in.{kind}.{name}"]

    prefix = prompts(flattened(given("features")))
    fixture.same(f"{kind}.prefix", prefix)
    start = joined(language, prefix, given("prompt_ids"))
    fixture.same(f"{kind}.prompt_embeddings", start)
    fixture.same(f"{kind}.first_step_logits", language(inputs_embeds=start).logits[:, -1])
    found = greedy(language, start, end=end, steps=fixture.config["steps"])
    fixture.same(f"{kind}.greedy_ids", found)
    wanted = fixture.meta.get("decoded_ids", {}).get(kind)
    dropped = [fixture.config["image_token_id"]]
    kept = [cut_at_end(row, end=end, dropped=dropped) for row in found.tolist()]
    fixture.require(f"{kind}: decoded ids differ", wanted is None or kept == wanted)
    ids, mask = given("caption_ids"), given("attention_mask")
    targets = labels(ids, prefix.shape[1], end=end)
    fixture.same(f"{kind}.labels", targets)
    logits = language(inputs_embeds=joined(language, prefix, ids), attention_mask=mask).logits
    fixture.same(f"{kind}.logits", logits * mask[:, :, None])
    fixture.same(f"{kind}.loss", caption_loss(logits, targets))
    fixture.same(f"{kind}.token_logprobs", token_log_likelihood(logits, targets))
    fixture.same(f"{kind}.mean_loglik_per_caption", mean_log_likelihood(logits, targets))
    for name in fixture.names(f"out.{kind}.nucleus_"):
        threshold = float(name.removesuffix("_kept").rpartition("_")[2])
        masks = nucleus(given("nucleus_logits"), threshold)
        fixture.same(name.removeprefix("out."), masks)
