"""Committing, reopening, and what an interruption leaves."""

from __future__ import annotations

import contextlib
import errno
import json
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lexsearch.bundle.check import check
from lexsearch.bundle.format import sealed
from lexsearch.bundle.records import CommitBatch, RunRecord, SkippedFile
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.catalog.step import STEP
from lexsearch.errors import (
    IndexDamaged,
    IndexLocked,
    IndexMissing,
    IndexTooNew,
    LexsearchError,
    StorageError,
    UsageError,
    WrongModel,
)
from lexsearch.types import image_id_of

LATIN = b"/photos/caf\xe9.jpg"


def test_what_was_committed_is_there_after_reopening(library: Any) -> None:
    skipped = SkippedFile(b"/photos/\xff.txt", "no picture", 3, 4, None)
    with library.open() as writer:
        first = writer.commit(library.batch({b"/photos/a.jpg": "a", LATIN: "b"}))
        second = writer.commit(library.batch(skipped=(skipped,)))
        writer.add_roots([b"/photos"])
        writer.finish(RunRecord("2026-01-01T00:00:00+00:00", 1.5, {"new": 2}, {"scan": 0.5}))
    assert (first, second) == (1, 2)
    with library.open() as writer:
        assert list(writer.known_files()) == [
            library.file(b"/photos/a.jpg", "a"), library.file(LATIN, "b"),
        ]  # fmt: skip
        assert writer.known_contents() == {library.digest("a"), library.digest("b")}
        assert writer.known_skipped() == {skipped.path: skipped}
        assert writer.roots() == [b"/photos"]
    with library.snapshot() as snapshot:
        assert snapshot.generation == 2
        assert snapshot.runs() == [
            {
                "started": "2026-01-01T00:00:00+00:00",
                "seconds": 1.5,
                "complete": True,
                "new": 2,
                "stages": {"scan": 0.5},
            }
        ]


def test_an_empty_index_opens(library: Any) -> None:
    library.open().close()
    with library.snapshot() as snapshot:
        assert len(snapshot) == 0
        assert snapshot.image_ids().tolist() == []
        assert snapshot.segments == ()
        assert snapshot.images([]) == []


def test_an_empty_batch_makes_no_generation(library: Any) -> None:
    with library.open() as writer:
        assert writer.commit(CommitBatch()) == 0


def test_a_second_writer_is_refused_at_once_and_named(library: Any) -> None:
    with library.open(), pytest.raises(IndexLocked, match=r"process \d+ on .* is writing"):
        library.open()
    library.open().close()


def test_a_writer_that_was_killed_leaves_no_lock(library: Any) -> None:
    library.open().close()
    script = (
        "import os, sys; from pathlib import Path; from lexsearch.bundle.lock import WriteLock\n"
        f"lock = WriteLock(Path({str(library.directory)!r})); lock.acquire(); os._exit(9)"
    )
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", script], cwd=root, check=False).returncode == 9
    library.open().close()


def test_another_model_is_refused_with_both_values_and_the_way_out(library: Any) -> None:
    library.make({b"/a.jpg": "a"})
    fingerprints = library.model.identity.fingerprints | {"dense": "toy/d/2"}
    other = replace(library.model.identity, fingerprints=fingerprints)
    with pytest.raises(WrongModel, match=r"index toy/d/1, model toy/d/2.*index --force PATH --db"):
        library.open(identity=other)
    with library.open(identity=other, replace=True) as writer:
        assert list(writer.known_files()) == []
        assert writer.known_contents() == set()
    library.model.identity = other


def test_a_folder_with_other_things_is_refused_untouched(library: Any, bytes_below: Any) -> None:
    library.directory.mkdir()
    (library.directory / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match=r"not empty and no index.*letter\.txt"):
        library.open()
    assert bytes_below(library.directory) == {"letter.txt": b"dear"}


def test_nothing_is_made_when_it_should_exist(library: Any) -> None:
    with pytest.raises(IndexMissing):
        library.open(create=False)
    assert not library.directory.exists()


