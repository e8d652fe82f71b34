"""Image and query vectors that follow the word statistics of the bundled model.

A made-up picture is a sample picture as the model sees it, with a little of a second one; every
weight times a number between 0.1 and 1.9, the row brought to unit length, and 15 words of the
whole vocabulary by (rank + 40)^-0.9 at a weight of about 0.05; its heaviest words are kept. A
query is made in the same way from captions of the sample pictures.

Measured beside 4,000 real photos and 300 of their captions (128 words a picture, 64 a query):

                                                       photos   made up
    postings of a query, per picture                     30       30
    pictures with the word of rank 10, 100, 300        1.00, .34, .10   .97, .42, .05
    k-th score (k = 100) over the largest that bounds by word allow   .42   .28
    mean score over the k-th score                       .67      .66

So bounds are looser than those of photos, which flatters no engine that skips by them. It says
nothing about relevance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmarks.synthetic_words import CHUNK, heaviest
from lexsearch.pictures import load_pixels
from lexsearch.protocols import Model
from lexsearch.types import Encoded, FloatArray, IntArray, SparseVectors

SAMPLE = Path(__file__).parents[1] / "sample_corpus"
SECOND = 0.2  # share of the second picture
NOISE = 0.9
BACKGROUND, BACKGROUND_WEIGHT = 15, 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What vectors of one kind are drawn from.

    Attributes:
        words: int64 (n,), words that any of the samples carries.
        weights: float32 (samples, n).
        background: int64 (vocab_size,), the vocabulary by rank; cumulated: of its probabilities.
    """

    words: IntArray
    weights: FloatArray
    background: IntArray
    cumulated: FloatArray
    vocab_size: int

    @classmethod
    def of(cls, seen: SparseVectors) -> Drawn:
        """From what a model says about some pictures or texts."""
        words = np.unique(seen.indices).astype(np.int64)
        weights = np.zeros((len(seen), len(words)), dtype=np.float32)
        for i in range(len(seen)):
            ids, values = seen.row(i)
            weights[i, np.searchsorted(words, ids)] = values
        order = np.random.default_rng(0).permutation(seen.vocab_size).astype(np.int64)
        cumulated = np.cumsum((np.arange(seen.vocab_size) + 41.0) ** -0.9)
        return cls(words, weights, order, cumulated / cumulated[-1], seen.vocab_size)

    def vectors(self, n: int, *, words: int, background: int, seed: int) -> SparseVectors:
        """n made-up vectors of at most `words` words."""
        parts = [
            self._some(min(CHUNK, n - start), words, background, np.random.default_rng((seed, i)))
            for i, start in enumerate(range(0, n, CHUNK))
        ]
        counts = np.concatenate([part[0] for part in parts])
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return SparseVectors(
            indptr,
            np.concatenate([part[1] for part in parts]),
            np.concatenate([part[2] for part in parts]),
            self.vocab_size,
        )

    def _some(
        self, n: int, words: int, background: int, rng: np.random.Generator
    ) -> tuple[IntArray, IntArray, FloatArray]:
        first, second = rng.integers(len(self.weights), size=(2, n))
        made = self.weights[first] + np.float32(SECOND) * self.weights[second]
        made *= 1 + np.float32(NOISE) * (2 * rng.random(made.shape, dtype=np.float32) - 1)
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        drawn = np.searchsorted(self.cumulated, rng.random((n, background)))
        more = BACKGROUND_WEIGHT * (0.5 + rng.random((n, background), dtype=np.float32))
        ids = np.concatenate(
            [np.broadcast_to(self.words, made.shape), self.background[drawn]], axis=1
        )
        kept, weights = heaviest(
            ids.astype(np.uint32), np.concatenate([made, more], axis=1).astype(np.float32), words
        )
        there = weights > 0
        return (
            there.sum(axis=1),
            kept[there].astype(np.int32),
            weights[there].astype(np.float32),
        )


@lru_cache(maxsize=1)
def sample(model: Model) -> Encoded:
    """What the model says about the sample pictures."""
    paths = sorted(path for path in (SAMPLE / "images").iterdir() if path.is_file())
    return model.encode_pixels(np.stack([load_pixels(path, model.pixel_spec) for path in paths]))


def pictures(model: Model, n: int, words: int = 128, seed: int = 1) -> SparseVectors:
    """n picture vectors of at most `words` words."""
    seen = sample(model).lexical
    assert seen is not None
    return _drawn(seen).vectors(n, words=words, background=BACKGROUND, seed=seed)


def queries(model: Model, n: int, words: int = 64, seed: int = 2) -> SparseVectors:
    """n query vectors of at most `words` words."""
    lines = (SAMPLE / "captions.tsv").read_text(encoding="utf-8").splitlines()
    seen = model.encode_texts([line.split("\t")[-1] for line in lines[:300]]).lexical
    assert seen is not None
    return Drawn.of(seen).vectors(n, words=words, background=BACKGROUND // 2, seed=seed)


@lru_cache(maxsize=1)
def _drawn(seen: SparseVectors) -> Drawn:
    return Drawn.of(seen)
