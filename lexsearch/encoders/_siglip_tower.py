"""SigLIP (arXiv 2303.15343) and SigLIP 2 (arXiv 2502.14786) over the classes of transformers.

Released SigLIP 2 of a fixed size uses the classes of SigLIP; those with NaFlex have their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor
from torch.nn import functional as F

from lexsearch.encoders._layout import wrong_family
from lexsearch.encoders._preprocess import HALF, Preprocess, published
from lexsearch.encoders._weights import digest, from_transformers, quiet, read_json, read_weights
from lexsearch.errors import ModelMissing

KINDS = {
    "siglip": (transformers.SiglipModel, transformers.SiglipConfig),
    "siglip2": (transformers.Siglip2Model, transformers.Siglip2Config),
}
# Entries of a text tower from which on it is a SigLIP 2: that has Gemma's 256,000, the first
# SigLIP 32,000 or, in several languages, 250,000.
SECOND_VOCABULARY = 256_000


class SiglipTower:
    """Both towers of a SigLIP; float32 on the processor until `to` moves them.

    Attributes:
        second: it is a SigLIP 2, whose texts keep their punctuation.
        naflex: pictures come as rows of patches with a mask and a shape.
        preprocess: how pixels come; with NaFlex, the square of as many patches as it was
            trained with.
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
        """Rows and columns of patches."""
        spec = self.preprocess.spec
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
        else:
            rows, columns = pixels.shape[2] // self.patch, pixels.shape[3] // self.patch
            n, p = len(pixels), self.patch
            cut = pixels.reshape(n, 3, rows, p, columns, p).permute(0, 2, 4, 3, 5, 1)
            vectors, states = self.states(
                pixel_values=cut.reshape(n, rows * columns, -1),
                pixel_attention_mask=torch.ones(
                    n, rows * columns, dtype=torch.int32, device=self.device
                ),
                spatial_shapes=torch.tensor([[rows, columns]] * n, device=self.device),
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


def load_siglip(source: Path, *, fit: str = "") -> SiglipTower:
    """A SigLIP or SigLIP 2 in a folder of transformers.

    Raises:
        ModelMissing: the files are missing, ill, or of another family.
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
    vision = config.vision_config
    found = read_json(source / "preprocessor_config.json")
    if kind == "siglip2":
        side = int(vision.patch_size) * round(vision.num_patches**0.5)
        found = {k: v for k, v in found.items() if k not in ("size", "crop_size")}
        found.setdefault("resample", 2)
    else:
        side = int(vision.image_size)
    ready = published(found, side=side, fit="squash", mean=HALF, std=HALF).with_fit(fit)
    said = f"{kind} {digest(source)} {ready.text()} {config.text_config.max_position_embeddings}"
    second = kind == "siglip2" or config.text_config.vocab_size >= SECOND_VOCABULARY
    return SiglipTower(model, ready, said, second=second)
