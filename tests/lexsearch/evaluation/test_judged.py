"""Measures over judgements, against the field's own implementation, and the test of differences."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lexsearch.evaluation.judged import MEASURES, measures, per_topic, randomisation_test

QRELS = {"1": {"a": 1, "b": 0, "c": 2}, "2": {"d": 1}, "3": {"x": 1, "y": 1, "z": 1}}
RUN = {
    "1": {"b": 3.0, "a": 2.0, "e": 1.5, "c": 1.0},
    "2": {f"n{i}": 20.0 - i for i in range(12)} | {"d": 0.5},
    "3": {"y": 1.0, "x": 1.0},
}


def test_the_measures_are_those_of_the_field() -> None:
    ir_measures = pytest.importorskip("ir_measures")
    names = {m: ir_measures.parse_measure(m) for m in MEASURES}
    expected: dict[tuple[str, str], float] = {}
    for found in ir_measures.iter_calc(list(names.values()), QRELS, RUN):
        expected[found.query_id, str(found.measure)] = found.value
    ours = per_topic(RUN, QRELS)
    for i, qid in enumerate(QRELS):
        for j, name in enumerate(MEASURES):
            assert ours[i, j] == pytest.approx(expected[qid, str(names[name])]), (qid, name)


def test_a_topic_that_was_not_searched_counts_as_nothing() -> None:
    assert per_topic({}, {"1": {"a": 1}}).tolist() == [[0.0] * len(MEASURES)]


def test_grades_are_gains() -> None:
    assert measures(["a", "c"], QRELS["1"])[0] == pytest.approx(
        (1 + 2 / math.log2(3)) / (2 + 1 / math.log2(3))
    )


def test_without_a_relevant_picture_nothing_can_be_measured() -> None:
    with pytest.raises(ValueError, match="no picture is relevant"):
        measures(["a"], {"a": 0})


def test_three_wins_of_three_happen_by_chance_in_a_quarter_of_the_cases() -> None:
    assert randomisation_test([1, 1, 1], [0, 0, 0]) == 2 / 8
    assert randomisation_test([1, 0], [1, 0]) == 1.0


def test_many_topics_are_sampled_with_the_same_outcome_each_time() -> None:
    rng = np.random.default_rng(7)
    one, other = rng.random(50) + 0.3, rng.random(50)
    first = randomisation_test(one, other)
    assert first == randomisation_test(one, other)
    assert 0 < first < 0.01
    assert randomisation_test(other, one) == first


def test_two_numbers_of_topics_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="same topics"):
        randomisation_test([1.0], [1.0, 2.0])
