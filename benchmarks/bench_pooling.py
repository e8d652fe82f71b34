"""What fewer tokens per image cost: recall of late interaction on real tokens of the model.

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
from lexsearch.pictures import load_pixels
from lexsearch.registry import build
from lexsearch.stores.pooling import FACTORS, Pooling, pool_tokens
from lexsearch.types import TokenVectors

SAMPLE = Path(__file__).parents[1] / "sample_corpus"
METHODS: tuple[Pooling, ...] = ("neighbours", "kmeans")


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


def ranks(store: Any, queries: TokenVectors, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rank of the right image of every query, (n,), and the ten best, (n, 10)."""
    ids = np.arange(count)
    places, best = [], []
    for i in range(count):
        tokens = queries.item(i)
        query = TokenVectors(tokens, np.array([0, len(tokens)]))
        scores = store.score(query, ids)
        order = np.lexsort((ids, -scores))
        places.append(int(np.flatnonzero(order == i)[0]) + 1)
        best.append(order[:10])
    return np.array(places), np.array(best)


def measure(limit: int) -> dict[str, Any]:
    """Recall and overlap with the unpooled ranking, by method and factor."""
    name, pairs = photos(limit)
    model = build("encoders.models", "mini")
    spec, identity = model.pixel_spec, model.identity
    sets = []
    for start in range(0, len(pairs), 50):
        files = [path for path, _ in pairs[start : start + 50]]
        pixels = np.stack([load_pixels(os.fsencode(path), spec) for path in files])
        sets.append(model.encode_pixels(pixels).tokens)
    size = len(sets[0].item(0))
    values = np.concatenate([part.values for part in sets])
    images = TokenVectors(values, np.arange(len(pairs) + 1) * size, sets[0].grid)
    queries = model.encode_texts([caption for _, caption in pairs]).tokens

    def row(tokens: TokenVectors) -> tuple[dict[str, Any], np.ndarray]:
        store = build("stores.tokens", "memmap", dim=identity.token_dim, scale=identity.token_scale)
        store.add(np.arange(len(pairs)), tokens)
        found, best = ranks(store, queries, len(pairs))
        recall = {f"R@{k}": round(float((found <= k).mean()), 4) for k in (1, 5, 10)}
        per_image = round(len(tokens.values) / len(pairs), 1)
        return {"tokens": per_image, "bytes": int(per_image * identity.token_dim), **recall}, best

    table: dict[str, Any] = {}
    table["none"], peer = row(images)
    for method in METHODS:
        for factor in FACTORS:
            figures, best = row(pool_tokens(images, factor=factor, method=method))
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
