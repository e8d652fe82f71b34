"""Which word gave how much of the lexical score."""

from __future__ import annotations

from itertools import islice, pairwise

import numpy as np

from lexsearch.explain.contribution import Contribution
from lexsearch.protocols import Vocabulary
from lexsearch.types import FloatArray, IntArray, SparseVectors

__all__ = ["Contribution", "contributions", "heaviest_words"]


def contributions(
    query: SparseVectors, image: SparseVectors, vocabulary: Vocabulary
) -> list[Contribution]:
    """The words that both sides share, largest magnitude first, ties to the smaller word id.

    The contributions are the very products that the word index adds up: added in float32 in
    ascending order of word_id they give its score to the bit, in any order to rounding.

    Args:
        query: one row; weights may be negative.
        image: one row, as stored (`LexicalIndex.vectors`).
        vocabulary: its words have the ids of both sides.

    Raises:
        ValueError: a side does not have exactly one row, or the vocabularies differ in size.
    """
    if len(image) != 1:
        raise ValueError(f"the image has {len(image)} rows, not one")
    shared = _Shared(query, image)
    order = np.lexsort((shared.words, -np.abs(shared.products)))
    return [shared.contribution(int(i), vocabulary) for i in order]


def heaviest_words(
    query: SparseVectors, images: SparseVectors, vocabulary: Vocabulary, most: int
) -> list[tuple[Contribution, ...]]:
    """The first `most` of `contributions` of each image that count for it and are whole words.

    Args:
        query: one row.
        images: any number of rows, as stored.
        vocabulary: its words have the ids of both sides.
        most: words for each image.

    Raises:
        ValueError: the query does not have exactly one row, or the vocabularies differ in size.
    """
    shared = _Shared(query, images)
    (positive,) = np.nonzero(shared.products > 0)
    rows = shared.rows[positive]
    order = positive[np.lexsort((shared.words[positive], -shared.products[positive], rows))]
    bounds = np.searchsorted(rows, np.arange(len(images) + 1)).tolist()
    found: list[tuple[Contribution, ...]] = []
    for start, stop in pairwise(bounds):
        whole = (i for i in order[start:stop].tolist() if vocabulary.is_word(int(shared.words[i])))
        found.append(tuple(shared.contribution(i, vocabulary) for i in islice(whole, most)))
    return found


class _Shared:
    """The entries of images that a query has too, ascending by image, then by word.

    Attributes:
        rows: which image, shape (entries,).
        words: ids, likewise.
        products: query * image in float32, likewise.
    """

    def __init__(self, query: SparseVectors, images: SparseVectors) -> None:
        if len(query) != 1:
            raise ValueError(f"the query has {len(query)} rows, not one")
        if query.vocab_size != images.vocab_size:
            raise ValueError(f"vocabularies of {query.vocab_size} and {images.vocab_size} words")
        asked, weights = query.row(0)
        stored = slice(int(images.indptr[0]), int(images.indptr[-1]))
        places = np.searchsorted(asked, images.indices[stored])
        held = places < len(asked)
        held[held] = asked[places[held]] == images.indices[stored][held]
        self.rows: IntArray = np.repeat(np.arange(len(images)), np.diff(images.indptr))[held]
        self.words = images.indices[stored][held]
        self._query: FloatArray = weights[places[held]]
        self._image: FloatArray = images.weights[stored][held]
        self.products: FloatArray = self._query * self._image

    def contribution(self, i: int, vocabulary: Vocabulary) -> Contribution:
        """Entry i."""
        word_id = int(self.words[i])
        return Contribution(
            word_id=word_id,
            word=vocabulary.words[word_id],
            query=float(self._query[i]),
            image=float(self._image[i]),
            contribution=float(self.products[i]),
        )
