"""Writes the committed corpus: pictures in several formats, sentences, masks, queries."""

from pathlib import Path


def write_corpus(out: Path, seed: int) -> int:
    """Renders the corpus into a folder and returns how many pictures it has."""
    raise NotImplementedError("the committed corpus is not rendered yet")
