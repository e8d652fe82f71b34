"""What a run of `lexsearch train mini` will take: parameters, memory, time."""

from __future__ import annotations

import time

import torch

from lexsearch.nn.mini import CELLS, Mini, MiniShape
from lexsearch.training.batches import Batch, Places
from lexsearch.training.config import MiniConfig
from lexsearch.training.pairs import losses_of, parameter_groups, total_loss
from lexsearch.training.vocabulary import SIZE

FEATURE_BYTES = 197 * 192 * 2  # states of one photo, float16
TEXT_TOKENS = 24  # tokens of a batch of usual captions
OWN_WORDS = 10  # words that a caption fires
OPTIMISER = 16  # bytes a parameter: weight, gradient, two moments


def describe(config: MiniConfig) -> str:
    """Sizes of the model and of the run, and its time from one step measured on this machine."""
    model = Mini(MiniShape(words=SIZE))
    count = {
        "upper tower": sum(p.numel() for p in model.image.tower_parameters()),
        "image side": sum(p.numel() for p in model.image.parameters()),
        "text side": sum(p.numel() for p in model.text.parameters()),
        "codebooks": model.z_img.numel() + model.z_txt.numel(),
    }
    total = sum(count.values()) - count["upper tower"]
    lines = [f"{name:12} {number / 1e6:6.2f} M parameters" for name, number in count.items()]
    lines.append(
        f"{'all':12} {total / 1e6:6.2f} M; the lower 8 blocks of the image tower are frozen"
    )
    seconds, peak = measured_step(model, config)
    lines.append(
        f"memory       about {(OPTIMISER * total + peak) / 1e9:.1f} GB, and "
        f"{FEATURE_BYTES / 1e3:.0f} kB a photo of cached states on disk"
    )
    text = 2 * config.teacher_steps + 3 * config.distil_steps
    lines.append(
        f"time         {config.steps} steps of {config.batch} pairs at {seconds:.1f} s: about "
        f"{config.steps * seconds / 60:.0f} minutes, and {text * seconds / 180:.0f} more for texts"
    )
    return "\n".join(lines)


def measured_step(model: Mini, config: MiniConfig) -> tuple[float, float]:
    """Seconds of one step with a made-up batch, and a bound on its activations in bytes."""
    batch = made_up_batch(model.shape, config)
    parameter_groups(model, config)
    model.freeze_text_codebook()
    model.train()
    seconds = 0.0
    for _ in range(2):  # the first one warms up
        start = time.perf_counter()
        parts = losses_of(model, batch, config, cut=False)
        torch.autograd.backward(total_loss(parts, config, 0))
        seconds = time.perf_counter() - start
        model.zero_grad()
    words = config.sampled_words + OWN_WORDS * config.batch
    logits = config.batch * (config.patches + 2) * words * 4
    states = config.batch * (4 * config.patches + TEXT_TOKENS) * model.shape.width * 4 * 60
    return seconds, float(logits + states)


def made_up_batch(shape: MiniShape, config: MiniConfig) -> Batch:
    """A batch of the usual size with random content."""
    n = config.batch
    words = torch.zeros(n, shape.words)
    words.scatter_(1, torch.randint(0, shape.words, (n, OWN_WORDS)), 1.0)
    nothing = torch.zeros(0, dtype=torch.long)
    return Batch(
        torch.randn(n, 1 + 4 * CELLS, shape.tower_width),
        torch.randint(1, shape.text_vocab, (n, TEXT_TOKENS)),
        words,
        words.clone(),
        torch.eye(n, dtype=torch.bool),
        Places(nothing, nothing, torch.zeros(0, CELLS, dtype=torch.bool)),
    )
