"""What a run does to an index: only what changed is encoded, nothing committed is lost."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.pipeline import IndexOptions, index_folders
from indexer.preview import preview_folders
from indexer.progress import Progress
from indexer.report import IndexReport
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.errors import IndexLocked, StorageError, UsageError, WrongModel
from lexsearch.protocols import Model
from lexsearch.stores.pooling import factor_of
from lexsearch.types import Encoded, PixelArray

Paint = Callable[..., Path]
Run = Callable[..., IndexReport]


class Counting:
    """A model that counts what it encodes and can fail at a batch."""

    def __init__(self, model: Model, *, fail_at: int | None = None) -> None:
        self.model = model
        self.batches: list[int] = []
        self.fail_at = fail_at

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def encode_pixels(self, pixels: PixelArray) -> Encoded:
        if self.fail_at == len(self.batches):
            raise KeyboardInterrupt
        self.batches.append(len(pixels))
        return self.model.encode_pixels(pixels)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "db"


@pytest.fixture
def run(db: Path, photos: Path, toy_model: Model) -> Run:
    def index(*paths: Path, **options: Any) -> IndexReport:
        return index_folders(
            paths or [photos],
            directory=db,
            model=toy_model,
            options=IndexOptions(**{"isolate": False, **options}),
        )

    return index


def indexed(db: Path, root: Path) -> list[str]:
    snapshot = Snapshot.open(db)
    records = snapshot.images([int(i) for i in snapshot.image_ids()])
    snapshot.close()
    start = len(os.fsencode(root)) + 1
    return sorted(os.fsdecode(path[start:]) for record in records for path in record.paths)


ALL = ["0.png", "1.png", "2.png", "trip/3.jpg", "trip/4.jpg"]


def test_a_first_run_encodes_every_picture(run: Run, db: Path, photos: Path) -> None:
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


def test_a_rename_costs_nothing(run: Run, db: Path, photos: Path) -> None:
    run()
    (photos / "0.png").rename(photos / "trip" / "zero.png")
    report = run()
    assert (report.moved, report.removed, report.new, report.encoded) == (1, 0, 0, 0)
    assert indexed(db, photos) == [*ALL[1:], "trip/zero.png"]


def test_a_whole_folder_moves_for_nothing(run: Run, db: Path, photos: Path) -> None:
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


def test_a_deleted_picture_leaves(run: Run, db: Path, photos: Path) -> None:
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


def test_swapped_names_cost_nothing(run: Run, db: Path, photos: Path) -> None:
    run()
    (photos / "0.png").rename(photos / "t")
    (photos / "1.png").rename(photos / "0.png")
    (photos / "t").rename(photos / "1.png")
    report = run()
    assert report.encoded == 0
    assert indexed(db, photos) == ALL


def test_a_picture_replaced_by_garbage_leaves_and_is_named(
    run: Run, db: Path, photos: Path, paint: Paint
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


def test_force_encodes_everything_again(run: Run, db: Path, photos: Path) -> None:
    run()
    report = run(force=True)
    assert (report.encoded, report.unchanged, report.new) == (5, 5, 0)
    assert indexed(db, photos) == ALL
    assert run().encoded == 0


def test_a_run_over_one_folder_leaves_the_others_alone(
    run: Run, db: Path, photos: Path, tmp_path: Path, paint: Paint
) -> None:
    paint(tmp_path / "other" / "o.png", 60)
    run(photos, tmp_path / "other")
    (photos / "0.png").unlink()
    assert run(tmp_path / "other").removed == 0
    assert run(photos / "trip").removed == 0
    assert len(indexed(db, tmp_path)) == 6
    assert run().removed == 1


def test_a_folder_that_is_gone_or_empty_keeps_its_images(run: Run, db: Path, photos: Path) -> None:
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


def test_one_picture_can_be_added(run: Run, db: Path, photos: Path) -> None:
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


@pytest.mark.parametrize("size", [1, 2, 5, 256])
def test_every_batch_size_gives_the_same_index(
    db: Path, photos: Path, toy_model: Model, size: int
) -> None:
    model = Counting(toy_model)
    commits: list[Progress] = []
    index_folders(
        [photos],
        directory=db,
        model=model,
        options=IndexOptions(batch_size=size),
        on_progress=commits.append,
    )
    assert sum(model.batches) == 5
    assert max(model.batches) == min(size, 5)
    assert [p.committed for p in commits] == [0, *range(size, 5, size), 5]
    assert indexed(db, photos) == ALL


def test_a_stop_keeps_what_is_committed_and_the_next_run_goes_on(
    db: Path, photos: Path, toy_model: Model
) -> None:
    options = IndexOptions(batch_size=2)
    model = Counting(toy_model)
    first = index_folders(
        [photos], directory=db, model=model, options=options, stop=lambda: bool(model.batches)
    )
    assert (first.interrupted, first.encoded) == (True, 2)
    assert indexed(db, photos) == ALL[:2]
    second = index_folders([photos], directory=db, model=toy_model, options=options)
    assert (second.interrupted, second.encoded, second.unchanged) == (False, 3, 2)
    assert indexed(db, photos) == ALL


def test_a_stop_during_the_last_batch_is_no_interruption(
    db: Path, photos: Path, toy_model: Model
) -> None:
    model = Counting(toy_model)
    report = index_folders([photos], directory=db, model=model, stop=lambda: bool(model.batches))
    assert (report.interrupted, report.encoded) == (False, 5)


def test_a_stop_before_the_first_picture_encodes_none(
    db: Path, photos: Path, toy_model: Model
) -> None:
    report = index_folders([photos], directory=db, model=toy_model, stop=lambda: True)
    assert (report.interrupted, report.encoded) == (True, 0)


@pytest.mark.parametrize("batch", [0, 1, 2])
def test_a_crash_loses_at_most_its_batch_and_resumes_in_the_same_batches(
    db: Path, photos: Path, toy_model: Model, batch: int
) -> None:
    options = IndexOptions(batch_size=2)
    with pytest.raises(KeyboardInterrupt):
        index_folders(
            [photos], directory=db, model=Counting(toy_model, fail_at=batch), options=options
        )
    assert indexed(db, photos) == ALL[: 2 * batch]
    model = Counting(toy_model)
    report = index_folders([photos], directory=db, model=model, options=options)
    assert report.encoded == 5 - 2 * batch
    assert model.batches == [2, 2, 1][batch:]
    assert indexed(db, photos) == ALL


def test_a_second_writer_is_told_at_once(db: Path, photos: Path, toy_model: Model) -> None:
    def index_again(progress: Progress) -> None:
        with pytest.raises(IndexLocked):
            index_folders([photos], directory=db, model=toy_model)

    index_folders([photos], directory=db, model=toy_model, on_progress=index_again)


class Huge:
    """A model whose vectors would fill any disk."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.identity = replace(model.identity, tokens_per_image=10**12)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)


