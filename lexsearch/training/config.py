"""What a training run of the bundled model is told: one frozen value, read from a TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from lexsearch.errors import UsageError


@dataclass(frozen=True, slots=True)
class MiniConfig:
    """Recipe of `lexsearch train mini`; every field may stand in the file.

    Attributes:
        seed: of every random choice.
        batch: pairs per step.
        text_batch, text_passes, text_rate: pre-training of the text side on captions alone.
        steps, rate, warm_up, decay: of the contrastive stage (AdamW, cosine).
        late_share: share of those that take part in late interaction: half of half is FILIP's 25 %.
        patches: of the 49, a random choice that takes part in one step.
        sampled_words: words outside a batch's own that take part in one step.
        w_dense, w_late, w_lexical: weights of the three contrastive losses.
        w_words_text, w_words_image: weights of the word-prediction losses.
        w_class: weight of the backbone's class words in the image's word targets.
        w_hypernym: weight of hypernyms in word targets.
        overuse_image, overuse_text, ramp: LexVLA's penalty and its quadratic ramp in steps.
        scenes_share, labels_share: share of steps on rendered scenes and on labelled photos.
            short_share: share of texts cut to one to three of their content words, as people type
            them; every picture that carries the words then counts as a match.
        average: decay of the running average of weights that is shipped; 0 = none.
        held_out: caltech101 classes never trained on.
        words_per_image, words_per_text: most words kept of a vector.
    """

    seed: int = 1
    batch: int = 256
    text_batch: int = 512
    text_passes: float = 1.0
    text_rate: float = 1e-3
    steps: int = 1000
    rate: float = 5e-4
    warm_up: int = 60
    decay: float = 0.05
    late_share: float = 0.5
    patches: int = 24
    sampled_words: int = 2048
    w_dense: float = 1.0
    w_late: float = 1.0
    w_lexical: float = 1.0
    w_words_text: float = 0.3
    w_words_image: float = 0.3
    w_class: float = 0.3
    w_hypernym: float = 0.25
    overuse_image: float = 5e-4
    overuse_text: float = 1e-3
    ramp: int = 400
    scenes_share: float = 0.25
    labels_share: float = 0.1
    short_share: float = 0.25
    average: float = 0.995
    held_out: tuple[str, ...] = ()
    words_per_image: int = 128
    words_per_text: int = 64


def load_config(path: Path) -> MiniConfig:
    """The recipe in a TOML file.

    Raises:
        UsageError: an unknown key, or a value of another kind than the default's.
    """
    values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    known = {field.name: field for field in fields(MiniConfig)}
    for key, value in values.items():
        if key not in known:
            raise UsageError(f"{path} sets {key!r}; known: {', '.join(sorted(known))}")
        default = known[key].default
        if isinstance(default, tuple):
            values[key] = tuple(value)
        elif isinstance(default, float):
            values[key] = float(value)
        elif type(value) is not type(default):
            raise UsageError(f"{path} sets {key} to {value!r}; expected {type(default).__name__}")
    return MiniConfig(**values)
