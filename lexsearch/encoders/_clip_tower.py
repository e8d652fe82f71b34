"""CLIP and TULIP: layouts of transformers, open_clip and OpenAI become one pair of networks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lexsearch.encoders._layout import wrong_family
from lexsearch.encoders._preprocess import CLIP_MEAN, CLIP_STD, Preprocess, published
from lexsearch.encoders._weights import digest, file_named, load_strict, read_json, read_weights
from lexsearch.errors import ModelMissing, UsageError
from lexsearch.nn.clip_resnet import ClipResNet, resnet_of
from lexsearch.nn.clip_text import (
    Activation,
    ClipText,
    from_hugging_face,
    text_shape,
    vision_from_hugging_face,
)
from lexsearch.nn.clip_vision import ClipVision, vision_shape
from lexsearch.nn.rotary import BASE_THETA

SIDECAR = "lexsearch.json"  # what the layout itself cannot say, written beside the weights
_HUGGING_FACE = re.compile(
    r"(logit_scale|(text|visual)_projection\.weight"
    r"|text_model\.(embeddings\.(token|position)_embedding\.weight|final_layer_norm\.(weight|bias))"
    r"|vision_model\.embeddings\.(class_embedding|(patch|position)_embedding\.weight)"
    r"|vision_model\.(pre_layrnorm|post_layernorm)\.(weight|bias)"
    r"|(text|vision)_model\.encoder\.layers\.\d+\."
    r"(self_attn\.(q|k|v|out)_proj|layer_norm[12]|mlp\.fc[12])\.(weight|bias))"
)


@dataclass(frozen=True, slots=True)
class Form:
    """What no tensor of a CLIP says.

    Attributes:
        vision_heads, text_heads: None = width / 64.
        vision_activation, text_activation: of the MLPs.
        eps: of the norms; vision, text.
        end: id of the end token; None = the highest id of a text.
        theta, context: rotary positions of the text tower; theta None = a learned table.
        preprocess: values of a preprocessing file.
    """

    vision_heads: int | None = None
    text_heads: int | None = None
    vision_activation: Activation = "quick_gelu"
    text_activation: Activation = "quick_gelu"
    eps: tuple[float, float] = (1e-5, 1e-5)
    end: int | None = None
    theta: float | None = None
    context: int | None = None
    preprocess: Mapping[str, Any] | None = None


class ClipTower:
    """Both towers of a CLIP; float32 on the processor until `to` moves them.

    Attributes:
        logit_scale: logarithm of 1 / temperature.
        preprocess: how pixels come.
        said: what a fingerprint is made of.
    """

    def __init__(
        self, visual: ClipVision | ClipResNet, text: ClipText, logit_scale: Tensor, form: Form,
        preprocess: Preprocess, said: str,
    ) -> None:  # fmt: skip
        self.visual, self.encode_text = visual.eval(), text.eval()
        self.logit_scale, self.form = logit_scale.float().reshape(()), form
        self.preprocess, self.said = preprocess, said
        self.device, self.dtype = torch.device("cpu"), torch.float32

    @property
    def dim(self) -> int:
        """Width of vectors and of projected tokens."""
        return self.encode_text.shape.embed_dim

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        side = self.visual.grid if isinstance(self.visual, ClipResNet) else self.visual.shape.grid
        return side, side

    @property
    def context(self) -> int:
        """Most tokens of a text."""
        return self.encode_text.context

    def to(self, device: torch.device, dtype: torch.dtype) -> ClipTower:
        """Move both networks; vectors still come out in float32."""
        self.visual.to(device, dtype)
        self.encode_text.to(device, dtype)
        self.device, self.dtype = device, dtype
        return self

    @torch.inference_mode()
    def image(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (n, dim) and projected patches (n, patches, dim) of normalised pixels.

        Neither has unit length; float32.
        """
        vectors, patches = self.visual.both(pixels.to(self.device, self.dtype))
        return vectors.float(), patches.float()

    @torch.inference_mode()
    def text(self, ids: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Vectors (n, dim) and projected tokens (n, m, dim) of int64 ids (n, m), float32.

        What follows the end token has no effect on what stands before it, so no mask is needed.
        """
        ids = ids.to(self.device)
        states = self.encode_text.states(ids)
        tokens = states @ self.encode_text.text_projection
        vectors = tokens[torch.arange(len(ids), device=ids.device), self.ends(ids)]
        return vectors.float(), tokens.float()

    def ends(self, ids: Tensor) -> Tensor:
        """Place of the end token of every text, the first of several; (n,)."""
        found = ids if self.form.end is None else (ids == self.form.end).int()
        return found.argmax(dim=1)

    def logits(self, image: Tensor, text: Tensor) -> Tensor:
        """exp(logit_scale) times the cosines; rows are images."""
        unit = nn.functional.normalize
        return self.logit_scale.exp() * unit(image, dim=-1) @ unit(text, dim=-1).T


def load_clip(source: Path, *, activation: str = "", fit: str = "") -> ClipTower:
    """A CLIP in a folder or file of transformers, open_clip or OpenAI (as plain tensors).

    Args:
        source: folder with weights and what describes them, or the weights alone.
        activation: `gelu` or `quick_gelu` in place of what the description says. Weights alone
            count as OpenAI's, which have quick_gelu.
        fit: see `Preprocess.with_fit`.

    Raises:
        ModelMissing: the files are missing, ill, or of another family.
    """
    state = read_weights(source)
    folder = source if source.is_dir() else source.parent
    sidecar = read_json(folder / SIDECAR) or read_json(folder / "config.json")
    if "theta" in sidecar:
        raise ModelMissing(
            f"{source} holds a TULIP, whose tensors have the names of a CLIP; "
            f"expected clip; try: --model tulip:{source}"
        )
    if "vision_model.embeddings.class_embedding" in state:
        state, form = _transformers(source, folder, state)
    else:
        form = _open_clip(folder)
    if activation:
        chosen = activation_of(activation)
        form = replace_form(form, vision_activation=chosen, text_activation=chosen)
    return tower_of(source, state, form, fit=fit)


def replace_form(form: Form, **changes: Any) -> Form:
    """The same form with some values changed."""
    from dataclasses import replace

    return replace(form, **changes)


def activation_of(name: str) -> Activation:
    """The activation of that name.

    Raises:
        UsageError: it is another one.
    """
    if name == "quick_gelu":
        return "quick_gelu"
    if name == "gelu":
        return "gelu"
    raise UsageError(f"the activation {name!r} is not known here; known: gelu, quick_gelu")


def _transformers(
    source: Path, folder: Path, state: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], Form]:
    if "text_model.embeddings.token_embedding.weight" not in state:
        raise wrong_family(source, state, "clip")
    config = read_json(folder / "config.json")
    if not config:
        raise ModelMissing(f"{folder / 'config.json'} is missing; a CLIP of transformers has one")
    text, vision = config.get("text_config") or {}, config.get("vision_config") or {}
    end = text.get("eos_token_id", 2)
    form = Form(
        vision_heads=vision.get("num_attention_heads", 12),
        text_heads=text.get("num_attention_heads", 8),
        vision_activation=activation_of(vision.get("hidden_act", "quick_gelu")),
        text_activation=activation_of(text.get("hidden_act", "quick_gelu")),
        eps=(vision.get("layer_norm_eps", 1e-5), text.get("layer_norm_eps", 1e-5)),
        end=None if end == 2 else end,  # 2 in the released files: the highest id is the end
        preprocess=read_json(folder / "preprocessor_config.json"),
    )
    named = {k: v for k, v in state.items() if _HUGGING_FACE.fullmatch(k)}
    other = {k: v for k, v in state.items() if k not in named}
    try:
        mapped = from_hugging_face(named) | vision_from_hugging_face(named)
        mapped["logit_scale"] = named["logit_scale"]
    except KeyError as error:
        raise ModelMissing(f"{source} does not fit CLIP: missing {error}") from error
    return mapped | other, form


def _open_clip(folder: Path) -> Form:
    found = read_json(folder / "open_clip_config.json")
    sidecar = read_json(folder / SIDECAR)
    model = found.get("model_cfg", {})
    vision, text = model.get("vision_cfg", {}), model.get("text_cfg", {})
    plain: Activation = "gelu" if model and not model.get("quick_gelu", False) else "quick_gelu"
    heads = vision.get("width", 768) // vision["head_width"] if "head_width" in vision else None
    return Form(
        vision_heads=sidecar.get("vision_heads", heads),
        text_heads=sidecar.get("text_heads", text.get("heads")),
        vision_activation=activation_of(sidecar.get("vision_activation", plain)),
        text_activation=activation_of(sidecar.get("text_activation", plain)),
        preprocess=found.get("preprocess_cfg", {}),
    )


def tower_of(
    source: Path, state: Mapping[str, Tensor], form: Form, *, fit: str = "", family: str = "clip"
) -> ClipTower:
    """A tower from tensors under the names of open_clip.

    Raises:
        ModelMissing: they do not fit.
    """
    state = {k.removeprefix("text."): v for k, v in state.items()}  # open_clip's newer form
    if "token_embedding.weight" not in state:
        raise wrong_family(source, state, family)
    try:
        visual: ClipVision | ClipResNet
        if "visual.layer1.0.conv1.weight" in state:
            trunk = {k[7:]: v for k, v in state.items() if k.startswith("visual.")}
            visual = resnet_of(trunk, heads=form.vision_heads)
            side = visual.grid * 32
        else:
            shape = vision_shape(state, heads=form.vision_heads)
            visual, side = ClipVision(shape, activation=form.vision_activation), shape.side
        text = _text(state, form)
    except KeyError as error:
        raise ModelMissing(f"{source} does not fit {family}: missing {error}") from error
    for network, eps in ((visual, form.eps[0]), (text, form.eps[1])):
        for part in network.modules():
            if isinstance(part, nn.LayerNorm):
                part.eps = eps
    both = nn.ModuleDict({"visual": visual})
    own = {k: v for k, v in state.items() if k.startswith("visual.")}
    load_strict(both, own, source=source)
    rest = {k: v for k, v in state.items() if k not in own}
    aside = {"logit_scale", "logit_bias"}
    if form.theta is not None:
        aside.add("positional_embedding")
    load_strict(text, rest, source=source, aside=aside)
    ready = published(
        form.preprocess or {}, side=side, fit="crop", mean=CLIP_MEAN, std=CLIP_STD
    ).with_fit(fit)
    said = f"{family} {digest(source)} {ready.text()} {text.context} {form}"
    return ClipTower(visual, text, state.get("logit_scale", torch.zeros(())), form, ready, said)


def _text(state: Mapping[str, Tensor], form: Form) -> ClipText:
    shape = text_shape(state, heads=form.text_heads)
    if form.theta is None:
        context = state["positional_embedding"].shape[0]
        return ClipText(shape, context=context, activation=form.text_activation)
    return ClipText(
        shape,
        context=form.context or 248,
        positions="rotary",
        activation=form.text_activation,
        theta=form.theta,
    )


def load_tulip(
    source: Path,
    *,
    theta: float | str | None = None,
    context: int | str | None = None,
    text_activation: str = "",
    vision_activation: str = "",
    fit: str = "",
    size: str = "",
) -> ClipTower:
    """A TULIP: a CLIP whose text tower has rotary positions and reads up to 248 tokens.

    No file says theta or the activations. What a caller gives wins over `lexsearch.json` or
    `config.json` beside the weights, and both over the official evaluation: theta 10,000, context
    248, GELU in the text tower, quick GELU in the image tower.

    size: `b16` or `l14`, to take one of several files of a folder by its name.

    Raises:
        ModelMissing: the files are missing, ill, or of another family.
    """
    source = file_named(source, size) if size else source
    state = read_weights(source)
    folder = source if source.is_dir() else source.parent
    said = read_json(folder / SIDECAR) or read_json(folder / "config.json")
    if not any(name.startswith("visual.") for name in state):
        raise wrong_family(source, state, "tulip with both towers")
    mean, std = said.get("mean"), said.get("std")
    form = Form(
        vision_heads=said.get("vision_heads"),
        text_heads=said.get("text_heads"),
        vision_activation=activation_of(
            vision_activation or said.get("vision_activation", "quick_gelu")
        ),
        text_activation=activation_of(text_activation or said.get("text_activation", "gelu")),
        theta=_number("theta", theta or said.get("theta") or BASE_THETA),
        context=int(_number("context", context or said.get("context") or 248)),
        preprocess={"mean": mean, "std": std} if mean and std else {},
    )
    return tower_of(source, state, form, fit=fit, family="tulip")


def _number(option: str, value: float | str) -> float:
    try:
        found = float(value)
    except ValueError as error:
        raise UsageError(f"{option} is {value!r}; expected a number") from error
    if not found >= 1:
        raise UsageError(f"{option} is {value!r}; expected 1 or more")
    return found
