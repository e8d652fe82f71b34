"""What the words and options of `search` and `explain` become."""

import click
import pytest

from lexsearch.cli import explain
from lexsearch.cli.search import (
    Parts,
    command,
    make_query,
    parse_cutoff,
    parse_rerank,
    parse_weight,
)
from lexsearch.errors import UsageError


def parsed(*arguments: str, of: click.Command = command) -> dict[str, object]:
    with click.Context(of) as ctx:
        of.parse_args(ctx, list(arguments))
        return dict(ctx.params)


def parts(*words: str, **given: object) -> Parts:
    base = dict.fromkeys(("images", "add", "subtract", "must", "exclude", "weights"), ())
    return Parts(words, **{**base, "filters": None, **given})  # type: ignore[arg-type]


def test_a_word_with_a_minus_needs_no_quotes() -> None:
    assert parsed("dog", "-people", "-t", "3")["query"] == ("dog", "-people")


@pytest.mark.parametrize("arguments", [("dog", "-sand"), ("-sand", "dog")])
def test_a_minus_word_is_not_read_as_a_bundle_of_options(arguments: tuple[str, ...]) -> None:
    given = parsed(*arguments)
    assert given["subtract"] == ()
    assert set(given["query"]) == {"dog", "-sand"}  # type: ignore[arg-type,call-overload]


@pytest.mark.parametrize(
    "arguments",
    [("dog", "-sand", "a.jpg"), ("-sand", "dog", "a.jpg"), ("dog", "a.jpg", "-sand")],
)
def test_the_photo_to_explain_is_the_last_word_that_is_no_exclusion(
    arguments: tuple[str, ...],
) -> None:
    given = parsed(*arguments, of=explain.command)
    assert (given["query"], given["file"]) == (("dog", "-sand"), "a.jpg")
    given = parsed("-sand", "--", "dog", "-a.jpg", of=explain.command)
    assert (given["query"], given["file"]) == (("dog", "-sand"), "-a.jpg")
    with pytest.raises(click.MissingParameter):
        parsed("-sand", "-dog", of=explain.command)


def test_short_options_with_numbers_stay_options() -> None:
    given = parsed("dog", "-t5", "-f")
    assert (given["top"], given["paths"]) == (5, True)


def test_the_value_of_an_option_may_carry_a_minus() -> None:
    assert parsed("dog", "--add", "-people")["add"] == ("-people",)


def test_two_dashes_end_the_options() -> None:
    assert parsed("-t", "2", "--", "-people", "--mode")["query"] == ("-people", "--mode")


def test_words_are_joined_into_one_query() -> None:
    query = make_query(parts("dog", "on", "sand", "-people"))
    assert [part.value for part in query.parts] == ["dog on sand"]
    assert query.exclude == ("people",)


def test_add_and_subtract_are_sums() -> None:
    query = make_query(parts("dog", add=("beach",), subtract=("snow",)))
    assert [(p.value, p.weight) for p in query.parts] == [
        ("dog", 1.0), ("beach", 1.0), ("snow", -1.0),
    ]  # fmt: skip


def test_conditions_come_from_options_too() -> None:
    query = make_query(
        parts(
            "dog",
            must=("sand",),
            exclude=("people",),
            weights=("dog=2",),
            filters="after:2024 near:1,2",
        )
    )
    assert (query.must, query.exclude, query.weights) == (("sand",), ("people",), {"dog": 2.0})
    assert query.filters.after == "2024"
    assert query.filters.near == "1,2"


def test_words_with_weights_alone_are_a_query_by_words() -> None:
    query = make_query(parts(weights=("dog=2", "sand=-1")))
    assert [(p.kind, p.value) for p in query.parts] == [("words", {"dog": 2.0, "sand": -1.0})]


def test_words_that_must_be_there_alone_are_a_query_by_words() -> None:
    query = make_query(parts(must=("dog",)))
    assert [p.value for p in query.parts] == [{"dog": 1.0}]
    assert query.must == ("dog",)


@pytest.mark.parametrize("text", ["dog", "=2", "dog=", "dog=x", "dog=nan", "dog=inf"])
def test_a_weight_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="WORD=NUMBER"):
        parse_weight(text)


def test_the_cutoff_is_automatic_for_the_table_only() -> None:
    assert parse_cutoff(None, "table") == "auto"
    assert parse_cutoff(None, "json") == "none"
    assert parse_cutoff("none", "table") == "none"
    assert parse_cutoff("0.3", "json") == 0.3


def test_rerank_is_a_number_or_off() -> None:
    assert [parse_rerank(text) for text in (None, "off", "50")] == [None, 0, 50]
    with pytest.raises(UsageError, match="or off"):
        parse_rerank("-1")
