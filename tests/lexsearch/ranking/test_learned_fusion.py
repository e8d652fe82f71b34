"""A learned fusion survives its text, and what is not one is refused."""

import hashlib
import json
from typing import Any

import numpy as np
import pytest

from lexsearch.ranking.fusion_rules import NAMED, ReciprocalRank, Scaled, Weighted
from lexsearch.ranking.learned_fusion import LearnedFusion, fusion_summary, rule_record
from lexsearch.ranking.learned_rules import FEATURES, Linear, Trees

LINEAR = Linear(tuple(0.1 * i for i in range(len(FEATURES))), -0.3, 100)
TREES = Trees((0, -1, -1), (0.5, 0.0, 0.0), (1, 0, 0), (2, 0, 0), (0.0, -1.0, 1.0), (0,), 100)
CONVEX = Scaled("theoretical", {"lexical": 0.5, "dense": 0.3, "late": 0.2})
SCORES = {
    name: np.random.default_rng(i).random(20).astype(np.float32)
    for i, name in enumerate(("lexical", "dense", "late"))
}


@pytest.mark.parametrize(
    "rule", [LINEAR, TREES, CONVEX, *NAMED.values(), ReciprocalRank(10.0)], ids=lambda r: r.name
)
def test_what_is_written_comes_back(rule: Any) -> None:
    kept = LearnedFusion(rule, {"dense": "x/1"}, {"queries": 7})
    again = LearnedFusion.from_text(kept.to_text())
    assert again == kept
    assert again.to_text() == kept.to_text()
    assert again.rule.totals(SCORES).tolist() == rule.totals(SCORES).tolist()
    assert fusion_summary(kept.to_text()) == {"method": rule.name, "facts": {"queries": 7}}


def test_nothing_learned_has_no_summary_and_a_broken_one_says_so() -> None:
    assert fusion_summary(None) is None
    summary = fusion_summary("{}")
    assert summary is not None
    assert "schema 1" in summary["problem"]


def test_the_models_own_weights_are_not_kept() -> None:
    with pytest.raises(ValueError, match="Weighted"):
        rule_record(Weighted({"dense": 1.0}))


def signed(rule: dict[str, Any], **more: Any) -> str:
    """A text with a fitting checksum, whatever it says."""
    record = {"schema": 1, "rule": rule, "fingerprints": {}, "facts": {}, **more}
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    record["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps(record)


GOOD = rule_record(LINEAR)
TREE = rule_record(TREES)


def test_the_helper_of_these_tests_signs_rightly() -> None:
    assert LearnedFusion.from_text(signed(GOOD)).rule == LINEAR


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expecting"),
        ("[]", "schema"),
        ('{"schema": 2}', "schema"),
        (signed(GOOD).replace("-0.3", "-0.4"), "checksum"),
        (signed(GOOD, facts=3), "learned on"),
        (signed({"method": "pickle"}), "'pickle'"),
        (signed({}), "'method'"),
        (signed({**GOOD, "weights": [1.0]}), "1 weights"),
        (signed({**GOOD, "weights": "x"}), "no list"),
        (signed({**GOOD, "weights": [None] * len(FEATURES)}), "None"),
        (signed({**GOOD, "depth": 1.5}), "1.5"),
        (signed({**GOOD, "features": []}), "does not compute"),
        (signed({**TREE, "left": [0, 0, 0]}), "node 0"),
        (signed({**TREE, "right": [True, 0, 0]}), "True"),
        (signed({"method": "rrf", "damping": -1}), "damping"),
        (signed({"method": "convex", "scale": "x", "weights": {}}), "scale"),
        (signed(["rrf"]), "JSON object"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_learned_fusion_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LearnedFusion.from_text(text)
