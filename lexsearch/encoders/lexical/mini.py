"""The lexical role of the bundled model."""

from __future__ import annotations

from lexsearch.encoders._mini_session import load
from lexsearch.encoders._role import LexicalEncoder


def build(*, threads: int = 0) -> LexicalEncoder:
    """The encoder; threads = 0 uses every core."""
    return LexicalEncoder(load(threads=threads))
