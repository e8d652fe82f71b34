"""The tokens role of the bundled model."""

from __future__ import annotations

from lexsearch.encoders._mini_session import load
from lexsearch.encoders._role import TokenEncoder


def build(*, threads: int = 0) -> TokenEncoder:
    """The encoder; threads = 0 uses every core."""
    return TokenEncoder(load(threads=threads))
