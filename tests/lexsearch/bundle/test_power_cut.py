"""A power cut takes what was not asked to be on the disk, and nothing that was reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lexsearch.bundle.repair import repair
from lexsearch.errors import IndexMissing

NEVER = 10**9
Act = Callable[[Any], object]


def test_what_a_commit_reported_survives_a_power_cut(
    library: Any, forgetful_disk: Any, crash: BaseException
) -> None:
    library.directory = library.directory / "in" / "new" / "folders"
    disk = forgetful_disk(NEVER, crash)
    with library.open(disk=disk) as writer:
        writer.commit(library.batch({b"/a.jpg": "a"}))
        writer.commit(library.batch({b"/b.jpg": "b"}, removed=(b"/a.jpg",)))
    disk.lose()
    assert library.paths() == [b"/b.jpg"]
    assert library.is_sound()


@pytest.mark.parametrize("what", ["commit", "merge"])
def test_a_power_cut_at_any_call_leaves_a_whole_commit(
    library: Any, forgetful_disk: Any, crash: BaseException, what: str
) -> None:
    library.make(*({b"/%d.jpg" % i: str(i)} for i in range(9)))
    old = library.answers()

    def act(writer: Any) -> None:
        if what == "merge":
            writer.compact()
        else:
            writer.commit(library.batch({b"/new.jpg": "new"}))

    for n in range(1, 1000):
        disk = forgetful_disk(NEVER, crash)
        writer = library.open(disk=disk)
        disk.calls, disk.fail_at = 0, n
        finished = False
        try:
            act(writer)
            finished = True
        except type(crash):
            pass
        finally:
            disk.fail_at = NEVER
            writer.close()
        disk.lose()
        if finished:
            break
        assert library.answers() == old
        assert library.is_sound()
    assert n > 15
    assert len(library.answers()) == (9 if what == "merge" else 10)


def test_a_power_cut_at_any_call_of_the_creation_leaves_nothing_or_an_index(
    library: Any, forgetful_disk: Any, crash: BaseException
) -> None:
    for n in range(1, 1000):
        library.directory = library.directory.with_name(f"index-{n}")
        disk = forgetful_disk(n, crash)
        finished = False
        try:
            library.open(disk=disk).close()
            finished = True
        except type(crash):
            pass
        disk.lose()
        try:
            with library.snapshot() as snapshot:
                assert len(snapshot) == 0
        except IndexMissing:
            assert not finished
        if finished:
            break
        library.make({b"/a.jpg": "a"})
        assert library.paths() == [b"/a.jpg"]
    assert n > 10


def test_a_power_cut_at_any_call_of_a_repair_leaves_one_that_can_be_repaired(
    library: Any, forgetful_disk: Any, crash: BaseException
) -> None:
    library.make({b"/a.jpg": "a"}, {b"/b.jpg": "b"})
    before = library.answers()
    path = library.directory / "catalog.sqlite"
    path.write_bytes(path.read_bytes()[:4096] + bytes(path.stat().st_size - 4096))
    for n in range(1, 200):
        disk = forgetful_disk(n, crash)
        try:
            repair(library.directory, disk=disk)
        except type(crash):
            disk.lose()
            continue
        disk.lose()
        break
    assert 5 < n < 199
    repair(library.directory)
    assert library.answers() == before
