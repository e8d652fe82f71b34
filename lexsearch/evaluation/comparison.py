"""Whether two runs differ by more than chance: paired tests over queries, with correction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lexsearch.errors import UsageError
from lexsearch.evaluation.bootstrap import Interval, paired_difference
from lexsearch.evaluation.judged import randomisation_test

if TYPE_CHECKING:
    from lexsearch.evaluation.bootstrap import Values

SAMPLES = 10_000
SEED = 1
EVEN = 1e-12  # differences of measures closer than this are one and the same


def t_test(ours: Values, theirs: Values) -> float:
    """Two-sided p of Student's paired t-test; 1 when no query differs.

    Source: scipy.stats.ttest_rel.
    """
    from scipy import stats

    differences = ours - theirs
    if not differences.any():
        return 1.0
    if len(differences) < 2:
        return 1.0  # one query says nothing of the spread
    if np.ptp(differences) <= EVEN:
        return 0.0  # every query differs by the same: the spread is none
    return float(stats.ttest_rel(ours, theirs).pvalue)


def bootstrap_test(ours: Values, theirs: Values) -> float:
    """Two-sided p by the bootstrap of the studentised mean difference, shifted to no difference.

    Source: Sakai 2006 (SIGIR), figure 5; resampling by scipy.stats.bootstrap.
    """
    from scipy import stats

    differences = np.asarray(ours - theirs, dtype=np.float64)
    if not differences.any():
        return 1.0
    if len(differences) < 2:
        return 1.0

    def studentised(values: Values, axis: int = -1) -> Values:
        spread = values.std(axis=axis, ddof=1) / np.sqrt(values.shape[axis])
        mean = values.mean(axis=axis)
        # A draw of one value again and again has no spread: as extreme as can be, unless it is 0.
        safe = np.where(spread > EVEN, spread, 1.0)
        extreme = np.where(np.abs(mean) <= EVEN, 0.0, np.copysign(1e12, mean))
        return np.asarray(np.where(spread > EVEN, mean / safe, extreme))

    observed = abs(float(studentised(differences)))
    drawn = stats.bootstrap(
        (differences - differences.mean(),),
        studentised,
        vectorized=True,
        n_resamples=SAMPLES,
        batch=200,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).bootstrap_distribution
    return float((1 + (np.abs(drawn) >= observed - 1e-12).sum()) / (1 + SAMPLES))


TESTS: dict[str, Callable[[Values, Values], float]] = {
    "t-test": t_test,
    "randomisation": randomisation_test,
    "bootstrap": bootstrap_test,
}


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values for m tests at once: sorted, times m, m - 1, ..., never falling, at most 1.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]

    Source: Holm 1979.
    """
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    raised = np.maximum.accumulate(np.asarray(p_values, dtype=np.float64)[order] * factors)
    found = np.empty(len(p_values))
    found[order] = np.minimum(raised, 1.0)
    return [float(value) for value in found]


def bonferroni(p_values: Sequence[float]) -> list[float]:
    """p-values for m tests at once: each times m, at most 1."""
    return [min(1.0, p * len(p_values)) for p in p_values]


CORRECTIONS: dict[str, Callable[[Sequence[float]], list[float]]] = {
    "holm": holm,
    "bonferroni": bonferroni,
    "none": list,
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One run against another in one measure.

    Attributes:
        run, other: names of the runs.
        measure: what is compared.
        difference: run - other, mean over the queries with its 95 % bootstrap interval.
        p: of the test alone.
        corrected: the same among all comparisons in this measure.
    """

    run: str
    other: str
    measure: str
    difference: Interval
    p: float
    corrected: float


def compare(
    values: Mapping[str, Mapping[str, Mapping[str, float]]],
    *,
    test: str = "randomisation",
    correction: str = "holm",
    all_pairs: bool = False,
) -> list[Comparison]:
    """Every later run against the first, or all pairs; paired by query.

    Args:
        values: run -> measure -> query -> value; all runs have the same measures and queries.
        test: of TESTS.
        correction: of CORRECTIONS, over the comparisons in one measure.
        all_pairs: compare every two runs.

    Raises:
        UsageError: no such test or correction.
    """
    for name, known in ((test, TESTS), (correction, CORRECTIONS)):
        if name not in known:
            raise UsageError(f"{name!r} is not known here; known: {', '.join(known)}")
    names = list(values)
    pairs = [(i, j) for i in range(len(names)) for j in range(i) if all_pairs or j == 0]
    found: list[Comparison] = []
    for measure in values[names[0]] if names else ():
        rows = {
            name: np.array(list(values[name][measure].values()), dtype=np.float64) for name in names
        }
        p_values = [TESTS[test](rows[names[i]], rows[names[j]]) for i, j in pairs]
        corrected = CORRECTIONS[correction](p_values)
        for (i, j), p, adjusted in zip(pairs, p_values, corrected, strict=True):
            one, other = names[i], names[j]
            difference = paired_difference(rows[one], rows[other])
            found.append(Comparison(one, other, measure, difference, p, adjusted))
    return found
