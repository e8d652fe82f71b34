"""The frozen values that travel between the parts: vectors, rankings and pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from lexsearch.image_id import docid as docid
from lexsearch.image_id import image_id_of as image_id_of

FloatArray: TypeAlias = npt.NDArray[np.float32]
IntArray: TypeAlias = npt.NDArray[np.int64]
PixelArray: TypeAlias = npt.NDArray[np.uint8]
# Left, top, right and bottom edge of a part of a picture, as shares of its width and height.
Region: TypeAlias = tuple[float, float, float, float]
WHOLE: Region = (0.0, 0.0, 1.0, 1.0)
Role: TypeAlias = Literal["lexical", "dense", "tokens"]
ROLES: tuple[Role, ...] = ("lexical", "dense", "tokens")


@dataclass(frozen=True, slots=True, eq=False)
class SparseVectors:
    """n vectors over a vocabulary, in compressed sparse rows.

    Attributes:
        indptr: int64, shape (n + 1,); row i owns entries indptr[i]:indptr[i + 1].
        indices: int32, shape (nnz,); vocabulary ids, strictly increasing within a row.
        weights: float32, shape (nnz,); > 0 for images and texts. A query may carry
            negative weights (edited words), never zero.
        vocab_size: number of words in the vocabulary.
    """

    indptr: IntArray
    indices: npt.NDArray[np.int32]
    weights: FloatArray
    vocab_size: int

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def row(self, i: int) -> tuple[npt.NDArray[np.int32], FloatArray]:
        """Vocabulary ids and weights of row i, both of shape (nnz of the row,)."""
        start, stop = int(self.indptr[i]), int(self.indptr[i + 1])
        return self.indices[start:stop], self.weights[start:stop]

    def select(self, rows: Sequence[int] | IntArray) -> SparseVectors:
        """The named rows, in the order named."""
        return SparseVectors.from_rows([self.row(int(i)) for i in rows], self.vocab_size)

    @classmethod
    def from_rows(
        cls,
        rows: Sequence[tuple[npt.NDArray[np.int32], FloatArray]],
        vocab_size: int,
    ) -> SparseVectors:
        """Vectors from one (ids, weights) pair per row; ids are sorted here."""
        indptr = np.zeros(len(rows) + 1, dtype=np.int64)
        ids: list[npt.NDArray[np.int32]] = []
        weights: list[FloatArray] = []
        for i, (row_ids, row_weights) in enumerate(rows):
            order = np.argsort(row_ids, kind="stable")
            ids.append(np.asarray(row_ids, dtype=np.int32)[order])
            weights.append(np.asarray(row_weights, dtype=np.float32)[order])
            indptr[i + 1] = indptr[i] + len(order)
        return cls(
            indptr,
            np.concatenate(ids) if ids else np.zeros(0, np.int32),
            np.concatenate(weights) if weights else np.zeros(0, np.float32),
            vocab_size,
        )


@dataclass(frozen=True, slots=True, eq=False)
class DenseVectors:
    """n unit vectors: float32, shape (n, dim)."""

    values: FloatArray

    def __len__(self) -> int:
        return len(self.values)

    @property
    def dim(self) -> int:
        """Width of a vector."""
        return int(self.values.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class TokenVectors:
    """n sets of unit token vectors of one width.

    Attributes:
        values: float32, shape (total tokens, dim), unit rows; only real tokens, no padding.
        offsets: int64, shape (n + 1,); set i owns rows offsets[i]:offsets[i + 1].
        grid: (rows, columns) when every set is a row-major grid of image patches, else None.
        weights: float32, shape (total tokens,), or None for all ones; only a query that sums
            several parts has it, and its entries may be negative.
    """

    values: FloatArray
    offsets: IntArray
    grid: tuple[int, int] | None = None
    weights: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def dim(self) -> int:
        """Width of a vector."""
        return int(self.values.shape[1])

    def item(self, i: int) -> FloatArray:
        """The tokens of set i, shape (tokens, dim)."""
        return self.values[int(self.offsets[i]) : int(self.offsets[i + 1])]


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """One batch as all roles see it; a role that the model does not fill is None."""

    lexical: SparseVectors | None
    dense: DenseVectors | None
    tokens: TokenVectors | None


@dataclass(frozen=True, slots=True, eq=False)
class PatchWords:
    """What every patch of one image says.

    Attributes:
        grid: (rows, columns) of patches over what the model saw of the upright picture.
        weights: float32, shape (rows * columns, vocab_size), row-major, >= 0, in the unit of
            the image's whole lexical vector, before any word was left out.
        low, length: a weight w of the whole vector is stored as (w - low) / length.
    """

    grid: tuple[int, int]
    weights: FloatArray
    low: float = 0.0
    length: float = 1.0

    def as_stored(self, weights: FloatArray) -> FloatArray:
        """Any part of `weights` in the unit of what is stored, 0 where a word would not be.

        Where a word of the image's vector comes from a patch, the maximum over the patches
        equals the weight stored for the image.
        """
        scaled: FloatArray = (weights - np.float32(self.low)) / np.float32(self.length)
        return np.maximum(scaled, np.float32(0.0))


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Image ids with scores: descending score, equal scores by ascending id.

    Attributes:
        ids: int64, shape (n,).
        scores: float32, shape (n,).
        source: the role or stage that made it.
    """

    ids: IntArray
    scores: FloatArray
    source: str

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class ListFacts:
    """What is known of inverted lists over dense vectors.

    Attributes:
        images: how many the lists hold, those included that left since.
        trained: images that the centres were computed from.
        lists: how many there are.
        nprobe: lists that a search for 100 neighbours visits, by calibration.
        recall: recall@100 that calibration measured with it.
        imbalance: of the lists when they were trained, 1 = all alike.
        depth: candidates per result that a search takes from the lists and scores anew.
    """

    images: int
    trained: int
    lists: int
    nprobe: int
    recall: float
    imbalance: float
    depth: int


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """Inverted lists as a file holds them: derived from the dense vectors, made again at will.

    Attributes:
        data: uint8 (bytes,), the index as FAISS writes it; may lie in a mapped file.
        image_ids: int64 (n,), the image behind every number in the lists, -1 where it left.
        facts: see `ListFacts`.
    """

    data: PixelArray
    image_ids: IntArray
    facts: ListFacts


