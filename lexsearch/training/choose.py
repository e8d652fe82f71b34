"""Measures a model on the choosing set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from lexsearch.nn.lexical import image_logits, lexical_vector, stored_form, text_logits
from lexsearch.nn.mini import Mini
from lexsearch.nn.text import real_tokens
from lexsearch.training.batches import token_ids
from lexsearch.training.config import MiniConfig
from lexsearch.training.data import PhotoSet
from lexsearch.training.features import Features
from lexsearch.training.fusion import CHANNELS, choose_fusion, fuse, recalls
from lexsearch.training.targets import WordTargets

COMMON = 10  # photos that name a word before it counts in a choice
FIRES_GRID = tuple(round(0.01 * x, 2) for x in range(1, 31))


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Scores of every text against every photo, float32 (texts, photos) by channel; the truth.

    own: for each text the column of its photo. lexical: stored word weights of the photos,
    float32 (photos, V). words_photo, words_text: the shares of true words
    (five heaviest words of a photo in its texts; words of a text among its twenty heaviest).
    """

    scores: dict[str, Tensor]
    own: Tensor
    lexical: Tensor
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
        lexical.append(stored_form(vector, config.words_per_image, floor=config.word_floor))
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
        vector = stored_form(vector, config.words_per_text, floor=config.word_floor)
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
        i_lexical,
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


def summary(measured: Measured) -> str:
    """One line with the figures that matter."""
    weights = choose_fusion(measured.scores, measured.own).weights
    shown = [
        f"{name} {'/'.join(f'{v:.1f}' for v in recalls(scores, measured.own).values())}"
        for name, scores in (*measured.scores.items(), ("hybrid", fuse(measured.scores, weights)))
    ]
    return (
        f"dev  {'  '.join(shown)}  words photo {measured.words_photo:.3f} "
        f"text {measured.words_text:.3f}  active {measured.active_photo:.0f}/"
        f"{measured.active_text:.0f}  fusion {weights}"
    )


def choose_word_fires(measured: Measured, photos: PhotoSet, targets: WordTargets) -> float:
    """The stored weight from which on a photo is said to carry a word.

    Of a grid, the one with the best mean F1 over all words that the texts of at least COMMON
    photos name: a photo carries a word in truth when one of its texts names it.
    """
    said = torch.zeros(measured.lexical.shape, dtype=torch.bool)
    for row, texts in enumerate(photos.texts):
        said[row, [key for text in texts for key in targets.own_words(text)]] = True
    words = (said.sum(dim=0) >= COMMON).nonzero()[:, 0]
    if not len(words):
        return FIRES_GRID[0]
    truth, weights = said[:, words], measured.lexical[:, words]

    def mean_f1(threshold: float) -> float:
        found = weights >= threshold
        right = (found & truth).sum(dim=0).float()
        return float((2 * right / (found.sum(dim=0) + truth.sum(dim=0))).mean())

    return max(FIRES_GRID, key=mean_f1)
