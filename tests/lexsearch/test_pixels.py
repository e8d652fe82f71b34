"""The cut that CLIP was trained with."""

import numpy as np
import pytest
from PIL import Image

from lexsearch.pixels import to_pixels
from lexsearch.region import seen
from lexsearch.types import WHOLE, PixelSpec


@pytest.mark.parametrize("size", [(300, 200), (200, 301), (640, 480), (100, 37), (224, 224)])
def test_a_crop_is_a_resize_of_the_shorter_side_and_a_cut_of_the_centre(
    size: tuple[int, int],
) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    image, side = Image.fromarray(noise), 64
    short = min(size)
    resized = [int(side * length / short) for length in size]
    left, top = (round((length - side) / 2.0) for length in resized)
    whole = image.resize(resized, Image.Resampling.BICUBIC)
    wanted = np.asarray(whole.crop((left, top, left + side, top + side)), dtype=int)
    found = to_pixels(image, PixelSpec(side, side, "crop", "bicubic")).astype(int)
    assert np.abs(found - wanted).max() <= 1


def test_a_long_strip_takes_no_memory() -> None:
    image = Image.new("RGB", (60_000, 2), (10, 20, 30))
    found = to_pixels(image, PixelSpec(32, 32, "crop", "bicubic"))
    assert found.shape == (32, 32, 3)
    assert (found == (10, 20, 30)).all()


@pytest.mark.parametrize("size", [(320, 80), (80, 320), (301, 200), (100, 100)])
def test_nothing_outside_of_what_is_seen_reaches_the_model(size: tuple[int, int]) -> None:
    spec = PixelSpec(32, 32, "crop", "bicubic")
    left, top, right, bottom = seen(size, spec)
    box = (round(left * size[0]), round(top * size[1]),
           round(right * size[0]), round(bottom * size[1]))  # fmt: skip
    assert (right - left) * size[0] == pytest.approx((bottom - top) * size[1], abs=size[0] / 32)
    inside = Image.new("RGB", size, (250, 0, 0))
    inside.paste((0, 0, 250), box)
    found = to_pixels(inside, spec)[2:-2, 2:-2]  # the filter blurs the edge of the cut
    assert (found == (0, 0, 250)).all()
    assert seen(size, PixelSpec(32, 32, "squash")) == WHOLE
