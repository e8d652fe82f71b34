"""Ids and metadata of pictures that a program adds."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lexsearch import Filter, LexSearch
from lexsearch.errors import UsageError
from tests.indexer.adding import FAST, docids, picture, saved


@pytest.fixture
def db(toy_db: LexSearch) -> LexSearch:
    return toy_db


def test_an_id_given_again_stands_for_the_new_picture(db: LexSearch) -> None:
    db.add([picture("red"), picture("green")], ids=["a", "b"], metadata=[{"n": 1}, None], **FAST)
    report = db.add([picture("blue"), picture("green")], ids=["a", "b"], **FAST)
    assert (report.new, report.changed, report.unchanged, report.encoded) == (0, 1, 1, 1)
    assert sorted(docids(db.search("red"))) == ["a", "b"]
    assert db.search("blue", top_k=1)[0].docid == "a"
    assert "n" not in db.search("blue", top_k=1)[0].meta  # the metadata went with the old picture
    assert db.delete(["b"]) == 1
    assert len(db) == 1


@pytest.mark.parametrize("size", [1, 2, 10])
def test_of_one_id_twice_in_one_call_the_last_picture_counts(db: LexSearch, size: int) -> None:
    stream = [picture("red"), picture("green"), picture("blue")]
    report = db.add(stream, ids=["a", "x", "a"], batch_size=size, isolate=False)
    assert (report.new, report.changed) == (2, 1)
    assert db.ids() == ["a", "x"]
    assert db.search("blue", top_k=1)[0].docid == "a"
    assert len(db) == 2


def test_one_content_under_several_ids_is_one_hit_with_all_of_them(db: LexSearch) -> None:
    data = saved(picture("red"))
    report = db.add(
        [data, data, data], ids=["c", "a", "b"], metadata=[{"v": "c"}, {"v": "a"}, None], **FAST
    )
    assert (report.new, report.encoded) == (3, 1)
    (hit,) = db.search("red")
    assert hit.ids == ("a", "b", "c")
    assert hit.docid == "a"
    assert hit.meta["v"] == "a"  # of several the first id speaks
    assert db.delete(["a", "b", "unknown"]) == 2
    assert db.search("red")[0].ids == ("c",)
    assert db.search("red")[0].meta["v"] == "c"


def test_metadata_is_in_hits_and_filters(db: LexSearch) -> None:
    said = [
        {"taken": "2024-06-05T10:00:00", "camera": "Lumo X1", "gps": (41.0, -1.5), "album": "été"},
        {"taken": datetime(2019, 1, 2), "album": "winter", "tags": ["snow", "dog"], "n": 3},
        None,
    ]
    db.add(
        [picture("red"), picture("green"), picture("blue")],
        ids=["r", "g", "b"],
        metadata=said,
        **FAST,
    )
    hit = db.search("red", top_k=1)[0]
    assert (hit.meta["taken"], hit.meta["camera"]) == ("2024-06-05T10:00:00", "Lumo X1")
    assert (hit.meta["gps"], hit.meta["album"], hit.meta["width"]) == ((41.0, -1.5), "été", 32)
    assert hit.to_dict()["album"] == "été"
    for wanted, expected in (
        (Filter(meta={"album": "winter"}), {"g"}),
        (Filter(meta={"tags": "dog", "n": 3}), {"g"}),
        (Filter(meta={"tags": "dog", "n": 4}), set()),
        (Filter(meta={"none": None}), set()),
        (Filter(after="2024"), {"r"}),
        (Filter(camera="lumo", meta={"album": "été"}), {"r"}),
        (Filter(before="2020"), {"g"}),
        (Filter(near="41.05,-1.5,10km"), {"r"}),
        (Filter(near="41.05,-1.5,1km"), set()),
        (Filter(box="40,-2,42,-1", camera="lumo"), {"r"}),
        (Filter(), {"r", "g", "b"}),
    ):
        assert set(docids(db.search("red", filters=wanted))) == expected
    assert docids(db.search("red camera:lumo")) == ["r"]
    assert docids(db.search("red near:41,-1.5,100m")) == ["r"]
    with pytest.raises(UsageError, match="near:here is no place"):
        db.search("red", filters=Filter(near="here"))
    assert Filter(meta={"a": 1}).merge(Filter(meta={"b": 2})) == Filter(meta={"b": 2, "a": 1})


def test_what_was_said_wins_over_what_the_photo_says(db: LexSearch, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0110], exif[0x0132] = "Old Box", "2001:01:01 00:00:00"
    picture("red").save(tmp_path / "a.jpg", exif=exif)
    db.add([tmp_path / "a.jpg"], ids=["a"], metadata=[{"camera": "Lumo"}], **FAST)
    meta = db.search("red")[0].meta
    assert (meta["camera"], meta["taken"]) == ("Lumo", "2001-01-01T00:00:00")
    assert db.search("red", filters=Filter(camera="old")).hits == ()
    assert (
        len(db.search("red", filters=Filter(camera="lumo", type="jpeg", path=tmp_path.name))) == 1
    )


@pytest.mark.parametrize(
    ("ids", "metadata", "said"),
    [
        (["a b"], None, "blank"),
        (["a\n"], None, "blank"),
        ([""], None, "not empty"),
        ([3], None, "not empty"),
        (["x" * 600], None, "512 bytes"),
        (["\ud800"], None, "half a letter"),
        (["0" * 16], None, "looks like"),
        ([], None, "0 ids, but more pictures"),
        (["a", "b"], None, "more ids than pictures"),
        (None, [], "0 metadata, but more"),
        (None, [{"score": 1}], "'score' cannot be a name"),
        (None, [{"x": object()}], "not JSON"),
        (None, [{"x": float("nan")}], "not JSON"),
        (None, [{"gps": (1, 2, 3)}], "latitude and longitude"),
        (None, [{"gps": (1, float("inf"))}], "finite"),
        (None, [{"gps": (1, 10**400)}], "latitude and longitude"),
        (None, [{"taken": 2024}], "taken is 2024"),
        (None, [{"x": "y" * 200_000}], "at most 100,000"),
    ],
)
def test_ids_and_metadata_that_cannot_be_are_refused(
    db: LexSearch, ids: Any, metadata: Any, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        db.add([picture("red")], ids=ids, metadata=metadata, **FAST)


@pytest.mark.parametrize("bad", [3, None, np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8)])
def test_a_programs_mistake_ends_the_run_and_what_came_before_is_safe(
    db: LexSearch, bad: Any
) -> None:
    with pytest.raises(UsageError, match="expected"):
        db.add([picture("red"), picture("green"), picture("blue"), bad], ids="abcd", **FAST)
    assert db.ids() == ["a", "b", "c"]
