"""Paints shaded shapes on a supersampled picture and records which object owns each pixel."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from .colours import RGB, dark, light

Point = tuple[float, float]
_GRID = 64
_NOISE = 512


@lru_cache(maxsize=16)
def gradient(shade: str) -> Image.Image:
    """Returns a 64x64 light map (0 dark, 128 the colour itself, 255 highlight)."""
    y, x = np.mgrid[0:_GRID, 0:_GRID] / (_GRID - 1)
    far = np.hypot(x - 0.36, y - 0.3)
    maps = {
        "round": 1.02 - far * 1.15,
        "v": 0.78 - 0.5 * y,
        "up": 0.3 + 0.45 * y,
        "h": 0.74 - 0.44 * x,
        "cyl": 0.92 - np.abs(x - 0.34) * 1.2,
        "cylv": 0.92 - np.abs(y - 0.3) * 1.1,
        "flat": 0.56 - 0.1 * y + 0.04 * (1 - x),
        "gloss": 0.5 - 0.3 * y + 0.5 * np.exp(-(((x - 0.3) ** 2 + (y - 0.24) ** 2) / 0.03)),
    }
    return Image.fromarray((maps[shade].clip(0, 1) * 255).astype(np.uint8))


@lru_cache(maxsize=16)
def noise(kind: str) -> Image.Image:
    """Returns a 512x512 texture around the value 128, the same on every run."""
    cells = {"grain": (256, 256), "fur": (64, 256), "leaf": (72, 72), "wood": (160, 12)}
    cells |= {"cloud": (10, 10), "ground": (120, 40), "stone": (48, 48), "water": (110, 14)}
    amp = {"grain": 10, "fur": 22, "leaf": 58, "wood": 26, "cloud": 24, "ground": 26}
    rows, cols = cells[kind]
    rng = np.random.default_rng([77, rows, cols])
    total = np.zeros((_NOISE, _NOISE), np.float32)
    for octave, weight in ((1, 0.65), (2, 0.35)):
        size = (min(_NOISE, cols * octave), min(_NOISE, rows * octave))
        grid = rng.standard_normal((size[1], size[0])).astype(np.float32)
        layer = Image.fromarray(grid).resize((_NOISE, _NOISE), Image.Resampling.BICUBIC)
        total += weight * np.asarray(layer)
    return Image.fromarray((128 + amp.get(kind, 22) * total).clip(0, 255).astype(np.uint8))


@lru_cache(maxsize=1)
def soft_spot() -> Image.Image:
    """Returns a round spot that fades out, for shadows, clouds and glows."""
    y, x = np.mgrid[-1 : 1 : _GRID * 1j, -1 : 1 : _GRID * 1j]
    fall = (1 - np.hypot(x, y)).clip(0, 1)
    return Image.fromarray(
        (255 * fall**1.2 * (3 - 2 * fall**0.6) / 1.0).clip(0, 255).astype(np.uint8)
    )


@lru_cache(maxsize=4096)
def _ramp(colour: RGB) -> tuple[list[int], list[int], list[int]]:
    """Maps light 0..255 to each channel: shadow, the colour, highlight."""
    low, high = dark(colour, 0.5), light(colour, 0.5)
    t = np.arange(256) / 255
    channels = [
        np.interp(t, [0, 0.52, 1], [low[i], colour[i], high[i]]).round().astype(int).tolist()
        for i in range(3)
    ]
    return channels[0], channels[1], channels[2]


@dataclass(frozen=True)
class Style:
    """How a whole picture is drawn: outline, light side, strength of texture."""

    outline: float = 0.006
    light_left: bool = True
    texture: float = 1.0
    offset: int = 0


class Canvas:
    """A supersampled picture and, beside it, the number of the object at each pixel."""

    def __init__(self, width: int, height: int, style: Style) -> None:
        self.width = width
        self.height = height
        self.style = style
        self.rgb = Image.new("RGB", (width, height), (128, 128, 128))
        self.ids = Image.new("L", (width, height), 0)
        self._pen = ImageDraw.Draw(self.rgb)
        self._idpen = ImageDraw.Draw(self.ids)
        self._count = style.offset

    def lit(self, size: tuple[int, int], colour: RGB, shade: str, texture: str) -> Image.Image:
        """Returns a box of the colour, shaded and textured."""
        light_map = gradient(shade)
        if not self.style.light_left:
            light_map = light_map.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        light_map = light_map.resize(size, Image.Resampling.BILINEAR)
        if texture and self.style.texture > 0:
            light_map = ImageChops.add(light_map, self._texture(size, texture), 1, -128)
        red, green, blue = _ramp(colour)
        bands = [light_map.point(red), light_map.point(green), light_map.point(blue)]
        return Image.merge("RGB", bands)

    def _texture(self, size: tuple[int, int], kind: str) -> Image.Image:
        source = noise(kind)
        self._count += 1
        zoom = self.height / 700
        w, h = min(_NOISE, max(2, int(size[0] / zoom))), min(_NOISE, max(2, int(size[1] / zoom)))
        x = (self._count * 131) % (_NOISE - w + 1)
        y = (self._count * 197) % (_NOISE - h + 1)
        return source.resize(size, Image.Resampling.BILINEAR, (x, y, x + w, y + h))

    def polygon(
        self, points: list[Point], colour: RGB, number: int, shade: str, texture: str, edge: float
    ) -> None:
        """Fills a closed shape given in pixels."""
        xs, ys = [q[0] for q in points], [q[1] for q in points]
        box = self._box(min(xs), min(ys), max(xs), max(ys))
        if box is None:
            return
        size = (box[2] - box[0], box[3] - box[1])
        if size[0] * size[1] < 90:
            self._pen.polygon(points, fill=colour)
        else:
            mask = Image.new("L", size)
            moved = [(x - box[0], y - box[1]) for x, y in points]
            ImageDraw.Draw(mask).polygon(moved, fill=255)
            self.rgb.paste(self.lit(size, colour, shade, texture), box[:2], mask)
        self._own(points, number)
        width = round(edge)
        if width > 0 and size[0] * size[1] >= 90:
            ring = [*points, points[0], points[1]]
            self._pen.line(ring, fill=dark(colour, 0.55), width=width, joint="curve")
            if number >= 0:
                self._idpen.line(ring, fill=number, width=width, joint="curve")

    def _own(self, points: list[Point], number: int) -> None:
        if number >= 0:
            self._idpen.polygon(points, fill=number)

    def stroke(self, points: list[Point], width: float, colour: RGB, number: int) -> None:
        """Draws a line with round ends, given in pixels."""
        w = max(1, round(width))
        r = w / 2 - 0.5
        self._pen.line(points, fill=colour, width=w, joint="curve")
        if number >= 0:
            self._idpen.line(points, fill=number, width=w, joint="curve")
        if w > 2:
            for x, y in (points[0], points[-1]):
                self._pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)
                if number >= 0:
                    self._idpen.ellipse((x - r, y - r, x + r, y + r), fill=number)

    def spot(self, x: float, y: float, rx: float, ry: float, colour: RGB, strength: float) -> None:
        """Adds a soft spot (shadow, glow, piece of cloud) that belongs to no object."""
        size = (max(2, round(2 * rx)), max(2, round(2 * ry)))
        mask = soft_spot().resize(size, Image.Resampling.BILINEAR)
        if strength < 1:
            mask = mask.point([round(v * strength) for v in range(256)])
        self.rgb.paste(colour, (round(x - rx), round(y - ry)), mask)

    def _box(self, x0: float, y0: float, x1: float, y1: float) -> tuple[int, int, int, int] | None:
        box = (math.floor(x0), math.floor(y0), math.ceil(x1) + 1, math.ceil(y1) + 1)
        outside = box[2] <= 0 or box[3] <= 0 or box[0] >= self.width or box[1] >= self.height
        return None if outside else box


def smooth(points: Sequence[Point], steps: int = 6, closed: bool = True) -> list[Point]:
    """Runs a Catmull-Rom curve through the points."""
    n = len(points)
    out: list[Point] = []
    for i in range(n if closed else n - 1):
        if closed:
            a, b, c, d = (points[(i + k - 1) % n] for k in range(4))
        else:
            a, b, c, d = (points[min(n - 1, max(0, i + k - 1))] for k in range(4))
        for k in range(steps):
            t = k / steps
            out.append((_spline(a[0], b[0], c[0], d[0], t), _spline(a[1], b[1], c[1], d[1], t)))
    return out if closed else [*out, points[-1]]


def _spline(a: float, b: float, c: float, d: float, t: float) -> float:
    u = 2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t
    return 0.5 * (u + (3 * b - a - 3 * c + d) * t**3)
