"""What a library holds, and the filters that its lists stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lexsearch.bundle.conditions import MAX_GLOB, predicate
from lexsearch.bundle.records import ImageRecord
from ui.overview import Folder, overview, path_filter, pruned, tree
from ui.views.holdings import cells, filters_of, groups


def record(id: int, path: bytes, **more: Any) -> ImageRecord:
    values = {"taken": None, "camera": None, "gps": None, "thumb_hash": None} | more
    return ImageRecord(id, b"", (path,), 4, 3, size=1, mtime_ns=1, **values)


def test_folders_count_what_is_in_and_below_them() -> None:
    (top,) = tree({b"/p": 1, b"/p/a": 2, b"/p/a/x": 3, b"/p/b": 4}, [b"/p"])
    assert top == Folder(
        b"/p", 10, (Folder(b"/p/a", 5, (Folder(b"/p/a/x", 3),)), Folder(b"/p/b", 4))
    )


def test_a_folder_that_holds_only_one_other_is_left_out() -> None:
    (top,) = tree({b"/p/2024/07/sea": 2, b"/p": 1}, [b"/p"])
    assert [one.path for one in top.inside] == [b"/p/2024/07/sea"]
    assert top.files == 3


def test_roots_are_the_tops_and_a_stranger_is_its_own() -> None:
    tops = tree({b"/p/a": 1, b"/pa": 2, b"/q": 3}, [b"/p", b"/p/a"])
    assert [(one.path, one.files) for one in tops] == [(b"/p", 1), (b"/pa", 2), (b"/q", 3)]


def test_a_huge_tree_is_cut_by_whole_levels() -> None:
    deep = tree({b"/p/%d/%d" % (i, j): 1 for i in range(4) for j in range(9)}, [b"/p"])
    assert pruned(deep, 41) == (deep, False)
    cut, is_cut = pruned(deep, 40)
    assert is_cut
    assert [len(one.inside) for one in cut[0].inside] == [0] * 4
    assert [one.files for one in cut[0].inside] == [9] * 4


@pytest.mark.parametrize(
    "folder", [b"/p/a", b"/p/[2024] what?", b"/p/*", b"/p/\xff\xfe", b"/", b"/p/" + 300 * b"long["]
)
def test_the_filter_of_a_folder_admits_its_files_and_no_others(folder: bytes) -> None:
    value = path_filter(folder)
    assert len(value) <= MAX_GLOB
    value.encode("utf-8")  # it stands in an address
    meets = predicate(path_glob=value, type_=None, camera=None)
    assert meets(folder.rstrip(b"/") + b"/x.jpg", None, None)
    assert meets(folder.rstrip(b"/") + b"/deep/er/x.jpg", None, None)
    if folder != b"/":
        assert not meets(folder + b"2/x.jpg", None, None)
        assert not meets(b"/elsewhere/x.jpg", None, None)


def test_pictures_are_counted_by_year_camera_and_type_newest_first() -> None:
    held = overview(
        7,
        [b"/p"],
        [
            record(1, b"/p/a.JPG", taken="2023-05-01T10:00:00", camera="Lumo"),
            record(2, b"/p/b.jpg", taken="2024-05-01T10:00:00", camera="Lumo", gps=(41.0, 1.0)),
            record(3, b"/p/c.png"),
        ],
    )
    assert held.newest.tolist() == [2, 1, 3]
    assert held.years == {"2024": 1, "2023": 1}
    assert held.cameras == {"Lumo": 2}
    assert held.types == {"jpg": 2, "png": 1}
    assert held.inside(40.0, 41.0, 1.0, 2.0).tolist() == [2]
    assert held.inside(41.1, 42.0, 1.0, 2.0).tolist() == []


def test_an_empty_library_has_nothing() -> None:
    held = overview(0, [], [])
    assert (held.folders, len(held.newest), len(held.places)) == ((), 0, 0)
    assert [group["entries"] for group in groups(held)] == [[]]


def test_a_click_on_a_year_is_a_span_of_time() -> None:
    assert filters_of("year", "2024") == {"after": "2024", "before": "2025"}
    assert filters_of("camera", "Lumo X1") == {"camera": "Lumo X1"}
    assert filters_of("q", "x") == {}


def test_names_of_folders_reach_the_page_without_control_characters(tmp_path: Path) -> None:
    held = overview(1, [b"/p"], [record(1, b"/p/a\x1b[2J/x.jpg")])
    (top,) = groups(held)[0]["entries"]
    assert top["inside"][0]["label"].startswith("a")
    assert "\x1b" not in top["inside"][0]["label"]


def test_many_places_become_cells_that_lose_no_picture() -> None:
    many = [record(i, b"/p/%d" % i, gps=(i / 7000, (i * 7919 % 5000) / 90)) for i in range(5_000)]
    held = overview(1, [b"/p"], many)
    points, step = cells(held)
    assert len(points) <= 2_000
    assert step > 0
    assert sum(one["pictures"] for one in points) == 5_000
    few, exact = cells(overview(1, [b"/p"], many[:9]))
    assert (len(few), exact) == (9, 0.0)
