"""Vectors of the texts and pictures that queries are made of, each encoded once."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lexsearch.grammar import cut
from lexsearch.pictures import pixels_of
from lexsearch.protocols import Model
from lexsearch.query import Part, Picture
from lexsearch.reuse import EncodedParts
from lexsearch.types import DenseVectors, Encoded, TokenVectors


@dataclass(frozen=True, slots=True)
class PartVectors:
    """The vectors of the parts of some queries."""

    by_key: Mapping[Hashable, Encoded]

    def of(self, part: Part) -> Encoded:
        """The vectors of a part with content, one row each."""
        return self.by_key[_key(part)]


def has_content(part: Part) -> bool:
    """False for a text of blanks, which adds nothing to a query."""
    return not isinstance(part.value, str) or bool(part.value.strip())


def encode_parts(parts: Sequence[Part], model: Model, held: EncodedParts) -> PartVectors:
    """Vectors of the texts and pictures among some parts.

    The model runs at most once for all texts and once for all pictures that are not held.

    Args:
        parts: of any kind; words, and texts of blanks, need no vectors.
        model: encodes.
        held: what was encoded before; gets what is new, except pictures in memory.
    """
    found: dict[Hashable, Encoded] = {}
    texts: dict[Hashable, str] = {}
    pictures: dict[Hashable, Part] = {}
    for part in parts:
        if part.kind == "words" or not has_content(part) or (key := _key(part)) in found:
            continue
        known = held.get(key)
        if known is not None:
            found[key] = known
        elif part.kind == "text":
            texts[key] = cut(str(part.value))[0]
        else:
            pictures[key] = part
    if texts:
        found |= zip(texts, rows(model.encode_texts(list(texts.values()))), strict=True)
    if pictures:
        pixels = [pixels_of(_picture(part), model.pixel_spec) for part in pictures.values()]
        found |= zip(pictures, rows(model.encode_pixels(np.stack(pixels))), strict=True)
    for key in (*texts, *pictures):
        if not isinstance(key, _InMemory):
            held.put(key, found[key])
    return PartVectors(found)


def rows(encoded: Encoded) -> list[Encoded]:
    """Every row of a batch by itself, as if it had been encoded alone."""
    lexical, dense, tokens = encoded.lexical, encoded.dense, encoded.tokens
    count = next(len(side) for side in (lexical, dense, tokens) if side is not None)
    return [
        Encoded(
            None if lexical is None else lexical.select([i]),
            None if dense is None else DenseVectors(dense.values[i : i + 1].copy()),
            None if tokens is None else _one_set(tokens, i),
        )
        for i in range(count)
    ]


def _one_set(tokens: TokenVectors, i: int) -> TokenVectors:
    values = tokens.item(i).copy()
    return TokenVectors(values, np.array([0, len(values)], dtype=np.int64), tokens.grid)


@dataclass(frozen=True, slots=True)
class _InMemory:
    """A picture that has no name: the object itself."""

    number: int


def _key(part: Part) -> Hashable:
    """What tells two texts or pictures apart; of a file also its size and time."""
    if part.kind == "text":
        return ("text", part.value)
    if isinstance(part.value, str | os.PathLike):
        path = Path(part.value).expanduser()
        try:
            state = path.stat()
        except (OSError, ValueError):
            return ("picture", os.fspath(path))  # reading it will say what is wrong
        return ("picture", os.fspath(path.absolute()), state.st_size, state.st_mtime_ns)
    return _InMemory(id(part.value))


def _picture(part: Part) -> Picture:
    assert not isinstance(part.value, Mapping)
    return part.value
