"""The lexical role of the bundled model."""

from __future__ import annotations

from lexsearch.encoders._mini_session import load
from lexsearch.encoders._role import RoleEncoder
from lexsearch.types import SparseVectors


def build(*, threads: int = 0) -> RoleEncoder[SparseVectors]:
    """The encoder; threads = 0 uses every core."""
    return RoleEncoder(load(threads=threads), "lexical", lambda encoded: encoded.lexical)
