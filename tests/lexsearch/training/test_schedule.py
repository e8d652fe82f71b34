"""Rates and scales over a run."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from lexsearch.training.schedule import clamped_scale, cosine_rate  # noqa: E402


def test_the_rate_warms_up_and_ends_at_zero() -> None:
    assert cosine_rate(0, 100, 10) == pytest.approx(0.1)
    assert cosine_rate(9, 100, 10) > cosine_rate(50, 100, 10)
    assert cosine_rate(100, 100, 10) == pytest.approx(0.0)


def test_a_scale_never_exceeds_one_hundred() -> None:
    assert clamped_scale(torch.tensor([0.0, 9.0])).tolist() == pytest.approx([1.0, 100.0])
