"""Training of LexVLA (arXiv 2407.17827) on a frozen image tower and a language model with LoRA."""

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
    language_model,
    padded,
    save_memory,
    tokenizer_of,
)
from lexsearch.encoders._lexvla_tower import prompt_rows
from lexsearch.errors import ModelMissing, UsageError
from lexsearch.nn.lexvla import PROMPT, LexVla, text_states
from lexsearch.nn.lora import add_lora, load_lora, lora_state
from lexsearch.training.large.config import LexVlaConfig, as_plain
from lexsearch.training.large.data import Pairs, Pixels, read_pairs, rows_of
from lexsearch.training.large.features import KeptTokens, kept_tokens
from lexsearch.training.large.loop import Run, train
from lexsearch.training.large.vocabulary import choose_keep_ids
from lexsearch.training.losses import flops, overuse, quadratic_ramp
from lexsearch.training.schedule import MAX_SCALE, clamped_scale

PENALTIES = {"overuse": overuse, "flops": flops}
WEIGHTS, PROMPT_FILE, CONFIG_FILE = "lexvla.safetensors", "prompt.json", "config.json"


@dataclass(frozen=True, slots=True)
class Parts:
    """A whole LexVLA.

    Attributes:
        image: frozen tower.
        decoder: the language model without its head, with LoRA.
        tokenizer: of the language model.
        model: adapter, codebooks, temperature.
    """

    image: ImageTower
    decoder: Any
    tokenizer: Any
    model: LexVla


def build(
    config: LexVlaConfig, keep_ids: Tensor | None = None, *, captions: Sequence[str] = ()
) -> Parts:
    """Load the backbones, add LoRA and the parts that train.

    keep_ids: words, as a checkpoint has them; None = choose them by the captions.
    """
    torch.manual_seed(config.seed)
    local = config.local_files_only
    image = ImageTower(Source(config.image_model, local=local), side=config.image_size)
    image.requires_grad_(False).eval()
    half = torch.bfloat16 if config.precision == "bf16" else torch.float32
    source = Source(config.text_model, local=local, dtype=half)
    tokenizer, (decoder, head) = tokenizer_of(source), language_model(source)
    if keep_ids is None:
        keep_ids = choose_keep_ids(
            tokenizer, captions, size=config.vocabulary, min_count=config.min_count
        )
    return Parts(image, decoder, tokenizer, assemble(config, image, decoder, head, keep_ids))


def assemble(
    config: LexVlaConfig, image: ImageTower, decoder: nn.Module, head: Tensor, keep_ids: Tensor
) -> LexVla:
    """Freeze the decoder, add LoRA to it, and make the parts that train beside it."""
    rank = config.lora_rank if config.text == "prompt" else 0
    try:
        add_lora(decoder, rank=rank, alpha=config.lora_alpha, targets=config.lora_targets)
    except ValueError as error:
        raise UsageError(f"lora_targets: {error}") from error
    decoder.train(rank > 0)
    if config.save_memory and rank:
        save_memory(decoder)
    if image.width % config.adapter_heads:
        raise UsageError(
            f"adapter_heads {config.adapter_heads}; expected a divisor of {image.width}, "
            "the width of the image tower"
        )
    return LexVla(
        head,
        keep_ids,
        image_width=image.width,
        heads=config.adapter_heads,
        inner=config.adapter_inner or None,
    )


def bags(tokenizer: Any, captions: Sequence[str], keep_ids: Tensor) -> Tensor:
    """Texts as bags of the pieces of their content words; (texts, V), unit rows or zeros."""
    from lexsearch.training.words import content_words

    column = {int(token_id): i for i, token_id in enumerate(keep_ids)}
    found = torch.zeros(len(captions), len(keep_ids))
    for i, caption in enumerate(captions):
        words = "".join(f" {word}" for word in content_words(caption))
        for token_id in tokenizer(words, add_special_tokens=False)["input_ids"]:
            if token_id in column:
                found[i, column[token_id]] = 1.0
    return F.normalize(found, dim=1)


@dataclass(frozen=True, slots=True)
class LexVlaBatch:
    """Pictures as tokens or pixels, and texts as ids and mask, or as bags."""

    image: Tensor
    text: tuple[Tensor, ...]

    def __len__(self) -> int:
        return len(self.image)

    def part(self, rows: slice) -> LexVlaBatch:
        """The samples of some rows."""
        return LexVlaBatch(self.image[rows], tuple(column[rows] for column in self.text))


def lexvla_losses(
    s_image: Tensor, s_text: Tensor, logit_scale: Tensor, penalty: str = "overuse"
) -> dict[str, Tensor]:
    """The four losses, unweighted: both directions of InfoNCE, which add up, and both penalties.

    Args:
        s_image, s_text: (n, V), unit rows, whole vectors; pairs have the same row.
        logit_scale: logarithm of 1 / temperature.
        penalty: a name in PENALTIES.

    Source: sections 3.2 and 3.3.
    """
    logits = clamped_scale(logit_scale) * s_image @ s_text.T
    target = torch.arange(len(logits), device=logits.device)
    sparse = PENALTIES[penalty]
    return {
        "i2t": F.cross_entropy(logits, target),
        "t2i": F.cross_entropy(logits.T, target),
        f"{penalty}_image": sparse(s_image),
        f"{penalty}_text": sparse(s_text),
    }


