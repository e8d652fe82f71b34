"""The walk finds picture files, in order, and opens nothing it should not."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.scan import ScanOptions, is_below, require_roots, scan, topmost
from lexsearch.errors import UsageError


def names(root: Path, **options: object) -> list[str]:
    found = scan([root], ScanOptions(**options))  # type: ignore[arg-type]
    return [os.fsdecode(os.path.relpath(file.path, os.fsencode(root))) for file in found.files]


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_pictures_come_in_byte_order_whatever_their_folder(tmp_path: Path) -> None:
    touch(*(tmp_path / n for n in ("b.jpg", "a/z.PNG", "a.jpg", "a-b/c.webp", "ä.jpg", "t.txt")))
    assert names(tmp_path) == ["a-b/c.webp", "a.jpg", "a/z.PNG", "b.jpg", "ä.jpg"]


def test_size_time_inode_and_root_are_those_of_the_file(tmp_path: Path) -> None:
    touch(tmp_path / "a.jpg")
    (file,) = scan([tmp_path]).files
    real = (tmp_path / "a.jpg").stat()
    assert file[1:] == (1, real.st_mtime_ns, real.st_ino, os.fsencode(tmp_path))


def test_default_excludes_and_hidden_names_are_left_out(tmp_path: Path) -> None:
    for place in ("@eaDir", "node_modules", ".git", ".lexsearch", ".hidden", "ok"):
        touch(tmp_path / place / "a.jpg")
    touch(tmp_path / "._a.jpg", tmp_path / ".b.jpg")
    assert names(tmp_path) == ["ok/a.jpg"]
    assert names(tmp_path, include_hidden=True) == [".b.jpg", ".hidden/a.jpg", "ok/a.jpg"]
    assert names(tmp_path, default_excludes=False) == [
        "@eaDir/a.jpg", "node_modules/a.jpg", "ok/a.jpg",
    ]  # fmt: skip
    assert len(names(tmp_path, default_excludes=False, include_hidden=True)) == 8


def test_excludes_add_to_the_default_ones(tmp_path: Path) -> None:
    for place in ("raw", "2019/raw", "2019/ok", "@eaDir"):
        touch(tmp_path / place / "a.jpg", tmp_path / place / "a_thumb.jpg")
    assert names(tmp_path, exclude=("raw/", "*_thumb.*")) == ["2019/ok/a.jpg"]
    assert names(tmp_path, exclude=("2019/r*", "*_thumb.*")) == ["2019/ok/a.jpg", "raw/a.jpg"]


def test_a_hidden_folder_that_was_asked_for_is_walked(tmp_path: Path) -> None:
    touch(tmp_path / ".photos" / "a.jpg")
    assert names(tmp_path / ".photos") == ["a.jpg"]


def test_the_index_itself_is_not_walked(tmp_path: Path) -> None:
    touch(tmp_path / "db" / "a.jpg", tmp_path / "b.jpg")
    assert names(tmp_path, index_folder=os.fsencode(tmp_path / "db")) == ["b.jpg"]


def test_names_that_are_not_utf8_are_found(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    try:
        with open(path, "wb") as stream:
            stream.write(b"x")
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    assert [file.path for file in scan([tmp_path]).files] == [path]


def test_links_are_not_followed(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "x.jpg")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "a" / "x.jpg")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert names(tmp_path) == ["a/x.jpg"]


def test_followed_links_stay_below_the_root_and_end(tmp_path: Path) -> None:
    touch(tmp_path / "in" / "a" / "x.jpg", tmp_path / "in" / ".dark" / "y.jpg")
    touch(tmp_path / "out" / "z.jpg")
    root = tmp_path / "in"
    (root / "loop").symlink_to(root)
    (root / "a" / "up").symlink_to("..")
    (root / "self").symlink_to("self")
    (root / "gone.jpg").symlink_to("nothing")
    (root / "out").symlink_to(tmp_path / "out")
    (root / "out.jpg").symlink_to(tmp_path / "out" / "z.jpg")
    (root / "again.jpg").symlink_to(root / "a" / "x.jpg")
    (root / "light").symlink_to(root / ".dark")
    assert names(root, follow_symlinks=True) == ["a/x.jpg", "again.jpg", "light/y.jpg"]


def test_a_link_that_was_asked_for_by_name_is_followed_under_its_own_name(tmp_path: Path) -> None:
    touch(tmp_path / "real" / "a.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (file,) = scan([tmp_path / "link"]).files
    assert file.path == os.fsencode(tmp_path / "link" / "a.jpg")


def test_pipes_are_named_and_folders_with_the_name_of_a_picture_are_walked(
    tmp_path: Path, pipe: Path
) -> None:
    touch(tmp_path / "x.jpg" / "y.jpg")
    found = scan([tmp_path])
    assert [file.path for file in found.files] == [os.fsencode(tmp_path / "x.jpg" / "y.jpg")]
    assert [tuple(one) for one in found.problems] == [(os.fsencode(pipe), "is a pipe, not a file")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_folder_is_named_and_the_walk_goes_on(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "x.jpg", tmp_path / "b" / "y.jpg")
    (tmp_path / "a").chmod(0)
    found = scan([tmp_path])
    (tmp_path / "a").chmod(0o700)
    assert len(found.files) == 1
    assert found.unread == (os.fsencode(tmp_path / "a"),)


def test_a_file_can_be_given_whatever_its_suffix(tmp_path: Path) -> None:
    touch(tmp_path / "scan001", tmp_path / "b.jpg")
    found = scan([tmp_path / "scan001"])
    assert [file.path for file in found.files] == [os.fsencode(tmp_path / "scan001")]


def test_roots_below_roots_are_walked_once(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "x.jpg", tmp_path / "a-b" / "x.jpg")
    found = scan([tmp_path / "a", tmp_path, tmp_path / "a-b", f"{tmp_path}/a/../a/"])
    assert found.roots == (os.fsencode(tmp_path),)
    assert len(found.files) == 2
    assert len(topmost([tmp_path / "a", tmp_path / "a-b"])) == 2


def test_a_missing_root_is_reported_or_refused(tmp_path: Path) -> None:
    assert scan([tmp_path / "no"]).missing == (os.fsencode(tmp_path / "no"),)
    with pytest.raises(UsageError, match="no such folder"):
        require_roots([tmp_path / "no"], known=False)
    with pytest.raises(UsageError, match="no folder was given"):
        require_roots([], known=True)


def test_a_very_deep_folder_is_walked(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 300)
    touch(deep / "a.jpg")
    assert len(scan([tmp_path]).files) == 1
    assert sys.getrecursionlimit() >= 1000


@pytest.mark.parametrize(
    ("path", "folder", "below"),
    [(b"/a/b", b"/a", True), (b"/ab", b"/a", False), (b"/a", b"/a", True), (b"/a", b"/", True)],
)
def test_below_means_whole_names(path: bytes, folder: bytes, below: bool) -> None:
    assert is_below(path, folder) is below


def test_what_cannot_be_listed_is_remembered_as_unread(
    tmp_path: Path, paint: Callable[..., Path]
) -> None:
    paint(tmp_path / "a" / "x.png")
    found = scan([tmp_path / "a" / "x.png" / "y"])
    assert list(found.files) == []
    assert found.missing
