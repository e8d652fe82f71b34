"""Damage is seen, named and mended without encoding."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from lexsearch.bundle.check import check
from lexsearch.bundle.container import FILE_NAMES
from lexsearch.bundle.records import RunRecord
from lexsearch.bundle.repair import repair
from lexsearch.errors import IndexDamaged, IndexMissing, LexsearchError
from lexsearch.types import ROLES

KINDS = ("FORMAT.json", "lexical.lxs", "dense.lxd", "tokens.lxt", "ids.lxi", "seg.json")


def file_of(library: Any, kind: str) -> Path:
    found: Path = next(iter(sorted(library.directory.rglob(kind))))
    return found


def flip(path: Path, place: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(data)


@pytest.mark.parametrize("kind", KINDS)
def test_one_flipped_bit_anywhere_is_seen(damaged_library: Any, kind: str) -> None:
    damaged_library.make({b"/a.jpg": "a", b"/b.jpg": "b"})
    path = file_of(damaged_library, kind)
    size = path.stat().st_size
    for place in range(0, size, max(1, size // 97)):
        flip(path, place, place % 8)
        report = check(damaged_library.directory, read_data=True)
        assert any(kind in str(problem) for problem in report.problems), (place, report)
        flip(path, place, place % 8)
    assert check(damaged_library.directory, read_data=True).problems == ()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_gone_or_cut_is_seen_without_reading_data(
    damaged_library: Any, kind: str
) -> None:
    damaged_library.make({b"/a.jpg": "a"})
    path = file_of(damaged_library, kind)
    path.write_bytes(path.read_bytes()[:-1])
    assert any(kind in str(one) for one in check(damaged_library.directory).problems)
    path.unlink()
    if kind == "FORMAT.json":
        with pytest.raises(IndexMissing):
            check(damaged_library.directory)
    else:
        assert any(kind in str(one) for one in check(damaged_library.directory).problems)


def test_flipped_bits_of_the_catalog_are_seen_or_harmless(damaged_library: Any) -> None:
    library = damaged_library
    library.make({b"/photos/%d.jpg" % i: str(i) for i in range(20)})
    path = library.directory / "catalog.sqlite"
    before, paths = library.answers(), library.paths()
    sound = path.read_bytes()
    for place in range(0, len(sound), 211):
        flip(path, place, place % 8)
        try:
            problems = check(library.directory, read_data=True).problems
        except LexsearchError:
            problems = ("refused",)
        if not problems:
            assert (library.answers(), library.paths()) == (before, paths), place
        path.write_bytes(sound)


def test_a_row_that_changed_inside_a_sound_file_is_seen(damaged_library: Any) -> None:
    damaged_library.make({b"/a.jpg": "a"})
    with sqlite3.connect(damaged_library.directory / "catalog.sqlite") as connection:
        connection.execute("UPDATE image SET path = ?", [b"/b.jpg"])
    connection.close()
    assert check(damaged_library.directory).problems == ()
    (problem,) = check(damaged_library.directory, read_data=True).problems
    assert "1 rows of image are not what was written" in str(problem)
    with pytest.raises(IndexDamaged, match="image is not what was written"):
        damaged_library.paths()


def test_a_sound_index_has_nothing_to_mend(library: Any) -> None:
    library.make({b"/a.jpg": "a", b"/a2.jpg": "a"})
    report = check(library.directory)
    assert (report.images, report.problems, report.orphans) == (1, (), ())
    mended = repair(library.directory)
    assert (mended.actions, mended.images, mended.forgotten) == ((), 1, 0)


def test_leftovers_are_orphans_not_problems(library: Any) -> None:
    library.make({b"/a.jpg": "a"})
    left = library.directory / "segments" / ("0" * 26 + ".tmp")
    left.mkdir()
    report = check(library.directory, read_data=True)
    assert (report.problems, report.orphans) == ((), (left,))
    library.open().close()
    assert not left.exists()


def test_no_index_cannot_be_checked(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing):
        check(tmp_path)
    with pytest.raises(IndexMissing):
        repair(tmp_path)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_a_bad_segment_is_set_aside_and_only_its_pictures_are_forgotten(
    library: Any, kind: str
) -> None:
    library.make({b"/a.jpg": "a", b"/b.jpg": "b"}, {b"/c.jpg": "c"})
    before = library.answers()
    path = file_of(library, kind)
    flip(path, path.stat().st_size // 2)
    planned = repair(library.directory, dry_run=True)
    assert planned.dry_run and planned.actions
    assert path.exists()
    report = repair(library.directory)
    assert (report.images, report.forgotten) == (1, 2)
    assert report.actions == planned.actions
    assert library.paths() == [b"/c.jpg"]
    assert list((library.directory / "quarantine").rglob(kind))
    with library.open() as writer:
        assert writer.known_contents() == {library.digest("c")}
        writer.commit(library.batch({b"/a.jpg": "a", b"/b.jpg": "b"}))
    assert library.answers() == before


@pytest.mark.parametrize("how", ["gone", "cut", "zeros", "row", "all"])
def test_a_bad_catalog_is_made_anew_from_the_segments(library: Any, how: str) -> None:
    library.make({b"/a.jpg": "a", b"/caf\xe9.jpg": "b"}, {b"/c.jpg": "c"}, {b"/a.jpg": "a"})
    with library.open() as writer:
        writer.add_roots([b"/photos"])
        writer.finish(RunRecord("2026-01-01T00:00:00+00:00", 1.0))
    before, paths = library.answers(), library.paths()
    path = library.directory / "catalog.sqlite"
    if how == "row":
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE content SET width = 9 WHERE position = 1")
        connection.close()
    elif how in ("gone", "all"):
        path.unlink()
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    else:
        path.write_bytes(path.read_bytes()[:4096] + bytes(path.stat().st_size - 4096))
    if how == "all":
        (library.directory / "FORMAT.json").unlink()
        shutil.rmtree(library.directory / "quarantine", ignore_errors=True)
    report = repair(library.directory)
    assert (report.images, report.forgotten) == (3, 0)
    assert (library.answers(), library.paths()) == (before, paths)
    with library.snapshot() as snapshot:
        assert snapshot.generation > 3
        assert snapshot.roots() == [b"/photos"]
        assert len(snapshot.runs()) == (1 if how == "row" else 0)


def test_a_rename_after_the_segment_survives_when_the_rows_of_paths_do(library: Any) -> None:
    library.make({b"/a.jpg": "a"})
    with library.open() as writer:
        writer.commit(library.batch({b"/new.jpg": "a"}, encode=False, removed=(b"/a.jpg",)))
    with sqlite3.connect(library.directory / "catalog.sqlite") as connection:
        connection.execute("UPDATE config SET value = '7' WHERE key = 'generation'")
    connection.close()
    repair(library.directory)
    assert library.paths() == [b"/new.jpg"]


def test_a_lost_format_file_is_written_anew(library: Any) -> None:
    library.make({b"/a.jpg": "a"})
    before = library.answers()
    flip(library.directory / "FORMAT.json", 20)
    report = repair(library.directory)
    assert report.actions == ("write FORMAT.json anew",)
    assert library.answers() == before


def test_with_nothing_left_the_way_out_is_named(damaged_library: Any) -> None:
    library = damaged_library
    library.make({b"/a.jpg": "a"})
    (library.directory / "catalog.sqlite").unlink()
    flip(file_of(library, "seg.json"), 30)
    with pytest.raises(IndexDamaged, match="remove it and index again"):
        repair(library.directory)


def test_a_search_over_damaged_arrays_is_an_error_not_an_answer(damaged_library: Any) -> None:
    library = damaged_library
    library.make({b"/a.jpg": "a", b"/b.jpg": "b"})
    with library.snapshot() as snapshot:
        segment = snapshot.segments[0]
        sections = {FILE_NAMES[role]: segment.sections(role) for role in ROLES}
    for kind in KINDS[1:4]:
        path = file_of(library, kind)
        place = 64 * (1 + len(sections[kind]))  # the first byte after header and table
        flip(path, place)
        with pytest.raises(IndexDamaged, match=rf"{kind}.*lexsearch repair"):
            library.answers()
        flip(path, place)


def test_a_repair_that_fails_at_any_call_can_be_repeated(
    library: Any, faulty_disk: Any, crash: BaseException
) -> None:
    library.make({b"/a.jpg": "a"}, {b"/b.jpg": "b"})
    before = library.answers()
    path = library.directory / "catalog.sqlite"
    for n in range(1, 100):
        if path.exists() and n % 2:
            path.write_bytes(path.read_bytes()[:4096] + bytes(path.stat().st_size - 4096))
        try:
            report = repair(library.directory, disk=faulty_disk(n, crash))
        except type(crash):
            continue
        assert report.forgotten == 0
        assert library.answers() == before
        if report.actions:
            break
    assert 5 < n < 99


def test_the_newer_segment_says_what_a_path_holds(library: Any) -> None:
    library.make({b"/a.jpg": "a", b"/b.jpg": "b"}, {b"/a.jpg": "edited"})
    before, paths = library.answers(), library.paths()
    (library.directory / "catalog.sqlite").unlink()
    repair(library.directory)
    assert (library.answers(), library.paths()) == (before, paths)
