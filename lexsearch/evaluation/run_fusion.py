"""Joins several runs into one: by ranks, or by scores on a common scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from lexsearch.errors import UsageError
from lexsearch.evaluation.runs import Run, ranked
from lexsearch.ranking.normalise import distribution, min_max, theoretical_min_max
from lexsearch.types import FloatArray

METHODS = ("rrf", "convex", "dbsf", "interpolation")


def fuse_runs(
    runs: Sequence[Mapping[str, Mapping[str, float]]],
    *,
    method: str = "rrf",
    damping: float = 60.0,
    weights: Sequence[float] | None = None,
    floors: Sequence[float] | None = None,
    k: int = 1000,
) -> Run:
    """One run of the k best documents per query; ties to the smaller document id.

    A document that a run lacks gets nothing from it. Queries come in the order of their first run.

    Args:
        runs: query id -> document id -> score, each; at least one.
        method: rrf: sum of weight / (damping + rank) (Cormack et al. 2009). convex: sum of
            weight * score between the run's least (or its floor) and its best for the query
            (Bruch et al. 2023). dbsf: the same between mean - 3 sigma and mean + 3 sigma.
            interpolation: sum of weight * score as it is.
        damping: > -1, of rrf.
        weights: one per run; default 1 each for rrf and dbsf, equal ones that add up to 1
            otherwise.
        floors: of convex: the least score that each run's method can give, in place of the
            least that it gave.
        k: documents kept per query, >= 1.

    Raises:
        UsageError: no such method, or weights or floors that do not fit the runs.
    """
    if method not in METHODS:
        raise UsageError(f"no method of fusion is called {method!r}; known: {', '.join(METHODS)}")
    if not runs:
        raise UsageError("there is no run to fuse")
    if floors is not None and method != "convex":
        raise UsageError(f"floors are for --method convex, not {method}")
    shares = _per_run(weights, len(runs), "weights")
    if shares is None:
        shares = [1.0 if method in ("rrf", "dbsf") else 1 / len(runs)] * len(runs)
    least = _per_run(floors, len(runs), "floors")
    scales = [
        _scale(method, damping, None if least is None else least[i]) for i in range(len(runs))
    ]
    fused: Run = {}
    for qid in dict.fromkeys(qid for run in runs for qid in run):
        totals: dict[str, list[float]] = {}
        for run, share, scale in zip(runs, shares, scales, strict=True):
            order = ranked(run.get(qid, {}))
            values = scale(np.array([run[qid][name] for name in order], dtype=np.float64))
            for name, value in zip(order, values.tolist(), strict=True):
                totals.setdefault(name, []).append(share * value)
        # Sorted before adding, so that the order of the runs does not matter.
        summed = {name: float(sum(sorted(parts))) for name, parts in totals.items()}
        fused[qid] = {name: summed[name] for name in ranked(summed)[:k]}
    return fused


def _per_run(values: Sequence[float] | None, count: int, what: str) -> list[float] | None:
    if values is None:
        return None
    if len(values) != count:
        raise UsageError(f"{len(values)} {what} for {count} runs; give one for each")
    if not all(abs(value) < float("inf") for value in values):
        raise UsageError(f"{what} must be finite numbers")
    return list(values)


def _scale(
    method: str, damping: float, floor: float | None
) -> Callable[[np.ndarray[tuple[int], np.dtype[np.float64]]], FloatArray]:
    """Descending scores of one query and run -> values that are weighted and added."""
    if method == "rrf":
        if not damping > -1:
            raise UsageError(f"--rrf-k is {damping}; expected a number above -1")
        return lambda scores: 1 / (damping + np.arange(1, len(scores) + 1))  # type: ignore[return-value]
    if method == "interpolation":
        return lambda scores: scores  # type: ignore[return-value]
    if method == "dbsf":
        return lambda scores: distribution(scores.astype(np.float32))
    if floor is None:
        return lambda scores: min_max(scores.astype(np.float32))
    return lambda scores: theoretical_min_max(scores.astype(np.float32), floor=floor)
