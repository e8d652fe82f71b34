"""Blocks stay few while images are added one by one, and segments stay as they are."""

import numpy as np

from lexsearch.stores.blocks import Blocks
from lexsearch.stores.segment_data import MAX_ROWS


def rows(*values: float) -> dict[str, np.ndarray]:
    return {"values": np.array(values, dtype=np.float16)[:, np.newaxis]}


def test_a_thousand_single_rows_leave_few_blocks_in_order() -> None:
    blocks = Blocks("dense")
    for i in range(1000):
        blocks.add(np.array([i]), rows(i))
    held = list(blocks)
    assert len(held) <= 12
    assert [block.first for block in held] == np.cumsum([0, *(b.count for b in held)])[:-1].tolist()
    stored = np.concatenate([block.arrays["values"][:, 0] for block in held])
    assert stored.tolist() == list(range(1000))


def test_attached_segments_are_neither_copied_nor_merged() -> None:
    blocks = Blocks("dense")
    segment = rows(1, 2)
    blocks.attach(np.array([1, 2]), segment, None)
    blocks.add(np.array([3]), rows(3))
    blocks.add(np.array([4]), rows(4))
    first, second = blocks
    assert first.arrays is segment
    assert second.arrays["values"][:, 0].tolist() == [3.0, 4.0]


def test_blocks_do_not_outgrow_a_segment() -> None:
    blocks = Blocks("dense")
    half = {"values": np.zeros((MAX_ROWS // 2, 1), np.float16)}
    for start in (0, MAX_ROWS):
        blocks.add(np.arange(start, start + MAX_ROWS // 2), half)
    assert [block.count for block in blocks] == [MAX_ROWS // 2, MAX_ROWS // 2]


def test_members_name_block_place_and_local_row() -> None:
    blocks = Blocks("dense")
    blocks.attach(np.array([1, 2]), rows(1, 2), None)
    blocks.attach(np.array([]), rows(), None)
    blocks.attach(np.array([3]), rows(3), None)
    found = [
        (block.first, places.tolist(), local.tolist())
        for block, places, local in blocks.members(np.array([2, -1, 1, 2, 0]))
    ]
    assert found == [(0, [2, 4], [1, 0]), (2, [0, 3], [0, 0])]
    assert list(blocks.members(np.array([-1]))) == []
