"""Word targets: which entries of the vocabulary a text or a photo should fire."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from lexsearch.models.vocabulary import PIECE_MARK, split
from lexsearch.training.vocabulary import VocabularyTable
from lexsearch.training.words import content_words

WordWeights = dict[int, float]
CLASS_PROBABILITY = 0.15  # a class of the backbone below this says nothing
PIECE_WEIGHT = 0.3


class WordTargets:
    """Turns texts, and class logits of the backbone, into weights over the vocabulary."""

    def __init__(
        self, table: VocabularyTable, *, hypernym: float, class_heads: Sequence[str | None]
    ) -> None:
        self._ids = {word: i for i, word in enumerate(table.entries)}
        self._size = len(table.entries)
        self._above = table.hypernyms
        self._hypernym = hypernym
        self._class_ids = [self._ids.get(head) if head else None for head in class_heads]
        self._words = table.entries
        self._known: dict[str, WordWeights] = {}

    def of_text(self, text: str) -> WordWeights:
        """1 for the text's own words, less for their hypernyms and for pieces of unknown ones."""
        if text not in self._known:
            self._known[text] = self._of_text(text)
        return self._known[text]

    def own_words(self, text: str) -> list[int]:
        """The entries that the text itself names."""
        return [key for key, weight in self.of_text(text).items() if weight == 1.0]

    def of_group(self, text: str, others: Sequence[str], share: float) -> WordWeights:
        """A text's words, and at most `share` for those that others say of the same picture."""
        weights: WordWeights = {}
        for other in others:
            for key, value in self.of_text(other).items():
                weights[key] = weights.get(key, 0.0) + share * value / len(others)
        for key, value in self.of_text(text).items():
            weights[key] = max(weights.get(key, 0.0), value)
        return weights

    def _of_text(self, text: str) -> WordWeights:
        weights: WordWeights = {}
        for word in content_words(text):
            found = self._ids.get(word)
            if found is None:
                for piece in split(word, self._ids):
                    weights[piece] = max(weights.get(piece, 0.0), PIECE_WEIGHT)
                continue
            weights[found] = 1.0
            self._add_hypernyms(weights, word, 1.0)
        return weights

    def of_photo(
        self, texts: Iterable[str], logits: np.ndarray | None, weight: float
    ) -> WordWeights:
        """Mean over the photo's texts, plus the backbone's class words at `weight`."""
        rows = [self.of_text(text) for text in texts]
        weights: WordWeights = {}
        for row in rows:
            for key, value in row.items():
                weights[key] = weights.get(key, 0.0) + value / len(rows)
        if logits is not None and weight > 0:
            scores = np.exp(logits.astype(np.float32) - float(logits.max()))
            scores /= scores.sum()
            for index in np.flatnonzero(scores > CLASS_PROBABILITY):
                found = self._class_ids[int(index)]
                if found is not None:
                    share = weight * float(scores[index])
                    weights[found] = max(weights.get(found, 0.0), share)
                    self._add_hypernyms(weights, self._words[found], share)
        return weights

    def _add_hypernyms(self, weights: WordWeights, word: str, share: float) -> None:
        for above in self._above.get(word, ()):
            key = self._ids[above]
            weights[key] = max(weights.get(key, 0.0), self._hypernym * share)

    def whole_words(self) -> Tensor:
        """1 for words, 0 for pieces; float32 (V,)."""
        return torch.tensor([0.0 if w.startswith(PIECE_MARK) else 1.0 for w in self._words])

    def dense(self, rows: Sequence[WordWeights]) -> Tensor:
        """float32 (n, V)."""
        out = torch.zeros(len(rows), self._size)
        for i, row in enumerate(rows):
            if row:
                out[i, list(row)] = torch.tensor(list(row.values()))
        return out
