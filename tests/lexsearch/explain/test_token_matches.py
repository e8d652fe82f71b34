"""What every token of a query found."""

from __future__ import annotations

import numpy as np
import pytest

from lexsearch.explain.token_matches import token_matches
from lexsearch.ranking.maxsim import mean_max_similarity
from lexsearch.types import TokenVectors

IMAGE = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [-1.0, 0.0]], np.float32)


def tokens(rows: list[list[float]], weights: list[float] | None = None) -> TokenVectors:
    given = None if weights is None else np.array(weights, np.float32)
    return TokenVectors(np.array(rows, np.float32), np.array([0, len(rows)]), None, given)


@pytest.mark.parametrize("weights", [None, [0.5, -0.25]])
def test_the_shares_add_up_to_the_late_score(weights: list[float] | None) -> None:
    query = tokens([[0.0, 1.0], [-1.0, 0.0]], weights)
    found = token_matches(query, IMAGE, (2, 2), ["up", "left"])
    expected = mean_max_similarity(query.item(0), IMAGE, query.weights)
    assert sum(match.share for match in found) == pytest.approx(expected)


def test_a_token_keeps_its_text_and_its_map() -> None:
    (match,) = token_matches(tokens([[0.0, 1.0]]), IMAGE, (2, 2), ["up"])
    assert match.text == "up"
    assert match.heat == pytest.approx(np.array([[0.0, 0.8], [1.0, 0.0]]))


def test_a_text_too_few_is_an_error() -> None:
    with pytest.raises(ValueError, match="1 texts for 2 tokens"):
        token_matches(tokens([[0.0, 1.0], [1.0, 0.0]]), IMAGE, (2, 2), ["up"])
