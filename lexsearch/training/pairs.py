"""The contrastive stage: pictures and texts together, all heads and the upper image tower."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from lexsearch.nn.late import informative_tokens, token_similarities
from lexsearch.nn.lexical import image_logits, lexical_vector, stored_sample, text_logits
from lexsearch.nn.mini import CELLS, Mini
from lexsearch.nn.text import real_tokens
from lexsearch.training.batches import Batch, Source, draw
from lexsearch.training.checkpoints import Checkpoint
from lexsearch.training.config import MiniConfig
from lexsearch.training.curve import LossLog, save_curve
from lexsearch.training.losses import (
    filip,
    flops,
    infonce,
    overuse,
    pointing,
    quadratic_ramp,
    word_prediction,
)
from lexsearch.training.sampling import sample_words
from lexsearch.training.schedule import clamped_scale, cosine_rate
from lexsearch.training.targets import WordTargets

Say = Callable[[str], None]
SAY_EVERY = 25
PENALTIES = {"overuse": overuse, "flops": flops}


def losses_of(model: Mini, batch: Batch, config: MiniConfig, *, cut: bool) -> dict[str, Tensor]:
    """Every loss of a batch by name, unweighted.

    cut: the lexical contrast sees vectors as they are stored, not whole ones.
    """
    words, share = sample_words(batch.text_words + batch.photo_words, config.sampled_words)
    kept = torch.randperm(CELLS)[: config.patches]
    # Words may not rely on CLS alone: in half of the steps only patches speak for them.
    spoken = 1 if bool(torch.rand(()) < config.patches_alone) else 0
    with torch.autocast("cpu", torch.bfloat16):
        mask = real_tokens(batch.ids)
        image, text = model.image(batch.tower, kept), model.text(batch.ids, mask)
        words_image = image_logits(image.lexical[:, spoken:], model.z_img[words]).float()
        words_text = text_logits(text.lexical, model.z_txt[words]).float()
        keep = informative_tokens(
            image.tokens.detach(), text.tokens.detach()[:64], mask[:64], config.late_share
        )
        few = torch.gather(image.tokens, 1, keep[..., None].expand(-1, -1, image.tokens.shape[2]))
        s_image, s_text = token_similarities(few.bfloat16(), text.tokens.bfloat16(), mask)
    scale = clamped_scale(model.log_scale)
    s_image, s_text = s_image.float(), s_text.float()
    dense = scale[0] * F.normalize(image.dense, dim=1) @ F.normalize(text.dense, dim=1).T
    v_image, v_text = lexical_vector(words_image, share), lexical_vector(words_text, share)
    kept_image, kept_text = v_image, v_text
    if cut:
        floor = config.word_floor
        kept_image = stored_sample(v_image, share, top_k=config.words_per_image, floor=floor)
        kept_text = stored_sample(v_text, share, top_k=config.words_per_text, floor=floor)
    lexical = scale[2] * ((kept_image * share) @ kept_text.T)
    sparse = PENALTIES[config.penalty]
    together = dense + lexical + scale[1] * s_text
    return {
        "dense": infonce(dense, batch.same),
        "late": filip(s_image, s_text, scale[1], batch.same),
        "lexical": infonce(lexical, batch.same),
        "fused": infonce(scale[3] * together, batch.same),
        "words_text": word_prediction(words_text + share.log(), batch.text_words[:, words]),
        "words_image": word_prediction(words_image + share.log(), batch.photo_words[:, words]),
        "pointing": _pointing(model, image.lexical[:, 1:], batch, kept),
        "sparse_image": sparse(v_image, share),
        "sparse_text": sparse(v_text, share),
    }


def _pointing(model: Mini, patches: Tensor, batch: Batch, kept: Tensor) -> Tensor:
    rows, words = batch.places.rows, batch.places.words
    logits = torch.einsum("mpd,md->mp", patches[rows], model.z_img[words])
    return pointing(logits, batch.places.cells[:, kept])


def total_loss(parts: dict[str, Tensor], config: MiniConfig, step: int) -> Tensor:
    """The weighted sum that is minimised at a step."""
    ramp = quadratic_ramp(step, config.ramp)
    finish = step >= config.finish_from
    weights = {
        "dense": config.w_dense,
        "late": config.w_late,
        "lexical": config.w_lexical,
        "fused": config.w_fused,
        "words_text": config.finish_words if finish else config.w_words_text,
        "words_image": config.finish_words if finish else config.w_words_image,
        "pointing": config.finish_pointing if finish else config.w_pointing,
        "sparse_image": ramp * config.overuse_image,
        "sparse_text": ramp * config.overuse_text,
    }
    return torch.stack([weights[name] * value for name, value in parts.items()]).sum()


def train_pairs(
    model: Mini,
    sources: dict[str, list[Source]],
    tokenizer: Tokenizer,
    targets: WordTargets,
    config: MiniConfig,
    *,
    checkpoint: Path,
    say: Say,
    evaluate: Callable[[Mini], str],
) -> Mini:
    """The contrastive stage; resumes from `checkpoint`. Returns the model of averaged weights.

    Beside the checkpoint it keeps the losses of every step (.losses.jsonl) and their curve (.png).
    """
    groups = parameter_groups(model, config)
    parameters = [p for group, _ in groups for p in group]
    optimiser = torch.optim.AdamW(
        [{"params": group, "lr": rate} for group, rate in groups],
        weight_decay=config.decay,
        betas=(0.9, 0.98),
    )
    averaged = Mini(model.shape)
    averaged.load_state_dict(model.state_dict())
    kept = Checkpoint(checkpoint, {"model": model, "averaged": averaged}, optimiser)
    first = kept.resume(say)
    log = LossLog(checkpoint.with_suffix(".losses.jsonl"))
    log.resume(first)
    for step in range(first, config.steps):
        torch.manual_seed(config.seed * 1_000_003 + step)
        chooser = random.Random(config.seed * 1_000_003 + step)
        model.train()
        source = _choose_source(sources, config, chooser)
        joined = chooser.random() < config.joined_share
        size = config.batch // 2 if joined else config.batch
        short = 0.0 if joined else config.short_share
        batch = draw(source, size, tokenizer, targets, chooser, short=short, joined=joined)
        share = cosine_rate(step, config.steps, config.warm_up)
        for options, (_, rate) in zip(optimiser.param_groups, groups, strict=True):
            options["lr"] = rate * share
        parts = losses_of(model, batch, config, cut=step >= config.cut_from)
        optimiser.zero_grad()
        torch.autograd.backward(total_loss(parts, config, step))
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        _average(averaged, model, min(config.average, (step + 1) / (step + 20)))
        log.append(step, {name: value.item() for name, value in parts.items()})
        if step % SAY_EVERY == 0:
            said = "  ".join(f"{name} {value.item():.3f}" for name, value in parts.items())
            say(f"step {step}/{config.steps}  {source.photos.name}  {said}")
        if (step + 1) % config.evaluate_every == 0 or step + 1 == config.steps:
            say(evaluate(averaged))
        kept.step(step + 1, config.steps)
    if first < config.steps:
        save_curve(log.path, checkpoint.with_suffix(".png"))
    return averaged


def parameter_groups(model: Mini, config: MiniConfig) -> list[tuple[list[nn.Parameter], float]]:
    """Parameters and their rates: the image tower and the text side each have their own.

    A rate of 0 freezes the tower.
    """
    tower, text = model.image.tower_parameters(), list(model.text.parameters())
    for parameter in tower:
        parameter.requires_grad_(config.tower_rate > 0)
    special = {id(p) for p in (*tower, *text)}
    rest = [p for p in model.parameters() if p.requires_grad and id(p) not in special]
    groups = [(rest, config.rate), (text, config.text_pairs_rate)]
    return [*groups, (tower, config.tower_rate)] if config.tower_rate > 0 else groups


def _choose_source(
    sources: dict[str, list[Source]], config: MiniConfig, chooser: random.Random
) -> Source:
    draw_of = chooser.random()
    if sources["scenes"] and draw_of < config.scenes_share:
        return sources["scenes"][0]
    if sources["labels"] and draw_of < config.scenes_share + config.labels_share:
        sizes = [len(source) for source in sources["labels"]]
        return chooser.choices(sources["labels"], weights=sizes)[0]
    return sources["captions"][0]


@torch.no_grad()
def _average(averaged: Mini, model: Mini, decay: float) -> None:
    for old, new in zip(averaged.parameters(), model.parameters(), strict=True):
        old.lerp_(new, 1.0 - decay)
