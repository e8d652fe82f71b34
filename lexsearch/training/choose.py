"""Measures a model on the choosing set and chooses what is stored with it: fusion and scales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from lexsearch.nn.lexical import image_logits, lexical_vector, sparsify, text_logits
from lexsearch.nn.mini import Mini
from lexsearch.nn.text import real_tokens
from lexsearch.training.batches import token_ids
from lexsearch.training.config import MiniConfig
from lexsearch.training.data import PhotoSet
from lexsearch.training.features import Features
from lexsearch.training.targets import WordTargets

CHANNELS = ("lexical", "dense", "late")
# Shares of the grid. None is 0: a channel without weight could not be edited or explained.
GRID = tuple(x / 10 for x in range(1, 9))


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Scores of every text against every photo, float32 (texts, photos) by channel; the truth.

    own: for each text the column of its photo. words_photo, words_text: the shares of true words
    (five heaviest words of a photo in its texts; words of a text among its twenty heaviest).
    """

    scores: dict[str, Tensor]
    own: Tensor
    words_photo: float
    words_text: float
    active_photo: float
    active_text: float


@torch.inference_mode()
def encode_photos(
    model: Mini, features: Features, config: MiniConfig
) -> tuple[Tensor, Tensor, Tensor]:
    """dense (n, d), tokens (n, 49, t), lexical (n, V) pruned as stored."""
    dense, tokens, lexical = [], [], []
    model.eval()
    for start in range(0, len(features.tokens), 100):
        rows = range(start, min(start + 100, len(features.tokens)))
        side = model.image(features.batch(rows))
        dense.append(F.normalize(side.dense, dim=1))
        tokens.append(side.tokens)
        vector = lexical_vector(image_logits(side.lexical, model.z_img))
        lexical.append(sparsify(vector, top_k=config.words_per_image))
    return torch.cat(dense), torch.cat(tokens), torch.cat(lexical)


@torch.inference_mode()
def measure(
    model: Mini,
    photos: PhotoSet,
    features: Features,
    tokenizer: Tokenizer,
    targets: WordTargets,
    config: MiniConfig,
) -> Measured:
    """Every text of a set against every photo of it, in every channel."""
    model.eval()
    i_dense, i_tokens, i_lexical = encode_photos(model, features, config)
    texts = [text for group in photos.texts for text in group]
    own = torch.tensor([i for i, group in enumerate(photos.texts) for _ in group])
    parts: dict[str, list[Tensor]] = {name: [] for name in CHANNELS}
    found_words: list[float] = []
    active: list[float] = []
    flat = i_tokens.reshape(-1, i_tokens.shape[2])
    for start in range(0, len(texts), 200):
        some = texts[start : start + 200]
        ids = token_ids(tokenizer, some)
        mask = real_tokens(ids)
        side = model.text(ids, mask)
        vector = lexical_vector(text_logits(side.lexical, model.z_txt))
        found_words.extend(_share_of_own_words(vector, some, targets))
        vector = sparsify(vector, top_k=config.words_per_text)
        active.append(float((vector > 0).sum(dim=1).float().mean()))
        parts["lexical"].append(vector @ i_lexical.T)
        parts["dense"].append(F.normalize(side.dense, dim=1) @ i_dense.T)
        late = [
            (tokens[real] @ flat.T).reshape(int(real.sum()), len(i_tokens), -1).amax(-1).mean(0)
            for tokens, real in zip(side.tokens, mask, strict=True)
        ]
        parts["late"].append(torch.stack(late))
    return Measured(
        {name: torch.cat(values) for name, values in parts.items()},
        own,
        _share_of_true_words(i_lexical, photos, targets),
        float(np.mean(found_words)),
        float((i_lexical > 0).sum(dim=1).float().mean()),
        float(np.mean(active)),
    )


def _share_of_own_words(vectors: Tensor, texts: list[str], targets: WordTargets) -> list[float]:
    heaviest = vectors.topk(20, dim=1).indices.tolist()
    shares: list[float] = []
    for text, top in zip(texts, heaviest, strict=True):
        own = {key for key, weight in targets.of_text(text).items() if weight == 1.0}
        if own:
            shares.append(len(own & set(top)) / len(own))
    return shares


def _share_of_true_words(vectors: Tensor, photos: PhotoSet, targets: WordTargets) -> float:
    words = targets.whole_words()
    heaviest = (vectors * words).topk(5, dim=1).indices.tolist()
    shares = []
    for texts, top in zip(photos.texts, heaviest, strict=True):
        said = {key for text in texts for key, w in targets.of_text(text).items() if w == 1.0}
        shares.append(len(said & set(top)) / 5)
    return float(np.mean(shares))


def recalls(scores: Tensor, own: Tensor) -> dict[str, float]:
    """R@1, R@5, R@10 of text to photo, in percent; a photo's ties count against it."""
    mine = scores.gather(1, own[:, None])
    better = (scores >= mine).sum(dim=1) - 1
    return {f"R@{k}": 100 * float((better < k).float().mean()) for k in (1, 5, 10)}


def fuse(scores: dict[str, Tensor], weights: dict[str, float]) -> Tensor:
    """Sum of weight * raw score."""
    return torch.stack([weights[name] * scores[name] for name in CHANNELS]).sum(dim=0)


def choose_fusion(measured: Measured) -> dict[str, float]:
    """Weights on raw scores with the best R@10 (then R@1) on the choosing set.

    The grid runs over shares of the standardised scores, so that each channel's spread counts;
    weight = share / standard deviation of the channel, scaled so that they add up to 1.
    """
    spread = {name: float(values.std()) for name, values in measured.scores.items()}
    best: tuple[tuple[float, float], dict[str, float]] | None = None
    for a in GRID:
        for b in GRID:
            c = round(1.0 - a - b, 10)
            if c < GRID[0]:
                continue
            shares = dict(zip(CHANNELS, (a, b, c), strict=True))
            weights = {name: shares[name] / spread[name] for name in CHANNELS}
            found = recalls(fuse(measured.scores, weights), measured.own)
            key = (found["R@10"] + found["R@1"], found["R@5"])
            if best is None or key > best[0]:
                best = (key, weights)
    assert best is not None
    total = sum(best[1].values())
    return {name: round(value / total, 4) for name, value in best[1].items()}


def summary(measured: Measured) -> str:
    """One line with the figures that matter."""
    weights = choose_fusion(measured)
    shown = [
        f"{name} {'/'.join(f'{v:.1f}' for v in recalls(scores, measured.own).values())}"
        for name, scores in (*measured.scores.items(), ("hybrid", fuse(measured.scores, weights)))
    ]
    return (
        f"dev  {'  '.join(shown)}  words photo {measured.words_photo:.3f} "
        f"text {measured.words_text:.3f}  active {measured.active_photo:.0f}/"
        f"{measured.active_text:.0f}  fusion {weights}"
    )
