"""The vocabulary rule: from texts to exactly 17,149 entries.

1. Count, over all training texts, the number of lines in which each content word stands (lemmas;
   `lexsearch.training.words`). Words on at least MIN_LINES lines are entries.
2. Add the head words of all class names, and the hypernyms of all these (WordNet, first sense)
   that people use: single words that stand on at least COMMON_LINES lines.
3. Fill with sub-word pieces until SIZE is reached: strings of 2 to 5 letters inside word forms
   (written `##ing`), by the number of lines their forms stand on, ties in alphabetical order.
Words come first in alphabetical order, then the pieces in alphabetical order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lexsearch.models.vocabulary import PIECE_LENGTHS, PIECE_MARK
from lexsearch.training.wordnet import WordNetNouns
from lexsearch.training.words import content_words, lemma

SIZE = 17_149
MIN_LINES = 3
COMMON_LINES = 12
_FORM = re.compile(r"[a-z]{3,}")


@dataclass(frozen=True, slots=True)
class VocabularyTable:
    """The outcome of the rule, as it is committed.

    Attributes:
        entries: SIZE strings; pieces carry the mark `##`.
        lemmas: word form -> entry, for forms that differ from their entry.
        hypernyms: entry -> entries above it, nearest first.
    """

    entries: tuple[str, ...]
    lemmas: Mapping[str, str]
    hypernyms: Mapping[str, tuple[str, ...]]


def class_head_words(names: Iterable[str]) -> list[str]:
    """The last content word of each class name: `great white shark` gives `shark`."""
    heads = [content_words(name.split(",")[0]) for name in names]
    return [words[-1] for words in heads if words]


def build_table(
    lines: Sequence[str], class_names: Sequence[str], nouns: WordNetNouns, *, size: int = SIZE
) -> VocabularyTable:
    """Apply the rule.

    Args:
        lines: training texts, one sentence or label each.
        class_names: names of classes, the first of several synonyms counts.
        nouns: hypernyms.
        size: entries wanted.

    Raises:
        ValueError: the texts give more words or fewer pieces than the size has room for.
    """
    counts: Counter[str] = Counter()
    forms: Counter[str] = Counter()
    for line in lines:
        counts.update(set(content_words(line)))
        forms.update(set(_FORM.findall(line.lower())))
    words = {word for word, count in counts.items() if count >= MIN_LINES}
    words.update(class_head_words(class_names))
    common = {word for word, count in counts.items() if count >= COMMON_LINES}
    above = {word: tuple(nouns.hypernyms(word, common)) for word in sorted(words)}
    words.update(name for names in above.values() for name in names)
    pieces = _pieces(forms, size - len(words))
    if len(words) + len(pieces) != size:
        raise ValueError(
            f"{len(words)} words and {len(pieces)} pieces; expected {size} entries in all: "
            "give fewer texts (or a higher MIN_LINES), or more of them"
        )
    entries = (*sorted(words), *sorted(pieces))
    lemmas = {
        form: found for form in sorted(forms) if (found := lemma(form)) != form and found in words
    }
    hypernyms = {word: names for word, names in above.items() if names}
    return VocabularyTable(entries, lemmas, hypernyms)


def _pieces(forms: Mapping[str, int], wanted: int) -> list[str]:
    counts: Counter[str] = Counter()
    for form, count in forms.items():
        found = {
            form[start : start + length]
            for length in PIECE_LENGTHS
            for start in range(len(form) - length + 1)
            if length < len(form)
        }
        for piece in found:
            counts[piece] += count
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [PIECE_MARK + piece for piece, _ in ranked[: max(0, wanted)]]
