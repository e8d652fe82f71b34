"""Turns a picture in memory into what a file decodes to."""

from __future__ import annotations

import contextlib
import hashlib

import numpy as np
from PIL import Image

from indexer import exif as camera_facts
from indexer.decode import Decoded, DecodeError, decode_bytes, pillow_under, unless_broken
from indexer.options import MAX_PIXELS
from indexer.reading import MAX_BYTES
from indexer.upright import difference_hash, flatten
from lexsearch.errors import UsageError
from lexsearch.pixels import to_pixels
from lexsearch.types import PixelArray, PixelSpec


def decode_picture(
    picture: Image.Image | PixelArray, spec: PixelSpec, *, max_pixels: int = MAX_PIXELS
) -> Decoded:
    """A Pillow picture or an array, upright in RGB on white; its digest is that of those pixels.

    So one picture has one identity, whether it comes from Pillow or as an array. A file has the
    identity of its bytes, which is another one.

    Args:
        picture: an array is uint8 (height, width, 3), RGB.
        spec: what the model wants.
        max_pixels: larger pictures are refused.

    Raises:
        UsageError: it is too large, or an array of another kind.
        OSError: Pillow cannot read the file behind a picture that was opened and not loaded.
    """
    image = picture if not isinstance(picture, np.ndarray) else from_array(picture)
    if image.width * image.height > max_pixels:
        raise UsageError(
            f"the picture is too large: {image.width} x {image.height} pixels, "
            f"at most {max_pixels / 1e6:.0f} megapixels"
        )
    exif = Image.Exif()
    with contextlib.suppress(Exception):  # a broken block never loses the picture
        exif = image.getexif()
    flat = flatten(image, max(image.size))  # RGB of full size
    orientation = unless_broken(camera_facts.orientation, exif, 1)
    if orientation in camera_facts.TURNS:
        flat = flat.transpose(camera_facts.TURNS[orientation])
    digest = hashlib.sha256(b"pixels %d x %d RGB\n" % flat.size)
    digest.update(flat.tobytes())
    small = flatten(flat, 2 * spec.reach)
    return Decoded(
        pixels=to_pixels(small, spec),
        sha256=digest.digest(),
        width=flat.width,
        height=flat.height,
        taken=unless_broken(camera_facts.taken, exif, None),
        camera=unless_broken(camera_facts.camera, exif, None),
        gps=unless_broken(camera_facts.gps, exif, None),
        dhash=difference_hash(small),
    )


def decode_content(data: bytes, spec: PixelSpec, *, max_pixels: int = MAX_PIXELS) -> Decoded:
    """The bytes of a picture file, decoded in this process; see `decode_upload` for strangers'.

    Raises:
        DecodeError: they are no picture that can be read, or too large.
    """
    shown = b"the picture given"
    if len(data) > MAX_BYTES:
        raise DecodeError(shown, f"is too large: {len(data):,} bytes, at most {MAX_BYTES:,}")
    with pillow_under(max_pixels):
        digest = hashlib.sha256(data).digest()
        return decode_bytes(shown, data, digest, spec, max_pixels=max_pixels)


def from_array(array: PixelArray) -> Image.Image:
    """The picture that an array holds.

    Raises:
        UsageError: it is not uint8 (height, width, 3).
    """
    is_rgb = array.ndim == 3 and array.shape[2] == 3 and array.size > 0
    if array.dtype != np.uint8 or not is_rgb:
        raise UsageError(
            f"a picture was given as an array of {array.dtype} {array.shape}; expected uint8 "
            "(height, width, 3), RGB"
        )
    return Image.fromarray(np.ascontiguousarray(array))
