"""Estimates the disk space of a run and compares it with what is free."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lexsearch.bundle.compact import MERGED_ROWS, SMALL_SEGMENTS
from lexsearch.bundle.writer import MOST_SMALL_SEGMENTS
from lexsearch.errors import StorageError
from lexsearch.stores.dense import code_bytes, codes_for
from lexsearch.types import ModelIdentity

# Fixed bytes of an image in the catalog (rows, indexes) and in `seg.json` and `ids.lxi`.
CATALOG_BYTES, DESCRIPTION_BYTES = 240, 340
# How often the bytes of a path and its root occur: path, display and index in pages of the catalog
# that are three quarters full, and as base64 in `seg.json`.
PATH_COPIES = 5.4
# A word of an image is stored forward (id u16, weight f16) and inverted (row u16, weight f16).
WORD_BYTES = 8
# An image in the lists for dense search, besides its row: two ids of eight bytes.
LISTED_BYTES = 16
# Files that do not grow with the images: the reserve, a new catalog, its log.
FIXED_BYTES = 600_000
# What a run leaves lies within this share of the estimate. Pictures that turn out to be copies, or
# broken, and words that a picture does not have, make it less.
MARGIN = 0.15
# Free space over need: below WARN the user hears of it, below REFUSE nothing is begun.
WARN, REFUSE = 1.2, 0.1
# How a message tells that the work so far is kept.
SAFE = "are safe"


@dataclass(frozen=True, slots=True)
class Work:
    """What a run will do, as far as it decides the space it needs.

    Attributes:
        images: to encode.
        path_bytes: of the paths of these and their roots, together.
        batch_size: images a commit.
        held: images that the index holds already.
        lists_from: images from which on dense search has lists; 0 = never.
    """

    images: int
    path_bytes: int = 0
    batch_size: int = 256
    held: int = 0
    lists_from: int = 0


def bytes_per_image(identity: ModelIdentity) -> int:
    """What one image takes on disk but for its paths, from the constants of its model."""
    tokens = identity.tokens_per_image * identity.token_dim + 4
    words = identity.words_per_image * WORD_BYTES + 4
    return words + 2 * identity.dense_dim + tokens + CATALOG_BYTES + DESCRIPTION_BYTES


def needed(identity: ModelIdentity, work: Work) -> int:
    """Bytes that a run adds to an index.

    Beside the images, the table of words of every segment, and the lists for dense search, these
    are the segments of the last merge: they stay a minute, and so until the next run.
    """
    segments = -(-work.images // work.batch_size)
    copied = min(work.images, MERGED_ROWS) if segments > SMALL_SEGMENTS else 0
    each = bytes_per_image(identity)
    paths = round(work.path_bytes * PATH_COPIES)
    tables = (min(segments, MOST_SMALL_SEGMENTS) + work.images // MERGED_ROWS) * 4
    stored = work.images * each + copied * (each - CATALOG_BYTES) + tables * identity.vocab_size
    return stored + paths + _lists(identity, work) + FIXED_BYTES


def _lists(identity: ModelIdentity, work: Work) -> int:
    """Bytes of the lists for dense search, which are written beside those in force."""
    images = work.held + work.images
    if not work.lists_from or images < work.lists_from:
        return 0
    dim = identity.dense_dim
    codes = codes_for(images)
    row = code_bytes(dim, codes)
    centres = round(16 * dim * math.sqrt(images))
    if codes == "pq4":
        centres *= 3  # each list is filled up to 32 rows
    return images * (row + LISTED_BYTES) + centres


def check_space(directory: Path, identity: ModelIdentity, work: Work) -> list[str]:
    """A warning if the disk may become full, else nothing.

    Args:
        directory: the index; it need not exist.
        identity: of the model.
        work: what will be done.

    Raises:
        StorageError: less than a tenth of the need is free.
    """
    need = needed(identity, work)
    there = next(folder for folder in (directory, *directory.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if free >= WARN * need:
        return []
    figures = f"{_size(need)} needed for {work.images:,} images, {_size(free)} free in {there}"
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