def test_an_index_that_comes_to_be_while_its_folder_is_looked_at_is_opened(
    library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.directory.mkdir(parents=True)
    plain = Path.iterdir

    def iterdir(folder: Path) -> Any:
        monkeypatch.setattr(Path, "iterdir", plain)
        library.open().close()  # by another process, between two looks of this one
        return plain(folder)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    with library.open() as writer:
        assert list(writer.known_files()) == []


def test_what_is_known_is_read_page_by_page(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lexsearch.bundle.writer.PAGE", 2)
    for count in range(1, 6):
        path = b"/photos/%d.jpg" % count
        with library.open() as writer:
            writer.commit(library.batch({path: "ab"[count % 2]}))
            files = list(writer.known_files())
            assert [one.path for one in files] == [
                b"/photos/%d.jpg" % one for one in range(1, count + 1)
            ]
            assert writer.known_sizes().tolist() == sorted(one.size for one in files)
            assert writer.count_contents() == len(writer.known_contents()) == min(count, 2)


def test_what_looks_damaged_while_another_process_works_on_it_is_locked(library: Any) -> None:
    with library.open() as writer:
        writer.commit(library.batch({b"/photos/a.jpg": "a"}))
        (library.directory / "catalog.sqlite").rename(library.directory / "away")
        with pytest.raises(IndexLocked):
            library.open()
        (library.directory / "away").rename(library.directory / "catalog.sqlite")


@pytest.mark.parametrize("how", ["format", "flag", "catalog"])
def test_a_newer_index_is_refused_and_not_changed(
    damaged_library: Any, bytes_below: Any, how: str
) -> None:
    library = damaged_library
    library.make({b"/a.jpg": "a"})
    if how == "catalog":
        connection = sqlite3.connect(library.directory / "catalog.sqlite")
        connection.execute(f"PRAGMA user_version={STEP + 1}")
        connection.close()
    else:
        path = library.directory / "FORMAT.json"
        fields = json.loads(path.read_bytes())
        del fields["sha256"]
        fields |= {"format": 2} if how == "format" else {"read_flags": ["colour"]}
        path.write_bytes(sealed(fields))
    before = bytes_below(library.directory)
    for use in (library.open, library.snapshot, lambda: check(library.directory)):
        with pytest.raises(IndexTooNew, match="nothing was changed"):
            use()
    assert bytes_below(library.directory) == before


def test_a_batch_that_contradicts_itself_changes_nothing(library: Any) -> None:
    with library.open() as writer:
        with pytest.raises(ValueError, match="no vectors"):
            writer.commit(library.batch({b"/a.jpg": "a"}, encode=False))
        batch = library.batch({b"/a.jpg": "a"})
        with pytest.raises(ValueError, match="twice"):
            writer.commit(CommitBatch(batch.contents * 2, batch.vectors, batch.files))
        with pytest.raises(ValueError, match="other rows"):
            writer.commit(CommitBatch(batch.contents, library.vectors(["a", "b"]), batch.files))
        assert writer.generation() == 0


def test_two_pictures_of_one_id_are_an_error_that_names_both(library: Any) -> None:
    library.make({b"/a.jpg": "a"})
    digest = library.digest("a")[:8] + bytes(24)
    assert image_id_of(digest) == image_id_of(library.digest("a"))
    content = library.content("a")._replace(sha256=digest)
    file = library.file(b"/b.jpg", "a")._replace(sha256=digest)
    with library.open() as writer, pytest.raises(LexsearchError, match=r"/a\.jpg and /b\.jpg"):
        writer.commit(CommitBatch([content], library.vectors(["b"]), [file]))


def test_an_error_at_any_call_leaves_the_generation_before_and_no_rest(
    library: Any, faulty_disk: Any
) -> None:
    library.make({b"/a.jpg": "a"})
    for n in range(1, 1000):
        disk = faulty_disk(10**9, OSError(errno.ENOSPC, "No space left on device"))
        with library.open(disk=disk) as writer:
            disk.calls, disk.fail_at = 0, n
            if n < 3:
                assert (library.directory / ".reserve").exists()
            try:
                writer.commit(library.batch({b"/b.jpg": "b"}))
            except StorageError as error:
                assert "No space left" in str(error)
                assert "1 images are safe; free space and run the same command" in str(error)
                assert not (library.directory / ".reserve").exists()
                assert len(list((library.directory / "segments").iterdir())) == 1
                assert library.paths() == [b"/a.jpg"]
                continue
            assert not disk.has_failed
            break
    assert n > 15
    assert library.paths() == [b"/a.jpg", b"/b.jpg"]


def test_a_crash_at_any_call_of_a_commit_leaves_the_generation_before(
    library: Any, faulty_disk: Any, crash: BaseException
) -> None:
    library.make({b"/a.jpg": "a"})
    for n in range(1, 1000):
        disk = faulty_disk(10**9, crash)
        writer = library.open(disk=disk)
        disk.calls, disk.fail_at = 0, n
        try:
            writer.commit(library.batch({b"/b.jpg": "b"}))
            break
        except type(crash):
            assert library.paths() == [b"/a.jpg"]
            assert library.is_sound()
        finally:
            writer.close()
    assert n > 15
    assert library.paths() == [b"/a.jpg", b"/b.jpg"]
    library.clock.now += 3600
    library.open().close()
    assert len(list((library.directory / "segments").iterdir())) == 2


@pytest.mark.parametrize("kind", ["error", "crash"])
def test_a_creation_that_fails_at_any_call_can_be_repeated(
    library: Any, faulty_disk: Any, crash: BaseException, kind: str
) -> None:
    error = crash if kind == "crash" else OSError(errno.EIO, "Input/output error")
    for n in range(1, 1000):
        library.directory = library.directory.with_name(f"index-{n}")
        try:
            library.open(disk=faulty_disk(n, error)).close()
            break
        except (StorageError, type(crash)):
            with contextlib.suppress(IndexMissing), library.snapshot() as snapshot:
                assert len(snapshot) == 0
            library.make({b"/a.jpg": "a"})
            assert library.paths() == [b"/a.jpg"]
            assert library.is_sound()
    assert n > 10


def test_a_full_disk_inside_the_catalog_changes_nothing(library: Any) -> None:
    library.make({b"/a.jpg": "a"})
    names = {b"/long/%d/%s.jpg" % (i, b"x" * 200): f"{i}" for i in range(400)}
    with library.open() as writer:
        with writer._database.transaction() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
        with pytest.raises(StorageError, match=r"disk is full.*1 images are safe"):
            writer.commit(library.batch(names))
        assert writer.generation() == 1
        assert library.paths() == [b"/a.jpg"]
        with writer._database.transaction() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=100000")
        writer.commit(library.batch(names))
    assert len(library.paths()) == 401


def test_a_lost_catalog_is_not_taken_for_a_new_index(damaged_library: Any) -> None:
    damaged_library.make({b"/a.jpg": "a"})
    (damaged_library.directory / "catalog.sqlite").unlink()
    with pytest.raises(IndexDamaged, match="lexsearch repair"):
        damaged_library.open()
    with pytest.raises(IndexDamaged, match="lexsearch repair"):
        Snapshot.open(damaged_library.directory)


def test_closing_moves_the_log_into_the_catalog(library: Any) -> None:
    library.make({b"/a.jpg": "a"})
    log = library.directory / "catalog.sqlite-wal"
    assert not log.exists() or log.stat().st_size == 0
