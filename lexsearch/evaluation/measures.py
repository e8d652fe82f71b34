"""Measures of runs over judgements, by their names in ir-measures: nDCG@10, R@5, RR, AP, ...

ir-measures hands them to trec_eval's own code, so that the figures are the field's: scores are
compared as float32, equal ones go by descending document id, a query that the run lacks counts 0,
and a query without judgements is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from lexsearch.errors import ModelMissing, UsageError

DEFAULT = ("nDCG@10", "R@1", "R@5", "R@10", "RR")
ByQuery = dict[str, dict[str, float]]


def evaluate(
    qrels: Mapping[str, Mapping[str, int]],
    run: Mapping[str, Mapping[str, float]] | Any,
    measures: Sequence[str] = DEFAULT,
) -> dict[str, float]:
    """Measure -> mean over the queries of the judgements.

    Args:
        qrels: query id -> document id -> grade.
        run: query id -> document id -> score, or what `run` gave (anything with `to_dict`).
        measures: names as ir-measures spells them.

    Raises:
        UsageError: no judgement, or a measure that ir-measures does not know or cannot compute.
        ModelMissing: ir-measures is not installed.
    """
    found = by_query(qrels, run, measures)
    return {name: sum(values.values()) / len(values) for name, values in found.items()}


def by_query(
    qrels: Mapping[str, Mapping[str, int]],
    run: Mapping[str, Mapping[str, float]] | Any,
    measures: Sequence[str] = DEFAULT,
) -> ByQuery:
    """Measure -> query id -> value, in the order of the measures and of the judgements.

    Arguments and errors as in `evaluate`.
    """
    if not qrels:
        raise UsageError("there is no judgement to measure a run by")
    library = _library()
    parsed: dict[Any, list[str]] = {}
    for name in measures:  # two names may be of one measure, as RR and MRR
        parsed.setdefault(_parsed(library, name), []).append(name)
    scores: Mapping[str, Mapping[str, float]] = run.to_dict() if hasattr(run, "to_dict") else run
    found: ByQuery = {name: dict.fromkeys(qrels, 0.0) for name in measures}
    # trec_eval's code refuses a run in which no query has a document.
    held = {qid: dict(one) for qid, one in scores.items() if one}
    if not held:
        return found
    plain = {qid: dict(grades) for qid, grades in qrels.items()}
    try:
        for one in library.iter_calc(list(parsed), plain, held):
            for name in parsed[one.measure]:
                found[name][one.query_id] = float(one.value)
    except (RuntimeError, ValueError, OSError) as error:
        raise UsageError(
            f"ir-measures cannot compute {', '.join(measures)} here: {error}"
        ) from error
    return found


def _library() -> ModuleType:
    try:
        import ir_measures
    except ImportError as error:
        raise ModelMissing(
            "measures of runs need ir-measures; get it with: pip install 'lexsearch[eval]'"
        ) from error
    module: ModuleType = ir_measures
    return module


def _parsed(library: ModuleType, name: str) -> Any:
    try:
        return library.parse_measure(name)
    except (ValueError, NameError, SyntaxError) as error:
        raise UsageError(
            f"ir-measures knows no measure {name!r}; names look like nDCG@10, R@5, RR, AP"
        ) from error
