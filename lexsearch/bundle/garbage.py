"""Removes what no commit names: leftovers of broken runs, and segments that a merge replaced."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

from lexsearch.bundle.disk import Disk
from lexsearch.bundle.segments import SEGMENTS
from lexsearch.bundle.ulid import ULID_OR_TMP

IVF = "ivf"
# A reader that has just read the list of segments gets this long to open their files.
GRACE_S = 60.0


def leftovers(directory: Path, named: Set[str]) -> Iterator[Path]:
    """Folders of segments and derived indexes that no commit names, by name.

    Only real folders whose name is one that we give; links are never followed.
    """
    for parent in (directory / SEGMENTS, directory / IVF):
        if parent.is_dir() and not parent.is_symlink():
            for path in sorted(parent.iterdir()):
                ours = ULID_OR_TMP.fullmatch(path.name) and path.name not in named
                if ours and path.is_dir() and not path.is_symlink():
                    yield path


def collect(
    directory: Path,
    named: Set[str],
    dropped: Mapping[str, int],
    *,
    disk: Disk,
    now: float | None = None,
) -> list[str]:
    """Remove leftovers older than the grace time; the caller holds the write lock.

    Args:
        directory: the index.
        named: folders that the catalog names.
        dropped: seconds since 1970 at which folders were dropped.
        disk: what removes.
        now: seconds since 1970.

    Returns:
        Names of `dropped` that are gone. What cannot be removed stays for the next run.
    """
    now = time.time() if now is None else now
    for path in leftovers(directory, named):
        with contextlib.suppress(OSError):
            since = max(path.lstat().st_mtime, dropped.get(path.name, 0))
            if abs(now - since) >= GRACE_S:
                disk.remove_tree(path)
    places = (directory / SEGMENTS, directory / IVF)
    return [name for name in dropped if not any((place / name).exists() for place in places)]
