"""Rules that make one score of several channels, and say what each of them gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from lexsearch.ranking.fusion import filled, weighted_sum
from lexsearch.ranking.normalise import distribution, theoretical_min_max
from lexsearch.ranking.share import Share
from lexsearch.types import FloatArray

Scores: TypeAlias = Mapping[str, FloatArray]
Values: TypeAlias = npt.NDArray[np.float64]
CHANNELS = ("lexical", "dense", "late")
# The least a channel can give: a product of weights >= 0, a cosine, a mean of cosines.
FLOORS: Mapping[str, float] = {"lexical": 0.0, "dense": -1.0, "late": -1.0}


class Rule(Protocol):
    """Makes one score of the scores of several channels.

    A score is NaN where the channel does not know the image. All images of a search are joined
    at once: ranks and scales are taken among them, ties of ranks going to the earlier row.
    """

    @property
    def name(self) -> str:
        """As `--fusion` and the db spell it."""
        ...

    def covers(self, channels: Mapping[str, object]) -> bool:
        """Whether the rule can join these channels."""
        ...

    def totals(self, scores: Scores) -> FloatArray:
        """channel -> float32 (n,) to float32 (n,)."""
        ...

    def shares(self, scores: Scores, row: int) -> tuple[Share, ...]:
        """The summands of the total of one row; they add up to it, to rounding."""
        ...


@dataclass(frozen=True, slots=True)
class Weighted:
    """Sum of weight * raw score, as the model's own weights want it; see `weighted_sum`."""

    weights: Mapping[str, float]
    name: str = "model"

    def covers(self, channels: Mapping[str, object]) -> bool:
        """Whether every channel has a weight."""
        return set(channels) <= set(self.weights)

    def totals(self, scores: Scores) -> FloatArray:
        """See `Rule`."""
        return weighted_sum(scores, self.weights)

    def shares(self, scores: Scores, row: int) -> tuple[Share, ...]:
        """See `Rule`."""
        return tuple(
            _weighted(name, "score", _known(scores[name], row), self.weights[name])
            for name in _ordered(scores)
        )


@dataclass(frozen=True, slots=True)
class ReciprocalRank:
    """Sum of 1 / (damping + rank); an image that a channel does not know gets nothing from it.

    Source: Cormack, Clarke and Buettcher 2009.
    """

    damping: float = 60.0
    name: str = "rrf"

    def covers(self, channels: Mapping[str, object]) -> bool:
        """Any channels."""
        return bool(channels)

    def totals(self, scores: Scores) -> FloatArray:
        """See `Rule`."""
        parts = [1 / (self.damping + ranks(scores[name])) for name in sorted(scores)]
        return _added(parts)

    def shares(self, scores: Scores, row: int) -> tuple[Share, ...]:
        """See `Rule`; the value is the rank, inf where there is none."""
        found = []
        for name in _ordered(scores):
            rank = float(ranks(scores[name])[row])
            found.append(Share(name, "rank", rank, 1 / (self.damping + rank)))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Scaled:
    """Sum of weight * score on a common scale.

    Attributes:
        scale: `theoretical` (0 at the least the channel can give, 1 at the best of the search;
            Bruch, Gai and Ingber 2023) or `distribution` (0 and 1 at three sigma around the
            mean of the search, as Qdrant's distribution-based score fusion has it).
        weights: by channel.
    """

    scale: str
    weights: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(CHANNELS, 1 / 3))
    name: str = "convex"

    def covers(self, channels: Mapping[str, object]) -> bool:
        """Whether every channel has a weight."""
        return set(channels) <= set(self.weights)

    def totals(self, scores: Scores) -> FloatArray:
        """See `Rule`."""
        parts = [
            self.weights[name] * scaled(name, scores[name], self.scale) for name in sorted(scores)
        ]
        return _added(parts)

    def shares(self, scores: Scores, row: int) -> tuple[Share, ...]:
        """See `Rule`."""
        return tuple(
            _weighted(
                name,
                "scaled score",
                float(scaled(name, scores[name], self.scale)[row]),
                self.weights[name],
            )
            for name in _ordered(scores)
        )


def ranks(scores: FloatArray) -> Values:
    """Rank from 1 of every score, the best first, ties to the earlier row; inf for NaN."""
    order = np.argsort(-scores, kind="stable")  # NaN comes last
    found = np.empty(len(scores), dtype=np.float64)
    found[order] = np.arange(1, len(scores) + 1)
    found[np.isnan(scores)] = np.inf
    return found


def scaled(channel: str, scores: FloatArray, scale: str) -> Values:
    """Scores on a common scale, missing ones as the least; see `Scaled`."""
    whole = filled(scores)
    if not len(whole):
        return np.zeros(0, dtype=np.float64)
    if scale == "distribution":
        return distribution(whole).astype(np.float64)
    return theoretical_min_max(whole, floor=FLOORS[channel]).astype(np.float64)


def _known(scores: FloatArray, row: int) -> float:
    """One of the scores, a missing one as the least."""
    value = float(scores[row])
    return float(filled(scores)[row]) if np.isnan(value) else value


def _added(parts: Sequence[Values]) -> FloatArray:
    total: Values = np.sum(parts, axis=0)
    return total.astype(np.float32)


def _ordered(scores: Scores) -> list[str]:
    return [name for name in CHANNELS if name in scores]


def _weighted(channel: str, what: str, value: float, weight: float) -> Share:
    return Share(channel, what, value, weight * value, weight)


NAMED: Mapping[str, Rule] = {
    "rrf": ReciprocalRank(),
    "convex": Scaled("theoretical"),
    "dbsf": Scaled("distribution", dict.fromkeys(CHANNELS, 1.0), "dbsf"),
}
