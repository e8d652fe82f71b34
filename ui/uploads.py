"""Pictures that are dropped on a page."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from PIL import Image

from lexsearch.pictures import load_for_display
from ui.library import QUERY_SIDE

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


def decode_upload(data: bytes) -> Image.Image:
    """A picture from the outside, by the same careful decoder that reads photos.

    Raises:
        LexsearchError, OSError, ValueError, SyntaxError: it is no picture.
    """
    with Image.open(io.BytesIO(data), formats=FORMATS) as header:
        width, height = header.size
        turned = header.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    width, height = (height, width) if turned else (width, height)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture"
        path.write_bytes(data)
        return load_for_display(str(path).encode(), width, height, side=QUERY_SIDE)
