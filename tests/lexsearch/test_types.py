"""The values that travel between the parts."""

import dataclasses
import hashlib

import numpy as np
import pytest

from lexsearch.types import SparseVectors, TokenVectors, docid, image_id_of


def test_rows_are_sorted_by_word_when_vectors_are_made() -> None:
    vectors = SparseVectors.from_rows(
        [
            (np.array([5, 2], np.int32), np.array([0.5, 0.2], np.float32)),
            (np.zeros(0, np.int32), np.zeros(0, np.float32)),
        ],
        9,
    )
    assert len(vectors) == 2
    assert vectors.row(0)[0].tolist() == [2, 5]
    assert vectors.row(0)[1].tolist() == pytest.approx([0.2, 0.5])
    assert vectors.row(1)[0].tolist() == []
    assert (vectors.indptr.dtype, vectors.indices.dtype, vectors.weights.dtype) == (
        np.int64,
        np.int32,
        np.float32,
    )


def test_selected_rows_come_in_the_order_named() -> None:
    one = (np.array([1], np.int32), np.ones(1, np.float32))
    two = (np.array([2], np.int32), np.ones(1, np.float32))
    chosen = SparseVectors.from_rows([one, two], 4).select([1, 0, 1])
    assert chosen.indices.tolist() == [2, 1, 2]
    assert len(SparseVectors.from_rows([], 4)) == 0


def test_a_set_of_tokens_owns_its_rows() -> None:
    tokens = TokenVectors(np.arange(6, dtype=np.float32).reshape(3, 2), np.array([0, 1, 3]))
    assert len(tokens) == 2
    assert tokens.dim == 2
    assert tokens.item(1).tolist() == [[2.0, 3.0], [4.0, 5.0]]


def test_values_are_frozen() -> None:
    tokens = TokenVectors(np.zeros((0, 2), np.float32), np.array([0]))
    with pytest.raises(dataclasses.FrozenInstanceError):
        tokens.grid = (1, 1)  # type: ignore[misc]


def test_an_image_id_is_the_first_63_bits_of_the_digest() -> None:
    assert image_id_of(b"\xff" * 32) == 2**63 - 1
    assert image_id_of(b"\x00" * 7 + b"\x03" + b"\xff" * 24) == 1
    digest = hashlib.sha256(b"picture").digest()
    assert docid(image_id_of(digest)) == f"{int(digest.hex()[:16], 16) // 2:016x}"
    assert docid(1) == "0000000000000001"
