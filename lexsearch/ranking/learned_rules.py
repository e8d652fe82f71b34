"""Rules whose numbers were learned: a linear one, and gradient-boosted trees.

Both look at the same features of an image: in every channel its score, its score between the
least the channel can give and the best of the search, its rank, and whether the channel found it
by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lexsearch.ranking.fusion import filled
from lexsearch.ranking.fusion_rules import CHANNELS, Scores, Values, ranks, scaled
from lexsearch.ranking.share import Share
from lexsearch.types import FloatArray

DAMPING = 60.0  # of ranks as features: 60 / (60 + rank), 1 at the top, half at rank 60
KINDS = ("score", "scaled score", "rank", "found")
FEATURES: tuple[tuple[str, str], ...] = tuple((name, kind) for name in CHANNELS for kind in KINDS)


def features(scores: Scores, depth: int) -> Values:
    """float64 (n, len(FEATURES)); every channel of CHANNELS must be there.

    Args:
        scores: channel -> float32 (n,), NaN where it does not know the image; such an image has
            the least score there and rank infinity.
        depth: a channel has found an image by itself when its rank is at most that.
    """
    columns: list[Values] = []
    for name in CHANNELS:
        own = scores[name]
        rank = ranks(own)
        columns += [
            filled(own).astype(np.float64),
            scaled(name, own, "theoretical"),
            DAMPING / (DAMPING + rank),
            (rank <= depth).astype(np.float64),
        ]
    return np.stack(columns, axis=1)


@dataclass(frozen=True, slots=True)
class Linear:
    """constant + sum of weight * feature: the log-odds of a logistic regression.

    Attributes:
        weights: shape (len(FEATURES),).
        constant: added to all.
        depth: see `features`.
    """

    weights: tuple[float, ...]
    constant: float
    depth: int
    name: str = "logistic"

    def covers(self, channels: Mapping[str, object]) -> bool:
        """All channels that it was learned on."""
        return set(channels) == set(CHANNELS)

    def totals(self, scores: Scores) -> FloatArray:
        """See `Rule`."""
        found: Values = features(scores, self.depth) @ np.array(self.weights) + self.constant
        return found.astype(np.float32)

    def shares(self, scores: Scores, row: int) -> tuple[Share, ...]:
        """See `Rule`."""
        values = features(scores, self.depth)[row].tolist()
        shares = [
            Share(channel, kind, value, weight * value, weight)
            for (channel, kind), value, weight in zip(FEATURES, values, self.weights, strict=True)
            if weight
        ]
        return (*shares, Share("all", "constant", self.constant, self.constant))


@dataclass(frozen=True)
class Trees:
    """The sum of the leaves that an image falls into, one per tree.

    Nodes of all trees lie in one list; an inner node sends an image with feature <= threshold
    to `left`, others to `right`. A leaf has feature -1. Every node has a value; the value of an
    inner node is what the tree would say if it ended there, and only explains.

    Attributes:
        feature, left, right: shape (nodes,).
        threshold, value: shape (nodes,).
        roots: first node of every tree.
        depth: see `features`.
    """

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]
    roots: tuple[int, ...]
    depth: int
    name: str = "lambdamart"

    def __post_init__(self) -> None:
        count = len(self.feature)
        columns = (self.threshold, self.left, self.right, self.value)
        if not self.roots or any(len(column) != count for column in columns):
            raise ValueError("the lists of nodes differ in length, or there is no tree")
        for node, feature in enumerate(self.feature):
            sides = (self.left[node], self.right[node])
            # Children come after their parent, so that a walk always ends.
            if feature >= 0 and not all(node < side < count for side in sides):
                raise ValueError(f"node {node} leads to nodes {sides} of {count}")
            if not -1 <= feature < len(FEATURES):
                raise ValueError(f"node {node} looks at feature {feature} of {len(FEATURES)}")
        if not all(0 <= root < count for root in self.roots):
            raise ValueError("a tree has no root")
        if not np.isfinite([*self.threshold, *self.value]).all():
            raise ValueError("a threshold or value is not finite")

    @cached_property
    def _arrays(self) -> tuple[npt.NDArray[np.int64], Values, npt.NDArray[np.int64], Values]:
        sides = np.array([self.left, self.right], dtype=np.int64)
        feature = np.array(self.feature, dtype=np.int64)
        return feature, np.array(self.threshold), sides, np.array(self.value)

    def covers(self, channels: Mapping[str, object]) -> bool:
        """All channels that it was learned on."""
        return set(channels) == set(CHANNELS)

    def totals(self, scores: Scores) -> FloatArray:
        """See `Rule`."""
        return self.predict(features(scores, self.depth)).astype(np.float32)

    def predict(self, values: Values) -> Values:
        """float64 (n, len(FEATURES)) to float64 (n,)."""
        feature, threshold, sides, value = self._arrays
        rows = np.arange(len(values))[:, np.newaxis]
        nodes = np.tile(np.array(self.roots), (len(values), 1))
        while True:
            looks_at = feature[nodes]
            inner = looks_at >= 0
            if not inner.any():
                return np.asarray(value[nodes].sum(axis=1), dtype=np.float64)
            goes_right = values[rows, np.maximum(looks_at, 0)] > threshold[nodes]
            nodes = np.where(inner, sides[goes_right.astype(np.int64), nodes], nodes)

    def shares(self, scores: Scores, row: int) -> tuple[Share, ...]:
        """See `Rule`: what a tree's value changes by at a node belongs to the feature it looks at.

        Source: Saabas 2014 (path attribution); the sum telescopes to the leaves.
        """
        values = features(scores, self.depth)[row]
        given = np.zeros(len(FEATURES))
        constant = 0.0
        for root in self.roots:
            node = root
            constant += self.value[root]
            while self.feature[node] >= 0:
                feature = self.feature[node]
                goes_right = values[feature] > self.threshold[node]
                child = self.right[node] if goes_right else self.left[node]
                given[feature] += self.value[child] - self.value[node]
                node = child
        shares = [
            Share(channel, kind, float(value), float(share))
            for (channel, kind), value, share in zip(FEATURES, values, given, strict=True)
            if share
        ]
        return (*shares, Share("all", "constant", constant, constant))


def numbers(values: object, what: str, kind: type[float] | type[int] = float) -> tuple[float, ...]:
    """A list of finite JSON numbers.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise ValueError(f"{what} is no list of numbers")
    for value in values:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not np.isfinite(value) or (kind is int and not isinstance(value, int)):
            raise ValueError(f"{what} holds {value!r}, which is no {kind.__name__}")
    return tuple(values)
