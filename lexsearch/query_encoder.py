"""Turns a query into vectors: the only step in which texts, pictures and words differ."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lexsearch.errors import UsageError
from lexsearch.function_words import FUNCTION_WORDS
from lexsearch.grammar import cut
from lexsearch.part_encoder import PartVectors, encode_parts, has_content
from lexsearch.protocols import Model, Vocabulary
from lexsearch.query import Query
from lexsearch.reuse import EncodedParts
from lexsearch.types import (
    DenseVectors,
    Encoded,
    FloatArray,
    SparseVectors,
    TokenVectors,
)

_WORDS = re.compile(r"[^\W\d_]{3,}")
SHOWN_WORD = 40  # letters of an unknown word that a note repeats
SHOWN_PIECES = 6


@dataclass(frozen=True, slots=True, eq=False)
class EncodedQuery:
    """One query as all channels see it; a channel the query has no side for is None.

    Attributes:
        lexical: one row; weights may be negative.
        dense: one unit row.
        tokens: one set; `weights` balance the parts of a sum.
        notes: sentences for the user.
    """

    lexical: SparseVectors | None
    dense: DenseVectors | None
    tokens: TokenVectors | None
    notes: tuple[str, ...] = ()


def encode(query: Query, model: Model) -> EncodedQuery:
    """The sum of the query's parts in every channel, with edited words applied.

    Raises:
        UsageError: the query has nothing to search for, or names an unknown word where only a
            word of the vocabulary will do.
    """
    return encode_many([query], model, EncodedParts())[0]


def encode_many(queries: Sequence[Query], model: Model, parts: EncodedParts) -> list[EncodedQuery]:
    """`encode` for each of many queries; the model runs once for all texts, once for all pictures.

    Args:
        queries: in any number.
        model: encodes what `parts` does not hold.
        parts: vectors of texts and pictures that were encoded before; gets the new ones.

    Raises:
        UsageError: as in `encode`, for the first query at fault.
    """
    for query in queries:
        _check_content(query)
    vectors = encode_parts([part for query in queries for part in query.parts], model, parts)
    return [_sum(query, vectors, model) for query in queries]


def _check_content(query: Query) -> None:
    if not any(has_content(part) for part in query.parts):
        raise UsageError(
            "the query is empty; give a text, a picture (--image FILE) or a word (--weight dog=1)"
            if not (query.exclude or query.filters)
            else "the query has only conditions; add a text, a picture or a word to rank by"
        )


def _sum(query: Query, vectors: PartVectors, model: Model) -> EncodedQuery:
    kept = [part for part in query.parts if has_content(part)]
    notes = list(query.notes)
    encoded: list[Encoded] = []
    for part in kept:
        if isinstance(part.value, Mapping):
            encoded.append(_encode_words(part.value, model))
            continue
        encoded.append(vectors.of(part))
        if isinstance(part.value, str) and part.kind == "text":
            text, said = cut(part.value)
            notes.extend(said + unknown_words(text, model.vocabulary))
    weights = [part.weight for part in kept]
    lexical = _sum_lexical([e.lexical for e in encoded], weights, model.identity.vocab_size)
    if query.weights:
        lexical = _edit(lexical, query.weights, model.vocabulary, model.identity.vocab_size)
    return EncodedQuery(
        lexical,
        _sum_dense([e.dense for e in encoded], weights),
        _join_tokens([e.tokens for e in encoded], weights),
        tuple(notes),
    )


def word_id(word: str, vocabulary: Vocabulary) -> int:
    """The id of a word that must exist.

    Raises:
        UsageError: it does not; the message names words that begin alike.
    """
    found = vocabulary.lookup(word)
    if found is not None:
        return found
    near: list[str] = []
    for length in range(min(len(word), 6), 1, -1):
        near = [vocabulary.words[i] for i in vocabulary.complete(word[:length].lower(), 3)]
        if near:
            break
    hint = f"; near it: {', '.join(near)}" if near else ""
    raise UsageError(
        f"{word!r} is not among the {len(vocabulary.words):,} words of the index{hint}; "
        "see them with: lexsearch words --complete PREFIX"
    )


def _encode_words(weights: Mapping[str, float], model: Model) -> Encoded:
    summed: dict[int, float] = {}
    for word, weight in weights.items():
        key = word_id(word, model.vocabulary)
        summed[key] = summed.get(key, 0.0) + weight
    return Encoded(_sparse(summed, model.identity.vocab_size), None, None)


def unknown_words(text: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """One sentence for every word of the text that names something and is not in the vocabulary."""
    notes: list[str] = []
    for word in dict.fromkeys(_WORDS.findall(text)):
        if word.lower() in FUNCTION_WORDS or vocabulary.lookup(word) is not None:
            continue
        pieces = [vocabulary.words[i] for i in vocabulary.pieces(word.lower())[:SHOWN_PIECES]]
        if pieces:
            rest = f"it is read as its pieces {' + '.join(pieces)}"
        else:
            rest = "the dense and late channels carry it"
        shown = word if len(word) <= SHOWN_WORD else word[:SHOWN_WORD] + "…"
        notes.append(f"{shown!r} is not among the {len(vocabulary.words):,} words; {rest}")
        if len(notes) == 5:
            break
    return tuple(notes)


def _sparse(weights: Mapping[int, float], vocab_size: int) -> SparseVectors:
    kept = sorted((key, value) for key, value in weights.items() if value != 0.0)
    ids = np.array([key for key, _ in kept], dtype=np.int32)
    values = np.array([value for _, value in kept], dtype=np.float32)
    return SparseVectors.from_rows([(ids, values)], vocab_size)


def _sum_lexical(
    rows: list[SparseVectors | None], weights: list[float], vocab_size: int
) -> SparseVectors | None:
    known = [(row, w) for row, w in zip(rows, weights, strict=True) if row is not None]
    if not known:
        return None
    if len(known) == 1 and known[0][1] == 1.0:
        return known[0][0]
    summed: dict[int, float] = {}
    for row, weight in known:
        ids, values = row.row(0)
        for key, value in zip(ids.tolist(), values.tolist(), strict=True):
            summed[key] = summed.get(key, 0.0) + weight * value
    return _sparse(summed, vocab_size)


def _edit(
    lexical: SparseVectors | None,
    factors: Mapping[str, float],
    vocabulary: Vocabulary,
    vocab_size: int,
) -> SparseVectors:
    weights: dict[int, float] = {}
    if lexical is not None:
        ids, values = lexical.row(0)
        weights = dict(zip(ids.tolist(), values.tolist(), strict=True))
    heaviest = max(weights.values(), default=1.0)
    base = heaviest if heaviest > 0 else 1.0
    own = dict(weights)
    for word, factor in factors.items():
        if not abs(factor) < float("inf"):
            raise UsageError(f"the weight of {word!r} is {factor}; expected a finite number")
        key = word_id(word, vocabulary)
        weights[key] = factor * own.get(key, base)
    return _sparse(weights, vocab_size)


def _sum_dense(rows: list[DenseVectors | None], weights: list[float]) -> DenseVectors | None:
    known = [(row, w) for row, w in zip(rows, weights, strict=True) if row is not None]
    if not known:
        return None
    if len(known) == 1 and known[0][1] == 1.0:
        return known[0][0]
    summed: FloatArray = np.zeros_like(known[0][0].values)
    for row, weight in known:
        summed = summed + np.float32(weight) * row.values
    length = float(np.linalg.norm(summed))
    if length < 1e-6:
        raise UsageError("the parts of the query cancel each other; take one of them away")
    return DenseVectors((summed / np.float32(length)).astype(np.float32))


def _join_tokens(rows: list[TokenVectors | None], weights: list[float]) -> TokenVectors | None:
    known = [(row, w) for row, w in zip(rows, weights, strict=True) if row is not None]
    if not known:
        return None
    if len(known) == 1 and known[0][1] == 1.0:
        return known[0][0]
    values = np.concatenate([row.values for row, _ in known])
    shares = np.concatenate(
        [np.full(len(row.values), w / len(row.values), np.float32) for row, w in known]
    )
    return TokenVectors(values, np.array([0, len(values)], np.int64), None, shares)