def test_too_little_space_is_refused_before_anything_is_encoded(
    db: Path, photos: Path, toy_model: Model
) -> None:
    model = Counting(Huge(toy_model))
    with pytest.raises(StorageError, match="too little room"):
        index_folders([photos], directory=db, model=model)
    assert model.batches == []


def test_impossible_options_are_refused() -> None:
    with pytest.raises(UsageError, match="batch_size is 0"):
        IndexOptions(batch_size=0)


def test_hostile_files_never_stop_a_run(
    run: Run, db: Path, photos: Path, paint: Paint, tmp_path: Path
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
    run: Run, db: Path, photos: Path, paint: Paint
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


def test_a_run_makes_lists_for_dense_search_from_the_size_it_is_told(
    run: Run, db: Path, photos: Path
) -> None:
    pytest.importorskip("faiss")
    assert run(lists_from=0).notes == ()
    with Snapshot.open(db) as snapshot:
        assert snapshot.lists is None
    assert run(lists_from=5).notes == ()
    with Snapshot.open(db) as snapshot:
        assert snapshot.lists is not None
        assert snapshot.lists.record.facts.images == 5


def test_a_stopped_run_makes_no_lists(db: Path, photos: Path, toy_model: Model) -> None:
    options = IndexOptions(lists_from=1, batch_size=2)
    asked = iter([False, True])
    index_folders(
        [photos], directory=db, model=toy_model, options=options, stop=lambda: next(asked)
    )
    with Snapshot.open(db) as snapshot:
        assert snapshot.lists is None


def test_pooled_tokens_are_kept_by_later_runs_and_never_mixed(
    run: Run, db: Path, photos: Path, paint: Paint
) -> None:
    run(pool_tokens=2)

    def counts() -> list[int]:
        with Snapshot.open(db) as snapshot:
            assert factor_of(snapshot.identity) in (1, 2, 4)
            bounds = [np.asarray(one.sections("tokens")["offsets"]) for one in snapshot.segments]
            return [int(n) for offsets in bounds for n in np.diff(offsets.astype(int))]

    assert len(counts()) == 5
    assert max(counts()) == 2
    paint(photos / "new.png", 77)
    assert run().encoded == 1
    assert run(pool_tokens=2).encoded == 0
    assert max(counts()) == 2
    for other in (1, 4):
        with pytest.raises(WrongModel, match=rf"1 of every 2 tokens.*--pool-tokens {other} was"):
            run(pool_tokens=other)
    assert run(force=True).encoded == 6
    assert max(counts()) == 2
    assert run(force=True, pool_tokens=1).encoded == 6
    with Snapshot.open(db) as snapshot:
        assert factor_of(snapshot.identity) == 1
    with pytest.raises(WrongModel, match=r"1 of every 1 tokens"):
        run(pool_tokens=2)


@pytest.mark.parametrize("factor", [0, 17])
def test_a_factor_out_of_range_is_refused(factor: int) -> None:
    with pytest.raises(UsageError, match="pool_tokens is"):
        IndexOptions(pool_tokens=factor)
