"""A model set over a pair of towers: dense vectors, patch tokens, and words without training."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lexsearch.encoders._clip_words import KEPT, ClipWords, hash_of
from lexsearch.encoders._device import Batches, Device
from lexsearch.encoders._preprocess import Preprocess
from lexsearch.encoders._texts import Texts
from lexsearch.models.vocabulary import WordList
from lexsearch.patch_sequence import grid_in
from lexsearch.types import (
    DenseVectors,
    Encoded,
    FloatArray,
    ModelIdentity,
    PatchWords,
    PixelArray,
    PixelSpec,
    Role,
    TokenVectors,
)


class Tower(Protocol):
    """Two towers into one space, as `_clip_tower` and its neighbours load them."""

    preprocess: Preprocess
    said: str
    device: torch.device
    dtype: torch.dtype

    @property
    def dim(self) -> int:
        """Width of a vector."""
        ...

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        ...

    def image(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (n, dim) and patches (n, m, token width), not of unit length."""
        ...

    def text(self, ids: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The same of texts."""
        ...


@runtime_checkable
class Sequential(Protocol):
    """A tower that takes pictures as rows of patches, each of its own shape."""

    def sequence(self, pixels: Tensor, grids: Sequence[tuple[int, int]]) -> tuple[Tensor, Tensor]:
        """See `_siglip_tower.SiglipTower.sequence`."""
        ...


class TokenHead(Protocol):
    """A learned projection of patches and words, beside the towers."""

    fingerprint: str
    dim: int

    def image(self, patches: Tensor) -> Tensor:
        """(n, m, width) to (n, m, dim)."""
        ...

    def text(self, tokens: Tensor) -> Tensor:
        """The same of words."""
        ...


class PairModel:
    """`Model` over a pair of towers.

    Args:
        name: of the set, as the index remembers it.
        tower, texts: the towers and the tokenizer.
        words: the lexical role; None = none.
        vocabulary: of the lexical role; empty without one.
        token_dim: width of the towers' tokens.
        device: where to compute. batch_size: pictures at a time; 0 = what fits.
        fusion: weights of the raw scores.
        whole_text: all positions of a text are tokens, padding too (DeCLIP).
        head: a learned projection of the tokens; None = the towers' own.
    """

    first_stage = 200
    word_fires = 1e-6  # every stored word has passed the threshold

    def __init__(
        self, name: str, tower: Tower, texts: Texts, *, words: ClipWords | None,
        vocabulary: WordList, token_dim: int, device: Device, batch_size: int = 0,
        fusion: Mapping[str, float], whole_text: bool = False, head: TokenHead | None = None,
    ) -> None:  # fmt: skip
        self._tower, self._texts, self._words = tower, texts, words
        self.vocabulary, self.fusion = vocabulary, fusion
        self._batches = Batches(device.place, batch_size)
        self._whole_text, self._head = whole_text, head
        rows, columns = tower.grid
        said = f"{tower.said} {texts.context}"
        late = said if head is None else f"{said} {head.fingerprint}"
        prints: dict[Role, str] = {"dense": short("dense", said), "tokens": short("tokens", late)}
        if words is not None:
            prints["lexical"] = short("lexical", f"{said} {words.fingerprint}")
        self.identity = ModelIdentity(
            name=name,
            fingerprints=prints,
            vocab_hash=hash_of(vocabulary.words),
            vocab_size=len(vocabulary.words),
            dense_dim=tower.dim,
            token_dim=token_dim if head is None else head.dim,
            tokens_per_image=rows * columns,
            lexical_scale=1.0,
            token_scale=1.0,
            words_per_image=0 if words is None else KEPT,
        )

    @property
    def pixel_spec(self) -> PixelSpec:
        """The published size and cut."""
        return self._tower.preprocess.spec

    def encode_pixels(self, pixels: PixelArray) -> Encoded:
        """n pictures, uint8 (n, height, width, 3); a row does not depend on its batch."""
        parts = self._batches.run(
            len(pixels), lambda start, stop, size: self._seen(pixels[start:stop], size)
        )
        grids, lexical = self._grids(pixels), None
        if self._words is not None:
            lexical = self._words.sparse([row for part in parts for row in part[2]])
        return Encoded(
            lexical,
            DenseVectors(_stacked([part[0] for part in parts], self.identity.dense_dim)),
            TokenVectors(
                _stacked([part[1] for part in parts], self.identity.token_dim),
                np.cumsum([0, *(r * c for r, c in grids)], dtype=np.int64),
                grids[0] if len(set(grids)) == 1 else None if grids else self._tower.grid,
            ),
        )

    def _grids(self, pixels: PixelArray) -> list[tuple[int, int]]:
        """Rows and columns of patches of every picture."""
        spec = self.pixel_spec
        if spec.fit == "patches":
            return [grid_in(one, spec) for one in pixels]
        return [self._tower.grid] * len(pixels)

    def _looked(self, pixels: PixelArray, size: int) -> tuple[Tensor, list[Tensor]]:
        """Vectors (n, dim), and of every picture its patches (m, width)."""
        n = len(pixels)
        if n < size:  # the same arithmetic for every batch
            empty = np.zeros((size - n, *pixels.shape[1:]), np.uint8)
            pixels = np.concatenate([pixels, empty])
        tower, grids = self._tower, self._grids(pixels)
        ready = tower.preprocess.normalise(pixels, tower.device, tower.dtype)
        if self.pixel_spec.fit == "patches":
            assert isinstance(tower, Sequential)
            vectors, patches = tower.sequence(ready, grids)
        else:
            vectors, patches = tower.image(ready)
        kept = zip(patches, grids[:n], strict=False)
        return vectors[:n], [one[: rows * columns] for one, (rows, columns) in kept]

    def _seen(
        self, pixels: PixelArray, size: int
    ) -> tuple[FloatArray, FloatArray, list[tuple[FloatArray, FloatArray]]]:
        vectors, patches = self._looked(pixels, size)
        late = [one if self._head is None else self._head.image(one[None])[0] for one in patches]
        rows = [] if self._words is None else self._words.images(patches)
        return unit(vectors), unit(torch.cat(late)), rows

    def encode_texts(self, texts: Sequence[str]) -> Encoded:
        """n texts, one at a time."""
        dense, tokens, rows = [], [], []
        for text in texts:
            row = self._texts.row(text)
            vectors, states = self._tower.text(*self._texts.batch([row]))
            real = states[0] if self._whole_text else states[0, self._texts.skipped : len(row)]
            late = real if self._head is None else self._head.text(real[None])[0]
            dense.append(unit(vectors))
            tokens.append(unit(late))
            if self._words is not None:
                rows += self._words.texts(self._meaning(vectors, states, [row]), [text])
        lengths = np.cumsum([0, *(len(one) for one in tokens)], dtype=np.int64)
        return Encoded(
            None if self._words is None else self._words.sparse(rows),
            DenseVectors(_stacked(dense, self.identity.dense_dim)),
            TokenVectors(_stacked(tokens, self.identity.token_dim), lengths),
        )

    def _meaning(self, vectors: Tensor, states: Tensor, rows: Sequence[Sequence[int]]) -> Tensor:
        return meaning(self._tower, self._texts, vectors, states, rows)

    def encode_patches(self, pixels: PixelArray) -> PatchWords:
        """Words of every patch of one picture, uint8 (height, width, 3)."""
        grid = self._grids(pixels[np.newaxis])[0]
        if self._words is None:
            return PatchWords(grid, np.zeros((grid[0] * grid[1], 0), np.float32))
        _, patches = self._looked(pixels[np.newaxis], 1)
        return PatchWords(grid, self._words.patches(patches[0]))

    def token_texts(self, text: str) -> list[str]:
        """The pieces behind the rows of `encode_texts([text]).tokens`; `·` for padding."""
        pieces = self._texts.pieces(text)
        if not self._whole_text:
            return pieces
        pieces = ["·"] * self._texts.skipped + pieces
        return pieces + ["·"] * (self._texts.context - len(pieces))


def meaning(
    tower: Tower, texts: Texts, vectors: Tensor, states: Tensor, rows: Sequence[Sequence[int]]
) -> Tensor:
    """Vectors of texts in the space of patches: the text vector where it lives there, else the
    mean of its own tokens (FILIP)."""
    if not hasattr(tower, "variant"):
        return vectors
    inner = [
        F.normalize(one[texts.skipped : max(len(row) - 1, texts.skipped + 1)], dim=-1).mean(dim=0)
        for one, row in zip(states, rows, strict=True)
    ]
    return torch.stack(inner)


def unit(x: Tensor) -> FloatArray:
    """Rows of unit length, float32, on the processor."""
    found: FloatArray = F.normalize(x.float(), dim=-1).cpu().numpy()
    return found


def short(kind: str, said: str) -> str:
    """The family and sixteen hex digits of all that makes an encoder what it is."""
    digest = hashlib.sha256(f"{kind} {said}".encode()).hexdigest()[:16]
    return f"{said.partition(' ')[0]}/{kind}/{digest}"


def _stacked(parts: Sequence[FloatArray], width: int) -> FloatArray:
    return np.concatenate(parts) if parts else np.zeros((0, width), np.float32)
