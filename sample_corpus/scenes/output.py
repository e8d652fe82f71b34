"""Turns painted scenes into pictures, masks, boxes and lines of the tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from .captions import captions
from .layout import plan
from .scene import Item, Scene, paint

PixelBox = tuple[int, int, int, int]
_MIN_VISIBLE = 0.0009


@dataclass
class Shown:
    """One object as it appears: its visible pixels and their box."""

    item: Item
    mask: Image.Image
    box: PixelBox


@dataclass
class Picture:
    """A finished picture with its facts."""

    scene: Scene
    image: Image.Image
    shown: list[Shown]


def render(scene: Scene, size: tuple[int, int], quick: bool, masks: bool = True) -> Picture | None:
    """Paints a scene at a size; None if an object is hardly visible."""
    factor = 1.5 if quick else 2
    canvas = paint(scene, round(size[1] * factor))
    image = canvas.rgb.resize(size, Image.Resampling.BOX if quick else Image.Resampling.LANCZOS)
    ids = np.asarray(canvas.ids)
    items = scene.items()
    counts = np.bincount(ids.ravel(), minlength=len(items) + 1)
    if (counts[1 : len(items) + 1] < _MIN_VISIBLE * ids.size).any():
        return None
    shown: list[Shown] = []
    for number, item in enumerate(items, start=1):
        if not masks and not quick:
            break
        layer = canvas.ids.point([255 if v == number else 0 for v in range(256)])
        mask = layer.resize(size, Image.Resampling.BOX).point(lambda v: 255 if v > 128 else 0, "1")
        box = mask.getbbox()
        if box is None:
            return None
        shown.append(Shown(item, mask, box))
    return Picture(scene, image, shown)


def stream(
    seed: int, count: int, size: tuple[int, int]
) -> Iterator[tuple[int, Picture, list[str]]]:
    """Yields numbered pictures with five sentences each, the same for the same seed."""
    width, height = size
    square = abs(width / height - 4 / 3) > 0.02
    for index in range(count):
        rng = Random(f"{seed}:{index}")
        picture: Picture | None = None
        while picture is None:
            portrait = rng.random() < 0.1
            scene = plan(rng, portrait=portrait)
            shape = size if square or not portrait else (height, width)
            picture = render(scene, shape, quick=height < 400)
        yield index, picture, captions(rng, picture.scene, 5)


def object_lines(file: str, picture: Picture, mask_names: list[str]) -> list[str]:
    """Writes the lines of objects.tsv for a picture."""
    lines: list[str] = []
    for name, shown in zip(mask_names, picture.shown, strict=True):
        cells = [file, name, shown.item.kind, shown.item.colour, *map(str, shown.box)]
        lines.append("\t".join(cells))
    return lines


def save_masks(folder: Path, stem: str, picture: Picture) -> list[str]:
    """Saves the masks and returns their names."""
    names: list[str] = []
    for number, shown in enumerate(picture.shown):
        name = f"{stem}.{number}.png"
        shown.mask.save(folder / name, optimize=True)
        names.append(name)
    return names
