"""One role of a model as an encoder of its own, under the names retrieval users know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from lexsearch.encoders._pixels import to_pixels
from lexsearch.protocols import Model
from lexsearch.types import Encoded, PixelArray, PixelSpec, Role

if TYPE_CHECKING:
    from PIL.Image import Image

V = TypeVar("V")


class RoleEncoder(Generic[V]):
    """`Encoder[V]` over a model: n texts or pictures to n vectors of one kind."""

    def __init__(self, model: Model, role: Role, take: Callable[[Encoded], V | None]) -> None:
        self._model, self.role, self._take = model, role, take

    @property
    def fingerprint(self) -> str:
        """Identity of the encoder."""
        return self._model.identity.fingerprints[self.role]

    @property
    def pixel_spec(self) -> PixelSpec:
        """How pixels must come."""
        return self._model.pixel_spec

    def encode_texts(self, texts: Sequence[str]) -> V:
        """Vectors of n texts."""
        return self._given(self._model.encode_texts(texts))

    def encode_pixels(self, pixels: PixelArray) -> V:
        """Vectors of n pictures, uint8 (n, height, width, 3)."""
        return self._given(self._model.encode_pixels(pixels))

    def encode_images(self, images: Sequence[Image]) -> V:
        """Vectors of n upright Pillow pictures."""
        spec = self.pixel_spec
        empty = np.zeros((0, spec.height, spec.width, 3), np.uint8)
        pixels = [to_pixels(image, spec) for image in images]
        return self.encode_pixels(np.stack(pixels) if pixels else empty)

    def encode_query(self, texts: Sequence[str]) -> V:
        """The same as `encode_texts`."""
        return self.encode_texts(texts)

    def encode_document(self, images: Sequence[Image]) -> V:
        """The same as `encode_images`."""
        return self.encode_images(images)

    def _given(self, encoded: Encoded) -> V:
        vectors = self._take(encoded)
        assert vectors is not None  # the model fills every role it is built for
        return vectors
