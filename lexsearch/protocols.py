"""The seams: what encoders, stores and models must be able to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from lexsearch.types import (
    Encoded,
    FloatArray,
    IntArray,
    Lists,
    ModelIdentity,
    PatchWords,
    PixelArray,
    PixelSpec,
    Ranking,
    Role,
    SparseVectors,
    TokenVectors,
)

V_co = TypeVar("V_co", covariant=True)
V_contra = TypeVar("V_contra", contravariant=True)
Sections = Mapping[str, npt.NDArray[np.generic]]


class TextEncoder(Protocol[V_co]):
    """Turns n strings into n vectors of kind V, in input order."""

    def encode_texts(self, texts: Sequence[str]) -> V_co: ...


class ImageEncoder(Protocol[V_co]):
    """Turns n pictures into n vectors of kind V, in input order.

    pixels: uint8, shape (n, height, width, 3), RGB, upright, as `pixel_spec` asks.
    """

    @property
    def pixel_spec(self) -> PixelSpec: ...

    def encode_pixels(self, pixels: PixelArray) -> V_co: ...


class Encoder(TextEncoder[V_co], ImageEncoder[V_co], Protocol[V_co]):
    """Both sides of one space, with an identity."""

    @property
    def fingerprint(self) -> str: ...


class Vocabulary(Protocol):
    """The words of a lexical space, by id."""

    @property
    def words(self) -> Sequence[str]: ...

    def is_word(self, word_id: int) -> bool:
        """False for sub-word pieces, which are never shown as content words."""
        ...

    def lookup(self, word: str) -> int | None:
        """The id of a word (case-folded, then by lemma), or None."""
        ...

    def pieces(self, word: str) -> tuple[int, ...]:
        """Ids of the known pieces a word outside the vocabulary splits into; may be empty."""
        ...

    def complete(self, prefix: str, k: int) -> list[int]:
        """At most k word ids that start with prefix, in alphabetical order."""
        ...


class Model(Protocol):
    """One forward pass that fills up to three roles."""

    @property
    def identity(self) -> ModelIdentity: ...

    @property
    def pixel_spec(self) -> PixelSpec: ...

    @property
    def vocabulary(self) -> Vocabulary: ...

    @property
    def fusion(self) -> Mapping[str, float]:
        """Weights of the fusion, by `lexical`, `dense`, `late`; chosen when the model was made."""
        ...

    @property
    def first_stage(self) -> int:
        """Images that lexical and dense propose to a hybrid search, each; >= 1."""
        ...

    @property
    def word_fires(self) -> float:
        """An image carries a word, for `must` and `-word`, from this stored weight on."""
        ...

    def encode_pixels(self, pixels: PixelArray) -> Encoded:
        """n pictures, uint8 (n, height, width, 3); a row never depends on its batch."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Encoded:
        """n texts, encoded literally."""
        ...

    def encode_patches(self, pixels: PixelArray) -> PatchWords:
        """Words of every patch of one picture, uint8 (height, width, 3)."""
        ...

    def token_texts(self, text: str) -> list[str]:
        """The text tokens behind the rows of `encode_texts([text]).tokens`, for display."""
        ...


@runtime_checkable
class WordLevel(Protocol):
    """A model that offers the word-level path of LexVLA: words without a sentence."""

    def encode_words(self, groups: Sequence[Sequence[int]]) -> FloatArray:
        """One vector over words per group of vocabulary ids; a group has one id or more.

        The mean of the group's rows of the text codebook takes the place of the text's own
        vector; a model may give it the length of such a vector. float32 (n, vocab_size), >= 0,
        unit rows, not cut.
        """
        ...


class SearchIndex(Protocol[V_contra]):
    """Holds vectors of kind V by image id and finds the best for one query."""

    def __len__(self) -> int:
        """Live images."""
        ...

    def add(self, ids: IntArray, vectors: V_contra) -> None:
        """Add rows; an id that is present already is replaced."""
        ...

    def attach(
        self, ids: IntArray, sections: Sections, *, live: npt.NDArray[np.bool_] | None = None
    ) -> None:
        """Add the arrays of one segment file without copying them; dead rows are never found."""
        ...

    def remove(self, ids: IntArray) -> int:
        """Remove; returns how many were present. Unknown ids are ignored."""
        ...

    def search(self, query: V_contra, k: int, *, allowed: IntArray | None = None) -> Ranking:
        """The k best of the live images (of those in `allowed`, sorted int64, when given).

        query holds exactly one row. Returns min(k, candidates) images whenever that many are
        live and allowed, those that score 0 included; ties go to the smaller id.
        """
        ...

    def score(self, query: V_contra, ids: IntArray) -> FloatArray:
        """Scores of the named images, shape (len(ids),); NaN where the image is not held."""
        ...


@runtime_checkable
class KeepsLists(Protocol):
    """A dense index that can search through inverted lists kept in a file."""

    def make_lists(self, *, bank: Callable[[], FloatArray | None] | None = None) -> Lists | None:
        """Lists that suit the images held now; None where a scan is better.

        Returns the very lists in use where they still do.

        bank: gives texts as queries, float32 (n, dim), on which the number of visited lists is
            chosen, besides queries made from the images; called only when lists are made.
        """
        ...

    def use_lists(self, lists: Lists) -> None:
        """Search through these lists from now on; images outside of them are scanned.

        Raises:
            ValueError: they are not lists of vectors of this width.
            ModelMissing: what reads them is not installed.
        """
        ...


@runtime_checkable
class WarmsUp(Protocol):
    """An index that compiles or derives something before it is at its fastest."""

    def warm_up(self, *, images: int | None = None, wait: bool = True) -> None:
        """Do that now; what is compiled is kept on the disk for other processes.

        Args:
            images: as for so many images, which need not be held; None = whatever their number.
            wait: return when it is done.
        """
        ...


class LexicalIndex(SearchIndex[SparseVectors], Protocol):
    """A search index over words."""

    def vectors(self, ids: IntArray) -> SparseVectors:
        """Stored vectors of the named images, in that order; unknown id: KeyError."""
        ...

    def document_frequency(self) -> IntArray:
        """Live images per word, shape (vocab_size,)."""
        ...


class TokenStore(Protocol):
    """Holds token vectors by image id and scores them by mean max-similarity."""

    def __len__(self) -> int: ...

    def add(self, ids: IntArray, vectors: TokenVectors) -> None: ...

    def attach(
        self, ids: IntArray, sections: Sections, *, live: npt.NDArray[np.bool_] | None = None
    ) -> None: ...

    def remove(self, ids: IntArray) -> int: ...

    def score(self, query: TokenVectors, ids: IntArray) -> FloatArray:
        """Mean max-similarity of one query against the named images; NaN where not held."""
        ...

    def vectors(self, ids: IntArray) -> TokenVectors:
        """Stored tokens of the named images (dequantised float32), in that order."""
        ...


@runtime_checkable
class HasRole(Protocol):
    """A plugin that states which role it fills."""

    role: Role
