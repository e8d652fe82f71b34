"""Places as conditions."""

from __future__ import annotations

import pytest

from lexsearch.errors import UsageError
from lexsearch.place import EARTH_KM, HALF_ROUND_KM, Box, areas, box, circle, distance_km
from lexsearch.query import Filter, Query


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0.0, 0.0), (0.0, 0.0), 0.0),
        ((0.0, 0.0), (0.0, 90.0), EARTH_KM * 3.141592653589793 / 2),
        ((90.0, 0.0), (-90.0, 123.0), HALF_ROUND_KM),
        ((0.0, 0.0), (0.0, 180.0), HALF_ROUND_KM),
        ((0.0, 179.5), (0.0, -179.5), EARTH_KM * 3.141592653589793 / 180),
        ((90.0, 10.0), (90.0, -170.0), 0.0),
    ],
)
def test_distances_along_great_circles(
    one: tuple[float, float], other: tuple[float, float], expected: float
) -> None:
    assert distance_km(*one, *other) == pytest.approx(expected, abs=1e-6)
    assert distance_km(*other, *one) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "radius"),
    [("1,2", 5.0), ("1,2,3", 3.0), ("1,2,3km", 3.0), ("1,2,250m", 0.25), ("1,2,1mi", 1.609344)],
)
def test_a_radius_has_a_unit(text: str, radius: float) -> None:
    found = circle(text)
    assert (found.latitude, found.longitude) == (1.0, 2.0)
    assert found.radius_km == pytest.approx(radius)


@pytest.mark.parametrize(
    "text",
    ["", "1", "1,2,3,4", "91,0", "0,181", "1,2,-3km", "1,2,5 km", "x,2", "1,2,", "nan,0", "inf,0",
     "1,2,5ly", "1e1,2", "١,2"],
)  # fmt: skip
def test_what_is_no_circle_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=r"near:.* is no place.*near:48.2,16.37,5km"):
        circle(text)
    if " " not in text:
        assert Query.parse(f"near:{text}").filters == Filter(), "it is a text to the search box"


@pytest.mark.parametrize("text", ["1,2,3", "2,0,1,0", "0,0,91,0", "0,0,1,200", "a,b,c,d"])
def test_what_is_no_box_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no box; expected"):
        box(text)
    assert Query.parse(f"box:{text}").filters == Filter()


def test_a_circle_holds_its_edge_and_crosses_the_date_line() -> None:
    around = circle("0,180,112km")
    assert around.holds(0.0, -179.0)
    assert around.holds(0.0, 179.0)
    assert not around.holds(0.0, -178.9)
    assert circle("48.2,16.37,0").holds(48.2, 16.37)


def test_a_box_holds_its_edges_and_may_cross_the_date_line() -> None:
    assert box("10,20,30,40").holds(10.0, 40.0)
    assert not box("10,20,30,40").holds(10.0, 40.1)
    pacific = Box(-10.0, 170.0, 10.0, -170.0)
    assert pacific.holds(0.0, 180.0)
    assert pacific.holds(0.0, -175.0)
    assert not pacific.holds(0.0, 0.0)
    assert not pacific.holds(11.0, 180.0)


def test_both_conditions_must_hold() -> None:
    assert areas(None, None) == ()
    near, within = areas("48,16", "48,16,49,17")
    assert near.holds(47.99, 16.0)
    assert not within.holds(47.99, 16.0)


def test_the_search_box_and_the_filter_option_read_places() -> None:
    query = Query.parse("dog near:48.2,16.37,5km -people box:48,16,49,17")
    assert query.filters == Filter(near="48.2,16.37,5km", box="48,16,49,17")
    assert [part.value for part in query.parts] == ["dog"]
    assert Filter.parse("near:48.2,16.37") == Filter(near="48.2,16.37")
    with pytest.raises(UsageError, match="near:Vienna is no place"):
        Filter.parse("near:Vienna")
    assert Query.parse('"near:1,2"').filters == Filter(), "quotes make letters of it"
