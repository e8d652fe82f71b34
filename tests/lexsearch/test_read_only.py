"""A db that must not be touched: opened with read_only, on a read-only file system."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lexsearch import LexSearch
from lexsearch.errors import UsageError
from tests.lexsearch.busy import ADDING, TESTS, TEXTS, answer, made, pixels, questions, running


@pytest.fixture
def db(tmp_path: Path, toy_model: Any) -> Iterator[LexSearch]:
    with made(tmp_path / "db", toy_model) as opened:
        yield opened


def everything(folder: Path) -> dict[str, Any]:
    """Every file below a folder with its bytes and times; of folders their times."""
    found: dict[str, Any] = {}
    for path in sorted([folder, *folder.rglob("*")]):
        state = path.lstat()
        data = path.read_bytes() if stat.S_ISREG(state.st_mode) else b""
        found[str(path)] = state.st_mtime_ns, state.st_ino, state.st_mode, data
    return found


def use_all(db: LexSearch) -> list[Any]:
    found = [answer(db, one) for one in questions(20)]
    found += [[h.docid for h in one] for one in db.search_many(TEXTS)]
    found.append([h.docid for h in (db.stages.lexical >> db.stages.late).search("red")])
    found.append(db.words("p001"))
    found.append(db.word_use.count("red"))
    found.append(db.explain("red", "p001", read_photo=False).fused)
    found.append([db.near_duplicates(), db.duplicates(), db.skipped(), db.ids()])
    found.append(db.status()["images"])
    return found


def test_a_db_opened_read_only_leaves_no_trace(
    db: LexSearch, tmp_path: Path, toy_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = use_all(db)
    db.close()
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(home))
    before = everything(tmp_path)
    with LexSearch.open(db.directory, model=toy_model, read_only=True) as reader:
        assert use_all(reader) == expected
        assert not reader.reload()
        assert everything(tmp_path) == before
    assert everything(tmp_path) == before


def test_a_db_opened_read_only_cannot_be_changed_through_it(
    db: LexSearch, toy_model: Any, tmp_path: Path
) -> None:
    with LexSearch.open(db.directory, model=toy_model, read_only=True) as reader:
        for change in (
            lambda: reader.add(pixels(1)),
            lambda: reader.delete(["p001"]),
            lambda: reader.index(tmp_path),
        ):
            with pytest.raises(UsageError, match="read_only=True"):
                change()
    assert len(db.ids()) == 300


def test_a_read_only_reader_sees_what_a_writer_commits_and_touches_nothing(
    db: LexSearch, toy_model: Any
) -> None:
    """The write-ahead log is not empty then, and its shared memory is the writer's alone."""
    from lexsearch.bundle.records import CommitBatch
    from lexsearch.bundle.writer import BundleWriter

    with LexSearch.open(db.directory, model=toy_model, read_only=True) as reader:
        with BundleWriter.open(db.directory, identity=toy_model.identity) as writer:
            writer.commit(CommitBatch(removed=[b"id:p000"]))
            assert (db.directory / "catalog.sqlite-wal").stat().st_size > 0
            before = everything(db.directory)
            assert len(reader.search("red", top_k=400)) == 300
            assert reader.reload()
            assert len(reader.search("red", top_k=400)) == 299
            assert not reader.reload()
            assert everything(db.directory) == before
        assert not reader.reload()
        assert len(reader) == 299


def test_a_read_only_reader_of_a_killed_writers_log(db: LexSearch, toy_model: Any) -> None:
    code = """
        import os, signal, sys
        sys.path.insert(0, {tests!r})
        from pathlib import Path
        from conftest import ToyModel
        from lexsearch.bundle.records import CommitBatch
        from lexsearch.bundle.writer import BundleWriter
        writer = BundleWriter.open(Path({db!r}), identity=ToyModel().identity)
        writer.commit(CommitBatch(removed=[b"id:p000", b"id:p001"]))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert running(code.format(tests=str(TESTS), db=str(db.directory))).wait() == -signal.SIGKILL
    db.close()
    before = everything(db.directory)
    assert any("wal" in name for name in before)
    with LexSearch.open(db.directory, model=toy_model, read_only=True) as reader:
        assert len(reader) == 298
        assert reader.ids()[0] == "p002"
    assert everything(db.directory) == before


def test_a_read_only_reader_never_sees_half_a_commit(db: LexSearch, toy_model: Any) -> None:
    writer = running(ADDING.format(tests=str(TESTS), db=str(db.directory)))
    seen: set[int] = set()
    with LexSearch.open(db.directory, model=toy_model, read_only=True) as reader:
        while writer.poll() is None:
            reader.reload()
            found = reader.search("red", top_k=1_000)
            assert len(found) == len(reader)
            seen.add(len(reader))
        assert writer.wait() == 0
        reader.reload()
        assert len(reader) == 300 + 30 * 4 - 6 * 2
    assert len(seen) > 3


def test_a_db_on_a_read_only_file_system_is_searched(
    db: LexSearch, tmp_path: Path, toy_model: Any
) -> None:
    expected = use_all(db)
    db.close()
    place = tmp_path / "mounted"
    place.mkdir()
    commands = (
        ["mount", "--bind", str(db.directory), str(place)],
        ["mount", "-o", "remount,ro,bind", str(place)],
    )
    try:
        for command in commands:
            if subprocess.run(command, capture_output=True, check=False).returncode:
                pytest.skip("this place lets nobody mount a file system")
        with pytest.raises(OSError, match="Read-only"):
            (place / "x").write_bytes(b"")
        for read_only in (False, True):
            with LexSearch.open(place, model=toy_model, read_only=read_only) as reader:
                assert use_all(reader) == expected
                assert not reader.reload()
    finally:
        subprocess.run(["umount", str(place)], capture_output=True, check=False)


def test_photos_of_a_reader_that_may_not_write_are_explained(
    tmp_path: Path, toy_model: Any
) -> None:
    Image.new("RGB", (16, 12), "red").save(tmp_path / "red.png")
    with LexSearch.create(tmp_path / "db", model=toy_model) as made:
        made.index(tmp_path / "red.png", isolate=False)
    before = everything(tmp_path)
    with LexSearch.open(tmp_path / "db", model=toy_model, read_only=True) as reader:
        assert reader.explain("red", reader.search("red")[0]).grid == (2, 2)
    assert everything(tmp_path) == before


def test_a_read_only_reader_looks_at_an_unchanged_catalog_only_once(
    db: LexSearch, toy_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lexsearch.bundle import snapshot

    past = 1_600_000_000_000_000_000
    for file in db.directory.glob("catalog.sqlite*"):
        os.utime(file, ns=(past, past))
    with LexSearch.open(db.directory, model=toy_model, read_only=True) as reader:
        assert not reader.reload()
        with monkeypatch.context() as patch:
            patch.setattr(snapshot, "connect", None)
            assert not reader.reload()
        db.add(pixels(1, seed=5), ids=["new"])
        assert reader.reload()
        assert "new" in reader.ids()
