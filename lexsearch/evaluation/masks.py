"""Masks of a picture, and which patch of a model's grid every pixel belongs to.

A grid covers the whole upright picture (`PatchWords.grid`), so a patch is a rectangle of it, and
a mask of any size over the same whole picture can be compared with it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from lexsearch.errors import UsageError
from lexsearch.types import IntArray

BoolArray = npt.NDArray[np.bool_]


def read_mask(path: Path) -> npt.NDArray[np.int32]:
    """Values of a mask file with one channel, int32 (height, width); 0 is the background.

    Raises:
        UsageError: no such file, it cannot be read, or it has several channels.
    """
    try:
        with Image.open(path) as picture:
            values = np.asarray(picture)
    except FileNotFoundError as error:
        raise UsageError(f"no such mask: {path}") from error
    except (UnidentifiedImageError, OSError) as error:
        raise UsageError(f"{path} cannot be read as a mask: {error}") from error
    if values.ndim != 2:
        raise UsageError(
            f"{path} has {values.shape[-1]} channels; expected a mask with one (PNG of ids)"
        )
    return values.astype(np.int32)


def patch_of_pixels(shape: tuple[int, ...], grid: tuple[int, int]) -> IntArray:
    """The row-major patch under the centre of every pixel, int64 (height, width).

    This is upsampling by the nearest patch: pixel x of width w lies in column
    floor((x + 1/2) * columns / w).

    shape: (height, width) of the picture.

    >>> patch_of_pixels((1, 5), (1, 2)).tolist()
    [[0, 0, 1, 1, 1]]
    """
    height, width = shape
    rows = (2 * np.arange(height) + 1) * grid[0] // (2 * height)
    columns = (2 * np.arange(width) + 1) * grid[1] // (2 * width)
    found: IntArray = rows[:, np.newaxis] * grid[1] + columns
    return found


def touched_patches(mask: BoolArray, grid: tuple[int, int]) -> BoolArray:
    """Patches with at least one pixel of the mask, bool (rows * columns,)."""
    under = patch_of_pixels(mask.shape, grid)[mask]
    return np.bincount(under, minlength=grid[0] * grid[1]) > 0


def centred_patches(mask: BoolArray, grid: tuple[int, int]) -> BoolArray:
    """Patches whose centre lies on the mask, bool (rows * columns,).

    A centre between two pixels belongs to the one below and to the right.
    """
    rows = (2 * np.arange(grid[0]) + 1) * mask.shape[0] // (2 * grid[0])
    columns = (2 * np.arange(grid[1]) + 1) * mask.shape[1] // (2 * grid[1])
    found: BoolArray = mask[rows[:, np.newaxis], columns].reshape(-1)
    return found
