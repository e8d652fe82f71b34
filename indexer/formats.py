"""Formats that Pillow does not read by itself: HEIC and camera RAW, when their extra is there."""

from __future__ import annotations

import importlib
import io
import os
from typing import Any

from PIL import Image

from indexer.scan import HEIC, RAW

# The brands of an ISO media file that hold HEVC or generic HEIF pictures.
HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})


# LibRaw's flip -> EXIF orientation.
_RAW_TURNS = {3: 3, 5: 8, 6: 6}


class ExtraMissing(Exception):
    """The package that reads this format is not installed; the message has the command."""


class TooLarge(Exception):
    """The picture has more pixels than allowed; the message has both numbers."""


def is_heic(path: bytes, head: bytes) -> bool:
    """True for HEIC by content, or by name; phones send HEIC under the name .jpg."""
    return (head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS) or _suffix(path) in HEIC


def is_raw(path: bytes) -> bool:
    """True for camera RAW, which is known by its name only."""
    return _suffix(path) in RAW


def require_extra(path: bytes) -> None:
    """Check, before a file is read, that its format can be read at all.

    Raises:
        ExtraMissing: it cannot; says what to install.
    """
    if _suffix(path) in HEIC:
        _heif()
    elif is_raw(path):
        _rawpy()


def open_heic(data: bytes, max_pixels: int) -> Image.Image:
    """A HEIC picture; libheif has turned it upright already.

    Raises:
        ExtraMissing: pillow-heif is not installed.
        TooLarge: it has more than max_pixels.
    """
    found = _heif().open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
    check_size(found.size, max_pixels)
    picture: Image.Image = found.to_pillow()
    return picture


def open_raw(data: bytes, max_pixels: int) -> tuple[Image.Image, int, tuple[int, int]]:
    """A RAW picture, the EXIF orientation that turns it upright, and its full upright size.

    The preview that the camera embedded is used when there is one: it is what the photographer
    saw, and it is much faster than developing.

    Raises:
        ExtraMissing: rawpy is not installed.
        TooLarge: it has more than max_pixels.
    """
    rawpy = _rawpy()
    with rawpy.imread(io.BytesIO(data)) as raw:
        size = (raw.sizes.width, raw.sizes.height)
        check_size(size, max_pixels)
        flip = int(raw.sizes.flip)
        turn, upright = _RAW_TURNS.get(flip, 1), size[::-1] if flip in (5, 6) else size
        try:
            preview = raw.extract_thumb()
        except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
            preview = None
        if preview is not None and preview.format == rawpy.ThumbFormat.JPEG:
            return Image.open(io.BytesIO(preview.data), formats=("JPEG",)), turn, upright
        if preview is not None and preview.format == rawpy.ThumbFormat.BITMAP:
            return Image.fromarray(preview.data), turn, upright
        developed = raw.postprocess(half_size=True, use_camera_wb=True)  # turns it by itself
        return Image.fromarray(developed), 1, upright


def check_size(size: tuple[int, int], max_pixels: int) -> None:
    """Compare the size that a header states with what is allowed.

    Raises:
        TooLarge: it has more than max_pixels.
    """
    width, height = size
    if width * height > max_pixels:
        raise TooLarge(
            f"is too large: {width} x {height} = {width * height / 1e6:,.0f} megapixels, "
            f"at most {max_pixels / 1e6:,.0f} (see --max-megapixels)"
        )


def _heif() -> Any:
    return _extra("pillow_heif", "heic", "HEIC")


def _rawpy() -> Any:
    return _extra("rawpy", "raw", "RAW")


def _extra(module: str, extra: str, name: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ExtraMissing(
            f"{name} files need an extra: pip install 'lexsearch[{extra}]'"
        ) from error


def _suffix(path: bytes) -> str:
    return os.fsdecode(os.path.splitext(path)[1]).lower()  # noqa: PTH122
