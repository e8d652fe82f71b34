"""FILIP as a model set."""

from __future__ import annotations

from typing import Any

from lexsearch.encoders._families import LOADERS, pair
from lexsearch.encoders._pair_model import PairModel


def build(source: str, **options: Any) -> PairModel:
    """All roles over a checkpoint; see `pair` and the loader for the options."""
    return pair("filip", source, LOADERS["filip"], **options)
