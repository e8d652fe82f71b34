"""A model set whose words come from LexVLA; its other roles come from a partner, if any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from lexsearch.encoders._clip_words import hash_of
from lexsearch.encoders._device import Batches, Device
from lexsearch.encoders._lexvla_tower import LexVlaTower
from lexsearch.encoders._pair_model import short
from lexsearch.errors import UsageError
from lexsearch.models.vocabulary import PIECE_MARK, WordList
from lexsearch.nn.lexical import elu1p, lexical_vector, text_logits
from lexsearch.nn.lexvla import word_state
from lexsearch.protocols import Model
from lexsearch.types import (
    Encoded,
    FloatArray,
    ModelIdentity,
    PatchWords,
    PixelArray,
    PixelSpec,
    Role,
    SparseVectors,
)

WORDS_PER_IMAGE = 1081  # what survives the threshold in the paper, on average; here the most
STARTS = ("▁", "Ġ")  # how tokenizers mark the begin of a word


def words_of(tower: LexVlaTower) -> WordList:
    """The pieces of the language model as entries: word starts as words, the rest marked `##`.

    Entries keep their spelling; `Dog` and `dog` are two. A piece without letters gets its id.
    """
    pieces = tower.tokenizer.convert_ids_to_tokens(tower.model.keep_ids.tolist())
    entries: list[str] = []
    seen: set[str] = set()
    for i, piece in enumerate(pieces):
        entry = piece[1:] if piece.startswith(STARTS) else PIECE_MARK + piece
        if not entry.strip() or entry in seen:
            entry = f"{PIECE_MARK}{entry or piece}#{i}"
        seen.add(entry)
        entries.append(entry)
    return WordList(tuple(entries), {})


class LexVlaModel:
    """`Model` over a LexVLA.

    Args:
        name: of the set.
        tower: LexVLA.
        device: where to compute. batch_size: pictures at a time; 0 = what fits.
        keep: most words of a vector; 0 = all above the threshold.
        partner: fills the dense and tokens roles; its pictures have the same size.

    Raises:
        UsageError: the partner wants pictures of another size.
    """

    word_fires = 1e-6  # every stored word has passed the threshold of the paper

    def __init__(
        self, name: str, tower: LexVlaTower, *, device: Device, batch_size: int = 0,
        keep: int = WORDS_PER_IMAGE, partner: Model | None = None,
    ) -> None:  # fmt: skip
        self._tower, self._partner = tower, partner
        self._keep = keep
        self._batches = Batches(device.place, batch_size)
        self.vocabulary = words_of(tower)
        size = len(self.vocabulary.words)
        said = f"{tower.said} {keep} {hash_of(self.vocabulary.words)}"
        own = ModelIdentity(
            name=name,
            fingerprints={"lexical": short("lexical", said)},
            vocab_hash=hash_of(self.vocabulary.words),
            vocab_size=size,
            dense_dim=0,
            token_dim=0,
            tokens_per_image=0,
            lexical_scale=1.0,
            token_scale=1.0,
            words_per_image=min(keep or size, size),
        )
        self.identity = own if partner is None else _with_roles(own, partner.identity)
        if partner is not None and _size(partner.pixel_spec) != _size(self.pixel_spec):
            raise UsageError(
                f"{partner.identity.name} wants pictures of {_size(partner.pixel_spec)}, "
                f"{name} of {_size(self.pixel_spec)}; expected the same size"
            )

    @property
    def pixel_spec(self) -> PixelSpec:
        """The size that it was trained with."""
        return self._tower.preprocess.spec

    @property
    def fusion(self) -> Mapping[str, float]:
        """Weights of the raw scores; chosen, not measured."""
        return {"lexical": 1.0, "dense": 1.0, "late": 0.1}

    @property
    def first_stage(self) -> int:
        """Pictures that lexical and dense propose to a hybrid search, each."""
        return 200

    def encode_pixels(self, pixels: PixelArray) -> Encoded:
        """n pictures, uint8 (n, height, width, 3); a row does not depend on its batch."""
        parts = self._batches.run(
            len(pixels), lambda start, stop, size: self._seen(pixels[start:stop], size)
        )
        return self._joined(
            [row for part in parts for row in part],
            None if self._partner is None else self._partner.encode_pixels(pixels),
        )

    def _seen(self, pixels: PixelArray, size: int) -> list[tuple[np.ndarray, FloatArray]]:
        n = len(pixels)
        if n < size:
            pixels = np.concatenate([pixels, np.zeros((size - n, *pixels.shape[1:]), np.uint8)])
        return [self._sparse(row) for row in self._tower.image(self._ready(pixels))[:n]]

    def _ready(self, pixels: PixelArray) -> Tensor:
        return self._tower.preprocess.normalise(pixels, self._tower.device)

    def encode_texts(self, texts: Sequence[str]) -> Encoded:
        """n texts, each in its prompt, one at a time."""
        return self._joined(
            [self._sparse(self._tower.texts([text])[0]) for text in texts],
            None if self._partner is None else self._partner.encode_texts(texts),
        )

    def _joined(self, rows: list[tuple[np.ndarray, FloatArray]], other: Encoded | None) -> Encoded:
        lexical = SparseVectors.from_rows(rows, self.identity.vocab_size)
        return Encoded(
            lexical, None if other is None else other.dense, None if other is None else other.tokens
        )

    def _sparse(self, vector: Tensor) -> tuple[np.ndarray, FloatArray]:
        """Entries above 1 / sqrt(V), not renormalised, the `keep` heaviest."""
        values = vector.float().cpu().numpy()
        ids = np.flatnonzero(values > len(values) ** -0.5)
        if self._keep and len(ids) > self._keep:
            ids = np.sort(ids[np.lexsort((ids, -values[ids]))[: self._keep]])
        return ids.astype(np.int32), values[ids]

    def encode_patches(self, pixels: PixelArray) -> PatchWords:
        """Words of every patch of one picture, in the unit of its vector; CLS lies nowhere."""
        logits, whole = self._tower.patches(self._ready(pixels[np.newaxis]))
        weights = elu1p(logits[0]) / elu1p(whole[0]).norm()
        return PatchWords(self._tower.grid, weights.float().cpu().numpy())

    @torch.inference_mode()
    def encode_words(self, groups: Sequence[Sequence[int]]) -> FloatArray:
        """Word-level vectors; see `WordLevel`."""
        book = self._tower.model.z_txt
        if not groups:
            return np.zeros((0, len(book)), np.float32)
        states = torch.stack([word_state(book[list(group)]) for group in groups])
        found: FloatArray = lexical_vector(text_logits(states, book)).cpu().numpy()
        return found

    def token_texts(self, text: str) -> list[str]:
        """The pieces behind the partner's tokens; none without one."""
        return [] if self._partner is None else self._partner.token_texts(text)


def _with_roles(own: ModelIdentity, other: ModelIdentity) -> ModelIdentity:
    roles: dict[Role, str] = {k: v for k, v in other.fingerprints.items() if k != "lexical"}
    return replace(
        own,
        fingerprints={**own.fingerprints, **roles},
        dense_dim=other.dense_dim,
        token_dim=other.token_dim,
        tokens_per_image=other.tokens_per_image,
        token_scale=other.token_scale,
    )


def _size(spec: PixelSpec) -> tuple[int, int, str]:
    return spec.width, spec.height, spec.fit