@dataclass(slots=True)
class LexVlaRecipe:
    """LexVLA as the loop sees it."""

    parts: Parts
    pairs: Pairs
    config: LexVlaConfig
    pixels: Pixels
    device: torch.device
    kept: KeptTokens | None = None
    trained: Mapping[str, nn.Module] = field(init=False)

    def __post_init__(self) -> None:
        self.trained = {"model": self.parts.model, "decoder": self.parts.decoder}

    def draw(self, number: int, chooser: random.Random) -> LexVlaBatch:
        """Photos, and one caption of each by chance."""
        config = self.config
        rows = rows_of(len(self.pairs.paths), config.batch, number, config.seed)
        captions = [chooser.choice(self.pairs.captions[row]) for row in rows]
        text: tuple[Tensor, ...]
        if config.text == "bag":
            text = (bags(self.parts.tokenizer, captions, self.parts.model.keep_ids.cpu()),)
        else:
            text = padded(prompt_rows(self.parts.tokenizer, captions, config.max_tokens))
        if self.kept is not None:
            image = self.kept.rows(rows)
        else:
            image = self.pixels.read([self.pairs.paths[row] for row in rows])
        return LexVlaBatch(image.to(self.device), tuple(t.to(self.device) for t in text))

    def encode(self, batch: LexVlaBatch) -> tuple[Tensor, ...]:
        """Vectors over words of pictures and texts, (n, V) each."""
        tokens, model = batch.image, self.parts.model
        if self.kept is None:
            with torch.no_grad():
                tokens = self.parts.image(tokens).float()
        s_image = model.image_vectors(tokens, chunk=self.config.chunk or None)
        if self.config.text == "bag":
            return s_image, batch.text[0]
        states = text_states(self.parts.decoder, *batch.text)
        return s_image, model.text_vectors(states)

    def losses(self, codes: Sequence[Tensor], batch: LexVlaBatch) -> dict[str, Tensor]:
        """See lexvla_losses."""
        return lexvla_losses(codes[0], codes[1], self.parts.model.logit_scale, self.config.penalty)

    def weights(self, step: int) -> Mapping[str, float]:
        """Penalties rise with the square of the step."""
        config = self.config
        ramp = quadratic_ramp(step, config.ramp) if config.ramp else 1.0
        return {
            "i2t": 1.0,
            "t2i": 1.0,
            f"{config.penalty}_image": ramp * config.lambda_image,
            f"{config.penalty}_text": ramp * config.lambda_text,
        }

    def after(self) -> None:
        """The temperature stays at 0.01 or above."""
        with torch.no_grad():
            self.parts.model.logit_scale.clamp_(max=MAX_SCALE)


def run_lexvla(config: LexVlaConfig, data: Path, run: Run) -> Path:
    """Train on a folder of pairs; returns the folder of the finished model."""
    pairs = read_pairs(data)
    chosen = run.out / "keep_ids.safetensors"
    keep_ids = load_file(str(chosen))["keep_ids"] if chosen.is_file() else None
    parts = build(config, keep_ids, captions=[c for texts in pairs.captions for c in texts])
    run.out.mkdir(parents=True, exist_ok=True)
    save_file({"keep_ids": parts.model.keep_ids.contiguous()}, str(chosen))
    for module in (parts.image, parts.decoder, parts.model):
        module.to(run.device)
    pixels = Pixels(config.image_size, parts.image.mean, parts.image.std)
    kept = kept_tokens(pairs, parts.image, pixels, run) if config.cache_features else None
    recipe = LexVlaRecipe(parts, pairs, config, pixels, run.device, kept)
    train(recipe, config, run, name="lexvla")
    return save_lexvla(parts, config, run.out / "model")


def save_lexvla(parts: Parts, config: LexVlaConfig, folder: Path) -> Path:
    """Write what the backbones do not have: weights, prompt, configuration; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    own = {k: v for k, v in parts.model.state_dict().items() if k != "z_txt"}
    own |= {f"lora.{k}": v for k, v in lora_state(parts.decoder).items()}
    plain = {k: v.detach().cpu().contiguous() for k, v in own.items()}
    save_file(plain, str(folder / WEIGHTS))
    _write(folder / PROMPT_FILE, {"prompt": PROMPT, "caption": "{}"})
    _write(folder / CONFIG_FILE, {"recipe": "lexvla", **as_plain(config)})
    return folder


def load_lexvla(folder: Path) -> tuple[Parts, LexVlaConfig]:
    """A saved LexVLA, its backbones loaded anew, ready to encode.

    Raises:
        ModelMissing: a file is missing, a tensor is missing or unexpected, or the prompt is not
            the one in use here.
    """
    for name in (WEIGHTS, PROMPT_FILE, CONFIG_FILE):
        if not (folder / name).is_file():
            raise ModelMissing(f"no {folder / name}; expected a folder that training has written")
    plain = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    plain.pop("recipe")
    config = LexVlaConfig(**{**plain, "lora_targets": tuple(plain["lora_targets"])})
    if json.loads((folder / PROMPT_FILE).read_text(encoding="utf-8"))["prompt"] != PROMPT:
        raise ModelMissing(
            f"{folder / PROMPT_FILE} has another prompt than this version: train anew"
        )
    state = load_file(str(folder / WEIGHTS))
    parts = build(config, state["keep_ids"])
    lora = {k.removeprefix("lora."): v for k, v in state.items() if k.startswith("lora.")}
    own = {k: v for k, v in state.items() if not k.startswith("lora.")}
    expected = parts.model.state_dict().keys() - {"z_txt"}
    if own.keys() != expected:
        raise ModelMissing(
            f"{folder / WEIGHTS}: missing {sorted(expected - own.keys())}, "
            f"unexpected {sorted(own.keys() - expected)}"
        )
    parts.model.load_state_dict({**own, "z_txt": parts.model.z_txt})
    try:
        load_lora(parts.decoder, lora)
    except KeyError as error:
        raise ModelMissing(f"{folder / WEIGHTS}: {error.args[0]}") from error
    for module in (parts.image, parts.decoder, parts.model):
        module.eval()
    return parts, config


def _write(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
