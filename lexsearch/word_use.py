"""How often every word of the vocabulary fires in a db."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from lexsearch.results import WordCount
from lexsearch.types import FloatArray, IntArray

if TYPE_CHECKING:
    from lexsearch.protocols import LexicalIndex, Vocabulary

CHUNK = 4096  # images whose vectors are in memory at a time


@dataclass(frozen=True, slots=True, eq=False)
class WordUse:
    """Counts over the whole db, by word id.

    Attributes:
        counts: int64 (vocab_size,), images that carry the word, as `must` and `-word` mean it:
            with at least the model's `word_fires`.
        heaviest: float32 (vocab_size,), the largest weight stored for the word; 0 for none.
        images: images in the db.
        vocabulary: spells the ids.
    """

    counts: IntArray
    heaviest: FloatArray
    images: int
    vocabulary: Vocabulary

    @classmethod
    def of(
        cls, index: LexicalIndex, ids: IntArray, vocabulary: Vocabulary, *, fires: float
    ) -> WordUse:
        """Count over the named images; reads every stored word once."""
        size = len(vocabulary.words)
        counts = np.zeros(size, dtype=np.int64)
        heaviest = np.zeros(size, dtype=np.float32)
        for start in range(0, len(ids), CHUNK):
            stored = index.vectors(ids[start : start + CHUNK])
            carried = stored.indices[stored.weights >= fires]
            counts += np.bincount(carried, minlength=size)
            np.maximum.at(heaviest, stored.indices, stored.weights)
        return cls(counts, heaviest, len(ids), vocabulary)

    def count(self, word: str) -> int:
        """Images that carry a word; 0 for a word outside the vocabulary."""
        found = self.vocabulary.lookup(word)
        return 0 if found is None else int(self.counts[found])

    def most_used(self, k: int) -> list[WordCount]:
        """The k whole words in most images, ties to the smaller id; none that never fires."""
        order = np.lexsort((np.arange(len(self.counts)), -self.counts))
        words = self.vocabulary.words
        whole = (int(i) for i in order if self.counts[i] and self.vocabulary.is_word(int(i)))
        return [WordCount(words[i], int(self.counts[i])) for i in islice(whole, k)]

    def never_used(self) -> list[str]:
        """The whole words that no image carries, in alphabetical order."""
        silent = np.flatnonzero(self.counts == 0)
        words = self.vocabulary.words
        return sorted(words[int(i)] for i in silent if self.vocabulary.is_word(int(i)))

    def used(self) -> list[WordCount]:
        """Every whole word that fires, in alphabetical order."""
        words = self.vocabulary.words
        fired = [int(i) for i in np.flatnonzero(self.counts) if self.vocabulary.is_word(int(i))]
        found = [WordCount(words[i], int(self.counts[i])) for i in fired]
        return sorted(found, key=lambda one: one.word)
