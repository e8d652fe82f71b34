"""The texts and photos of the data folder, as training sees them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from lexsearch.errors import UsageError

CAPTIONED = "flickr8k_train"
CHOOSING = "flickr8k_dev"
LABELLED = ("caltech101", "clothing_cc0", "sun8_cmu", "flowers5")
TAGGED = "pexels_food"
TEMPLATES = ("a photo of a {}", "{}", "a picture of a {}", "this is a {}", "a {} in a photo")


@dataclass(frozen=True, slots=True)
class Box:
    """An object in a picture; sides as shares of the picture's width and height, in [0, 1]."""

    name: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class PhotoSet:
    """Photos with their sentences.

    Attributes:
        name: of the set.
        paths: the files, sorted by name.
        texts: per photo, one sentence or more.
        group: per photo, a key; photos with the same key match each other's sentences.
        boxes: per photo, its objects; empty when they are not known.
    """

    name: str
    paths: tuple[Path, ...]
    texts: tuple[tuple[str, ...], ...]
    group: tuple[int, ...]
    boxes: tuple[tuple[Box, ...], ...] = ()


def _table(path: Path) -> dict[str, list[str]]:
    if not path.is_file():
        raise UsageError(f"no {path}; --data names the folder with photos/, text/ and weights/")
    rows: dict[str, list[str]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, text = line.partition("\t")
        rows[name].append(text)
    return rows


def captioned(folder: Path, name: str) -> PhotoSet:
    """A folder of images/ with captions.tsv; every photo is its own group."""
    rows = sorted(_table(folder / "captions.tsv").items())
    rows = [(file, texts) for file, texts in rows if (folder / "images" / file).is_file()]
    return PhotoSet(
        name,
        tuple(folder / "images" / file for file, _ in rows),
        tuple(tuple(texts) for _, texts in rows),
        tuple(range(len(rows))),
        boxes_of(folder, [file for file, _ in rows]),
    )


def boxes_of(folder: Path, files: Sequence[str]) -> tuple[tuple[Box, ...], ...]:
    """The objects of rendered pictures, from objects.tsv; empty when there is no such file."""
    path = folder / "objects.tsv"
    if not path.is_file():
        return ()
    found: dict[str, list[Box]] = defaultdict(list)
    sizes: dict[str, tuple[int, int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        file, _, name, _, *sides = line.split("\t")
        if file not in sizes:
            with Image.open(folder / "images" / file) as image:
                sizes[file] = image.size
        width, height = sizes[file]
        left, top, right, bottom = (int(side) for side in sides)
        found[file].append(Box(name, left / width, top / height, right / width, bottom / height))
    return tuple(tuple(found[file]) for file in files)


def tagged(folder: Path) -> PhotoSet:
    """Titles, and tags as further sentences of six tags each."""
    rows = sorted(_table(folder / "captions.tsv").items())
    texts: list[tuple[str, ...]] = []
    for _, lines in rows:
        title, _, tags = lines[0].partition("\t")
        names = [tag.strip() for tag in tags.split(",") if tag.strip()]
        groups = [", ".join(names[i : i + 6]) for i in range(0, len(names), 6)]
        texts.append((title, *groups))
    return PhotoSet(
        TAGGED,
        tuple(folder / "images" / file for file, _ in rows),
        tuple(texts),
        tuple(range(len(rows))),
    )


def labelled(folder: Path, *, without: Sequence[str] = ()) -> PhotoSet:
    """Labels in sentences; photos of one label are one group."""
    rows = sorted(
        (file, label)
        for file, labels in _table(folder / "labels.tsv").items()
        if (label := labels[0]) not in without
    )
    names = sorted({label for _, label in rows})
    return PhotoSet(
        folder.name,
        tuple(folder / "images" / file for file, _ in rows),
        tuple(tuple(t.format(label.lower()) for t in TEMPLATES) for _, label in rows),
        tuple(names.index(label) for _, label in rows),
    )


def training_sets(
    data: Path, scenes: Path | None, *, held_out: Sequence[str]
) -> dict[str, list[PhotoSet]]:
    """Photo sets by kind: `captions`, `scenes`, `labels`."""
    photos = data / "photos"
    labels = [labelled(photos / name, without=held_out) for name in LABELLED]
    return {
        "captions": [captioned(photos / CAPTIONED, CAPTIONED)],
        "scenes": [captioned(scenes, "scenes")] if scenes is not None else [],
        "labels": [*labels, tagged(photos / TAGGED)],
    }


def text_lines(data: Path, name: str) -> list[str]:
    """The training sentences without a picture in one file of text/."""
    path = data / "text" / name
    if not path.is_file():
        raise UsageError(f"no {path}; --data names the folder with photos/, text/ and weights/")
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line]


def class_names(data: Path) -> tuple[list[str], list[str]]:
    """The backbone's 1,000 class names in order, and all label names, sorted."""
    path = data / "weights" / "imagenet_classes.txt"
    backbone = [line.partition(" ")[2] for line in path.read_text(encoding="utf-8").splitlines()]
    labels = {
        label
        for name in LABELLED
        for values in _table(data / "photos" / name / "labels.tsv").values()
        for label in values
    }
    return backbone, sorted(label.lower() for label in labels)
