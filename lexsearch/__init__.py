"""lexsearch: hybrid image search that shows which words fired where.

>>> from lexsearch import Query
>>> str(Query.text("dog") - Query.text("people"))
'dog - people'
"""

from __future__ import annotations

__version__ = "0.1.0"

# Known to type checkers by its name. Nothing is imported here: a Ctrl-C that comes meanwhile could
# not be answered by anything but a traceback.
TYPE_CHECKING = False

# Public name -> module that defines it; loaded when first used, so that `import lexsearch` is free.
_PUBLIC = {
    "Contribution": "lexsearch.explain.terms",
    "DenseVectors": "lexsearch.types",
    "Explanation": "lexsearch.explained",
    "Filter": "lexsearch.query",
    "LexSearch": "lexsearch.api",
    "LexsearchError": "lexsearch.errors",
    "Query": "lexsearch.query",
    "Ranking": "lexsearch.types",
    "SearchHit": "lexsearch.results",
    "SearchResults": "lexsearch.results",
    "Settings": "lexsearch.settings",
    "SparseVectors": "lexsearch.types",
    "TokenVectors": "lexsearch.types",
    "evaluate": "lexsearch.evaluation.measures",
    "load_encoder": "lexsearch.loading",
    "load_model": "lexsearch.loading",
}

if TYPE_CHECKING:
    from typing import Any

    from lexsearch.api import LexSearch
    from lexsearch.errors import LexsearchError
    from lexsearch.evaluation.measures import evaluate
    from lexsearch.explain.terms import Contribution
    from lexsearch.explained import Explanation
    from lexsearch.loading import load_encoder, load_model
    from lexsearch.query import Filter, Query
    from lexsearch.results import SearchHit, SearchResults
    from lexsearch.settings import Settings
    from lexsearch.types import DenseVectors, Ranking, SparseVectors, TokenVectors

__all__ = [
    "Contribution",
    "DenseVectors",
    "Explanation",
    "Filter",
    "LexSearch",
    "LexsearchError",
    "Query",
    "Ranking",
    "SearchHit",
    "SearchResults",
    "Settings",
    "SparseVectors",
    "TokenVectors",
    "evaluate",
    "load_encoder",
    "load_model",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        import importlib

        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'lexsearch' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
