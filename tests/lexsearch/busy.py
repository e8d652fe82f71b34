"""A db of 300 pictures, questions of every kind to it, and a process that changes it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from lexsearch import Filter, LexSearch, Query

ROOT = Path(__file__).parents[2]
TESTS = Path(__file__).parents[1]
TEXTS = [
    "red",
    "green",
    "blue",
    "white",
    "red green",
    "blue white",
    "red blue green",
    "green white",
]
MODES = ("lexical", "dense", "late", "hybrid")


def pixels(count: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def made(directory: Path, model: Any) -> LexSearch:
    db = LexSearch.create(directory, model=model)
    names = [f"p{i:03}" for i in range(300)]
    db.add(pixels(300), ids=names, metadata=[{"third": i % 3} for i in range(300)])
    return db


def questions(count: int) -> list[tuple[Any, dict[str, Any]]]:
    """Queries of every kind; i-th alike for all callers."""
    rng = np.random.default_rng(11)
    pictures = pixels(6, seed=4)
    made: list[tuple[Any, dict[str, Any]]] = []
    for i in range(count):
        text = TEXTS[i % len(TEXTS)]
        query: Any = (
            text,
            Query.image(pictures[i % 6]),
            Query.text(text) + float(rng.random()) * Query.text(TEXTS[(i + 3) % 8]),
            f"{text} -white",
            Query.words({"red": 1.0, "green": float(rng.random())}),
        )[i % 5]
        mode = "lexical" if i % 5 == 4 else MODES[i % 4]
        filters = Filter(meta={"third": i % 3}) if i % 7 == 0 else None
        made.append((query, {"mode": mode, "filters": filters, "top_k": 1 + i % 20}))
    return made


def answer(db: LexSearch, question: tuple[Any, dict[str, Any]]) -> list[Any]:
    query, options = question
    found = db.search(query, **options)
    return [(hit.docid, hit.score, dict(hit.scores), hit.terms) for hit in found]


ADDING = """
    import sys, numpy as np
    sys.path.insert(0, {tests!r})
    from pathlib import Path
    from conftest import ToyModel
    from lexsearch import LexSearch
    rng = np.random.default_rng(9)
    with LexSearch.open(Path({db!r}), model=ToyModel()) as db:
        for i in range(30):
            db.add(
                rng.integers(0, 256, (4, 8, 8, 3), dtype=np.uint8),
                ids=[f"n{{i:02}}-{{j}}" for j in range(4)], isolate=False,
            )
            if i % 5 == 4:
                db.delete([f"n{{i - 2:02}}-0", f"p{{i:03}}"])
"""


def running(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
