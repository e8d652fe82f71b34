"""Groups of caption lines that speak of one picture."""

import pytest

pytest.importorskip("simplemma", reason="simplemma is not installed")

from lexsearch.training.paraphrases import paraphrases, same_sentence

DOGS = [
    "A black dog runs through the snow.",
    "The dog is running in snow.",
    "A dog with black fur plays in the snow.",
    "One dog runs across a snowy field.",
    "Black dog running.",
]
BOATS = ["A red boat on a lake.", "The boat lies on the lake.", "A small red boat and its sail."]
COOKS = [
    "Two men cook in a kitchen.",
    "Men are cooking at a stove.",
    "Cooks prepare food in a kitchen.",
    "Two cooks stand at the stove.",
    "The men cook their food.",
]


def test_lines_of_one_picture_come_together() -> None:
    assert paraphrases([*DOGS, *BOATS, *COOKS]) == [DOGS, BOATS, COOKS]


def test_a_group_with_a_sentence_that_must_stay_unseen_is_left_out() -> None:
    hidden = ["the boat lies on the lake"]
    assert paraphrases([*DOGS, *BOATS, *COOKS], without=hidden) == [DOGS, COOKS]


def test_no_line_gives_no_group_and_one_line_one() -> None:
    assert paraphrases([]) == []
    assert paraphrases(["A dog."]) == [["A dog."]]


def test_no_group_is_longer_than_five_and_no_line_is_lost() -> None:
    lines = DOGS * 3
    groups = paraphrases(lines)
    assert max(map(len, groups)) <= 5
    assert [line for group in groups for line in group] == lines


def test_case_and_punctuation_do_not_make_a_sentence_another() -> None:
    assert same_sentence("A dog, running .") == same_sentence("a Dog running")
    assert same_sentence("a dog") != same_sentence("a cat")
