"""Captions as queries, over an engine that answers from a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lexsearch.errors import UsageError
from lexsearch.evaluation.retrieval import (
    Caption,
    figures,
    judgements,
    read_captions,
    run_captions,
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
