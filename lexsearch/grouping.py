"""One of several nearly equal pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexsearch.results import SearchHit

NEAR_BITS = 6  # of the 64 bits of the picture's hash that near duplicates may differ in
SPARE = 3  # pictures found for each one shown, so that a grouped list is still full


def first_of_each(hits: Sequence[SearchHit], groups: Sequence[Sequence[str]]) -> list[SearchHit]:
    """The hits without those that are nearly equal to a better one; ranks stay as they are.

    groups: paths of nearly equal pictures.
    """
    group_of = {path: number for number, group in enumerate(groups) for path in group}
    seen: set[int] = set()
    kept = []
    for hit in hits:
        group = group_of.get(hit.path)
        if group is None or group not in seen:
            kept.append(hit)
        if group is not None:
            seen.add(group)
    return kept
