"""Texts and pictures of queries are encoded once, and as if alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lexsearch.part_encoder import encode_parts, rows
from lexsearch.query import Part
from lexsearch.reuse import EncodedParts


class Counting:
    """A model that counts what it is given."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.texts: list[str] = []
        self.pictures = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode_texts(self, texts: list[str]) -> Any:
        self.texts += texts
        return self._model.encode_texts(texts)

    def encode_pixels(self, pixels: np.ndarray) -> Any:
        self.pictures += len(pixels)
        return self._model.encode_pixels(pixels)


@pytest.fixture
def model(toy_model: Any) -> Counting:
    return Counting(toy_model)


def test_a_row_of_a_batch_is_what_the_text_gives_alone(toy_model: Any) -> None:
    texts = ["red", "green blue white", "purple"]
    for text, row in zip(texts, rows(toy_model.encode_texts(texts)), strict=True):
        alone = toy_model.encode_texts([text])
        assert row.lexical.row(0)[0].tolist() == alone.lexical.row(0)[0].tolist()
        assert row.lexical.row(0)[1].tolist() == alone.lexical.row(0)[1].tolist()
        assert row.dense.values.tolist() == alone.dense.values.tolist()
        assert row.tokens.values.tolist() == alone.tokens.values.tolist()
        assert row.tokens.offsets.tolist() == alone.tokens.offsets.tolist()


def test_a_text_is_encoded_once_and_blank_ones_never(model: Counting) -> None:
    held = EncodedParts()
    parts = [Part("text", "red"), Part("text", " "), Part("text", "red"), Part("words", {"red": 1})]
    encode_parts(parts, model, held)  # type: ignore[arg-type]
    encode_parts(parts, model, held)  # type: ignore[arg-type]
    assert model.texts == ["red"]


def test_a_picture_is_encoded_again_when_its_file_changed(model: Counting, tmp_path: Path) -> None:
    path, held = tmp_path / "a.png", EncodedParts()
    Image.new("RGB", (8, 8), "red").save(path)
    part = Part("image", path)
    first = encode_parts([part, part], model, held).of(part)  # type: ignore[arg-type]
    encode_parts([part], model, held)  # type: ignore[arg-type]
    assert model.pictures == 1
    Image.new("RGB", (8, 8), "blue").save(path)
    os.utime(path, ns=(1, 1))
    second = encode_parts([part], model, held).of(part)  # type: ignore[arg-type]
    assert model.pictures == 2
    assert first.dense is not None
    assert second.dense is not None
    assert first.dense.values.tolist() != second.dense.values.tolist()


def test_a_picture_in_memory_is_not_kept(model: Counting) -> None:
    held = EncodedParts()
    part = Part("image", Image.new("RGB", (8, 8), "red"))
    for _ in range(2):
        encode_parts([part, part], model, held)  # type: ignore[arg-type]
    assert model.pictures == 2
