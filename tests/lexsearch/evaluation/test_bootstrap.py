"""Intervals of a mean, against a loop that draws one query at a time."""

import numpy as np
import pytest

from lexsearch.evaluation.bootstrap import (
    bounds,
    interval,
    paired_difference,
    resampled_means,
)


def test_the_means_are_those_of_a_plain_loop_over_the_same_draws() -> None:
    values = np.random.default_rng(0).random((17, 3))
    rng, expected = np.random.default_rng(5), []
    for count in (100, 50):  # drawn a hundred at a time
        for drawn in rng.multinomial(17, np.full(17, 1 / 17), size=count):
            queries = [query for query, times in enumerate(drawn) for _ in range(times)]
            expected.append([sum(values[q, m] for q in queries) / 17 for m in range(3)])
    assert resampled_means(values, resamples=150, seed=5) == pytest.approx(np.array(expected))


def test_the_interval_is_about_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(1).random(2_000)
    found = interval(values, resamples=2_000)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=half / 8)
    assert found.high == pytest.approx(values.mean() + half, abs=half / 8)


def test_equal_seeds_give_equal_intervals_and_others_do_not() -> None:
    values = np.random.default_rng(2).random(50)
    assert interval(values, seed=3) == interval(values, seed=3)
    assert interval(values, seed=3) != interval(values, seed=4)


def test_a_constant_has_an_interval_without_width() -> None:
    found = interval([0.25, 0.25, 0.25], resamples=10)
    assert (found.mean, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))


def test_no_resamples_give_the_mean_alone() -> None:
    found = interval([0.0, 1.0], resamples=0)
    assert (found.mean, found.low, found.high) == (0.5, 0.5, 0.5)


def test_a_difference_is_paired_by_query() -> None:
    ours = np.random.default_rng(6).random(200)
    found = paired_difference(ours + 0.1, ours)
    assert (found.mean, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))


def test_the_bounds_are_the_quantiles_of_the_level() -> None:
    assert bounds(np.arange(1001.0)) == pytest.approx((25.0, 975.0))


def test_what_cannot_be_resampled_is_refused() -> None:
    with pytest.raises(ValueError, match="no value"):
        interval([])
    with pytest.raises(ValueError, match="2 values and 3 values"):
        paired_difference([0.0, 1.0], [0.0, 1.0, 0.0])
    with pytest.raises(ValueError, match="n >= 1"):
        resampled_means(np.zeros((0, 2)))
    with pytest.raises(ValueError, match="0 resamples"):
        resampled_means(np.zeros((2, 2)), resamples=0)
