"""What a run on large backbones is told: one frozen value per recipe, read from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from lexsearch.errors import UsageError


def _one_of(default: str, *choices: str) -> Any:
    return field(default=default, metadata={"choices": choices})


def _at_least(default: float, least: float) -> Any:
    return field(default=default, metadata={"least": least})


def _between(default: float, least: float, most: float) -> Any:
    return field(default=default, metadata={"least": least, "most": most})


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """What the loop that all recipes share is told.

    Attributes:
        seed: of every random choice.
        steps, batch: updates of the weights, and pairs in each.
        rate, warm_up: peak learning rate; steps of its linear rise, before half a cosine.
        optimiser: `adamw` (decoupled weight decay) or `adam` (none).
        beta1, beta2, eps, decay: of the optimiser; norms, biases, tables of positions and the
            temperature do not decay.
        clip: largest norm of the gradient; 0 = any.
        precision: `bf16` runs the towers in bfloat16 (autocast); weights and losses are float32.
        accumulate: batches whose mean gradient makes one update. A pair competes with its own
            batch alone.
        cached: pairs that pass through the towers at a time, in two passes (GradCache, Gao et al.
            2021): the gradient is that of the whole batch, memory that of `cached` pairs. 0 = off.
        save_every: updates between checkpoints.
        say_every: updates between lines of progress.
        local_files_only: never ask a model hub.
    """

    seed: int = 1
    steps: int = _at_least(1000, 1)
    batch: int = _at_least(256, 2)
    rate: float = _at_least(5e-4, 0)
    warm_up: int = _at_least(0, 0)
    optimiser: str = _one_of("adamw", "adamw", "adam")
    beta1: float = _between(0.9, 0, 1)
    beta2: float = _between(0.98, 0, 1)
    eps: float = _at_least(1e-6, 0)
    decay: float = _at_least(0.0, 0)
    clip: float = _at_least(1.0, 0)
    precision: str = _one_of("bf16", "bf16", "fp32")
    accumulate: int = _at_least(1, 1)
    cached: int = _at_least(0, 0)
    save_every: int = _at_least(200, 1)
    say_every: int = _at_least(20, 1)
    local_files_only: bool = False


@dataclass(frozen=True, kw_only=True)
class LexVlaConfig(LoopConfig):
    """Recipe of LexVLA (arXiv 2407.17827).

    Attributes:
        image_model: frozen image tower with a CLS token; a folder or a hub id.
        text_model: causal language model with its tokenizer; a folder or a hub id.
        image_size: side in pixels, a multiple of the tower's patch.
        vocabulary: most tokens of the language model that become words (keep_ids).
        min_count: captions on which such a token must stand.
        adapter_heads, adapter_inner: heads of the adapter's attention; width inside its output
            MLP, 0 = 8/3 of the tower's.
        lora_rank, lora_alpha, lora_targets: of the language model's adapters; no targets = every
            linear map. Rank 0 freezes the language model.
        text: `prompt`, the language model reads a prompt; `bag`, a text is the bag of its content
            words, without a language model (ablation of the paper).
        max_tokens: of a prompt; longer captions are cut.
        penalty: `overuse` (the paper) or `flops` (its ablation).
        lambda_image, lambda_text, ramp: weights of the penalty of each side, and the steps of
            its quadratic rise.
        chunk: words at a time of the maximum over patches; 0 = all.
        cache_features: compute the frozen tower's tokens once and keep them in OUT/features.
        save_memory: recompute activations of the language model in the backward pass.
    """

    rate: float = _at_least(5e-4, 0)
    optimiser: str = _one_of("adam", "adamw", "adam")
    image_model: str = "facebook/dinov2-base"
    text_model: str = "meta-llama/Llama-2-7b-hf"
    image_size: int = _at_least(224, 1)
    vocabulary: int = _at_least(17_149, 2)
    min_count: int = _at_least(1, 0)
    adapter_heads: int = _at_least(12, 1)
    adapter_inner: int = _at_least(0, 0)
    lora_rank: int = _at_least(8, 0)
    lora_alpha: float = _at_least(16.0, 0)
    lora_targets: tuple[str, ...] = ()
    text: str = _one_of("prompt", "prompt", "bag")
    max_tokens: int = _at_least(160, 8)
    penalty: str = _one_of("overuse", "overuse", "flops")
    lambda_image: float = _at_least(5e-4, 0)
    lambda_text: float = _at_least(1e-3, 0)
    ramp: int = _at_least(2000, 0)
    chunk: int = _at_least(0, 0)
    cache_features: bool = True
    save_memory: bool = False


@dataclass(frozen=True, kw_only=True)
class TulipConfig(LoopConfig):
    """Recipe of TULIP (arXiv 2410.10034); steps, batch, rate, warm_up are those of stage 2.

    Attributes:
        model: a CLIP model with its tokenizer; a folder or a hub id.
        distil_steps, distil_batch, distil_rate, distil_warm_up, distil_accumulate, distil_cached:
            of stage 1, which teaches a rotary text tower to say what CLIP's says.
        trained_length: tokens that stage 1 sees.
        new_length, alpha: tokens after the expansion of theta, and its factor.
        activation: of the rotary tower. The released towers have `gelu`, though they start from
            weights of `quick_gelu`.
        keep_projection: stage 2 goes on with stage 1's projection instead of CLIP's own.
        long_weight, short_weight: of the losses on the whole caption and on its first sentence.
        save_memory: recompute activations of the image tower in the backward pass.
    """

    batch: int = _at_least(128, 2)
    rate: float = _at_least(1e-5, 0)
    decay: float = _at_least(0.1, 0)
    model: str = "openai/clip-vit-base-patch16"
    distil_steps: int = _at_least(20_000, 1)
    distil_batch: int = _at_least(640, 1)
    distil_rate: float = _at_least(5e-4, 0)
    distil_warm_up: int = _at_least(1000, 0)
    distil_accumulate: int = _at_least(1, 1)
    distil_cached: int = _at_least(0, 0)
    trained_length: int = _at_least(77, 3)
    new_length: int = _at_least(248, 3)
    alpha: float = _at_least(8.0, 1)
    activation: str = _one_of("gelu", "gelu", "quick_gelu")
    keep_projection: bool = False
    long_weight: float = _at_least(0.8, 0)
    short_weight: float = _at_least(0.2, 0)
    save_memory: bool = False

    def stage1(self) -> LoopConfig:
        """What the loop is told in stage 1."""
        return replace(
            self,
            steps=self.distil_steps,
            batch=self.distil_batch,
            rate=self.distil_rate,
            warm_up=self.distil_warm_up,
            accumulate=self.distil_accumulate,
            cached=self.distil_cached,
        )


@dataclass(frozen=True, kw_only=True)
class FilipConfig(LoopConfig):
    """Recipe of FILIP (arXiv 2111.07783).

    Attributes:
        image_model: vision transformer with a CLS token, or a CLIP model (its image tower).
        text_model: transformer with its tokenizer, or a CLIP model (its text tower).
        weights: `pretrained`, or `random`: as the paper, from scratch.
        train: `all`, or `heads` alone on frozen towers.
        image_size: side in pixels.
        max_tokens: of a text.
        dim: of a token.
        share: of the real tokens of each sample that take part in training.
        both_sides: cut the tokens of both sides, as the paper does before its all-gather; false
            keeps all words.
        half: similarities in bfloat16.
        include_cls: the image's CLS token is one of its tokens.
        captions: of a picture in one batch; more than one needs multi_positive.
        multi_positive: every caption of a picture counts, by 1 / their number.
        augment: random crops and mirror images.
        save_memory: recompute activations in the backward pass.
    """

    rate: float = _at_least(2e-3, 0)
    beta2: float = _between(0.999, 0, 1)
    eps: float = _at_least(1e-6, 0)
    decay: float = _at_least(3e-3, 0)
    warm_up: int = _at_least(3000, 0)
    image_model: str = "openai/clip-vit-base-patch32"
    text_model: str = "openai/clip-vit-base-patch32"
    weights: str = _one_of("pretrained", "pretrained", "random")
    train: str = _one_of("all", "all", "heads")
    image_size: int = _at_least(224, 1)
    max_tokens: int = _at_least(77, 3)
    dim: int = _at_least(256, 1)
    share: float = _between(0.25, 1e-6, 1)
    both_sides: bool = True
    half: bool = True
    include_cls: bool = False
    captions: int = _at_least(1, 1)
    multi_positive: bool = False
    augment: bool = False
    save_memory: bool = False


C = TypeVar("C", bound=LoopConfig)


def load_recipe(path: Path, kind: type[C], overrides: Mapping[str, Any] | None = None) -> C:
    """The recipe in a TOML file.

    Args:
        path: of the file.
        kind: of the recipe.
        overrides: values that win over the file's, by key; None values do not count.

    Raises:
        UsageError: no such file, no TOML, an unknown key, a value of another kind or outside of
            its range; names the key and what it may be.
    """
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} does not open: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from error
    known = {item.name: item for item in fields(kind)}
    for key, value in values.items():
        if key not in known:
            raise UsageError(f"{path} sets {key!r}; known: {', '.join(sorted(known))}")
        values[key] = _checked(str(path), known[key], value)
    for key, value in (overrides or {}).items():
        if value is not None:
            values[key] = _checked("the command line", known[key], value)
    recipe = kind(**values)
    _check_together(recipe, str(path))
    return recipe


def _checked(source: str, item: Field[Any], value: Any) -> Any:
    default = item.default
    if isinstance(default, float) and type(value) is int:
        value = float(value)
    if isinstance(default, tuple) and isinstance(value, list):
        value = tuple(value)
        if not all(isinstance(part, str) for part in value):
            raise UsageError(f"{source} sets {item.name} to {list(value)!r}; expected texts")
    if type(value) is not type(default):
        wanted = "list" if isinstance(default, tuple) else type(default).__name__
        raise UsageError(f"{source} sets {item.name} to {value!r}; expected {wanted}")
    choices = item.metadata.get("choices")
    if choices and value not in choices:
        raise UsageError(f"{source} sets {item.name} to {value!r}; expected {' or '.join(choices)}")
    least, most = item.metadata.get("least"), item.metadata.get("most")
    if least is not None and not value >= least:
        raise UsageError(f"{source} sets {item.name} to {value!r}; expected at least {least:g}")
    if most is not None and not value <= most:
        raise UsageError(f"{source} sets {item.name} to {value!r}; expected at most {most:g}")
    return value


def _check_together(recipe: LoopConfig, source: str) -> None:
    if isinstance(recipe, TulipConfig) and recipe.new_length < recipe.trained_length:
        raise UsageError(
            f"{source} sets new_length to {recipe.new_length}; "
            f"expected at least trained_length, {recipe.trained_length}"
        )
    if isinstance(recipe, FilipConfig) and recipe.captions > 1 and not recipe.multi_positive:
        raise UsageError(
            f"{source} sets captions to {recipe.captions}; needs multi_positive = true"
        )


def as_plain(recipe: LoopConfig) -> dict[str, Any]:
    """The recipe as values of JSON, to keep beside what it made."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(recipe).items()}
