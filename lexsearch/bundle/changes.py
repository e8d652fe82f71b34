"""What one batch changes in the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from lexsearch.bundle.live_bits import pack
from lexsearch.bundle.records import CommitBatch
from lexsearch.catalog import merging, repository
from lexsearch.catalog.records import SegmentFile
from lexsearch.catalog.repository import display
from lexsearch.errors import LexsearchError
from lexsearch.types import docid, image_id_of


class WrittenSegment(NamedTuple):
    """A segment whose files are on the disk."""

    ulid: str
    rows: int
    files: Sequence[SegmentFile]


def check_batch(connection: Connection, batch: CommitBatch) -> None:
    """Make sure that a batch agrees with itself and with the catalog.

    Raises:
        ValueError: it does not.
        LexsearchError: two different pictures have one id.
    """
    new = {one.sha256 for one in batch.contents}
    named = new | {one.sha256 for one in batch.files}
    if len(new) != len(batch.contents):
        raise ValueError("a batch holds one content twice")
    if len({one.path for one in batch.files}) != len(batch.files):
        raise ValueError("a batch holds one path twice")
    if not {one.path for one in batch.added} <= {one.path for one in batch.files}:
        raise ValueError("a batch says something of a picture that is not in it")
    if any(len(digest) != 32 for digest in named):
        raise ValueError("a sha256 has 32 bytes")
    stored = repository.stored_digests(connection, [image_id_of(digest) for digest in named])
    for digest in sorted(new):
        stored.setdefault(image_id_of(digest), digest)
    for digest in sorted(named):
        image_id = image_id_of(digest)
        if image_id not in stored:
            raise ValueError(f"no vectors are stored or given for the content {digest.hex()}")
        if stored[image_id] != digest:
            raise _collision(connection, batch, image_id, digest)


def _collision(
    connection: Connection, batch: CommitBatch, image_id: int, digest: bytes
) -> LexsearchError:
    new = [one.path for one in batch.files if one.sha256 == digest]
    other = [one.path for one in batch.files if image_id_of(one.sha256) == image_id]
    old = [row["path"] for row in merging.paths_of(connection, [image_id]).get(image_id, [])]
    paths = sorted({*new, *other, *old})
    shown = " and ".join(display(path) for path in paths) or digest.hex()
    return LexsearchError(
        f"{shown} are different pictures with one id {docid(image_id)}; leave one of them out "
        "with: lexsearch index --exclude NAME"
    )


def apply_batch(
    connection: Connection, batch: CommitBatch, segment: WrittenSegment | None, *, now: int
) -> int:
    """Change the catalog inside the caller's transaction; returns the new generation."""
    affected: set[int] = set()
    if segment is not None:
        number = repository.add_segment(connection, segment.ulid, segment.rows, segment.files)
        affected |= repository.add_contents(connection, batch.contents, segment_id=number)
        affected.add(number)
    touched = repository.remove_files(connection, batch.removed, now=now)
    touched |= repository.add_files(connection, batch.files, now=now)
    repository.add_added(connection, batch.added)
    repository.remove_skipped(connection, batch.unskipped)
    repository.add_skipped(connection, batch.skipped)
    affected |= repository.segments_of(connection, touched)
    refresh_live(connection, affected)
    return repository.next_generation(connection)


def refresh_live(connection: Connection, numbers: Iterable[int]) -> None:
    """Write anew which rows of the numbered segments belong to pictures that have a path."""
    wanted = set(numbers)
    for row in repository.segments(connection):
        if row["id"] in wanted:
            live = pack(repository.live_positions(connection, row["id"]), row["rows"])
            if live != row["live"]:
                repository.set_live(connection, row, live)
