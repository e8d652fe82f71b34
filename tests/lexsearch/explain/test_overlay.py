"""Pictures of heat maps: what the pixels must show."""

import numpy as np
import pytest
from PIL import Image

from lexsearch.explain.overlay import ANCHORS, GAP, colours, overlay, sheet

GREY = Image.new("RGB", (140, 70), (128, 128, 128))
HEAT = np.zeros((2, 4), dtype=np.float32)
HEAT[1, 2] = 2.0


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def test_the_ends_of_the_scale_have_the_end_colours() -> None:
    found = colours(np.array([0.0, 5.0, -1.0, 99.0, np.nan], np.float32), low=0.0, high=5.0)
    first, last = list(ANCHORS[0]), list(ANCHORS[-1])
    assert found.tolist() == [first, last, first, last, first]


def test_colours_rise_in_lightness_so_that_grey_print_keeps_the_order() -> None:
    table = colours(np.linspace(0, 1, 100, dtype=np.float32)) @ np.array([0.2126, 0.7152, 0.0722])
    assert np.all(np.diff(table) > -1.0)
    assert table[-1] - table[0] > 180


def test_a_scale_that_does_not_rise_is_refused() -> None:
    with pytest.raises(ValueError, match="must rise"):
        overlay(GREY, HEAT, low=1.0, high=1.0)


def test_the_overlay_has_the_size_of_the_picture_and_glows_at_the_patch() -> None:
    drawn = overlay(GREY, HEAT, high=2.0)
    assert drawn.size == GREY.size
    shown = pixels(drawn)
    hot, cold = shown[52, 87], shown[10, 10]
    assert hot[1] > hot[2] + 80  # green and red of the yellow end, no blue
    assert cold[2] > cold[1]  # a breath of purple


def test_the_strongest_patch_is_outlined_and_a_silent_map_has_no_outline() -> None:
    framed = pixels(overlay(GREY, HEAT, high=2.0))
    assert framed[35, 70].tolist() == [0, 0, 0]
    assert framed[69, 104].tolist() == [0, 0, 0]
    assert framed[36, 71].tolist() == [255, 255, 255]
    silent = pixels(overlay(GREY, np.zeros((2, 4), np.float32), high=2.0))
    assert np.ptp(silent, axis=(0, 1)).tolist() == [0, 0, 0]


def test_the_picture_stays_visible_under_the_hottest_map() -> None:
    half = Image.new("RGB", (140, 70), (0, 0, 0))
    half.paste((255, 255, 255), (70, 0, 140, 70))
    shown = pixels(overlay(half, np.full((2, 4), 2.0, np.float32), high=2.0))
    assert (shown[60, 120] - shown[60, 20]).min() > 50


def test_one_value_has_one_colour_whatever_else_the_map_holds() -> None:
    weak = np.full((2, 4), 0.5, np.float32)
    mixed = weak.copy()
    mixed[0, 0] = 2.0
    one, other = overlay(GREY, weak, high=2.0), overlay(GREY, mixed, high=2.0)
    assert pixels(one)[60, 120].tolist() == pixels(other)[60, 120].tolist()


def test_a_caption_adds_a_legend_below() -> None:
    drawn = overlay(GREY, HEAT, high=4.0, caption="dog")
    plain = overlay(GREY, HEAT, high=4.0)
    assert drawn.width == GREY.width
    assert drawn.height > GREY.height
    assert drawn.crop((0, 0, *GREY.size)).tobytes() == plain.tobytes()
    strip = pixels(drawn)[GREY.height :]
    assert (strip == list(ANCHORS[0])).all(axis=2).any()
    assert (strip == list(ANCHORS[-1])).all(axis=2).any()


@pytest.mark.parametrize(
    "word", ["", "straße", "犬", "👩‍👩‍👧", "a\nb\x00c", "\udc80", "w" * 5000, "שלום", "x̂"]
)
@pytest.mark.parametrize("size", [(1, 1), (3, 400), (300, 8), (200, 150)])
def test_any_word_and_any_picture_can_be_drawn(word: str, size: tuple[int, int]) -> None:
    image = Image.new("RGB", size)
    assert overlay(image, HEAT, high=2.0, caption=word).width == size[0]
    assert sheet(image, {word: HEAT}, panel=120).mode == "RGB"


def test_missing_values_are_drawn_as_the_low_end() -> None:
    heat = np.full((2, 4), np.nan, np.float32)
    zero = np.zeros((2, 4), np.float32)
    assert overlay(GREY, heat, high=1.0).tobytes() == overlay(GREY, zero, high=1.0).tobytes()
    assert sheet(GREY, {"a": heat}).tobytes() == sheet(GREY, {"a": zero}).tobytes()


def test_pictures_of_every_mode_are_drawn() -> None:
    for mode in ("L", "RGBA", "P", "CMYK", "1", "LA"):
        assert overlay(GREY.convert(mode), HEAT, high=2.0).mode == "RGB"


def test_a_sheet_puts_the_picture_first_and_words_side_by_side() -> None:
    one = sheet(GREY, {}, panel=140)
    two = sheet(GREY, {"dog": HEAT}, panel=140)
    many = sheet(GREY, {str(i): HEAT for i in range(5)}, panel=140, columns=3)
    assert one.width == 140 + 2 * GAP
    assert two.size == (2 * 140 + 3 * GAP, one.height)
    assert many.size == (3 * 140 + 4 * GAP, 2 * one.height - GAP)
    first = two.crop((GAP, GAP, GAP + 140, GAP + 70))
    assert first.tobytes() == GREY.tobytes()


def test_the_words_of_a_sheet_share_one_scale() -> None:
    strong = sheet(GREY, {"a": HEAT, "b": HEAT / 4}, panel=140)
    panel = (3 * GAP + 280, GAP, 3 * GAP + 420, GAP + 70)
    alone = overlay(GREY, HEAT / 4, high=2.0)
    assert strong.crop(panel).tobytes() == alone.tobytes()
    fixed = sheet(GREY, {"b": HEAT / 4}, high=2.0, panel=140)
    assert fixed.crop((2 * GAP + 140, GAP, 2 * GAP + 280, GAP + 70)).tobytes() == alone.tobytes()


def test_a_map_of_a_part_lies_over_that_part_and_the_rest_is_bleached() -> None:
    heat = np.array([[0.0, 1.0], [0.0, 0.0]], np.float32)
    picture = Image.new("RGB", (200, 100), (200, 30, 30))
    drawn = overlay(picture, heat, high=1.0, region=(0.25, 0.0, 0.75, 1.0))
    assert drawn.size == (200, 100)
    inner = overlay(picture.crop((50, 0, 150, 100)), heat, high=1.0)
    assert np.array_equal(np.asarray(drawn)[:, 50:150], np.asarray(inner))
    outside = np.asarray(drawn).astype(int)[:, [0, 49, 150, 199]]
    assert (outside == outside[0, 0]).all()
    grey = (200 * 299 + 30 * 587 + 30 * 114) // 1000
    assert outside[0, 0] == pytest.approx([grey * 0.4 + 255 * 0.6] * 3, abs=2)


@pytest.mark.parametrize("size", [(1, 1), (500, 1), (1, 500), (3, 2)])
def test_a_part_of_any_picture_can_be_drawn(size: tuple[int, int]) -> None:
    heat = np.ones((2, 2), np.float32)
    region = (0.9, 0.4, 0.95, 0.6)
    assert overlay(Image.new("RGB", size), heat, high=1.0, region=region).size == size
    assert sheet(Image.new("RGB", size), {"a": heat}, region=region).mode == "RGB"
