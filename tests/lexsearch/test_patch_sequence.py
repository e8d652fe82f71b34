"""Pictures as rows of patches: the shape, there and back, and what travels with it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lexsearch.patch_sequence import budget_of, grid_in, grid_of, packed, picture_in, spec_of
from lexsearch.pixels import to_pixels

SIZES = [(640, 480), (480, 640), (1, 1), (5000, 3), (3, 5000), (224, 224), (37, 41), (6000, 4000)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("patch", "budget"), [(16, 256), (8, 16), (14, 1024), (6, 1)])
def test_a_grid_keeps_the_budget_and_nearly_the_aspect_ratio(
    size: tuple[int, int], patch: int, budget: int
) -> None:
    rows, columns = grid_of(*size, spec_of(patch, budget))
    assert 1 <= rows * columns <= budget
    wanted = size[0] / size[1]
    assert (columns - 1) / rows <= wanted * 1.001 or columns == 1
    assert (rows - 1) / columns <= 1.001 / wanted or rows == 1


@pytest.mark.parametrize("size", SIZES)
def test_the_grid_is_that_of_the_published_preprocessing(size: tuple[int, int]) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    from transformers.models.siglip2.image_processing_pil_siglip2 import (
        get_image_size_for_max_num_patches,
    )

    for patch, budget in ((16, 256), (16, 1024), (14, 128), (8, 16)):
        height, width = get_image_size_for_max_num_patches(size[1], size[0], patch, budget)
        assert grid_of(*size, spec_of(patch, budget)) == (height // patch, width // patch)


def test_a_picture_goes_in_and_comes_out() -> None:
    spec = spec_of(4, 300)
    noise = np.random.default_rng(1).integers(0, 256, (260 * 4, 4, 3), dtype=np.uint8)
    made = packed(noise, spec)
    assert made.shape == (spec.height, spec.width, 3) == (301 * 4, 4, 3)
    assert budget_of(spec) == 300
    assert grid_in(made, spec) == (260, 1)  # more rows than one byte counts
    assert (picture_in(made, spec) == noise).all()
    wide = packed(noise.reshape(1040, 4, 3).swapaxes(0, 1), spec)
    assert grid_in(wide, spec) == (1, 260)


def test_patches_lie_in_the_order_of_reading() -> None:
    spec = spec_of(2, 8)
    picture = np.zeros((4, 6, 3), np.uint8)
    for row in range(2):
        for column in range(3):
            picture[2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = 10 * row + column + 1
    made = packed(picture, spec)
    assert made[:, 0, 0].tolist()[::2] == [1, 2, 3, 11, 12, 13, 0, 0, 0]


def test_a_picture_that_states_no_shape_is_one_patch() -> None:
    spec = spec_of(4, 9)
    nothing = np.zeros((spec.height, spec.width, 3), np.uint8)
    assert grid_in(nothing, spec) == (1, 1)
    assert grid_in(nothing + 255, spec) == (1, 1)


def test_a_panorama_is_neither_squashed_nor_cut() -> None:
    spec = spec_of(8, 64)
    wide = np.zeros((60, 600, 3), np.uint8)
    wide[:, 300:] = 255
    pixels = to_pixels(Image.fromarray(wide), spec)
    rows, columns = grid_in(pixels, spec)
    assert (rows, columns) == grid_of(600, 60, spec)
    assert columns >= 7 * rows
    seen = picture_in(pixels, spec)
    assert seen[:, :8].max() == 0
    assert seen[:, -8:].min() == 255
