"""Heat maps drawn over a picture, with a legend that names the scale.

Colour stands for the value on a scale that is stated, never stretched to each map: two maps of
one sheet can be compared. The colours are those of viridis (van der Walt and Smith 2015), which
rise evenly in lightness and stay apart for colour-blind readers and in grey print. The picture
under the map is muted, so that a colour is never the picture's own.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from lexsearch.explain.alignment import arg_max_patch
from lexsearch.types import WHOLE, FloatArray, Region

# Nine evenly spaced anchors of viridis, RGB; SHADES colours are interpolated between them.
ANCHORS = (
    (68, 1, 84),
    (71, 44, 122),
    (59, 81, 139),
    (44, 113, 142),
    (33, 144, 141),
    (39, 173, 129),
    (92, 200, 99),
    (170, 220, 50),
    (253, 231, 37),
)
SHADES = 256
# Share of its own colour that the picture keeps under a map; the rest is its grey.
KEPT_COLOUR = 0.25
# Opacity at the low end of the scale, as a share of that at the high end.
LOW_OPACITY = 0.3
# Share of white in what the model did not see.
BLEACH = 0.6
# Width in pixels that the panels of a sheet have at most, and the gap around them.
PANEL = 448
GAP = 12
PAPER, INK, FAINT = (255, 255, 255), (24, 24, 24), (110, 110, 110)


@dataclass(frozen=True, slots=True)
class _Style:
    """Sizes that follow from the width of a panel, in pixels."""

    text: int
    bar: int
    pad: int

    @property
    def strip(self) -> int:
        """Height of the legend: word, bar, numbers."""
        return 2 * (self.text + self.pad) + self.bar + 2 * self.pad


def colours(values: FloatArray, *, low: float = 0.0, high: float = 1.0) -> npt.NDArray[np.uint8]:
    """Colour of every value on the scale low..high, uint8 (*shape, 3).

    Values outside are drawn as the nearer end, NaN as the low end.

    Raises:
        ValueError: high <= low.
    """
    shades = np.linspace(0, len(ANCHORS) - 1, SHADES)
    channels = [
        np.interp(shades, range(len(ANCHORS)), channel) for channel in zip(*ANCHORS, strict=True)
    ]
    table = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    colour: npt.NDArray[np.uint8] = table[
        np.rint(_place(values, low, high) * (SHADES - 1)).astype(np.intp)
    ]
    return colour


def overlay(
    image: Image.Image,
    heat: FloatArray,
    *,
    low: float = 0.0,
    high: float,
    alpha: float = 0.7,
    caption: str | None = None,
    region: Region = WHOLE,
) -> Image.Image:
    """The picture under its heat map, the strongest patch outlined if it lies above `low`.

    Args:
        image: upright picture.
        heat: shape (rows, columns), covering the region.
        low, high: values that the two ends of the colours stand for.
        alpha: opacity at the high end, 0..1; less at the low end, so that the picture shows.
        caption: adds a legend strip below: this text, the largest value and the scale.
        region: what the map is about; the rest of the picture is bleached, for nothing is known
            of it.

    Returns:
        RGB of the picture's size, higher by the strip when there is a caption.

    Raises:
        ValueError: high <= low, or a map without patches.
    """
    row, column = arg_max_patch(heat)
    whole = image.convert("RGB")
    box = _box(whole.size, region)
    picture = whole.crop(box)
    width, height = picture.size
    grey = picture.convert("L").convert("RGB")
    muted = np.asarray(Image.blend(grey, picture, KEPT_COLOUR), dtype=np.float32)
    level = _place(_enlarged(heat, low, width, height), low, high)
    opacity = (alpha * (LOW_OPACITY + (1 - LOW_OPACITY) * level))[..., np.newaxis]
    mixed = muted * (1 - opacity) + colours(level) * opacity
    drawn = Image.fromarray(np.rint(mixed).astype(np.uint8))
    peak = _peak(heat, low)
    if peak > low:
        _outline(drawn, heat.shape, row, column)
    if picture.size != whole.size:
        bleached = Image.blend(whole.convert("L").convert("RGB"), _paper(whole.size), BLEACH)
        bleached.paste(drawn, box[:2])
        drawn = bleached
    if caption is None:
        return drawn
    return _stacked(drawn, _legend(drawn.width, caption, peak, low, high))


def _box(size: tuple[int, int], region: Region) -> tuple[int, int, int, int]:
    """The pixels of a region, at least one each way."""
    left, top, right, bottom = region
    x, y = (min(round(edge * side), side - 1) for edge, side in zip((left, top), size, strict=True))
    return x, y, max(x + 1, round(right * size[0])), max(y + 1, round(bottom * size[1]))


def _paper(size: tuple[int, int]) -> Image.Image:
    return Image.new("RGB", size, PAPER)


def sheet(
    image: Image.Image,
    maps: Mapping[str, FloatArray],
    *,
    low: float = 0.0,
    high: float | None = None,
    columns: int = 4,
    panel: int = PANEL,
    region: Region = WHOLE,
) -> Image.Image:
    """The picture and one heat map per word, side by side on one scale.

    Args:
        image: upright picture.
        maps: caption -> map, drawn in this order; none gives the picture alone.
        low, high: the common scale; high None = the largest value of all maps.
        columns: panels per line, the picture itself being the first.
        panel: longer side of each panel in pixels.
        region: of the picture, what the maps are about.

    Returns:
        RGB on white.
    """
    base = image.convert("RGB")
    factor = panel / max(base.size)
    size = (max(1, round(base.width * factor)), max(1, round(base.height * factor)))
    base = base.resize(size, Image.Resampling.LANCZOS)
    # A narrow picture gets a wider panel, so that its legend stays readable.
    width = max(base.width, panel // 2)
    top = _common_high(list(maps.values()), low) if high is None else high
    panels = [_stacked(_centred(base, width), _title(width, "picture"))]
    for word, heat in maps.items():
        drawn = _centred(overlay(base, heat, low=low, high=top, region=region), width)
        panels.append(_stacked(drawn, _legend(width, word, _peak(heat, low), low, top)))
    return _arranged(panels, columns)


def _place(values: FloatArray, low: float, high: float) -> FloatArray:
    """Position on the scale, 0..1."""
    if not high > low:
        raise ValueError(f"the scale must rise: low {low}, high {high}")
    known = np.nan_to_num(np.asarray(values, np.float32), nan=low, posinf=high, neginf=low)
    place: FloatArray = np.clip((known - np.float32(low)) / np.float32(high - low), 0.0, 1.0)
    return place


def _peak(heat: FloatArray, low: float) -> float:
    """The largest value; `low` when every patch is NaN."""
    value = float(heat[arg_max_patch(heat)])
    return low if np.isnan(value) else value


def _enlarged(heat: FloatArray, low: float, width: int, height: int) -> FloatArray:
    """The map at the size of the picture, linear between the centres of the patches."""
    clean = np.nan_to_num(np.asarray(heat, dtype=np.float32), nan=low)
    grown = Image.fromarray(clean).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(grown, dtype=np.float32)


def _common_high(maps: Sequence[FloatArray], low: float) -> float:
    best = max((_peak(heat, low) for heat in maps), default=low)
    return best if best > low else low + 1.0


def _outline(image: Image.Image, grid: tuple[int, ...], row: int, column: int) -> None:
    """Outline one patch, white between black lines: visible on every colour."""
    width, height = image.size
    left, right = round(column * width / grid[1]), round((column + 1) * width / grid[1])
    top, bottom = round(row * height / grid[0]), round((row + 1) * height / grid[0])
    line = max(1, round(min(width, height) / 200))
    draw = ImageDraw.Draw(image)
    for inset, colour in ((0, (0, 0, 0)), (line, (255, 255, 255)), (2 * line, (0, 0, 0))):
        box = (left + inset, top + inset, right - 1 - inset, bottom - 1 - inset)
        if box[2] > box[0] and box[3] > box[1]:
            draw.rectangle(box, outline=colour, width=line)


def _style(width: int) -> _Style:
    text = min(40, max(11, width // 24))
    return _Style(text=text, bar=max(6, text // 2), pad=max(3, text // 3))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _legend(width: int, caption: str, peak: float, low: float, high: float) -> Image.Image:
    """Caption and largest value above a bar of the colours with the ends of the scale."""
    style = _style(width)
    strip = Image.new("RGB", (width, style.strip), PAPER)
    draw = ImageDraw.Draw(strip)
    font = _font(style.text)
    left, right = style.pad, width - style.pad
    value = f"max {peak:.2f}"
    reserved = draw.textlength(value, font=font) + 2 * style.pad
    draw.text((left, style.pad), _fitted(draw, caption, font, right - left - reserved), INK, font)
    draw.text((right, style.pad), value, INK, font, anchor="ra")
    top = style.text + 3 * style.pad
    ramp = np.linspace(0.0, 1.0, max(2, right - left), dtype=np.float32)
    bar = np.repeat(colours(ramp)[np.newaxis], style.bar, axis=0)
    strip.paste(Image.fromarray(bar), (left, top))
    place = min(max((peak - low) / (high - low), 0.0), 1.0)
    mark = left + round(place * (right - left - 1))
    draw.line((mark, top - 2, mark, top + style.bar + 1), fill=INK, width=max(1, style.pad // 3))
    below = top + style.bar + style.pad // 2
    draw.text((left, below), f"{low:.2f}", FAINT, font)
    draw.text((right, below), f"{high:.2f}", FAINT, font, anchor="ra")
    return strip


def _title(width: int, caption: str) -> Image.Image:
    style = _style(width)
    strip = Image.new("RGB", (width, style.strip), PAPER)
    ImageDraw.Draw(strip).text((style.pad, style.pad), caption, FAINT, _font(style.text))
    return strip


def _fitted(
    draw: ImageDraw.ImageDraw,
    text: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    width: float,
) -> str:
    """Printable text, shortened with an ellipsis until it fits."""
    clean = _printable(text)
    if draw.textlength(clean, font=font) <= width:
        return clean
    while clean and draw.textlength(clean + "…", font=font) > width:
        clean = clean[:-1]
    return clean + "…"


def _printable(text: str) -> str:
    """One line without control characters and lone surrogates, at most 200 characters."""
    valid = text[:200].encode("utf-8", "replace").decode("utf-8")
    return "".join(" " if unicodedata.category(c).startswith("C") else c for c in valid)


def _centred(image: Image.Image, width: int) -> Image.Image:
    if image.width >= width:
        return image
    paper = Image.new("RGB", (width, image.height), PAPER)
    paper.paste(image, ((width - image.width) // 2, 0))
    return paper


def _stacked(upper: Image.Image, lower: Image.Image) -> Image.Image:
    paper = Image.new("RGB", (upper.width, upper.height + lower.height), PAPER)
    paper.paste(upper, (0, 0))
    paper.paste(lower, (0, upper.height))
    return paper


def _arranged(panels: Sequence[Image.Image], columns: int) -> Image.Image:
    """Equal panels in lines, with a gap around each."""
    across = max(1, min(columns, len(panels)))
    down = -(-len(panels) // across)
    width, height = panels[0].size
    size = (across * (width + GAP) + GAP, down * (height + GAP) + GAP)
    paper = Image.new("RGB", size, PAPER)
    for i, panel in enumerate(panels):
        row, column = divmod(i, across)
        paper.paste(panel, (GAP + column * (width + GAP), GAP + row * (height + GAP)))
    return paper
