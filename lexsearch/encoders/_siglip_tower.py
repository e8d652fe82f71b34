"""SigLIP (arXiv 2303.15343) and SigLIP 2 (arXiv 2502.14786) over the classes of transformers.

Released SigLIP 2 of a fixed size uses the classes of SigLIP; those with NaFlex have their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor
from torch.nn import functional as F

from lexsearch.encoders._layout import wrong_family
from lexsearch.encoders._preprocess import HALF, Preprocess, published
from lexsearch.encoders._weights import digest, from_transformers, quiet, read_json, read_weights
from lexsearch.errors import ModelMissing, UsageError
from lexsearch.patch_sequence import budget_of, spec_of

KINDS = {
    "siglip": (transformers.SiglipModel, transformers.SiglipConfig),
    "siglip2": (transformers.Siglip2Model, transformers.Siglip2Config),
}
MOST_PATCHES = 4096
# Entries of a text tower from which on it is a SigLIP 2: that has Gemma's 256,000, the first
# SigLIP 32,000 or, in several languages, 250,000.
SECOND_VOCABULARY = 256_000


class SiglipTower:
    """Both towers of a SigLIP; float32 on the processor until `to` moves them.

    Attributes:
        second: it is a SigLIP 2, whose texts keep their punctuation.
        naflex: pictures come as rows of patches with a mask and a shape.
        preprocess: how pixels come; with NaFlex as patches, unless a fit was asked for.
        said: what a fingerprint is made of.
    """

    def __init__(
        self, model: Any, preprocess: Preprocess, said: str, *, second: bool = False
    ) -> None:
        self.model, self.preprocess, self.said = model, preprocess, said
        self.second = second
        self.naflex = model.config.model_type == "siglip2"
        vision, text = model.config.vision_config, model.config.text_config
        self.patch = int(vision.patch_size)
        self.context = int(text.max_position_embeddings)
        self.dim = int(vision.hidden_size)
        self.device, self.dtype = torch.device("cpu"), torch.float32

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches; of a packed picture, one row of the most there can be."""
        spec = self.preprocess.spec
        if spec.fit == "patches":
            return 1, budget_of(spec)
        return spec.height // self.patch, spec.width // self.patch

    def to(self, device: torch.device, dtype: torch.dtype) -> SiglipTower:
        """Move the networks; vectors still come out in float32."""
        self.model.to(device, dtype)
        self.device, self.dtype = device, dtype
        return self

    @torch.inference_mode()
    def image(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (n, dim) and patches in their space (n, patches, dim) of normalised pixels.

        pixels: (n, 3, height, width). Neither has unit length; float32.
        """
        pixels = pixels.to(self.device, self.dtype)
        if not self.naflex:
            vectors, states = self.states(pixel_values=pixels)
            return vectors, self.patches(states)
        rows, columns = pixels.shape[2] // self.patch, pixels.shape[3] // self.patch
        return self.sequence(pixels, [(rows, columns)] * len(pixels))

    @torch.inference_mode()
    def sequence(self, pixels: Tensor, grids: Sequence[tuple[int, int]]) -> tuple[Tensor, Tensor]:
        """The same of pictures cut into patches; of NaFlex alone.

        Args:
            pixels: (n, 3, height, width), normalised; patches lie in the order of reading.
            grids: rows and columns of each; the patches behind them are not looked at, and
                what stands for them in the outcome means nothing.
        """
        n, p = len(pixels), self.patch
        rows, columns = pixels.shape[2] // p, pixels.shape[3] // p
        cut = pixels.to(self.device, self.dtype).reshape(n, 3, rows, p, columns, p)
        shapes = torch.tensor(grids, device=self.device).reshape(n, 2)
        places = torch.arange(rows * columns, device=self.device)
        mask = places < shapes.prod(dim=1, keepdim=True)
        values = cut.permute(0, 2, 4, 3, 5, 1).reshape(n, rows * columns, -1)
        vectors, states = self.states(
            pixel_values=values * mask[:, :, None],
            pixel_attention_mask=mask.int(),
            spatial_shapes=shapes,
        )
        return vectors, self.patches(states)

    @torch.inference_mode()
    def states(self, **given: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (n, dim) and states of patches (n, m, dim) after the last norm, float32.

        given: what the vision model of transformers takes: `pixel_values` (n, 3, h, w), or for
        NaFlex `pixel_values` (n, m, 3 * patch * patch), `pixel_attention_mask` (n, m) and
        `spatial_shapes` (n, 2), rows and columns.
        """
        out = self.model.vision_model(**given)
        return out.pooler_output.float(), out.last_hidden_state.float()

    def patches(self, states: Tensor) -> Tensor:
        """States in the space of the vectors: each passes the attention pool alone."""
        n, m, width = states.shape
        head = self.model.vision_model.head
        alone = states.reshape(n * m, 1, width).to(self.dtype)
        out: Tensor = head(alone) if not self.naflex else head(alone, None)
        return out.reshape(n, m, width).float()

    @torch.inference_mode()
    def text(self, ids: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Vectors (n, dim) and tokens in their space (n, context, dim), float32.

        ids: int64 (n, context), padded; no token is masked, as in training.
        """
        out = self.model.text_model(input_ids=ids.to(self.device))
        tokens = self.model.text_model.head(out.last_hidden_state)
        return out.pooler_output.float(), tokens.float()

    def text_states(self, ids: Tensor) -> Tensor:
        """States of all tokens before the head, (n, context, dim), float32."""
        with torch.inference_mode():
            out = self.model.text_model(input_ids=ids.to(self.device))
        states: Tensor = out.last_hidden_state.float()
        return states

    def logits(self, image: Tensor, text: Tensor) -> Tensor:
        """exp(logit_scale) times the cosines plus the bias; rows are images."""
        cosines = F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T
        out: Tensor = self.model.logit_scale.float().exp() * cosines + self.model.logit_bias.float()
        return out


def load_siglip(source: Path, *, fit: str = "", patches: str | int = 0) -> SiglipTower:
    """A SigLIP or SigLIP 2 in a folder of transformers.

    Args:
        source: the folder.
        fit: see `Preprocess.with_fit`; with NaFlex `squash` gives up the aspect ratio.
        patches: of NaFlex: most of one picture; 0 = as published.

    Raises:
        ModelMissing: the files are missing, ill, or of another family.
        UsageError: `patches` is no number, or the model is of one size.
    """
    state = read_weights(source)
    if "vision_model.head.probe" not in state:
        raise wrong_family(source, state, "siglip")
    plain = read_json(source / "config.json")
    kind = plain.get("model_type")
    if kind not in KINDS:
        raise ModelMissing(
            f"{source / 'config.json'} has model_type {kind!r}; expected siglip or siglip2"
        )
    model_class, config_class = KINDS[kind]
    with quiet():
        config = config_class.from_dict(plain)
    model = from_transformers(model_class, config, state, source=source, dtype=torch.float32)
    ready = _preprocess(source, config.vision_config, fit, patches, naflex=kind == "siglip2")
    said = f"{kind} {digest(source)} {ready.text()} {config.text_config.max_position_embeddings}"
    second = kind == "siglip2" or config.text_config.vocab_size >= SECOND_VOCABULARY
    return SiglipTower(model, ready, said, second=second)


def _preprocess(
    source: Path, vision: Any, fit: str, patches: str | int, *, naflex: bool
) -> Preprocess:
    found = read_json(source / "preprocessor_config.json")
    try:
        budget = int(patches)
    except ValueError as error:
        raise UsageError(f"patches is {patches!r}; expected a whole number") from error
    if budget and (not naflex or fit):
        raise UsageError("patches can be chosen with NaFlex alone, and without fit")
    if not 0 <= budget <= MOST_PATCHES:
        raise UsageError(f"patches is {budget}; expected 1 to {MOST_PATCHES:,}")
    if not naflex:
        ready = published(found, side=int(vision.image_size), fit="squash", mean=HALF, std=HALF)
        return ready.with_fit(fit)
    side = int(vision.patch_size) * round(vision.num_patches**0.5)
    sizeless = {k: v for k, v in found.items() if k not in ("size", "crop_size")}
    sizeless.setdefault("resample", 2)
    ready = published(sizeless, side=side, fit="squash", mean=HALF, std=HALF)
    if fit:
        return ready.with_fit(fit)
    budget = budget or int(found.get("max_num_patches") or vision.num_patches)
    return replace(ready, spec=spec_of(int(vision.patch_size), budget, ready.spec.resample))
