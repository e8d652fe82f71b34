"""Folders of small pictures to index."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from indexer.pipeline import IndexOptions, index_folders
from indexer.report import IndexReport
from lexsearch import LexSearch
from lexsearch.bundle.check import check
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.protocols import Model
from lexsearch.types import Encoded, PixelArray

Paint = Callable[..., Path]
Run = Callable[..., IndexReport]
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


class Counting:
    """A model that counts what it encodes and can fail at a batch."""

    def __init__(self, model: Model, *, fail_at: int | None = None) -> None:
        self.model = model
        self.batches: list[int] = []
        self.fail_at = fail_at

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def encode_pixels(self, pixels: PixelArray) -> Encoded:
        if self.fail_at == len(self.batches):
            raise KeyboardInterrupt
        self.batches.append(len(pixels))
        return self.model.encode_pixels(pixels)


@pytest.fixture
def counting() -> type[Counting]:
    return Counting


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "db"


@pytest.fixture
def run(db: Path, photos: Path, toy_model: Model) -> Run:
    def index(*paths: Path, **options: Any) -> IndexReport:
        return index_folders(
            paths or [photos],
            directory=db,
            model=toy_model,
            options=IndexOptions(**{"isolate": False, **options}),
        )

    return index


@pytest.fixture
def indexed() -> Callable[[Path, Path], list[str]]:
    """Paths below a folder that an index holds, sorted."""

    def names(db: Path, root: Path) -> list[str]:
        snapshot = Snapshot.open(db)
        records = snapshot.images([int(i) for i in snapshot.image_ids()])
        snapshot.close()
        start = len(os.fsencode(root)) + 1
        return sorted(os.fsdecode(path[start:]) for record in records for path in record.paths)

    return names


@pytest.fixture
def toy_db(tmp_path: Path, toy_model: Any) -> Iterator[LexSearch]:
    """An empty db of the toy model, which is sound at the end."""
    with LexSearch.create(tmp_path / "db", model=toy_model) as opened:
        yield opened
        assert not check(tmp_path / "db", read_data=True).problems
