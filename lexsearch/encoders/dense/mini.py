"""The dense role of the bundled model."""

from __future__ import annotations

from lexsearch.encoders._mini_session import load
from lexsearch.encoders._role import DenseEncoder


def build(*, threads: int = 0) -> DenseEncoder:
    """The encoder; threads = 0 uses every core."""
    return DenseEncoder(load(threads=threads))
