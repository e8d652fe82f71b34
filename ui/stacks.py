"""Hits that are nearly the same picture, stacked under the best of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from lexsearch.bundle import near
from lexsearch.results import SearchHit


def stacks(
    hits: Sequence[SearchHit], hashes: Mapping[str, int | None], bits: int
) -> list[list[SearchHit]]:
    """The hits in groups, in the order of the best of each; a hit without its like is alone.

    Args:
        hits: best first.
        hashes: id -> 64-bit picture hash; None or missing for a picture without one.
        bits: most that the hashes of two linked pictures differ in.
    """
    known = [(int(id, 16), value) for id, value in hashes.items() if value is not None]
    leader = {id: group[0] for group in near.groups(known, bits) for id in group}
    found: dict[int, list[SearchHit]] = {}
    for hit in hits:
        number = int(hit.id, 16)
        found.setdefault(leader.get(number, number), []).append(hit)
    return list(found.values())


def unfolded(
    groups: Sequence[Sequence[SearchHit]], opened: Collection[str]
) -> list[tuple[SearchHit, int]]:
    """Hits as they are shown: the best of each group, of an opened one all.

    Returns:
        Every hit shown with the number of others in its group; 0 for those behind a first one.
    """
    shown: list[tuple[SearchHit, int]] = []
    for best, *others in groups:
        shown.append((best, len(others)))
        if best.id in opened:
            shown.extend((other, 0) for other in others)
    return shown
