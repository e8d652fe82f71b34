"""What fewer tokens per image cost: recall of late interaction, alone and in the hybrid.

python -m benchmarks.bench_pooling [--images 1000] [--json] [--save]
LEXSEARCH_SHARED names the data folder: photos of Flickr8k (choosing set), one caption each, one
right answer each. Without it the sample corpus is used, with its captions. The peer is the same
store without pooling; `top10 overlap` compares with its ten best.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import save
from lexsearch.evaluation.channels import (
    encode_pictures,
    encode_sentences,
    ranks_of,
    score_matrices,
)
from lexsearch.ranking.fusion import weighted_sum
from lexsearch.registry import build
from lexsearch.stores.pooling import Pooling, pool_tokens
from lexsearch.types import Encoded, TokenVectors

SAMPLE = Path(__file__).parents[1] / "sample_corpus"
FACTORS = (2, 3, 4, 6, 8)


def photos(limit: int) -> tuple[str, list[tuple[Path, str]]]:
    """Name of the set, and files with one caption each."""
    shared = os.environ.get("LEXSEARCH_SHARED")
    root = Path(shared) / "photos" / "flickr8k_dev" if shared else SAMPLE
    captions: dict[str, str] = {}
    for line in (root / "captions.tsv").read_text(encoding="utf-8").splitlines():
        name, caption = line.split("\t")[:2]
        captions.setdefault(name, caption)
    files = {path.name: path for path in (root / "images").iterdir()}
    found = [(files[name], text) for name, text in sorted(captions.items()) if name in files]
    return root.name, found[:limit]


def late_scores(store: Any, queries: TokenVectors, count: int) -> np.ndarray:
    """Stored images against every query, float32 (queries, images)."""
    ids, rows = np.arange(count), []
    for i in range(len(queries)):
        tokens = queries.item(i)
        rows.append(store.score(TokenVectors(tokens, np.array([0, len(tokens)])), ids))
    return np.array(rows)


def recalls(scores: np.ndarray) -> dict[str, float]:
    """R@1, 5, 10, where image i is the one right answer of query i."""
    found = ranks_of(scores, np.arange(len(scores)))
    return {f"R@{k}": round(float((found <= k).mean()), 4) for k in (1, 5, 10)}


def measure(limit: int) -> dict[str, Any]:
    """Recall and overlap with the unpooled ranking, by method and factor."""
    name, pairs = photos(limit)
    model = build("encoders.models", "mini")
    identity = model.identity
    images = encode_pictures(model, [path for path, _ in pairs])
    texts = encode_sentences(model, [caption for _, caption in pairs])
    plain, queries = images.tokens, texts.tokens
    beside = score_matrices(
        Encoded(texts.lexical, texts.dense, None), Encoded(images.lexical, images.dense, None),
        model.fusion,
    )  # fmt: skip

    def row(tokens: TokenVectors) -> tuple[dict[str, Any], np.ndarray]:
        store = build("stores.tokens", "memmap", dim=identity.token_dim, scale=identity.token_scale)
        store.add(np.arange(len(pairs)), tokens)
        late = late_scores(store, queries, len(pairs))
        channels = {"lexical": beside["lexical"], "dense": beside["dense"], "late": late}
        flat = {channel: matrix.reshape(-1) for channel, matrix in channels.items()}
        hybrid = weighted_sum(flat, model.fusion).reshape(late.shape)
        per_image = len(tokens.values) / len(pairs)
        figures = {
            "tokens": round(per_image, 1),
            "bytes": round(per_image * identity.token_dim + 4),
            "late": recalls(late),
            "hybrid": recalls(hybrid),
        }
        return figures, np.argsort(-late, axis=1, kind="stable")[:, :10]

    table: dict[str, Any] = {}
    table["none"], peer = row(plain)
    ways: list[tuple[Pooling, int]] = [("kmeans", factor) for factor in FACTORS]
    ways += [("neighbours", 2), ("neighbours", 4)]
    for method, factor in ways:
        figures, best = row(pool_tokens(plain, factor=factor, method=method))
        shared = [len(set(a) & set(b)) / 10 for a, b in zip(peer, best, strict=True)]
        table[f"{method} 1/{factor}"] = figures | {
            "top10 overlap": round(float(np.mean(shared)), 3)
        }
    return {"set": name, "images": len(pairs), "pooling": table}


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, and save when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args(arguments)
    figures = measure(options.images)
    if options.save:
        save("bench_pooling", figures)
    if options.json:
        print(json.dumps(figures))
    else:
        for name, row in figures["pooling"].items():
            print(f"{name:16} {row}")
    return figures


if __name__ == "__main__":
    main()
