"""A picture as a row of patches that keeps its aspect ratio, as NaFlex models take it.

As many patches as a budget allows cover the picture. They lie one below the other, in the order of
reading; what they leave of the budget is black. One patch more, the last, says rows and columns in
its first two pixels, so that pictures of every shape travel in arrays of one shape.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from lexsearch.types import PixelArray, PixelSpec

# Scales between which the largest that fits is looked for, and how near it has to be found.
SMALLEST, LARGEST, NEAR = 1e-6, 100.0, 1e-5


def spec_of(
    patch: int, budget: int, resample: Literal["bilinear", "bicubic"] = "bilinear"
) -> PixelSpec:
    """What a model asks for that takes at most `budget` patches of `patch` pixels a side."""
    return PixelSpec(patch, patch * (budget + 1), "patches", resample)


def budget_of(spec: PixelSpec) -> int:
    """Most patches of a picture."""
    return spec.height // spec.width - 1


def grid_of(width: int, height: int, spec: PixelSpec) -> tuple[int, int]:
    """Rows and columns of patches for a picture, at least one of each.

    Both sides are scaled alike and rounded up to whole patches; the scale is the largest one, to
    1e-5, with which the budget is kept.

    Source: Tschannen et al. 2025 (SigLIP 2), section 2.4; its published preprocessing.

    >>> grid_of(640, 480, spec_of(16, 256))
    (14, 18)
    """
    patch, budget = spec.width, budget_of(spec)

    def sides(scale: float) -> tuple[int, int]:
        rows, columns = (max(1, math.ceil(side * scale / patch)) for side in (height, width))
        return rows, columns

    low, high = SMALLEST, LARGEST
    while high - low >= NEAR:
        scale = (low + high) / 2
        rows, columns = sides(scale)
        if rows * columns <= budget:
            low = scale
        else:
            high = scale
    return sides(low)


def packed(pixels: PixelArray, spec: PixelSpec) -> PixelArray:
    """uint8 (spec.height, spec.width, 3) of a picture whose sides are whole patches."""
    patch = spec.width
    rows, columns = pixels.shape[0] // patch, pixels.shape[1] // patch
    made = np.zeros((spec.height, spec.width, 3), np.uint8)
    cut = pixels.reshape(rows, patch, columns, patch, 3).swapaxes(1, 2)
    made[: rows * columns * patch] = cut.reshape(-1, patch, 3)
    sign = made[-patch]
    sign[0] = rows >> 8, rows & 255, 0
    sign[1] = columns >> 8, columns & 255, 0
    return made


def grid_in(packed_pixels: PixelArray, spec: PixelSpec) -> tuple[int, int]:
    """Rows and columns that a packed picture states; (1, 1) where it states none that fit."""
    sign = packed_pixels[-spec.width].astype(int)
    rows, columns = (int(sign[i, 0]) << 8 | int(sign[i, 1]) for i in (0, 1))
    if not 1 <= rows * columns <= budget_of(spec):
        return 1, 1
    return rows, columns


def picture_in(packed_pixels: PixelArray, spec: PixelSpec) -> PixelArray:
    """The picture again, uint8 (rows * patch, columns * patch, 3)."""
    patch, (rows, columns) = spec.width, grid_in(packed_pixels, spec)
    cut = packed_pixels[: rows * columns * patch].reshape(rows, columns, patch, patch, 3)
    return np.ascontiguousarray(cut.swapaxes(1, 2)).reshape(rows * patch, columns * patch, 3)
