"""Content words of a text: the written rule that vocabulary, targets and measures share."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

import simplemma

_WORD = re.compile(r"[a-z]{3,}")


@lru_cache(maxsize=1)
def stop_list() -> frozenset[str]:
    """Words that name nothing to see; committed beside this file."""
    text = (files("lexsearch.training") / "stopwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.split() if line)


@lru_cache(maxsize=200_000)
def lemma(word: str) -> str:
    """The dictionary form of a lower-case English word."""
    found: str = simplemma.lemmatize(word, lang="en").lower()
    return found if _WORD.fullmatch(found) else word


def content_words(text: str) -> list[str]:
    """Lemmas of the content words, in order: letters only, three or more, not in the stop list."""
    stop = stop_list()
    forms = (word for word in _WORD.findall(text.lower()) if word not in stop)
    return [found for form in forms if len(found := lemma(form)) >= 3 and found not in stop]
