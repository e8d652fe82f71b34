"""Words of a CLIP-class model without training: patches against the embeddings of words.

A patch's similarity to each word, centred over all words and divided by its deviation, is a z-score
that means the same in every model. The best patch decides for the picture; what is under THRESHOLD
does not count. No figure here comes from a trained model: the threshold is that of a word which one
word in 740 would reach by chance.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from torch import Tensor

from lexsearch.models.files import bundled
from lexsearch.models.vocabulary import PIECE_MARK, WordList
from lexsearch.types import FloatArray, SparseVectors

THRESHOLD = 3.0  # standard deviations above the mean of all words
KEPT = 64  # words of a picture or a text
BATCH = 256  # words that pass the text tower at a time
Row = tuple[Any, FloatArray]


def bundled_words(count: int | None = None) -> WordList:
    """The whole words of the bundled vocabulary, or about `count` of them, evenly chosen."""
    files = bundled("mini")
    every = files.read("vocabulary.txt").decode("utf-8").splitlines()
    words = [word for word in every if not word.startswith(PIECE_MARK)]
    if count is not None and count < len(words):
        words = [words[i * len(words) // count] for i in range(count)]
    lemmas = (line.partition("\t") for line in files.read("lemmas.tsv").decode().splitlines())
    return WordList(tuple(words), {form: entry for form, _, entry in lemmas})


class ClipWords:
    """Weights over words from tokens and vectors of a CLIP-class space.

    Attributes:
        vocabulary: the words, by id.
        fingerprint: of the words and the method; the model's is to be added.
    """

    def __init__(self, vocabulary: WordList, rows: FloatArray, place: torch.device) -> None:
        """rows: (V, dim), unit rows, the embedding of every word."""
        self.vocabulary = vocabulary
        found = torch.from_numpy(rows).to(place)
        self._centred = found - found.mean(dim=0)

    @property
    def fingerprint(self) -> str:
        """Identity of the words and of the method."""
        return f"clip-words z{THRESHOLD:g} {KEPT} {hash_of(self.vocabulary.words)}"

    def scores(self, vectors: Tensor) -> Tensor:
        """z-scores of all words, (..., V); vectors: (..., dim), of any length."""
        raw = vectors.to(self._centred) @ self._centred.T
        return (raw - raw.mean(dim=-1, keepdim=True)) / raw.std(dim=-1, keepdim=True).clamp(1e-12)

    def images(self, patches: Iterable[Tensor]) -> list[Row]:
        """Ids and weights of the words of each picture; patches: (m, dim) of each."""
        return [self._sparse(self.scores(one).amax(dim=0)) for one in patches]

    def texts(self, vectors: Tensor, texts: Sequence[str]) -> list[Row]:
        """The same of texts: words near the text, and first the text's own words.

        vectors: (n, dim).
        """
        rows = []
        for vector, text in zip(vectors, texts, strict=True):
            z = self.scores(vector)
            own = [i for word in text.split() if (i := self._lookup(word)) is not None]
            if own:
                z[own] = torch.clamp(z.max(), min=2 * THRESHOLD)
            rows.append(self._sparse(z))
        return rows

    def patches(self, patches: Tensor) -> FloatArray:
        """Weights of every patch of one picture, (m, V), in the unit of the picture's vector."""
        z = self.scores(patches)
        length = torch.relu(z.amax(dim=0)).norm().clamp(min=1e-12)
        found: FloatArray = (torch.relu(z) / length).float().cpu().numpy()
        return found

    def _lookup(self, word: str) -> int | None:
        return self.vocabulary.lookup(word.strip(".,;:!?\"'()"))

    def _sparse(self, z: Tensor) -> Row:
        """Words above the threshold, the KEPT best, of the vector relu(z) of unit length."""
        weights = torch.relu(z)
        weights = weights / weights.norm().clamp(min=1e-12)
        values = weights.float().cpu().numpy()
        ids = np.flatnonzero(z.cpu().numpy() > THRESHOLD)
        if len(ids) > KEPT:
            ids = np.sort(ids[np.lexsort((ids, -values[ids]))[:KEPT]])
        return ids.astype(np.int32), values[ids]

    def sparse(self, rows: Sequence[Row]) -> SparseVectors:
        """Rows as sparse vectors."""
        return SparseVectors.from_rows(rows, len(self.vocabulary.words))


def words_over(
    vocabulary: WordList,
    encode: Callable[[Sequence[str]], Tensor],
    *,
    model: str,
    place: torch.device,
    cache: Path | None,
) -> ClipWords:
    """The lexical role over a text tower; embeddings of the words are kept in the cache.

    Args:
        vocabulary: the words.
        encode: texts to vectors (n, dim), at most BATCH at a time.
        model: what identifies the tower.
        place: where to compute.
        cache: folder for the embeddings; None = keep nothing.
    """
    name = hashlib.sha256(f"{model} {hash_of(vocabulary.words)}".encode()).hexdigest()[:32]
    path = None if cache is None else cache / "words" / f"{name}.safetensors"
    rows = None if path is None else _kept(path, len(vocabulary.words))
    if rows is None:
        words = vocabulary.words
        parts = [encode(words[i : i + BATCH]) for i in range(0, len(words), BATCH)]
        unit = torch.nn.functional.normalize(torch.cat(parts), dim=-1)
        rows = unit.half().cpu().numpy()
        if path is not None:
            _keep(path, rows)
    return ClipWords(vocabulary, rows.astype(np.float32), place)


def _kept(path: Path, count: int) -> Any:
    try:
        rows = load_file(str(path))["rows"]
    except (OSError, KeyError, SafetensorError):
        return None
    return rows if len(rows) == count else None


def _keep(path: Path, rows: Any) -> None:
    """Write whole or not at all; a cache that cannot be written is no error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        os.close(handle)
        save_file({"rows": rows}, temporary)
        Path(temporary).replace(path)
    except OSError:
        return


def hash_of(words: Sequence[str]) -> str:
    """sha256 of the words, one a line."""
    return hashlib.sha256("\n".join(words).encode()).hexdigest()
