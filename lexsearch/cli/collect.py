"""Copies or links found photos into a folder; nothing there is ever overwritten."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lexsearch.errors import StorageError, UsageError

if TYPE_CHECKING:
    from lexsearch.results import SearchHit

MAX_TRIES = 1000


def collect(hits: Sequence[SearchHit], folder: str, *, link: bool) -> str:
    """Put every hit into the folder as `0001_name.ext`; returns a sentence about it.

    A file that is there already stays: an equal one is counted, beside a different one the new
    one gets the name `0001_name_2.ext`.

    Raises:
        UsageError: `folder` is a file.
        StorageError: the disk is full or refuses.
    """
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise UsageError(f"{folder} is a file; expected a folder")
    made = there = 0
    gone: list[str] = []
    try:
        target.mkdir(parents=True, exist_ok=True)
        for hit in hits:
            source = Path(os.fsdecode(hit.raw_path))
            if not source.is_file():
                gone.append(hit.path)
            elif _place(source, target, f"{hit.rank:04d}_", link=link):
                made += 1
            else:
                there += 1
    except OSError as error:
        verb = "linked" if link else "copied"
        raise StorageError(f"{verb} {made} photos to {folder}, then: {error}") from error
    return _sentence(made, there, gone, folder, link=link)


def _place(source: Path, folder: Path, prefix: str, *, link: bool) -> bool:
    """Copy or link one file under a free name; False when an equal one is there."""
    for number in range(1, MAX_TRIES):
        suffix = "" if number == 1 else f"_{number}"
        target = folder / f"{prefix}{source.stem}{suffix}{source.suffix}"
        if link:
            try:
                target.symlink_to(source)
                return True
            except FileExistsError:
                if target.is_symlink() and target.readlink() == source:
                    return False
                continue
        try:
            _copy_new(source, target)
            return True
        except FileExistsError:
            if target.is_file() and filecmp.cmp(source, target, shallow=False):
                return False
    raise StorageError(f"{folder} holds {MAX_TRIES - 1} files called {prefix}{source.name} already")


def _copy_new(source: Path, target: Path) -> None:
    """Copy to a name that must be free; a half-written copy is taken away again."""
    with source.open("rb") as reader, target.open("xb") as writer:
        try:
            shutil.copyfileobj(reader, writer)
        except BaseException:
            target.unlink()
            raise
    shutil.copystat(source, target)


def _sentence(made: int, there: int, gone: Sequence[str], folder: str, *, link: bool) -> str:
    text = f"{'linked' if link else 'copied'} {made} photos to {folder}"
    if there:
        text += f"; {there} were there already"
    if gone:
        text += f"; {len(gone)} no longer exist, such as {gone[0]}"
    return text
