"""The peer of a whole query: the same answer by SciPy and NumPy over arrays in memory.

What a short script would do: encode the text, multiply the columns of a float32 CSC matrix and
the dense matrix, take the best of each by argpartition, score the union by NumPy in every channel,
add up. No paths, no words, no conditions. Also `floor`: what no exact search of this kind can do
without - the model's run, and reading every dense row once.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse

from lexsearch.bundle.snapshot import Snapshot
from lexsearch.protocols import Model
from lexsearch.ranking.maxsim import mean_max_similarities
from lexsearch.types import FloatArray, IntArray


class Peer:
    """All rows of an index as plain arrays."""

    def __init__(self, snapshot: Snapshot, model: Model) -> None:
        self.model = model
        identity = model.identity
        words, dense, ids, self.tokens = [], [], [], []
        for segment in snapshot.segments:
            lexical = segment.sections("lexical")
            weights = np.asarray(lexical["fwd_weights"], dtype=np.float32)
            columns = np.asarray(lexical["fwd_ids"], dtype=np.int32)
            pointers = np.asarray(lexical["fwd_ptr"], dtype=np.int64)
            shape = (len(pointers) - 1, identity.vocab_size)
            words.append(scipy.sparse.csr_matrix((weights, columns, pointers), shape=shape))
            dense.append(np.asarray(segment.sections("dense")["values"], dtype=np.float32))
            self.tokens.append(segment.sections("tokens")["values"])
            ids.append(segment.image_ids)
        self.words = scipy.sparse.csc_matrix(scipy.sparse.vstack(words))
        self.dense = np.concatenate(dense)
        self.ids: IntArray = np.concatenate(ids)
        self.starts = np.cumsum([0, *(len(part) for part in ids)])
        self.per_image = identity.tokens_per_image
        self.scale = np.float32(identity.token_scale / 127)

    def search(self, text: str, k: int) -> tuple[IntArray, FloatArray]:
        """Ids and scores of the k best."""
        encoded = self.model.encode_texts([text])
        assert encoded.lexical is not None
        assert encoded.dense is not None
        assert encoded.tokens is not None
        ids, weights = encoded.lexical.row(0)
        lexical = self.words[:, ids] @ weights
        dense = self.dense @ encoded.dense.values[0]
        depth = min(max(self.model.first_stage, k), len(self.ids))
        rows = np.unique(
            [np.argpartition(-scores, depth - 1)[:depth] for scores in (lexical, dense)]
        )
        late = mean_max_similarities(
            encoded.tokens.values,
            self._tokens(rows),
            np.arange(0, (len(rows) + 1) * self.per_image, self.per_image, dtype=np.int64),
        )
        share = self.model.fusion
        fused = share["lexical"] * lexical[rows] + share["dense"] * dense[rows]
        fused = fused + share["late"] * late
        order = np.lexsort((self.ids[rows], -fused))[:k]
        return self.ids[rows[order]], fused[order]

    def floor(self, text: str) -> float:
        """The model's run and one product over the dense rows."""
        encoded = self.model.encode_texts([text])
        assert encoded.dense is not None
        return float((self.dense @ encoded.dense.values[0]).max())

    def _tokens(self, rows: IntArray) -> FloatArray:
        values = np.empty((len(rows), self.per_image, self.model.identity.token_dim), np.float32)
        owners = np.searchsorted(self.starts, rows, side="right") - 1
        for i, (row, owner) in enumerate(zip(rows.tolist(), owners.tolist(), strict=True)):
            first = (row - int(self.starts[owner])) * self.per_image
            values[i] = self.tokens[owner][first : first + self.per_image]
        return (values * self.scale).reshape(-1, values.shape[2])
