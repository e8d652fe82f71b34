"""What fewer stored words cost."""

import numpy as np

from lexsearch.evaluation.pruning import DEPTH, pruning_loss
from lexsearch.types import SparseVectors


def rows(*weights: list[tuple[int, float]]) -> SparseVectors:
    pairs = [
        (np.array([i for i, _ in row], np.int32), np.array([w for _, w in row], np.float32))
        for row in weights
    ]
    return SparseVectors.from_rows(pairs, 20)


def test_a_picture_is_lost_with_the_word_that_finds_it() -> None:
    # Word 0 finds the last picture among DEPTH others that have nothing to do with the text.
    others = [[(5, 0.9), (6, 0.5)]] * DEPTH
    pictures, texts = rows(*others, [(5, 0.9), (0, 0.1)]), rows([(0, 1.0)])
    right = np.array([DEPTH])
    found = pruning_loss(texts, texts, pictures, right, words=[1, 2], resamples=10)
    assert found["all"] == found["all_of_pictures"] == 1.0
    assert found["words"] == {"image": 2.0, "text": 1.0}
    assert found["stored"]["2"] == {"R@10": 1.0, "loss": 0.0, "interval": [0.0, 0.0]}
    assert found["stored"]["1"] == {"R@10": 0.0, "loss": 1.0, "interval": [1.0, 1.0]}


def test_the_loss_counts_the_words_that_the_text_has_lost() -> None:
    pictures = rows(*[[(5, 0.9)]] * DEPTH, [(5, 0.9), (0, 0.8)])
    cut, whole = rows([(5, 1.0)]), rows([(5, 1.0), (0, 0.5)])
    found = pruning_loss(cut, whole, pictures, np.array([DEPTH]), words=[2], resamples=0)
    assert (found["all"], found["all_of_pictures"]) == (1.0, 0.0)
    assert found["stored"]["2"]["loss"] == 1.0
