"""Pure picture arithmetic: any mode to RGB on white, and the hash of near duplicates."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageCms

WHITE = (255, 255, 255)
# Rows of a picture are flattened in strips of about this many pixels, to bound the memory.
STRIP = 4_000_000


def flatten(image: Image.Image, side: int) -> Image.Image:
    """The picture in RGB; transparency shows white.

    A picture whose sides are several times `side` is also reduced, by a whole factor and by
    averaging, to at least `side` pixels; strip by strip, so that a picture of 100 megapixels
    needs no second copy of itself.
    """
    image.load()
    white = _white(image)
    factor = min(image.width, image.height) // max(1, side)
    if image.width * image.height <= STRIP or factor < 2:
        return _to_rgb(image, white)
    rows = factor * max(1, STRIP // (image.width * factor))
    reduced = Image.new("RGB", (-(-image.width // factor), -(-image.height // factor)))
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        reduced.paste(_to_rgb(strip, white).reduce(factor), (0, top // factor))
    return reduced


def _to_rgb(image: Image.Image, white: float) -> Image.Image:
    """The picture in RGB, composited on white; `white` is the value of white in a deep mode."""
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    if _is_deep(image):
        values = np.nan_to_num(np.asarray(image).astype(np.float32), posinf=white, neginf=0.0)
        scaled = np.clip(values * (255.0 / white) + 0.5, 0, 255)
        return Image.fromarray(scaled.astype(np.uint8)).convert("RGB")
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        assert converted is not None
        return converted
    if not image.has_transparency_data:
        return image.convert("RGB")
    overlay = image.convert("RGBA")
    background = Image.new("RGBA", overlay.size, (*WHITE, 255))
    return Image.alpha_composite(background, overlay).convert("RGB")


def _is_deep(image: Image.Image) -> bool:
    return image.mode.startswith(("I", "F"))


def _white(image: Image.Image) -> float:
    """The value that white has in a picture of more than 8 bits.

    16-bit modes and integers up to 65,535 keep the scale of 16 bits; integers up to 255 that of
    8 bits; floats up to 1 are taken as shares. Whatever is larger is stretched to its maximum.
    """
    if not _is_deep(image):
        return 255.0
    if image.mode.startswith("I;16"):
        return 65535.0
    top = float(np.nan_to_num(np.asarray(image), posinf=0.0).max(initial=0))
    known = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    return next((limit for limit in known if top <= limit), top)


def difference_hash(image: Image.Image) -> int:
    """64 bits: is each cell of an 8 x 8 grid brighter than the one to its right?

    Source: Krawetz 2013, "Kind of like that" (dHash).
    """
    small = image.convert("L").resize((9, 8), Image.Resampling.BOX)
    cells = np.asarray(small)
    bits = np.packbits(cells[:, :-1] > cells[:, 1:])
    return int.from_bytes(bits.tobytes(), "big")
