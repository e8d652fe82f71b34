"""Cleaning removes what is ours and can be made again, and nothing else."""

import os
from pathlib import Path

import pytest

from lexsearch.cli.clean import STALE_S, cached, stale_segments
from lexsearch.cli.run import main

HASH = "0123456789abcdef"
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * 10)
    return path


def test_only_names_of_ours_leave_the_cache(tmp_path: Path) -> None:
    ours = file(tmp_path / "thumbs" / f"{HASH}.webp")
    file(tmp_path / "thumbs" / "IMG_2231.jpg")
    assert list(cached(tmp_path)) == [ours]


def test_a_link_in_the_cache_is_left_alone(tmp_path: Path) -> None:
    photo = file(tmp_path / "photo.jpg")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / f"{HASH}.jpg").symlink_to(photo)
    assert list(cached(tmp_path / "cache")) == []


def test_an_unfinished_segment_goes_only_when_it_is_old(tmp_path: Path) -> None:
    folder = tmp_path / "default" / "segments" / f"{ULID}.tmp"
    file(folder / "lexical.lxs")
    made = folder.stat().st_mtime
    assert list(stale_segments(tmp_path, now=made + 1)) == []
    assert list(stale_segments(tmp_path, now=made + STALE_S + 1)) == [folder]


def test_the_command_removes_them_and_a_dry_run_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEXSEARCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("LEXSEARCH_DATA_DIR", str(tmp_path / "data"))
    ours = file(tmp_path / "cache" / f"{HASH}.webp")
    stale = file(tmp_path / "data" / "db" / "segments" / f"{ULID}.tmp" / "x").parent
    os.utime(stale, (0, 0))
    assert main(["clean", "--dry-run"]) == 0
    assert ours.exists()
    assert "would remove 2 files and folders, 20 B" in capsys.readouterr().out
    assert main(["clean"]) == 0
    assert not ours.exists()
    assert not stale.exists()
