"""Text-to-image retrieval: every caption is a query, its own picture the one right answer."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lexsearch.engine import CHANNELS, MODES, Engine, Mode
from lexsearch.evaluation.bootstrap import (
    RESAMPLES,
    SEED,
    Interval,
    Values,
    bounds,
    paired_difference,
    resampled_means,
)
from lexsearch.evaluation.runs import Qrels, Run, ranked
from lexsearch.evaluation.tables import read_rows
from lexsearch.query import Query
from lexsearch.types import docid

if TYPE_CHECKING:
    from lexsearch.types import IntArray

DEPTH = 100  # results kept per query, in the run files and for RR
MEASURES = ("R@1", "R@5", "R@10", "nDCG@10", "RR")
LONG = 32  # a text of more words than this counts as long; the context CLIP-like models train on


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
    rows = read_rows(path, what="captions", form="file<TAB>sentence")
    return [Caption(str(number), fields[0], fields[1]) for number, fields in rows[:limit]]


def joined(captions: Iterable[Caption]) -> list[Caption]:
    """One long text per picture: its captions in order, a blank between; `qid` of the first.

    Pictures come in the order of their first captions.
    """
    texts: dict[str, list[Caption]] = {}
    for one in captions:
        texts.setdefault(one.file, []).append(one)
    return [replace(group[0], text=" ".join(one.text for one in group)) for group in texts.values()]


def by_file(captions: Sequence[Caption]) -> dict[str, list[str]]:
    """File -> its captions, in the order of first mention."""
    grouped: dict[str, list[str]] = {}
    for one in captions:
        grouped.setdefault(one.file, []).append(one.text)
    return grouped


def long_texts(captions: Iterable[Caption]) -> int:
    """How many texts have more than LONG words (between blanks)."""
    return sum(len(one.text.split()) > LONG for one in captions)


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
    """Rank of the first right answer to every query, None where none was found."""
    return [next(iter(places), None) for places in _places(run, qrels)]


def _places(run: Run, qrels: Qrels) -> list[list[int]]:
    """Ranks of all right answers that were found, ascending, for every query."""
    found: list[list[int]] = []
    for qid, grades in qrels.items():
        order = enumerate(ranked(run.get(qid, {})), start=1)
        found.append([rank for rank, name in order if name in grades])
    return found


def per_query(run: Run, qrels: Qrels) -> Values:
    """Every measure of MEASURES for every query, float64 (queries, measures), in [0, 1].

    Recall at k is whether any right answer is among the first k, as in the papers of CLIP and
    FILIP; for one right answer per query that is recall, for several ir-measures calls it
    Success@k. nDCG@10 has gain 1 for each right answer, and RR is 1 / rank of the first.
    """
    places = _places(run, qrels)
    first = np.array([one[0] if one else np.inf for one in places], dtype=np.float64)
    recalls = [(first <= k).astype(np.float64) for k in (1, 5, 10)]
    discounts = 1 / np.log2(1 + np.arange(1, 11))
    gains = [
        sum(discounts[rank - 1] for rank in one if rank <= 10) / discounts[: len(grades)].sum()
        for one, grades in zip(places, qrels.values(), strict=True)
    ]
    return np.stack([*recalls, np.array(gains, dtype=np.float64), 1 / first], axis=1)


def figures(outcomes: Mapping[str, Outcome], qrels: Qrels) -> dict[str, dict[str, float]]:
    """Mode -> measure -> mean over the queries as a fraction, and `ms_p50`; see `per_query`."""
    table: dict[str, dict[str, float]] = {}
    for mode, outcome in outcomes.items():
        means = per_query(outcome.run, qrels).mean(axis=0).tolist()
        table[mode] = {**dict(zip(MEASURES, means, strict=True)), "ms_p50": outcome.ms_p50}
    return table


def intervals(
    outcomes: Mapping[str, Outcome],
    qrels: Qrels,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, dict[str, tuple[float, float]]]:
    """Mode -> measure -> 95 % interval of the mean, by bootstrap over the queries.

    All modes see the same draws. Captions of one picture count as independent queries, so where
    a picture has several the interval is somewhat too narrow.
    """
    values = np.concatenate([per_query(o.run, qrels) for o in outcomes.values()], axis=1)
    means = resampled_means(values, resamples=resamples, seed=seed)
    columns = iter(range(means.shape[1]))
    return {
        mode: {measure: bounds(means[:, next(columns)]) for measure in MEASURES}
        for mode in outcomes
    }


@dataclass(frozen=True, slots=True)
class Gain:
    """What the fusion adds to the best single channel.

    Attributes:
        channel: the best channel by the mean of the measure; ties to the first of CHANNELS.
        measure: of MEASURES.
        difference: hybrid - channel as a fraction, over the same queries.
    """

    channel: str
    measure: str
    difference: Interval


def gain_of_hybrid(
    outcomes: Mapping[str, Outcome],
    qrels: Qrels,
    *,
    measure: str = "R@10",
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Gain | None:
    """Hybrid against the best single channel, paired by query; None unless both were searched.

    The channel is chosen on the same queries and then held fixed while they are drawn.
    """
    column = MEASURES.index(measure)
    values = {mode: per_query(o.run, qrels)[:, column] for mode, o in outcomes.items()}
    single = [name for name in CHANNELS if name in values]
    if "hybrid" not in values or not single:
        return None
    best = max(single, key=lambda name: float(values[name].mean()))
    difference = paired_difference(values["hybrid"], values[best], resamples=resamples, seed=seed)
    return Gain(best, measure, difference)


def best_single_caption(run: Run, captions: Sequence[Caption], qrels: Qrels) -> float:
    """R@10 of the best caption position: all first captions, all second ones, and so on.

    The peer of `joined`: the most that one sentence per picture reaches when the same choice is
    made for every picture. Positions that not every picture has are left out.
    """
    places: dict[str, list[str]] = {}
    for one in captions:
        places.setdefault(one.file, []).append(one.qid)
    column = MEASURES.index("R@10")
    reached: list[float] = []
    for position in range(min(map(len, places.values()))):
        some = {qids[position]: qrels[qids[position]] for qids in places.values()}
        reached.append(float(per_query(run, some)[:, column].mean()))
    return max(reached)


def summary(
    outcomes: Mapping[str, Outcome],
    qrels: Qrels,
    captions: Sequence[Caption],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, Any]:
    """The figures of one run of captions as JSON values.

    Returns:
        modes: mode -> measure -> mean; queries; long: texts of more than 32 words; gain: hybrid
        over the best channel, where both were searched; and, unless resamples is 0, intervals:
        mode -> measure -> [low, high].
    """
    found: dict[str, Any] = {
        "modes": figures(outcomes, qrels),
        "queries": len(captions),
        "long": long_texts(captions),
    }
    if resamples:
        found["intervals"] = {
            mode: {name: list(pair) for name, pair in line.items()}
            for mode, line in intervals(outcomes, qrels, resamples=resamples, seed=seed).items()
        }
    gain = gain_of_hybrid(outcomes, qrels, resamples=resamples, seed=seed)
    if gain is not None:
        found["gain"] = {
            "over": gain.channel,
            "measure": gain.measure,
            "difference": gain.difference.mean,
            "interval": [gain.difference.low, gain.difference.high],
        }
    return found
