"""The pointing game: does the strongest patch of a word lie on the object it names?

A question is a picture and the head word of objects in it (`apple tree` and `palm tree` both ask
for `tree`: the map is that of a word, and the word is right on either). The answer is the patch
with the largest weight of that word, ties to the first in reading order. It is a hit

- `centre`: when the patch's centre lies on the mask of an object of that word;
- `touch`: when any pixel of the patch does.

Chance is the mean share of patches that would be a hit; `reachable` the share of questions that
any patch could answer, since a small object may lie between the centres. Names whose head is not
in the vocabulary have no map; they are listed and not counted.

Source: Zhang et al. 2016 (Excitation Backprop), the pointing game; cells of the grid instead of
a margin in pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lexsearch.errors import UsageError
from lexsearch.evaluation.bootstrap import RESAMPLES, SEED, interval
from lexsearch.evaluation.class_words import head_entry
from lexsearch.evaluation.masks import BoolArray, centred_patches, read_mask, touched_patches
from lexsearch.evaluation.tables import existing_folder, read_rows
from lexsearch.explain.alignment import arg_max_patch, word_map
from lexsearch.pictures import load_pixels
from lexsearch.protocols import Model, Vocabulary

RULES = ("centre", "touch")


@dataclass(frozen=True, slots=True)
class SeenObject:
    """One object of a picture: its file names and what it is called."""

    file: str
    mask: str
    name: str


def read_objects(path: Path) -> list[SeenObject]:
    """Objects from lines `file<TAB>mask<TAB>name[<TAB>...]`, in order.

    Raises:
        UsageError: no such file, or a line of another form.
    """
    rows = read_rows(path, what="objects", form="file<TAB>mask<TAB>name")
    return [SeenObject(*fields[:3]) for _, fields in rows]


def questions(
    objects: Iterable[SeenObject], vocabulary: Vocabulary
) -> tuple[dict[str, dict[int, list[str]]], list[str]]:
    """File -> word id -> masks of its objects; and the names with no known word, sorted."""
    asked: dict[str, dict[int, list[str]]] = {}
    unknown: set[str] = set()
    for one in objects:
        word = head_entry(one.name, vocabulary)
        if word is None:
            unknown.add(one.name)
        else:
            asked.setdefault(one.file, {}).setdefault(word, []).append(one.mask)
    return asked, sorted(unknown)


def pointing(
    model: Model,
    corpus: Path,
    *,
    limit: int | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """The figures of the pointing game as JSON values; see the head of this file.

    Args:
        model: with a lexical role.
        corpus: folder with objects.tsv, images/ and masks/.
        limit: use the first so many pictures only.
        resamples, seed: of the interval, by bootstrap over the questions; 0 = none.
        on_progress: called after every picture with how many are done.

    Returns:
        images, questions, unknown; under `centre` and `touch`: accuracy, interval, chance, ratio,
        reachable; `words`: word -> [hits by centre, questions].

    Raises:
        UsageError: a file is missing or cannot be read, or no name has a known word.
    """
    objects = read_objects(existing_folder(corpus) / "objects.tsv")
    asked, unknown = questions(objects, model.vocabulary)
    if not asked:
        raise UsageError(f"no object of {corpus / 'objects.tsv'} is called by a known word")
    right: dict[str, list[bool]] = {rule: [] for rule in RULES}
    shares: dict[str, list[float]] = {rule: [] for rule in RULES}
    words: dict[str, list[int]] = {}
    files = list(asked)[:limit]
    for done, file in enumerate(files, start=1):
        patches = model.encode_patches(load_pixels(str(corpus / "images" / file), model.pixel_spec))
        for word, masks in asked[file].items():
            mask = union_of(corpus / "masks" / name for name in masks)
            row, column = arg_max_patch(word_map(patches, word))
            cells = {
                "centre": centred_patches(mask, patches.grid),
                "touch": touched_patches(mask, patches.grid),
            }
            for rule, on_object in cells.items():
                right[rule].append(bool(on_object[row * patches.grid[1] + column]))
                shares[rule].append(float(on_object.mean()))
            tally = words.setdefault(model.vocabulary.words[word], [0, 0])
            tally[0] += right["centre"][-1]
            tally[1] += 1
        if on_progress is not None:
            on_progress(done)
    return {
        "images": len(files),
        "questions": len(right["centre"]),
        "unknown": unknown,
        **{rule: _figures(right[rule], shares[rule], resamples, seed) for rule in RULES},
        "words": dict(sorted(words.items())),
    }


def union_of(paths: Iterable[Path]) -> BoolArray:
    """Pixels that any of the masks marks, bool (height, width).

    Raises:
        UsageError: a mask cannot be read, or has another size than the first.
    """
    union: BoolArray | None = None
    for path in paths:
        mask = read_mask(path) != 0
        if union is not None and mask.shape != union.shape:
            raise UsageError(f"{path} is {mask.shape}; the picture's first mask is {union.shape}")
        union = mask if union is None else union | mask
    assert union is not None  # a question comes from at least one object
    return union


def _figures(
    right: Sequence[bool], shares: Sequence[float], resamples: int, seed: int
) -> Mapping[str, Any]:
    found = interval([float(x) for x in right], resamples=resamples, seed=seed)
    chance = float(np.mean(shares))
    return {
        "accuracy": found.mean,
        "interval": [found.low, found.high],
        "chance": chance,
        "ratio": found.mean / chance if chance > 0 else 0.0,
        "reachable": float(np.mean([share > 0 for share in shares])),
    }