@dataclass(frozen=True, slots=True)
class PixelSpec:
    """How a model wants a picture.

    `squash` ignores the aspect ratio, `crop` cuts the centre, `patches` keeps both: the picture
    comes cut into patches of `width` pixels a side, see `lexsearch.patch_sequence`.
    """

    width: int
    height: int
    fit: Literal["squash", "crop", "patches"] = "squash"
    resample: Literal["bilinear", "bicubic"] = "bicubic"

    @property
    def reach(self) -> int:
        """Pixels that the shorter side of a picture should have, so that none are made up."""
        if self.fit != "patches":
            return max(self.width, self.height)
        return math.isqrt(self.width * self.height)


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What an index remembers of the model that made it.

    Attributes:
        name: the model set, for example `mini`.
        fingerprints: role -> identity of the encoder (weights, preprocessing, vocabulary, ...).
        vocab_hash: sha256 of the vocabulary file.
        vocab_size: words of the lexical role.
        dense_dim, token_dim: widths of the other two roles.
        tokens_per_image: rows that the tokens role stores for one image.
        lexical_scale: weight that the u8 impact 255 stands for; a constant of the model.
        token_scale: value that the int8 token component 127 stands for; likewise.
        words_per_image: most words that the lexical role stores for one image.
    """

    name: str
    fingerprints: dict[Role, str]
    vocab_hash: str
    vocab_size: int
    dense_dim: int
    token_dim: int
    tokens_per_image: int
    lexical_scale: float
    token_scale: float
    words_per_image: int
