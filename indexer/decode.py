"""Turns one file into the pixels a model wants, and survives whatever the file holds."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

from PIL import Image, UnidentifiedImageError

from indexer import exif as camera_facts
from indexer.formats import (
    ExtraMissing,
    TooLarge,
    check_size,
    is_heic,
    is_raw,
    open_heic,
    open_raw,
    require_extra,
)
from indexer.options import MAX_PIXELS
from indexer.reading import Unreadable, read_regular
from indexer.upright import difference_hash, flatten
from lexsearch.errors import UsageError
from lexsearch.pixels import to_pixels
from lexsearch.types import PixelArray, PixelSpec

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
# Longest reason in a report, in letters; Pillow quotes what it read.
MAX_REASON = 200
NO_MEMORY = "needs more memory than there is"
# A decoder can be killed without any fault of its picture, so that is not held against it once.
KILLED_ONCE = "had its decoder killed, perhaps for the memory it took; the next run tries it again"
KILLED_TWICE = "had its decoder killed twice, most likely for the memory it took"
# Pictures with more pixels than this, after `draft`, are worked on one at a time.
BIG = 24_000_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """One picture, ready for a model.

    Attributes:
        pixels: uint8, shape (height, width, 3) of the PixelSpec, RGB, upright.
        sha256: of the bytes that were decoded.
        width, height: of the whole upright picture.
        taken: ISO local time.
        camera: make and model.
        gps: latitude and longitude, decimal degrees.
        dhash: 64 bits; near duplicates differ in few.
    """

    pixels: PixelArray
    sha256: bytes
    width: int
    height: int
    taken: str | None
    camera: str | None
    gps: tuple[float, float] | None
    dhash: int


class DecodeError(UsageError):
    """A file is no picture that can be read.

    Attributes:
        path: the file.
        reason: why, without its name.
        sha256: of the bytes, when the same bytes will fail again; None when it may be worth
            trying again, because the file was unreadable, an extra is missing or a limit hit.
    """

    def __init__(self, path: bytes, reason: str, sha256: bytes | None = None) -> None:
        super().__init__(f"{path.decode('utf-8', 'backslashreplace')} {reason}")
        self.path = path
        self.reason = reason
        self.sha256 = sha256

    def __reduce__(self) -> tuple[type[DecodeError], tuple[bytes, str, bytes | None]]:
        return DecodeError, (self.path, self.reason, self.sha256)

    def without_frames(self) -> DecodeError:
        """The same error without the frames of the decoder, which hold the picture in memory."""
        return DecodeError(self.path, self.reason, self.sha256)


def decode(path: bytes, spec: PixelSpec) -> Decoded:
    """Read and decode one file, in this process.

    Raises:
        DecodeError: see there.
    """
    data, sha256 = read(path)
    with pillow_under(MAX_PIXELS):
        return decode_bytes(path, data, sha256, spec)


@contextmanager
def pillow_under(max_pixels: int) -> Iterator[None]:
    """Pillow with our pixel limit and without its warnings about odd files, put back afterwards."""
    limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\..*")
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        Image.MAX_IMAGE_PIXELS = max_pixels
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def read(path: bytes, *, follow: bool = False) -> tuple[bytes, bytes]:
    """The bytes of a file and their sha256 digest.

    Raises:
        DecodeError: it cannot be read, or its format needs an extra that is not installed.
    """
    try:
        require_extra(path)
        data = read_regular(path, follow=follow)
    except (ExtraMissing, Unreadable) as error:
        raise DecodeError(path, str(error)) from error
    return data, hashlib.sha256(data).digest()


def decode_bytes(
    path: bytes,
    data: bytes,
    sha256: bytes,
    spec: PixelSpec,
    *,
    max_pixels: int = MAX_PIXELS,
    big: AbstractContextManager[object] | None = None,
) -> Decoded:
    """Decode the bytes of a file.

    Args:
        path: names the file in errors; RAW is known by its suffix.
        data: the whole file.
        sha256: digest of data.
        spec: what the model wants.
        max_pixels: larger pictures are refused by their header.
        big: entered while a big picture is in memory; a lock keeps them from adding up.

    Raises:
        DecodeError: see there.
    """
    try:
        return _decode(path, data, sha256, spec, max_pixels, big or nullcontext())
    except (ExtraMissing, TooLarge) as error:
        raise DecodeError(path, str(error)) from error
    except Image.DecompressionBombError as error:  # Pillow saw it first
        raise DecodeError(path, _too_large(error, max_pixels)) from error
    except Exception as error:  # decoders raise anything: OSError, SyntaxError, struct.error, ...
        raise DecodeError(path, _reason(error), sha256) from error


def _decode(
    path: bytes,
    data: bytes,
    sha256: bytes,
    spec: PixelSpec,
    max_pixels: int,
    big: AbstractContextManager[object],
) -> Decoded:
    image, turn, upright = _open(path, data, max_pixels)
    size = image.size
    least = _least(spec)
    image.draft("RGB", least)  # JPEG only: decodes a smaller picture
    with big if image.width * image.height > BIG else nullcontext():
        exif = _exif(image, data if is_raw(path) else None)  # a PNG is decoded here already
        flat = flatten(image, max(least))
    orientation = turn or unless_broken(camera_facts.orientation, exif, 1)
    if orientation in camera_facts.TURNS:
        flat = flat.transpose(camera_facts.TURNS[orientation])
    swapped = orientation in camera_facts.SWAPS_SIDES
    width, height = upright or (size[::-1] if swapped else size)
    return Decoded(
        pixels=to_pixels(flat, spec),
        sha256=sha256,
        width=width,
        height=height,
        taken=unless_broken(camera_facts.taken, exif, None),
        camera=unless_broken(camera_facts.camera, exif, None),
        gps=unless_broken(camera_facts.gps, exif, None),
        dhash=difference_hash(flat),
    )


def _least(spec: PixelSpec) -> tuple[int, int]:
    """Width and height below which a picture is not reduced before it is resized."""
    if spec.fit == "patches":
        return 2 * spec.reach, 2 * spec.reach
    return 2 * spec.width, 2 * spec.height


def _open(
    path: bytes, data: bytes, max_pixels: int
) -> tuple[Image.Image, int | None, tuple[int, int] | None]:
    """The picture; the turn that makes it upright and its upright size, unless EXIF says so."""
    if is_heic(path, data[:16]):
        image = open_heic(data, max_pixels)
        return image, 1, image.size
    if is_raw(path):
        return open_raw(data, max_pixels)
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    check_size(image.size, max_pixels)
    if image.format == "PNG":  # its pixels are decoded without a look at their checksums
        image.verify()
        image = Image.open(io.BytesIO(data), formats=("PNG",))
    return image, None, None


def _exif(image: Image.Image, container: bytes | None) -> Image.Exif:
    """The EXIF block of a picture, or of the RAW file around it, most of which are TIFF inside."""
    exif = Image.Exif()
    with contextlib.suppress(Exception):  # a broken block never loses the picture
        exif = image.getexif()
    if container is not None and camera_facts.MODEL not in exif:
        exif = Image.Exif()
        with contextlib.suppress(Exception):  # likewise
            exif.load(container)
    return exif


def unless_broken(read_fact: Callable[[Image.Exif], T], exif: Image.Exif, missing: T) -> T:
    """A fact of a picture; of a broken block the value that stands for none."""
    try:
        return read_fact(exif)
    except Exception:  # a broken block never loses the picture
        return missing


def _too_large(error: Exception, max_pixels: int) -> str:
    stated = re.search(r"(\d+) pixels", str(error))
    found = f"{int(stated[1]) / 1e6:,.0f} megapixels" if stated else "more pixels than allowed"
    return f"is too large: {found}, at most {max_pixels / 1e6:,.0f} (see --max-megapixels)"


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "is not a picture of a known format (JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, RAW)"
    if isinstance(error, MemoryError):
        return NO_MEMORY
    text = " ".join(str(error).split()) or "no message"
    if "truncated" in text.lower() or isinstance(error, EOFError):
        return f"is truncated ({text})"[:MAX_REASON]
    return f"cannot be decoded: {type(error).__name__}: {text}"[:MAX_REASON]
