"""Losses, batches and the schedule of training."""

import math

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from lexsearch.training.losses import filip, infonce, word_prediction  # noqa: E402


def test_infonce_of_equal_logits_is_the_logarithm_of_the_batch() -> None:
    assert infonce(torch.zeros(8, 8)).item() == pytest.approx(math.log(8))


def test_infonce_is_small_when_the_pairs_stand_out() -> None:
    assert infonce(50 * torch.eye(4)).item() < 1e-6


def test_another_true_match_does_not_count_as_a_wrong_one() -> None:
    logits = torch.tensor([[5.0, 5.0], [5.0, 5.0]])
    same = torch.ones(2, 2, dtype=torch.bool)
    assert infonce(logits, same).item() == pytest.approx(0.0)
    assert filip(logits, logits, torch.tensor(1.0), same).item() == pytest.approx(0.0)


def test_a_text_that_fits_two_pictures_is_left_out_on_the_right_side() -> None:
    same = torch.tensor([[True, False], [True, True]])  # picture 1 also carries text 0
    wrong_for_text_0 = torch.tensor([[1.0, 0.0], [9.0, 1.0]])
    expected = infonce(torch.tensor([[1.0, 0.0], [float("-inf"), 1.0]]))
    assert infonce(wrong_for_text_0, same).item() == pytest.approx(expected.item())
    both = filip(wrong_for_text_0, wrong_for_text_0, torch.tensor(1.0), same)
    assert both.item() == pytest.approx(expected.item())


def test_filip_reads_one_matrix_by_rows_and_the_other_by_columns() -> None:
    good, bad = 50 * torch.eye(3), torch.zeros(3, 3)
    assert filip(good, bad, torch.tensor(1.0)).item() == pytest.approx(0.5 * math.log(3))
    assert filip(bad, good, torch.tensor(1.0)).item() == pytest.approx(0.5 * math.log(3))


def test_word_prediction_is_the_likelihood_of_the_targets() -> None:
    logits = torch.zeros(2, 4)
    targets = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    assert word_prediction(logits, targets).item() == pytest.approx(math.log(4))


def test_a_sample_of_words_keeps_every_target_and_stands_for_the_rest() -> None:
    pytest.importorskip("tokenizers")
    from lexsearch.training.loop import cosine_rate, sample_words

    words = torch.zeros(2, 100)
    words[0, 3] = words[1, 7] = 1.0
    chosen, share = sample_words(words, 14)
    assert chosen[:2].tolist() == [3, 7]
    assert len(set(chosen.tolist())) == 16
    assert share.sum().item() == pytest.approx(100)
    assert cosine_rate(0, 100, 10) == pytest.approx(0.1)
    assert cosine_rate(100, 100, 10) == pytest.approx(0.0)
