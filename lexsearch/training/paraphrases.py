"""Groups of neighbouring caption lines that speak of one picture, found from their words alone.

Caption files keep the sentences of one picture together but do not say where one picture ends.
The lines are cut into runs of at most five so that the sum over runs of (similarity - THRESHOLD)
over all pairs inside a run is largest, runs of five being preferred; similarity is the cosine of
idf-weighted content words. The best cut is found by dynamic programming.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Sequence

from lexsearch.training.words import content_words

LONGEST = 5
THRESHOLD = 0.1
FULL_RUN = 0.8  # what a run of LONGEST lines is worth on top
_LETTERS = re.compile(r"[^a-z0-9]")


def same_sentence(text: str) -> str:
    """A key that two sentences share when they differ in case, spaces and punctuation alone."""
    return _LETTERS.sub("", text.lower())


def paraphrases(lines: Sequence[str], *, without: Collection[str] = ()) -> list[list[str]]:
    """Lines in groups that most likely describe one picture each, in their order.

    Args:
        lines: captions, those of one picture next to each other.
        without: sentences of sets that must stay unseen; a group with one of them is left out.
    """
    unseen = {same_sentence(text) for text in without}
    groups = [list(lines[start:end]) for start, end in _cut(lines)]
    return [g for g in groups if not any(same_sentence(text) in unseen for text in g)]


def _cut(lines: Sequence[str]) -> list[tuple[int, int]]:
    words = [frozenset(content_words(line)) for line in lines]
    count = Counter(word for own in words for word in own)
    squared = {word: math.log((1 + len(lines)) / n) ** 2 for word, n in count.items()}
    norm = [math.sqrt(sum(squared[word] for word in own)) or 1.0 for own in words]

    def similarity(i: int, j: int) -> float:
        return sum(squared[word] for word in words[i] & words[j]) / (norm[i] * norm[j])

    best = [0.0] + [-math.inf] * len(lines)
    start_of = [0] * (len(lines) + 1)
    for end in range(1, len(lines) + 1):
        inside = 0.0
        for start in range(end - 1, max(-1, end - 1 - LONGEST), -1):
            inside += sum(similarity(start, j) - THRESHOLD for j in range(start + 1, end))
            value = best[start] + inside + (FULL_RUN if end - start == LONGEST else 0.0)
            if value > best[end]:
                best[end], start_of[end] = value, start
    cuts: list[tuple[int, int]] = []
    end = len(lines)
    while end > 0:
        cuts.append((start_of[end], end))
        end = start_of[end]
    return cuts[::-1]
