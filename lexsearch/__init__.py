"""lexsearch: hybrid image search that shows which words fired where."""

__version__ = "0.1.0"
