"""A run that is stopped, breaks off or may not begin loses nothing that was committed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from indexer.pipeline import IndexOptions, index_folders
from indexer.progress import Progress
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.errors import IndexLocked, StorageError
from lexsearch.protocols import Model

Indexed = Callable[[Path, Path], list[str]]
ALL = ["0.png", "1.png", "2.png", "trip/3.jpg", "trip/4.jpg"]


@pytest.mark.parametrize("size", [1, 2, 5, 256])
def test_every_batch_size_gives_the_same_index(
    db: Path, photos: Path, toy_model: Model, size: int, counting: type[Any], indexed: Indexed
) -> None:
    model = counting(toy_model)
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
    db: Path, photos: Path, toy_model: Model, counting: type[Any], indexed: Indexed
) -> None:
    options = IndexOptions(batch_size=2)
    model = counting(toy_model)
    first = index_folders(
        [photos], directory=db, model=model, options=options, stop=lambda: bool(model.batches)
    )
    assert (first.interrupted, first.encoded) == (True, 2)
    assert indexed(db, photos) == ALL[:2]
    second = index_folders([photos], directory=db, model=toy_model, options=options)
    assert (second.interrupted, second.encoded, second.unchanged) == (False, 3, 2)
    assert indexed(db, photos) == ALL


def test_a_stop_during_the_last_batch_is_no_interruption(
    db: Path, photos: Path, toy_model: Model, counting: type[Any]
) -> None:
    model = counting(toy_model)
    report = index_folders([photos], directory=db, model=model, stop=lambda: bool(model.batches))
    assert (report.interrupted, report.encoded) == (False, 5)


def test_a_stop_before_the_first_picture_encodes_none(
    db: Path, photos: Path, toy_model: Model
) -> None:
    report = index_folders([photos], directory=db, model=toy_model, stop=lambda: True)
    assert (report.interrupted, report.encoded) == (True, 0)


@pytest.mark.parametrize("batch", [0, 1, 2])
def test_a_crash_loses_at_most_its_batch_and_resumes_in_the_same_batches(
    db: Path, photos: Path, toy_model: Model, batch: int, counting: type[Any], indexed: Indexed
) -> None:
    options = IndexOptions(batch_size=2)
    with pytest.raises(KeyboardInterrupt):
        index_folders(
            [photos], directory=db, model=counting(toy_model, fail_at=batch), options=options
        )
    assert indexed(db, photos) == ALL[: 2 * batch]
    model = counting(toy_model)
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
    db: Path, photos: Path, toy_model: Model, counting: type[Any]
) -> None:
    model = counting(Huge(toy_model))
    with pytest.raises(StorageError, match="too little room"):
        index_folders([photos], directory=db, model=model)
    assert model.batches == []


def test_a_stopped_run_makes_no_lists(db: Path, photos: Path, toy_model: Model) -> None:
    options = IndexOptions(lists_from=1, batch_size=2)
    asked = iter([False, True])
    index_folders(
        [photos], directory=db, model=toy_model, options=options, stop=lambda: next(asked)
    )
    with Snapshot.open(db) as snapshot:
        assert snapshot.lists is None


@pytest.mark.parametrize("segments", [3, 8])
def test_a_picture_that_comes_back_is_there_still_when_a_run_merges_before_it(
    tmp_path: Path, toy_model: Model, paint: Callable[..., Path], indexed: Indexed,
    monkeypatch: pytest.MonkeyPatch, segments: int,
) -> None:  # fmt: skip
    def run() -> None:
        options = IndexOptions(batch_size=1, isolate=False)
        index_folders([photos], directory=tmp_path / "db", model=toy_model, options=options)

    photos = tmp_path / "photos"
    for i in range(6):
        paint(photos / f"a{i}.png", i)
    data = paint(photos / "z.png", 99).read_bytes() + bytes(500)  # a size that no other has
    (photos / "z.png").write_bytes(data)
    run()
    (photos / "z.png").unlink()
    run()
    monkeypatch.setattr("lexsearch.bundle.compact.KEEP_REMOVED_S", -5)  # removed long ago
    monkeypatch.setattr("lexsearch.bundle.compact.SMALL_SEGMENTS", 1)
    monkeypatch.setattr("lexsearch.bundle.writer.MOST_SMALL_SEGMENTS", segments)
    for i in range(4):
        paint(photos / f"b{i}.png", 10 + i)
    (photos / "z.png").write_bytes(data)
    run()
    assert indexed(tmp_path / "db", photos) == sorted(path.name for path in photos.iterdir())
