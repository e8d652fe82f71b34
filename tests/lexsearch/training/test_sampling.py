"""The sample of the vocabulary that one step trains on."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from lexsearch.training.sampling import sample_words  # noqa: E402


def test_a_sample_of_words_keeps_every_target_and_stands_for_the_rest() -> None:
    words = torch.zeros(2, 100)
    words[0, 3] = words[1, 7] = 1.0
    chosen, share = sample_words(words, 14)
    assert chosen[:2].tolist() == [3, 7]
    assert len(set(chosen.tolist())) == 16
    assert share.sum().item() == pytest.approx(100)


def test_a_sample_larger_than_the_vocabulary_is_the_vocabulary() -> None:
    chosen, share = sample_words(torch.zeros(1, 10), 50)
    assert sorted(chosen.tolist()) == list(range(10))
    assert share.tolist() == [1.0] * 10
