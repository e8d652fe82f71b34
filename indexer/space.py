"""Estimates the disk space of a run and compares it with what is free."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from lexsearch.errors import StorageError
from lexsearch.types import ModelIdentity

# Bytes of the catalog for one image with one file: rows, indexes, a path of 100 bytes.
CATALOG_BYTES = 1000
# A word of an image is stored forward (id u16, weight f16) and inverted (row u16, weight f16).
WORD_BYTES = 8
# Free space over need: below WARN the user hears of it, below REFUSE nothing is begun.
WARN, REFUSE = 1.2, 0.1
# How a message tells that the work so far is kept.
SAFE = "are safe"


def bytes_per_image(identity: ModelIdentity) -> int:
    """What one image takes on disk, from the constants of its model."""
    tokens = identity.tokens_per_image * identity.token_dim + 4
    return identity.words_per_image * WORD_BYTES + 2 * identity.dense_dim + tokens + CATALOG_BYTES


def check_space(directory: Path, identity: ModelIdentity, images: int) -> list[str]:
    """A warning if the disk may become full, else nothing.

    Args:
        directory: the index; it need not exist.
        identity: of the model.
        images: how many will be encoded.

    Raises:
        StorageError: less than a tenth of the need is free.
    """
    need = images * bytes_per_image(identity)
    there = next(folder for folder in (directory, *directory.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if free >= WARN * need:
        return []
    figures = f"{_size(need)} needed for {images:,} images, {_size(free)} free in {there}"
    if free < REFUSE * need:
        raise StorageError(
            f"the disk has too little room: {figures}; free space, or choose another place "
            "with --db DIR, or go on with --no-space-check"
        )
    return [f"the disk may become full: {figures}"]


class Counts(Protocol):
    """What `safe_so_far` reports."""

    done: int
    total: int


@contextmanager
def safe_so_far(counts: Counts) -> Iterator[None]:
    """Turns an error of the disk into one that says what is safe and what to do.

    Raises:
        StorageError: for every OSError of the block that comes from a disk.
    """
    try:
        yield
    except BrokenPipeError:  # whoever watched the progress is gone; no disk has failed
        raise
    except OSError as error:
        if isinstance(error, StorageError) and (not counts.done or SAFE in str(error)):
            raise  # it says so itself, or nothing is safe yet
        why = str(error) if isinstance(error, StorageError) else error.strerror or str(error)
        raise StorageError(
            f"{why}; {counts.done:,} of {counts.total:,} images of this run {SAFE}; "
            "free space and run the same command"
        ) from error


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
