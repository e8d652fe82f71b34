"""LexVLA as `lexsearch train lexvla` saves it: its own weights and two backbones."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lexsearch.encoders._backbones import (
    ImageTower,
    Source,
    language_model,
    padded,
    token_rows,
    tokenizer_of,
)
from lexsearch.encoders._layout import wrong_family
from lexsearch.encoders._preprocess import Preprocess
from lexsearch.encoders._weights import digest, load_strict, read_json, read_weights
from lexsearch.errors import ModelMissing, UsageError
from lexsearch.models.hub import resolve
from lexsearch.nn.lexical import image_logits
from lexsearch.nn.lexvla import PROMPT, LexVla, prompt, text_states
from lexsearch.nn.lora import add_lora, load_lora
from lexsearch.types import PixelSpec

CHUNK = 2048  # words at a time of the maximum over patches


class LexVlaTower:
    """Pictures and texts as weights over words; float32 on the processor until `to`.

    Attributes:
        model: adapter and codebooks. image, decoder: the backbones. tokenizer: of the decoder.
        preprocess, said: as of a ClipTower.
    """

    def __init__(
        self, image: ImageTower, decoder: Any, tokenizer: Any, model: LexVla,
        preprocess: Preprocess, max_tokens: int, said: str,
    ) -> None:  # fmt: skip
        self.image_tower, self.decoder, self.model = image.eval(), decoder.eval(), model.eval()
        self.tokenizer, self.max_tokens = tokenizer, max_tokens
        self.preprocess, self.said = preprocess, said
        self.device, self.dtype = torch.device("cpu"), torch.float32

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        side = self.preprocess.spec.height // self.image_tower.patch
        return side, side

    def to(self, device: torch.device, dtype: torch.dtype) -> LexVlaTower:
        """Move everything; the backbones take the dtype, the codebooks stay in float32."""
        self.image_tower.to(device, dtype)
        self.decoder.to(device, dtype)
        self.model.to(device)
        self.device, self.dtype = device, dtype
        return self

    @torch.inference_mode()
    def tokens(self, pixels: Tensor) -> Tensor:
        """States of the image tower, (n, 1 + patches, width), float32, CLS first."""
        states: Tensor = self.image_tower(pixels.to(self.device, self.dtype)).float()
        return states

    @torch.inference_mode()
    def image(self, pixels: Tensor) -> Tensor:
        """Words of pictures, (n, V), positive, unit rows; CLS takes part."""
        return self.model.image_vectors(self.tokens(pixels), chunk=CHUNK)

    @torch.inference_mode()
    def patches(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of every patch, (n, patches, V), and of whole pictures with CLS, (n, V)."""
        states, codebook = self.model.adapter(self.tokens(pixels)), self.model.z_img
        return states[:, 1:] @ codebook.T, image_logits(states, codebook, chunk=CHUNK)

    @torch.inference_mode()
    def text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Words of prompts, (n, V), positive, unit rows; ids, mask: int64 (n, m)."""
        states = text_states(self.decoder, ids.to(self.device), mask.to(self.device))
        return self.model.text_vectors(states)

    def texts(self, texts: Sequence[str]) -> Tensor:
        """Words of texts, (n, V), each in its prompt; n >= 1."""
        return self.text(*padded(prompt_rows(self.tokenizer, texts, self.max_tokens)))


def prompt_rows(tokenizer: Any, captions: Sequence[str], most: int) -> list[list[int]]:
    """Ids of the prompts of captions; a caption that is too long loses words at its end.

    Raises:
        UsageError: even a prompt without a caption has more than `most` tokens.
    """
    rows = token_rows(tokenizer, [prompt(caption) for caption in captions])
    for i, row in enumerate(rows):
        if len(row) > most:
            words = captions[i].split()
            count = bisect.bisect_right(
                range(len(words) + 1), most, key=lambda n: len(_row(tokenizer, words[:n]))
            )
            if count == 0:
                raise UsageError(
                    f"max_tokens {most}; the prompt alone has {len(_row(tokenizer, []))} tokens"
                )
            row = _row(tokenizer, words[: count - 1])
        if row[-1] == tokenizer.eos_token_id:  # the next word is asked for, not the end
            row = row[:-1]
        rows[i] = row
    return rows


def _row(tokenizer: Any, words: Sequence[str]) -> list[int]:
    return token_rows(tokenizer, [prompt(" ".join(words))])[0]


def load_lexvla(source: Path, *, image: str = "", text: str = "", fit: str = "") -> LexVlaTower:
    """A saved LexVLA with its backbones.

    Args:
        source: folder with lexvla.safetensors, prompt.json and config.json.
        image, text: folder or hub id of a backbone, in place of the one in config.json.
        fit: see `Preprocess.with_fit`.

    Raises:
        ModelMissing: files are missing, ill or of another family, a backbone is not here, or
            the prompt is not the one in use.
    """
    state = read_weights(source)
    if "z_img" not in state:
        raise wrong_family(source, state, "lexvla")
    said = read_json(source / "config.json")
    if said.get("recipe") != "lexvla":
        raise ModelMissing(f"{source / 'config.json'} is not that of `lexsearch train lexvla`")
    if read_json(source / "prompt.json").get("prompt") != PROMPT:
        raise ModelMissing(f"{source / 'prompt.json'} has another prompt than this version")
    if said["text"] != "prompt":
        raise ModelMissing(f"{source} was trained with text = {said['text']!r}; it has no texts")
    side = int(said["image_size"])
    tower = ImageTower(Source(image or said["image_model"], local=True), side=side)
    language = Source(text or said["text_model"], local=True)
    decoder, head = language_model(language)
    add_lora(
        decoder, rank=said["lora_rank"], alpha=said["lora_alpha"], targets=said["lora_targets"]
    )
    model = LexVla(
        head,
        state["keep_ids"],
        image_width=tower.width,
        heads=said["adapter_heads"],
        inner=said["adapter_inner"] or None,
    )
    own = {k: v for k, v in state.items() if not k.startswith("lora.")}
    load_strict(model, {**own, "z_txt": model.z_txt}, source=source)
    try:
        load_lora(decoder, {k[5:]: v for k, v in state.items() if k.startswith("lora.")})
    except KeyError as error:
        raise ModelMissing(f"{source}: {error.args[0]}") from error
    ready = Preprocess(PixelSpec(side, side, "crop", "bicubic"), tower.mean, tower.std).with_fit(
        fit
    )
    backbones = [digest(resolve(name)) for name in (image or said["image_model"], language.name)]
    identity = f"lexvla {digest(source)} {backbones} {ready.text()} {said['max_tokens']} {PROMPT}"
    return LexVlaTower(
        tower, decoder, tokenizer_of(language), model, ready, int(said["max_tokens"]), identity
    )
