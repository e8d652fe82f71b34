"""One word of a lexical score; loads no library, so that clients of a server can have it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contribution:
    """One word that query and image share.

    Attributes:
        word_id: in the vocabulary.
        word: as the vocabulary spells it.
        query: weight in the query, negative where the word is unwanted.
        image: weight stored for the image, > 0.
        contribution: query * image, rounded to float32 as the index rounds it.
    """

    word_id: int
    word: str
    query: float
    image: float
    contribution: float
