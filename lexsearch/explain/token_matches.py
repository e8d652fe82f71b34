"""Which patch each token of a query found: late interaction, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lexsearch.explain.alignment import token_map
from lexsearch.types import FloatArray, TokenVectors


@dataclass(frozen=True, slots=True, eq=False)
class TokenMatch:
    """One token of the query against every patch.

    Attributes:
        text: the token as text.
        heat: similarity with every patch, float32 (rows, columns).
        share: what the token's best patch adds to the late score; over all tokens of the query
            the shares add up to it, but for the rounding of stored tokens.
    """

    text: str
    heat: FloatArray
    share: float


def token_matches(
    query: TokenVectors, image: FloatArray, grid: tuple[int, int], texts: Sequence[str]
) -> list[TokenMatch]:
    """One match per token of the query, in its order.

    Args:
        query: one set.
        image: shape (rows * columns, dim), row-major.
        grid: (rows, columns).
        texts: one per token of the query.

    Raises:
        ValueError: texts and tokens differ in number, or the image does not fill the grid.

    Source: Yao et al. 2021 (FILIP), section 3.1.
    """
    tokens = query.item(0)
    if len(texts) != len(tokens):
        raise ValueError(f"{len(texts)} texts for {len(tokens)} tokens")
    weights = np.ones(len(tokens)) if query.weights is None else query.weights.astype(np.float64)
    total = float(np.abs(weights).sum()) or 1.0
    maps = [token_map(token, image, grid) for token in tokens]
    return [
        TokenMatch(text, heat, float(weight * heat.max() / total))
        for text, heat, weight in zip(texts, maps, weights, strict=True)
    ]
