"""The bundled model as a model set."""

from __future__ import annotations

from lexsearch.encoders._mini_session import MiniModel, load


def build(*, threads: int = 0) -> MiniModel:
    """The bundled model; threads = 0 uses every core."""
    return load("mini", threads=threads)
