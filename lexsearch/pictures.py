"""Loads a picture that a query or an explanation needs, by the indexer's own decoder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from lexsearch.errors import UsageError
from lexsearch.programs import program
from lexsearch.types import PixelArray, PixelSpec

if TYPE_CHECKING:
    from PIL.Image import Image

    from lexsearch.query import Picture

# Largest picture of a query, in pixels, and largest upload, in bytes.
MAX_PIXELS = 100_000_000
MAX_UPLOAD = 20_000_000
# Longest side of the picture behind a heat map, in pixels.
DISPLAY_SIDE = 720


def absolute(path: str | bytes | os.PathLike[str]) -> bytes:
    """The path as an index stores it: absolute, normalised, links not resolved."""
    raw = os.fsencode(path)
    return os.path.abspath(os.path.expanduser(raw))  # noqa: PTH100, PTH111  (pathlib takes no bytes)


def load_pixels(picture: Picture | bytes, spec: PixelSpec) -> PixelArray:
    """Pixels of a picture as a model wants them, uint8 (height, width, 3).

    picture: bytes are a path here; see `pixels_of`.

    Raises:
        UsageError: no such file, it cannot be read as a picture, or it is too large.
    """
    if not isinstance(picture, str | bytes | os.PathLike):
        decoded: PixelArray = program("picture_decoder")(
            picture, spec, max_pixels=MAX_PIXELS
        ).pixels
        return decoded
    path = absolute(picture)
    shown = path.decode("utf-8", "backslashreplace")
    if not os.path.exists(path):  # noqa: PTH110
        raise UsageError(f"no such picture: {shown}")
    pixels: PixelArray = program("decoder")(os.path.realpath(path), spec).pixels
    return pixels


def pixels_of(picture: Picture, spec: PixelSpec) -> PixelArray:
    """The same of whatever a caller has; bytes are those of a file (for strangers': `load_upload`).

    Raises:
        UsageError: as `load_pixels`, or it is nothing of the kind.
    """
    if isinstance(picture, bytes | bytearray | memoryview):
        decoded: PixelArray = program("content_decoder")(bytes(picture), spec).pixels
        return decoded
    if not isinstance(picture, str | os.PathLike) and not _is_in_memory(picture):
        raise UsageError(
            f"a picture was given as {type(picture).__name__}; expected a path, a Pillow image, "
            "an array uint8 (height, width, 3), or the bytes of a file"
        )
    return load_pixels(picture, spec)


def _is_in_memory(picture: object) -> bool:
    return isinstance(picture, np.ndarray) or hasattr(picture, "getexif")


def load_upload(data: bytes, spec: PixelSpec) -> PixelArray:
    """Pixels of a file that a stranger sent, decoded in a process of its own.

    Raises:
        UsageError: it is too large, or no picture, or it killed its decoder.
    """
    if len(data) > MAX_UPLOAD:
        raise UsageError(f"the upload has {len(data):,} bytes; at most {MAX_UPLOAD:,} are allowed")
    pixels: PixelArray = program("upload_decoder")(data, spec).pixels
    return pixels


def load_for_display(path: bytes, width: int, height: int, *, side: int = DISPLAY_SIDE) -> Image:
    """The picture, upright, at most `side` pixels long; width, height: its full size."""
    from PIL import Image as pillow

    scale = min(1.0, side / max(width, height, 1))
    spec = PixelSpec(max(1, round(width * scale)), max(1, round(height * scale)), "squash")
    return pillow.fromarray(np.ascontiguousarray(load_pixels(path, spec)), "RGB")
