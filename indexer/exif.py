"""Reads what a camera wrote beside a picture; every function may raise on a broken block."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from PIL import Image

ORIENTATION, MAKE, MODEL, CHANGED = 0x0112, 0x010F, 0x0110, 0x0132
EXIF_BLOCK, ORIGINAL, DIGITISED = 0x8769, 0x9003, 0x9004
GPS_BLOCK, LATITUDE_REF, LATITUDE, LONGITUDE_REF, LONGITUDE = 0x8825, 1, 2, 3, 4

# EXIF orientation -> how to turn the stored picture upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SWAPS_SIDES = frozenset({5, 6, 7, 8})


def orientation(exif: Image.Exif) -> int:
    """1 to 8; 1, upright, when absent or out of range."""
    value = exif.get(ORIENTATION, 1)
    return value if isinstance(value, int) and value in TURNS else 1


def taken(exif: Image.Exif) -> str | None:
    """When the picture was taken, as ISO local time without a zone: 2024-07-14T11:02:09."""
    block = exif.get_ifd(EXIF_BLOCK)
    for value in (block.get(ORIGINAL), block.get(DIGITISED), exif.get(CHANGED)):
        text = _text(value)
        try:
            return datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S").isoformat()
        except ValueError:
            continue
    return None


def camera(exif: Image.Exif) -> str | None:
    """Make and model; the make only once: `Canon EOS R6`, not `Canon Canon EOS R6`."""
    make, model = _text(exif.get(MAKE)), _text(exif.get(MODEL))
    if not model:
        return make or None
    first = make.split(" ")[0]
    return model if model.casefold().startswith(first.casefold()) else f"{first} {model}"


def gps(exif: Image.Exif) -> tuple[float, float] | None:
    """Latitude and longitude in decimal degrees, north and east positive."""
    block = exif.get_ifd(GPS_BLOCK)
    latitude = _degrees(block, LATITUDE, LATITUDE_REF, "S")
    longitude = _degrees(block, LONGITUDE, LONGITUDE_REF, "W")
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return latitude, longitude


def _degrees(block: Mapping[int, Any], tag: int, ref_tag: int, negative: str) -> float | None:
    parts = block.get(tag)
    if not parts:
        return None
    numbers = [float(part) for part in tuple(parts)[:3]]
    value = sum(number / 60.0**power for power, number in enumerate(numbers))
    if not math.isfinite(value):
        return None
    return round(-value if _text(block.get(ref_tag)).upper() == negative else value, 6)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return " ".join(value.split("\0")[0].split()) if isinstance(value, str) else ""
