"""Pictures that are dropped on a page."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from PIL import Image

from lexsearch.errors import UsageError
from lexsearch.pictures import load_for_display
from ui.library import QUERY_SIDE

ORIENTATION, SIDEWAYS = 0x0112, (5, 6, 7, 8)  # EXIF: the values that swap the sides
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


def decode_upload(data: bytes) -> Image.Image:
    """A picture from the outside, by the same careful decoder that reads photos.

    Raises:
        UsageError: it is no picture, or too large a one.
        OSError: there is no room for it on disk.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as header:
            width, height = header.size
            turned = header.getexif().get(ORIENTATION, 1) in SIDEWAYS
    except Exception as error:  # decoders raise anything
        raise UsageError(f"the file is no picture that can be read: {error}") from error
    width, height = (height, width) if turned else (width, height)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture"
        path.write_bytes(data)
        return load_for_display(str(path).encode(), width, height, side=QUERY_SIDE)
