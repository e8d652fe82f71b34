"""Run files and judgements survive a round trip and name the line that is wrong."""

from pathlib import Path

import pytest

from lexsearch.errors import UsageError
from lexsearch.evaluation.runs import ranked, read_qrels, read_run, write_qrels, write_run


def test_a_run_comes_back_as_it_was(tmp_path: Path) -> None:
    run = {"1": {"a": 0.5, "b": 0.25}, "2": {"c": -1.0}}
    write_run(tmp_path / "r.trec", run)
    assert read_run(tmp_path / "r.trec") == run


def test_a_run_is_written_best_first_and_ties_by_id(tmp_path: Path) -> None:
    write_run(tmp_path / "r.trec", {"q": {"b": 1.0, "a": 1.0, "c": 2.0}}, tag="x")
    assert (tmp_path / "r.trec").read_text() == (
        "q Q0 c 1 2.000000 x\nq Q0 a 2 1.000000 x\nq Q0 b 3 1.000000 x\n"
    )


def test_judgements_come_back_as_they_were(tmp_path: Path) -> None:
    qrels = {"1": {"a": 1}, "2": {"b": 0, "c": 2}}
    write_qrels(tmp_path / "q", qrels)
    assert read_qrels(tmp_path / "q") == qrels


def test_nothing_is_ranked_for_nothing() -> None:
    assert ranked({}) == []


@pytest.mark.parametrize("text", ["1 Q0 a 1 0.5\n", "1 Q0 a 1 high x\n", "1\n"])
def test_a_line_that_is_no_run_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "r").write_text(f"1 Q0 a 1 0.5 x\n{text}")
    with pytest.raises(UsageError, match="r:2"):
        read_run(tmp_path / "r")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_qrels(tmp_path / "none")
