"""Names of classes and objects as entries of the vocabulary, and as prompts.

The rule for names such as `wall-brick`, `sky-other-merged` or `hot-air balloon`:

1. Letters are lower-cased; everything that is no letter separates words.
2. `other`, `merged` and `stuff` are dropped unless nothing else is left: COCO-Stuff and
   COCO-Panoptic add them to keep names apart, and they name nothing to see.
3. Words are looked up as the vocabulary does it (case, then lemma); unknown ones are dropped, so
   that `loaf of bread` is `loaf`, `bread`.
4. A name with no known word (`tv`, `playingfield`) is the sub-word pieces of its words.
"""

from __future__ import annotations

import re

from lexsearch.protocols import Vocabulary

_WORD = re.compile(r"[^\W\d_]+")
LABEL_PARTS = frozenset({"other", "merged", "stuff"})


def name_entries(name: str, vocabulary: Vocabulary) -> tuple[int, ...]:
    """Vocabulary ids that a name stands for, in order, each once; empty when there is none."""
    words = _words(name)
    known = [found for word in words if (found := vocabulary.lookup(word)) is not None]
    if not known:
        known = [piece for word in words for piece in vocabulary.pieces(word)]
    return tuple(dict.fromkeys(known))


def head_entry(name: str, vocabulary: Vocabulary) -> int | None:
    """The id of the word that says what the thing is: the last known word of the name.

    English puts it last: `apple tree` is a tree, `hot-air balloon` a balloon. None when no word
    is known; pieces never count, since a piece names nothing.
    """
    for word in reversed(_words(name)):
        found = vocabulary.lookup(word)
        if found is not None:
            return found
    return None


def name_text(name: str) -> str:
    """The words of a name as a query, by the first two steps of the rule.

    >>> name_text("sky-other-merged"), name_text("wall-brick"), name_text("other")
    ('sky', 'wall brick', 'other')
    """
    return " ".join(_words(name))


def _words(name: str) -> list[str]:
    words = _WORD.findall(name.replace("_", " ").lower())
    return [word for word in words if word not in LABEL_PARTS] or words
