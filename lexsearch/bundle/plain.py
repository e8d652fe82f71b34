"""Refuses an index that holds a link, a pipe or a device where a file belongs.

An index may come from a stranger. A link in it could make a writer cut off a file elsewhere, a pipe
would let every reader wait, and a device has no end; lexsearch itself makes files and folders only.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from lexsearch.errors import IndexDamaged

# editions/<n>/segments/<ulid>/file
DEEPEST = 4
# Set aside by `repair`, and never read again.
NOT_ENTERED = "quarantine"
KINDS = (
    (stat.S_ISLNK, "a link"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
)  # fmt: skip


def require_plain(directory: Path) -> None:
    """Look at every name in an index; opens no file. The folder itself may be a link.

    Raises:
        IndexDamaged: something is neither a file nor a folder; it is named.
    """
    waiting = [(os.fspath(directory), 0)]
    while waiting:
        folder, depth = waiting.pop()
        try:
            entries = os.scandir(folder)
        except OSError:
            continue  # it is not there, or cannot be read, which others say better
        with entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if depth < DEEPEST and entry.name != NOT_ENTERED:
                        waiting.append((entry.path, depth + 1))
                elif not entry.is_file(follow_symlinks=False):
                    require_file(entry.path)


def require_file(path: str | Path) -> None:
    """The same of one name, which need not be there.

    Raises:
        IndexDamaged: see `require_plain`.
    """
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return  # a writer may have removed it meanwhile
    found = next((name for is_kind, name in KINDS if is_kind(mode)), None)
    if found:
        raise IndexDamaged(
            f"{path} is {found}; an index holds files and folders only, so this one is not used; "
            "remove it, then see what is missing with: lexsearch check"
        )
