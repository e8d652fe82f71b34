"""Maps over the patches of a picture."""

import numpy as np
import pytest

from lexsearch.explain.alignment import arg_max_patch, patch_terms, query_map, token_map, word_map
from lexsearch.types import PatchWords, SparseVectors

# 2 x 3 patches, 4 words; word w weighs w + 10 * patch, word 3 nothing.
WEIGHTS = (np.arange(4) + 10 * np.arange(6)[:, np.newaxis]).astype(np.float32)
WEIGHTS[:, 3] = 0
PATCHES = PatchWords((2, 3), WEIGHTS)


def test_a_word_map_has_the_shape_of_the_grid() -> None:
    assert word_map(PATCHES, 1).tolist() == [[1, 11, 21], [31, 41, 51]]


def test_a_query_map_adds_words_by_their_weight() -> None:
    ids, weights = np.array([0, 2], np.int32), np.array([2.0, -1.0], np.float32)
    found = query_map(PATCHES, SparseVectors.from_rows([(ids, weights)], 4))
    expected = [[2 * (10 * p) - (2 + 10 * p) for p in row] for row in ([0, 1, 2], [3, 4, 5])]
    assert found.tolist() == expected
    empty = SparseVectors.from_rows([(ids[:0], weights[:0])], 4)
    assert query_map(PATCHES, empty).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_a_token_map_holds_the_similarity_with_each_patch() -> None:
    image = np.array([[1, 0], [0, 1], [0.6, 0.8], [-1, 0]], dtype=np.float32)
    found = token_map(np.array([1, 0], np.float32), image, (2, 2))
    assert found.tolist() == [[1, 0], [pytest.approx(0.6), -1]]


def test_the_strongest_patch_is_the_first_in_reading_order() -> None:
    assert arg_max_patch(np.array([[0, 2, 1], [2, 0, 0]], np.float32)) == (0, 1)
    assert arg_max_patch(np.array([[np.nan, -2], [-1, np.nan]], np.float32)) == (1, 0)
    with pytest.raises(ValueError, match=r"shape \(0, 3\)"):
        arg_max_patch(np.zeros((0, 3), np.float32))


def test_the_words_of_a_patch_come_by_weight_without_silent_ones() -> None:
    assert patch_terms(PATCHES, 1, 0, k=2) == [(2, 32.0), (1, 31.0)]
    assert patch_terms(PATCHES, 0, 0) == [(2, 2.0), (1, 1.0)]
    tied = PatchWords((1, 1), np.ones((1, 4), np.float32))
    assert patch_terms(tied, 0, 0, k=3) == [(0, 1.0), (1, 1.0), (2, 1.0)]


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match="no word 4 in a vocabulary of 4"):
        word_map(PATCHES, 4)
    with pytest.raises(ValueError, match="grid of 3 x 3"):
        word_map(PatchWords((3, 3), WEIGHTS), 0)
    with pytest.raises(ValueError, match=r"no patch \(2, 0\)"):
        patch_terms(PATCHES, 2, 0)
    with pytest.raises(ValueError, match="4 patches for a grid of 2 x 3"):
        token_map(np.ones(2, np.float32), np.ones((4, 2), np.float32), (2, 3))
    with pytest.raises(ValueError, match="dim differs"):
        token_map(np.ones(3, np.float32), np.ones((4, 2), np.float32), (2, 2))
    row = (np.array([0], np.int32), np.ones(1, np.float32))
    with pytest.raises(ValueError, match="vocabularies of 5 and 4"):
        query_map(PATCHES, SparseVectors.from_rows([row], 5))
