"""Opens files that strangers may have prepared: never a link, a pipe or a device."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

# A photo is larger than nothing and smaller than this many bytes.
MAX_BYTES = 256 * 1024 * 1024
CHUNK = 1 << 20


class Unreadable(Exception):
    """The file cannot be read; says why, without its name."""


@contextmanager
def open_regular(path: bytes, *, follow: bool = False) -> Iterator[int]:
    """A descriptor of a regular file of 1 to MAX_BYTES bytes.

    Args:
        path: the file.
        follow: allow the last part of the path to be a symbolic link.

    Raises:
        Unreadable: it is something else, or the system refuses it.
    """
    flags = os.O_RDONLY
    for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY", *(() if follow else ("O_NOFOLLOW",))):
        flags |= getattr(os, name, 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise Unreadable(_why(path, error)) from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable("is not a regular file")
        if found.st_size == 0:
            raise Unreadable("is empty")
        if found.st_size > MAX_BYTES:
            raise Unreadable(f"is too large: {found.st_size / 1e6:,.0f} MB, at most 268 MB")
        yield descriptor
    except OSError as error:
        raise Unreadable(_why(path, error)) from error
    finally:
        os.close(descriptor)


def read_regular(path: bytes, *, follow: bool = False) -> bytes:
    """The bytes of a regular file.

    Raises:
        Unreadable: see `open_regular`.
    """
    with open_regular(path, follow=follow) as descriptor:
        parts, total = [], 0
        while chunk := os.read(descriptor, 8 * CHUNK):
            total += len(chunk)
            if total > MAX_BYTES:
                raise Unreadable("grows while it is read")
            parts.append(chunk)
    return b"".join(parts) if len(parts) != 1 else parts[0]


def sha256_of(path: bytes, *, follow: bool = False) -> bytes:
    """The sha256 digest of a regular file, read in pieces.

    Raises:
        Unreadable: see `open_regular`.
    """
    digest = hashlib.sha256()
    with open_regular(path, follow=follow) as descriptor:
        while chunk := os.read(descriptor, CHUNK):
            digest.update(chunk)
    return digest.digest()


def _why(path: bytes, error: OSError) -> str:
    if os.path.islink(path):  # noqa: PTH114
        return "is a symbolic link (see --follow-symlinks)"
    return f"cannot be read: {error.strerror or error}"
