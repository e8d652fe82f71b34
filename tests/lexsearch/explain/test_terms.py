"""The contributions of words add up to the lexical score."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexsearch.explain.terms import Contribution, contributions, heaviest_words
from lexsearch.types import SparseVectors


class Words:
    """A small vocabulary, not all of it ASCII."""

    words = ("dog", "café", "犬", "people", "sky", "sea")

    def is_word(self, word_id: int) -> bool:
        return word_id != 3  # taken for a piece

    def lookup(self, word: str) -> int | None:
        return None

    def pieces(self, word: str) -> tuple[int, ...]:
        return ()

    def complete(self, prefix: str, k: int) -> list[int]:
        return []


def sparse(row: dict[int, float], vocab_size: int = 6) -> SparseVectors:
    ids = np.array(list(row), dtype=np.int32)
    return SparseVectors.from_rows(
        [(ids, np.array(list(row.values()), dtype=np.float32))], vocab_size
    )


def test_shared_words_come_by_magnitude_and_ties_by_id() -> None:
    query = sparse({0: 2.0, 1: 1.0, 2: 1.0, 3: -3.0, 5: 9.0})
    image = sparse({0: 0.5, 1: 0.25, 2: 0.25, 3: 1.5, 4: 8.0})
    assert contributions(query, image, Words()) == [
        Contribution(3, "people", -3.0, 1.5, -3.0 * 1.5),
        Contribution(0, "dog", 2.0, 0.5, 2.0 * 0.5),
        Contribution(1, "café", 1.0, 0.25, 1.0 * 0.25),
        Contribution(2, "犬", 1.0, 0.25, 1.0 * 0.25),
    ]


def test_nothing_shared_gives_an_empty_list() -> None:
    assert contributions(sparse({0: 1.0}), sparse({1: 1.0}), Words()) == []
    assert contributions(sparse({}), sparse({}), Words()) == []


def test_several_rows_or_another_vocabulary_are_refused() -> None:
    two = SparseVectors.from_rows([sparse({0: 1.0}).row(0)] * 2, 6)
    with pytest.raises(ValueError, match="the image has 2 rows, not one"):
        contributions(sparse({0: 1.0}), two, Words())
    with pytest.raises(ValueError, match="vocabularies of 6 and 7 words"):
        contributions(sparse({0: 1.0}), sparse({0: 1.0}, 7), Words())


WEIGHTS = st.floats(0.0625, 8, width=32)


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(st.integers(0, 5), WEIGHTS | WEIGHTS.map(lambda w: -w)),
    st.dictionaries(st.integers(0, 5), WEIGHTS),
)
def test_they_add_up_to_the_product(query: dict[int, float], image: dict[int, float]) -> None:
    found = contributions(sparse(query), sparse(image), Words())
    exact = math.fsum(weight * image.get(word, 0.0) for word, weight in query.items())
    magnitude = sum(abs(term.contribution) for term in found)
    assert abs(math.fsum(term.contribution for term in found) - exact) <= 1e-6 * (1 + magnitude)


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(st.integers(0, 5), WEIGHTS | WEIGHTS.map(lambda w: -w)),
    st.lists(st.dictionaries(st.integers(0, 5), WEIGHTS), max_size=4),
    st.integers(0, 3),
)
def test_the_heaviest_words_of_many_images_are_those_of_each(
    query: dict[int, float], images: list[dict[int, float]], most: int
) -> None:
    rows = [sparse(image).row(0) for image in images]
    together = heaviest_words(sparse(query), SparseVectors.from_rows(rows, 6), Words(), most)
    apart = [contributions(sparse(query), sparse(image), Words()) for image in images]
    speaking = [[t for t in one if t.contribution > 0 and t.word_id != 3] for one in apart]
    assert together == [tuple(one[:most]) for one in speaking]


def test_the_heaviest_words_want_one_query_and_one_vocabulary() -> None:
    two = SparseVectors.from_rows([sparse({0: 1.0}).row(0)] * 2, 6)
    with pytest.raises(ValueError, match="the query has 2 rows, not one"):
        heaviest_words(two, two, Words(), 5)
    with pytest.raises(ValueError, match="vocabularies of 7 and 6 words"):
        heaviest_words(sparse({0: 1.0}, 7), two, Words(), 5)
