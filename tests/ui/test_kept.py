"""Small files beside the dbs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ui.kept import file_of, replace_file


def test_every_db_has_a_file_of_its_own_that_clean_knows(tmp_path: Path) -> None:
    from lexsearch.cli.clean import CACHE_NAME

    one, other = file_of(tmp_path, Path("/a")), file_of(tmp_path, Path("/b"))
    assert one != other
    assert one == file_of(tmp_path, Path("/a"))
    assert CACHE_NAME.fullmatch(one.name)
    assert CACHE_NAME.fullmatch(f"{one.name}.tmp")


def test_a_write_that_fails_leaves_the_old_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "deep" / "file.json"
    replace_file(path, "old")

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        replace_file(path, "new")
    assert path.read_text() == "old"
