"""LiMBeR: captions of pictures by a linear map into a frozen language model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers
from torch import Tensor

from lexsearch.encoders._backbones import Source, padded, tokenizer_of
from lexsearch.encoders._device import Device
from lexsearch.encoders._layout import wrong_family
from lexsearch.encoders._preprocess import CLIP_MEAN, CLIP_STD, Preprocess
from lexsearch.encoders._weights import (
    digest,
    from_transformers,
    load_strict,
    read_json,
    read_weights,
)
from lexsearch.errors import ModelMissing, UsageError
from lexsearch.models.hub import resolve
from lexsearch.nn.clip_resnet import ClipResNet, resnet_of
from lexsearch.nn.limber import (
    SoftPrompt,
    cut_at_end,
    greedy,
    joined,
    labels,
    mean_log_likelihood,
)
from lexsearch.pixels import to_pixels
from lexsearch.types import PixelArray, PixelSpec

if TYPE_CHECKING:
    from PIL.Image import Image

PROMPT = "A picture of"
STEPS = 32  # tokens of a caption
IMAGE_TOKEN = "<|image|>"  # noqa: S105  (a special token of the language model's vocabulary)


class Limber:
    """Pictures to sentences, and the likelihood of sentences given pictures.

    Attributes:
        trunk: CLIP's ResNet without attention pool.
        prompts: the map. language: the frozen language model. tokenizer: of it.
        fingerprint: identity: weights of all three, pixels, prompt.
    """

    def __init__(
        self, trunk: ClipResNet, prompts: SoftPrompt, language: Any, tokenizer: Any,
        preprocess: Preprocess, fingerprint: str, device: Device,
    ) -> None:  # fmt: skip
        self.trunk, self.prompts, self.language = trunk.eval(), prompts.eval(), language.eval()
        self.tokenizer, self.preprocess, self.fingerprint = tokenizer, preprocess, fingerprint
        self._device = device
        for part in (self.trunk, self.prompts, self.language):
            part.to(device.place, device.dtype)

    @property
    def pixel_spec(self) -> PixelSpec:
        """How pixels must come."""
        return self.preprocess.spec

    @torch.inference_mode()
    def prefix(self, pixels: PixelArray) -> Tensor:
        """Soft prompts of pictures, (n, tokens, width); pixels: uint8 (n, height, width, 3)."""
        ready = self.preprocess.normalise(pixels, self._device.place, self._device.dtype)
        out: Tensor = self.prompts(self.trunk.grid_tokens(ready))
        return out

    def encode_captions(
        self, images: Sequence[Image], *, prompt: str = PROMPT, steps: int = STEPS
    ) -> list[str]:
        """A sentence for every upright picture, by greedy decoding; ends at the first full stop.

        A caption does not depend on the other pictures.
        """
        return [self._caption(one, prompt, steps) for one in self._pixels(images)]

    def _caption(self, pixels: PixelArray, prompt: str, steps: int) -> str:
        ids = torch.tensor([self.tokenizer(prompt)["input_ids"]])
        embeddings = joined(self.language, self.prefix(pixels[np.newaxis]), ids)
        found = greedy(self.language, embeddings, end=self._end, steps=steps)
        kept = cut_at_end(found[0].tolist(), end=self._end, dropped=self._dropped)
        text: str = self.tokenizer.decode(kept).strip()
        first, stop, _ = text.partition(".")
        return first + stop

    @torch.inference_mode()
    def score(self, images: Sequence[Image], texts: Sequence[str]) -> np.ndarray:
        """Mean log-likelihood of the tokens of text i after picture i; float32 (n,), <= 0.

        Raises:
            UsageError: not as many texts as pictures, or a text without a token.
        """
        if len(images) != len(texts):
            raise UsageError(f"{len(images)} pictures and {len(texts)} texts; expected as many")
        scores = np.zeros(len(texts), np.float32)
        for i, (pixels, text) in enumerate(zip(self._pixels(images), texts, strict=True)):
            row = self.tokenizer(text)["input_ids"]
            if not row:
                raise UsageError(f"text {i} is empty; expected a sentence")
            ids, _ = padded([row])
            prefix = self.prefix(pixels[np.newaxis])
            logits = self.language(inputs_embeds=joined(self.language, prefix, ids)).logits
            wanted = labels(ids.to(logits.device), prefix.shape[1], end=self._end)
            scores[i] = float(mean_log_likelihood(logits, wanted)[0])
        return scores

    @property
    def _end(self) -> int:
        return int(self.tokenizer.eos_token_id)

    @property
    def _dropped(self) -> list[int]:
        found = self.tokenizer.get_vocab().get(IMAGE_TOKEN)
        return [] if found is None else [int(found)]

    def _pixels(self, images: Sequence[Image]) -> list[PixelArray]:
        return [to_pixels(image, self.pixel_spec) for image in images]


def load_trunk(source: Path, *, heads: int | None = None) -> ClipResNet:
    """CLIP's ResNet in a file of OpenAI's or open_clip's layout; text tensors are left aside.

    heads: of the attention pool; None = channels / 64.

    Raises:
        ModelMissing: the file is missing, ill, or holds no ResNet.
    """
    state = read_weights(source)
    own = {k[7:]: v for k, v in state.items() if k.startswith("visual.")} or dict(state)
    if "layer1.0.conv1.weight" not in own:
        raise wrong_family(source, state, "a CLIP with a ResNet")
    try:
        trunk = resnet_of(own, heads=heads)
    except KeyError as error:
        raise ModelMissing(f"{source} does not fit CLIP's ResNet: missing {error}") from error
    load_strict(trunk, own, source=source)
    return trunk.eval()


def load_prompts(source: Path, width: int) -> SoftPrompt:
    """The map in a file with `weight` and `bias` (proj.ckpt).

    width: of the language model.

    Raises:
        ModelMissing: the file is missing, ill, or maps into another width.
    """
    state = read_weights(source)
    if state.keys() != {"weight", "bias"}:
        raise ModelMissing(f"{source} holds {sorted(state)[:4]}; expected weight and bias")
    outputs, channels = state["weight"].shape
    if outputs % width:
        raise ModelMissing(
            f"{source} maps into {outputs} numbers; expected a multiple of {width}, "
            "the width of the language model"
        )
    prompts = SoftPrompt(channels, outputs, width)
    load_strict(prompts, state, source=source)
    return prompts.eval()


def load_language_model(source: Path, dtype: torch.dtype = torch.float32) -> Any:
    """A GPT-J, or another causal language model of transformers, with strictly its own tensors."""
    config = transformers.AutoConfig.from_pretrained(str(source), local_files_only=True)
    kind = transformers.AutoModelForCausalLM._model_mapping[type(config)]
    return from_transformers(kind, config, read_weights(source), source=source, dtype=dtype)


def build(
    source: str, *, trunk: str = "", language: str = "", device: str = "auto", dtype: str = "auto"
) -> Limber:
    """LiMBeR from a folder with `proj.ckpt` (or .safetensors) and `limber.json`.

    Args:
        source: the folder, or the file of the map alone.
        trunk, language: file or hub id of CLIP's RN50x16 and folder or hub id of the language
            model, in place of those in limber.json (keys of the same names).
        device, dtype: see `Device`.

    Raises:
        ModelMissing: a part is not here or is not what it should be.
    """
    place = resolve(source)
    folder = place if place.is_dir() else place.parent
    said = read_json(folder / "limber.json")
    trunk, language = trunk or said.get("trunk", ""), language or said.get("language", "")
    if not trunk or not language:
        raise ModelMissing(f"{folder / 'limber.json'} names no trunk and language; give both")
    chosen = Device.choose(device, dtype)
    words = resolve(language)
    model = load_language_model(words, chosen.dtype)
    maps = place if place.is_file() else _map_file(place)
    prompts = load_prompts(maps, model.get_input_embeddings().weight.shape[1])
    tower = load_trunk(resolve(trunk), heads=said.get("heads"))
    if tower.channels != prompts.weight.shape[1]:
        raise ModelMissing(
            f"{trunk} makes {tower.channels} channels; expected {prompts.weight.shape[1]}, "
            f"which {maps.name} maps"
        )
    side = tower.grid * 32 or 384
    ready = Preprocess(PixelSpec(side, side, "crop", "bicubic"), CLIP_MEAN, CLIP_STD)
    parts = " ".join(digest(p) for p in (maps, resolve(trunk), words))
    identity = f"limber {parts} {ready.text()} {PROMPT}"
    tokenizer = tokenizer_of(Source(str(words), local=True))
    return Limber(tower, prompts, model, tokenizer, ready, identity, chosen)


def _map_file(folder: Path) -> Path:
    for name in ("proj.ckpt", "proj.safetensors"):
        if (folder / name).is_file():
            return folder / name
    raise ModelMissing(f"{folder} holds no proj.ckpt and no proj.safetensors")
