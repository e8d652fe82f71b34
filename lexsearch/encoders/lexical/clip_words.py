"""Words of a CLIP-class model without training; see `lexsearch.encoders._clip_words`."""

from __future__ import annotations

from typing import Any

from lexsearch.encoders._families import FAMILIES, role_model
from lexsearch.encoders._role import LexicalEncoder
from lexsearch.errors import UsageError


def build(source: str, *, family: str = "clip", **options: Any) -> LexicalEncoder:
    """The encoder over a checkpoint of a family; see `pair` for the options.

    Raises:
        UsageError: no such family.
    """
    if family not in FAMILIES:
        raise UsageError(f"family is {family!r}; known: {', '.join(FAMILIES)}")
    model = role_model(family, source, **{"words": -1, **options})
    return LexicalEncoder(model)
