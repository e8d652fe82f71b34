"""The dense role of CLIP."""

from __future__ import annotations

from typing import Any

from lexsearch.encoders._families import role_model
from lexsearch.encoders._role import DenseEncoder


def build(source: str, **options: Any) -> DenseEncoder:
    """The encoder over a folder, file or hub id; see `pair` for the options."""
    return DenseEncoder(role_model("clip", source, **options))
