"""Judged topics, runs of several settings over them, and what the measures say."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lexsearch.engine import MODES, Mode
from lexsearch.errors import UsageError
from lexsearch.evaluation.bootstrap import paired_difference
from lexsearch.evaluation.judged import MEASURES, per_topic, randomisation_test
from lexsearch.evaluation.runs import Qrels, Run, read_run
from lexsearch.query import Query
from ui.library import Library

DEPTH = 100  # pictures of a run, per topic
FAST = "hybrid, no fine match"
SETTINGS = (*MODES, FAST)
ENOUGH = 6  # 2 / 2 ** 5 > 0.05: fewer topics can never be significant


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Topics with their judgements.

    Attributes:
        key: equal for equal material; with the commit it names the runs.
        queries: qid -> query.
        titles: qid -> text to show.
        qrels: qid -> picture id -> grade.
    """

    key: str
    queries: Mapping[str, Query]
    titles: Mapping[str, str]
    qrels: Qrels


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What one setting found.

    Attributes:
        name: of the setting.
        run: qid -> picture id -> score; a topic that it cannot answer is left out.
        search_ms: median of a search, None where the run came from elsewhere.
    """

    name: str
    run: Run
    search_ms: float | None = None


def try_out(books: Library, material: Material, setting: str) -> Trial:
    """Search every topic in one setting."""
    mode: Mode = next((mode for mode in MODES if mode == setting), "hybrid")
    found: Run = {}
    times: list[float] = []
    for qid, query in material.queries.items():
        start = time.perf_counter()
        try:
            with books.use() as db:
                rerank = 0 if setting == FAST else None
                hits = db.search(query, top_k=DEPTH, mode=mode, rerank=rerank)
        except UsageError:
            continue
        times.append(1000 * (time.perf_counter() - start))
        found[qid] = {hit.id: hit.score for hit in hits}
    return Trial(setting, found, statistics.median(times) if times else None)


def foreign(name: str, data: bytes) -> Trial:
    """A run of another system, from the bytes of a TREC file.

    Raises:
        UsageError: a line of it is none of a run.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        path.write_bytes(data)
        return Trial(name, read_run(path))


def table(trials: Sequence[Trial], material: Material) -> list[dict[str, Any]]:
    """One row per setting: the means of all measures, and the time of a search."""
    rows: list[dict[str, Any]] = []
    for trial in trials:
        means = per_topic(trial.run, material.qrels).mean(axis=0)
        cells = {name: round(float(v), 4) for name, v in zip(MEASURES, means, strict=True)}
        spent = None if trial.search_ms is None else round(trial.search_ms, 1)
        rows.append({"setting": trial.name, **cells, "ms per search": spent})
    return rows


def differences(this: Trial, against: Trial, material: Material) -> list[dict[str, Any]]:
    """One row per measure: the mean difference, its interval, and the randomisation test."""
    ours, theirs = (per_topic(one.run, material.qrels) for one in (this, against))
    rows: list[dict[str, Any]] = []
    for column, measure in enumerate(MEASURES):
        x, y = ours[:, column], theirs[:, column]
        gap = paired_difference(x, y)
        rows.append(
            {
                "measure": measure,
                "this": float(x.mean()),
                "against": float(y.mean()),
                "difference": gap.mean,
                "from": gap.low,
                "to": gap.high,
                "better, worse": f"{int((x > y).sum())}, {int((x < y).sum())}",
                "p": randomisation_test(x, y),
            }
        )
    return rows


def by_topic(this: Trial, against: Trial, material: Material, measure: str) -> list[dict[str, Any]]:
    """One row per topic, largest gain first; ties in the order of the topics."""
    column = MEASURES.index(measure)
    ours, theirs = (per_topic(one.run, material.qrels)[:, column] for one in (this, against))
    rows = [
        {"topic": qid, "gap": x - y, "this": x, "against": y, "search": material.titles[qid]}
        for qid, x, y in zip(material.qrels, ours.tolist(), theirs.tolist(), strict=True)
    ]
    return sorted(rows, key=lambda row: -float(str(row["gap"])))


def verdict(p: float, topics: int) -> str:
    """What the test says in words."""
    if topics < ENOUGH:
        return f"too few topics to tell; judge at least {ENOUGH}"
    return "a real difference" if p < 0.05 else "may be chance"
