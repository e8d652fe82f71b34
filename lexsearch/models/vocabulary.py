"""The words of the lexical space: look-up by form, pieces of unknown words, completion."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence

PIECE_MARK = "##"
PIECE_LENGTHS = range(2, 6)


class WordList:
    """A vocabulary from two small tables.

    Attributes:
        words: entries by id; sub-word pieces carry the mark `##`.
    """

    def __init__(self, words: Sequence[str], lemmas: dict[str, str]) -> None:
        self.words = words
        self._ids = {word: i for i, word in enumerate(words)}
        self._lemmas = lemmas
        self._sorted = sorted(word for word in words if not word.startswith(PIECE_MARK))

    @classmethod
    def parse(cls, vocabulary: bytes, lemmas: bytes) -> WordList:
        """From the text of vocabulary.txt (an entry a line) and lemmas.tsv (form, tab, entry)."""
        pairs = (line.partition("\t") for line in lemmas.decode("utf-8").splitlines())
        table = {form: entry for form, _, entry in pairs}
        return cls(tuple(vocabulary.decode("utf-8").splitlines()), table)

    def is_word(self, word_id: int) -> bool:
        """False for sub-word pieces."""
        return not self.words[word_id].startswith(PIECE_MARK)

    def lookup(self, word: str) -> int | None:
        """The id of a word: as it is, then case-folded, then by its dictionary form."""
        folded = word.casefold()
        for form in (word, folded, self._lemmas.get(folded), *_plain_forms(folded)):
            if form is not None and form in self._ids:
                return self._ids[form]
        return None

    def pieces(self, word: str) -> tuple[int, ...]:
        """Ids of the pieces that a word outside the vocabulary splits into; see `split`."""
        return tuple(split(word, self._ids))

    def complete(self, prefix: str, k: int) -> list[int]:
        """At most k words that start with prefix, in alphabetical order; pieces never."""
        start = bisect.bisect_left(self._sorted, prefix)
        found = self._sorted[start : start + max(k, 0)]
        return [self._ids[word] for word in found if word.startswith(prefix)]


def split(word: str, ids: Mapping[str, int]) -> list[int]:
    """Greedy longest pieces from the left; letters that no piece covers are passed over.

    ids: entry -> id; pieces carry the mark `##`.
    """
    found: list[int] = []
    start = 0
    while start < len(word):
        for length in reversed(PIECE_LENGTHS):
            key = ids.get(PIECE_MARK + word[start : start + length])
            if key is not None and start + length <= len(word):
                found.append(key)
                start += length
                break
        else:
            start += 1
    return found


def _plain_forms(word: str) -> tuple[str, ...]:
    """Dictionary forms that regular English endings suggest, for forms no table lists."""
    forms: list[str] = []
    if word.endswith("ies"):
        forms.append(word[:-3] + "y")
    if word.endswith("es"):
        forms.append(word[:-2])
    if word.endswith("s"):
        forms.append(word[:-1])
    return tuple(form for form in forms if len(form) >= 3)
