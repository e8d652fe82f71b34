"""Zero-shot classification: a picture against one prompt per class.

A class is its label put into a template; with several templates their similarities are averaged,
never their vectors, as FILIP does, since sets of tokens have no mean. The pictures are
those whose label is one of the classes, the candidates are the classes and nothing else. Equal
scores go to the class that comes first.

Source: FILIP (arXiv 2111.07783), prompt ensemble.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lexsearch.errors import UsageError
from lexsearch.evaluation.bootstrap import RESAMPLES, SEED, interval
from lexsearch.evaluation.channels import (
    encode_pictures,
    encode_sentences,
    ranks_of,
    score_matrices,
)
from lexsearch.evaluation.tables import existing_folder, read_lines, read_rows
from lexsearch.models.files import bundled
from lexsearch.prompts import TEMPLATES, prompts
from lexsearch.protocols import Model


@dataclass(frozen=True, slots=True)
class Labelled:
    """One picture and the name of its class."""

    file: str
    label: str


def read_labels(path: Path) -> list[Labelled]:
    """Pictures from lines `file<TAB>label`, in order.

    Raises:
        UsageError: no such file, none in it, or a line without a tab.
    """
    rows = read_rows(path, what="labels", form="file<TAB>label")
    return [Labelled(fields[0], fields[1]) for _, fields in rows]


def read_names(path: Path) -> list[str]:
    """Class names, one a line.

    Raises:
        UsageError: no such file, or no name in it.
    """
    names = [line.strip() for _, line in read_lines(path, what="class names")]
    if not names:
        raise UsageError(f"{path} holds no class name; expected one a line")
    return names


def held_out_classes(model: str) -> list[str]:
    """Classes that no stage of the training of a bundled model has seen, by its manifest.

    Raises:
        ModelMissing: no bundled model of that name.
        UsageError: its manifest names none.
    """
    found = bundled(model).manifest.get("training", {}).get("held_out", [])
    if not found:
        raise UsageError(f"the manifest of the model {model!r} names no held-out classes")
    return [str(name) for name in found]


def chosen(labelled: Sequence[Labelled], only: Iterable[str] | None) -> list[str]:
    """The classes to tell apart, each once: those of `only` in its order, or all, sorted.

    Raises:
        UsageError: a class that no picture has, or fewer than two classes.
    """
    known = {one.label for one in labelled}
    names = sorted(known) if only is None else list(dict.fromkeys(only))
    missing = [name for name in names if name not in known]
    if missing:
        raise UsageError(f"no picture has the label {missing[0]!r}; the labels name {len(known)}")
    if len(names) < 2:
        raise UsageError(f"{len(names)} class is nothing to tell apart; expected at least two")
    return names


def zero_shot(
    model: Model,
    images: Path,
    labelled: Sequence[Labelled],
    *,
    classes: Sequence[str],
    templates: Sequence[str] = TEMPLATES,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Top-1 and top-5 of every mode as JSON values; see the head of this file.

    Args:
        model: with any of the roles.
        images: folder that the file names lie in.
        labelled: pictures; those of other classes are left out.
        classes: as `chosen` gives them.
        templates: each with `{}`.
        resamples, seed: of the intervals, by bootstrap over the pictures; 0 = none.
        on_progress: called after every batch with how many pictures are done.

    Returns:
        images, classes, templates; `chance`: top1, top5 of a uniform guess; `modes`: mode ->
        top1, interval (of top1), top5, ratio (top1 over chance).

    Raises:
        UsageError: as `prompts`, no picture left, or a file that cannot be read.
    """
    sentences = prompts(classes, templates)
    places = {name: i for i, name in enumerate(classes)}
    kept = [one for one in labelled if one.label in places]
    if not kept:
        raise UsageError("no picture has one of the classes")
    folder = existing_folder(images)
    pictures = encode_pictures(model, [folder / one.file for one in kept], on_progress=on_progress)
    sums: dict[str, Any] = {}
    for some in sentences:
        texts = encode_sentences(model, some)
        for mode, scores in score_matrices(texts, pictures, model.fusion).items():
            sums[mode] = sums.get(mode, 0) + scores.T / np.float32(len(templates))
    right = np.array([places[one.label] for one in kept], dtype=np.int64)
    chance = {"top1": 1 / len(classes), "top5": min(5, len(classes)) / len(classes)}
    modes: dict[str, dict[str, Any]] = {}
    for mode, scores in sums.items():
        rank = ranks_of(scores, right)
        top1 = interval((rank <= 1).astype(np.float64), resamples=resamples, seed=seed)
        modes[mode] = {
            "top1": top1.mean,
            "interval": [top1.low, top1.high],
            "top5": float((rank <= 5).mean()),
            "ratio": top1.mean / chance["top1"],
        }
    return {
        "images": len(kept),
        "classes": list(classes),
        "templates": list(templates),
        "chance": chance,
        "modes": modes,
    }
