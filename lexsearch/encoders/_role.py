"""One role of a model as an encoder of its own, under the names retrieval users know.

The methods have the shape of sentence-transformers: `encode_query`, `encode_document`,
`similarity`, and for words `decode`, `sparsity`, `intersection`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar, cast

import numpy as np

from lexsearch import vectors as arithmetic
from lexsearch.errors import UsageError
from lexsearch.pictures import pixels_of
from lexsearch.pixels import to_pixels
from lexsearch.protocols import Model
from lexsearch.types import (
    DenseVectors,
    Encoded,
    FloatArray,
    PixelArray,
    PixelSpec,
    Role,
    SparseVectors,
    TokenVectors,
)

if TYPE_CHECKING:
    from PIL.Image import Image

    from lexsearch.query import Picture

V = TypeVar("V", SparseVectors, DenseVectors, TokenVectors)
T = TypeVar("T")
BATCH = 32  # texts or pictures that go through the model at once


class RoleEncoder(Generic[V]):
    """`Encoder[V]` over a model: n texts or pictures to n vectors of one kind.

    Raises:
        UsageError: the model does not fill the role.
    """

    def __init__(self, model: Model, role: Role, take: Callable[[Encoded], V | None]) -> None:
        if role not in model.identity.fingerprints:
            known = ", ".join(sorted(model.identity.fingerprints))
            raise UsageError(
                f"the model {model.identity.name!r} has no {role} role; it has {known}"
            )
        self._model, self.role = model, role
        self._take: Callable[[Encoded], V | None] = take

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
        return self.encode_pixels(
            self._stacked([to_pixels(one, self.pixel_spec) for one in images])
        )

    def encode_query(
        self,
        texts: str | Iterable[str],
        *,
        batch_size: int = BATCH,
        show_progress_bar: bool = False,
    ) -> V:
        """Vectors of texts, taken literally, in their order; one text is one row.

        Args:
            texts: one, or any number; read lazily.
            batch_size: texts that go through the model at once; does not change the vectors.
            show_progress_bar: on stderr.
        """
        given = [texts] if isinstance(texts, str) else texts
        return self._batched(given, batch_size, show_progress_bar, self.encode_texts)

    def encode_document(
        self,
        images: Picture | Iterable[Picture],
        *,
        batch_size: int = BATCH,
        show_progress_bar: bool = False,
    ) -> V:
        """Vectors of pictures, in their order; one picture is one row.

        Args:
            images: one, or any number, read lazily: paths, Pillow images (turned upright by their
                EXIF), arrays uint8 (height, width, 3) in RGB or one (n, height, width, 3), or the
                bytes of files.
            batch_size: pictures that go through the model, and are in memory, at once.
            show_progress_bar: on stderr.

        Raises:
            UsageError: a picture cannot be read, or is none.
        """

        def encoded(batch: Sequence[Picture]) -> V:
            spec = self.pixel_spec
            return self.encode_pixels(self._stacked([pixels_of(one, spec) for one in batch]))

        return self._batched(_pictures(images), batch_size, show_progress_bar, encoded)

    def similarity(self, queries: V, documents: V) -> FloatArray:
        """The score of every query with every document, float32 (n, m)."""
        return arithmetic.similarity(queries, documents)

    def _stacked(self, pixels: Sequence[PixelArray]) -> PixelArray:
        spec = self.pixel_spec
        return np.stack(pixels) if pixels else np.zeros((0, spec.height, spec.width, 3), np.uint8)

    def _batched(
        self, given: Iterable[T], size: int, shown: bool, encode: Callable[[Sequence[T]], V]
    ) -> V:
        if size < 1:
            raise UsageError(f"batch_size is {size}; expected a number >= 1")
        total = len(given) if isinstance(given, Sequence) else None
        items = iter(_with_bar(given, total) if shown else given)
        parts = [encode(batch) for batch in iter(lambda: list(islice(items, size)), [])]
        return arithmetic.concatenated(parts) if parts else encode([])

    def _given(self, encoded: Encoded) -> V:
        vectors = self._take(encoded)
        assert vectors is not None  # the model fills every role it is built for
        return vectors


class LexicalEncoder(RoleEncoder[SparseVectors]):
    """Texts and pictures to weighted words."""

    def __init__(self, model: Model) -> None:
        super().__init__(model, "lexical", lambda encoded: encoded.lexical)

    def decode(
        self, vectors: SparseVectors, top_k: int | None = None
    ) -> list[list[tuple[str, float]]]:
        """The words of every vector with their weights, heaviest first, pieces of words included.

        top_k: words wanted of each; None = all. Ties go to the smaller word id.
        """
        words = self._model.vocabulary.words
        found = arithmetic.heaviest(vectors, top_k)
        return [[(words[i], weight) for i, weight in row] for row in found]

    def sparsity(self, vectors: SparseVectors) -> dict[str, float]:
        """`active_dims` and `sparsity_ratio`, means over the vectors."""
        return arithmetic.sparsity(vectors)

    def intersection(self, one: SparseVectors, other: SparseVectors) -> SparseVectors:
        """The words that two vectors share, with the product of their weights, row by row."""
        return arithmetic.intersection(one, other)


class DenseEncoder(RoleEncoder[DenseVectors]):
    """Texts and pictures to unit vectors."""

    def __init__(self, model: Model) -> None:
        super().__init__(model, "dense", lambda encoded: encoded.dense)


class TokenEncoder(RoleEncoder[TokenVectors]):
    """Texts and pictures to sets of unit vectors, one for each token or patch."""

    def __init__(self, model: Model) -> None:
        super().__init__(model, "tokens", lambda encoded: encoded.tokens)


def _pictures(images: Picture | Iterable[Picture]) -> Iterable[Picture]:
    """Many pictures, of one or of many."""
    if isinstance(images, np.ndarray):
        return cast("Iterable[Picture]", [images] if images.ndim == 3 else images)
    is_one = isinstance(images, str | os.PathLike | bytes | bytearray) or hasattr(images, "getexif")
    return cast("Iterable[Picture]", [images] if is_one else images)


def _with_bar(given: Iterable[T], total: int | None) -> Iterator[T]:
    from rich.console import Console
    from rich.progress import track

    yield from track(given, "Encoding", total=total, console=Console(stderr=True))
