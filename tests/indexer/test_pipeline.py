"""What a run does to an index: only what changed is encoded, nothing committed is lost."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.pipeline import IndexOptions, index_folders
from indexer.preview import preview_folders
from indexer.report import IndexReport
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.errors import UsageError
from lexsearch.protocols import Model

Paint = Callable[..., Path]
Run = Callable[..., IndexReport]
Indexed = Callable[[Path, Path], list[str]]
ALL = ["0.png", "1.png", "2.png", "trip/3.jpg", "trip/4.jpg"]


def test_a_first_run_encodes_every_picture(
    run: Run, db: Path, photos: Path, indexed: Indexed
) -> None:
    report = run()
    assert (report.found, report.new, report.encoded, report.skipped) == (5, 5, 5, ())
    assert indexed(db, photos) == ALL
    assert set(report.seconds) == {"scan", "plan", "decode", "encode", "commit"}
    assert report.images_per_s > 0


def test_a_second_run_does_nothing(run: Run) -> None:
    run()
    report = run()
    assert (report.unchanged, report.encoded, report.new, report.removed) == (5, 0, 0, 0)


def test_what_the_picture_says_of_itself_is_kept(run: Run, db: Path, photos: Path) -> None:
    run()
    snapshot = Snapshot.open(db)
    image_id = snapshot.find(os.fsencode(photos / "0.png"))
    assert image_id is not None
    (record,) = snapshot.images([image_id])
    assert (record.width, record.height, record.size) == (
        24, 18, (photos / "0.png").stat().st_size,
    )  # fmt: skip
    assert snapshot.roots() == [os.fsencode(photos)]
    snapshot.close()


def test_a_rename_costs_nothing(run: Run, db: Path, photos: Path, indexed: Indexed) -> None:
    run()
    (photos / "0.png").rename(photos / "trip" / "zero.png")
    report = run()
    assert (report.moved, report.removed, report.new, report.encoded) == (1, 0, 0, 0)
    assert indexed(db, photos) == [*ALL[1:], "trip/zero.png"]


def test_a_whole_folder_moves_for_nothing(
    run: Run, db: Path, photos: Path, indexed: Indexed
) -> None:
    run()
    (photos / "trip").rename(photos / "holiday")
    report = run()
    assert (report.moved, report.encoded) == (2, 0)
    assert indexed(db, photos) == [*ALL[:3], "holiday/3.jpg", "holiday/4.jpg"]


def test_a_touch_costs_nothing(run: Run, photos: Path) -> None:
    run()
    os.utime(photos / "0.png", (1, 1))
    report = run()
    assert (report.unchanged, report.touched, report.encoded) == (5, 1, 0)
    assert run().touched == 0


def test_a_time_beyond_what_an_index_stores_is_read_once(run: Run, photos: Path) -> None:
    far = 2**63 + 5  # nanoseconds, in the year 2262
    try:
        os.utime(photos / "0.png", ns=(far, far))
    except OSError:
        pytest.skip("the file system has no such times")
    if (photos / "0.png").stat().st_mtime_ns <= far - 10**9:
        pytest.skip("the file system has no such times")
    run()
    report = run()
    assert (report.unchanged, report.touched, report.encoded) == (5, 0, 0)


def test_copies_are_encoded_once_within_and_across_runs(
    run: Run, db: Path, photos: Path, toy_model: Model
) -> None:
    shutil.copy(photos / "0.png", photos / "0b.png")
    report = run()
    assert (report.new, report.duplicates, report.encoded) == (6, 1, 5)
    shutil.copy(photos / "0.png", photos / "0c.png")
    report = run()
    assert (report.new, report.duplicates, report.encoded) == (1, 1, 0)
    snapshot = Snapshot.open(db)
    (record,) = snapshot.duplicates()
    assert [os.path.basename(path) for path in record.paths] == [b"0.png", b"0b.png", b"0c.png"]
    snapshot.close()


def test_copies_in_different_batches_are_encoded_once(run: Run, photos: Path) -> None:
    shutil.copy(photos / "0.png", photos / "z.png")
    report = run(batch_size=1)
    assert (report.encoded, report.duplicates) == (5, 1)


def test_a_deleted_picture_leaves(run: Run, db: Path, photos: Path, indexed: Indexed) -> None:
    run()
    (photos / "0.png").unlink()
    report = run()
    assert (report.removed, report.encoded) == (1, 0)
    assert indexed(db, photos) == ALL[1:]


def test_a_changed_picture_is_encoded_again(run: Run, db: Path, photos: Path, paint: Paint) -> None:
    run()
    before = Snapshot.open(db)
    old = before.find(os.fsencode(photos / "0.png"))
    before.close()
    paint(photos / "0.png", 77)
    report = run()
    assert (report.changed, report.encoded, report.removed) == (1, 1, 0)
    after = Snapshot.open(db)
    assert after.find(os.fsencode(photos / "0.png")) != old
    assert len(after) == 5
    after.close()


def test_swapped_names_cost_nothing(run: Run, db: Path, photos: Path, indexed: Indexed) -> None:
    run()
    (photos / "0.png").rename(photos / "t")
    (photos / "1.png").rename(photos / "0.png")
    (photos / "t").rename(photos / "1.png")
    report = run()
    assert report.encoded == 0
    assert indexed(db, photos) == ALL


def test_a_picture_replaced_by_garbage_leaves_and_is_named(
    run: Run, db: Path, photos: Path, paint: Paint, indexed: Indexed
) -> None:
    run()
    (photos / "0.png").write_bytes(b"garbage")
    report = run()
    assert [(os.path.basename(s.path), s.reason[:16]) for s in report.skipped] == [
        (b"0.png", "is not a picture")
    ]
    assert indexed(db, photos) == ALL[1:]
    again = run()
    assert (len(again.skipped), again.found, again.unchanged) == (1, 5, 4)
    paint(photos / "0.png", 0)
    healed = run()
    assert (healed.skipped, healed.encoded <= 1) == ((), True)
    assert indexed(db, photos) == ALL
    snapshot = Snapshot.open(db)
    assert snapshot.skipped() == []
    snapshot.close()


def test_every_file_has_one_fate(run: Run, photos: Path, paint: Paint) -> None:
    run()
    (photos / "0.png").rename(photos / "moved.png")
    paint(photos / "1.png", 50)
    paint(photos / "new.png", 51)
    shutil.copy(photos / "2.png", photos / "copy.png")
    (photos / "bad.png").write_bytes(b"bad")
    (photos / "trip" / "3.jpg").unlink()
    report = run()
    fates = (report.new, report.changed, report.moved, report.unchanged, len(report.skipped))
    assert fates == (2, 1, 1, 2, 1)
    assert report.found == sum(fates)
    assert (report.removed, report.encoded) == (1, 2)


def test_force_encodes_everything_again(run: Run, db: Path, photos: Path, indexed: Indexed) -> None:
    run()
    report = run(force=True)
    assert (report.encoded, report.unchanged, report.new) == (5, 5, 0)
    assert indexed(db, photos) == ALL
    assert run().encoded == 0


def test_a_run_over_one_folder_leaves_the_others_alone(
    run: Run, db: Path, photos: Path, tmp_path: Path, paint: Paint, indexed: Indexed
) -> None:
    paint(tmp_path / "other" / "o.png", 60)
    run(photos, tmp_path / "other")
    (photos / "0.png").unlink()
    assert run(tmp_path / "other").removed == 0
    assert run(photos / "trip").removed == 0
    assert len(indexed(db, tmp_path)) == 6
    assert run().removed == 1


def test_a_folder_that_is_gone_or_empty_keeps_its_images(
    run: Run, db: Path, photos: Path, indexed: Indexed
) -> None:
    run()
    photos.rename(photos.with_name("away"))
    report = run()
    assert report.removed == 0
    assert report.missing == (os.fsencode(photos),)
    photos.mkdir()
    report = run()
    assert (report.removed, report.missing) == (0, ())
    assert "were kept" in report.notes[0]
    assert indexed(db, photos) == ALL
    assert run(prune=True).removed == 5
    assert indexed(db, photos) == []


def test_a_folder_that_never_was_is_an_error_and_makes_no_index(run: Run, db: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        run(Path("/nowhere/at/all"))
    assert not db.exists()


def test_one_picture_can_be_added(run: Run, db: Path, photos: Path, indexed: Indexed) -> None:
    assert run(photos / "0.png").encoded == 1
    (photos / "0.png").unlink()
    assert run(photos / "1.png").removed == 0
    assert indexed(db, photos) == ["0.png", "1.png"]


def test_a_name_that_is_not_utf8_is_indexed(run: Run, db: Path, photos: Path) -> None:
    path = os.fsencode(photos) + b"/caf\xe9\n.png"
    try:
        shutil.copy(os.fsencode(photos / "0.png"), path)
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    assert run().found == 6
    snapshot = Snapshot.open(db)
    assert snapshot.find(path) is not None
    snapshot.close()


def test_the_index_may_lie_in_the_folder(photos: Path, toy_model: Model) -> None:
    for _ in range(2):
        report = index_folders([photos], directory=photos / "db", model=toy_model)
        assert report.found == 5
    assert report.encoded == 0


def test_impossible_options_are_refused() -> None:
    with pytest.raises(UsageError, match="batch_size is 0"):
        IndexOptions(batch_size=0)


def test_hostile_files_never_stop_a_run(
    run: Run, db: Path, photos: Path, paint: Paint, tmp_path: Path, indexed: Indexed
) -> None:
    half = paint(photos / "half.jpg", 9, size=(64, 64))
    half.write_bytes(half.read_bytes()[:400])
    (photos / "empty.png").touch()
    (photos / "text.jpg").write_text("hello")
    (photos / "folder.jpg").mkdir()
    os.mkfifo(photos / "pipe.png")
    (photos / "loop").symlink_to(photos)
    report = run()
    assert report.encoded == 5
    assert [os.path.basename(one.path) for one in report.skipped] == [
        b"empty.png", b"half.jpg", b"pipe.png", b"text.jpg",
    ]  # fmt: skip
    assert indexed(db, photos) == ALL


def test_an_empty_folder_is_no_error_here(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty").found == 0


def test_a_preview_counts_and_writes_nothing(
    run: Run, db: Path, photos: Path, paint: Paint, indexed: Indexed
) -> None:
    options = IndexOptions()
    first = preview_folders([photos], directory=db, options=options)
    assert (first.to_encode, first.report.new, db.exists()) == (5, 5, False)
    run()
    (photos / "0.png").rename(photos / "9.png")
    paint(photos / "1.png", 70)
    second = preview_folders([photos], directory=db, options=options)
    report = second.report
    assert (second.to_encode, report.moved, report.changed, report.unchanged) == (1, 1, 1, 3)
    assert "@eaDir" in second.excludes
    assert indexed(db, photos) == ALL
