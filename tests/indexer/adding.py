"""Small pictures that tests add to a db, and how."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255,) * 3}
FAST = {"isolate": False, "batch_size": 2}


def picture(colour: str, size: tuple[int, int] = (32, 24)) -> Image.Image:
    return Image.new("RGB", size, COLOURS[colour])


def saved(image: Image.Image, format_: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, format_)
    return file.getvalue()


def docids(results: Any) -> list[str]:
    return [hit.docid for hit in results]
