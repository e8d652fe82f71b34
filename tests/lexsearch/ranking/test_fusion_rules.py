"""Rules of fusion by their formulas; their shares add up."""

from typing import Any

import numpy as np
import pytest

from lexsearch.ranking.fusion import reciprocal_rank, weighted_sum
from lexsearch.ranking.fusion_rules import (
    CHANNELS,
    NAMED,
    ReciprocalRank,
    Scaled,
    Weighted,
    ranks,
    scaled,
)
from lexsearch.ranking.learned_rules import FEATURES, Linear, Trees, features
from lexsearch.ranking.topk import top_k

NAN = np.nan


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


SCORES = {
    "lexical": column(3.0, 1.0, 0.0, 2.0),
    "dense": column(0.5, 0.9, -0.5, 0.9),
    "late": column(0.25, 0.5, NAN, 0.0),
}
LINEAR = Linear(tuple(float(i % 5) - 1.5 for i in range(len(FEATURES))), 0.75, depth=2)
# Tree 1 looks at the lexical score, then at the dense rank; tree 2 is a leaf.
TREES = Trees(
    feature=(0, -1, 6, -1, -1, -1),
    threshold=(1.5, 0.0, 60 / 61.5, 0.0, 0.0, 0.0),
    left=(1, 0, 3, 0, 0, 0),
    right=(2, 0, 4, 0, 0, 0),
    value=(0.1, -1.0, 0.6, 0.5, 2.0, 0.25),
    roots=(0, 5),
    depth=2,
)
RULES = [Weighted({"lexical": 2.0, "dense": 1.0, "late": -1.0}), *NAMED.values(), LINEAR, TREES]


def test_ranks_start_at_one_ties_go_to_the_earlier_and_the_missing_have_none() -> None:
    assert ranks(column(0.5, 0.9, NAN, 0.9)).tolist() == [3, 1, np.inf, 2]
    assert ranks(column()).tolist() == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_shares_add_up_to_the_total_of_every_image(rule: Any) -> None:
    totals = rule.totals(SCORES)
    assert totals.dtype == np.float32
    for row in range(4):
        shares = rule.shares(SCORES, row)
        assert sum(one.share for one in shares) == pytest.approx(float(totals[row]), abs=1e-6)
        for one in shares:
            if one.weight is not None:
                assert one.share == pytest.approx(one.weight * one.value)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_order_of_the_channels_does_not_matter(rule: Any) -> None:
    turned = dict(reversed(SCORES.items()))
    assert rule.totals(turned).tolist() == rule.totals(SCORES).tolist()


def test_the_models_weights_are_the_weighted_sum_to_the_bit() -> None:
    rule = RULES[0]
    assert isinstance(rule, Weighted)
    assert rule.totals(SCORES).tolist() == weighted_sum(SCORES, rule.weights).tolist()


def test_rrf_is_that_of_rankings() -> None:
    ids = np.arange(10, 14)
    lists = [top_k(ids[~np.isnan(s)], s[~np.isnan(s)], 4, source="x") for s in SCORES.values()]
    expected = reciprocal_rank(lists, 4, damping=60)
    fused = top_k(ids, ReciprocalRank().totals(SCORES), 4, source="fused")
    assert fused.ids.tolist() == expected.ids.tolist()
    assert fused.scores == pytest.approx(expected.scores)


def test_convex_scales_from_the_floor_to_the_best() -> None:
    rule = Scaled("theoretical", {"lexical": 0.5, "dense": 0.25, "late": 0.25})
    assert rule.totals(SCORES) == pytest.approx(
        [
            0.5 * 3 / 3 + 0.25 * 1.5 / 1.9 + 0.25 * 1.25 / 1.5,
            0.5 * 1 / 3 + 0.25 * 1.9 / 1.9 + 0.25 * 1.5 / 1.5,
            0.5 * 0 / 3 + 0.25 * 0.5 / 1.9 + 0.25 * 1.0 / 1.5,  # missing: the least, 0.0
            0.5 * 2 / 3 + 0.25 * 1.9 / 1.9 + 0.25 * 1.0 / 1.5,
        ]
    )


def test_dbsf_scales_by_three_sigma() -> None:
    values = scaled("lexical", SCORES["lexical"], "distribution")
    mean, sigma = 1.5, np.std([3.0, 1.0, 0.0, 2.0])
    assert values == pytest.approx((SCORES["lexical"] - (mean - 3 * sigma)) / (6 * sigma))


def test_a_linear_rule_is_its_formula() -> None:
    values = features(SCORES, 2)
    assert values.shape == (4, len(FEATURES))
    assert values[0, :4] == pytest.approx([3.0, 1.0, 60 / 61, 1.0])
    assert values[2, 8:] == pytest.approx([0.0, 1 / 1.5, 0.0, 0.0])  # late knows it not
    assert LINEAR.totals(SCORES) == pytest.approx(values @ np.array(LINEAR.weights) + 0.75)


def test_trees_add_the_leaves() -> None:
    # lexical <= 1.5: -1; else dense rank 1 or 2 (60 / (60 + rank) above 60 / 61.5 is rank 1): 2
    assert TREES.totals(SCORES) == pytest.approx([0.5 + 0.25, -1 + 0.25, -1 + 0.25, 0.5 + 0.25])
    first = TREES.shares(SCORES, 0)
    given = {(one.channel, one.what): one.share for one in first}
    assert given == pytest.approx(
        {("lexical", "score"): 0.6 - 0.1, ("dense", "rank"): 0.5 - 0.6, ("all", "constant"): 0.35}
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_image_and_one_image_are_no_trouble(rule: Any) -> None:
    for count in (0, 1):
        some = {name: values[:count] for name, values in SCORES.items()}
        assert rule.totals(some).shape == (count,)


def test_what_was_learned_on_all_channels_covers_no_fewer() -> None:
    lexical = {"lexical": SCORES["lexical"]}
    for rule in (LINEAR, TREES):
        assert rule.covers(SCORES)
        assert not rule.covers(lexical)
    for plain in NAMED.values():
        assert plain.covers(lexical)
        assert plain.totals(lexical).argmax() == 0
    assert not Weighted({"dense": 1.0}).covers(lexical)
    assert CHANNELS == ("lexical", "dense", "late")


@pytest.mark.parametrize(
    "wrong",
    [
        {"left": (1, 0, 2, 0, 0, 0)},  # a node that leads to itself
        {"right": (9, 0, 4, 0, 0, 0)},
        {"feature": (99, -1, 6, -1, -1, -1)},
        {"feature": (-2, -1, 6, -1, -1, -1)},
        {"roots": (6,)},
        {"roots": ()},
        {"value": (0.1,)},
        {"threshold": (np.inf, 0.0, 0.0, 0.0, 0.0, 0.0)},
    ],
)
def test_trees_that_would_not_end_or_lead_outside_are_refused(wrong: dict[str, Any]) -> None:
    fields = ("feature", "threshold", "left", "right", "value", "roots", "depth")
    whole = {name: getattr(TREES, name) for name in fields}
    with pytest.raises(ValueError, match=r"node|tree|finite"):
        Trees(**{**whole, **wrong})
