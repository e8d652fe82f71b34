"""Image and query vectors over words that follow the statistics of learned sparse vectors.

There is no public set of a million learned sparse image vectors, so the corpus is made up:

1. Words have a popularity of (rank + 40)^-0.9: Zipf with a flat head, since no word is in nearly
   every picture. Each of 400 themes owns 240 words drawn by (rank + 40)^-0.75, so themes share
   frequent words and differ in rare ones; weights fall off slowly, as those of a learned head.
2. A picture mixes three themes (popularity rank^-0.7, shares 1, 0.7, 0.45) and 60 words of the
   general background, each weight times log-normal noise; its 128 heaviest words are kept.
3. A query is made from two themes in the same way and keeps its 64 heaviest words.

What the result shares with the vectors it stands for (design measurements of the project, 128
words a picture, 64 a query): the most frequent word is in about a third of the pictures, a query
touches about 2.3 postings per picture, and most of them belong to a few frequent words. These
are what the cost of a scan and the looseness of block maxima depend on. It says nothing about
relevance. The figures that a run reached are printed with its times.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lexsearch.types import SparseVectors

VOCABULARY = 17_149
THEMES, THEME_WORDS = 400, 240
BACKGROUND = 60
SHARES = (1.0, 0.7, 0.45)
QUERY_SHARES = (1.0, 0.7)
CHUNK = 8_192


@dataclass(frozen=True, slots=True, eq=False)
class Themes:
    """What pictures and queries of one corpus are drawn from.

    Attributes:
        words, weights: (THEMES, THEME_WORDS), the words of each theme.
        names: (VOCABULARY,), word ids by rank.
        popularity: (THEMES,), background: (VOCABULARY,); cumulated probabilities by rank.
    """

    names: npt.NDArray[np.int64]
    words: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]
    popularity: npt.NDArray[np.float64]
    background: npt.NDArray[np.float64]


def themes(seed: int = 0) -> Themes:
    """The themes of one corpus; pictures and queries of a corpus share them."""
    rng = np.random.default_rng(seed)
    rank = np.arange(1, VOCABULARY + 1, dtype=np.float64) + 40
    order = rng.permutation(VOCABULARY)
    own = np.cumsum(rank**-0.75)
    drawn = np.searchsorted(own, rng.random((THEMES, THEME_WORDS)) * own[-1])
    fall = np.arange(1, THEME_WORDS + 1, dtype=np.float32) ** -0.25
    weights = fall * rng.lognormal(0, 0.3, drawn.shape).astype(np.float32)
    popularity = np.cumsum(np.arange(1, THEMES + 1, dtype=np.float64) ** -0.7)
    background = np.cumsum(rank**-0.9)
    return Themes(
        order, order[drawn], weights, popularity / popularity[-1], background / background[-1]
    )


def pictures(made: Themes, n: int, words: int = 128, seed: int = 1) -> SparseVectors:
    """n picture vectors of at most `words` words."""
    return _vectors(made, n, words, SHARES, BACKGROUND, seed)


def queries(made: Themes, n: int, words: int = 64, seed: int = 2) -> SparseVectors:
    """n query vectors of at most `words` words."""
    return _vectors(made, n, words, QUERY_SHARES, BACKGROUND // 2, seed)


def _vectors(
    made: Themes, n: int, words: int, shares: tuple[float, ...], background: int, seed: int
) -> SparseVectors:
    lengths: list[npt.NDArray[np.int64]] = []
    ids: list[npt.NDArray[np.int32]] = []
    weights: list[npt.NDArray[np.float32]] = []
    for number, start in enumerate(range(0, n, CHUNK)):
        rng = np.random.default_rng((seed, number))
        count = min(CHUNK, n - start)
        parts_words, parts_weights = [], []
        for share in shares:
            theme = np.searchsorted(made.popularity, rng.random(count))
            noise = rng.standard_normal((count, THEME_WORDS), dtype=np.float32)
            parts_words.append(made.words[theme])
            parts_weights.append(made.weights[theme] * np.exp(0.45 * noise) * np.float32(share))
        drawn = np.searchsorted(made.background, rng.random((count, background)))
        noise = rng.standard_normal((count, background), dtype=np.float32)
        parts_words.append(made.names[drawn])
        parts_weights.append(np.float32(0.38) * np.exp(0.45 * noise))
        row_words = np.concatenate(parts_words, axis=1).astype(np.uint32)
        row_weights = np.concatenate(parts_weights, axis=1)
        kept, heavy = heaviest(row_words, row_weights, words)
        there = heavy > 0
        lengths.append(there.sum(axis=1))
        ids.append(kept[there].astype(np.int32))
        weights.append(heavy[there].astype(np.float32))
    indptr = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)
    return SparseVectors(indptr, np.concatenate(ids), np.concatenate(weights), VOCABULARY)


def heaviest(
    words: npt.NDArray[np.uint32], weights: npt.NDArray[np.float32], most: int
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.float16]]:
    """The heaviest words of every row in ascending order, a word at most once, 0 = no word.

    A word and its positive float16 weight fit into 32 bits, so sorting numbers does it all.
    """
    bits = weights.astype(np.float16).view(np.uint16).astype(np.uint32)
    by_word = np.sort(words << 16 | bits, axis=1)
    last = np.ones(by_word.shape, dtype=bool)
    last[:, :-1] = by_word[:, 1:] >> 16 != by_word[:, :-1] >> 16
    by_weight = np.where(last, by_word << 16 | by_word >> 16, 0)
    by_weight.sort(axis=1)
    top = by_weight[:, -most:]
    again = np.sort(top << 16 | top >> 16, axis=1)
    return again >> 16, (again & 0xFFFF).astype(np.uint16).view(np.float16)
