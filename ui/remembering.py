"""A model that remembers what it encoded last, so that an edited query runs no model again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from lexsearch.protocols import Model, Vocabulary
from lexsearch.types import Encoded, ModelIdentity, PatchWords, PixelArray, PixelSpec

T = TypeVar("T")
TEXTS = 256  # queries remembered
PICTURES = 32  # pictures remembered, and patches of so many: 3 MB each


class RememberingModel:
    """`Model` over another one; keeps the vectors of the last single texts and pictures.

    Attributes:
        runs: how often the model behind was run.
    """

    def __init__(self, model: Model) -> None:
        self.runs = 0
        self._model = model
        self._texts: OrderedDict[str, Encoded] = OrderedDict()
        self._pictures: OrderedDict[str, Encoded] = OrderedDict()
        self._patches: OrderedDict[str, PatchWords] = OrderedDict()

    @property
    def identity(self) -> ModelIdentity:
        """Of the model behind."""
        return self._model.identity

    @property
    def pixel_spec(self) -> PixelSpec:
        """Of the model behind."""
        return self._model.pixel_spec

    @property
    def vocabulary(self) -> Vocabulary:
        """Of the model behind."""
        return self._model.vocabulary

    @property
    def fusion(self) -> Mapping[str, float]:
        """Of the model behind."""
        return self._model.fusion

    @property
    def first_stage(self) -> int:
        """Of the model behind."""
        return self._model.first_stage

    @property
    def word_fires(self) -> float:
        """Of the model behind."""
        return self._model.word_fires

    def encode_texts(self, texts: Sequence[str]) -> Encoded:
        """Vectors of texts; a single one is remembered."""
        if len(texts) != 1:
            return self._run(lambda: self._model.encode_texts(texts))
        return self._kept(self._texts, texts[0], TEXTS, lambda: self._model.encode_texts(texts))

    def encode_pixels(self, pixels: PixelArray) -> Encoded:
        """Vectors of pictures; a single one is remembered."""
        if len(pixels) != 1:
            return self._run(lambda: self._model.encode_pixels(pixels))
        key = _digest(pixels)
        return self._kept(self._pictures, key, PICTURES, lambda: self._model.encode_pixels(pixels))

    def encode_patches(self, pixels: PixelArray) -> PatchWords:
        """Words of the patches of one picture, remembered."""
        key = _digest(pixels)
        return self._kept(self._patches, key, PICTURES, lambda: self._model.encode_patches(pixels))

    def token_texts(self, text: str) -> list[str]:
        """Of the model behind; a look-up, no run."""
        return self._model.token_texts(text)

    def _run(self, call: Callable[[], T]) -> T:
        self.runs += 1
        return call()

    def _kept(self, kept: OrderedDict[str, T], key: str, most: int, call: Callable[[], T]) -> T:
        if key not in kept:
            kept[key] = self._run(call)
            while len(kept) > most:
                kept.popitem(last=False)
        kept.move_to_end(key)
        return kept[key]


def _digest(pixels: PixelArray) -> str:
    return hashlib.sha256(pixels.tobytes()).hexdigest()
