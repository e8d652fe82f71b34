"""The dense role of SigLIP and SigLIP 2."""

from __future__ import annotations

from typing import Any

from lexsearch.encoders._families import role_model
from lexsearch.encoders._role import RoleEncoder
from lexsearch.types import DenseVectors


def build(source: str, **options: Any) -> RoleEncoder[DenseVectors]:
    """The encoder over a folder, file or hub id; see `pair` for the options."""
    return RoleEncoder(
        role_model("siglip", source, **options), "dense", lambda encoded: encoded.dense
    )
