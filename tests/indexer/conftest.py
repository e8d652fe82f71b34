"""Folders of small pictures to index."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Paint = Callable[..., Path]


@pytest.fixture
def paint() -> Paint:
    """Writes a picture of its own: equal seeds give equal bytes, others differ."""

    def write(path: Path, seed: int = 0, *, size: tuple[int, int] = (24, 18)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        cells = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)
        Image.fromarray(cells).resize(size, Image.Resampling.NEAREST).save(path)
        return path

    return write


@pytest.fixture
def photos(tmp_path: Path, paint: Paint) -> Path:
    """Five pictures in two folders."""
    for i in range(3):
        paint(tmp_path / "photos" / f"{i}.png", i)
    for i in range(3, 5):
        paint(tmp_path / "photos" / "trip" / f"{i}.jpg", i)
    return tmp_path / "photos"


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe.jpg"
    os.mkfifo(path)
    return path
