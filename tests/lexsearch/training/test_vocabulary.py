"""The vocabulary rule and the word targets."""

from pathlib import Path

import pytest

pytest.importorskip("simplemma", reason="simplemma is not installed")

from lexsearch.training.vocabulary import (
    SIZE,
    VocabularyTable,
    build_table,
    class_head_words,
)
from lexsearch.training.words import content_words

LINES = ["A dog runs with two dogs on the sand", "dogs and cats", "the cat and a dog"] * 5


class Animals:
    def __contains__(self, noun: str) -> bool:
        return noun in ("dog", "cat")

    def hypernyms(self, noun: str, known: object) -> list[str]:
        return ["cat"] if noun == "dog" else []


def test_content_words_are_lemmas_without_stop_words() -> None:
    assert content_words("Two DOGS are running, on the café's sand!") == [
        "dog",
        "run",
        "caf",
        "sand",
    ]


def test_the_rule_gives_exactly_the_size_asked_for() -> None:
    table = build_table(LINES, ["great white shark, white shark"], Animals(), size=20)  # type: ignore[arg-type]
    assert len(table.entries) == 20
    assert {"dog", "cat", "sand", "run", "shark"} <= set(table.entries)
    assert table.lemmas["dogs"] == "dog"
    assert table.hypernyms["dog"] == ("cat",)
    pieces = [entry for entry in table.entries if entry.startswith("##")]
    assert list(table.entries) == sorted(set(table.entries) - set(pieces)) + sorted(pieces)


def test_the_rule_is_reproducible() -> None:
    tables = [build_table(list(LINES), ["a shark"], Animals(), size=20) for _ in range(2)]  # type: ignore[arg-type]
    assert tables[0] == tables[1]


def test_too_small_a_size_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected 2 entries"):
        build_table(LINES, [], Animals(), size=2)  # type: ignore[arg-type]


def test_a_class_is_named_by_its_last_content_word() -> None:
    assert class_head_words(["great white shark, white shark", "tabby, tabby cat"]) == [
        "shark",
        "tabby",
    ]


def test_targets_are_own_words_those_above_them_and_pieces_of_unknown_ones() -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    from lexsearch.training.targets import WordTargets

    table = VocabularyTable(("animal", "dog", "sand", "##xy", "##zz"), {}, {"dog": ("animal",)})
    targets = WordTargets(table, hypernym=0.25, class_heads=["dog", None])
    assert targets.of_text("the dogs and a xyzz") == {1: 1.0, 0: 0.25, 3: 0.3, 4: 0.3}
    assert targets.dense([{1: 1.0}, {}]).tolist() == [[0, 1, 0, 0, 0], [0, 0, 0, 0, 0]]


@pytest.mark.shared
def test_the_bundled_vocabulary_has_its_size(shared: Path) -> None:
    from lexsearch.encoders._mini_session import load

    assert len(load().vocabulary.words) == SIZE
