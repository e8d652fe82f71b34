"""Indexes on disk of any size, written by the project's own writer, around the bundled model.

The vectors are made up from what the bundled model says about the sample pictures:

1. Words as in `bundled_words`, so a real query touches as many postings as it does among photos.
2. The dense vector mixes two sample pictures with noise; half of the tokens come from each.
3. Lists for dense search as a run of the indexer makes them, from its size on.

Cost depends on these; relevance does not exist here.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bundled_words import pictures, sample
from indexer.lists import refresh_lists
from indexer.options import LISTS_FROM
from lexsearch.bundle.records import CommitBatch, ContentRecord, FileRecord
from lexsearch.bundle.writer import BundleWriter
from lexsearch.protocols import Model
from lexsearch.registry import build
from lexsearch.types import DenseVectors, Encoded, FloatArray, SparseVectors, TokenVectors

BATCH = 16_384  # pictures a commit
DENSE_NOISE, TOKEN_NOISE = 0.3, 0.5  # length of the noise, as a share of the vector's
CAMERAS = ("Lumo X1", "Aria 7", None)
# Path, size, modification time in ns and inode of file i.
NameFile = Callable[[int], tuple[bytes, int, int, int]]


def vectors(seen: Encoded, model: Model, count: int) -> Iterator[Encoded]:
    """`count` pictures in parts of at most BATCH."""
    for number, start in enumerate(range(0, count, BATCH)):
        n = min(BATCH, count - start)
        words = pictures(model, n, model.identity.words_per_image, seed=1000 + number)
        rng = np.random.default_rng((7, number))
        dense, tokens = _mixed(seen, n, rng)
        yield Encoded(words, dense, tokens)


def write(
    directory: Path,
    count: int,
    *,
    model: Model,
    name_file: NameFile | None = None,
    root: bytes = b"/photos",
    thin: bool = False,
    lists_from: int = LISTS_FROM,
) -> None:
    """Make an index of `count` pictures in an empty folder.

    Args:
        directory: must not exist, or be empty.
        count: >= 1.
        model: the index is made for it.
        name_file: file of every picture; None = files that do not exist, by month.
        root: folder above all of them.
        thin: give every picture one word and one token, and no lists, where only the catalog
            matters.
        lists_from: pictures from which on there are lists for dense search; 0 = never.
    """
    name = name_file or _photo
    with BundleWriter.open(directory, identity=model.identity) as writer:
        writer.add_roots([root])
        start = 0
        for part in _thin(model, count) if thin else vectors(sample(model), model, count):
            assert part.lexical is not None
            contents, files = [], []
            for i in range(start, start + len(part.lexical)):
                digest = hashlib.sha256(b"%d" % i).digest()
                contents.append(_content(i, digest))
                path, size, mtime_ns, inode = name(i)
                files.append(FileRecord(path, size, mtime_ns, inode, digest, root))
            writer.commit(CommitBatch(contents=contents, vectors=part, files=files))
            start += len(part.lexical)
        writer.compact()
        if not thin:
            refresh_lists(writer, model, lists_from)


@contextmanager
def index_of(count: int, *, model: Model, keep: Path | None = None) -> Iterator[Path]:
    """An index of that many pictures; in `keep` it is made once and stays.

    The name of a kept one holds the model's fingerprint, so another model makes another.
    """
    if keep is None:
        folder = Path(tempfile.mkdtemp(prefix="lexsearch-bench-"))
        try:
            write(folder / "db", count, model=model)
            yield folder / "db"
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    mark = hashlib.sha256(f"{model.identity!r} lists {LISTS_FROM}".encode()).hexdigest()[:8]
    place = keep / f"{count}-{mark}"
    if not place.is_dir():
        beside = place.with_name(f"{place.name}.{os.getpid()}")
        keep.mkdir(parents=True, exist_ok=True)
        write(beside, count, model=model)
        beside.rename(place)
    yield place


def _thin(model: Model, count: int) -> Iterator[Encoded]:
    identity = model.identity
    for start in range(0, count, BATCH):
        n = min(BATCH, count - start)
        steps = np.arange(n + 1, dtype=np.int64)
        words = (steps[1:] % identity.vocab_size).astype(np.int32)
        dense = np.full((n, identity.dense_dim), identity.dense_dim**-0.5, np.float32)
        tokens = np.full((n, identity.token_dim), identity.token_dim**-0.5, np.float32)
        yield Encoded(
            SparseVectors(steps, words, np.ones(n, np.float32), identity.vocab_size),
            DenseVectors(dense),
            TokenVectors(tokens, steps),
        )


def bundled() -> Any:
    """The bundled model."""
    return build("encoders.models", "mini")


def _photo(i: int) -> tuple[bytes, int, int, int]:
    month = 1 + i % 12
    return b"/photos/%d/%02d/IMG_%07d.jpg" % (2015 + i % 10, month, i), 3_000_000 + i, i, i + 1


def _content(i: int, digest: bytes) -> ContentRecord:
    taken = f"{2015 + i % 10}-{1 + i % 12:02d}-{1 + i % 28:02d}T12:00:00"
    return ContentRecord(digest, 4000, 3000, taken, CAMERAS[i % len(CAMERAS)], None, i * 2654435761)


def _mixed(seen: Encoded, n: int, rng: np.random.Generator) -> tuple[DenseVectors, TokenVectors]:
    assert seen.dense is not None
    assert seen.tokens is not None
    pair = rng.integers(0, len(seen.dense), (2, n))
    share = rng.random((n, 1), dtype=np.float32)
    values = seen.dense.values
    dense = share * values[pair[0]] + (1 - share) * values[pair[1]]
    per_picture = len(seen.tokens.values) // len(seen.tokens)
    patches = seen.tokens.values.reshape(len(seen.tokens), per_picture, -1)
    first = rng.random((n, per_picture, 1)) < 0.5
    tokens = np.where(first, patches[pair[0]], patches[pair[1]]).reshape(n * per_picture, -1)
    offsets = np.arange(0, n * per_picture + 1, per_picture, dtype=np.int64)
    return (
        DenseVectors(_noisy(dense, DENSE_NOISE, rng)),
        TokenVectors(_noisy(tokens, TOKEN_NOISE, rng), offsets, seen.tokens.grid),
    )


def _noisy(rows: FloatArray, length: float, rng: np.random.Generator) -> FloatArray:
    noise = rng.standard_normal(rows.shape, dtype=np.float32)
    noise *= np.float32(length / np.sqrt(rows.shape[1]))
    noise += rows / np.linalg.norm(rows, axis=1, keepdims=True)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    return noise


def postings_per_picture(vectors: SparseVectors, asked: Sequence[SparseVectors]) -> float:
    """Postings that a query touches, divided by the number of pictures; mean over queries."""
    held = np.bincount(vectors.indices, minlength=vectors.vocab_size)
    return float(np.mean([held[q.row(0)[0]].sum() for q in asked])) / max(1, len(vectors))
