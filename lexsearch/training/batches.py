"""Batches of pictures with their texts: what is drawn, cut, joined, mirrored and masked."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from lexsearch.nn.mini import POOLED
from lexsearch.training.data import Box, PhotoSet
from lexsearch.training.features import Features
from lexsearch.training.targets import WordTargets, WordWeights
from lexsearch.training.words import content_words

MAX_TOKENS = 248
BOX_CORE = 0.7  # share of a box's sides that surely lies on its object


def token_ids(tokenizer: Tokenizer, texts: Sequence[str], limit: int = MAX_TOKENS) -> Tensor:
    """int64 (n, longest): begin, tokens, end, padding 0."""
    rows = [[1, *e.ids[: limit - 2], 2] for e in tokenizer.encode_batch(list(texts))]
    longest = max(map(len, rows))
    return torch.tensor([row + [0] * (longest - len(row)) for row in rows])


@dataclass(slots=True, eq=False)
class Source:
    """One set ready for batches: features of every view, word targets by photo and text.

    plain, mirrored: views as they lie, and views mirrored left and right; the first plain one is
    of whole photos.
    """

    photos: PhotoSet
    plain: list[Features]
    mirrored: list[Features]
    photo_words: list[WordWeights]

    def __len__(self) -> int:
        return len(self.photos.paths)


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where words lie: rows int64 (m,), words int64 (m,), cells bool (m, 49)."""

    rows: Tensor
    words: Tensor
    cells: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """n pairs: tower tokens, token ids, their words, which pairs match each other, objects."""

    tower: Tensor
    ids: Tensor
    text_words: Tensor
    photo_words: Tensor
    same: Tensor
    places: Places


def draw(
    source: Source,
    n: int,
    tokenizer: Tokenizer,
    targets: WordTargets,
    chooser: random.Random,
    *,
    short: float = 0.0,
    joined: bool = False,
) -> Batch:
    """n random photos of a set, each with one of its texts and in one of its views.

    short: share of texts that are cut to a few of their content words.
    joined: each photo comes with two or more of its texts in one.
    """
    rows = chooser.sample(range(len(source)), min(n, len(source)))
    texts = [_text_of(source.photos.texts[row], chooser, joined=joined) for row in rows]
    texts = [shorten(t, chooser) if chooser.random() < short else t for t in texts]
    tower = _seen(source, rows, texts, chooser)
    groups = torch.tensor([source.photos.group[row] for row in rows])
    text_words = targets.dense([targets.of_text(text) for text in texts])
    photo_words = targets.dense([source.photo_words[row] for row in rows])
    same = (groups[:, None] == groups[None, :]) | carried(text_words, photo_words).T
    boxes = [source.photos.boxes[row] for row in rows] if source.photos.boxes else []
    ids = token_ids(tokenizer, texts)
    return Batch(tower, ids, text_words, photo_words, same, places_of(boxes, targets))


def _seen(
    source: Source, rows: Sequence[int], texts: Sequence[str], chooser: random.Random
) -> Tensor:
    """Tower states of a random view of every row; a text that names a side is not mirrored."""
    views = [*source.plain, *source.mirrored]
    chosen = [
        chooser.randrange(len(source.plain) if _names_a_side(text) else len(views))
        for text in texts
    ]
    tower = source.plain[0].batch(rows)
    for number, view in enumerate(views[1:], start=1):
        places = [i for i, one in enumerate(chosen) if one == number]
        if places:
            tower[places] = view.batch([rows[i] for i in places])
    return tower


def _names_a_side(text: str) -> bool:
    return " left" in text or " right" in text


def _text_of(texts: Sequence[str], chooser: random.Random, *, joined: bool) -> str:
    if not joined or len(texts) < 2:
        return chooser.choice(texts)
    some = chooser.sample(texts, chooser.randint(2, len(texts)))
    return " ".join(text if text.rstrip().endswith(".") else f"{text}." for text in some)


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


def places_of(boxes: Sequence[Sequence[Box]], targets: WordTargets) -> Places:
    """The cells under the objects of every picture, once for each word of their names.

    Several objects of one name share a row: the word is right on any of them.
    """
    rows, words, cells = [], [], []
    for row, objects in enumerate(boxes):
        under: dict[int, Tensor] = {}
        for box in objects:
            for key in targets.own_words(box.name):
                found = cells_under(box)
                under[key] = under[key] | found if key in under else found
        for key, found in under.items():
            rows.append(row)
            words.append(key)
            cells.append(found)
    stacked = torch.stack(cells) if cells else torch.zeros(0, POOLED * POOLED, dtype=torch.bool)
    return Places(torch.tensor(rows).long(), torch.tensor(words).long(), stacked)


def cells_under(box: Box) -> Tensor:
    """bool (49,): cells whose centre lies in the core of a box, at least the nearest one."""
    middle = (torch.arange(POOLED) + 0.5) / POOLED
    inside = []
    for low, high in ((box.top, box.bottom), (box.left, box.right)):
        centre, half = (low + high) / 2, BOX_CORE * (high - low) / 2
        distance = (middle - centre).abs()
        inside.append((distance <= half) | (distance == distance.min()))
    return (inside[0][:, None] & inside[1][None, :]).flatten()
