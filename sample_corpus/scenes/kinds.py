"""Collects all kinds of objects under their names."""

from . import animals, food, furniture, people, places, plants, things, vehicles, wildlife
from .kind import Kind

_MODULES = (animals, wildlife, vehicles, places, plants, people, food, things, furniture)
KINDS: dict[str, Kind] = {kind.name: kind for module in _MODULES for kind in module.KINDS}
