"""Pictures of four plain quarters, which the toy model of tests reads without fault."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

RGB = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}


def quarters(colours: Sequence[str], side: int = 16) -> np.ndarray:
    """uint8 (side, side, 3): top left, top right, bottom left, bottom right."""
    cells = np.array([RGB[name] for name in colours], np.uint8).reshape(2, 2, 3)
    return cells.repeat(side // 2, axis=0).repeat(side // 2, axis=1)


class WordyToy:
    """The toy model with the word-level path: a group of words is their mean."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode_words(self, groups: Sequence[Sequence[int]]) -> np.ndarray:
        rows = np.zeros((len(groups), self.identity.vocab_size), np.float32)
        for row, group in zip(rows, groups, strict=True):
            row[list(group)] = len(group) ** -0.5
        return rows


@pytest.fixture
def wordy(toy_model: Any) -> WordyToy:
    return WordyToy(toy_model)


@pytest.fixture
def save(tmp_path: Path) -> Any:
    """Writes a picture of quarters, or an array, below the folder of the test."""

    def write(name: str, content: Sequence[str] | np.ndarray) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = content if isinstance(content, np.ndarray) else quarters(content)
        Image.fromarray(pixels).save(path)
        return path

    return write


@pytest.fixture
def ranx(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The peer, without the minute that Numba would take to compile it."""
    numba = pytest.importorskip("numba", reason="numba is not installed")
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    return pytest.importorskip("ranx", reason="ranx is not installed")
