"""Merging segments changes no answer."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from lexsearch.bundle import compact
from lexsearch.bundle.writer import MOST_SMALL_SEGMENTS
from lexsearch.errors import StorageError


def fill(library: Any, n: int) -> None:
    library.make(*({b"/%d/%d.jpg" % (i, j): f"{i}-{j}" for j in range(3)} for i in range(n)))


def test_many_small_segments_become_one_with_the_same_bytes(library: Any) -> None:
    fill(library, 12)
    before, paths = library.answers(), library.paths()
    with library.open() as writer:
        assert writer.compact() == 12
        assert writer.compact() == 0
    with library.snapshot() as snapshot:
        assert len(snapshot.segments) == 1
    assert (library.answers(), library.paths()) == (before, paths)


def test_few_segments_are_left_alone(library: Any) -> None:
    fill(library, compact.SMALL_SEGMENTS)
    with library.open() as writer:
        assert writer.compact() == 0


def test_dropped_files_go_after_the_time_of_grace(library: Any) -> None:
    fill(library, 9)
    folder = library.directory / "segments"
    with library.open() as writer:
        writer.compact()
        assert len(list(folder.iterdir())) == 10
        library.clock.now += 59
        writer.collect_garbage()
        assert len(list(folder.iterdir())) == 10
        library.clock.now += 2
        writer.collect_garbage()
        assert len(list(folder.iterdir())) == 1


def test_pictures_removed_long_ago_lose_their_rows(library: Any) -> None:
    fill(library, 2)
    kept = b"/0/0.jpg"
    gone = tuple(path for path in library.paths() if path != kept)
    with library.open() as writer:
        writer.commit(library.batch(removed=gone))
        assert writer.compact() == 0
        assert len(writer.known_contents()) == 6
        library.clock.now += compact.KEEP_REMOVED_S + 1
        assert writer.compact() == 2
        assert len(writer.known_contents()) == 1
    with library.snapshot() as snapshot:
        assert [len(s.image_ids) for s in snapshot.segments] == [1]
        assert snapshot.segments[0].live is None
    assert library.paths() == [kept]


def test_a_segment_without_a_picture_goes_altogether(library: Any) -> None:
    library.make({b"/a.jpg": "a"})
    with library.open() as writer:
        writer.commit(library.batch(removed=(b"/a.jpg",)))
        library.clock.now += compact.KEEP_REMOVED_S + 1
        assert writer.compact() == 1
    with library.snapshot() as snapshot:
        assert snapshot.segments == ()


def test_a_long_run_merges_by_itself(library: Any) -> None:
    fill(library, MOST_SMALL_SEGMENTS + 1)
    with library.snapshot() as snapshot:
        assert len(snapshot.segments) == 1
        assert len(snapshot) == 3 * (MOST_SMALL_SEGMENTS + 1)


@pytest.mark.parametrize("kind", ["error", "crash"])
def test_a_merge_that_fails_at_any_call_changes_nothing(
    library: Any, faulty_disk: Any, crash: BaseException, kind: str
) -> None:
    fill(library, 9)
    before = library.answers()
    error = crash if kind == "crash" else OSError(errno.EIO, "Input/output error")
    for n in range(1, 1000):
        disk = faulty_disk(10**9, error)
        writer = library.open(disk=disk)
        disk.calls, disk.fail_at = 0, n
        try:
            writer.compact()
            break
        except (StorageError, type(crash)):
            assert library.answers() == before
            assert library.is_sound()
        finally:
            writer.close()
    assert n > 15
    assert library.answers() == before
