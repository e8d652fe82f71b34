"""What the indexer and its decoder processes say to each other: frames of bytes, no pickle."""

from __future__ import annotations

import json
import math
import struct
from typing import IO

import numpy as np

from indexer.decode import Decoded, DecodeError
from lexsearch.types import PixelSpec

# Kinds of frame. The indexer asks DECODE with a path and answers SHA256 and BIG with GO or SKIP;
# a decoder answers DECODE with SHA256, perhaps BIG and SMALL, then PICTURE or FAILED.
HELLO, DECODE, SHA256, GO, SKIP, BIG, SMALL, PICTURE, FAILED = b"HDSGNBbPE"
_HEAD = struct.Struct("<BI")
_FACTS = struct.Struct("<QQQI")
# Longest frame besides the pixels, in bytes: a path, or what a camera wrote.
MAX_TEXT = 1 << 16
# Longest text that a camera may have written, in letters.
MAX_FACT = 200


class WireError(Exception):
    """The other side is gone, or does not speak as it should."""


def send(stream: IO[bytes], kind: int, *parts: bytes) -> None:
    """Write one frame.

    Raises:
        OSError: the other side is gone.
    """
    stream.write(_HEAD.pack(kind, sum(len(part) for part in parts)))
    for part in parts:
        stream.write(part)
    stream.flush()


def receive(stream: IO[bytes], limit: int = MAX_TEXT) -> tuple[int, bytes]:
    """One frame: its kind and what it carries, at most `limit` bytes.

    Raises:
        WireError: the other side is gone, or sends more.
    """
    kind, length = _HEAD.unpack(_exactly(stream, _HEAD.size))
    if length > limit:
        raise WireError(f"a frame of {length:,} bytes, at most {limit:,}")
    return kind, _exactly(stream, length)


def _exactly(stream: IO[bytes], count: int) -> bytes:
    try:
        data = stream.read(count)
    except (OSError, ValueError) as error:  # ValueError: closed by another thread
        raise WireError(str(error)) from error
    if len(data) != count:
        raise WireError("the other side is gone")
    return data


def pack_picture(picture: Decoded) -> tuple[bytes, bytes, bytes]:
    """The payload of a PICTURE frame, without the digest, which the indexer has already."""
    facts = json.dumps([picture.taken, picture.camera, picture.gps]).encode()
    head = _FACTS.pack(picture.width, picture.height, picture.dhash, len(facts))
    return head, facts, picture.pixels.tobytes()


def unpack_picture(payload: bytes, sha256: bytes, spec: PixelSpec) -> Decoded:
    """The picture in the payload of a PICTURE frame; believes nothing.

    Raises:
        WireError: it is not of the form that `pack_picture` gives.
    """
    shape = (spec.height, spec.width, 3)
    try:
        width, height, dhash, length = _FACTS.unpack_from(payload)
        start = _FACTS.size + length
        taken, camera, gps = json.loads(payload[_FACTS.size : start])
        pixels = np.frombuffer(payload, np.uint8, offset=start).reshape(shape)
    except (ValueError, TypeError, struct.error, RecursionError) as error:
        raise WireError(f"not a picture: {error}") from error
    return Decoded(pixels, sha256, width, height, _text(taken), _text(camera), _place(gps), dhash)


def _text(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise WireError(f"expected a text, found {type(value).__name__}")
    return value[:MAX_FACT]


def _place(value: object) -> tuple[float, float] | None:
    if value is None:
        return None
    if isinstance(value, list) and len(value) == 2:
        latitude, longitude = value
        if all(isinstance(one, float) and math.isfinite(one) for one in value):
            return latitude, longitude
    raise WireError("expected a latitude and a longitude")


def pack_error(error: DecodeError) -> bytes:
    """The payload of a FAILED frame: will the same bytes fail again? and the reason."""
    return bytes([error.sha256 is not None]) + error.reason.encode("utf-8", "backslashreplace")


def unpack_error(payload: bytes, path: bytes, sha256: bytes | None) -> DecodeError:
    """The error in the payload of a FAILED frame."""
    if not payload:
        raise WireError("an empty error")
    reason = payload[1:].decode("utf-8", "replace")[:MAX_TEXT]
    return DecodeError(path, reason, sha256 if payload[0] else None)


def frame_limit(spec: PixelSpec) -> int:
    """The longest frame that a decoder may send, in bytes."""
    return spec.width * spec.height * 3 + MAX_TEXT
