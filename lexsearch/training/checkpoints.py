"""Checkpoints that a run resumes from: written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import nn

SAVE_EVERY = 100


class Checkpoint:
    """The state of some modules and their optimiser in one file."""

    def __init__(
        self, path: Path, modules: Mapping[str, nn.Module], optimiser: torch.optim.Optimizer
    ) -> None:
        self._path, self._modules, self._optimiser = path, modules, optimiser

    def resume(self, say: Callable[[str], None] = lambda _: None) -> int:
        """Load what the file has; returns the steps already done, 0 without a file."""
        if not self._path.is_file():
            return 0
        state = torch.load(self._path, weights_only=True)
        for name, module in self._modules.items():
            module.load_state_dict(state[name])
        self._optimiser.load_state_dict(state["optimiser"])
        done = int(state["step"])
        say(f"{self._path.stem}: resumed at step {done}")
        return done

    def step(self, done: int, of: int) -> None:
        """Write the file after every SAVE_EVERY steps and after the last one."""
        if done % SAVE_EVERY and done != of:
            return
        temporary = self._path.with_suffix(".tmp")
        state = {name: module.state_dict() for name, module in self._modules.items()}
        torch.save({**state, "optimiser": self._optimiser.state_dict(), "step": done}, temporary)
        temporary.replace(self._path)
