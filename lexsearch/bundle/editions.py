"""Editions: the whole index as one model made it; one of them answers.

Edition 0 lies in the folder of the index itself, edition n in `editions/<n>`; each is an index of
its own, with a catalog and segments. FORMAT.json, which is replaced as a whole, says which one is
in force, and that is the only switch: what is numbered below it was replaced, what is numbered
above it is being made. Writers of any edition hold the lock of the index.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lexsearch.bundle.catalog_file import recorded_identity
from lexsearch.bundle.disk import Disk
from lexsearch.bundle.format import number_in_force, read_format, write_format
from lexsearch.bundle.location import EDITIONS, edition_folder
from lexsearch.catalog.step import CATALOG_FILE, CATALOG_FILES, CATALOG_TMP_FILES
from lexsearch.errors import LexsearchError
from lexsearch.types import ModelIdentity

NAME = re.compile(r"[0-9]{4,9}")
# What edition 0 may have left; its catalog goes first, so that half of it is never read.
FIRST = CATALOG_FILES
OWN_FOLDERS = ("segments", "ivf", "quarantine")
OWN_FILES = (".reserve", *CATALOG_TMP_FILES)


def in_force(directory: Path) -> Path:
    """The folder of the edition that answers; the folder itself where there is no index."""
    return edition_folder(directory, number_in_force(directory))


def numbers(directory: Path) -> list[int]:
    """Editions beside number 0, ascending, whatever their state; links are none."""
    place = directory / EDITIONS
    if not place.is_dir() or place.is_symlink():
        return []
    return sorted(
        int(path.name)
        for path in place.iterdir()
        if NAME.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
    )


def readable(directory: Path) -> Iterator[tuple[int, Path]]:
    """Number and folder of every edition that has a catalog, the one in force included."""
    force = number_in_force(directory)
    for number in sorted({0, force, *numbers(directory)}):
        folder = edition_folder(directory, number)
        if number == force or (folder / CATALOG_FILE).exists():
            yield number, folder


def unfinished(directory: Path) -> list[tuple[int, ModelIdentity | None]]:
    """Editions that are being made, with the identity of their model once it is recorded."""
    force = number_in_force(directory)
    return [
        (number, recorded_identity(edition_folder(directory, number)))
        for number in numbers(directory)
        if number > force
    ]


def next_number(directory: Path, identity: ModelIdentity) -> int:
    """The edition to make for a model: the one begun for it, or a new number."""
    begun = unfinished(directory)
    for number, recorded in reversed(begun):
        if recorded in (identity, None):
            return number
    return max([number_in_force(directory), *numbers(directory)]) + 1


def replaced(directory: Path) -> list[int]:
    """Editions that another one has taken the place of, as far as anything of them is left."""
    force = number_in_force(directory)
    found = [number for number in numbers(directory) if number < force]
    return [0, *found] if force and any(_leftovers(directory)) else found


def switch(directory: Path, number: int, *, disk: Disk) -> None:
    """Put an edition in force, by one replaced file; the caller holds the lock.

    It is first marked as complete, so that a repair that finds no FORMAT.json can choose.
    """
    own = edition_folder(directory, number)
    write_format(own, uuid_hex=read_format(own).uuid, complete=True, disk=disk)
    write_format(directory, uuid_hex=read_format(directory).uuid, edition=number, disk=disk)


def complete_number(directory: Path) -> int:
    """The edition to put in force where FORMAT.json is lost: the last that is complete."""
    for number in reversed(numbers(directory)):
        with contextlib.suppress(Exception):
            if read_format(edition_folder(directory, number)).complete:
                return number
    return 0


def remove(directory: Path, number: int, *, disk: Disk) -> None:
    """Remove an edition that is not in force; the caller holds the lock.

    Interrupted, it is gone for readers and the next call goes on.
    """
    if number == number_in_force(directory):
        raise ValueError(f"edition {number} of {directory} is in force")
    folder = edition_folder(directory, number)
    for name in FIRST:
        disk.remove(folder / name)
    disk.sync_dir(folder)
    if number:
        disk.remove_tree(folder)
        return
    for path in _leftovers(directory):
        if path.is_dir() and not path.is_symlink():
            disk.remove_tree(path)
        else:
            disk.remove(path)


def summary(directory: Path) -> list[dict[str, Any]]:
    """Every edition but the one in force: number, state, model, bytes, as JSON values."""
    old = set(replaced(directory))
    force = number_in_force(directory)
    found = []
    for number in sorted(old.union(numbers(directory)) - {force}):
        model = None
        with contextlib.suppress(LexsearchError):
            recorded = recorded_identity(edition_folder(directory, number))
            model = None if recorded is None else recorded.name
        size = sum(_size(path) for path in paths_of(directory, number))
        state = "replaced" if number in old else "unfinished"
        found.append({"number": number, "state": state, "model": model, "bytes": size})
    return found


def _size(path: Path) -> int:
    files = [path] if path.is_file() else path.rglob("*")
    total = 0
    for file in files:
        with contextlib.suppress(OSError):  # a writer may be removing it
            total += file.lstat().st_size if file.is_file() else 0
    return total


def paths_of(directory: Path, number: int) -> list[Path]:
    """The files and folders that are an edition's own."""
    return [edition_folder(directory, number)] if number else list(_leftovers(directory))


def _leftovers(directory: Path) -> Iterator[Path]:
    names = (*FIRST, *OWN_FOLDERS, *OWN_FILES)
    for path in (*(directory / name for name in names), *directory.glob("catalog.step*.bak")):
        if path.exists() or path.is_symlink():
            yield path
