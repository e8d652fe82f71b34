"""Where indexes live; moving, copying and removing them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from lexsearch.bundle.location import db_directory, list_dbs
from lexsearch.bundle.places import export, import_, move, remove
from lexsearch.errors import IndexDamaged, IndexLocked, IndexMissing, UsageError


def test_a_name_lives_in_the_data_folder_and_a_folder_anywhere(tmp_path: Path) -> None:
    assert db_directory(None, data_dir=tmp_path) == tmp_path / "default"
    assert db_directory("trips", data_dir=tmp_path) == tmp_path / "trips"
    assert db_directory("./trips", data_dir=tmp_path) == Path.cwd() / "trips"
    assert db_directory(".trips", data_dir=tmp_path) == Path.cwd() / ".trips"
    assert db_directory("a/../b", data_dir=tmp_path) == Path.cwd() / "b"
    assert db_directory(tmp_path / "x") == tmp_path / "x"
    for bad in ("", "a\0b"):
        with pytest.raises(UsageError):
            db_directory(bad, data_dir=tmp_path)


def test_named_indexes_are_listed(library: Any, tmp_path: Path) -> None:
    assert list_dbs(tmp_path / "nothing") == []
    library.open().close()
    (tmp_path / "other").mkdir()
    assert list_dbs(tmp_path) == [library.directory]


def test_a_moved_index_answers_as_before(library: Any, tmp_path: Path) -> None:
    library.make({b"/a.jpg": "a"})
    before = library.answers()
    target = tmp_path / "deep" / "er"
    move(library.directory, target)
    assert not library.directory.exists()
    library.directory = target
    assert library.answers() == before


def test_an_exported_and_imported_index_answers_as_before(library: Any, tmp_path: Path) -> None:
    library.make({b"/a.jpg": "a", b"/caf\xe9.jpg": "b"})
    before = library.answers()
    export(library.directory, tmp_path / "index.tar")
    with pytest.raises(UsageError, match="exists already"):
        import_(tmp_path / "index.tar", library.directory)
    import_(tmp_path / "index.tar", tmp_path / "copy")
    library.directory = tmp_path / "copy"
    assert library.answers() == before
    library.make({b"/c.jpg": "c"})
    assert len(library.answers()) == 3


def test_nothing_happens_to_an_index_that_is_being_written(library: Any, tmp_path: Path) -> None:
    with library.open():
        for act in (
            lambda: move(library.directory, tmp_path / "x"),
            lambda: export(library.directory, tmp_path / "x.tar"),
            lambda: remove(library.directory),
        ):
            with pytest.raises(IndexLocked):
                act()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index"]


def test_removing_takes_the_index_and_nothing_else(library: Any) -> None:
    library.make({b"/a.jpg": "a"})
    (library.directory / "mine.txt").write_text("keep")
    remove(library.directory)
    assert [path.name for path in library.directory.iterdir()] == ["mine.txt"]
    with pytest.raises(IndexMissing):
        remove(library.directory)


def member(name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"x") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = len(data) if kind == tarfile.REGTYPE else 0
    info.linkname = "/etc/passwd"
    return info


@pytest.mark.parametrize(
    "bad",
    [
        member("/FORMAT.json"),
        member("segments/../../evil"),
        member("../evil"),
        member("other.txt"),
        member("segments/link", tarfile.SYMTYPE),
        member("segments/link", tarfile.LNKTYPE),
        member("catalog.sqlite", tarfile.FIFOTYPE),
        member("catalog.sqlite", tarfile.CHRTYPE),
    ],
    ids=lambda info: f"{info.name}-{info.type!r}",
)
def test_an_archive_with_a_stranger_in_it_is_refused(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        tar.addfile(bad, io.BytesIO(b"x"))
    with pytest.raises(UsageError, match="nothing was imported"):
        import_(tmp_path / "bad.tar", tmp_path / "copy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.tar"]


@pytest.mark.parametrize("data", [b"", b"no tar at all" * 100])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.tar").write_bytes(data)
    with pytest.raises(UsageError, match=r"no archive of an index|holds no index"):
        import_(tmp_path / "bad.tar", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_an_archive_of_a_damaged_index_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        tar.addfile(member("FORMAT.json"), io.BytesIO(b"x"))
    with pytest.raises(IndexDamaged):
        import_(tmp_path / "bad.tar", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
