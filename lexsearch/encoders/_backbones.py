"""Large backbones from `transformers`: out of a local folder, or by their id on the hub."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import transformers
from torch import Tensor, nn

from lexsearch.encoders._preprocess import CLIP_MEAN, CLIP_STD
from lexsearch.encoders._weights import from_transformers, read_weights
from lexsearch.errors import ModelMissing, UsageError
from lexsearch.models.hub import resolve
from lexsearch.nn.vit import MEAN, STD

# Heads of other tasks that a file of a backbone may carry, and a pooler that it may lack.
OTHER_HEADS = ("classifier.weight", "classifier.bias", "lm_head.weight")
MAY_LACK = ("pooler.dense.weight", "pooler.dense.bias")


class Source(NamedTuple):
    """Where a backbone comes from.

    name: folder or hub id. random: take its configuration alone, with new weights; nothing but
    the configuration is read. local: never ask the hub. dtype: of its weights.
    """

    name: str
    random: bool = False
    local: bool = False
    dtype: torch.dtype = torch.float32


def _opened(source: Source, load: Callable[..., Any], what: str, **options: Any) -> Any:
    try:
        folder = str(resolve(source.name, download=not source.local, weights=False))
        return load(folder, local_files_only=True, **options)
    except (OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise ModelMissing(
            f"no {what} called {source.name!r}: {first} "
            "Name a folder that `save_pretrained` or a download of the hub has written"
        ) from error


def model_config(source: Source) -> Any:
    """The configuration of a backbone; loads no weights.

    Raises:
        ModelMissing: no such folder or id, or the hub cannot be reached.
    """
    return _opened(source, transformers.AutoConfig.from_pretrained, "model")


def _model(source: Source, auto: Any) -> Any:
    config = model_config(source)
    if source.random:
        return auto.from_config(config)
    folder = resolve(source.name, download=not source.local)
    state = read_weights(folder)
    try:
        kind = auto._model_mapping[type(config)]
    except KeyError as error:
        raise UsageError(
            f"{source.name!r} is a {config.model_type}, which cannot serve as this backbone"
        ) from error
    heads = OTHER_HEADS if auto is transformers.AutoModel else ()
    return from_transformers(
        kind, config, state, source=folder, aside=heads, may_lack=MAY_LACK, dtype=source.dtype
    )


def tokenizer_of(source: Source) -> Any:
    """The tokenizer that lies beside a model."""
    return _opened(source, transformers.AutoTokenizer.from_pretrained, "tokenizer")


class ImageTower(nn.Module):
    """A vision transformer: pixels to the states of CLS and of all patches, after the last norm.

    Attributes:
        width: of a state. patch: side of a patch in pixels. mean, std: of the pixels it expects.
    """

    def __init__(self, source: Source, *, side: int) -> None:
        super().__init__()
        model = _model(source, transformers.AutoModel)
        clip = hasattr(model, "vision_model")
        self.model: Any = model.vision_model if clip else model
        config = self.model.config
        if not hasattr(config, "patch_size") or not hasattr(config, "hidden_size"):
            raise UsageError(
                f"{source.name!r} is no vision transformer; expected DINOv2, ViT, CLIP"
            )
        self.clip = clip
        self.width, self.patch = int(config.hidden_size), int(config.patch_size)
        self.layers = int(config.num_hidden_layers)
        if side % self.patch:
            raise UsageError(f"image_size {side}; expected a multiple of the patch, {self.patch}")
        # DINOv2 stretches its positions by itself, and takes no such option.
        stretches = "dinov2" not in str(config.model_type) and config.image_size != side
        self.options = {"interpolate_pos_encoding": True} if stretches else {}
        self.mean, self.std = statistics(source, clip=clip)

    def forward(self, pixels: Tensor) -> Tensor:
        """pixels: (batch, 3, side, side), normalised; out (batch, 1 + patches, width)."""
        states: Tensor = self.model(pixel_values=pixels, **self.options).last_hidden_state
        if self.clip:
            states = self.model.post_layernorm(states)  # transformers norms CLS alone
        return states


Channels = tuple[float, float, float]


def statistics(source: Source, *, clip: bool) -> tuple[Channels, Channels]:
    """Mean and standard deviation of the pixels that a tower expects.

    clip: it is a CLIP; those of a tower that does not say are its kind's.
    """
    plain = (CLIP_MEAN, CLIP_STD) if clip else (MEAN, STD)
    if source.random:
        return plain
    from transformers.image_processing_base import ImageProcessingMixin

    try:
        found, _ = ImageProcessingMixin.get_image_processor_dict(
            source.name, local_files_only=source.local
        )
    except OSError:
        return plain
    mean, std = found.get("image_mean", plain[0]), found.get("image_std", plain[1])
    return (mean[0], mean[1], mean[2]), (std[0], std[1], std[2])


def clip_model(source: Source) -> Any:
    """A whole CLIP.

    Raises:
        UsageError: the model is of another kind.
    """
    found = model_config(source).model_type
    if found != "clip":
        raise UsageError(f"{source.name!r} is a model of kind {found!r}; expected 'clip'")
    return _model(source, transformers.AutoModel)


class TextTower(nn.Module):
    """A transformer over texts: ids to the states of all tokens, after the last norm.

    Attributes:
        width: of a state. context: most tokens.
    """

    def __init__(self, source: Source) -> None:
        super().__init__()
        model = _model(source, transformers.AutoModel)
        self.model: Any = getattr(model, "text_model", model)
        config = self.model.config
        self.width, self.layers = int(config.hidden_size), int(config.num_hidden_layers)
        self.context = int(getattr(config, "max_position_embeddings", 0)) or 512

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids, mask: int64 (batch, n); out (batch, n, width)."""
        states: Tensor = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        return states


class LanguageModel(NamedTuple):
    """A causal language model: its decoder without the head, and the weight of the head."""

    decoder: Any
    head: Tensor


def language_model(source: Source) -> LanguageModel:
    """The language model of that name; a tied head is its input embedding."""
    model = _model(source, transformers.AutoModelForCausalLM)
    return LanguageModel(model.base_model, model.get_output_embeddings().weight)


def save_memory(model: Any) -> None:
    """Recompute activations in the backward pass instead of keeping them."""
    options = {"use_reentrant": False}
    if hasattr(model, "activation_checkpointing_enable"):  # the newer name
        model.activation_checkpointing_enable(activation_checkpointing_kwargs=options)
    else:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=options)
    model.train()


def token_rows(tokenizer: Any, texts: Sequence[str], *, most: int | None = None) -> list[list[int]]:
    """Ids of texts with the special tokens; most: tokens, special ones included, or None."""
    options = {} if most is None else {"truncation": True, "max_length": most}
    rows: list[list[int]] = tokenizer(list(texts), **options)["input_ids"]
    return rows


def padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Rows of ids as one tensor padded on the right, and its mask; both int64 (n, longest)."""
    longest = max(len(row) for row in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.int64)
    mask = torch.zeros(len(rows), longest, dtype=torch.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    return ids, mask


def fingerprint(module: nn.Module) -> str:
    """Sixteen hex digits that tell weights apart."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
