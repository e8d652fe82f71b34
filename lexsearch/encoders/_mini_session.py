"""The bundled model behind onnxruntime: one forward pass a picture or text, three roles.

Pictures and texts run one at a time, so a row never depends on its batch; several threads share
the sessions. The image side loads when the first picture comes, the text side with the first text.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from safetensors.numpy import load as load_tensors
from tokenizers import Tokenizer

from lexsearch.models.files import ModelFiles, bundled
from lexsearch.models.vocabulary import PIECE_MARK, WordList
from lexsearch.onnx_runtime import one_thread, onnxruntime
from lexsearch.ranking.pruning import Kept, kept_words
from lexsearch.types import (
    DenseVectors,
    Encoded,
    FloatArray,
    IntArray,
    ModelIdentity,
    PatchWords,
    PixelArray,
    PixelSpec,
    SparseVectors,
    TokenVectors,
)

BOS, EOS = 1, 2
LENGTH_WORDS = 32  # words that the length of a word-level vector is taken from


class MiniModel:
    """`Model` over the files of a folder in `lexsearch/models`.

    words_per_image, words_per_text: most words of a vector; None = as released, 0 = every word
    above the threshold, with its weight in the whole vector. Another number of stored words is
    another lexical encoder, with a fingerprint of its own; a text's words are never stored, so
    they leave it as it is. word_floor: see `kept_words`.
    """

    def __init__(
        self,
        files: ModelFiles,
        *,
        threads: int = 0,
        words_per_image: int | None = None,
        words_per_text: int | None = None,
    ) -> None:
        self._files = files
        self._words_per_image = words_per_image
        self._threads = threads or os.cpu_count() or 1
        self._context = int(files.manifest["context"])
        self.word_floor = float(files.manifest["word_floor"])
        released = int(files.manifest["words_per_text"])
        words = released if words_per_text is None else words_per_text
        self._text_words = words or files.identity.vocab_size

    @cached_property
    def identity(self) -> ModelIdentity:
        """What an index remembers."""
        released, words = self._files.identity, self._words_per_image
        if words is None or words == released.words_per_image:
            return released
        words = words or released.vocab_size
        lexical = f"{released.fingerprints['lexical']}/words-{words}"
        return replace(
            released,
            fingerprints={**released.fingerprints, "lexical": lexical},
            words_per_image=words,
        )

    @property
    def pixel_spec(self) -> PixelSpec:
        """224 x 224, squashed, so that every patch maps back to a rectangle of the photo."""
        return self._files.pixel_spec

    @cached_property
    def vocabulary(self) -> WordList:
        """The 17,149 entries."""
        return WordList.parse(self._files.read("vocabulary.txt"), self._files.read("lemmas.tsv"))

    @property
    def fusion(self) -> Mapping[str, float]:
        """Weights on raw scores: fused = sum of weight * score; chosen on a choosing set."""
        weights: dict[str, float] = self._files.manifest["fusion"]
        return weights

    @property
    def first_stage(self) -> int:
        """Pictures that lexical and dense propose to a hybrid search, each."""
        return int(self._files.manifest["first_stage"])

    @property
    def word_fires(self) -> float:
        """A picture carries a word from this stored weight on; calibrated on captions."""
        return float(self._files.manifest["word_fires"])

    @cached_property
    def _image(self) -> onnxruntime.InferenceSession:
        return _session(self._files.read("image.onnx"))

    @cached_property
    def _text(self) -> onnxruntime.InferenceSession:
        return _session(self._files.read("text.onnx"))

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer.from_buffer(self._files.read("tokenizer.json"))

    @cached_property
    def _image_codebook(self) -> FloatArray:
        return _codebook(self._files.read("image_words.safetensors"))

    @cached_property
    def _text_codebook(self) -> FloatArray:
        return _codebook(self._files.read("text_words.safetensors"))

    def encode_pixels(self, pixels: PixelArray) -> Encoded:
        """n pictures, uint8 (n, 224, 224, 3); rows do not depend on each other."""
        session, codebook = self._image, self._image_codebook

        def one(picture: PixelArray) -> tuple[FloatArray, FloatArray, Any]:
            dense, tokens, words = session.run(None, {"pixels": picture[np.newaxis]})
            logits = (words[0] @ codebook.T).max(axis=0)
            return dense[0], tokens[0], self._kept(logits, self.identity.words_per_image)[:2]

        if len(pixels) > 1 and self._threads > 1:
            with ThreadPoolExecutor(self._threads) as pool:
                rows = list(pool.map(one, pixels))
        else:
            rows = [one(picture) for picture in pixels]
        return _encoded(rows, self.identity, (7, 7))

    def encode_texts(self, texts: Sequence[str]) -> Encoded:
        """n texts, each cut to the context of the model; an empty text has begin and end only."""
        session, codebook = self._text, self._text_codebook
        rows = []
        for text in texts:
            dense, tokens, words = session.run(None, {"ids": self._row(text)})
            row = self._kept(codebook @ words[0], self._text_words)[:2]
            rows.append((dense[0], tokens[0], row))
        return _encoded(rows, self.identity, None)

    @cached_property
    def _word_length(self) -> float:
        """Mean length of the text tower's vector for LENGTH_WORDS words, evenly over the list."""
        words = [w for w in self.vocabulary.words if not w.startswith(PIECE_MARK)]
        some = words[:: max(1, len(words) // LENGTH_WORDS)][:LENGTH_WORDS]
        found = [self._text.run(["words"], {"ids": self._row(word)})[0] for word in some]
        return float(np.mean([np.linalg.norm(vector) for vector in found]))

    def encode_words(self, groups: Sequence[Sequence[int]]) -> FloatArray:
        """Word-level vectors; see `WordLevel`.

        Rows of this codebook are much shorter than the text tower's vectors, and a short vector
        gives nearly the same weight to every word. So the mean row gets the length that the
        tower gives to a single word. As of a text, what stands out is kept.
        """
        codebook = self._text_codebook
        if not groups:
            return np.zeros((0, len(codebook)), dtype=np.float32)
        rows = np.stack([codebook[list(group)].mean(axis=0) for group in groups])
        rows *= self._word_length / np.linalg.norm(rows, axis=1, keepdims=True)
        values = np.zeros((len(rows), len(codebook)), dtype=np.float32)
        for value, logits in zip(values, rows @ codebook.T, strict=True):
            ids, weights = self._kept(logits, self._text_words)[:2]
            value[ids] = weights
        return values

    def encode_patches(self, pixels: PixelArray) -> PatchWords:
        """Words of every patch of one picture, uint8 (224, 224, 3).

        The CLS token takes part in the picture's vector but lies nowhere, so it is not in the
        map; a word that only CLS fires is below its stored weight on every patch.
        """
        _, _, words = self._image.run(None, {"pixels": pixels[np.newaxis]})
        logits = words[0] @ self._image_codebook.T
        best = logits.max(axis=0)
        kept = self._kept(best, self.identity.words_per_image)
        values = (_elu1p(logits[1:]) / np.linalg.norm(_elu1p(best))).astype(np.float32)
        return PatchWords((7, 7), values, kept.low, kept.length)

    def _kept(self, logits: FloatArray, k: int) -> Kept:
        """Words above 1 / sqrt(V) as they are stored; with k = V every one, as it is."""
        vector = _elu1p(logits)
        vector /= np.float32(np.linalg.norm(vector))
        least = len(vector) ** -0.5
        ids = np.flatnonzero(vector > least).astype(np.int32)
        if k >= len(vector):
            return Kept(ids, vector[ids], 0.0, 1.0)
        return kept_words(ids, vector[ids], k, floor=self.word_floor, least=least)

    def token_texts(self, text: str) -> list[str]:
        """The pieces of text behind the rows of `encode_texts([text]).tokens`."""
        return [self._tokenizer.decode([i]).strip() or "·" for i in self._ids(text)]

    def _row(self, text: str) -> IntArray:
        return np.array([self._ids(text)], dtype=np.int64)

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text).ids
        return [BOS, *ids[: self._context - 2], EOS]


def load(
    name: str = "mini",
    *,
    threads: int = 0,
    words_per_image: int | None = None,
    words_per_text: int | None = None,
) -> MiniModel:
    """The bundled model of that name; see `MiniModel`."""
    return MiniModel(
        bundled(name),
        threads=threads,
        words_per_image=words_per_image,
        words_per_text=words_per_text,
    )


def _session(data: bytes) -> onnxruntime.InferenceSession:
    options = one_thread()
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _codebook(data: bytes) -> FloatArray:
    tensors = load_tensors(data)
    rows: FloatArray = tensors["values"].astype(np.float32)
    rows *= tensors["scales"][:, np.newaxis]
    return rows


def _elu1p(x: FloatArray) -> FloatArray:
    """x + 1 for x >= 0, exp(x) below (LexVLA)."""
    return np.where(x >= 0, x + 1.0, np.exp(np.minimum(x, 0.0))).astype(np.float32)


def _encoded(
    rows: Sequence[tuple[FloatArray, FloatArray, Any]],
    identity: ModelIdentity,
    grid: tuple[int, int] | None,
) -> Encoded:
    counts = np.cumsum([0, *(len(tokens) for _, tokens, _ in rows)], dtype=np.int64)
    dense = [row for row, _, _ in rows]
    tokens = [row for _, row, _ in rows]
    return Encoded(
        SparseVectors.from_rows([row for _, _, row in rows], identity.vocab_size),
        DenseVectors(np.stack(dense) if dense else np.zeros((0, identity.dense_dim), np.float32)),
        TokenVectors(
            np.concatenate(tokens) if tokens else np.zeros((0, identity.token_dim), np.float32),
            counts,
            grid,
        ),
    )
