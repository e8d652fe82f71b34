"""The lexical role of LexVLA."""

from __future__ import annotations

from typing import Any

from lexsearch.encoders._role import LexicalEncoder
from lexsearch.encoders.models.lexvla import build as model


def build(source: str, **options: Any) -> LexicalEncoder:
    """The encoder over a folder; see `lexsearch.encoders.models.lexvla` for the options."""
    return LexicalEncoder(model(source, **options))
