"""Sums of queries and their conditions."""

import pytest

from lexsearch.errors import UsageError
from lexsearch.query import Filter, Query


def test_sums_keep_their_parts_in_order() -> None:
    query = Query.text("dog") + 0.5 * Query.image("a.jpg") - Query.text("people")
    assert [(p.kind, p.value, p.weight) for p in query.parts] == [
        ("text", "dog", 1.0),
        ("image", "a.jpg", 0.5),
        ("text", "people", -1.0),
    ]
    assert str(query) == "dog + 0.5 * a.jpg - people"


def test_a_factor_scales_every_part_of_a_sum() -> None:
    query = 2 * (Query.text("a") - Query.text("b"))
    assert [p.weight for p in query.parts] == [2.0, -2.0]


def test_conditions_add_up() -> None:
    query = Query.text("dog").with_(must=["sand"], exclude=["people"], weights={"sea": 2.0})
    query = query.with_(must=["sky"], filters=Filter(after="2024"))
    query = query.with_(filters=Filter(camera="x"))
    assert query.must == ("sand", "sky")
    assert query.exclude == ("people",)
    assert query.weights == {"sea": 2.0}
    assert query.filters == Filter(after="2024", camera="x")


@pytest.mark.parametrize("factor", [float("nan"), float("inf")])
def test_a_factor_must_be_finite(factor: float) -> None:
    with pytest.raises(UsageError, match="finite"):
        Query.text("a") * factor
    with pytest.raises(UsageError, match="finite"):
        Query.words({"a": factor})


def test_a_query_by_words_needs_one() -> None:
    with pytest.raises(UsageError, match="at least one word"):
        Query.words({})


def test_a_filter_is_false_only_when_empty() -> None:
    assert not Filter()
    assert Filter(path="")
    assert Filter.parse("after:2024 type:.JPG") == Filter(after="2024", type="jpg")
