"""Fixtures that several folders of tests share."""

from __future__ import annotations

import asyncio
import bisect
import importlib.util
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lexsearch.types import (
    DenseVectors,
    Encoded,
    ModelIdentity,
    PatchWords,
    PixelArray,
    PixelSpec,
    SparseVectors,
    TokenVectors,
)

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before a test asks whether onnxruntime is there

WORDS = ("black", "blue", "dark", "green", "light", "picture", "red", "white", "##ish")
COLOURS = {
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.0, 1.0),
    "white": (1.0, 1.0, 1.0),
}


def pytest_configure() -> None:
    """No property test fails by the clock, and none by luck: `make fuzz` draws anew each time."""
    if importlib.util.find_spec("hypothesis"):
        from hypothesis import settings

        drawn_anew = "FUZZ_EXAMPLES" in os.environ
        settings.register_profile("suite", deadline=None, derandomize=not drawn_anew)
        settings.load_profile("suite")


@dataclass(frozen=True)
class ToyVocabulary:
    words: Sequence[str] = WORDS

    def is_word(self, word_id: int) -> bool:
        return not self.words[word_id].startswith("##")

    def lookup(self, word: str) -> int | None:
        word = word.casefold().rstrip("s")
        return self.words.index(word) if word in self.words else None

    def pieces(self, word: str) -> tuple[int, ...]:
        return (self.words.index("##ish"),) if word.endswith("ish") else ()

    def complete(self, prefix: str, k: int) -> list[int]:
        plain = sorted(w for w in self.words if not w.startswith("##"))
        start = bisect.bisect_left(plain, prefix)
        found = [w for w in plain[start:] if w.startswith(prefix)][:k]
        return [self.words.index(w) for w in found]


class ToyModel:
    """A whole model small enough to reason about: a picture is its share of each colour.

    It stands for a trained model behind the protocol `Model`, so that the parts around it are
    tested without weights; the bundled model has its own tests.
    """

    pixel_spec = PixelSpec(8, 8, "squash", "bilinear")
    vocabulary = ToyVocabulary()
    fusion: Mapping[str, float] = {"lexical": 1.0, "dense": 1.0, "late": 1.0}
    first_stage = 200
    word_fires = 0.04
    identity = ModelIdentity(
        name="toy",
        fingerprints={"lexical": "toy/l/1", "dense": "toy/d/1", "tokens": "toy/t/1"},
        vocab_hash="0" * 64,
        vocab_size=len(WORDS),
        dense_dim=3,
        token_dim=3,
        tokens_per_image=4,
        lexical_scale=1.0,
        token_scale=1.0,
        words_per_image=4,
    )

    def encode_texts(self, texts: Sequence[str]) -> Encoded:
        rows, dense, tokens, offsets = [], [], [], [0]
        for text in texts:
            ids = sorted({i for w in text.split() if (i := self.vocabulary.lookup(w)) is not None})
            weights = np.full(len(ids), 1 / np.sqrt(max(len(ids), 1)), np.float32)
            rows.append((np.array(ids, np.int32), weights))
            vectors = [COLOURS[WORDS[i]] for i in ids if WORDS[i] in COLOURS] or [(1.0, 1.0, 1.0)]
            unit = np.array(vectors, np.float32)
            unit /= np.linalg.norm(unit, axis=1, keepdims=True)
            tokens.append(unit)
            offsets.append(offsets[-1] + len(unit))
            total = unit.sum(axis=0)
            dense.append(total / np.linalg.norm(total))
        return Encoded(
            SparseVectors.from_rows(rows, len(WORDS)),
            DenseVectors(np.array(dense, np.float32)),
            TokenVectors(np.concatenate(tokens), np.array(offsets, np.int64)),
        )

    def encode_pixels(self, pixels: PixelArray) -> Encoded:
        rows, dense, tokens = [], [], []
        for picture in pixels:
            patches = self._patches(picture)
            rows.append(self._words(patches))
            unit = patches + np.float32(1e-3)
            unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
            tokens.append(unit)
            total = unit.sum(axis=0)
            dense.append(total / np.linalg.norm(total))
        return Encoded(
            SparseVectors.from_rows(rows, len(WORDS)),
            DenseVectors(np.array(dense, np.float32)),
            TokenVectors(
                np.concatenate(tokens),
                np.arange(0, 4 * len(pixels) + 1, 4, dtype=np.int64),
                (2, 2),
            ),
        )

    def encode_patches(self, pixels: PixelArray) -> PatchWords:
        weights = np.zeros((4, len(WORDS)), np.float32)
        for colour, direction in COLOURS.items():
            likeness = self._patches(pixels) @ np.array(direction, np.float32)
            weights[:, WORDS.index(colour)] = likeness / np.linalg.norm(direction)
        return PatchWords((2, 2), weights)

    def token_texts(self, text: str) -> list[str]:
        return text.split()

    def _patches(self, picture: PixelArray) -> np.ndarray:
        cells = picture.astype(np.float32).reshape(2, 4, 2, 4, 3).mean(axis=(1, 3)) / 255
        return cells.reshape(4, 3)

    def _words(self, patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ids, weights = [], []
        for colour, direction in sorted(COLOURS.items()):
            axis = np.array(direction, np.float32) / np.linalg.norm(direction)
            value = float((patches @ axis).max())
            if value > 0.1:
                ids.append(WORDS.index(colour))
                weights.append(value)
        return np.array(ids, np.int32), np.array(weights, np.float32)


@pytest.fixture
def toy_model() -> ToyModel:
    return ToyModel()


@pytest.fixture(scope="session")
def session_toy_model() -> ToyModel:
    return ToyModel()


@pytest.fixture
def shared() -> Path:
    """The data folder; a test that asks for it also carries the marker `shared`."""
    place = os.environ.get("LEXSEARCH_SHARED")
    if not place or not Path(place).is_dir():
        pytest.skip("LEXSEARCH_SHARED names no folder of shared data")
    return Path(place)


@pytest.fixture(scope="session")
def completed() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Gives what a coroutine returns, run in a thread and an event loop of its own.

    The browser of `tests/browser` keeps a loop running in the main thread for as long as the
    process lives, so `asyncio.run` is refused in every test that comes after it there.
    """

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, coroutine).result()  # noqa: TID251

    return run
