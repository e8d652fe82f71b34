"""The ways to learn a fusion: every one takes judged searches and gives a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lexsearch.errors import ModelMissing
from lexsearch.evaluation.bootstrap import Values
from lexsearch.ranking.fusion_rules import CHANNELS, NAMED, Rule, Scaled, scaled
from lexsearch.ranking.learned_rules import FEATURES, Linear, Trees, features

if TYPE_CHECKING:
    from lexsearch.types import FloatArray, IntArray

STEPS = 20  # of the grid of convex weights: shares of 1/20
HARD = 50  # an image teaches when some channel ranks it this well, or when it is relevant
L2 = 1.0  # on the weights of standardised features, beside the sum of the losses
MAX_GRADE = 30  # the highest gain that LightGBM's default table has
TREES: Mapping[str, Any] = {
    "objective": "lambdarank",
    "learning_rate": 0.1,
    "num_leaves": 8,
    "min_data_in_leaf": 100,
    "lambda_l2": 1.0,
    "lambdarank_truncation_level": 20,
    "use_missing": False,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
    "verbose": -1,
}
ROUNDS = 80


@dataclass(frozen=True, eq=False)
class JudgedSearch:
    """The candidates of one query with their scores and judgements.

    Attributes:
        qid: of the query.
        ids: int64 (n,), ascending.
        scores: channel -> float32 (n,).
        grades: float64 (n,), 0 where nobody judged.
        ideal: grades above 0 of all judged images, falling; those not among the candidates too.
        depth: images that each channel proposed.
    """

    qid: str
    ids: IntArray
    scores: Mapping[str, FloatArray]
    grades: Values
    ideal: Values
    depth: int

    @cached_property
    def features(self) -> Values:
        """See `lexsearch.ranking.learned_rules.features`."""
        return features(self.scores, self.depth)

    @cached_property
    def teaches(self) -> IntArray:
        """Rows to learn from: relevant ones, and those that some channel ranks well."""
        ranks = self.features[:, [i for i, (_, kind) in enumerate(FEATURES) if kind == "rank"]]
        hard = (ranks >= 60 / (60 + HARD)).any(axis=1)
        rows: IntArray = np.flatnonzero(hard | (self.grades > 0))
        return rows


Measure = Callable[[Values, Values], Values]  # ranked grades (k, ...) and ideal -> values (...)


def ndcg(grades: Values, ideal: Values) -> Values:
    """nDCG of ranked grades, shape (k, ...) to (...), with gains as they are."""
    discounts = 1 / np.log2(1 + np.arange(1, len(grades) + 1))
    best = float((ideal[: len(grades)] * discounts[: len(ideal)]).sum())
    return np.asarray(np.tensordot(discounts, grades, axes=(0, 0)) / best)


def reciprocal(grades: Values, ideal: Values) -> Values:
    """1 / rank of the first relevant of ranked grades, 0 without one."""
    hit = grades > 0
    return np.where(hit.any(axis=0), 1 / (1 + hit.argmax(axis=0)), 0.0)


def recall(grades: Values, ideal: Values) -> Values:
    """Share of the relevant images among ranked grades."""
    return np.asarray((grades > 0).sum(axis=0) / len(ideal))


# Name in ir-measures -> how deep it looks, and the function.
MEASURES: Mapping[str, tuple[int, Measure]] = {
    "nDCG@10": (10, ndcg),
    "RR@10": (10, reciprocal),
    "R@1": (1, recall),
    "R@5": (5, recall),
    "R@10": (10, recall),
}


def measured(search: JudgedSearch, totals: Values | FloatArray, measure: str) -> Values:
    """The measure of candidates ranked by totals, shape (n,) or (n, rules); ties by id."""
    depth, function = MEASURES[measure]
    order = np.argsort(-totals, axis=0, kind="stable")[:depth]
    return function(search.grades[order], search.ideal)


class Method(Protocol):
    """One way to learn."""

    @property
    def name(self) -> str:
        """Of the rules that it gives."""
        ...

    def learn(self, rows: Sequence[int]) -> Rule:
        """The rule for the searches of these numbers."""
        ...


class Fixed:
    """A rule that learns nothing."""

    def __init__(self, rule: Rule) -> None:
        self.name, self._rule = rule.name, rule

    def learn(self, rows: Sequence[int]) -> Rule:
        """See `Method`."""
        return self._rule


class ConvexGrid:
    """Weights on theoretically scaled scores, the best of a grid; no share of a channel is 0.

    Of equally good weights those nearest to equal ones are taken.

    Source: Bruch, Gai and Ingber 2023.
    """

    name = "convex"

    def __init__(self, searches: Sequence[JudgedSearch], measure: str) -> None:
        self._searches, self._measure = searches, measure
        steps = [(a, b, STEPS - a - b) for a in range(1, STEPS - 1) for b in range(1, STEPS - a)]
        steps.sort(key=lambda one: (sum(part**2 for part in one), one))
        self._grid = np.array(steps, dtype=np.float64) / STEPS

    @cached_property
    def _values(self) -> Values:
        """float64 (searches, grid)."""
        rows = []
        for one in self._searches:
            columns = [scaled(name, one.scores[name], "theoretical") for name in CHANNELS]
            totals = (np.stack(columns, axis=1) @ self._grid.T).astype(np.float32)
            rows.append(measured(one, totals, self._measure))
        return np.array(rows)

    def learn(self, rows: Sequence[int]) -> Rule:
        """See `Method`."""
        best = self._grid[int(self._values[list(rows)].mean(axis=0).argmax())]
        return Scaled("theoretical", dict(zip(CHANNELS, best.tolist(), strict=True)))


class Logistic:
    """Logistic regression of relevance on the features, with an L2 penalty; by L-BFGS.

    Relevant images count as much as all others together, so that the constant stays sensible.
    """

    name = "logistic"

    def __init__(self, searches: Sequence[JudgedSearch]) -> None:
        self._searches = searches

    def learn(self, rows: Sequence[int]) -> Rule:
        """See `Method`."""
        from scipy.optimize import minimize
        from scipy.special import expit

        values, grades, _ = teaching(self._searches, rows)
        relevant = grades > 0
        centre, spread = values.mean(axis=0), values.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        inputs = (values - centre) / spread
        signs = np.where(relevant, 1.0, -1.0)
        counts = np.where(relevant, 0.5 / relevant.sum(), 0.5 / max(1, (~relevant).sum()))
        counts *= len(signs)

        def loss(weights: Values) -> tuple[float, Values]:
            margins = signs * (inputs @ weights[:-1] + weights[-1])
            pull = -counts * signs * expit(-margins)
            value = float((counts * np.logaddexp(0, -margins)).sum())
            value += 0.5 * L2 * float(weights[:-1] @ weights[:-1])
            return value, np.append(inputs.T @ pull + L2 * weights[:-1], pull.sum())

        start = np.zeros(len(FEATURES) + 1)
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
        weights = found[:-1] / spread
        constant = float(found[-1] - weights @ centre)
        depth = self._searches[0].depth
        return Linear(tuple(weights.tolist()), constant, depth)


class LambdaMart:
    """Gradient-boosted trees for nDCG; more of any feature never counts against an image.

    Source: Burges 2010; Ke et al. 2017 (LightGBM).
    """

    name = "lambdamart"

    def __init__(self, searches: Sequence[JudgedSearch], *, threads: int = 0) -> None:
        self._searches, self._threads = searches, threads

    def learn(self, rows: Sequence[int]) -> Rule:
        """See `Method`.

        Raises:
            ModelMissing: LightGBM is not installed.
        """
        try:
            import lightgbm
        except ImportError as error:
            raise ModelMissing(
                "LambdaMART needs LightGBM; get it with: pip install 'lexsearch[learn]'"
            ) from error
        values, grades, sizes = teaching(self._searches, rows)
        data = lightgbm.Dataset(values, np.minimum(grades, MAX_GRADE), group=sizes)
        options = {**TREES, "monotone_constraints": [1] * len(FEATURES)}
        if self._threads:
            options["num_threads"] = self._threads
        booster = lightgbm.train(options, data, num_boost_round=ROUNDS)
        return trees_of(booster.dump_model()["tree_info"], self._searches[0].depth)


def teaching(
    searches: Sequence[JudgedSearch], rows: Sequence[int]
) -> tuple[Values, Values, list[int]]:
    """Features and grades of the images that teach, search by search, and how many each has."""
    chosen = [searches[i] for i in rows]
    values = np.concatenate([one.features[one.teaches] for one in chosen])
    grades = np.concatenate([one.grades[one.teaches] for one in chosen])
    return values, grades, [len(one.teaches) for one in chosen]


def trees_of(dumped: Sequence[Mapping[str, Any]], depth: int) -> Trees:
    """The trees of LightGBM's JSON as nodes of one list.

    Raises:
        ValueError: a tree decides otherwise than by `<=` on a number.
    """
    nodes: list[list[float]] = []  # feature, threshold, left, right, value

    def add(node: Mapping[str, Any]) -> int:
        place = len(nodes)
        if "leaf_value" in node:
            nodes.append([-1, 0.0, 0, 0, float(node["leaf_value"])])
            return place
        if node["decision_type"] != "<=":
            raise ValueError(f"a tree decides by {node['decision_type']!r}")
        feature, threshold = int(node["split_feature"]), float(node["threshold"])
        nodes.append([feature, threshold, 0, 0, float(node["internal_value"])])
        nodes[place][2] = add(node["left_child"])
        nodes[place][3] = add(node["right_child"])
        return place

    roots = tuple(add(tree["tree_structure"]) for tree in dumped)
    feature, threshold, left, right, value = zip(*nodes, strict=True)
    return Trees(
        tuple(int(one) for one in feature),
        threshold,
        tuple(int(one) for one in left),
        tuple(int(one) for one in right),
        value,
        roots,
        depth,
    )


def methods(
    searches: Sequence[JudgedSearch], measure: str, *, with_trees: bool, threads: int = 0
) -> list[Method]:
    """Every method, the plainest first; RRF is the one to beat."""
    found: list[Method] = [
        Fixed(NAMED["rrf"]),
        ConvexGrid(searches, measure),
        Fixed(NAMED["dbsf"]),
        Logistic(searches),
    ]
    return [*found, LambdaMart(searches, threads=threads)] if with_trees else found
