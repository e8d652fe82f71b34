"""On tokens of the bundled model the fast ranking is that of the definition."""

import os
from pathlib import Path

import numpy as np
import pytest

from lexsearch.pictures import load_pixels
from lexsearch.ranking.maxsim import mean_max_similarities
from lexsearch.registry import build
from lexsearch.types import ModelIdentity, TokenVectors

SAMPLE = Path(__file__).parents[4] / "sample_corpus"
PICTURES = 40


@pytest.fixture(scope="module")
def encoded() -> tuple[ModelIdentity, TokenVectors, TokenVectors]:
    """The model, the tokens of some sample pictures, and those of some captions."""
    pytest.importorskip("onnxruntime")
    model = build("encoders.models", "mini")
    files = sorted((SAMPLE / "images").iterdir())[:PICTURES]
    pixels = np.stack([load_pixels(os.fsencode(path), model.pixel_spec) for path in files])
    lines = (SAMPLE / "captions.tsv").read_text(encoding="utf-8").splitlines()[:60:3]
    texts = model.encode_texts([line.split("\t")[1] for line in lines])
    return model.identity, model.encode_pixels(pixels).tokens, texts.tokens


@pytest.mark.parametrize("kernel", ["onnx", "torch", "numpy"])
def test_the_ten_best_sample_pictures_for_their_captions_equal_the_oracle(
    kernel: str, encoded: tuple[ModelIdentity, TokenVectors, TokenVectors]
) -> None:
    if kernel == "torch":
        pytest.importorskip(kernel)
    identity, pictures, queries = encoded
    dim, scale = identity.token_dim, identity.token_scale
    store = build("stores.tokens", "memmap", dim=dim, scale=scale, kernel=kernel)
    ids = np.arange(PICTURES)
    store.add(ids, pictures)
    held = store.vectors(ids)
    for i in range(len(queries)):
        query = TokenVectors(queries.item(i), np.array([0, len(queries.item(i))]))
        exact = mean_max_similarities(query.values, held.values, held.offsets)
        wanted = np.lexsort((ids, -exact))[:10]
        found = store.best(query, ids, 10)
        assert found.ids.tolist() == wanted.tolist()
        assert found.scores == pytest.approx(exact[wanted], abs=1e-6)
