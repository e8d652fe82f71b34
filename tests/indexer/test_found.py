"""Files in columns are those that were put in."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from indexer.found import FoundFile, FoundFiles
from indexer.pending import KINDS, Pending, PendingFiles

BITS = {"min_value": -(2**63), "max_value": 2**63 - 1}
FILES = st.builds(
    FoundFile,
    st.binary(min_size=1, max_size=4),
    st.integers(0, 2**63 - 1),
    st.integers(**BITS),
    st.integers(0, 2**64 - 1),
    st.sampled_from([b"/a", b"/b", b"/"]),
)
LISTS = st.lists(FILES, unique_by=lambda file: file.path)


@given(LISTS)
def test_they_come_out_as_they_went_in(files: list[FoundFile]) -> None:
    held = FoundFiles(files)
    assert len(held) == len(files)
    assert list(held) == files
    assert [held[i] for i in range(len(files))] == files
    assert held[1:-1] == files[1:-1]
    assert list(held.paths) == [file.path for file in files]
    assert set(held.roots) == {file.root for file in files}


@given(LISTS, st.binary(min_size=1, max_size=4))
def test_they_are_sorted_by_path(files: list[FoundFile], path: bytes) -> None:
    held = FoundFiles(files)
    held.sort()
    assert list(held) == sorted(files)
    for one in (path, *(file.path for file in files)):
        assert held.has(one) == (one in {file.path for file in files})


def test_longer_numbers_are_cut_as_an_index_cuts_them() -> None:
    (file,) = FoundFiles([FoundFile(b"/a", 1, 2**63, 2**70 + 5, b"/")])
    assert (file.mtime_ns, file.inode) == (-(2**63), 5)


@given(LISTS, st.data())
def test_what_is_pending_is_what_was_put_in(files: list[FoundFile], data: st.DataObject) -> None:
    found = FoundFiles(files)
    pending, expected = PendingFiles(found), list[Pending]()
    for place, file in enumerate(files):
        if data.draw(st.booleans()):
            kind = data.draw(st.sampled_from(KINDS))
            known, skipped, killed = (data.draw(st.booleans()) for _ in range(3))
            pending.append(place, kind, was_known=known, was_skipped=skipped, was_killed=killed)
            expected.append(Pending(file, kind, known, skipped, killed))
    assert list(pending) == expected
    assert pending[1:] == expected[1:]
    assert len(pending) == len(expected)
    assert pending.path_bytes == sum(len(one.file.path + one.file.root) for one in expected)


def test_a_file_takes_little_memory_beside_its_path() -> None:
    paths = [b"/photos/%09d.jpg" % i for i in range(20_000)]
    tracemalloc.start()
    held = FoundFiles(FoundFile(path, i, i, i, b"/photos") for i, path in enumerate(paths))
    held.sort()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / len(paths) < 48
