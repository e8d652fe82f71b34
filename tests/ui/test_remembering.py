"""A model that remembers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ui.remembering import TEXTS, RememberingModel


def test_a_text_runs_the_model_once(toy_model: Any) -> None:
    model = RememberingModel(toy_model)
    first, again = model.encode_texts(["red"]), model.encode_texts(["red"])
    assert first is again
    assert model.runs == 1
    assert first.dense.values.tolist() == toy_model.encode_texts(["red"]).dense.values.tolist()


def test_other_pixels_are_another_picture(toy_model: Any) -> None:
    model = RememberingModel(toy_model)
    black, white = np.zeros((1, 8, 8, 3), np.uint8), np.full((1, 8, 8, 3), 255, np.uint8)
    assert model.encode_pixels(black) is model.encode_pixels(black.copy())
    assert model.encode_pixels(white) is not model.encode_pixels(black)
    assert model.encode_patches(white[0]) is model.encode_patches(white[0])
    assert model.runs == 3


def test_the_oldest_are_forgotten(toy_model: Any) -> None:
    model = RememberingModel(toy_model)
    for i in range(TEXTS + 1):
        model.encode_texts([f"red {i}"])
    model.encode_texts(["red 0"])
    assert model.runs == TEXTS + 2


def test_it_is_the_same_model_from_outside(toy_model: Any) -> None:
    model = RememberingModel(toy_model)
    for name in ("identity", "pixel_spec", "vocabulary", "fusion", "first_stage", "word_fires"):
        assert getattr(model, name) == getattr(toy_model, name)
    assert model.token_texts("red car") == ["red", "car"]
