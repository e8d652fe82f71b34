"""Small pictures for app and server, from a cache on disk; photos themselves are never sent."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from lexsearch.errors import LexsearchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

SIDE = 320  # longest side in pixels
QUALITY = 80
MAX_BYTES = 1_000_000  # a longer file in the cache is none of ours
MAGIC = (b"RIFF", b"WEBP")


class Thumbnails:
    """Thumbnails by picture id, made once and kept below a folder.

    Files are called `<id>-<side>.webp`, so that `lexsearch clean` knows them. They are encoded
    anew from upright pixels: no metadata of the photo gets into them.
    """

    def __init__(self, cache_dir: Path) -> None:
        self._folder = cache_dir / "thumbs"

    def path(self, id: str, side: int = SIDE) -> Path:
        """Where the thumbnail of a picture lies; it need not exist."""
        return self._folder / id[:2] / f"{id}-{side}.webp"

    def cached(self, id: str, side: int = SIDE) -> bytes | None:
        """The thumbnail if it was made before."""
        try:
            data = self.path(id, side).read_bytes()
        except OSError:
            return None
        sound = len(data) <= MAX_BYTES and (data[:4], data[8:12]) == MAGIC
        return data if sound else None

    def make(self, id: str, load: Callable[[int], Image], side: int = SIDE) -> bytes | None:
        """The thumbnail, made now and kept; None when the photo cannot be read.

        Args:
            id: 16 hex digits.
            load: gives the upright picture at most so many pixels long.
            side: longest side in pixels.
        """
        try:
            picture = load(side)
        except (LexsearchError, OSError):
            return None
        held = io.BytesIO()
        picture.convert("RGB").save(held, format="WEBP", quality=QUALITY, method=2)
        data = held.getvalue()
        with contextlib.suppress(OSError):  # a full or read-only disk costs speed, nothing else
            _write(self.path(id, side), data)
        return data


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: two programs, or two threads, may make the same thumbnail.
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    part.write_bytes(data)
    os.replace(part, path)  # noqa: PTH105
