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
        teacher_steps, teacher_batch, text_rate: of the text stage; a batch is that many pictures
            with two sentences each.
        teacher_tokens: most tokens that teacher and distillation see.
        w_others: weight of what others say of a picture in a text's word targets.
        distil_steps, distil_batch, distil_rate: of the rotary student.
        alpha: of the expansion of the rotary base from teacher_tokens to the full context.
        batch: pairs per step of the contrastive stage.
        steps, rate, warm_up, decay: of the contrastive stage (AdamW, cosine).
        text_pairs_rate, tower_rate: rates of the text side and of the upper image tower there;
            tower_rate 0 keeps the whole tower frozen.
        crops: random parts of every captioned photo that are seen beside the whole one.
        late_share: share of those that take part in late interaction: half of half is FILIP's 25 %.
        patches: of the 49, a random choice that takes part in one step.
        patches_alone: share of steps in which words come from patches without CLS.
        sampled_words: words outside a batch's own that take part in one step.
        w_dense, w_late, w_lexical, w_fused: weights of the contrastive losses; fused is on the sum
            of the three.
        w_words_text, w_words_image: weights of the word-prediction losses.
        w_pointing: weight of the loss that words of a rendered scene lie on their objects.
        w_class: weight of the backbone's class words in the image's word targets.
        w_hypernym: weight of hypernyms in word targets.
        penalty: `overuse` (LexVLA) or `flops` (SPLADE), on the mean use of words.
        overuse_image, overuse_text, ramp: weights of the penalty and its quadratic ramp in steps.
        absolute: the text tower keeps the teacher's table of positions; no distillation.
        scenes_share, labels_share: share of steps on rendered scenes and on labelled photos.
        short_share: share of texts cut to one to three of their content words, as people type
            them; every picture that carries the words then counts as a match.
        joined_share: share of steps in which a photo's sentences are joined into long texts.
        cut_from: the step from which on the lexical contrast sees vectors as they are stored.
        finish_from: the step from which on words and pointing weigh finish_words and
            finish_pointing.
        average: decay of the running average of weights that is shipped; 0 = none.
        evaluate_every: steps between measurements on the choosing set.
        held_out: caltech101 classes never trained on.
        words_per_image, words_per_text: most words kept of a vector.
        word_floor: share of the heaviest weight left out by which kept weights are lowered in
            training; what is shipped is chosen afterwards.
    """

    seed: int = 1
    teacher_steps: int = 450
    teacher_batch: int = 256
    text_rate: float = 1e-3
    teacher_tokens: int = 32
    w_others: float = 0.5
    distil_steps: int = 120
    distil_batch: int = 512
    distil_rate: float = 5e-4
    alpha: float = 8.0
    batch: int = 256
    steps: int = 1000
    rate: float = 5e-4
    warm_up: int = 60
    decay: float = 0.05
    text_pairs_rate: float = 3e-4
    tower_rate: float = 1e-4
    crops: int = 6
    late_share: float = 0.5
    patches: int = 24
    patches_alone: float = 0.5
    sampled_words: int = 2048
    w_dense: float = 1.0
    w_late: float = 1.0
    w_lexical: float = 1.0
    w_fused: float = 1.0
    w_words_text: float = 0.3
    w_words_image: float = 0.3
    w_pointing: float = 0.3
    w_class: float = 0.3
    w_hypernym: float = 0.25
    penalty: str = "overuse"
    overuse_image: float = 5e-4
    overuse_text: float = 1e-3
    ramp: int = 350
    scenes_share: float = 0.15
    labels_share: float = 0.1
    short_share: float = 0.25
    joined_share: float = 0.06
    absolute: bool = False
    cut_from: int = 200
    finish_from: int = 600
    finish_words: float = 1.0
    finish_pointing: float = 1.0
    average: float = 0.995
    evaluate_every: int = 250
    held_out: tuple[str, ...] = ()
    words_per_image: int = 128
    words_per_text: int = 64
    word_floor: float = 0.9


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
