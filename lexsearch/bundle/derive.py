"""Keeps what is derived from the segments fit: the inverted lists for dense search."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from lexsearch.bundle.container import FILE_NAMES
from lexsearch.bundle.creation import storage
from lexsearch.bundle.disk import Disk
from lexsearch.bundle.lists import write_lists
from lexsearch.bundle.live_bits import count_live
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.catalog import lists as catalog
from lexsearch.catalog import repository
from lexsearch.catalog.database import Database
from lexsearch.errors import IndexDamaged, ModelMissing, StorageError
from lexsearch.registry import build
from lexsearch.types import FloatArray, Lists

# Lists are dropped below this share of the size from which they are made.
HYSTERESIS = 0.6
Bank = Callable[[], FloatArray | None]


def refresh_lists(
    directory: Path, database: Database, *, images: int, bank: Bank | None, disk: Disk, now: int
) -> str | None:
    """Make, extend or drop the lists as the segments in force ask for; see `make_lists`.

    The caller holds the write lock. Whatever goes wrong, the lists before stay in force, and a
    search scans what they do not hold.

    Args:
        directory: the index.
        database: its catalog.
        images: pictures from which on there are lists; 0 = never.
        bank: gives texts as queries to calibrate on.
        disk: where to write.
        now: seconds since 1970.

    Returns:
        A sentence for the user when lists are due and could not be made.
    """
    least = round(HYSTERESIS * images)
    with database.transaction() as connection:
        count, held = count_live(repository.segments(connection)), catalog.in_force(connection)
        due = images > 0 and count >= (images if held is None else least)
        if not due:
            if catalog.drop(connection, now=now):
                repository.next_generation(connection)
            return None
    try:
        with Snapshot.open(directory) as snapshot:
            lists, is_new = _made(snapshot, images, least, bank)
        if not is_new:
            return None
        with storage(directory):
            written = None if lists is None else write_lists(directory, lists, disk=disk)
    except (IndexDamaged, StorageError, ModelMissing) as error:
        return f"dense search has no lists for all {count:,} photos and scans the others: {error}"
    with database.transaction() as connection:
        if written is None:
            catalog.drop(connection, now=now)
        else:
            catalog.put_in_force(connection, written[0], written[1].to_text(), now=now)
        repository.next_generation(connection)
    return None


def _made(snapshot: Snapshot, up: int, down: int, bank: Bank | None) -> tuple[Lists | None, bool]:
    """The lists that there should be, and whether they differ from those in force."""
    if not all(FILE_NAMES["dense"] in segment.sizes for segment in snapshot.segments):
        return None, snapshot.lists is not None
    dim = snapshot.identity.dense_dim
    index = build("stores.dense", "auto", dim=dim, up=up, down=down, gpu=False)
    for segment in snapshot.segments:
        index.attach(segment.image_ids, segment.sections("dense"), live=segment.live)
    used: Lists | None = None
    if snapshot.lists is not None:
        with contextlib.suppress(IndexDamaged, ValueError):  # what is damaged is made again
            used = snapshot.lists.load()
            index.use_lists(used)
    lists: Lists | None = index.make_lists(bank=bank)
    return lists, lists is not used or (lists is None and snapshot.lists is not None)
