"""Text-to-image retrieval: every caption is a query, its own picture the one right answer."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lexsearch.engine import MODES, Engine, Mode
from lexsearch.errors import UsageError
from lexsearch.evaluation.runs import Qrels, Run, ranked
from lexsearch.query import Query
from lexsearch.types import docid

if TYPE_CHECKING:
    from lexsearch.types import IntArray

DEPTH = 100  # results kept per query, in the run files and for RR


@dataclass(frozen=True, slots=True)
class Caption:
    """One sentence about one picture; `qid` is the number of its line."""

    qid: str
    file: str
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one mode found.

    Attributes:
        run: the DEPTH best per query.
        ms_p50: median milliseconds per query, encoding and search.
    """

    run: Run
    ms_p50: float


def read_captions(path: Path, *, limit: int | None = None) -> list[Caption]:
    """Captions from lines `file<TAB>sentence[<TAB>...]`, in order, at most `limit`.

    Raises:
        UsageError: no such file, no caption in it, or a line without a tab.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError as error:
        raise UsageError(f"no such file of captions: {path}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text: {error}") from error
    found: list[Caption] = []
    for number, line in enumerate(lines, start=1):
        if limit is not None and len(found) == limit:
            break
        if not line.strip():
            continue
        file, tab, rest = line.partition("\t")
        if not tab:
            raise UsageError(f"{path}:{number} has no tab; expected: file<TAB>sentence")
        found.append(Caption(str(number), file.strip(), rest.partition("\t")[0].strip()))
    if not found:
        raise UsageError(f"{path} holds no caption; expected lines: file<TAB>sentence")
    return found


def judgements(captions: Iterable[Caption], image_ids: Mapping[str, int]) -> Qrels:
    """One right picture per caption.

    Args:
        captions: the queries.
        image_ids: file name as the captions spell it -> id of the indexed picture.
    """
    return {one.qid: {docid(image_ids[one.file]): 1} for one in captions}


def run_captions(
    engine: Engine,
    captions: Sequence[Caption],
    *,
    modes: Sequence[Mode] = MODES,
    allowed: IntArray | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, Outcome]:
    """Search every caption, taken literally, in every mode; each is encoded once.

    Args:
        engine: over an index that holds the pictures.
        captions: the queries.
        modes: to search in.
        allowed: ascending ids that may be found; None = all.
        on_progress: called after every caption with how many are done.
    """
    runs: dict[str, Run] = {mode: {} for mode in modes}
    millis: dict[str, list[float]] = {mode: [] for mode in modes}
    for done, caption in enumerate(captions, start=1):
        start = time.perf_counter()
        encoded = engine.encode(Query.text(caption.text))
        encoding = time.perf_counter() - start
        for mode in modes:
            start = time.perf_counter()
            found = engine.search_encoded(encoded, k=DEPTH, mode=mode, allowed=allowed)
            millis[mode].append(1000 * (encoding + time.perf_counter() - start))
            ids, scores = found.ranking.ids.tolist(), found.ranking.scores.tolist()
            names = map(docid, ids)
            runs[mode][caption.qid] = dict(zip(names, scores, strict=True))
        if on_progress is not None:
            on_progress(done)
    return {mode: Outcome(runs[mode], statistics.median(millis[mode])) for mode in modes}


def ranks(run: Run, qrels: Qrels) -> list[int | None]:
    """Rank of the one right picture of every query, None where it was not found."""
    found: list[int | None] = []
    for qid, grades in qrels.items():
        (right,) = grades
        order = ranked(run.get(qid, {}))
        found.append(order.index(right) + 1 if right in order else None)
    return found


def figures(outcomes: Mapping[str, Outcome], qrels: Qrels) -> dict[str, dict[str, float]]:
    """Mode -> measure -> value as a fraction, and `ms_p50`.

    With one right picture per query at rank r, recall at k is [r <= k], nDCG@10 is
    1 / log2(1 + r) for r <= 10, and the reciprocal rank is 1 / r; 0 where it was not found.
    """
    table: dict[str, dict[str, float]] = {}
    for mode, outcome in outcomes.items():
        found = ranks(outcome.run, qrels)
        known = [rank for rank in found if rank is not None]
        count = len(found)
        values = {f"R@{k}": sum(rank <= k for rank in known) / count for k in (1, 5, 10)}
        values["nDCG@10"] = sum(1 / math.log2(1 + rank) for rank in known if rank <= 10) / count
        values["RR"] = sum(1 / rank for rank in known) / count
        table[mode] = {**values, "ms_p50": outcome.ms_p50}
    return table
