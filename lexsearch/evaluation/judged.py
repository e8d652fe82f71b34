"""Measures of a run over judgements with any number of relevant pictures, and their comparison.

Grades are gains as they are; a picture that nobody judged counts as not relevant.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from lexsearch.evaluation.bootstrap import Values
from lexsearch.evaluation.runs import ranked

MEASURES = ("nDCG@10", "R@1", "R@5", "R@10", "RR")
EXACT = 14  # up to so many differences every choice of signs is tried
SAMPLES = 10_000
SEED = 1


def per_topic(
    run: Mapping[str, Mapping[str, float]], qrels: Mapping[str, Mapping[str, int]]
) -> Values:
    """Every measure of MEASURES for every topic of the judgements, float64 (topics, measures).

    A topic that the run lacks has 0 everywhere.

    Raises:
        ValueError: a topic without a relevant picture.

    Source: Järvelin and Kekäläinen 2002 (nDCG).
    """
    rows = [measures(ranked(run.get(qid, {})), grades) for qid, grades in qrels.items()]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(MEASURES))


def measures(found: Sequence[str], grades: Mapping[str, int]) -> list[float]:
    """The MEASURES of one ranked list.

    >>> measures(["a", "b"], {"b": 1})
    [0.6309297535714575, 0.0, 1.0, 1.0, 0.5]

    Raises:
        ValueError: no picture is relevant.
    """
    relevant = sum(grade > 0 for grade in grades.values())
    if not relevant:
        raise ValueError("no picture is relevant")
    gains = [max(grades.get(name, 0), 0) for name in found]
    ideal = sorted((max(grade, 0) for grade in grades.values()), reverse=True)
    recalls = [sum(gain > 0 for gain in gains[:k]) / relevant for k in (1, 5, 10)]
    first = next((rank for rank, gain in enumerate(gains, start=1) if gain), None)
    return [_dcg(gains[:10]) / _dcg(ideal[:10]), *recalls, 1 / first if first else 0.0]


def _dcg(gains: Sequence[int]) -> float:
    return math.fsum(gain / math.log2(1 + rank) for rank, gain in enumerate(gains, start=1))


def randomisation_test(ours: Sequence[float] | Values, theirs: Sequence[float] | Values) -> float:
    """Two-sided p of a mean difference as large by chance: signs of the differences are drawn.

    Exact for up to EXACT topics that differ, else from SAMPLES draws with a fixed seed; then
    the observed signs count as one draw, so that p is never 0.

    Raises:
        ValueError: the two sides do not have the same topics.

    Source: Smucker, Allan and Carterette 2007.
    """
    one, other = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if one.shape != other.shape:
        raise ValueError(f"{one.size} values and {other.size} values are not of the same topics")
    differences = (one - other)[one != other]
    if not len(differences):
        return 1.0
    observed = abs(differences.sum()) - 1e-12
    if len(differences) <= EXACT:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(differences))))
        return float((np.abs(signs @ differences) >= observed).mean())
    rng = np.random.default_rng(SEED)
    drawn = rng.choice((-1.0, 1.0), size=(SAMPLES, len(differences)))
    return float((1 + (np.abs(drawn @ differences) >= observed).sum()) / (1 + SAMPLES))
