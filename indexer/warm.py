"""Has the machine code of word search compiled by the run that makes an index large."""

from __future__ import annotations

from lexsearch.open_stores import DEFAULTS
from lexsearch.protocols import WarmsUp
from lexsearch.registry import build
from lexsearch.types import ModelIdentity


def compile_ahead(identity: ModelIdentity, images: int) -> None:
    """Leave compiled code in the cache, so that no search of so many images has to make it.

    Takes some 12 s of processor time once for a machine and a version, half a second when it is
    there, and nothing for few images.
    """
    if "lexical" not in identity.fingerprints:
        return
    index = build("stores.lexical", DEFAULTS["lexical"], vocab_size=identity.vocab_size)
    if isinstance(index, WarmsUp):
        index.warm_up(images=images)
