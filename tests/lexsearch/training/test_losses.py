"""Losses of training."""

import math

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from lexsearch.training.losses import (  # noqa: E402
    distance_of_directions,
    filip,
    infonce,
    pointing,
    word_prediction,
)


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


def test_pointing_asks_for_the_share_of_the_right_patches() -> None:
    logits = torch.tensor([[0.0, 0.0, 0.0, 0.0], [9.0, 0.0, 0.0, 0.0]])
    right = torch.tensor([[True, False, False, False], [False, False, False, False]])
    assert pointing(logits, right).item() == pytest.approx(math.log(4))
    assert pointing(logits, right.roll(1, dims=0)).item() == pytest.approx(0.0, abs=1e-3)
    assert pointing(logits, torch.zeros_like(right)).item() == 0.0


def test_the_distance_of_directions_is_zero_for_parallel_rows_and_two_for_opposed_ones() -> None:
    rows = torch.randn(4, 6)
    assert distance_of_directions(3 * rows, rows).item() == pytest.approx(0.0, abs=1e-6)
    assert distance_of_directions(-rows, rows).item() == pytest.approx(2.0, abs=1e-6)
