"""Channels on a common scale."""

import numpy as np
import pytest

from lexsearch.ranking.normalise import distribution, min_max, theoretical_min_max
from lexsearch.types import FloatArray

NAN = float("nan")


def scores(*values: float) -> FloatArray:
    return np.array(values, dtype=np.float32)


def test_the_floor_of_the_channel_is_zero_and_the_best_is_one() -> None:
    found = theoretical_min_max(scores(0.5, 0.0, -1.0), floor=-1.0)
    assert found.tolist() == pytest.approx([1.0, (0.0 + 1) / (0.5 + 1), 0.0])


def test_dropping_the_worst_image_leaves_the_others_where_they_are() -> None:
    whole = theoretical_min_max(scores(3.0, 2.0, 1.0), floor=0.0)
    assert theoretical_min_max(scores(3.0, 2.0), floor=0.0).tolist() == whole[:2].tolist()


def test_the_observed_range_becomes_zero_to_one() -> None:
    assert min_max(scores(3.0, 1.0, 2.0)).tolist() == [1.0, 0.0, 0.5]


def test_three_deviations_become_the_ends() -> None:
    found = distribution(scores(1.0, 3.0))
    assert found.tolist() == pytest.approx([(3 - 1) / 6, (3 + 1) / 6])
    assert distribution(scores(*([0.0] * 99), 1000.0)).max() == 1.0


@pytest.mark.parametrize(
    ("function", "flat"),
    [(lambda s: theoretical_min_max(s, floor=2.0), 0.0), (min_max, 0.0), (distribution, 0.5)],
)
def test_missing_stays_missing_and_a_flat_list_is_flat(function, flat: float) -> None:  # type: ignore[no-untyped-def]
    found = function(scores(2.0, NAN, 2.0))
    assert found.dtype == np.float32
    assert np.isnan(found).tolist() == [False, True, False]
    assert found[0] == found[2] == flat
    assert np.isnan(function(scores(NAN, NAN))).all()
    assert len(function(scores())) == 0
