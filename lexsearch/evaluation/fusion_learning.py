"""Learns a fusion from judged queries, and says whether it is better than plain RRF.

Queries are put into folds; those that share a relevant image stay together. The methods are
compared by cross-validation, the best learns from all queries. How good that whole procedure is,
choice of the method included, is measured on queries that neither the choice nor the learning has
seen: for every fold the method is chosen and taught on the others (nested cross-validation).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lexsearch.errors import UsageError
from lexsearch.evaluation.bootstrap import Interval, Values, paired_difference
from lexsearch.evaluation.fusion_methods import (
    MAX_GRADE,
    MEASURES,
    JudgedSearch,
    Method,
    measured,
)
from lexsearch.evaluation.judged import randomisation_test
from lexsearch.query import Query
from lexsearch.ranking.fusion_rules import CHANNELS, NAMED, Rule, Weighted
from lexsearch.types import docid

if TYPE_CHECKING:
    from lexsearch.engine import Engine

FOLDS = 5
LEAST = 20  # judged queries; with fewer no test could tell anything
LEVEL = 0.05


def judged_searches(
    engine: Engine,
    topics: Mapping[str, str],
    qrels: Mapping[str, Mapping[str, int]],
    *,
    on_progress: Callable[[int], None] | None = None,
) -> list[JudgedSearch]:
    """The candidates of every topic that has a relevant image, scored in every channel.

    Raises:
        UsageError: the db lacks a channel, or fewer than LEAST topics have a relevant image.
    """
    known = {docid(int(i)) for i in engine.snapshot.image_ids()}
    judged = {
        qid: text
        for qid, text in topics.items()
        if any(g > 0 and name in known for name, g in qrels.get(qid, {}).items())
    }
    if len(judged) < LEAST:
        raise UsageError(
            f"{len(judged)} of {len(topics)} topics have a judged relevant photo in this index; "
            f"at least {LEAST} are needed to learn a fusion (judgements name photos by the id "
            "that --format json and trec print)"
        )
    searches: list[JudgedSearch] = []
    for done, (qid, text) in enumerate(judged.items(), start=1):
        encoded = engine.encode(Query.text(text))
        found = engine.search_encoded(encoded, k=1, rule=NAMED["rrf"])
        if set(found.scores) != set(CHANNELS):
            raise UsageError(
                f"this index has the channels {', '.join(sorted(found.scores))}; a fusion is "
                f"learned on {', '.join(CHANNELS)}"
            )
        grades = {name: min(max(g, 0), MAX_GRADE) for name, g in qrels[qid].items()}
        own = [grades.get(docid(i), 0) for i in found.candidates.tolist()]
        ideal = sorted((g for g in grades.values() if g > 0), reverse=True)
        searches.append(
            JudgedSearch(
                qid,
                found.candidates,
                found.scores,
                np.array(own, dtype=np.float64),
                np.array(ideal, dtype=np.float64),
                engine.model.first_stage,
            )
        )
        if on_progress is not None:
            on_progress(done)
    return searches


def folds(
    searches: Sequence[JudgedSearch],
    qrels: Mapping[str, Mapping[str, int]],
    *,
    count: int,
    seed: int,
) -> list[int]:
    """The fold of every search; searches with a relevant image in common are in the same one.

    Raises:
        UsageError: everything hangs together, so that there are fewer groups than folds.
    """
    group: dict[str, int] = {}
    parent = list(range(len(searches)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, one in enumerate(searches):
        for name, grade in qrels[one.qid].items():
            if grade > 0:
                parent[root(i)] = root(group.setdefault(name, i))
    roots = sorted({root(i) for i in range(len(searches))})
    if len(roots) < count:
        raise UsageError(
            f"the judged topics fall into {len(roots)} groups that share relevant photos; "
            f"{count} folds need at least as many"
        )
    drawn = np.random.default_rng(seed).permutation(len(roots)) % count
    fold = dict(zip(roots, drawn.tolist(), strict=True))
    return [fold[root(i)] for i in range(len(searches))]


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned, and how good it is on queries that it has not seen.

    Attributes:
        rule: of the best method, taught by all queries.
        kept: better than plain RRF with p < LEVEL, and no worse than the model's weights.
        reason: why, or why not, for people.
        measure: by which everything was chosen.
        queries: that were learned from.
        held_out: method -> mean on queries that it was not taught by; `learned` is the whole
            procedure, `model` the model's own weights.
        over_rrf, over_model: learned - rrf and learned - model, with intervals.
        p: of the paired randomisation test against RRF.
        chosen: method chosen in each fold.
    """

    rule: Rule
    kept: bool
    reason: str
    measure: str
    queries: int
    held_out: Mapping[str, float]
    over_rrf: Interval
    over_model: Interval
    p: float
    chosen: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """What a db keeps beside the rule, as JSON values."""
        return {
            "measure": self.measure,
            "queries": self.queries,
            "held_out": dict(self.held_out),
            "gain_over_rrf": self.over_rrf.mean,
            "gain_over_rrf_interval": [self.over_rrf.low, self.over_rrf.high],
            "gain_over_model": self.over_model.mean,
            "gain_over_model_interval": [self.over_model.low, self.over_model.high],
            "p": self.p,
            "chosen_in_folds": list(self.chosen),
        }


