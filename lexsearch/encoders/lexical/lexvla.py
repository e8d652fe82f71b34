"""The lexical role of LexVLA."""

from __future__ import annotations

from typing import Any

from lexsearch.encoders._role import RoleEncoder
from lexsearch.encoders.models.lexvla import build as model
from lexsearch.types import SparseVectors


def build(source: str, **options: Any) -> RoleEncoder[SparseVectors]:
    """The encoder over a folder; see `lexsearch.encoders.models.lexvla` for the options."""
    return RoleEncoder(model(source, **options), "lexical", lambda encoded: encoded.lexical)
