"""The text stage: a teacher with absolute positions, then its rotary student (TULIP, stage 1)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from lexsearch.nn.lexical import lexical_vector, text_logits
from lexsearch.nn.mini import Mini, MiniShape, TextSide
from lexsearch.nn.text import masked_mean, real_tokens
from lexsearch.training.batches import shorten, token_ids
from lexsearch.training.checkpoints import Checkpoint
from lexsearch.training.config import MiniConfig
from lexsearch.training.losses import distance_of_directions, infonce, word_prediction
from lexsearch.training.sampling import sample_words
from lexsearch.training.schedule import clamped_scale, cosine_rate
from lexsearch.training.targets import WordTargets, WordWeights

Say = Callable[[str], None]
SAY_EVERY = 25


class Teacher(nn.Module):
    """A text side with a table of positions, its codebook, and the scales of its two contrasts."""

    def __init__(self, shape: MiniShape) -> None:
        super().__init__()
        self.text = TextSide(replace(shape, absolute=True))
        self.z_txt = nn.Parameter(
            torch.randn(shape.words, shape.lexical_dim) * shape.lexical_dim**-0.5
        )
        self.log_scale = nn.Parameter(torch.tensor([2.66, 4.0]))


def train_teacher(
    shape: MiniShape,
    groups: Sequence[Sequence[str]],
    tokenizer: Tokenizer,
    targets: WordTargets,
    config: MiniConfig,
    *,
    checkpoint: Path,
    say: Say,
) -> Teacher:
    """Teach a text to name its words and those that others say of the same picture.

    Two sentences of one picture must find each other in a batch (InfoNCE on dense vectors and on
    word vectors), and each predicts its own words, the words above them, and, less, the words of
    the picture's other sentences.

    Args:
        groups: sentences of one picture each, two or more.
    """
    teacher = Teacher(shape)
    parameters = list(teacher.parameters())
    optimiser = torch.optim.AdamW(
        parameters, lr=config.text_rate, weight_decay=0.01, betas=(0.9, 0.98)
    )
    kept = Checkpoint(checkpoint, {"teacher": teacher}, optimiser)
    for step in range(kept.resume(say), config.teacher_steps):
        chooser = random.Random(config.seed * 1_000_003 + step)
        torch.manual_seed(config.seed * 1_000_003 + step)
        for group in optimiser.param_groups:
            group["lr"] = config.text_rate * cosine_rate(step, config.teacher_steps, 40)
        teacher.train()
        one, other, wanted = _pairs(groups, targets, config, chooser)
        ids = token_ids(tokenizer, [*one, *other], config.teacher_tokens)
        words, share = sample_words(wanted, config.sampled_words)
        with torch.autocast("cpu", torch.bfloat16):
            said = teacher.text(ids, real_tokens(ids))
            logits = text_logits(said.lexical, teacher.z_txt[words]).float()
        scale = clamped_scale(teacher.log_scale)
        n = len(one)
        dense = F.normalize(said.dense, dim=1)
        vectors = lexical_vector(logits, share)
        parts = {
            "words": 0.5 * word_prediction(logits + share.log(), wanted[:, words]),
            "dense": infonce(scale[0] * dense[:n] @ dense[n:].T),
            "lexical": 0.5 * infonce(scale[1] * (vectors[:n] * share) @ vectors[n:].T),
        }
        optimiser.zero_grad()
        torch.autograd.backward(torch.stack(list(parts.values())).sum())
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        if step % SAY_EVERY == 0:
            said_parts = "  ".join(f"{name} {value.item():.3f}" for name, value in parts.items())
            say(f"teacher {step}/{config.teacher_steps}  {said_parts}")
        kept.step(step + 1, config.teacher_steps)
    return teacher


def _pairs(
    groups: Sequence[Sequence[str]],
    targets: WordTargets,
    config: MiniConfig,
    chooser: random.Random,
) -> tuple[list[str], list[str], Tensor]:
    one, other = [], []
    first: list[WordWeights] = []
    second: list[WordWeights] = []
    for group in chooser.sample(groups, min(config.teacher_batch, len(groups))):
        a, b = chooser.sample(list(group), 2)
        if chooser.random() < config.short_share / 2:
            a = shorten(a, chooser)
            first.append(targets.of_text(a))
        else:
            first.append(targets.of_group(a, group, config.w_others))
        second.append(targets.of_group(b, group, config.w_others))
        one.append(a)
        other.append(b)
    return one, other, targets.dense([*first, *second])


def distil(
    teacher: Teacher,
    student: Mini,
    lines: Sequence[str],
    tokenizer: Tokenizer,
    config: MiniConfig,
    *,
    checkpoint: Path,
    say: Say,
) -> None:
    """Make a rotary student say what the teacher says of short texts; sets the student's Z_txt.

    The student starts from the teacher's weights without its table of positions; the loss is
    1 - cosine on the pooled state and on every token's state; embeddings do not train. Both see
    at most `teacher_tokens` tokens.
    """
    start = {k: v for k, v in teacher.text.state_dict().items() if k != "tower.table"}
    student.text.load_state_dict(start)
    with torch.no_grad():
        student.z_txt.copy_(teacher.z_txt)
    tower = student.text.tower
    parameters = [p for name, p in tower.named_parameters() if not name.startswith("embedding")]
    optimiser = torch.optim.AdamW(parameters, lr=config.distil_rate, betas=(0.9, 0.98), eps=1e-6)
    kept = Checkpoint(checkpoint, {"text": student.text}, optimiser)
    teacher.eval()
    for step in range(kept.resume(say), config.distil_steps):
        chooser = random.Random(config.seed * 1_000_033 + step)
        for group in optimiser.param_groups:
            group["lr"] = config.distil_rate * cosine_rate(step, config.distil_steps, 10)
        some = chooser.sample(lines, min(config.distil_batch, len(lines)))
        ids = token_ids(tokenizer, some, config.teacher_tokens)
        mask = real_tokens(ids)
        student.eval()  # no dropout: the target is exact
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                wanted = teacher.text.tower(ids, mask).float()
            said = tower(ids, mask).float()
        pooled = distance_of_directions(masked_mean(said, mask), masked_mean(wanted, mask))
        tokens = distance_of_directions(said[mask], wanted[mask])
        optimiser.zero_grad()
        torch.autograd.backward(pooled + tokens)
        optimiser.step()
        if step % SAY_EVERY == 0 or step + 1 == config.distil_steps:
            say(
                f"distil {step}/{config.distil_steps}  text {pooled.item():.4f}  "
                f"tokens {tokens.item():.4f}"
            )
        kept.step(step + 1, config.distil_steps)
