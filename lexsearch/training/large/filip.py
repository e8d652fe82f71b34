"""Training of FILIP (arXiv 2111.07783) on the towers of a CLIP, or on a ViT and a Transformer."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from lexsearch.encoders._backbones import (
    ImageTower,
    Source,
    TextTower,
    padded,
    save_memory,
    token_rows,
    tokenizer_of,
)
from lexsearch.errors import ModelMissing, UsageError
from lexsearch.nn.filip import Filip, FilipHeads
from lexsearch.nn.late import informative_mask, token_similarities
from lexsearch.training.large.config import FilipConfig, as_plain
from lexsearch.training.large.data import Pairs, Pixels, read_pairs, rows_of
from lexsearch.training.large.loop import Run, train
from lexsearch.training.schedule import MAX_SCALE, clamped_scale

WEIGHTS, CONFIG_FILE = "filip.safetensors", "config.json"


def build(config: FilipConfig, *, scratch: bool = False) -> Filip:
    """The towers, loaded or from scratch, and new heads.

    scratch: new weights whatever the configuration says; reads no weights.

    Raises:
        UsageError: more tokens than the text tower takes.
    """
    torch.manual_seed(config.seed)
    scratch, local = scratch or config.weights == "random", config.local_files_only
    image = ImageTower(
        Source(config.image_model, random=scratch, local=local), side=config.image_size
    )
    text = TextTower(Source(config.text_model, random=scratch, local=local))
    if config.max_tokens > text.context:
        raise UsageError(
            f"max_tokens {config.max_tokens}; expected at most {text.context}, "
            f"the context of {config.text_model}"
        )
    if config.train == "heads":
        image.requires_grad_(False)
        text.requires_grad_(False)
    else:
        image.train()
        text.train()
        if config.save_memory:
            save_memory(image.model)
            save_memory(text.model)
    heads = FilipHeads(image.width, text.width, config.dim)
    return Filip(image, text, heads, include_cls=config.include_cls)


@dataclass(frozen=True, slots=True)
class FilipBatch:
    """Pictures with the same number of captions each.

    pixels: (n, 3, side, side); ids, mask: int64 (n, captions, tokens).
    """

    pixels: Tensor
    ids: Tensor
    mask: Tensor

    def __len__(self) -> int:
        return len(self.pixels)

    def part(self, rows: slice) -> FilipBatch:
        """The samples of some rows."""
        return FilipBatch(self.pixels[rows], self.ids[rows], self.mask[rows])


def filip_losses(
    image: Tensor, text: Tensor, text_mask: Tensor, scale: Tensor, config: FilipConfig
) -> dict[str, Tensor]:
    """Both directions, unweighted.

    Args:
        image: (n, p, dim), unit rows.
        text: (n, captions, m, dim), unit rows.
        text_mask: bool (n, captions, m), True = real.
        scale: 1 / temperature.
        config: share, both_sides, half.

    Source: equations 1 to 4; targets of 1 / positives in fine-tuning as in its appendix.
    """
    captions = text.shape[1]
    text, text_mask = text.flatten(0, 1), text_mask.flatten(0, 1)
    image_mask: Tensor | None = None
    if config.share < 1.0:
        image_mask = torch.ones(image.shape[:2], dtype=torch.bool, device=image.device)
        with torch.no_grad():
            kept = informative_mask(image, text, text_mask, config.share)
            if config.both_sides:
                text_mask = informative_mask(
                    text, image, image_mask, config.share, own_mask=text_mask
                )
        image, image_mask = _shortened(image, kept)
        text, text_mask = _shortened(text, text_mask)
    if config.half:
        image, text = image.bfloat16(), text.bfloat16()
    s_image, s_text = token_similarities(image, text, text_mask, image_mask)
    return directions(scale * s_image.float(), scale * s_text.float(), captions)


def directions(rows: Tensor, columns: Tensor, captions: int = 1) -> dict[str, Tensor]:
    """Cross-entropies of logits over texts and over images.

    Args:
        rows, columns: (n, n * captions), images in rows; texts i * captions, ... belong to i.
        captions: of a picture; each is a target of weight 1 / captions.
    """
    n = len(rows)
    owner = torch.arange(n, device=rows.device).repeat_interleave(captions)
    target = F.one_hot(owner, n).T.to(rows.dtype) / captions
    return {"i2t": F.cross_entropy(rows, target), "t2i": F.cross_entropy(columns.T, owner)}


def _shortened(tokens: Tensor, keep: Tensor) -> tuple[Tensor, Tensor]:
    """The kept tokens first, padding up to the longest row; tokens (b, k, dim), mask (b, k)."""
    k = int(keep.sum(dim=1).max())
    order = keep.to(torch.int8).argsort(dim=1, descending=True, stable=True)[:, :k]
    chosen = tokens.gather(1, order[..., None].expand(-1, -1, tokens.shape[2]))
    return chosen, keep.gather(1, order)


@dataclass(slots=True)
class FilipRecipe:
    """FILIP as the loop sees it."""

    model: Filip
    tokenizer: Any
    pairs: Pairs
    config: FilipConfig
    pixels: Pixels
    device: torch.device
    trained: Mapping[str, nn.Module] = field(init=False)

    def __post_init__(self) -> None:
        self.trained = {"model": self.model}

    def draw(self, number: int, chooser: random.Random) -> FilipBatch:
        """Photos with `captions` captions each; a photo with fewer repeats some."""
        config = self.config
        rows = rows_of(len(self.pairs.paths), config.batch, number, config.seed)
        texts: list[str] = []
        for row in rows:
            own = self.pairs.captions[row]
            chosen = chooser.sample(own, min(config.captions, len(own)))
            texts.extend(chosen + chooser.choices(own, k=config.captions - len(chosen)))
        ids, mask = padded(token_rows(self.tokenizer, texts, most=config.max_tokens))
        pixels = self.pixels.read(
            [self.pairs.paths[row] for row in rows], chooser=chooser if config.augment else None
        )
        shape = (len(rows), config.captions, -1)
        return FilipBatch(
            pixels.to(self.device),
            ids.reshape(shape).to(self.device),
            mask.reshape(shape).to(self.device),
        )

    def encode(self, batch: FilipBatch) -> tuple[Tensor, ...]:
        """Unit tokens: (n, p, dim) and (n, captions, m, dim)."""
        flat = self.model.encode_text(batch.ids.flatten(0, 1), batch.mask.flatten(0, 1))
        return self.model.encode_image(batch.pixels), flat.reshape(*batch.ids.shape, -1)

    def losses(self, codes: Sequence[Tensor], batch: FilipBatch) -> dict[str, Tensor]:
        """See filip_losses."""
        scale = clamped_scale(self.model.heads.logit_scale)
        return filip_losses(codes[0], codes[1], batch.mask.bool(), scale, self.config)

    def weights(self, step: int) -> Mapping[str, float]:
        """The mean of both."""
        return {"i2t": 0.5, "t2i": 0.5}

    def after(self) -> None:
        """The temperature stays at 0.01 or above."""
        with torch.no_grad():
            self.model.heads.logit_scale.clamp_(max=MAX_SCALE)


def run_filip(config: FilipConfig, data: Path, run: Run) -> Path:
    """Train on a folder of pairs; returns the folder of the finished model."""
    pairs = read_pairs(data)
    model = build(config).to(run.device)
    tokenizer = tokenizer_of(Source(config.text_model, local=config.local_files_only))
    assert isinstance(model.image, ImageTower)
    pixels = Pixels(config.image_size, model.image.mean, model.image.std)
    recipe = FilipRecipe(model, tokenizer, pairs, config, pixels, run.device)
    train(recipe, config, run, name="filip")
    return save_filip(model, tokenizer, config, run.out / "model")


def save_filip(model: Filip, tokenizer: Any, config: FilipConfig, folder: Path) -> Path:
    """Write all weights, the tokenizer and the configuration; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    save_file(state, str(folder / WEIGHTS))
    tokenizer.save_pretrained(str(folder))
    said = {"recipe": "filip", **as_plain(config)}
    (folder / CONFIG_FILE).write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    return folder


def load_filip(folder: Path) -> Filip:
    """A saved FILIP; the towers' configurations come from where they came from in training.

    Raises:
        ModelMissing: a file is missing, or tensors are missing or unexpected; names them.
    """
    try:
        said = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        state = load_file(str(folder / WEIGHTS))
    except OSError as error:
        raise ModelMissing(f"{folder} does not hold a FILIP model: {error}") from error
    said.pop("recipe")
    model = build(FilipConfig(**said), scratch=True)
    own = model.state_dict().keys()
    if own != state.keys():
        raise ModelMissing(
            f"{folder / WEIGHTS}: missing {sorted(own - state.keys())}, "
            f"unexpected {sorted(state.keys() - own)}"
        )
    model.load_state_dict(state)
    return model.eval()
