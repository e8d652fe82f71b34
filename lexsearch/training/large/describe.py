"""What a run would train, keep in memory and take, from the backbones' configurations alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from lexsearch.encoders._backbones import ImageTower, Source, TextTower, language_model
from lexsearch.training.large import filip, lexvla, tulip
from lexsearch.training.large.config import FilipConfig, LexVlaConfig, LoopConfig, TulipConfig

# bfloat16 at 40 % of the peak of one A100, 312 TFLOP/s (its data sheet).
FLOPS_PER_SECOND = 0.4 * 312e12
# Activations of a block: bytes per token and unit of width in 16 bits, attention weights not kept
# (Korthikanti et al. 2022, arXiv 2205.05198, equation 1), and the block's input alone.
KEPT_BYTES, RECOMPUTED_BYTES = 34, 2
WORDS_PER_CAPTION = 1.3 * 12  # tokens of a short caption


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a model.

    Attributes:
        name: for people.
        module: on the meta device.
        tokens: of one pair that pass through it; 0 for parts that work on the whole batch.
        layers, width: of its stack; 0 without one.
        passes: a backward pass goes through it.
        half: its frozen weights are 16 bits wide.
        once: its tokens are computed once and kept.
    """

    name: str
    module: nn.Module
    tokens: float = 0.0
    layers: int = 0
    width: int = 0
    passes: bool = True
    half: bool = False
    once: bool = False

    def count(self) -> tuple[int, int]:
        """Parameters and buffers in all, and those that train."""
        parameters = list(self.module.parameters())
        trained = sum(p.numel() for p in parameters if p.requires_grad)
        frozen = [*(p for p in parameters if not p.requires_grad), *self.module.buffers()]
        return trained + sum(p.numel() for p in frozen), trained

    def looked_up(self) -> int:
        """Parameters of embeddings, which take room and no time."""
        tables = (m for m in self.module.modules() if isinstance(m, nn.Embedding))
        return sum(table.weight.numel() for table in tables)


def describe(config: LoopConfig) -> str:
    """Lines on the size, memory and time of a run; loads no weights.

    Raises:
        ModelMissing: a backbone's configuration is not there.
        UsageError: the configuration does not fit the backbones.
    """
    with torch.device("meta"):
        if isinstance(config, LexVlaConfig):
            return _report(config, _lexvla(config))
        if isinstance(config, TulipConfig):
            return _tulip(config)
        assert isinstance(config, FilipConfig)
        return _report(config, _filip(config))


def _lexvla(config: LexVlaConfig) -> list[Part]:
    local = config.local_files_only
    image = ImageTower(Source(config.image_model, True, local), side=config.image_size)
    image.requires_grad_(False)
    decoder, head = language_model(Source(config.text_model, True, local))
    words = min(config.vocabulary, head.shape[0])
    keep_ids = torch.arange(words, dtype=torch.int64)
    model = lexvla.assemble(config, image, decoder, head, keep_ids)
    text = decoder.config
    patches = 1 + (config.image_size // image.patch) ** 2
    books = nn.ParameterList([model.z_img])
    prompt_tokens = min(config.max_tokens, 45 + WORDS_PER_CAPTION)
    trains = config.lora_rank > 0
    return [
        Part("image tower", image, patches, image.layers, image.width, False,
             once=config.cache_features),
        Part("adapter", model.adapter, patches, 1, image.width),
        Part("codebook of images", books, patches),
        Part("codebook of texts", _Frozen(model.z_txt), 1),
        Part("language model", decoder, prompt_tokens if config.text == "prompt" else 0,
             text.num_hidden_layers, text.hidden_size, trains, half=config.precision == "bf16"),
    ]  # fmt: skip


class _Frozen(nn.Module):
    def __init__(self, values: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("values", values)


def _tulip(config: TulipConfig) -> str:
    parts = tulip.build(config, random_weights=True)
    shape = parts.student.shape
    vision = parts.image.vision_model.config
    patches = 1 + (parts.pixels.side // vision.patch_size) ** 2
    words = min(config.trained_length, WORDS_PER_CAPTION * 2)
    parts.student.token_embedding.requires_grad_(False)
    first = [
        Part("teacher", parts.teacher, words, shape.depth, shape.width, passes=False),
        Part("student", parts.student, words, shape.depth, shape.width),
    ]
    said = ["stage 1", _report(config.stage1(), first)]
    parts.student.requires_grad_(True)
    second = [
        Part("image tower", parts.image, patches, vision.num_hidden_layers, vision.hidden_size),
        Part("text tower", parts.student, config.new_length, shape.depth, shape.width),
    ]
    return "\n".join([*said, "stage 2", _report(config, second)])


def _filip(config: FilipConfig) -> list[Part]:
    model = filip.build(config, scratch=True)
    image, text = model.image, model.text
    assert isinstance(image, ImageTower)
    assert isinstance(text, TextTower)
    patches = 1 + (config.image_size // image.patch) ** 2
    trains, words = config.train == "all", min(config.max_tokens, WORDS_PER_CAPTION * 2)
    return [
        Part("image tower", image, patches, image.layers, image.width, trains),
        Part("text tower", text, words * config.captions, text.layers, text.width, trains),
        Part("heads", model.heads, patches + words),
    ]


def _report(config: LoopConfig, parts: list[Part]) -> str:
    lines = []
    at_once = min(config.cached or config.batch, config.batch)
    kept_bytes = RECOMPUTED_BYTES if getattr(config, "save_memory", False) else KEPT_BYTES
    weights = activations = work = 0.0
    all_parameters = all_trained = 0
    for part in parts:
        count, trained = part.count()
        lines.append(f"{part.name:<20} {count:>15,} parameters, {trained:>13,} train")
        all_parameters, all_trained = all_parameters + count, all_trained + trained
        weights += trained * 16 + (count - trained) * (2 if part.half else 4)
        if part.passes:
            activations += at_once * part.tokens * part.layers * part.width * kept_bytes
        if not part.once:
            passes = (3 if part.passes else 1) + (1 if config.cached else 0)
            work += 2 * (count - part.looked_up()) * part.tokens * passes
    pairs = config.steps * config.batch * config.accumulate
    hours = work * pairs / FLOPS_PER_SECOND / 3600
    lines += [
        f"{'in all':<20} {all_parameters:>15,} parameters, {all_trained:>13,} train",
        f"memory: {weights / 2**30:.1f} GiB of weights, gradients and optimiser, about "
        f"{activations / 2**30:.1f} GiB of activations ({at_once} pairs at a time)",
        f"time: {config.steps:,} steps of {config.batch * config.accumulate:,} pairs, "
        f"about {hours:.1f} h on one A100 in bfloat16; reading pictures not counted",
    ]
    return "\n".join(lines)
