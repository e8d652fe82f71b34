"""The two stages of training: words of captions alone, then pictures and texts together."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from lexsearch.nn.late import informative_tokens, token_similarities
from lexsearch.nn.lexical import image_logits, lexical_vector, text_logits
from lexsearch.nn.mini import POOLED, Mini
from lexsearch.nn.text import real_tokens
from lexsearch.training.config import MiniConfig
from lexsearch.training.data import PhotoSet
from lexsearch.training.features import Features
from lexsearch.training.losses import filip, infonce, overuse, quadratic_ramp, word_prediction
from lexsearch.training.targets import WordTargets, WordWeights
from lexsearch.training.words import content_words

MAX_TOKENS = 248
SAVE_EVERY = 100
MAX_SCALE = math.log(100.0)
Say = Callable[[str], None]


def token_ids(tokenizer: Tokenizer, texts: list[str], limit: int = MAX_TOKENS) -> Tensor:
    """int64 (n, longest): begin, tokens, end, padding 0."""
    rows = [[1, *e.ids[: limit - 2], 2] for e in tokenizer.encode_batch(texts)]
    longest = max(map(len, rows))
    return torch.tensor([row + [0] * (longest - len(row)) for row in rows])


@dataclass(slots=True, eq=False)
class Source:
    """One set ready for batches: features (plain, mirrored), word targets by photo and text."""

    photos: PhotoSet
    plain: Features
    mirrored: Features | None
    photo_words: list[WordWeights]

    def __len__(self) -> int:
        return len(self.photos.paths)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """n pairs: tower tokens, token ids, texts, their words, and which pairs match each other."""

    tower: Tensor
    ids: Tensor
    text_words: Tensor
    photo_words: Tensor
    same: Tensor


def cosine_rate(step: int, steps: int, warm_up: int) -> float:
    """Linear from 0 to 1 over warm_up steps, then half a cosine down to 0."""
    return min(1.0, (step + 1) / warm_up) * 0.5 * (1.0 + math.cos(math.pi * step / steps))


def pretrain_text(
    model: Mini,
    lines: list[str],
    tokenizer: Tokenizer,
    targets: WordTargets,
    config: MiniConfig,
    *,
    say: Say,
) -> None:
    """Teach the text side to predict a caption's own words and those above them; sets Z_txt."""
    chooser = random.Random(config.seed)
    parameters = [*model.text.parameters(), model.z_txt]
    optimiser = torch.optim.AdamW(parameters, lr=config.text_rate, weight_decay=0.01)
    steps = max(1, int(config.text_passes * len(lines) / config.text_batch))
    model.train()
    for step, texts in zip(range(steps), _text_batches(lines, config, chooser), strict=False):
        for group in optimiser.param_groups:
            group["lr"] = config.text_rate * cosine_rate(step, steps, 50)
        ids = token_ids(tokenizer, texts)
        wanted = targets.dense([targets.of_text(text) for text in texts])
        words, share = sample_words(wanted, config.sampled_words)
        with torch.autocast("cpu", torch.bfloat16):
            said = model.text(ids, real_tokens(ids))
            logits = text_logits(said.lexical, model.z_txt[words]).float()
        loss = word_prediction(logits + share.log(), wanted[:, words])
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        if step % 50 == 0:
            say(f"text {step}/{steps}  words {loss.item():.3f}")


