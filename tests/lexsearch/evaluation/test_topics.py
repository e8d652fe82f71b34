"""Topics come from tables, JSON lines and standard input."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from lexsearch.errors import UsageError
from lexsearch.evaluation.topics import read_topics


def test_tables_and_json_lines_may_even_be_mixed(tmp_path: Path) -> None:
    (tmp_path / "t").write_text(
        'q1\tein Hündchen -am Strand\textra\r\n\n{"qid": 7, "text": "red car"}\n'
        '{"query_id": "b", "query": "sea"}\n{"_id": "c", "title": "a\\tb"}\n',
        encoding="utf-8",
    )
    assert read_topics(tmp_path / "t") == {
        "q1": "ein Hündchen -am Strand",
        "7": "red car",
        "b": "sea",
        "c": "a\tb",
    }


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"1\tdog\n2\tcat\n")))
    assert read_topics("-") == {"1": "dog", "2": "cat"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no topics"),
        ("dog\n", "t:1 is no topic"),
        ("1\tdog\n1\tcat\n", "t:2: the query id '1' occurs twice"),
        ("a b\tdog\n", "white space"),
        ("1\t \n", "t:1: the topic 1 has no text"),
        ('{"qid": 1\n', "t:1 is not valid JSON"),
        ('{"qid": true, "text": "x"}\n', "t:1 is no topic"),
        ('{"text": "x"}\n', "t:1 is no topic"),
    ],
)
def test_what_is_no_topic_is_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "t").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_topics(tmp_path / "t")


def test_bytes_that_are_no_text_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t").write_bytes(b"1\t\xff\n")
    with pytest.raises(UsageError, match="UTF-8"):
        read_topics(tmp_path / "t")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"1\t\xff\n")))
    with pytest.raises(UsageError, match="UTF-8"):
        read_topics("-")
