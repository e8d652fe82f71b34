"""The tokens role of FILIP: as the paper has it, or as the DeCLIP repository does (`variant`)."""

from __future__ import annotations

from typing import Any

from lexsearch.encoders._families import role_model
from lexsearch.encoders._role import RoleEncoder
from lexsearch.types import TokenVectors


def build(source: str, **options: Any) -> RoleEncoder[TokenVectors]:
    """The encoder over a folder or file; see `pair` and `load_filip` for the options."""
    return RoleEncoder(
        role_model("filip", source, **options), "tokens", lambda encoded: encoded.tokens
    )
