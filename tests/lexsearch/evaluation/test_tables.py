"""Tables name the line that is wrong."""

from pathlib import Path

import pytest

from lexsearch.errors import UsageError
from lexsearch.evaluation.tables import existing_folder, read_rows


def rows(path: Path) -> list[tuple[int, list[str]]]:
    return read_rows(path, what="labels", form="file<TAB>label")


def test_rows_keep_their_numbers_and_further_fields(tmp_path: Path) -> None:
    (tmp_path / "t").write_text(" a \tx\n\nb\ty\tz\r\n", encoding="utf-8")
    assert rows(tmp_path / "t") == [(1, ["a", "x"]), (3, ["b", "y", "z"])]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a\tx\nb\n", "t:2 has 1 fields between tabs; expected: file<TAB>label"),
        (b"", "holds no labels"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_file_that_is_no_table_is_named(tmp_path: Path, text: bytes, message: str) -> None:
    (tmp_path / "t").write_bytes(text)
    with pytest.raises(UsageError, match=message):
        rows(tmp_path / "t")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no such file of labels: .*none"):
        rows(tmp_path / "none")
    with pytest.raises(UsageError, match="is a folder"):
        rows(tmp_path)
    with pytest.raises(UsageError, match=r"no such folder: .*none"):
        existing_folder(tmp_path / "none")
