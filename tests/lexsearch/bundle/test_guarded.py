"""Blocks of a large file are verified when rows in them are first touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lexsearch.bundle.container import BLOCK, GuardedArrays, write_file
from lexsearch.bundle.segment_view import SegmentView
from lexsearch.errors import IndexDamaged
from lexsearch.stores.tokens.memmap import MemmapTokenStore
from lexsearch.types import TokenVectors

ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
IMAGES, TOKENS, DIM = 40, 1024, 64  # 64 KiB a picture, 2.5 MiB in all


@pytest.fixture
def segment(tmp_path: Path) -> SegmentView:
    """A segment whose tokens take three blocks and are not verified at once."""
    folder = tmp_path / ULID
    folder.mkdir()
    values = np.random.default_rng(0).integers(-127, 128, (IMAGES * TOKENS, DIM), dtype=np.int8)
    offsets = np.arange(IMAGES + 1, dtype=np.int64) * TOKENS
    info = write_file(folder / "tokens.lxt", "tokens", ULID, {"offsets": offsets, "values": values})
    ids = np.arange(IMAGES, dtype=np.int64)
    return SegmentView(ULID, ids, None, folder, {info.name: info.size}, verifies_tokens=False)


def store(segment: SegmentView) -> MemmapTokenStore:
    made = MemmapTokenStore(DIM, 1.0)
    made.attach(segment.image_ids, segment.sections("tokens"))
    return made


def flip(segment: SegmentView, place: int) -> None:
    path = segment.folder / "tokens.lxt"
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


QUERY = TokenVectors(np.eye(2, DIM, dtype=np.float32), np.array([0, 2]))
FIRST, LAST = np.array([0, 1]), np.array([IMAGES - 1])


def test_a_sound_file_scores_as_it_does_when_it_is_verified_at_once(segment: SegmentView) -> None:
    ids = segment.image_ids
    at_once = SegmentView(ULID, ids, None, segment.folder, segment.sizes)
    assert isinstance(segment.sections("tokens"), GuardedArrays)
    assert not isinstance(at_once.sections("tokens"), GuardedArrays)
    assert np.array_equal(store(segment).score(QUERY, ids), store(at_once).score(QUERY, ids))


def test_damage_is_an_error_for_the_pictures_in_its_block_alone(segment: SegmentView) -> None:
    flip(segment, 2 * BLOCK + 100)
    found = store(segment)
    assert np.isfinite(found.score(QUERY, FIRST)).all()
    for use in (found.score, found.screen):
        with pytest.raises(IndexDamaged, match=r"tokens\.lxt: block 2 of 3"):
            use(QUERY, LAST)
    with pytest.raises(IndexDamaged, match="block 2"):
        found.vectors(LAST)
    with pytest.raises(IndexDamaged, match="block 2"):
        found.best(QUERY, segment.image_ids, 3)


def test_damaged_offsets_are_an_error_at_once(segment: SegmentView) -> None:
    flip(segment, 64 * 3 + 8)
    with pytest.raises(IndexDamaged, match="block 0"):
        segment.sections("tokens")


def test_touching_no_row_reads_nothing(segment: SegmentView) -> None:
    flip(segment, 2 * BLOCK + 100)
    arrays = segment.sections("tokens")
    arrays.touch("values", np.array([7, 5]), np.array([7, 5]))
    arrays.touch("values", np.zeros(0, np.int64), np.zeros(0, np.int64))
