"""Counts of words over a db."""

from __future__ import annotations

from typing import Any

import numpy as np

from lexsearch.types import SparseVectors
from lexsearch.word_use import CHUNK, WordUse


class Rows:
    """The word vectors of images 0, 1, 2, ..."""

    def __init__(self, rows: list[dict[int, float]]) -> None:
        self.rows = rows

    def vectors(self, ids: Any) -> SparseVectors:
        picked = [self.rows[int(i)] for i in ids]
        pairs = [
            (np.array(list(row), np.int32), np.array(list(row.values()), np.float32))
            for row in picked
        ]
        return SparseVectors.from_rows(pairs, 9)


def use(rows: list[dict[int, float]], model: Any, fires: float = 0.5) -> WordUse:
    ids = np.arange(len(rows), dtype=np.int64)
    return WordUse.of(Rows(rows), ids, model.vocabulary, fires=fires)  # type: ignore[arg-type]


def test_only_a_weight_that_fires_counts(toy_model: Any) -> None:
    found = use([{1: 0.5, 6: 0.4}, {1: 0.9}], toy_model)
    assert found.count("blue") == 2
    assert found.count("red") == 0
    assert found.heaviest[[1, 6]].tolist() == np.array([0.9, 0.4], np.float32).tolist()
    assert found.count("no such word") == 0


def test_the_most_used_are_whole_words_and_ties_go_to_the_smaller_id(toy_model: Any) -> None:
    found = use([{3: 1.0, 1: 1.0, 8: 1.0}, {3: 1.0, 1: 1.0, 8: 1.0}, {6: 1.0, 8: 1.0}], toy_model)
    assert [(w.word, w.images) for w in found.most_used(5)] == [
        ("blue", 2),
        ("green", 2),
        ("red", 1),
    ]
    assert [w.word for w in found.used()] == ["blue", "green", "red"]
    assert "##ish" not in found.never_used()
    assert set(found.never_used()) == {"black", "dark", "light", "picture", "white"}


def test_an_empty_db_uses_no_word(toy_model: Any) -> None:
    found = use([], toy_model)
    assert found.images == 0
    assert found.most_used(3) == []


def test_every_chunk_is_counted(toy_model: Any) -> None:
    assert use([{6: 1.0}] * (CHUNK + 1), toy_model).count("red") == CHUNK + 1
