"""Conditions asked of each table by itself name the images that meet them path by path."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexsearch.bundle import selection
from lexsearch.bundle.conditions import TAKEN_BETWEEN, predicate
from lexsearch.bundle.selection import Conditions, meeting, tables

TABLES = """
    CREATE TABLE content (id INTEGER PRIMARY KEY, taken TEXT, camera TEXT,
        latitude REAL, longitude REAL);
    CREATE TABLE image (path BLOB PRIMARY KEY, content_id INTEGER);
    CREATE TABLE added (path BLOB PRIMARY KEY, file BLOB, taken TEXT, camera TEXT, meta TEXT,
        latitude REAL, longitude REAL);
"""
DAYS = (None, "2019-12-31T23:59:59", "2020-01-01T00:00:00", "2021")
CAMERAS = (None, "", "Lumo X1", "LUMO x2", "Straße 5", "İzmir", "100% [a]")
FILES = (
    b"/p/a.jpg", b"/p/b.JPEG", b"/p/sea/c.png", b"/p/caf\xe9.tif", b"/p/d", b"/p/[x].jpg",
    b"/p/e.tar.gz", b"/p/.jpg", b"/p/f.", "/p/снег.jpg".encode(), b"/p/new\nline.Jpg",
)  # fmt: skip
GLOBS = ("sea", "*.jpg", "/p/?.*", "*[ab].*", "[[]x", "*[!a-c].jp*", "", "*", "caf\udce9",
         "*снег*", "*\n*", "/P/", "a[", "]")  # fmt: skip
TYPES = ("jpg", ".TIFF", "png", "gz", "tar.gz", "", "снег")
PLACES = ((None, None), (48.2, 16.37), (48.5, 17.0), (-17.0, 179.9), (-17.0, -179.9), (90.0, 0.0),
          (48.2, None))  # fmt: skip
NEAR = ("48.2,16.37,0m", "48.2,16.37,50km", "-17,180,20km", "89,120,200km", "0,0,21000km")
BOXES = ("48,16,48.5,17", "-20,170,0,-170", "-90,-180,90,180", "49,0,50,1")
picked = st.sampled_from


@st.composite
def catalogs(draw: Any) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.executescript(TABLES)
    for i in range(draw(st.integers(0, 6))):
        row = (i + 1, draw(picked(DAYS)), draw(picked(CAMERAS)), *draw(picked(PLACES)))
        connection.execute("INSERT INTO content VALUES (?, ?, ?, ?, ?)", row)
        for number, path in enumerate(draw(st.lists(picked(FILES), min_size=1, max_size=3))):
            own = b"%b/%d%b" % (path[:2], 10 * i + number, path[2:])
            connection.execute("INSERT INTO image VALUES (?, ?)", (own, i + 1))
            if draw(st.integers(0, 5)) == 5:
                meta = draw(picked([None, json.dumps({"n": 1}), json.dumps({"n": [1, "x"]})]))
                file = draw(picked([None, *FILES]))
                facts = draw(picked(DAYS)), draw(picked(CAMERAS)), meta, *draw(picked(PLACES))
                said = (own, file, *facts)
                connection.execute("INSERT INTO added VALUES (?, ?, ?, ?, ?, ?, ?)", said)
    return connection


asked = st.builds(
    Conditions,
    after=picked([None, None, "2020", "2020-01-01"]),
    before=picked([None, None, "2020", "2021"]),
    path_glob=picked([None, None, *GLOBS]),
    type_=picked([None, None, *TYPES]),
    camera=picked([None, None, "lumo", "STRASSE", "", "100% [", "nobody"]),
    near=picked([None, None, None, *NEAR]),
    box=picked([None, None, None, *BOXES]),
    meta=picked([{}, {}, {"n": 1}, {"m": 1}]),
)


def path_by_path(connection: sqlite3.Connection, wanted: Conditions) -> list[int]:
    """The definition."""
    meets = predicate(
        path_glob=wanted.path_glob, type_=wanted.type_, camera=wanted.camera, meta=wanted.meta,
        near=wanted.near, box=wanted.box,
    )  # fmt: skip
    rows = connection.execute(TAKEN_BETWEEN, (wanted.after, wanted.before))
    return sorted({image_id for image_id, *facts in rows if meets(*facts)})


@settings(max_examples=400, deadline=None)
@given(catalogs(), asked)
def test_the_answer_is_that_of_looking_at_every_path(
    connection: sqlite3.Connection, wanted: Conditions
) -> None:
    found = meeting(connection, wanted, has_added=True)
    assert found.dtype == np.int64
    assert found.tolist() == path_by_path(connection, wanted)
    connection.close()


def test_more_cameras_than_one_statement_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "MAX_PARAMETERS", 3)
    connection = sqlite3.connect(":memory:")
    connection.executescript(TABLES)
    for i in range(10):
        connection.execute(
            "INSERT INTO content VALUES (?, NULL, ?, NULL, NULL)", (i, f"camera {i}")
        )
    assert meeting(connection, Conditions(camera="RA"), has_added=True).tolist() == [*range(10)]
    connection.close()


def test_only_the_tables_that_matter_are_looked_at() -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(TABLES)
    of = {
        name: tables(connection, one, has_added=True)
        for name, one in {
            "date": Conditions(after="2020"),
            "camera": Conditions(camera="x"),
            "path": Conditions(path_glob="x"),
            "both": Conditions(type_="jpg", before="2020"),
            "place": Conditions(near="48.2,16.37"),
            "none": Conditions(),
        }.items()
    }
    assert of == {
        "date": {"content", "added"}, "camera": {"content", "added"}, "path": {"image", "added"},
        "both": {"content", "image", "added"}, "place": {"content", "added"},
        "none": {"image", "added"},
    }  # fmt: skip
    assert tables(connection, Conditions(after="2020"), has_added=False) == {"content"}
    connection.execute("INSERT INTO added VALUES (x'00', NULL, NULL, NULL, NULL, NULL, NULL)")
    assert tables(connection, Conditions(after="1"), has_added=True) == {
        *["content", "image", "added"]
    }
    connection.close()
