"""FILIP: as the paper has it (trained here), or as the DeCLIP repository re-implements it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from lexsearch.encoders._backbones import ImageTower, Source, TextTower
from lexsearch.encoders._layout import wrong_family
from lexsearch.encoders._preprocess import CLIP_MEAN, CLIP_STD, Preprocess, published
from lexsearch.encoders._weights import digest, load_strict, read_json, read_weights
from lexsearch.errors import ModelMissing, UsageError
from lexsearch.nn.declip import UNUSED, DeclipFilip, declip_of
from lexsearch.nn.filip import Filip, FilipHeads
from lexsearch.types import PixelSpec

Variant = Literal["paper", "declip"]


class FilipTower:
    """Tokens of pictures and texts in one space; float32 on the processor until `to`.

    Attributes:
        variant: `paper`: padding takes part in nothing; `declip`: all positions of a text take
            part, and pictures and texts have global vectors too.
        preprocess, said: as of a ClipTower.
    """

    def __init__(
        self, model: Filip | DeclipFilip, preprocess: Preprocess, context: int, said: str
    ) -> None:
        self.model = model.eval()
        self.variant: Variant = "declip" if isinstance(model, DeclipFilip) else "paper"
        self.preprocess, self.context, self.said = preprocess, context, said
        self.device, self.dtype = torch.device("cpu"), torch.float32

    @property
    def token_dim(self) -> int:
        """Width of a token."""
        model = self.model
        heads = model.heads if isinstance(model, Filip) else model
        return int(heads.image_mapping.out_features)

    @property
    def dim(self) -> int:
        """Width of a vector."""
        if isinstance(self.model, DeclipFilip):
            return self.model.encode_text.shape.embed_dim
        return self.token_dim

    @property
    def vocab_size(self) -> int:
        """Rows of the table of token embeddings."""
        if isinstance(self.model, DeclipFilip):
            return self.model.encode_text.shape.vocab_size
        text: Any = self.model.text
        return int(text.model.get_input_embeddings().num_embeddings)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        patch = (
            self.model.visual.shape.patch
            if isinstance(self.model, DeclipFilip)
            else _image_tower(self.model).patch
        )
        side = self.preprocess.spec.height // patch
        return side, side

    def to(self, device: torch.device, dtype: torch.dtype) -> FilipTower:
        """Move the networks; vectors still come out in float32."""
        self.model.to(device, dtype)
        self.device, self.dtype = device, dtype
        return self

    @torch.inference_mode()
    def image(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (n, dim) and tokens (n, patches, token_dim) of normalised pixels.

        The paper has no global vector; the mean of the tokens proposes candidates.
        """
        pixels = pixels.to(self.device, self.dtype)
        if isinstance(self.model, DeclipFilip):
            vectors, tokens = self.model.image(pixels)
            return vectors.float(), tokens.float()
        tokens = self.model.encode_image(pixels)[:, 1 - self.model.first :]
        return tokens.mean(dim=1), tokens

    @torch.inference_mode()
    def text(self, ids: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Vectors (n, dim) and tokens (n, m, token_dim); ids, mask: int64 (n, m)."""
        ids = ids.to(self.device)
        if isinstance(self.model, DeclipFilip):
            vectors, tokens = self.model.text(ids)
            return vectors.float(), tokens.float()
        mask = torch.ones_like(ids) if mask is None else mask.to(self.device)
        tokens = self.model.encode_text(ids, mask) * mask[:, :, None]
        return tokens.sum(dim=1) / mask.sum(dim=1, keepdim=True), tokens


def _image_tower(model: Filip) -> ImageTower:
    assert isinstance(model.image, ImageTower)
    return model.image


def load_filip(source: Path, *, variant: str = "", fit: str = "") -> FilipTower:
    """A FILIP; the layout of the files says which variant it is.

    Args:
        source: folder of `lexsearch train filip`, or a file or folder in DeCLIP's layout.
        variant: `paper` or `declip`, to insist on one.
        fit: see `Preprocess.with_fit`.

    Raises:
        ModelMissing: the files are missing, ill, of another family or of the other variant.
        UsageError: no such variant.
    """
    if variant not in ("", "paper", "declip"):
        raise UsageError(f"variant is {variant!r}; expected paper or declip")
    state = read_weights(source)
    declip = "encode_text.token_embedding.weight" in state
    if not declip and "heads.image_mapping.weight" not in state:
        raise wrong_family(source, state, "filip")
    if variant and (variant == "declip") != declip:
        raise ModelMissing(
            f"{source} holds the {'declip' if declip else 'paper'} variant; expected {variant}"
        )
    return _declip(source, state, fit) if declip else _paper(source, state, fit)


def _declip(source: Path, state: dict[str, Tensor], fit: str) -> FilipTower:
    folder = source if source.is_dir() else source.parent
    said = read_json(folder / "lexsearch.json")
    try:
        model, named = declip_of(
            state, vision_heads=said.get("vision_heads"), text_heads=said.get("text_heads")
        )
    except KeyError as error:
        raise ModelMissing(f"{source} does not fit DeCLIP's FILIP: missing {error}") from error
    load_strict(model, named, source=source, aside=UNUSED)
    # DeCLIP trains with the statistics of ImageNet or CLIP by its configuration; the released
    # FILIP uses CLIP's.
    ready = published(
        said, side=model.visual.shape.side, fit="crop", mean=CLIP_MEAN, std=CLIP_STD
    ).with_fit(fit)
    context = model.encode_text.context
    identity = f"filip declip {digest(source)} {ready.text()} {context} {sorted(said.items())}"
    return FilipTower(model, ready, context, identity)


def _paper(source: Path, state: dict[str, Tensor], fit: str) -> FilipTower:
    said: dict[str, Any] = read_json(source / "config.json")
    if said.get("recipe") != "filip":
        raise ModelMissing(f"{source / 'config.json'} is not that of `lexsearch train filip`")
    side, dim = int(said["image_size"]), int(said["dim"])
    image = ImageTower(Source(said["image_model"], random=True, local=True), side=side)
    text = TextTower(Source(said["text_model"], random=True, local=True))
    heads = FilipHeads(image.width, text.width, dim)
    model = Filip(image, text, heads, include_cls=bool(said["include_cls"]))
    load_strict(model, state, source=source)
    mean, std = image.mean, image.std
    ready = Preprocess(PixelSpec(side, side, "crop", "bicubic"), mean, std).with_fit(fit)
    context = min(int(said["max_tokens"]), text.context)
    identity = f"filip paper {digest(source)} {ready.text()} {context} {said['include_cls']}"
    return FilipTower(model, ready, context, identity)
