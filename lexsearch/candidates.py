"""Pictures that a caller names, to be ranked: as ids, hits or a ranking."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lexsearch.errors import UsageError
from lexsearch.results import SearchHit, SearchResults
from lexsearch.types import IntArray, Ranking

if TYPE_CHECKING:
    from lexsearch.bundle.snapshot import Snapshot

Candidates: TypeAlias = "Ranking | SearchResults | Iterable[str | int | SearchHit]"


def candidate_ids(snapshot: Snapshot, candidates: Candidates) -> IntArray:
    """Ascending image ids of candidates.

    Raises:
        UsageError: an id that no picture of the db has.
    """
    if isinstance(candidates, Ranking):
        given: list[str | int | SearchHit] = list(map(int, candidates.ids))
    else:
        given = list(candidates)
    names = [one.id if isinstance(one, SearchHit) else one for one in given]
    found = snapshot.ids_of([one for one in names if isinstance(one, str)])
    numbers = [found.get(one) if isinstance(one, str) else int(one) for one in names]
    held = snapshot.image_ids()
    for name, number in zip(names, numbers, strict=True):
        place = 0 if number is None else int(np.searchsorted(held, number))
        if number is None or place == len(held) or int(held[place]) != number:
            raise UsageError(f"no picture {name!r} in {snapshot.directory}")
    return np.unique(np.array(numbers, dtype=np.int64))
