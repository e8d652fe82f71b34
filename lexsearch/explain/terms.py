"""Which word gave how much of the lexical score."""

from __future__ import annotations

import numpy as np

from lexsearch.explain.contribution import Contribution
from lexsearch.protocols import Vocabulary
from lexsearch.types import SparseVectors

__all__ = ["Contribution", "contributions"]


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
    for side, vectors in (("query", query), ("image", image)):
        if len(vectors) != 1:
            raise ValueError(f"the {side} has {len(vectors)} rows, not one")
    if query.vocab_size != image.vocab_size:
        raise ValueError(f"vocabularies of {query.vocab_size} and {image.vocab_size} words")
    query_ids, query_weights = query.row(0)
    image_ids, image_weights = image.row(0)
    shared, in_query, in_image = np.intersect1d(
        query_ids, image_ids, assume_unique=True, return_indices=True
    )
    products = query_weights[in_query] * image_weights[in_image]
    words = vocabulary.words
    order = np.lexsort((shared, -np.abs(products)))
    return [
        Contribution(
            word_id=int(shared[i]),
            word=words[int(shared[i])],
            query=float(query_weights[in_query[i]]),
            image=float(image_weights[in_image[i]]),
            contribution=float(products[i]),
        )
        for i in order
    ]
