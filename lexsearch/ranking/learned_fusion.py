"""A learned fusion as a db keeps it: JSON with a checksum, numbers only, nothing to execute."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lexsearch.ranking.fusion_rules import CHANNELS, ReciprocalRank, Rule, Scaled
from lexsearch.ranking.learned_rules import FEATURES, Linear, Trees, numbers

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class LearnedFusion:
    """A rule with what it was learned on.

    Attributes:
        rule: joins the channels.
        fingerprints: of the encoders whose scores it was learned on.
        facts: how it was learned, as JSON values, for people to read.
    """

    rule: Rule
    fingerprints: Mapping[str, str]
    facts: Mapping[str, Any]

    def to_text(self) -> str:
        """JSON with the sha256 of everything else in it."""
        record = {
            "schema": SCHEMA,
            "rule": rule_record(self.rule),
            "fingerprints": dict(self.fingerprints),
            "facts": dict(self.facts),
        }
        return _dump({**record, "sha256": _digest(record)})

    @classmethod
    def from_text(cls, text: str) -> LearnedFusion:
        """What `to_text` wrote.

        Raises:
            ValueError: it is something else, or not what was written.
        """
        record = json.loads(text)
        if not isinstance(record, dict) or record.get("schema") != SCHEMA:
            raise ValueError(f"a learned fusion is a JSON object of schema {SCHEMA}")
        digest = record.pop("sha256", None)
        if digest != _digest(record):
            raise ValueError("its checksum is not that of its content")
        fingerprints, facts = record.get("fingerprints"), record.get("facts")
        if not isinstance(fingerprints, dict) or not isinstance(facts, dict):
            raise ValueError("it does not say what it was learned on")
        return cls(rule_from(record.get("rule")), fingerprints, facts)


def fusion_summary(text: str | None) -> dict[str, Any] | None:
    """The method and facts of what a db has learned, or `problem`; None without text."""
    if text is None:
        return None
    try:
        found = LearnedFusion.from_text(text)
    except ValueError as error:
        return {"problem": str(error)}
    return {"method": found.rule.name, "facts": dict(found.facts)}


def rule_record(rule: Rule) -> dict[str, Any]:
    """A rule as JSON values.

    Raises:
        ValueError: no db keeps rules of its kind.
    """
    if isinstance(rule, ReciprocalRank):
        return {"method": rule.name, "damping": rule.damping}
    if isinstance(rule, Scaled):
        return {"method": rule.name, "scale": rule.scale, "weights": dict(rule.weights)}
    if isinstance(rule, Linear):
        return {
            "method": rule.name,
            "features": [list(one) for one in FEATURES],
            "weights": list(rule.weights),
            "constant": rule.constant,
            "depth": rule.depth,
        }
    if isinstance(rule, Trees):
        return {
            "method": rule.name,
            "features": [list(one) for one in FEATURES],
            "feature": list(rule.feature),
            "threshold": list(rule.threshold),
            "left": list(rule.left),
            "right": list(rule.right),
            "value": list(rule.value),
            "roots": list(rule.roots),
            "depth": rule.depth,
        }
    raise ValueError(f"a db keeps no rule of kind {type(rule).__name__}")


def rule_from(record: object) -> Rule:
    """The rule of a record.

    Raises:
        ValueError: it is none, or one of features that this version does not compute.
    """
    if not isinstance(record, dict):
        raise ValueError("a rule is a JSON object")
    try:
        return _rule(record)
    except (KeyError, TypeError) as error:
        raise ValueError(f"the rule lacks {error}") from error


def _rule(record: Mapping[str, Any]) -> Rule:
    method = record["method"]
    if method == "rrf":
        (damping,) = numbers([record["damping"]], "damping")
        if damping <= -1:
            raise ValueError(f"damping is {damping}")
        return ReciprocalRank(damping)
    if method in ("convex", "dbsf"):
        weights, scale = record["weights"], record["scale"]
        if set(weights) != set(CHANNELS) or scale not in ("theoretical", "distribution"):
            raise ValueError(f"it weighs {sorted(weights)} on the scale {scale!r}")
        numbers(list(weights.values()), "weights")
        return Scaled(scale, {name: float(weights[name]) for name in CHANNELS}, method)
    if method not in ("logistic", "lambdamart"):
        raise ValueError(f"no method is called {method!r}")
    if record["features"] != [list(one) for one in FEATURES]:
        raise ValueError("it was learned on features that this version does not compute")
    (depth,) = numbers([record["depth"]], "depth", int)
    if method == "logistic":
        weights = numbers(record["weights"], "weights")
        if len(weights) != len(FEATURES):
            raise ValueError(f"{len(weights)} weights for {len(FEATURES)} features")
        (constant,) = numbers([record["constant"]], "constant")
        return Linear(weights, constant, int(depth))
    return Trees(
        feature=_integers(record, "feature"),
        threshold=numbers(record["threshold"], "threshold"),
        left=_integers(record, "left"),
        right=_integers(record, "right"),
        value=numbers(record["value"], "value"),
        roots=_integers(record, "roots"),
        depth=int(depth),
    )


def _integers(record: Mapping[str, Any], name: str) -> tuple[int, ...]:
    return tuple(int(one) for one in numbers(record[name], name, int))


def _dump(record: Mapping[str, Any]) -> str:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _digest(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(_dump(record).encode("utf-8")).hexdigest()
