"""Why one picture answers one query; what a server says of it needs no numeric library."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lexsearch.errors import UsageError
from lexsearch.explain.contribution import Contribution
from lexsearch.results import (
    SCHEMA,
    WordWeight,
    display_path,
    rounded,
    share_dict,
    term_dict,
)

if TYPE_CHECKING:
    from PIL.Image import Image

    from lexsearch.explain.token_matches import TokenMatch
    from lexsearch.protocols import Vocabulary
    from lexsearch.ranking.share import Share
    from lexsearch.types import FloatArray, PatchWords, Region

Rows = list[list[float]]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Explained:
    """The words and the arithmetic behind one answer.

    Attributes:
        terms: every word both sides share, heaviest contribution first; their contributions
            add up to `lexical`.
        lexical, dense, late, fused: the scores; None where the query has no such side.
        weights: of the model's fusion; fused = sum of weight * score over the channels that
            exist. Empty where another rule joins them.
        fusion: name of the rule that joins the channels.
        shares: what adds up to `fused`.
        candidates: pictures among which ranks and scales were taken; 1 where they do not matter.
        region: the part of the picture that the model saw, which the patches and the matches of
            tokens lie over; of what is outside of it nothing is known.
    """

    query: str
    raw_path: bytes
    id: str
    terms: tuple[Contribution, ...]
    lexical: float | None
    dense: float | None
    late: float | None
    fused: float
    weights: Mapping[str, float]
    fusion: str = "model"
    shares: tuple[Share, ...] = ()
    candidates: int = 1
    region: Region = (0.0, 0.0, 1.0, 1.0)

    @property
    def path(self) -> str:
        """The path for display."""
        return display_path(self.raw_path)

    def maps(self, words: Sequence[str] = ()) -> dict[str, Rows]:
        """The weight of words on every patch, as rows of numbers; empty without patches.

        words: none = those that speak most for the picture.
        """
        return {}

    def to_dict(self, words: Sequence[str] = ()) -> dict[str, Any]:
        """The explanation as JSON values, with the maps of words; see `maps`."""
        maps = self.maps(words)
        return {
            "schema": SCHEMA,
            "query": self.query,
            "path": self.path,
            "id": self.id,
            "scores": {
                "lexical": rounded(self.lexical),
                "dense": rounded(self.dense),
                "late": rounded(self.late),
                "fused": rounded(self.fused),
            },
            "weights": dict(self.weights),
            "fusion": self.fusion,
            "shares": [share_dict(share) for share in self.shares],
            "terms": [term_dict(term) for term in self.terms],
            "grid": self._size(),
            "region": [round(edge, 5) for edge in self.region],
            "maps": {
                word: [[round(value, 5) for value in row] for row in rows]
                for word, rows in maps.items()
            },
        }

    def _size(self) -> list[int] | None:
        return None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Explanation(Explained):
    """Why one picture answers one query, with the picture at hand.

    Attributes:
        patches: what each patch says; None where only the index was asked.
        tokens: what every token of the query found, late interaction; empty where the query has
            no such side.
    """

    patches: PatchWords | None
    vocabulary: Vocabulary
    load_picture: Callable[[], Image]
    tokens: tuple[TokenMatch, ...] = ()

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return self._patch_words().grid

    def _size(self) -> list[int] | None:
        return None if self.patches is None else list(self.patches.grid)

    def _patch_words(self) -> PatchWords:
        if self.patches is None:
            raise UsageError(f"the words of the patches of {self.path} were not computed")
        return self.patches

    def heatmap(self, word: str) -> FloatArray:
        """Weight of a word on every patch, float32 (rows, columns), in the unit of `terms`.

        Raises:
            KeyError: the word is not in the vocabulary.
        """
        from lexsearch.explain.alignment import word_map

        word_id = self.vocabulary.lookup(word)
        if word_id is None:
            raise KeyError(word)
        patches = self._patch_words()
        return patches.as_stored(word_map(patches, word_id))

    def patch_terms(self, row: int, column: int, *, top_k: int = 8) -> list[WordWeight]:
        """The heaviest whole words of one patch, in the unit of `terms`; ties to the smaller id.

        Words that a picture would not be stored with are left out, so there may be fewer.

        Raises:
            ValueError: no such patch.
        """
        from lexsearch.explain.alignment import patch_terms

        words, is_word = self.vocabulary.words, self.vocabulary.is_word
        found = patch_terms(self._patch_words(), row, column, k=top_k, is_shown=is_word)
        return [WordWeight(words[word_id], weight) for word_id, weight in found]

    def shown_words(self, count: int = 3) -> list[str]:
        """The words of the heaviest positive contributions that are whole words."""
        found = [
            term.word
            for term in self.terms
            if term.contribution > 0 and self.vocabulary.is_word(term.word_id)
        ]
        return found[:count]

    def maps(self, words: Sequence[str] = ()) -> dict[str, Rows]:
        """See `Explained.maps`."""
        if self.patches is None:
            return {}
        return {
            word: self.heatmap(word).astype(float).tolist() for word in words or self.shown_words()
        }

    def draw(self, words: Sequence[str] = ()) -> Image:
        """The picture, and one heat map per word on a scale shared by all.

        words: none = those that speak most for the picture.
        """
        from lexsearch.explain.overlay import sheet

        maps = {word: self.heatmap(word) for word in words or self.shown_words()}
        return sheet(self.load_picture(), maps, region=self.region)

    def render(self, out: str | os.PathLike[str], *, words: Sequence[str] | None = None) -> Path:
        """Write what `draw` gives as a PNG; returns its path."""
        path = Path(out)
        self.draw(words or ()).save(path, format="PNG")
        return path
