"""Dense index that scans while it is small and visits inverted lists when it is large.

The lists come from a file of the index folder (`bundle/lists.py`), which the indexer makes from
100,000 images on; they are never made during a search. Without a file every search scans, which
gives the same scores and misses nothing.
"""

from __future__ import annotations

from lexsearch.stores.dense import Codes
from lexsearch.stores.dense._listed import DOWN, UP, ListedIndex


def build(
    *,
    dim: int,
    up: int = UP,
    down: int = DOWN,
    codes: Codes | None = None,
    gpu: bool = True,
) -> ListedIndex:
    """An empty index of vectors of that width, without lists.

    Args:
        dim: width.
        up: live images from which on `make_lists` makes lists.
        down: live images below which it drops them; at most `up`.
        codes: what the lists hold; None for the rule of `codes_for`.
        gpu: whether to search on a GPU when FAISS sees one.

    Raises:
        ValueError: down > up.
    """
    return ListedIndex(dim, up=up, down=down, codes=codes, gpu=gpu)
