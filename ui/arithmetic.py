"""How a fused score came about, in words: the rule in force, and what every channel gave by it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lexsearch.engine import CHANNELS
from lexsearch.explained import Explanation
from lexsearch.ranking.share import Share

SAID = {"lexical": "words", "dense": "meaning", "late": "fine match"}
# What a rule is called, and what it does.
RULES = {
    "model": (
        "weights of the model",
        "Every score is multiplied with the weight that the model has for it.",
    ),
    "rrf": (
        "reciprocal ranks (RRF)",
        "Scores do not count, only places: the higher a picture stands, the more a list gives it.",
    ),
    "convex": (
        "scores on one scale",
        "Every score is brought to a scale from 0, the least there can be, to 1, the best of this "
        "search, and multiplied with a weight.",
    ),
    "dbsf": (
        "scores by their spread (DBSF)",
        "Every score is brought to a scale on which 0 and 1 lie three standard deviations from "
        "the mean of this search.",
    ),
    "logistic": (
        "learned weights (logistic regression)",
        "Scores and places are multiplied with weights that were learned from judged searches.",
    ),
    "lambdamart": (
        "learned trees (LambdaMART)",
        "Decision trees learned from judged searches; a share is what they add because of a value.",
    ),
}
LOOKS_AT = {"scaled score": "score on a common scale", "found": "found by this channel alone"}


def rule(name: str) -> tuple[str, str]:
    """The title of a rule, and a sentence that says what it does."""
    return RULES.get(name, (name, "The shares add up to the score that ranks."))


def by_channel(shares: Sequence[Share]) -> dict[str, float]:
    """What every channel gave in all; a constant belongs to none."""
    names = [name for name in CHANNELS if any(one.channel == name for one in shares)]
    return {n: math.fsum(one.share for one in shares if one.channel == n) for n in names}


def arithmetic(found: Explanation, ranks: Mapping[str, int | None]) -> dict[str, Any]:
    """The rule, its summands and their sum, as the viewer shows them.

    ranks: mode -> rank of the picture in that channel alone, where it is known.
    """
    title, does = rule(found.fusion)
    damping = _damping(found.shares) if found.fusion == "rrf" else None
    if damping is not None:
        does += f" Rank r gives 1 / ({damping:.4g} + r)."
    among = (
        f" Ranks and scales are those among the {found.candidates:,} pictures looked at."
        if found.candidates > 1
        else ""
    )
    return {
        "rule": title,
        "does": does + among,
        "shares": [_row(one, ranks) for one in found.shares],
        "fused": found.fused,
        "fused_rank": ranks.get("hybrid"),
    }


def _damping(shares: Sequence[Share]) -> float | None:
    """What is added to ranks, from a share whose rank is known."""
    known = (1 / one.share - one.value for one in shares if one.share and not math.isinf(one.value))
    return next(known, None)


def _row(one: Share, ranks: Mapping[str, int | None]) -> dict[str, Any]:
    is_constant = one.channel == "all"
    return {
        "name": one.channel,
        "label": "for all pictures" if is_constant else SAID[one.channel],
        "what": LOOKS_AT.get(one.what, one.what),
        "value": "" if is_constant else _value(one),
        "weight": one.weight,
        "share": one.share,
        "rank": ranks.get(one.channel),
    }


def _value(one: Share) -> str:
    if math.isinf(one.value):
        return "not found"
    if one.what == "found":
        return "yes" if one.value else "no"
    if one.what == "rank" and one.value >= 1:
        return f"{one.value:,.0f}"
    if one.what == "rank":  # learned rules look at 60 / (60 + rank)
        return f"{60 / one.value - 60:,.0f} → {one.value:.4f}" if one.value else "not found"
    return f"{one.value:.4g}"