def _text_batches(
    lines: list[str], config: MiniConfig, chooser: random.Random
) -> Iterator[list[str]]:
    """Batches of lines of like length; long captions come in smaller batches."""
    while True:
        order = chooser.sample(range(len(lines)), len(lines))
        order.sort(key=lambda i: len(lines[i]) // 24)
        batches: list[list[int]] = []
        start = 0
        while start < len(order):
            long = len(lines[order[start]]) > 300
            size = config.text_batch // 8 if long else config.text_batch
            batches.append(order[start : start + size])
            start += size
        chooser.shuffle(batches)
        for batch in batches:
            yield [lines[i] for i in batch]


def draw(
    source: Source,
    n: int,
    tokenizer: Tokenizer,
    targets: WordTargets,
    chooser: random.Random,
    *,
    short: float = 0.0,
) -> Batch:
    """n random photos of a set, each with one of its texts; half of them mirrored.

    short: share of texts that are cut to a few of their content words.
    """
    rows = chooser.sample(range(len(source)), min(n, len(source)))
    texts = [chooser.choice(source.photos.texts[row]) for row in rows]
    texts = [shorten(t, chooser) if chooser.random() < short else t for t in texts]
    tower = source.plain.batch(rows)
    if source.mirrored is not None:
        turned = [
            i
            for i, text in enumerate(texts)
            if chooser.random() < 0.5 and " left" not in text and " right" not in text
        ]
        if turned:
            tower[turned] = source.mirrored.batch([rows[i] for i in turned])
    groups = torch.tensor([source.photos.group[row] for row in rows])
    text_words = targets.dense([targets.of_text(text) for text in texts])
    photo_words = targets.dense([source.photo_words[row] for row in rows])
    same = (groups[:, None] == groups[None, :]) | carried(text_words, photo_words).T
    return Batch(tower, token_ids(tokenizer, texts), text_words, photo_words, same)


def shorten(text: str, chooser: random.Random) -> str:
    """One to three neighbouring content words of a text, as they stand in it."""
    found = [word.strip(".,;:!?\"'") for word in text.split() if content_words(word)]
    if not found:
        return text
    start = chooser.randrange(len(found))
    return " ".join(found[start : start + chooser.choice((1, 1, 2, 2, 3))])


def carried(text_words: Tensor, photo_words: Tensor) -> Tensor:
    """bool (texts, photos): True where the photo carries every own word of the text."""
    wanted = (text_words == 1.0).float()
    found = wanted @ (photo_words > 0).float().T
    count = wanted.sum(dim=1, keepdim=True)
    return (found == count) & (count > 0)


def losses_of(model: Mini, batch: Batch, config: MiniConfig) -> dict[str, Tensor]:
    """Every loss of a batch by name, unweighted."""
    words, share = sample_words(batch.text_words + batch.photo_words, config.sampled_words)
    with torch.autocast("cpu", torch.bfloat16):
        mask = real_tokens(batch.ids)
        kept = torch.randperm(POOLED * POOLED)[: config.patches]
        image, text = model.image(batch.tower, kept), model.text(batch.ids, mask)
        words_image = image_logits(image.lexical, model.z_img[words]).float()
        words_text = text_logits(text.lexical, model.z_txt[words]).float()
        keep = informative_tokens(
            image.tokens.detach(), text.tokens.detach()[:64], mask[:64], config.late_share
        )
        few = torch.gather(image.tokens, 1, keep[..., None].expand(-1, -1, image.tokens.shape[2]))
        s_image, s_text = token_similarities(few.bfloat16(), text.tokens.bfloat16(), mask)
    scale = model.log_scale.clamp(max=MAX_SCALE).exp()
    dense = F.normalize(image.dense, dim=1) @ F.normalize(text.dense, dim=1).T
    v_image, v_text = lexical_vector(words_image, share), lexical_vector(words_text, share)
    return {
        "dense": infonce(scale[0] * dense, batch.same),
        "late": filip(s_image.float(), s_text.float(), scale[1], batch.same),
        "lexical": infonce(scale[2] * ((v_image * share) @ v_text.T), batch.same),
        "words_text": word_prediction(words_text + share.log(), batch.text_words[:, words]),
        "words_image": word_prediction(words_image + share.log(), batch.photo_words[:, words]),
        "overuse_image": overuse(v_image, share),
        "overuse_text": overuse(v_text, share),
    }


def sample_words(wanted: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Ids of the words of a step, and how many words of the vocabulary each one stands for.

    Every word that a row of `wanted` (n, V) should fire, standing for itself, and `count` of
    the others at random, each standing for its share of them: sums over the sample are then
    unbiased estimates of sums over the vocabulary (importance sampling; for softmax Jean et al.
    2015).
    """
    active = (wanted > 0).any(dim=0)
    own, others = active.nonzero()[:, 0], (~active).nonzero()[:, 0]
    drawn = others[torch.randperm(len(others))[:count]]
    share = torch.ones(len(own) + len(drawn))
    share[len(own) :] = len(others) / max(1, len(drawn))
    return torch.cat([own, drawn]), share


def total_loss(parts: dict[str, Tensor], config: MiniConfig, step: int) -> Tensor:
    """The weighted sum that is minimised at a step."""
    ramp = quadratic_ramp(step, config.ramp)
    weights = {
        "dense": config.w_dense,
        "late": config.w_late,
        "lexical": config.w_lexical,
        "words_text": config.w_words_text,
        "words_image": config.w_words_image,
        "overuse_image": ramp * config.overuse_image,
        "overuse_text": ramp * config.overuse_text,
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
    evaluate_every: int = 250,
) -> Mini:
    """The contrastive stage; resumes from `checkpoint`. Returns the model of averaged weights."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        parameters, lr=config.rate, weight_decay=config.decay, betas=(0.9, 0.98)
    )
    averaged = Mini(model.shape)
    averaged.load_state_dict(model.state_dict())
    start = 0
    if checkpoint.is_file():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        averaged.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        start = int(state["step"])
        say(f"resumed at step {start}")
    for step in range(start, config.steps):
        torch.manual_seed(config.seed * 1_000_003 + step)
        chooser = random.Random(config.seed * 1_000_003 + step)
        model.train()
        source = _choose_source(sources, config, chooser)
        batch = draw(source, config.batch, tokenizer, targets, chooser, short=config.short_share)
        rate = config.rate * cosine_rate(step, config.steps, config.warm_up)
        for group in optimiser.param_groups:
            group["lr"] = rate
        parts = losses_of(model, batch, config)
        optimiser.zero_grad()
        torch.autograd.backward(total_loss(parts, config, step))
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        _average(averaged, model, min(config.average, (step + 1) / (step + 20)))
        if step % 25 == 0:
            said = "  ".join(f"{name} {value.item():.3f}" for name, value in parts.items())
            say(f"step {step}/{config.steps}  {source.photos.name}  {said}")
        if (step + 1) % evaluate_every == 0 or step + 1 == config.steps:
            say(evaluate(averaged))
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == config.steps:
            _save(checkpoint, model, averaged, optimiser, step + 1)
    return averaged


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


def _save(
    path: Path, model: Mini, averaged: Mini, optimiser: torch.optim.Optimizer, step: int
) -> None:
    temporary = path.with_suffix(".tmp")
    torch.save(
        {
            "model": model.state_dict(),
            "averaged": averaged.state_dict(),
            "optimiser": optimiser.state_dict(),
            "step": step,
        },
        temporary,
    )
    temporary.replace(path)
