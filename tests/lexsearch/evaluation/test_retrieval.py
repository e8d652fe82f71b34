"""Captions as queries, over an engine that answers from a table."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lexsearch.errors import UsageError
from lexsearch.evaluation.retrieval import (
    Caption,
    best_single_caption,
    by_file,
    figures,
    gain_of_hybrid,
    intervals,
    joined,
    judgements,
    long_texts,
    per_query,
    read_captions,
    run_captions,
    summary,
)
from lexsearch.types import Ranking, docid


class TableEngine:
    """Answers a caption by the ids that the table gives for its text, best first."""

    def __init__(self, answers: Mapping[str, Sequence[int]]) -> None:
        self.answers = answers
        self.encoded: list[str] = []

    def encode(self, query: Any) -> str:
        (part,) = query.parts
        self.encoded.append(part.value)
        return str(part.value)

    def search_encoded(self, encoded: str, *, k: int, mode: str, allowed: Any) -> Any:
        ids = np.array(self.answers[encoded][:k], np.int64)
        scores = np.arange(len(ids), 0, -1, dtype=np.float32)
        return SimpleNamespace(ranking=Ranking(ids, scores, mode))


CAPTIONS = [Caption("1", "a.jpg", "dog -sand"), Caption("2", "b.jpg", "cat")]
ANSWERS = {"dog -sand": [7, 8, 9], "cat": [9, 7, 8]}
IDS = {"a.jpg": 7, "b.jpg": 8}


def test_a_caption_is_taken_literally_and_encoded_once() -> None:
    engine = TableEngine(ANSWERS)
    run_captions(engine, CAPTIONS)  # type: ignore[arg-type]
    assert engine.encoded == ["dog -sand", "cat"]


def test_the_figures_are_fractions_of_the_captions() -> None:
    outcomes = run_captions(TableEngine(ANSWERS), CAPTIONS, modes=["dense"])  # type: ignore[arg-type]
    measured = figures(outcomes, judgements(CAPTIONS, IDS))["dense"]
    assert measured["R@1"] == 1 / 2
    assert measured["R@5"] == measured["R@10"] == 1.0
    assert measured["RR"] == pytest.approx((1 / 1 + 1 / 3) / 2)
    assert measured["nDCG@10"] == pytest.approx((1 + 1 / np.log2(1 + 3)) / 2)
    assert measured["ms_p50"] >= 0


def test_a_picture_that_is_not_found_counts_nothing() -> None:
    outcomes = run_captions(TableEngine({"cat": [1]}), CAPTIONS[1:], modes=["late"])  # type: ignore[arg-type]
    measured = figures(outcomes, judgements(CAPTIONS[1:], IDS))["late"]
    assert measured["R@10"] == measured["RR"] == 0


def test_judgements_name_the_documents_as_the_run_does() -> None:
    assert judgements(CAPTIONS, IDS) == {"1": {docid(7): 1}, "2": {docid(8): 1}}


def test_captions_are_read_in_order_with_their_line_numbers(tmp_path: Path) -> None:
    (tmp_path / "c.tsv").write_text("a.jpg\tA dog .\n\nb.jpg\tTitle\ttag,tag\n", encoding="utf-8")
    assert read_captions(tmp_path / "c.tsv") == [
        Caption("1", "a.jpg", "A dog ."),
        Caption("3", "b.jpg", "Title"),
    ]
    assert len(read_captions(tmp_path / "c.tsv", limit=1)) == 1


@pytest.mark.parametrize("text", ["", "\n", "no tab\n"])
def test_a_file_without_captions_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.tsv").write_text(text)
    with pytest.raises(UsageError):
        read_captions(tmp_path / "c.tsv")


def test_the_figures_are_those_of_ir_measures() -> None:
    ir_measures = pytest.importorskip("ir_measures")
    rng = np.random.default_rng(5)
    captions = [Caption(str(n), f"{n}.jpg", f"text {n}") for n in range(40)]
    answers = {one.text: rng.permutation(40)[:30].tolist() for one in captions}
    qrels = judgements(captions, {one.file: n for n, one in enumerate(captions)})
    outcomes = run_captions(TableEngine(answers), captions, modes=["dense"])  # type: ignore[arg-type]
    ours = figures(outcomes, qrels)["dense"]
    names = ("R@1", "R@5", "R@10", "nDCG@10", "RR")
    theirs = ir_measures.calc_aggregate(
        [ir_measures.parse_measure(name) for name in names], qrels, outcomes["dense"].run
    )
    for measure, value in theirs.items():
        assert ours[str(measure)] == pytest.approx(value, abs=1e-9)


def tabled(answers: Mapping[str, Mapping[str, Sequence[int]]]) -> dict[str, Any]:
    """Mode -> outcome of CAPTIONS on a table of answers per mode."""
    return {
        mode: run_captions(TableEngine(table), CAPTIONS, modes=[mode])[mode]  # type: ignore[arg-type, list-item]
        for mode, table in answers.items()
    }


FAR = list(range(100, 110))
BY_MODE = {
    "lexical": {"dog -sand": [*FAR, 7], "cat": [*FAR, 8]},  # ranks 11 and 11
    "dense": {"dog -sand": [7], "cat": [*FAR, 8]},  # ranks 1 and 11
    "late": {"dog -sand": [9, 7], "cat": [*FAR, 8]},  # ranks 2 and 11
    "hybrid": {"dog -sand": [7], "cat": [9, 8]},  # ranks 1 and 2
}


def test_every_query_has_its_own_measures() -> None:
    run = tabled(BY_MODE)["hybrid"].run
    found = per_query(run, judgements(CAPTIONS, IDS))
    assert found == pytest.approx(
        np.array([[1, 1, 1, 1, 1], [0, 1, 1, 1 / np.log2(3), 1 / 2]], np.float64)
    )


def test_intervals_hold_the_mean_and_are_equal_for_equal_modes() -> None:
    outcomes, qrels = tabled(BY_MODE), judgements(CAPTIONS, IDS)
    outcomes["again"] = outcomes["hybrid"]
    found, means = intervals(outcomes, qrels), figures(outcomes, qrels)
    for mode, line in found.items():
        for measure, (low, high) in line.items():
            assert low <= means[mode][measure] <= high
    assert found["hybrid"] == found["again"]


def test_the_gain_is_over_the_best_channel_and_paired() -> None:
    outcomes, qrels = tabled(BY_MODE), judgements(CAPTIONS, IDS)
    gain = gain_of_hybrid(outcomes, qrels)
    assert gain is not None
    assert gain.channel == "dense"  # as good as late in R@10, and first
    assert gain.difference.mean == (1 + 1) / 2 - (1 + 0) / 2
    assert (gain.difference.low, gain.difference.high) == (0.0, 1.0)
    assert gain_of_hybrid({"dense": outcomes["dense"]}, qrels) is None


def test_the_summary_is_json_and_leaves_intervals_out_when_nothing_is_drawn() -> None:
    outcomes, qrels = tabled(BY_MODE), judgements(CAPTIONS, IDS)
    whole = json.loads(json.dumps(summary(outcomes, qrels, CAPTIONS)))
    assert set(whole) == {"modes", "queries", "long", "intervals", "gain"}
    assert (whole["queries"], whole["long"]) == (2, 0)
    bare = summary(outcomes, qrels, CAPTIONS, resamples=0)
    assert "intervals" not in bare
    assert bare["gain"]["difference"] == whole["gain"]["difference"]


FOUR = [
    Caption("1", "a.jpg", "one"),
    Caption("2", "b.jpg", "two"),
    Caption("3", "a.jpg", "three"),
    Caption("4", "b.jpg", "four"),
]


def test_joined_captions_make_one_text_per_picture() -> None:
    assert joined(FOUR) == [Caption("1", "a.jpg", "one three"), Caption("2", "b.jpg", "two four")]
    assert by_file(FOUR) == {"a.jpg": ["one", "three"], "b.jpg": ["two", "four"]}


def test_a_text_is_long_from_its_thirty_third_word_on() -> None:
    texts = [Caption("1", "a", "w " * 32), Caption("2", "b", "w " * 33)]
    assert long_texts(texts) == 1


def test_the_best_single_caption_is_one_position_for_all_pictures() -> None:
    # Positions: first captions find both pictures; second captions find none.
    run = {"1": {docid(7): 1.0}, "2": {docid(8): 1.0}, "3": {docid(8): 1.0}, "4": {}}
    assert best_single_caption(run, FOUR, judgements(FOUR, IDS)) == 1.0
    # Each picture is found by one of its captions, but at different positions.
    run = {"1": {docid(7): 1.0}, "2": {}, "3": {}, "4": {docid(8): 1.0}}
    assert best_single_caption(run, FOUR, judgements(FOUR, IDS)) == 1 / 2
