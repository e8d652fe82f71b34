"""Names of classes become words of the vocabulary by the written rule."""

import pytest

from lexsearch.evaluation.class_words import head_entry, name_entries, name_text
from lexsearch.models.vocabulary import WordList

WORDS = WordList(
    ("air", "balloon", "bread", "brick", "loaf", "merge", "other", "sky", "wall", "##fi", "##pl"),
    {"merged": "merge"},
)


def words(name: str) -> list[str]:
    return [WORDS.words[i] for i in name_entries(name, WORDS)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("wall-brick", ["wall", "brick"]),
        ("sky-other-merged", ["sky"]),
        ("Wall_stuff", ["wall"]),
        ("hot-air balloon", ["air", "balloon"]),
        ("loaf of bread", ["loaf", "bread"]),
        ("brick wall brick", ["brick", "wall"]),
        ("other", ["other"]),  # nothing else is left
        ("plfi", ["##pl", "##fi"]),
        ("plfi wall", ["wall"]),  # pieces only where no word is known
        ("tv", []),
        ("", []),
    ],
)
def test_a_name_is_its_known_words(name: str, expected: list[str]) -> None:
    assert words(name) == expected


@pytest.mark.parametrize(
    ("name", "head"),
    [("hot-air balloon", "balloon"), ("balloons", "balloon"), ("wall-other", "wall")],
)
def test_the_head_of_a_name_is_its_last_known_word(name: str, head: str) -> None:
    found = head_entry(name, WORDS)
    assert found is not None
    assert WORDS.words[found] == head


def test_a_name_without_a_known_word_has_no_head_even_if_it_has_pieces() -> None:
    assert head_entry("plfi", WORDS) is None


def test_a_name_is_said_without_its_marks() -> None:

    assert name_text("floor-other-merged") == "floor"
