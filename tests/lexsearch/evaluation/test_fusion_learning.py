"""Learning a fusion: methods find planted rules, and no gain is kept that is none."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from lexsearch.errors import UsageError
from lexsearch.evaluation.bootstrap import Interval
from lexsearch.evaluation.fusion_learning import folds, learn, lessons, verdict
from lexsearch.evaluation.fusion_methods import (
    MEASURES,
    ConvexGrid,
    Fixed,
    JudgedSearch,
    LambdaMart,
    Logistic,
    measured,
    methods,
    teaching,
)
from lexsearch.evaluation.measures import by_query
from lexsearch.ranking.fusion_rules import NAMED, Scaled, Weighted
from lexsearch.ranking.learned_rules import Linear, Trees
from lexsearch.types import docid

EQUAL = {"lexical": 1.0, "dense": 1.0, "late": 1.0}


def planted(
    count: int, truth: Sequence[float], *, seed: int = 1, noise: float = 0.3
) -> list[JudgedSearch]:
    """Searches over 30 images whose relevance is a weighted sum of the channels, plus noise."""
    rng = np.random.default_rng(seed)
    found = []
    for q in range(count):
        lexical = rng.gamma(1.0, 1.0, 30).astype(np.float32)
        dense = rng.uniform(-0.2, 0.9, 30).astype(np.float32)
        late = rng.uniform(-0.2, 0.9, 30).astype(np.float32)
        value = truth[0] * lexical + truth[1] * dense + truth[2] * late
        right = np.argsort(-(value + noise * rng.standard_normal(30)))[:2]
        grades = np.zeros(30)
        grades[right] = (2, 1)
        scores = {"lexical": lexical, "dense": dense, "late": late}
        ids = np.arange(1000 * q, 1000 * q + 30)
        found.append(JudgedSearch(f"q{q}", ids, scores, grades, np.array([2.0, 1.0]), 10))
    return found


def qrels_of(searches: Sequence[JudgedSearch]) -> dict[str, dict[str, int]]:
    return {
        one.qid: {docid(int(i)): int(g) for i, g in zip(one.ids, one.grades, strict=True) if g}
        for one in searches
    }


@pytest.mark.parametrize("measure", MEASURES)
def test_the_measures_are_those_of_ir_measures(measure: str) -> None:
    pytest.importorskip("ir_measures", reason="ir-measures is not installed")
    searches = planted(12, (1, 1, 1), noise=2.0)
    rule = Weighted(EQUAL)
    run = {
        one.qid: {
            docid(int(i)): float(t) for i, t in zip(one.ids, rule.totals(one.scores), strict=True)
        }
        for one in searches
    }
    expected = by_query(qrels_of(searches), run, [measure])[measure]
    for one in searches:
        ours = measured(one, rule.totals(one.scores), measure)
        assert float(ours) == pytest.approx(expected[one.qid])


def test_many_rules_are_measured_at_once() -> None:
    (one,) = planted(1, (1, 1, 1))
    totals = np.stack([one.scores["lexical"], one.scores["dense"]], axis=1)
    for measure in MEASURES:
        both = measured(one, totals, measure)
        assert both.tolist() == [float(measured(one, totals[:, i], measure)) for i in (0, 1)]


def mean(rule: Any, searches: Sequence[JudgedSearch]) -> float:
    values = [float(measured(one, rule.totals(one.scores), "nDCG@10")) for one in searches]
    return float(np.mean(values))


def test_every_method_finds_that_only_words_matter() -> None:
    searches, unseen = planted(60, (1, 0, 0)), planted(60, (1, 0, 0), seed=2)
    plain = mean(NAMED["rrf"], unseen)
    rows = range(60)
    convex = ConvexGrid(searches, "nDCG@10").learn(rows)
    assert isinstance(convex, Scaled)
    assert convex.weights["lexical"] == 0.9  # the most that the grid allows
    logistic = Logistic(searches).learn(rows)
    assert isinstance(logistic, Linear)
    for rule in (convex, logistic):
        assert mean(rule, unseen) > plain + 0.1


def test_trees_are_those_of_lightgbm_and_monotone() -> None:
    lightgbm = pytest.importorskip("lightgbm", reason="lightgbm is not installed")
    searches, unseen = planted(80, (1, 0, 1)), planted(40, (1, 0, 1), seed=2)
    rule = LambdaMart(searches, threads=1).learn(range(80))
    assert isinstance(rule, Trees)
    assert mean(rule, unseen) > mean(NAMED["rrf"], unseen) + 0.02
    # The same lesson by LightGBM itself, on images it has not seen.
    from lexsearch.evaluation.fusion_methods import ROUNDS, TREES

    values, grades, sizes = teaching(searches, range(80))
    options = {**TREES, "num_threads": 1, "monotone_constraints": [1] * values.shape[1]}
    booster = lightgbm.train(
        options, lightgbm.Dataset(values, grades, group=sizes), num_boost_round=ROUNDS
    )
    other, _, _ = teaching(unseen, range(40))
    assert rule.predict(other) == pytest.approx(booster.predict(other), abs=1e-9)
    base = other[:50].copy()
    for feature in range(base.shape[1]):
        more = base.copy()
        more[:, feature] += 0.5
        assert (rule.predict(more) >= rule.predict(base) - 1e-12).all()


def test_searches_with_a_relevant_image_in_common_share_a_fold() -> None:
    searches = planted(30, (1, 1, 1))
    qrels = qrels_of(searches)
    for a, b in ((0, 7), (7, 11), (3, 4)):
        name = f"common{a}{b}"
        qrels[f"q{a}"][name] = qrels[f"q{b}"][name] = 1
    fold = folds(searches, qrels, count=5, seed=1)
    assert fold[0] == fold[7] == fold[11]
    assert fold[3] == fold[4]
    assert set(fold) == set(range(5))
    assert folds(searches, qrels, count=5, seed=1) == fold
    one = {qid: {"same": 1} for qid in qrels}
    with pytest.raises(UsageError, match="1 groups"):
        folds(searches, one, count=5, seed=1)


def taught(searches: list[JudgedSearch], **options: Any) -> Any:
    fold = folds(searches, qrels_of(searches), count=4, seed=1)
    known = methods(searches, "nDCG@10", with_trees=False)
    return learn(searches, fold, known, **{"weights": EQUAL, **options})


def test_a_clear_gain_is_kept_and_measured_on_the_unseen() -> None:
    found = taught(planted(80, (1, 0, 0)))
    assert found.kept
    assert found.reason.startswith(f"kept {found.rule.name}: +0.")
    assert found.p < 0.05
    assert found.over_rrf.mean == pytest.approx(found.held_out["learned"] - found.held_out["rrf"])
    fresh = planted(200, (1, 0, 0), seed=9)
    assert mean(found.rule, fresh) == pytest.approx(found.held_out["learned"], abs=0.05)
    assert set(found.held_out) == {"rrf", "convex", "dbsf", "logistic", "model", "learned"}
    assert len(found.chosen) == 4


def test_no_gain_is_kept_where_relevance_is_a_coin() -> None:
    found = taught(planted(60, (0, 0, 0), noise=1.0))
    assert not found.kept
    assert found.reason.startswith("not kept")


def test_the_models_weights_stay_where_they_are_better() -> None:
    truth = {"lexical": 1.0, "dense": 0.0, "late": 0.0}
    found = taught(planted(80, (1, 0, 0), noise=0.0), weights=truth)
    assert not found.kept
    assert "against the model's own weights" in found.reason


def test_lessons_are_counted() -> None:
    told: list[int] = []
    searches = planted(40, (1, 0, 0))
    fold = folds(searches, qrels_of(searches), count=4, seed=1)
    known = [Fixed(NAMED["rrf"]), ConvexGrid(searches, "nDCG@10")]
    learn(searches, fold, known, weights=EQUAL, on_progress=told.append)
    assert told == list(range(1, lessons(2, 4) + 1))
    with pytest.raises(UsageError, match="'MAP'"):
        learn(searches, fold, known, weights=EQUAL, measure="MAP")


@pytest.mark.parametrize(
    ("method", "over_rrf", "p", "over_model", "kept"),
    [
        ("convex", 0.1, 0.01, 0.05, True),
        ("convex", 0.1, 0.06, 0.05, False),
        ("convex", -0.1, 0.01, 0.05, False),
        ("convex", 0.1, 0.01, 0.0, False),
        ("rrf", 0.1, 0.01, 0.05, False),
    ],
)
def test_the_verdict(method: str, over_rrf: float, p: float, over_model: float, kept: bool) -> None:
    one, other = (Interval(mean, mean, mean) for mean in (over_rrf, over_model))
    assert verdict(method, one, other, p, "rrf")[0] is kept
