"""What a program gives to be added: pictures with ids and metadata, checked one by one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from indexer.decode import Decoded, DecodeError
from indexer.memory import decode_picture, from_array
from lexsearch.bundle.records import AddedRecord
from lexsearch.errors import UsageError
from lexsearch.own_ids import key_of_new
from lexsearch.pictures import absolute
from lexsearch.query import Picture
from lexsearch.types import PixelSpec

# Names that hits have already; `taken`, `camera` and `gps` take the place of what the photo says.
RESERVED = frozenset(
    {"rank", "path", "path_bytes", "id", "ids", "docid", "score", "scores", "terms", "also",
     "width", "height", "schema"}
)  # fmt: skip
MAX_META = 100_000  # characters of JSON


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """One picture, checked and as small as a model needs it.

    Attributes:
        number: place among what was given, from 1.
        key: of its own id; None = the id of its content.
        said: the metadata; its path is not set yet.
        file: where to decode from, else None.
        source: the file that it is, else None.
        decoded: what a picture in memory decodes to.
        size, mtime_ns: of the file, or of the bytes given.
    """

    number: int
    key: bytes | None
    said: AddedRecord
    file: bytes | None = None
    source: bytes | None = None
    decoded: Decoded | DecodeError | None = None
    size: int = 0
    mtime_ns: int = 0


def given(
    pictures: Iterable[Picture],
    ids: Iterable[str] | None,
    metadata: Iterable[Mapping[str, Any] | None] | None,
    *,
    spec: PixelSpec,
    folder: Path,
    max_pixels: int,
) -> Iterator[Given]:
    """The pictures one by one, as they are asked for.

    Args:
        pictures, ids, metadata: see `LexSearch.add`.
        spec: what the model wants.
        folder: for the bytes of files, until they are decoded.
        max_pixels: larger pictures are refused.

    Raises:
        UsageError: an id or a metadatum cannot be used, a picture is nothing of the kind, or there
            are more or fewer ids or metadata than pictures.
    """
    if isinstance(pictures, str | bytes | os.PathLike) or hasattr(pictures, "getexif"):
        raise UsageError("one picture was given; expected a list of pictures, or any iterable")
    names = None if ids is None else iter(ids)
    facts = None if metadata is None else iter(metadata)
    number = 0
    for number, picture in enumerate(pictures, 1):
        key = None if names is None else key_of_new(_next(names, "ids", number))
        fact = None if facts is None else _next(facts, "metadata", number)
        yield _checked(number, key, said_of(fact), picture, spec, folder, max_pixels)
    for name, rest in (("ids", names), ("metadata", facts)):
        if rest is not None and next(rest, _END) is not _END:
            raise UsageError(f"there are more {name} than pictures, of which there are {number:,}")


_END = object()


def _next(values: Iterator[Any], name: str, number: int) -> Any:
    value = next(values, _END)
    if value is _END:
        raise UsageError(f"there are {number - 1:,} {name}, but more pictures; give one for each")
    return value


def _checked(
    number: int,
    key: bytes | None,
    said: AddedRecord,
    picture: Picture,
    spec: PixelSpec,
    folder: Path,
    max_pixels: int,
) -> Given:
    if isinstance(picture, str | os.PathLike):
        path = absolute(picture)
        try:
            found = os.stat(path)  # noqa: PTH116
            size, mtime_ns = found.st_size, found.st_mtime_ns
        except (OSError, ValueError):
            size = mtime_ns = 0  # the decoder will say why
        return Given(number, key, said, path, path, size=size, mtime_ns=mtime_ns)
    if isinstance(picture, bytes | bytearray | memoryview):
        file = folder / f"{number}"
        file.write_bytes(picture)
        return Given(number, key, said, os.fsencode(file), size=len(picture))
    if isinstance(picture, np.ndarray):
        size = picture.nbytes
        picture = from_array(picture)  # a program's mistake ends the run, a bad photo does not
    elif hasattr(picture, "getexif"):
        size = picture.width * picture.height * 3
    else:
        raise UsageError(
            f"picture {number:,} was given as {type(picture).__name__}; expected a path, a Pillow "
            "image, an array uint8 (height, width, 3), or the bytes of a file"
        )
    shown = b"picture %d" % number
    try:
        decoded: Decoded | DecodeError = decode_picture(picture, spec, max_pixels=max_pixels)
    except UsageError as error:
        decoded = DecodeError(shown, f"cannot be taken: {error}")
    except Exception as error:  # Pillow reads the file behind an image only now
        decoded = DecodeError(shown, f"cannot be decoded: {type(error).__name__}: {error}"[:200])
    return Given(number, key, said, decoded=decoded, size=size)


def said_of(metadata: Mapping[str, Any] | None) -> AddedRecord:
    """The metadata of a picture as a record without its key.

    Raises:
        UsageError: a name or a value cannot be used.
    """
    rest = dict(metadata or {})
    if bad := sorted(str(name) for name in rest if not isinstance(name, str) or name in RESERVED):
        raise UsageError(f"{bad[0]!r} cannot be a name in metadata; hits have it already")
    taken, camera, gps = (rest.pop(name, None) for name in ("taken", "camera", "gps"))
    if isinstance(taken, date):  # and datetime
        taken = taken.isoformat()
    for name, value in (("taken", taken), ("camera", camera)):
        if value is not None and not isinstance(value, str):
            raise UsageError(f"{name} is {value!r}; expected a text")
    try:
        text = json.dumps(rest, sort_keys=True, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"the metadata {rest!r:.200} is not JSON: {error}") from error
    if len(text) > MAX_META:
        raise UsageError(f"metadata of {len(text):,} characters; at most {MAX_META:,} are kept")
    return AddedRecord(b"", None, taken, camera, _place(gps), text if rest else None)


def _place(gps: Any) -> tuple[float, float] | None:
    if gps is None:
        return None
    try:
        latitude, longitude = (float(value) for value in gps)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"gps is {gps!r}; expected latitude and longitude in degrees") from error
    if not (isfinite(latitude) and isfinite(longitude)):
        raise UsageError(f"gps is {gps!r}; expected finite numbers")
    return latitude, longitude
