"""Run files and judgements survive a round trip and name the line that is wrong."""

import re
from pathlib import Path

import numpy as np
import pytest

from lexsearch.errors import StorageError, UsageError
from lexsearch.evaluation.runs import (
    ranked,
    read_qrels,
    read_run,
    strictly_falling,
    write_qrels,
    write_run,
)


def test_a_run_comes_back_as_it_was(tmp_path: Path) -> None:
    run = {"1": {"a": 0.5, "b": 0.25}, "2": {"c": -1.0}}
    write_run(tmp_path / "r.trec", run)
    assert read_run(tmp_path / "r.trec") == run


def test_a_run_is_written_best_first_and_ties_by_id(tmp_path: Path) -> None:
    write_run(tmp_path / "r.trec", {"q": {"b": 1.0, "a": 1.0, "c": 2.0}}, tag="x")
    assert (tmp_path / "r.trec").read_text() == (
        "q Q0 c 1 2.000000 x\nq Q0 a 2 1.000000 x\nq Q0 b 3 0.999999 x\n"
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


def test_the_order_we_write_is_the_order_every_tool_reads(tmp_path: Path) -> None:
    """Ties, scores that six decimals cannot tell apart, and those that float32 cannot."""
    scores = [1e6, 1e6, 40.0000001, 40.0, 40.0, 1.0000004, 1.0000002, 0.0, 0.0, 0.0, -3.0, -3.0]
    run = {"q": {f"d{i:02}": score for i, score in enumerate(scores)}}
    write_run(tmp_path / "r.trec", run)
    back = read_run(tmp_path / "r.trec")["q"]
    assert ranked(back) == list(back) == sorted(run["q"])
    as_read = np.array(list(back.values()), np.float32)
    assert (np.diff(as_read) < 0).all()
    assert np.abs(np.array(list(back.values())) - scores)[3:].max() < 1e-4


def test_falling_scores_keep_what_falls_already() -> None:
    assert strictly_falling([3.5, 2.25, -1.0]) == [3.5, 2.25, -1.0]
    assert strictly_falling([]) == []


@pytest.mark.parametrize(
    ("run", "tag", "what"),
    [
        ({"q 1": {"a": 1.0}}, "x", "query id 'q 1'"),
        ({"q": {"a b": 1.0}}, "x", "document id 'a b'"),
        ({"q": {"a": 1.0}}, "", "tag ''"),
    ],
)
def test_what_a_run_file_cannot_carry_is_refused(
    run: dict[str, dict[str, float]], tag: str, what: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=re.escape(what)):
        write_run(tmp_path / "r", run, tag=tag)


def test_a_folder_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        write_run(tmp_path / "none" / "r", {"q": {"a": 1.0}})


@pytest.mark.parametrize("line", ["1 Q0 a 2 0.4 x", "1 Q0 b 2 nan x", "1 Q0 b 2 inf x"])
def test_a_document_twice_and_a_score_without_end_are_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "r").write_text(f"1 Q0 a 1 0.5 x\n{line}\n")
    with pytest.raises(UsageError, match="r:2"):
        read_run(tmp_path / "r")
