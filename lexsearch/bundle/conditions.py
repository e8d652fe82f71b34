"""Conditions on the photo itself: when, which path, what type, which camera, what place."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from lexsearch.errors import UsageError
from lexsearch.place import areas

# Suffixes that mean one type.
SAME_TYPE = (
    frozenset({b"jpg", b"jpeg", b"jpe", b"jfif"}),
    frozenset({b"tif", b"tiff"}),
    frozenset({b"heic", b"heif", b"hif"}),
    frozenset({b"bmp", b"dib"}),
)
MAX_GLOB = 256  # characters

# Id, path, camera, place and what a program said, of every path of the images of a time: after (or
# NULL), before (or NULL). Dates are ISO 8601, so the beginning of one compares as text.
TAKEN_BETWEEN = """
    SELECT c.id, coalesce(a.file, i.path), coalesce(a.camera, c.camera), a.meta,
    coalesce(a.latitude, c.latitude), coalesce(a.longitude, c.longitude)
    FROM content c JOIN image i ON i.content_id = c.id LEFT JOIN added a ON a.path = i.path
    WHERE (?1 IS NULL OR coalesce(a.taken, c.taken) >= ?1)
    AND (?2 IS NULL OR coalesce(a.taken, c.taken) < ?2)
"""


def predicate(
    *,
    path_glob: str | None,
    type_: str | None,
    camera: str | None,
    near: str | None = None,
    box: str | None = None,
    meta: Mapping[str, Any] | None = None,
) -> Callable[..., bool]:
    """Whether a path, a camera, a JSON object, a latitude and a longitude meet every condition.

    meta: values by name; one is met by an equal value, or by a list that holds it.

    Raises:
        UsageError: the glob is too long, or a place is none.
    """
    if path_glob is not None and len(path_glob) > MAX_GLOB:
        raise UsageError(f"path: has {len(path_glob)} characters, at most {MAX_GLOB} are allowed")
    glob = None if path_glob is None else raw(path_glob)
    wild = glob is not None and has_wildcard(glob)
    endings = None if type_ is None else suffixes(type_)
    part = None if camera is None else camera.casefold()
    wanted = areas(near, box)

    def meets(
        path: bytes,
        camera_name: str | None,
        said: str | None,
        latitude: float | None = None,
        longitude: float | None = None,
    ) -> bool:
        if wanted:
            if latitude is None or longitude is None:
                return False
            if not all(area.holds(latitude, longitude) for area in wanted):
                return False
        if meta and not _says(said, meta):
            return False
        if part is not None and part not in (camera_name or "").casefold():
            return False
        if endings is not None and path.rpartition(b".")[2].lower() not in endings:
            return False
        if glob is None:
            return True
        return fnmatchcase(path, glob) if wild else glob in path

    return meets


def _says(said: str | None, wanted: Mapping[str, Any]) -> bool:
    found = json.loads(said) if said else {}
    for name, value in wanted.items():
        held = found.get(name)
        if name not in found or not (held == value or (isinstance(held, list) and value in held)):
            return False
    return True


def has_wildcard(glob: bytes) -> bool:
    """Whether it is more than a part of a path."""
    return any(letter in glob for letter in b"*?[")


def raw(text: str) -> bytes:
    """The bytes of a path or a part of one.

    Raises:
        UsageError: the text holds half a letter.
    """
    try:
        return os.fsencode(text)
    except UnicodeEncodeError as error:
        raise UsageError(f"{text!r} holds half a letter, which no path does") from error


def suffixes(type_: str) -> frozenset[bytes]:
    """What the paths of a type end in, after the last dot, in small letters."""
    wanted = raw(type_).lower().lstrip(b".")
    return next((same for same in SAME_TYPE if wanted in same), frozenset({wanted}))
