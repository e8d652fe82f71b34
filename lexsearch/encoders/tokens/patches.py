"""Late interaction on the patch tokens of CLIP, TULIP or SigLIP, with a learned projection if any.

Patches pass the last norm and the projection of the image vector, words that of the text vector,
so that both lie in one space. A projection of both, learned by the loss of FILIP, goes on top.
"""

from __future__ import annotations

from typing import Any

from lexsearch.encoders._families import role_model
from lexsearch.encoders._role import TokenEncoder
from lexsearch.errors import UsageError

FAMILIES = ("clip", "tulip", "siglip")


def build(source: str, *, family: str = "clip", **options: Any) -> TokenEncoder:
    """The encoder over a checkpoint of a family; `late` names a learned projection.

    Raises:
        UsageError: no such family.
    """
    if family not in FAMILIES:
        raise UsageError(f"family is {family!r}; known: {', '.join(FAMILIES)}")
    return TokenEncoder(role_model(family, source, **options))
