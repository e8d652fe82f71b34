"""Groups of pictures whose 64-bit difference hashes lie close together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BITS = 64
# Pairs compared at a time: 64 MB of distances.
BLOCK_PAIRS = 1 << 23


def groups(hashes: Sequence[tuple[int, int]], threshold: int) -> list[list[int]]:
    """Images linked by chains of pairs whose hashes differ in at most `threshold` bits.

    Compares every pair of different hashes: quadratic, 100,000 hashes take minutes.

    Args:
        hashes: id and hash, the hash as any 64-bit number.
        threshold: 0 to 64.

    Returns:
        Groups of two and more ids, each ascending, by their smallest id.

    Raises:
        ValueError: the threshold is out of range.
    """
    if not 0 <= threshold <= BITS:
        raise ValueError(f"the threshold is a number of bits from 0 to {BITS}, not {threshold}")
    if not hashes:
        return []
    ids = np.array([image_id for image_id, _ in hashes], dtype=np.int64)
    bits = np.array([value & 0xFFFF_FFFF_FFFF_FFFF for _, value in hashes], dtype=np.uint64)
    distinct, inverse = np.unique(bits, return_inverse=True)
    leader = _linked(distinct, threshold)[inverse]
    members: dict[int, list[int]] = {}
    for image_id, group in zip(ids.tolist(), leader.tolist(), strict=True):
        members.setdefault(group, []).append(image_id)
    return sorted(sorted(group) for group in members.values() if len(group) > 1)


def _linked(hashes: npt.NDArray[np.uint64], threshold: int) -> npt.NDArray[np.int64]:
    """For every hash a number that all hashes of its group share."""
    parent = list(range(len(hashes)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    step = max(1, BLOCK_PAIRS // len(hashes))
    for start in range(0, len(hashes), step):
        block = hashes[start : start + step]
        near = np.bitwise_count(block[:, None] ^ hashes[None, start:]) <= threshold
        for i, j in zip(*np.nonzero(near), strict=True):
            parent[root(start + int(j))] = root(start + int(i))
    return np.array([root(i) for i in range(len(hashes))], dtype=np.int64)
