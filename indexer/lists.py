"""Has the lists for dense search kept fit, calibrated on texts of the model's own words."""

from __future__ import annotations

import numpy as np

from lexsearch.bundle.writer import BundleWriter
from lexsearch.protocols import Model
from lexsearch.types import FloatArray

# Texts to calibrate on, and the words of each: a short caption's worth of content words.
TEXTS, WORDS = 200, 3


def refresh_lists(writer: BundleWriter, model: Model, images: int) -> list[str]:
    """Bring the lists up to date; what the user should hear about it.

    images: from so many on there are lists; 0 = never.
    """
    note = writer.refresh_lists(images=images, bank=lambda: text_bank(model))
    return [] if note is None else [note]


def text_bank(model: Model) -> FloatArray | None:
    """Dense vectors of texts of a few words of the vocabulary, float32 (200, dim).

    The same texts for the same model, so an index is the same however it grew. None for a model
    without words or without a dense side.
    """
    vocabulary = model.vocabulary
    words = [word for i, word in enumerate(vocabulary.words) if vocabulary.is_word(i)]
    if not words:
        return None
    rng = np.random.default_rng(0)
    chosen = rng.integers(0, len(words), (TEXTS, WORDS)).tolist()
    dense = model.encode_texts([" ".join(words[i] for i in row) for row in chosen]).dense
    return None if dense is None else dense.values
