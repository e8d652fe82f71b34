"""The ids that programs give to pictures they add, as the catalog keeps them: as a kind of path."""

from __future__ import annotations

import re

from lexsearch.errors import UsageError

# Begins no absolute path, and no drive of Windows has two letters.
PREFIX = b"id:"
MOST_BYTES = 512
DOCID = re.compile("[0-7][0-9a-f]{15}")  # see `lexsearch.image_id.docid`


def key_of(name: str) -> bytes:
    """What stands in the catalog for a picture of that id.

    Raises:
        UsageError: it is no text, empty, too long, or has blanks or unprintable letters, which no
            TREC run can carry.
    """
    if not isinstance(name, str) or not name:
        raise UsageError(f"a picture has the id {name!r}; expected a text that is not empty")
    try:
        key = PREFIX + name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError(f"the id {name!r} holds half a letter") from error
    if not name.isprintable() or name.split() != [name]:
        raise UsageError(f"the id {name!r} holds a blank or an unprintable letter")
    if len(key) > MOST_BYTES + len(PREFIX):
        raise UsageError(f"the id {name[:40]!r}… has more than {MOST_BYTES} bytes")
    return key


def key_of_new(name: str) -> bytes:
    """The same for an id that a caller chooses.

    Raises:
        UsageError: as in `key_of`, or it looks like the ids that pictures get by themselves.
    """
    if isinstance(name, str) and DOCID.fullmatch(name):
        raise UsageError(f"the id {name!r} looks like that of a picture's content; choose another")
    return key_of(name)


def is_key(path: bytes) -> bool:
    """Whether a path of the catalog stands for an id."""
    return path.startswith(PREFIX)


def name_of(key: bytes) -> str:
    """The id behind what stands in the catalog."""
    return key[len(PREFIX) :].decode("utf-8", "backslashreplace")
