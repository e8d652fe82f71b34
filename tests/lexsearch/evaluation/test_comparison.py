"""Paired tests of runs, against scipy and against their definitions."""

import numpy as np
import pytest
from scipy import stats

from lexsearch.errors import UsageError
from lexsearch.evaluation.comparison import (
    CORRECTIONS,
    TESTS,
    bonferroni,
    bootstrap_test,
    compare,
    holm,
    t_test,
)

rng = np.random.default_rng(4)
BASE = rng.random(60)
BETTER = np.clip(BASE + 0.05 + 0.1 * rng.standard_normal(60), 0, 1)


@pytest.mark.parametrize("name", TESTS)
def test_every_test_sees_a_clear_difference_and_none_where_there_is_none(name: str) -> None:
    assert TESTS[name](BETTER, BASE) < 0.01
    assert TESTS[name](BASE, BASE) == 1.0
    noise = BASE + 0.1 * np.random.default_rng(8).permutation(np.repeat([1.0, -1.0], 30))
    assert TESTS[name](noise, BASE) > 0.5


@pytest.mark.parametrize("name", TESTS)
def test_the_tests_agree_with_the_t_test_where_it_holds(name: str) -> None:
    ours = BASE + 0.02 + 0.1 * np.random.default_rng(2).standard_normal(60)
    expected = stats.ttest_rel(ours, BASE).pvalue
    assert 0.01 < expected < 0.5
    assert TESTS[name](ours, BASE) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("name", TESTS)
def test_one_query_and_equal_differences_are_no_trouble(name: str) -> None:
    one, other = np.array([1.0]), np.array([0.5])
    assert TESTS[name](one, other) == 1.0
    assert TESTS[name](BASE + 0.25, BASE) < 0.01


def test_the_same_value_everywhere_has_no_spread() -> None:
    assert t_test(np.ones(5), np.zeros(5)) == 0.0
    assert bootstrap_test(np.ones(5), np.zeros(5)) < 0.01


def test_corrections_by_their_definitions() -> None:
    p = [0.01, 0.04, 0.03, 0.5]
    assert bonferroni(p) == pytest.approx([0.04, 0.16, 0.12, 1.0])
    # sorted 0.01 x 4, 0.03 x 3, 0.04 x 2 (less than 0.09, so 0.09), 0.5 x 1
    assert holm(p) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([]) == bonferroni([]) == []
    assert CORRECTIONS["none"](p) == p


def values(**rows: np.ndarray) -> dict[str, dict[str, dict[str, float]]]:
    return {
        name: {"RR": {str(i): float(v) for i, v in enumerate(row)}} for name, row in rows.items()
    }


def test_runs_are_compared_with_the_first_or_all_with_all() -> None:
    three = values(base=BASE, better=BETTER, same=BASE)
    found = compare(three, test="t-test")
    assert [(one.run, one.other) for one in found] == [("better", "base"), ("same", "base")]
    assert found[0].difference.mean == pytest.approx((BETTER - BASE).mean())
    assert found[0].corrected == pytest.approx(2 * found[0].p)
    assert found[1].p == found[1].corrected == 1.0
    assert len(compare(three, all_pairs=True)) == 3
    assert compare(values(base=BASE)) == []


@pytest.mark.parametrize("wrong", [{"test": "z-test"}, {"correction": "luck"}])
def test_an_unknown_test_is_named(wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong.values()))):
        compare(values(a=BASE, b=BETTER), **wrong)
