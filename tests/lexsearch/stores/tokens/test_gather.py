"""Chosen images are read in chunks, and asked for beforehand where they lie in a mapped file."""

import mmap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lexsearch.stores.blocks import Block
from lexsearch.stores.tokens._gather import GAP, Chosen, batches, packed, prefetch


@pytest.mark.parametrize("lengths", [[3] * 20, [1, 5, 2, 9, 30, 1, 1, 4]])
def test_every_chosen_token_is_read_once_in_order(lengths: list[int]) -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(-127, 128, (sum(lengths), 4)).astype(np.int8)
    offsets = np.cumsum([0, *lengths], dtype=np.int64)
    for chosen in (np.arange(len(lengths)), np.array([0, 2, 2, 5, 7]), np.array([4])):
        wanted = [values[offsets[i] : offsets[i + 1]] for i in chosen]
        found: dict[int, list[np.ndarray]] = {}
        for places, rows, counts in batches(values, offsets, chosen, np.empty((10, 4), np.int8)):
            assert len(rows) == counts.sum() <= 10
            starts = np.cumsum(counts) - counts
            for place, start, count in zip(places, starts, counts, strict=True):
                found.setdefault(int(place), []).append(rows[start : start + count].copy())
        assert list(found) == list(range(len(chosen)))
        for i, parts in found.items():
            assert np.concatenate(parts).tolist() == wanted[i].tolist()


SIZES = [[3] * 5, [2, 0, 7, 1], [4] * 3, [0, 0], [50], [1] * 4]


@settings(max_examples=200)
@given(st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=6), st.integers(1, 30))
@example(SIZES, 6)
@example(SIZES, 1000)
@example([[2, 0], [6]], 10)  # a little waits when much comes that would still fit beside it
def test_little_of_many_blocks_is_put_together(sizes: list[list[int]], limit: int) -> None:
    rng = np.random.default_rng(limit)
    chosen: list[Chosen] = []
    wanted: dict[int, list[list[int]]] = {}
    place = 0
    for lengths in sizes:
        values = rng.integers(-127, 128, (sum(lengths), 4)).astype(np.int8)
        offsets = np.cumsum([0, *lengths], dtype=np.int64)
        block = Block(0, len(lengths), {"values": values, "offsets": offsets}, True)
        local = np.arange(len(lengths))[:: 1 + len(chosen) % 2]
        places = place + rng.permutation(len(local))
        wanted |= {
            int(p): values[offsets[i] : offsets[i + 1]].tolist()
            for p, i in zip(places, local, strict=True)
            if lengths[i]
        }
        chosen.append(Chosen(block, places, local))
        place += len(local)
    found: dict[int, list[list[int]]] = {}
    steps = 0
    for places, rows, counts in packed(chosen, np.empty((limit, 4), np.int8)):
        assert len(rows) == counts.sum() <= limit
        steps += 1
        for one, part in zip(places, np.split(rows, np.cumsum(counts)[:-1]), strict=True):
            found.setdefault(int(one), []).extend(part.tolist())
    assert found == wanted
    total = sum(len(tokens) for tokens in wanted.values())
    if 2 * total <= limit:
        assert steps == (total > 0)


def test_a_mapped_file_is_asked_for_in_few_stretches(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_bytes(bytes(64 + 3 * GAP))
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    values = np.frombuffer(mapped, np.int8, 3 * GAP, 64).reshape(-1, 16)
    offsets = np.arange(0, len(values) + 1, 8)
    images = len(offsets) - 1
    if not hasattr(mmap, "MADV_WILLNEED"):
        pytest.skip("this system has no such request")
    assert prefetch(values, offsets, np.array([0, 1, 5])) == 1
    assert prefetch(values, offsets, np.array([0, images - 1])) == 2
    assert prefetch(values, offsets, np.zeros(0, np.int64)) == 0


def test_arrays_in_memory_are_not_asked_for() -> None:
    assert prefetch(np.zeros((4, 2), np.int8), np.array([0, 4]), np.array([0])) == 0
