"""On vectors of the bundled model every index ranks as the float products of what is stored do.

The stored rows are float16; the oracle multiplies them in float64. Two pictures may change places
only where their products differ by less than the rounding of float32.
"""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lexsearch.errors import ModelMissing
from lexsearch.pictures import load_pixels
from lexsearch.protocols import Sections
from lexsearch.registry import build, names
from lexsearch.stores.segment_data import dense_sections, lexical_sections
from lexsearch.types import DenseVectors, Encoded, SparseVectors

SAMPLE = Path(__file__).parents[2] / "sample_corpus"
PICTURES, QUERIES = 90, 25
# An empty segment, one of a single picture, and large ones.
CUTS = (0, 40, 40, 41, PICTURES)
GONE = (3, 40, 77)
ROUNDING = 1e-6
LISTS = {"up": 1, "down": 0}


@pytest.fixture(scope="module")
def encoded() -> tuple[Any, Encoded, Encoded]:
    """The identity of the model, sample pictures and some captions as it sees them."""
    pytest.importorskip("onnxruntime")
    model = build("encoders.models", "mini")
    files = sorted((SAMPLE / "images").iterdir())[:PICTURES]
    pixels = np.stack([load_pixels(os.fsencode(path), model.pixel_spec) for path in files])
    lines = (SAMPLE / "captions.tsv").read_text(encoding="utf-8").splitlines()
    texts = [line.split("\t")[1] for line in lines[:: len(lines) // QUERIES]][:QUERIES]
    return model.identity, model.encode_pixels(pixels), model.encode_texts(texts)


def dense_rows(sections: Sections) -> np.ndarray:
    return np.asarray(sections["values"], dtype=np.float64)


def word_rows(sections: Sections, vocab_size: int) -> np.ndarray:
    bounds = np.asarray(sections["fwd_ptr"], dtype=np.int64)
    rows = np.zeros((len(bounds) - 1, vocab_size))
    places = np.repeat(np.arange(len(rows)), np.diff(bounds))
    rows[places, np.asarray(sections["fwd_ids"], dtype=np.int64)] = sections["fwd_weights"]
    return rows


def words_of(vectors: SparseVectors) -> np.ndarray:
    rows = np.zeros((len(vectors), vectors.vocab_size))
    for i in range(len(vectors)):
        ids, weights = vectors.row(i)
        rows[i, ids] = weights
    return rows


def check(index: Any, asked: Any, ids: np.ndarray, scores: np.ndarray) -> None:
    """Searches for some and for more than there are, all and half of them allowed."""
    for allowed in (None, np.sort(ids[::2])):
        admitted = np.ones(len(ids), bool) if allowed is None else np.isin(ids, allowed)
        own, own_scores = ids[admitted], scores[admitted]
        order = np.lexsort((own, -own_scores))
        score_of = dict(zip(own.tolist(), own_scores.tolist(), strict=True))
        for k in (1, 10, 100):
            found = index.search(asked, k, allowed=allowed)
            wanted = own[order[:k]]
            assert len(found) == min(k, len(own))
            theirs = np.array([score_of[i] for i in found.ids.tolist()])
            assert theirs == pytest.approx(own_scores[order[:k]], abs=ROUNDING)
            assert found.scores == pytest.approx(theirs, abs=ROUNDING)
            apart = np.diff(own_scores[order[: k + 1]], append=-np.inf)[: len(wanted)]
            if (np.abs(apart) > 2 * ROUNDING).all():
                assert found.ids.tolist() == wanted.tolist()


@pytest.mark.parametrize(
    ("group", "name", "options"),
    [
        *(("stores.lexical", name, {}) for name in names("stores.lexical")),
        *(("stores.dense", name, {}) for name in names("stores.dense")),
        ("stores.dense", "faiss_ivf", LISTS),
    ],
    ids=lambda value: value if isinstance(value, str) else "lists" * bool(value),
)
def test_the_best_sample_pictures_for_their_captions_are_those_of_the_oracle(
    group: str, name: str, options: dict[str, int], encoded: tuple[Any, Encoded, Encoded]
) -> None:
    identity, pictures, texts = encoded
    lexical = group == "stores.lexical"
    size = {"vocab_size": identity.vocab_size} if lexical else {"dim": identity.dense_dim}
    try:
        index = build(group, name, **size, **options)
    except ModelMissing as error:
        pytest.skip(str(error))
    assert pictures.lexical is not None
    assert pictures.dense is not None
    assert texts.lexical is not None
    assert texts.dense is not None
    ids = np.random.default_rng(0).permutation(10 * PICTURES)[:PICTURES].astype(np.int64)
    stored = []
    for start, stop in pairwise(CUTS):
        rows = np.arange(start, stop)
        if lexical:
            sections = lexical_sections(pictures.lexical.select(rows))
            stored.append(word_rows(sections, identity.vocab_size))
        else:
            sections = dense_sections(DenseVectors(pictures.dense.values[rows]))
            stored.append(dense_rows(sections))
        index.attach(ids[rows], sections)
    assert index.remove(ids[list(GONE)]) == len(GONE)
    live = np.delete(np.arange(PICTURES), GONE)
    matrix = np.concatenate(stored)[live]
    queries = words_of(texts.lexical) if lexical else texts.dense.values.astype(np.float64)
    for i in range(len(queries)):
        asked = (
            texts.lexical.select([i]) if lexical else DenseVectors(texts.dense.values[i : i + 1])
        )
        check(index, asked, ids[live], matrix @ queries[i])
