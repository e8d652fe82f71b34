"""One search as address, query, command line and Python."""

from __future__ import annotations

import shlex

import pytest
from PIL import Image

from lexsearch.errors import UsageError
from ui.request import MAX_FACTOR, MOST, PAGE, UNLIKE, Request

FULL = Request(
    text="dog on sand",
    mode="lexical",
    weights={"dog": 2.0, "sand": 0.5},
    must=("beach",),
    exclude=("people", "cat"),
    filters={"after": "2024-06", "camera": "Lumo X1"},
    like="00000000000000ab",
    unlike=("00000000000000cd",),
    shown=48,
    cutoff=0.25,
)


def picture(id: str) -> Image.Image:
    return Image.new("RGB", (2, 2))


def test_an_address_gives_its_request_back() -> None:
    assert Request.from_params(FULL.to_params()) == FULL


def test_an_empty_request_has_an_empty_address() -> None:
    assert Request().to_params() == {}
    assert Request.from_params({}) == Request()
    assert Request().is_empty


@pytest.mark.parametrize(
    "params",
    [
        {"mode": "sparse", "n": "many", "w": "dog,:2,sand:x,:", "cutoff": "nan", "must": ",,"},
        {"n": "-5", "w": "dog:inf", "not": ","},
    ],
)
def test_nonsense_in_an_address_is_left_out(params: dict[str, str]) -> None:
    assert Request.from_params(params) == Request()


def test_numbers_of_an_address_stay_within_bounds() -> None:
    asked = Request.from_params({"n": "1e9", "w": "dog:99,cat:-99"})
    assert asked.shown == MOST
    assert asked.weights == {"dog": MAX_FACTOR, "cat": -MAX_FACTOR}
    assert Request.from_params({"n": "1"}).shown == PAGE


def test_the_query_has_every_part_and_condition() -> None:
    query = FULL.query(picture)
    assert [(part.kind, part.weight) for part in query.parts] == [
        ("text", 1.0),
        ("image", 1.0),
        ("image", -UNLIKE),
    ]
    assert query.weights == {"dog": 2.0, "sand": 0.5}
    assert (query.must, query.exclude) == (("beach",), ("people", "cat"))
    assert query.filters.camera == "Lumo X1"


def test_words_alone_are_a_query() -> None:
    query = Request(weights={"dog": 2.0}).query(picture)
    assert [part.kind for part in query.parts] == ["words"]
    assert query.weights == {}


def test_a_dropped_picture_that_is_gone_is_an_error() -> None:
    with pytest.raises(UsageError, match="drop it"):
        Request(upload="abc").query(picture)


def test_the_command_line_parses_to_the_same_words() -> None:
    line = FULL.changed(unlike=()).command(lambda id: b"/photos/a b.jpg", "./db")
    assert line is not None
    assert shlex.split(line) == [
        *("lexsearch", "search", "-i", "/photos/a b.jpg", "--mode", "lexical"),
        *("--weight", "dog=2", "--weight", "sand=0.5", "--must", "beach"),
        *("--not", "people", "--not", "cat"),
        *("--filter", 'after:2024-06 "camera:Lumo X1"', "--db", "./db", "dog on sand"),
    ]


def test_a_text_with_a_leading_minus_stands_behind_the_options() -> None:
    line = Request(text="-people dog").command(lambda id: b"", "default")
    assert line == "lexsearch search -- '-people dog'"


def test_what_has_no_command_line_says_so() -> None:
    assert FULL.command(lambda id: b"", "default") is None


def test_the_python_lines_run_the_same_query() -> None:
    lines = FULL.python(lambda id: b"/photos/a.jpg", "photos")
    compile(lines, "copied", "exec")
    expression = lines[lines.index("db.search(") + len("db.search(") : lines.index(", mode=")]
    from lexsearch import Filter, Query

    query = eval(expression, {"Query": Query, "Filter": Filter})
    expected = FULL.query(lambda id: "/photos/a.jpg")
    assert str(query) == str(expected)
    assert (query.weights, query.filters) == (expected.weights, expected.filters)
