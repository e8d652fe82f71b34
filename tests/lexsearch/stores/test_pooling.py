"""Pooled tokens are unit means of near tokens, image by image."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lexsearch.stores.pooling import factor_of, pool_tokens, pooled_identity
from lexsearch.types import TokenVectors


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def tokens(seed: int, n: int, size: int, grid: tuple[int, int] | None = None) -> TokenVectors:
    values = unit(np.random.default_rng(seed).normal(size=(n * size, 6)))
    return TokenVectors(values, np.arange(n + 1) * size, grid)


def test_neighbours_are_averaged_in_cells_of_the_grid() -> None:
    images = tokens(0, 2, 9, (3, 3))
    pooled = pool_tokens(images, factor=4, method="neighbours")
    assert pooled.grid == (2, 2)
    assert pooled.offsets.tolist() == [0, 4, 8]
    second = images.item(1)
    assert pooled.item(1)[0] == pytest.approx(unit(second[[0, 1, 3, 4]].sum(0)[None])[0], abs=1e-6)
    assert pooled.item(1)[1] == pytest.approx(unit(second[[2, 5]].sum(0)[None])[0], abs=1e-6)
    assert pooled.item(1)[3] == pytest.approx(second[8], abs=1e-6)
    half = pool_tokens(images, factor=2, method="neighbours")
    assert half.grid == (3, 2)


@pytest.mark.parametrize("factor", [2, 3, 4, 8, 16])
def test_kmeans_leaves_at_most_a_share_of_the_tokens_all_of_unit_length(factor: int) -> None:
    pooled = pool_tokens(tokens(1, 5, 49), factor=factor)
    assert (np.diff(pooled.offsets) <= -(-49 // factor)).all()
    assert np.linalg.norm(pooled.values, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert pooled.grid is None


def test_kmeans_finds_groups_that_are_there() -> None:
    centres = np.eye(6, dtype=np.float32)[:2]
    images = TokenVectors(np.repeat(centres, 4, axis=0), np.array([0, 8]))
    pooled = pool_tokens(images, factor=4)
    assert pooled.values.tolist() == centres.tolist()


def test_an_image_does_not_depend_on_its_company() -> None:
    images = tokens(2, 4, 10)
    together = pool_tokens(images, factor=2)
    alone = pool_tokens(TokenVectors(images.item(2), np.array([0, 10])), factor=2)
    assert together.item(2).tobytes() == alone.values.tobytes()


def test_images_with_one_token_or_none_keep_them() -> None:
    values = np.eye(3, dtype=np.float32)[:1]
    pooled = pool_tokens(TokenVectors(values, np.array([0, 0, 1])), factor=4)
    assert pooled.offsets.tolist() == [0, 0, 1]
    assert pooled.values.tolist() == values.tolist()
    empty = TokenVectors(np.zeros((0, 3), np.float32), np.array([0]))
    assert len(pool_tokens(empty, factor=2)) == 0
    flat = TokenVectors(np.zeros((0, 3), np.float32), np.array([0]), (2, 2))
    assert len(pool_tokens(flat, factor=2, method="neighbours")) == 0


def test_misuse_is_refused() -> None:
    for factor in (0, 17):
        with pytest.raises(ValueError, match=f"by 1 to 16, not {factor}"):
            pool_tokens(tokens(0, 1, 4), factor=factor)
    with pytest.raises(ValueError, match="by 2 or 4, not 3"):
        pool_tokens(tokens(0, 1, 9, (3, 3)), factor=3, method="neighbours")
    with pytest.raises(ValueError, match="grid"):
        pool_tokens(tokens(0, 1, 4), factor=2, method="neighbours")
    with pytest.raises(ValueError, match="no pooling is called 'mean'"):
        pool_tokens(tokens(0, 1, 4), factor=2, method="mean")  # type: ignore[arg-type]
    query = TokenVectors(np.ones((1, 2), np.float32), np.array([0, 1]), weights=np.ones(1))
    with pytest.raises(ValueError, match="weights"):
        pool_tokens(query, factor=2)


def test_the_factor_is_part_of_the_identity_and_can_be_read_from_it(toy_model: Any) -> None:
    plain = toy_model.identity
    assert pooled_identity(plain, 1) == plain
    pooled = pooled_identity(plain, 3)
    assert pooled.fingerprints["tokens"] == "toy/t/1+pooled/3"
    assert pooled.tokens_per_image == 2
    assert [factor_of(one) for one in (plain, pooled)] == [1, 3]
    assert plain.fingerprints["tokens"] == "toy/t/1"
    assert factor_of(replace(plain, fingerprints={"tokens": "12"})) == 1
    assert factor_of(replace(plain, fingerprints={})) == 1


def test_a_factor_of_one_changes_nothing() -> None:
    images = tokens(0, 2, 9)
    assert pool_tokens(images, factor=1) is images
