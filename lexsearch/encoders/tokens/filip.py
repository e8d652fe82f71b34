"""The tokens role of FILIP: as the paper has it, or as the DeCLIP repository does (`variant`)."""

from __future__ import annotations

from typing import Any

from lexsearch.encoders._families import role_model
from lexsearch.encoders._role import TokenEncoder


def build(source: str, **options: Any) -> TokenEncoder:
    """The encoder over a folder or file; see `pair` and `load_filip` for the options."""
    return TokenEncoder(role_model("filip", source, **options))
