"""A db of coloured pictures, half of them files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lexsearch import LexSearch

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255,) * 3}


@pytest.fixture
def db(tmp_path: Path, toy_model: Any) -> Iterator[LexSearch]:
    pictures: list[Any] = []
    for name, colour in COLOURS.items():
        picture = Image.new("RGB", (16, 12), colour)
        picture.save(tmp_path / f"{name}.png")
        pictures.append(picture if name == "white" else tmp_path / f"{name}.png")
    with LexSearch.create(tmp_path / "db", model=toy_model) as made:
        said = [{"name": name} for name in COLOURS]
        made.add(pictures, ids=list(COLOURS), metadata=said, isolate=False)
        yield made
