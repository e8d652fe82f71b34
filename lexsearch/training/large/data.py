"""Pairs of pictures and captions in a folder, and the batches drawn from them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from lexsearch.errors import UsageError

TABLE = "captions.tsv"
SMALLEST_CROP = 0.6  # of the picture's area, when pictures are augmented


@dataclass(frozen=True, slots=True)
class Pairs:
    """Photos with their captions.

    Attributes:
        folder: that holds them.
        paths: the files, sorted by name.
        captions: per photo, one or more, in the order of the table.
    """

    folder: Path
    paths: tuple[Path, ...]
    captions: tuple[tuple[str, ...], ...]


def read_pairs(folder: Path) -> Pairs:
    """The photos in FOLDER/images with their captions in FOLDER/captions.tsv.

    A line of the table is the file's name below images/, a tab, one caption of any length.
    Several lines may name one file.

    Raises:
        UsageError: no table, a line without a tab or a caption, a file that is not there, or
            fewer than two photos; names the line.
    """
    table = folder / TABLE
    if not table.is_file():
        raise UsageError(f"no {table}; --data names a folder with images/ and {TABLE}")
    found: dict[str, list[str]] = defaultdict(list)
    for number, line in enumerate(table.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        name, tab, caption = line.partition("\t")
        if not tab or not caption.strip():
            raise UsageError(f"{table}, line {number}: {line[:60]!r}; expected FILE, tab, sentence")
        found[name].append(caption.strip())
    names = sorted(found)
    for name in names:
        if not (folder / "images" / name).is_file():
            raise UsageError(f"{table} names {name!r}, which is not in {folder / 'images'}")
    if len(names) < 2:
        raise UsageError(f"{table} names {len(names)} photos; expected two or more")
    return Pairs(
        folder,
        tuple(folder / "images" / name for name in names),
        tuple(tuple(found[name]) for name in names),
    )


def rows_of(n: int, size: int, draw: int, seed: int) -> list[int]:
    """Rows of the batch number `draw`: every row once in n // size draws, then in a new order.

    A batch depends on its number and the seed alone, so a run may stop anywhere.

    Args:
        n: rows there are.
        size: of a batch; more than n gives all n.
        draw: from 0.
        seed: of the orders.
    """
    size = min(size, n)
    per_round = n // size
    order = _order(n, seed * 1_000_003 + draw // per_round)
    start = draw % per_round * size
    return [int(row) for row in order[start : start + size]]


@lru_cache(maxsize=2)
def _order(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(n)


def first_sentence(caption: str) -> str:
    """The text before the first period; the whole one when there is none (TULIP)."""
    head = caption.partition(".")[0].strip()
    return head or caption


def longest(captions: Sequence[str]) -> str:
    """The longest of a photo's captions, the first of several."""
    return max(captions, key=len)


@dataclass(frozen=True, slots=True)
class Pixels:
    """How a photo becomes what a tower reads: shorter side to `side`, centre crop, normalised.

    Attributes:
        side: in pixels.
        mean, std: of the channels, for values in [0, 1].
    """

    side: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def read(self, paths: Sequence[Path], *, chooser: random.Random | None = None) -> Tensor:
        """Photos as float32 (n, 3, side, side).

        Args:
            paths: of the photos.
            chooser: of random crops and mirror images; None = the centre, as it is.

        Raises:
            UsageError: a file is not a picture.
        """
        own = [None if chooser is None else random.Random(chooser.random()) for _ in paths]
        with ThreadPoolExecutor() as threads:
            arrays = np.stack(list(threads.map(self._array, paths, own)))
        pixels = torch.from_numpy(arrays).permute(0, 3, 1, 2).float() / 255.0
        mean, std = torch.tensor(self.mean), torch.tensor(self.std)
        return (pixels - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)

    def _array(self, path: Path, chooser: random.Random | None) -> np.ndarray:
        try:
            with Image.open(path) as image:
                picture = ImageOps.exif_transpose(image).convert("RGB")
        except (UnidentifiedImageError, OSError) as error:
            raise UsageError(f"{path} is not a picture: {error}") from error
        if chooser is not None:
            picture = _random_crop(picture, chooser)
        size = (self.side, self.side)
        return np.asarray(ImageOps.fit(picture, size, Image.Resampling.BICUBIC))


def _random_crop(picture: Image.Image, chooser: random.Random) -> Image.Image:
    scale = chooser.uniform(SMALLEST_CROP, 1.0) ** 0.5
    width = max(1, round(picture.width * scale))
    height = max(1, round(picture.height * scale))
    left, top = (
        chooser.randint(0, picture.width - width),
        chooser.randint(0, picture.height - height),
    )
    cropped = picture.crop((left, top, left + width, top + height))
    return ImageOps.mirror(cropped) if chooser.random() < 0.5 else cropped