def learn(
    searches: Sequence[JudgedSearch],
    fold: Sequence[int],
    methods: Sequence[Method],
    *,
    weights: Mapping[str, float],
    measure: str = "nDCG@10",
    on_progress: Callable[[int], None] | None = None,
) -> Learned:
    """Choose a method by cross-validation, teach it, and measure the procedure by nesting.

    Args:
        searches: judged ones.
        fold: of every search.
        methods: the first is RRF.
        weights: of the model, to compare with.
        measure: of MEASURES.
        on_progress: called after every lesson with how many there were; see `lessons`.

    Raises:
        UsageError: no such measure.
        ModelMissing: a method needs a package that is not installed.
    """
    if measure not in MEASURES:
        raise UsageError(f"no measure {measure!r} to learn by; known: {', '.join(MEASURES)}")
    where = np.array(fold)
    numbers = sorted(set(fold))
    lessons = 0

    def told() -> None:
        nonlocal lessons
        lessons += 1
        if on_progress is not None:
            on_progress(lessons)

    @cache
    def taught(number: int, without: frozenset[int]) -> Rule:
        rows = np.flatnonzero(~np.isin(where, list(without))).tolist()
        rule = methods[number].learn(rows)
        told()
        return rule

    @cache
    def tested(number: int, without: frozenset[int], on: int) -> tuple[float, ...]:
        """The measure of the searches of a fold, by a rule that has not seen some folds."""
        return tuple(_values(taught(number, without), searches, where == on, measure))

    def best(outer: frozenset[int]) -> int:
        """The method with the best mean over the other folds, each unseen; ties to the plainer."""
        means = []
        for number in range(len(methods)):
            inner = [tested(number, outer | {j}, j) for j in numbers if j not in outer]
            means.append(float(np.mean([value for one in inner for value in one])))
        return int(np.argmax(means))

    chosen = {j: best(frozenset([j])) for j in numbers}
    everyone = {
        method.name: _joined({j: tested(i, frozenset([j]), j) for j in numbers}, where)
        for i, method in enumerate(methods)
    }
    learned = _joined({j: tested(chosen[j], frozenset([j]), j) for j in numbers}, where)
    everywhere = np.ones(len(searches), dtype=bool)
    model = np.array(_values(Weighted(weights), searches, everywhere, measure))
    rrf = everyone[methods[0].name]
    final = best(frozenset())
    rule = taught(final, frozenset())
    over_rrf, over_model = paired_difference(learned, rrf), paired_difference(learned, model)
    p = randomisation_test(learned, rrf)
    kept, reason = verdict(methods[final].name, over_rrf, over_model, p, methods[0].name)
    means = {name: float(values.mean()) for name, values in everyone.items()}
    return Learned(
        rule, kept, reason, measure, len(searches),
        {**means, "model": float(model.mean()), "learned": float(learned.mean())},
        over_rrf, over_model, p, tuple(methods[chosen[j]].name for j in numbers),
    )  # fmt: skip


def lessons(methods: int, count: int) -> int:
    """How often `learn` teaches a method: without two folds, without one, and by all."""
    return methods * (count * (count - 1) // 2 + count) + 1


def verdict(
    method: str, over_rrf: Interval, over_model: Interval, p: float, plain: str
) -> tuple[bool, str]:
    """Whether a rule is kept, and the sentence that says why."""
    gain = f"{over_rrf.mean:+.4f} [{over_rrf.low:+.4f}, {over_rrf.high:+.4f}] over plain rrf"
    if method == plain:
        return False, "not kept: plain rrf is the best method on queries it was not taught by"
    if not (over_rrf.mean > 0 and p < LEVEL):
        return False, f"not kept: {gain} on held-out queries, p = {p:.4f}, is no clear gain"
    if over_model.mean <= 0:
        return False, (
            f"not kept: {gain} on held-out queries, but {over_model.mean:+.4f} "
            f"[{over_model.low:+.4f}, {over_model.high:+.4f}] against the model's own weights"
        )
    return True, f"kept {method}: {gain} on held-out queries, p = {p:.4f}"


def _values(
    rule: Rule, searches: Sequence[JudgedSearch], which: np.ndarray[Any, Any], measure: str
) -> list[float]:
    rows = np.flatnonzero(which).tolist()
    return [float(measured(searches[i], rule.totals(searches[i].scores), measure)) for i in rows]


def _joined(parts: Mapping[int, Sequence[float]], where: np.ndarray[Any, Any]) -> Values:
    whole = np.empty(len(where), dtype=np.float64)
    for number, values in parts.items():
        whole[where == number] = values
    return whole
