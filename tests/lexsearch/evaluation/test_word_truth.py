"""Shares of true words, by hand."""

import numpy as np
import pytest

from lexsearch.evaluation.word_truth import (
    heaviest_entries,
    own_words,
    photo_shares,
    text_shares,
    word_truth,
)
from lexsearch.models.vocabulary import WordList
from lexsearch.types import SparseVectors

WORDS = WordList(
    ("beach", "boy", "dog", "grass", "run", "sand", "snow", "##ing", "##oy"), {"running": "run"}
)
IDS = {word: i for i, word in enumerate(WORDS.words)}


def vectors(*rows: dict[str, float]) -> SparseVectors:
    pairs = [
        (np.array([IDS[w] for w in row], np.int32), np.array(list(row.values()), np.float32))
        for row in rows
    ]
    return SparseVectors.from_rows(pairs, len(IDS))


def test_own_words_are_found_by_case_form_and_plural() -> None:
    found = own_words("The DOGS are running; a Boy, no zebra.", WORDS)
    assert sorted(WORDS.words[i] for i in found) == ["boy", "dog", "run"]


def test_the_heaviest_entries_pass_over_pieces_when_asked() -> None:
    row = vectors({"dog": 0.5, "##ing": 0.9, "boy": 0.5, "sand": 0.1})
    assert heaviest_entries(row, 0, 2) == [IDS["##ing"], IDS["boy"]]
    assert heaviest_entries(row, 0, 2, only=WORDS) == [IDS["boy"], IDS["dog"]]


def test_a_photo_is_true_in_the_words_that_any_caption_says() -> None:
    photos = vectors(
        {"dog": 0.9, "##ing": 0.8, "sand": 0.7, "snow": 0.6, "boy": 0.5, "run": 0.4, "beach": 0.3},
        {"dog": 0.9},  # four words are missing
    )
    captions = [["a dog", "running on the beach"], ["a dog"]]
    assert photo_shares(photos, captions, WORDS) == [2 / 5, 1 / 5]


def test_a_text_keeps_its_own_words_and_texts_without_any_do_not_count() -> None:
    texts = vectors({"dog": 0.9, "sand": 0.1}, {"snow": 0.4})
    assert text_shares(texts, ["a dog running in snow", "zebras"], WORDS) == [1 / 3]


def test_twenty_entries_of_a_text_are_looked_at() -> None:
    many = WordList(tuple(f"w{chr(97 + i)}x" for i in range(25)), {})
    weights = np.linspace(1.0, 0.1, 25).astype(np.float32)
    row = SparseVectors.from_rows([(np.arange(25, dtype=np.int32), weights)], 25)
    assert text_shares(row, ["wtx wux"], many) == [1 / 2]  # entries 19 and 20 from 0


def test_the_figures_are_means_with_intervals() -> None:
    photos, texts = vectors({"dog": 0.9, "boy": 0.1}), vectors({"dog": 0.5}, {"boy": 0.5})
    found = word_truth(photos, texts, {"a.jpg": ["dog", "boy dog"]}, WORDS, resamples=50)
    assert (found["images"], found["captions"]) == (1, 2)
    assert found["photo"]["share"] == 2 / 5
    assert found["text"]["share"] == (1 + 1 / 2) / 2
    assert found["text"]["interval"][0] <= 0.75 <= found["text"]["interval"][1]
    assert found["active"] == {"image": 2.0, "text": 1.0}


def test_vectors_and_captions_must_be_of_the_same_pictures() -> None:
    with pytest.raises(ValueError, match="1 and 1 vectors for 1 pictures with 2 captions"):
        word_truth(vectors({"dog": 1.0}), vectors({"dog": 1.0}), {"a": ["x", "y"]}, WORDS)
