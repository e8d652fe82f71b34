"""A picture as a model wants it: squashed or cropped to its size, or cut into patches."""

from __future__ import annotations

import numpy as np
from PIL import Image

from lexsearch.patch_sequence import grid_of, packed
from lexsearch.region import centre
from lexsearch.types import PixelArray, PixelSpec

_RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def to_pixels(image: Image.Image, spec: PixelSpec) -> PixelArray:
    """uint8 (spec.height, spec.width, 3) of an upright RGB picture.

    Shrinking takes every source pixel into account (Pillow widens the filter), so that small
    detail does not alias.
    """
    size = (spec.width, spec.height)
    if spec.fit == "patches":
        rows, columns = grid_of(image.width, image.height, spec)
        size = (columns * spec.width, rows * spec.width)
    picture = image if image.mode == "RGB" else image.convert("RGB")
    method = _RESAMPLING[spec.resample]
    if spec.fit == "crop":
        picture = picture.resize(size, method, box=centre(picture.size, size))
    elif picture.size != size:
        picture = picture.resize(size, method)
    pixels = np.asarray(picture, dtype=np.uint8)
    return packed(pixels, spec) if spec.fit == "patches" else pixels
