"""The dense role of the bundled model."""

from __future__ import annotations

from lexsearch.encoders._mini_session import load
from lexsearch.encoders._role import RoleEncoder
from lexsearch.types import DenseVectors


def build(*, threads: int = 0) -> RoleEncoder[DenseVectors]:
    """The encoder; threads = 0 uses every core."""
    return RoleEncoder(load(threads=threads), "dense", lambda encoded: encoded.dense)
