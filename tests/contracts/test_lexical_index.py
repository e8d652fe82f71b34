"""What every word index can do beyond a search: give back vectors and count words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexsearch.errors import ModelMissing
from lexsearch.registry import build, names
from lexsearch.stores.segment_data import lexical_sections
from lexsearch.types import SparseVectors

VOCAB = 10
pytestmark = pytest.mark.parametrize("name", names("stores.lexical"))


def sparse(*rows: dict[int, float]) -> SparseVectors:
    return SparseVectors.from_rows(
        [
            (np.array(list(r), dtype=np.int32), np.array(list(r.values()), dtype=np.float32))
            for r in rows
        ],
        VOCAB,
    )


def index_of(name: str) -> Any:
    try:
        return build("stores.lexical", name, vocab_size=VOCAB)
    except ModelMissing as error:
        pytest.skip(str(error))


def test_vectors_come_back_in_the_order_asked(name: str) -> None:
    index = index_of(name)
    index.attach(np.array([10, 20]), lexical_sections(sparse({1: 0.5, 7: 2.0}, {})))
    index.add(np.array([5]), sparse({9: 0.25}))
    found = index.vectors(np.array([5, 20, 10, 5]))
    assert found.vocab_size == VOCAB
    assert [(found.row(i)[0].tolist(), found.row(i)[1].tolist()) for i in range(4)] == [
        ([9], [0.25]),
        ([], []),
        ([1, 7], [0.5, 2.0]),
        ([9], [0.25]),
    ]
    assert len(index.vectors(np.zeros(0, np.int64))) == 0


def test_the_vector_of_an_unknown_image_is_a_key_error_that_names_it(name: str) -> None:
    index = index_of(name)
    index.add(np.array([1, 2]), sparse({0: 1.0}, {0: 1.0}))
    index.remove(np.array([2]))
    with pytest.raises(KeyError, match="0000000000000002"):
        index.vectors(np.array([1, 2]))


def test_document_frequency_counts_live_images_only(name: str) -> None:
    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 2**31), st.integers(0, 20))
    def holds(seed: int, n: int) -> None:
        rng = np.random.default_rng(seed)
        has = rng.random((n, VOCAB)) < 0.4
        vectors = sparse(*({int(w): 1.0 for w in np.flatnonzero(row)} for row in has))
        live = rng.random(n) < 0.6
        index = index_of(name)
        index.attach(np.arange(n), lexical_sections(vectors), live=live)
        gone = np.flatnonzero(rng.random(n) < 0.2)
        index.remove(gone)
        live[gone] = False
        assert index.document_frequency().tolist() == has[live].sum(axis=0).tolist()

    holds()


def test_weights_are_those_of_float16(name: str) -> None:
    index = index_of(name)
    index.add(np.array([1]), sparse({2: 0.1}))
    assert index.search(sparse({2: 1.0}), 1).scores.tolist() == [float(np.float16(0.1))]


def test_a_query_without_known_words_scores_zero_everywhere(name: str) -> None:
    index = index_of(name)
    index.add(np.array([3, 1, 2]), sparse({0: 1.0}, {1: 1.0}, {}))
    found = index.search(sparse({}), 2)
    assert found.ids.tolist() == [1, 2]
    assert found.scores.tolist() == [0.0, 0.0]
    assert index.search(sparse({9: 1.0}), 3).ids.tolist() == [1, 2, 3]
