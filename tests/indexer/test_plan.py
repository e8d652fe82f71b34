"""A plan reads only what may have changed and gives every file one fate."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.found import FoundFile, FoundFiles
from indexer.known import Known
from indexer.plan import Plan, plan
from indexer.reading import Unreadable
from indexer.scan import ScanResult
from lexsearch.bundle.records import KnownFile, SkippedFile
from lexsearch.errors import UsageError

ROOT = b"/photos"
NAMES = st.text("ab/.", min_size=1, max_size=4).map(lambda name: f"n{name}")


def digest(content: str) -> bytes:
    return hashlib.sha256(content.encode()).digest()


def found_file(name: str, content: str, *, mtime: int = 1, inode: int = 1) -> FoundFile:
    return FoundFile(b"/photos/" + name.encode(), len(content), mtime, inode, ROOT)


def known_file(name: str, content: str, *, mtime: int = 1, inode: int = 1) -> KnownFile:
    file = found_file(name, content, mtime=mtime, inode=inode)
    return KnownFile(file.path, file.size, mtime, inode, digest(content), ROOT)


class Disk:
    """Contents by name, and a count of the files that were read."""

    def __init__(self, **contents: str) -> None:
        self.contents = contents
        self.read: list[str] = []

    def sha256_of(self, path: bytes) -> bytes:
        name = path.decode().removeprefix("/photos/")
        self.read.append(name)
        if name not in self.contents:
            raise Unreadable("is not there")
        return digest(self.contents[name])

    def plan(
        self,
        known: Iterable[KnownFile] = (),
        *,
        skipped: Iterable[SkippedFile] = (),
        mtime: int = 1,
        missing: tuple[bytes, ...] = (),
        unread: tuple[bytes, ...] = (),
        roots: tuple[bytes, ...] = (ROOT,),
        **options: bool,
    ) -> Plan:
        files = [found_file(n, c, mtime=mtime) for n, c in sorted(self.contents.items())]
        return plan(
            ScanResult(roots, missing, FoundFiles(files), [], unread),
            Known.of(known, skipped),
            sha256_of=self.sha256_of,
            **options,
        )


def paths(made: Plan) -> list[bytes]:
    return [one.file.path for one in made.pending]


def test_a_first_run_decodes_everything_and_hashes_nothing() -> None:
    disk = Disk(a="x", b="y")
    made = disk.plan()
    assert paths(made) == [b"/photos/a", b"/photos/b"]
    assert {one.kind for one in made.pending} == {"new"}
    assert disk.read == []


def test_a_second_run_reads_nothing() -> None:
    disk = Disk(a="x", b="y")
    made = disk.plan([known_file("a", "x"), known_file("b", "y")])
    assert (paths(made), made.settled, made.leaving, disk.read) == ([], [], [], [])
    assert made.unchanged == 2


def test_rehash_reads_everything_and_sees_what_size_and_time_hide() -> None:
    disk = Disk(a="x", b="z")
    made = disk.plan([known_file("a", "x"), known_file("b", "y")], rehash=True)
    assert (made.unchanged, made.touched) == (1, 0)
    assert [(one.kind, one.was_known) for one in made.pending] == [("changed", True)]


def test_a_touched_file_keeps_its_vectors() -> None:
    made = Disk(a="x").plan([known_file("a", "x", mtime=5)])
    assert (made.unchanged, made.touched, paths(made)) == (1, 1, [])
    assert [file.mtime_ns for file in made.settled] == [1]


def test_an_inode_of_zero_is_no_inode() -> None:
    disk = Disk(a="x")
    assert disk.plan([known_file("a", "x", inode=0)]).unchanged == 1
    assert disk.read == []
    assert disk.plan([known_file("a", "x", inode=7)]).touched == 1


def test_a_renamed_file_moves_its_vectors() -> None:
    made = Disk(b="x").plan([known_file("a", "x")])
    assert (made.moved, made.removed, made.new) == (1, 0, 0)
    assert made.leaving == [b"/photos/a"]
    assert [(file.path, file.sha256) for file in made.settled] == [(b"/photos/b", digest("x"))]


def test_a_copy_is_new_and_a_duplicate() -> None:
    made = Disk(a="x", b="x").plan([known_file("a", "x")])
    assert (made.new, made.duplicates, made.moved, made.unchanged) == (1, 1, 0, 1)
    assert paths(made) == []


def test_of_two_copies_of_a_file_that_left_one_has_moved() -> None:
    made = Disk(b="x", c="x").plan([known_file("a", "x")])
    assert (made.moved, made.new, made.duplicates, made.removed) == (1, 1, 1, 0)


def test_swapped_names_are_two_changes_without_encoding() -> None:
    made = Disk(a="y", b="x").plan([known_file("a", "x", inode=2), known_file("b", "y", inode=3)])
    assert (made.changed, made.moved, paths(made)) == (2, 0, [])
    assert len(made.settled) == 2


def test_a_file_that_made_room_for_another_has_moved() -> None:
    made = Disk(a="new", b="x").plan([known_file("a", "x")])
    assert made.moved == 1
    assert [(one.file.path, one.kind) for one in made.pending] == [(b"/photos/a", "changed")]


def test_a_file_of_another_size_is_not_hashed_here() -> None:
    disk = Disk(a="x", b="longer")
    disk.plan([known_file("a", "x")])
    assert disk.read == []


def test_force_makes_everything_pending() -> None:
    made = Disk(a="x", b="y").plan([known_file("a", "x")], force=True)
    assert [one.kind for one in made.pending] == ["unchanged", "new"]


def test_a_file_that_is_gone_leaves() -> None:
    made = Disk(a="x").plan([known_file("a", "x"), known_file("b", "y")])
    assert (made.removed, made.leaving) == (1, [b"/photos/b"])


def test_only_what_lies_below_the_roots_leaves() -> None:
    other = known_file("b", "y")._replace(path=b"/photos2/b")
    made = Disk(a="x").plan([known_file("a", "x"), other])
    assert made.leaving == []


def test_what_may_lie_in_an_unreadable_folder_stays() -> None:
    known = [known_file("a", "x"), known_file("dark/b", "y")]
    made = Disk(a="x").plan(known, unread=(b"/photos/dark",))
    assert made.leaving == []


@pytest.mark.parametrize("missing", [(), (ROOT,)])
def test_a_root_that_is_empty_or_gone_removes_nothing_and_says_so(
    missing: tuple[bytes, ...],
) -> None:
    known = [known_file("a", "x")]
    made = Disk().plan(known, missing=missing)
    assert made.leaving == []
    assert "1 images indexed below it were kept" in made.notes[0]
    assert "lexsearch index --prune /photos" in made.notes[0]
    assert Disk().plan(known, missing=missing, prune=True).leaving == [b"/photos/a"]


def test_a_missing_root_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(UsageError, match="no such folder or file: /photos"):
        Disk().plan(missing=(ROOT,), prune=True)


def test_each_root_is_judged_by_itself() -> None:
    usb = known_file("b", "y")._replace(path=b"/usb/b", root=b"/usb")
    made = Disk(a="x").plan(
        [known_file("a", "x"), known_file("z", "z"), usb], roots=(ROOT, b"/usb"), missing=(b"/usb",)
    )
    assert made.leaving == [b"/photos/z"]
    assert len(made.notes) == 1


def failure(content: str, *, mtime: int = 1, settled: bool = True) -> SkippedFile:
    sha256 = digest(content) if settled else None
    return SkippedFile(b"/photos/a", "is bad", len(content), mtime, sha256)


def test_a_file_that_failed_is_not_tried_again() -> None:
    disk = Disk(a="x")
    made = disk.plan(skipped=[failure("x")])
    assert (paths(made), [one.reason for one in made.skipped]) == ([], ["is bad"])
    assert disk.read == []


def test_a_touched_failure_is_hashed_but_not_tried_again() -> None:
    made = Disk(a="x").plan(skipped=[failure("x", mtime=9)])
    assert paths(made) == []
    assert [one.mtime_ns for one in made.restated] == [1]


def test_a_failure_with_other_bytes_is_tried_again() -> None:
    (one,) = Disk(a="z").plan(skipped=[failure("x", mtime=9)]).pending
    assert one.was_skipped


def test_a_failure_that_was_not_the_fault_of_the_bytes_is_tried_again() -> None:
    assert Disk(a="x").plan(skipped=[failure("x", settled=False)]).pending


def test_a_failure_that_is_gone_is_forgotten() -> None:
    made = Disk(b="x").plan(skipped=[failure("x")])
    assert made.unskipped == [b"/photos/a"]


def test_a_failure_replaced_by_a_known_picture_is_forgotten() -> None:
    made = Disk(a="xx").plan([known_file("b", "xx")], skipped=[failure("x")])
    assert made.unskipped == [b"/photos/a"]
    assert made.moved == 1


def test_a_file_that_cannot_be_hashed_is_left_to_the_decoder() -> None:
    disk = Disk()
    made = plan(
        ScanResult((ROOT,), (), FoundFiles([found_file("a", "x")]), [], ()),
        Known.of([known_file("a", "y", mtime=9)]),
        sha256_of=disk.sha256_of,
    )
    assert [one.kind for one in made.pending] == ["changed"]


@given(st.sets(NAMES), st.sets(NAMES))
def test_each_path_of_either_side_has_its_fate(here: set[str], indexed: set[str]) -> None:
    made = Disk(**dict.fromkeys({*here, "kept"}, "x")).plan(
        [known_file(name, "x") for name in {*indexed, "kept"}]
    )
    assert made.unchanged == len(here & indexed) + 1
    assert made.leaving == sorted(b"/photos/" + name.encode() for name in indexed - here)
    settled = [file.path for file in made.settled]
    assert settled == sorted(b"/photos/" + name.encode() for name in here - indexed)


def test_a_second_missing_root_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(UsageError, match="no such folder or file: /elsewhere"):
        Disk(a="x").plan(
            [known_file("a", "x")], roots=(b"/elsewhere", ROOT), missing=(b"/elsewhere", ROOT)
        )
