"""The texts and photos of the data folder, as training sees them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lexsearch.errors import UsageError

CAPTIONED = "flickr8k_train"
CHOOSING = "flickr8k_dev"
LABELLED = ("caltech101", "clothing_cc0", "sun8_cmu", "flowers5")
TAGGED = "pexels_food"
TEMPLATES = ("a photo of a {}", "{}", "a picture of a {}", "this is a {}", "a {} in a photo")


@dataclass(frozen=True, slots=True)
class PhotoSet:
    """Photos with their sentences.

    Attributes:
        name: of the set.
        paths: the files, sorted by name.
        texts: per photo, one sentence or more.
        group: per photo, a key; photos with the same key match each other's sentences.
    """

    name: str
    paths: tuple[Path, ...]
    texts: tuple[tuple[str, ...], ...]
    group: tuple[int, ...]


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
    )


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


def text_lines(data: Path) -> list[str]:
    """Every training sentence without a picture: short captions, then long ones."""
    lines: list[str] = []
    for name in ("captions.txt", "long_captions.txt"):
        path = data / "text" / name
        if not path.is_file():
            raise UsageError(f"no {path}; --data names the folder with photos/, text/ and weights/")
        lines.extend(line for line in path.read_text(encoding="utf-8").splitlines() if line)
    return lines


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
