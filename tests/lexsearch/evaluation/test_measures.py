"""Measures by the names of ir-measures, with ir-measures and ranx as oracles."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ir_measures", reason="ir-measures is not installed")

import ir_measures

import lexsearch
from lexsearch.errors import UsageError
from lexsearch.evaluation.experiment import SearchRun
from lexsearch.evaluation.judged import MEASURES, per_topic
from lexsearch.evaluation.measures import by_query, evaluate
from lexsearch.evaluation.runs import Qrels, Run, read_qrels, read_run, write_qrels, write_run

NAMES = ("nDCG@10", "R@1", "R@5", "R@10", "RR", "AP", "P@5", "Success@1")


def random_pair(seed: int, *, ties: bool) -> tuple[Qrels, Run]:
    """40 queries over 60 documents with grades 0 to 3; a few queries without a run."""
    rng = np.random.default_rng(seed)
    names = [f"d{i:02}" for i in range(60)]
    qrels: Qrels = {}
    run: Run = {}
    for q in range(40):
        judged = rng.choice(names, 12, replace=False)
        qrels[f"q{q}"] = dict(zip(judged, rng.integers(0, 4, 12).tolist(), strict=True))
        qrels[f"q{q}"][judged[0]] = 2
        if q % 10 == 9:
            continue
        found = rng.choice(names, 30, replace=False)
        scores = rng.integers(0, 6, 30).astype(float) if ties else rng.random(30)
        run[f"q{q}"] = dict(zip(found, scores.tolist(), strict=True))
    return qrels, run


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_ir_measures(seed: int, ties: bool) -> None:
    qrels, run = random_pair(seed, ties=ties)
    parsed = [ir_measures.parse_measure(name) for name in NAMES]
    theirs = ir_measures.calc_aggregate(parsed, qrels, run)
    ours = lexsearch.evaluate(qrels, run, NAMES)
    assert list(ours) == list(NAMES)
    for measure, name in zip(parsed, NAMES, strict=True):
        assert ours[name] == pytest.approx(theirs[measure], abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_our_own_measures_agree_with_what_others_read_from_the_files(
    seed: int, ties: bool, tmp_path: Path
) -> None:
    """Also with ties, which trec_eval orders otherwise: the file leaves it none."""
    qrels, run = random_pair(seed, ties=ties)
    write_run(tmp_path / "run", run)
    write_qrels(tmp_path / "qrels", qrels)
    assert read_qrels(tmp_path / "qrels") == qrels
    ours = per_topic(run, qrels).mean(axis=0)
    read = list(ir_measures.read_trec_run(str(tmp_path / "run")))
    judged = list(ir_measures.read_trec_qrels(str(tmp_path / "qrels")))
    theirs = ir_measures.calc_aggregate(
        [ir_measures.parse_measure(name) for name in MEASURES], judged, read
    )
    for value, name in zip(ours, MEASURES, strict=True):
        assert value == pytest.approx(theirs[ir_measures.parse_measure(name)], abs=1e-9)
    again = evaluate(qrels, read_run(tmp_path / "run"), MEASURES)
    assert list(again.values()) == pytest.approx(list(ours), abs=1e-9)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("ties", [False, True])
def test_our_measures_are_those_of_ranx(ranx: Any, ties: bool, tmp_path: Path) -> None:
    """ranx leaves the order of ties open, so it is given the run as it is written."""
    qrels, run = random_pair(3, ties=ties)
    write_run(tmp_path / "run", run)
    written = read_run(tmp_path / "run")
    held = {qid: grades for qid, grades in qrels.items() if qid in written}
    measures = {"ndcg@10": "nDCG@10", "recall@5": "R@5", "mrr": "RR", "map": "AP"}
    theirs = ranx.evaluate(ranx.Qrels(held), ranx.Run(written), list(measures))
    ours = evaluate(held, written, list(measures.values()))
    for name, mine in measures.items():
        assert ours[mine] == pytest.approx(float(theirs[name]), abs=1e-9)


def test_every_query_of_the_judgements_counts_also_the_unanswered() -> None:
    found = by_query({"a": {"x": 1}, "b": {"y": 1}}, {"a": {"x": 1.0}, "c": {"z": 1.0}}, ["RR"])
    assert found == {"RR": {"a": 1.0, "b": 0.0}}
    assert evaluate({"a": {"x": 1}}, {}, ["RR"]) == {"RR": 0.0}
    assert evaluate({"a": {"x": 1}}, {"a": {}}, ["RR"]) == {"RR": 0.0}


def test_two_names_of_one_measure_both_have_their_value() -> None:
    assert evaluate({"a": {"x": 1}}, {"a": {"x": 1.0}}, ["RR", "MRR"]) == {"RR": 1.0, "MRR": 1.0}


def test_what_run_gives_can_be_measured_as_it_is() -> None:
    run = SearchRun({"a": {"y": 2.0, "x": 1.0}})
    assert evaluate({"a": {"x": 1}}, run) == pytest.approx(
        {"nDCG@10": 1 / np.log2(3), "R@1": 0.0, "R@5": 1.0, "R@10": 1.0, "RR": 1 / 2}
    )


@pytest.mark.parametrize("name", ["nDGC@10", "", "R@"])
def test_an_unknown_measure_is_named(name: str) -> None:
    with pytest.raises(UsageError, match=repr(name)):
        evaluate({"a": {"x": 1}}, {"a": {"x": 1.0}}, [name])


def test_without_judgements_there_is_nothing_to_measure() -> None:
    with pytest.raises(UsageError, match="no judgement"):
        evaluate({}, {"a": {"x": 1.0}})
