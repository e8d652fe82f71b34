"""Checkpoints: written whole, resumed exactly."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from lexsearch.training.checkpoints import SAVE_EVERY, Checkpoint  # noqa: E402


def test_a_checkpoint_is_written_on_time_and_brings_everything_back(tmp_path: Path) -> None:
    module = torch.nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(module.parameters())
    kept = Checkpoint(tmp_path / "run.pt", {"m": module}, optimiser)
    assert kept.resume() == 0
    module(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    kept.step(1, 5)
    assert not (tmp_path / "run.pt").exists()
    kept.step(SAVE_EVERY, 2 * SAVE_EVERY)
    other = torch.nn.Linear(3, 2)
    state = torch.optim.AdamW(other.parameters())
    said: list[str] = []
    again = Checkpoint(tmp_path / "run.pt", {"m": other}, state)
    assert again.resume(said.append) == SAVE_EVERY
    assert torch.equal(other.weight, module.weight)
    assert state.state_dict()["state"].keys() == optimiser.state_dict()["state"].keys()
    assert said == [f"run: resumed at step {SAVE_EVERY}"]


def test_the_last_step_is_always_written(tmp_path: Path) -> None:
    module = torch.nn.Linear(1, 1)
    kept = Checkpoint(
        tmp_path / "run.pt", {"m": module}, torch.optim.SGD(module.parameters(), lr=1.0)
    )
    kept.step(3, 3)
    assert kept.resume() == 3
    assert list(tmp_path.iterdir()) == [tmp_path / "run.pt"]
