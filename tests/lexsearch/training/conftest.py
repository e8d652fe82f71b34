"""The fixture `small`: a training set small enough for tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from lexsearch.training.batches import Source
    from lexsearch.training.data import Box
    from lexsearch.training.targets import WordTargets

THINGS = ("dog", "cat", "boat", "tree", "house", "ball", "bird", "fish", "car", "apple", "cup")
COLOURS = ("red", "green", "blue", "yellow")
ENTRIES = tuple(sorted((*THINGS, *COLOURS, "animal", "lie", "grass")))


def sentences(i: int) -> tuple[str, ...]:
    thing, colour = THINGS[i % len(THINGS)], COLOURS[i % len(COLOURS)]
    return (f"A {colour} {thing} lies on the grass.", f"the {thing} is {colour}", f"a {thing}")


class Small:
    """Random tower states, sentences about a few coloured things."""

    words = len(ENTRIES)

    @staticmethod
    def targets() -> WordTargets:
        from lexsearch.training.targets import WordTargets
        from lexsearch.training.vocabulary import VocabularyTable

        above = {"dog": ("animal",), "cat": ("animal",)}
        table = VocabularyTable(ENTRIES, {"dogs": "dog"}, above)
        return WordTargets(table, hypernym=0.25, class_heads=["dog", None])

    @staticmethod
    def groups() -> list[tuple[str, ...]]:
        return [sentences(i) for i in range(44)]

    @staticmethod
    def tokenizer() -> Tokenizer:
        from lexsearch.training.tokenizer import train_tokenizer

        return train_tokenizer([s for i in range(44) for s in sentences(i)], vocab_size=300)

    @classmethod
    def source(cls, n: int, *, boxes: tuple[tuple[Box, ...], ...] = ()) -> Source:
        """n photos whose tower states depend on what their sentences say."""
        from lexsearch.training.batches import Source
        from lexsearch.training.data import PhotoSet
        from lexsearch.training.features import Features

        random = np.random.default_rng(5)
        kinds = random.normal(size=(len(THINGS), 197, 192))
        colours = random.normal(size=(len(COLOURS), 197, 192))
        tokens = np.stack([kinds[i % len(THINGS)] + colours[i % len(COLOURS)] for i in range(n)])
        texts = [("a dog",) if boxes else sentences(i) for i in range(n)]
        places = tuple(Path(f"{i}.png") for i in range(n))
        photos = PhotoSet("small", places, tuple(texts), tuple(range(n)), boxes)
        features = Features(tokens.astype(np.float16), np.zeros((n, 2), np.float16))
        targets = cls.targets()
        return Source(photos, [features], [], [targets.of_photo(t, None, 0.0) for t in texts])


@pytest.fixture(scope="session")
def small() -> type[Small]:
    return Small
