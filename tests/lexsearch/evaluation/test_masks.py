"""Pixels, patches and masks."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lexsearch.errors import UsageError
from lexsearch.evaluation.masks import (
    centred_patches,
    patch_of_pixels,
    read_mask,
    touched_patches,
)


def test_every_pixel_belongs_to_the_patch_under_its_centre() -> None:
    assert patch_of_pixels((2, 4), (2, 2)).tolist() == [[0, 0, 1, 1], [2, 2, 3, 3]]
    # Seven pixels and two columns: pixel 3 has its centre on the border and goes right.
    assert patch_of_pixels((1, 7), (1, 2)).tolist() == [[0, 0, 0, 1, 1, 1, 1]]


@pytest.mark.parametrize("shape", [(480, 640), (33, 7), (3, 5)])
def test_the_patch_of_a_pixel_is_that_of_a_plain_formula(shape: tuple[int, int]) -> None:
    rows, columns = 7, 5
    found = patch_of_pixels(shape, (rows, columns))
    for y in range(0, shape[0], 3):
        for x in range(0, shape[1], 3):
            row = int((y + 0.5) / shape[0] * rows)
            column = int((x + 0.5) / shape[1] * columns)
            assert found[y, x] == row * columns + column


def test_a_patch_is_touched_by_one_pixel_but_centred_only_on_its_middle() -> None:
    mask = np.zeros((8, 8), bool)
    mask[0, 0] = mask[6, 6] = True  # a corner of patch 0, the centre of patch 3
    assert touched_patches(mask, (2, 2)).tolist() == [True, False, False, True]
    assert centred_patches(mask, (2, 2)).tolist() == [False, False, False, True]


def test_a_mask_is_read_as_numbers(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 200], [1, 7]], np.uint8)).save(tmp_path / "m.png")
    assert read_mask(tmp_path / "m.png").tolist() == [[0, 200], [1, 7]]
    Image.fromarray(np.eye(2, dtype=bool)).save(tmp_path / "b.png")
    assert read_mask(tmp_path / "b.png").tolist() == [[1, 0], [0, 1]]


def test_what_is_no_mask_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    Image.new("RGB", (2, 2)).save(tmp_path / "colour.png")
    for name, reason in (("none", "no such mask"), ("text", "cannot"), ("colour", "3 channels")):
        with pytest.raises(UsageError, match=reason) as error:
            read_mask(tmp_path / f"{name}.png")
        assert f"{name}.png" in str(error.value)
