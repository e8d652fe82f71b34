"""What a learned fusion and feedback on words gain on captions of photos.

python -m benchmarks.bench_fusion [--db DIR] [--learn] [--prf-topics 500] [--json] [--save]
LEXSEARCH_SHARED names the data folder: Flickr8k, the choosing set (1,000 photos, five captions
each). Every second photo, by name, teaches; the captions of the others are the test, all photos
being searched. --learn also runs the whole procedure of `lexsearch fusion learn` on the teaching
half. Feedback is measured on one caption of each test photo. The peer is plain RRF, and a search
without feedback.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import save
from lexsearch.api import LexSearch
from lexsearch.evaluation.comparison import holm
from lexsearch.evaluation.experiment import run
from lexsearch.evaluation.fusion_learning import folds, judged_searches, learn
from lexsearch.evaluation.fusion_methods import MEASURES, JudgedSearch, measured, methods
from lexsearch.evaluation.indexed import ids_of
from lexsearch.evaluation.judged import MEASURES as TOPIC_MEASURES
from lexsearch.evaluation.judged import per_topic, randomisation_test
from lexsearch.evaluation.retrieval import Caption, judgements, read_captions
from lexsearch.feedback import METHODS, Feedback
from lexsearch.ranking.fusion_rules import Rule, Weighted

WEIGHTS = (0.1, 0.3, 0.5)
SHOWN = ("nDCG@10", "R@1", "R@5", "R@10")


def halves(captions: list[Caption]) -> tuple[list[Caption], list[Caption]]:
    """Captions of every second photo, by name, and of the others."""
    teaching = set(sorted({one.file for one in captions})[::2])
    return (
        [one for one in captions if one.file in teaching],
        [one for one in captions if one.file not in teaching],
    )


def values(rule: Rule, searches: list[JudgedSearch]) -> dict[str, np.ndarray]:
    """Measure -> value of every search."""
    totals = [rule.totals(one.scores) for one in searches]
    return {
        name: np.array(
            [float(measured(one, t, name)) for one, t in zip(searches, totals, strict=True)]
        )
        for name in SHOWN
    }


def fusions(db: LexSearch, taught: list[JudgedSearch], unseen: list[JudgedSearch]) -> list[Any]:
    """One row per fusion: means on the unseen half, and the difference to RRF."""
    assert set(SHOWN) <= set(MEASURES)
    model = Weighted(db.model.fusion)
    rules: dict[str, tuple[Rule, float]] = {"model": (model, 0.0)}
    for method in methods(taught, "nDCG@10", with_trees=True):
        start = time.perf_counter()
        rule = method.learn(range(len(taught)))
        rules[method.name] = (rule, time.perf_counter() - start)
    found = {name: values(rule, unseen) for name, (rule, _) in rules.items()}
    others = [name for name in rules if name != "rrf"]
    p = [randomisation_test(found[name]["nDCG@10"], found["rrf"]["nDCG@10"]) for name in others]
    tested = dict(zip(others, zip(p, holm(p), strict=True), strict=True))
    rows = []
    for name, (rule, seconds) in rules.items():
        start = time.perf_counter()
        for one in unseen[:200]:
            rule.totals(one.scores)
        row: dict[str, Any] = {
            "fusion": name,
            **{measure: round(float(v.mean()), 4) for measure, v in found[name].items()},
            "learn_s": round(seconds, 1),
            "ms_per_search": round(5 * (time.perf_counter() - start), 3),
        }
        if name != "rrf":
            gain = found[name]["nDCG@10"] - found["rrf"]["nDCG@10"]
            row |= {
                "over_rrf": round(float(gain.mean()), 4),
                "p": tested[name][0],
                "p_holm": tested[name][1],
            }
        rows.append(row)
    return rows


def feedback(db: LexSearch, captions: list[Caption], qrels: dict[str, dict[str, int]]) -> list[Any]:
    """One row per mode and setting: means, and the difference to no feedback."""
    topics = {one.qid: one.text for one in captions}
    held = {qid: qrels[qid] for qid in topics}
    settings: list[Feedback | None] = [None]
    settings += [Feedback(method, weight=weight) for method in METHODS for weight in WEIGHTS]
    rows: list[dict[str, Any]] = []
    for mode in ("lexical", "hybrid"):
        plain = None
        compared: list[tuple[dict[str, Any], float]] = []
        for how in settings:
            prepare = (lambda query, how=how: query.with_(feedback=how)) if how else (lambda q: q)
            done = run(db, topics, k=100, mode=mode, prepare=prepare)  # type: ignore[arg-type]
            table = per_topic(done.scores, held)
            named = dict(zip(TOPIC_MEASURES, table.T, strict=True))
            row = {
                "mode": mode,
                "prf": "none" if how is None else f"{how.method} {how.weight:g}",
                **{name: round(float(named[name].mean()), 4) for name in SHOWN},
                "ms_p50": round(done.ms_p50 or 0.0, 1),
            }
            rows.append(row)
            if plain is None:
                plain = named["nDCG@10"]
                continue
            row["gain"] = round(float((named["nDCG@10"] - plain).mean()), 4)
            compared.append((row, randomisation_test(named["nDCG@10"], plain)))
        for (row, p), corrected in zip(compared, holm([p for _, p in compared]), strict=True):
            row["p"], row["p_holm"] = p, corrected
    return rows


def measure(db: LexSearch, root: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Everything, as JSON values."""
    captions = read_captions(root / "captions.tsv")
    folder = (root / "images").absolute()
    db.index(folder)
    qrels = judgements(captions, ids_of(db.snapshot, folder, (one.file for one in captions)))
    first, second = halves(captions)
    taught, unseen = (
        judged_searches(db.engine, {one.qid: one.text for one in half}, qrels)
        for half in (first, second)
    )
    figures: dict[str, Any] = {
        "images": len(db),
        "taught": len(taught),
        "unseen": len(unseen),
        "candidates": round(float(np.mean([len(one.ids) for one in unseen])), 1),
        "fusions": fusions(db, taught, unseen),
    }
    if options.learn:
        fold = folds(taught, qrels, count=5, seed=1)
        known = methods(taught, "nDCG@10", with_trees=True)
        found = learn(taught, fold, known, weights=db.model.fusion)
        figures["learn"] = {"kept": found.kept, "reason": found.reason, **found.facts()}
    if options.prf_topics:
        one_each = list({one.file: one for one in reversed(second)}.values())[::-1]
        some = one_each[: options.prf_topics]
        figures["prf_topics"] = len(some)
        figures["feedback"] = feedback(db, some, qrels)
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", type=Path, help="where the index is or goes; default: a while")
    parser.add_argument("--learn", action="store_true", help="the nested procedure too; minutes")
    parser.add_argument("--prf-topics", type=int, default=500, help="0 leaves feedback out")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    shared = os.environ.get("LEXSEARCH_SHARED")
    if not shared:
        raise SystemExit("LEXSEARCH_SHARED names no folder; the captions of Flickr8k lie there")
    with (
        tempfile.TemporaryDirectory() as place,
        LexSearch.create(options.db or Path(place) / "db") as db,
    ):
        figures = measure(db, Path(shared) / "photos" / "flickr8k_dev", options)
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for row in (*figures["fusions"], *figures.get("feedback", ())):
            print("  ".join(f"{name} {value}" for name, value in row.items()))
        print(figures.get("learn", {}).get("reason", ""))
    if options.save:
        save("bench_fusion", figures)


if __name__ == "__main__":
    main()
