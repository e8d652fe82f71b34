"""Runs a list of queries through a db and keeps what was found, as retrieval tools want it."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lexsearch.engine import CHANNELS, MODES, Engine, Mode, check_request
from lexsearch.errors import StorageError, UsageError
from lexsearch.evaluation.runs import TAG, strict, write_run
from lexsearch.query import Query
from lexsearch.types import docid

if TYPE_CHECKING:
    from lexsearch.types import IntArray, ModelIdentity

SIDECAR = ".json"  # added to the name of a run file: how long its queries took
_ROLE = {"lexical": "lexical", "dense": "dense", "late": "tokens"}


class Searchable(Protocol):
    """What `run` needs of an open db; `lexsearch.LexSearch` is one."""

    @property
    def engine(self) -> Engine:
        """The query path over its present snapshot."""
        ...


@dataclass(frozen=True, slots=True)
class SearchRun:
    """The answers to a list of queries.

    Attributes:
        scores: query id -> document id -> score, best first; scores of a query fall strictly
            (see `lexsearch.evaluation.runs.strictly_falling`).
        millis: query id -> milliseconds it took, encoding included.
        mode: what was searched in.
        k: results that were asked for.
        tag: name of the run.
    """

    scores: dict[str, dict[str, float]]
    millis: dict[str, float] = field(default_factory=dict)
    mode: str = "hybrid"
    k: int = 1000
    tag: str = TAG

    def to_dict(self) -> dict[str, dict[str, float]]:
        """The scores; ir_measures and ranx take them as they are."""
        return self.scores

    @property
    def ms_p50(self) -> float | None:
        """Median milliseconds per query."""
        return statistics.median(self.millis.values()) if self.millis else None

    def save(self, path: str | Path, *, tag: str | None = None, times: bool = False) -> None:
        """Write a TREC run; with `times` also PATH.json, which `eval run` shows beside it.

        Raises:
            StorageError: a file cannot be written.
        """
        write_run(Path(path), self.scores, tag=tag or self.tag)
        if times:
            facts = {"mode": self.mode, "k": self.k, "ms_p50": self.ms_p50, "ms": self.millis}
            target = Path(f"{path}{SIDECAR}")
            try:
                target.write_text(json.dumps(facts) + "\n", encoding="utf-8")
            except OSError as error:
                raise StorageError(f"{target} cannot be written: {error.strerror}") from error


def read_times(path: Path) -> float | None:
    """Median milliseconds per query of a run file, from the file beside it; None without one.

    Raises:
        UsageError: there is one, but not of that form.
    """
    beside = Path(f"{path}{SIDECAR}")
    if not beside.is_file():
        return None
    try:
        value: Any = json.loads(beside.read_text(encoding="utf-8"))["ms_p50"]
        return None if value is None else float(value)
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{beside} does not say how long the queries took: {error!r}") from error


def permitted_modes(identity: ModelIdentity) -> tuple[Mode, ...]:
    """The modes that a db of this model can search in, in the order of MODES."""
    held = identity.fingerprints
    return tuple(mode for mode in MODES if mode not in CHANNELS or _ROLE[mode] in held)


def run(
    db: Searchable,
    queries: Mapping[str, str | Query],
    *,
    k: int = 1000,
    mode: Mode = "hybrid",
    tag: str = TAG,
    allowed: IntArray | None = None,
    prepare: Callable[[Query], Query] = lambda query: query,
    on_progress: Callable[[int], None] | None = None,
) -> SearchRun:
    """Search every query on its own, in order.

    Args:
        db: an open db.
        queries: query id -> a text, taken literally, or a `Query`.
        k: results per query, >= 1; fewer where the db holds fewer.
        mode: channel or `hybrid`.
        tag: name of the run.
        allowed: ascending image ids that may be found; None = all, and the query's conditions.
        prepare: what is done to every query first.
        on_progress: called after every query with how many are done.

    Raises:
        UsageError: k < 1, no such mode, or an empty query; the message names its id.
    """
    check_request(k, mode)
    scores: dict[str, dict[str, float]] = {}
    millis: dict[str, float] = {}
    for done, (qid, text) in enumerate(queries.items(), start=1):
        query = prepare(Query.text(text) if isinstance(text, str) else text)
        start = time.perf_counter()
        try:
            found = db.engine.ranking(query, k=k, mode=mode, allowed=allowed)
        except UsageError as error:
            raise UsageError(f"query {qid}: {error}") from error
        millis[qid] = 1000 * (time.perf_counter() - start)
        pairs = zip(map(docid, found.ids.tolist()), found.scores.tolist(), strict=True)
        scores[qid] = strict(dict(pairs))
        if on_progress is not None:
            on_progress(done)
    return SearchRun(scores, millis, mode, k, tag)
