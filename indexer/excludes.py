"""Which names a walk leaves out."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Sequence

# Previews of a NAS, program folders, our own, and what macOS and Windows leave behind.
DEFAULT_EXCLUDES = (
    "@eaDir",
    "node_modules",
    ".git",
    ".lexsearch",
    "System Volume Information",
    "$RECYCLE.BIN",
    "._*",
    ".DS_Store",
    "Thumbs.db",
)
HIDDEN = ".*"
# Longer globs are refused by the command line: matching them may take for ever.
MAX_GLOB = 256


def patterns(*, exclude: Sequence[str], defaults: bool, hidden: bool) -> tuple[str, ...]:
    """The globs in force, the default ones first."""
    return (
        *(DEFAULT_EXCLUDES if defaults else ()),
        *(() if hidden else (HIDDEN,)),
        *(glob.rstrip("/") or "/" for glob in exclude),
    )


def matcher(globs: Sequence[str]) -> Callable[[bytes, bytes], bool]:
    """A test `(name, path relative to its root) -> left out`.

    A glob without a slash is compared with names, one with a slash with relative paths, where
    `*` also matches slashes.
    """
    names = [glob for glob in globs if "/" not in glob]
    relative = [glob.lstrip("/") for glob in globs if "/" in glob]
    name_match, path_match = _compile(names), _compile(relative)

    def excluded(name: bytes, path: bytes) -> bool:
        if name_match is not None and name_match(os.fsdecode(name)):
            return True
        return path_match is not None and path_match(os.fsdecode(path)) is not None

    return excluded


def _compile(globs: Sequence[str]) -> Callable[[str], re.Match[str] | None] | None:
    if not globs:
        return None
    return re.compile("|".join(fnmatch.translate(glob) for glob in globs)).match
