"""Folders of small pictures to index."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Paint = Callable[..., Path]
ROOT = Path(__file__).parents[2]
PLUGIN = """
import importlib.util, sys, time
spec = importlib.util.spec_from_file_location("toy_fixtures", {conftest!r})
module = importlib.util.module_from_spec(spec)
sys.modules["toy_fixtures"] = module
spec.loader.exec_module(module)

class SlowModel(module.ToyModel):
    def encode_pixels(self, pixels):
        time.sleep(1.0)
        return super().encode_pixels(pixels)

build, build_slow = module.ToyModel, SlowModel
"""


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


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A folder that brings the models `toy` and `slow` as another package would."""
    folder = tmp_path / "plugin"
    info = folder / "lexsearch_toy-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lexsearch-toy\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[lexsearch.encoders.models]\ntoy = lexsearch_toy:build\nslow = lexsearch_toy:build_slow\n"
    )
    code = PLUGIN.format(conftest=str(ROOT / "tests" / "conftest.py"))
    (folder / "lexsearch_toy.py").write_text(code)
    return folder
