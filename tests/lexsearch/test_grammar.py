"""The search box."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexsearch.grammar import MAX_QUERY_CHARS, next_moment, parse
from lexsearch.query import Filter


def texts(query: str) -> list[tuple[object, float]]:
    return [(part.value, part.weight) for part in parse(query).parts]


def test_plain_words_are_one_text() -> None:
    assert texts("a dog on the beach") == [("a dog on the beach", 1.0)]


def test_a_minus_before_a_word_excludes_it() -> None:
    query = parse("dog -people")
    assert query.exclude == ("people",)
    assert [part.value for part in query.parts] == ["dog"]


@pytest.mark.parametrize("text", ["t-shirt", "dog -5", "a --b", "dog -"])
def test_a_minus_elsewhere_is_a_letter(text: str) -> None:
    assert parse(text).exclude == ()
    assert texts(text) == [(text, 1.0)] or text == "dog -"


def test_quotes_make_signs_and_colons_letters() -> None:
    query = parse('"red -car" "after:2024"')
    assert texts('"red -car" "after:2024"') == [("red -car after:2024", 1.0)]
    assert not query.filters
    assert query.exclude == ()


def test_an_unbalanced_quote_is_a_letter() -> None:
    assert texts('a 5" nail') == [('a 5" nail', 1.0)]


def test_a_number_and_a_colon_weigh_a_word() -> None:
    query = parse("dog 2:sunset 0.5:sand")
    assert query.weights == {"sunset": 2.0, "sand": 0.5}
    assert [part.value for part in query.parts] == ["dog sunset sand"]


def test_known_names_are_filters_and_others_are_text() -> None:
    query = parse("dog after:2024-06 camera:x100 note:this 12:30")
    assert query.filters == Filter(after="2024-06", camera="x100")
    assert [part.value for part in query.parts] == ["dog note:this 12:30"]


def test_a_filter_with_no_date_is_text() -> None:
    assert texts("the day after:tomorrow") == [("the day after:tomorrow", 1.0)]


def test_a_year_is_a_range() -> None:
    assert parse("year:2019 dog").filters == Filter(after="2019", before="2020")


def test_a_path_to_a_picture_is_a_picture() -> None:
    query = parse("dog ./ref.jpg")
    assert [(p.kind, p.value) for p in query.parts] == [("text", "dog"), ("image", "./ref.jpg")]


def test_plus_and_minus_alone_sum_queries() -> None:
    query = parse("dog + ./ref.jpg - people beach")
    assert [(p.kind, p.value, p.weight) for p in query.parts] == [
        ("text", "dog", 1.0),
        ("image", "./ref.jpg", 1.0),
        ("text", "people beach", -1.0),
    ]


def test_a_long_query_is_cut_and_says_so() -> None:
    query = parse("a" * 100_000)
    assert len(str(query.parts[0].value)) == MAX_QUERY_CHARS
    assert "100,000" in query.notes[0]


@pytest.mark.parametrize(
    ("date", "after"),
    [
        ("2024", "2025"),
        ("2024-02", "2024-03"),
        ("2024-12", "2025-01"),
        ("2024-06-09", "2024-06-10"),
    ],
)
def test_the_moment_after_a_date(date: str, after: str) -> None:
    assert next_moment(date) == after


def test_an_unknown_filter_is_an_error_where_only_filters_are_expected() -> None:
    with pytest.raises(ValueError, match="'lens:50'"):
        Filter.parse("lens:50")


@given(st.text(max_size=300))
def test_the_grammar_never_raises(text: str) -> None:
    str(parse(text))


@given(st.lists(st.sampled_from([*'ab "-+:.~/2', "after:", "./a.jpg "]), max_size=40))
def test_the_grammar_never_raises_on_its_own_signs(pieces: list[str]) -> None:
    str(parse("".join(pieces)))
