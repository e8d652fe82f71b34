"""Draws one object in its own units: base at y = 0, top near y = -1, light from one side."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .canvas import Canvas, Point, smooth
from .colours import RGB


@dataclass
class Extent:
    """The box that contains everything drawn so far, in the object's parent units."""

    x0: float = math.inf
    y0: float = math.inf
    x1: float = -math.inf
    y1: float = -math.inf

    def add(self, x: float, y: float, margin: float = 0.0) -> None:
        """Widens the box to hold a point."""
        self.x0, self.x1 = min(self.x0, x - margin), max(self.x1, x + margin)
        self.y0, self.y1 = min(self.y0, y - margin), max(self.y1, y + margin)


@dataclass
class Pen:
    """A drawing hand with a place, a size, a tilt and a side it faces.

    Without a canvas it only measures. `pose` asks for a stance, `marks` notes places such as
    a hand.
    """

    canvas: Canvas | None = None
    x: float = 0.0
    y: float = 0.0
    size: float = 1.0
    angle: float = 0.0
    flip: bool = False
    number: int = 0
    squash: float = 1.0
    extent: Extent = field(default_factory=Extent)
    pose: str = ""
    marks: dict[str, Point] = field(default_factory=dict)

    def at(self, x: float, y: float) -> Point:
        """Turns own units into pixels."""
        x *= self.squash
        c, s = math.cos(self.angle), math.sin(self.angle)
        u, v = x * c - y * s, x * s + y * c
        return (self.x + (-u if self.flip else u) * self.size, self.y + v * self.size)

    def part(self, x: float, y: float, scale: float = 1.0, angle: float = 0.0) -> "Pen":
        """Returns a pen for a part whose base lies at (x, y)."""
        px, py = self.at(x, y)
        return replace(self, x=px, y=py, size=self.size * scale, angle=self.angle + angle)

    def poly(
        self,
        points: Sequence[Point],
        colour: RGB,
        shade: str = "flat",
        texture: str = "",
        edge: float = 1.0,
    ) -> None:
        """Fills a closed shape."""
        pixels = [self.at(x, y) for x, y in points]
        for x, y in pixels:
            self.extent.add(x, y)
        if self.canvas is not None:
            width = edge * self.canvas.style.outline * self.canvas.height
            self.canvas.polygon(pixels, colour, self.number, shade, texture, width)

    def blob(
        self,
        points: Sequence[Point],
        colour: RGB,
        shade: str = "round",
        texture: str = "",
        edge: float = 1.0,
    ) -> None:
        """Fills a smooth closed shape through the points."""
        self.poly(smooth(points, 5), colour, shade, texture, edge)

    def ellipse(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        colour: RGB,
        shade: str = "round",
        texture: str = "",
        edge: float = 1.0,
        tilt: float = 0.0,
    ) -> None:
        """Fills an ellipse about (x, y)."""
        n = 14 if max(rx, ry) * self.size < 10 else 30
        c, s = math.cos(tilt), math.sin(tilt)
        ring = [(math.cos(2 * math.pi * k / n), math.sin(2 * math.pi * k / n)) for k in range(n)]
        points = [(x + rx * u * c - ry * v * s, y + rx * u * s + ry * v * c) for u, v in ring]
        self.poly(points, colour, shade, texture, edge)

    def dot(self, x: float, y: float, r: float, colour: RGB) -> None:
        """Fills a small plain circle (an eye, a button)."""
        self.ellipse(x, y, r, r, colour, "flat", "", 0.0)

    def rect(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        colour: RGB,
        shade: str = "v",
        texture: str = "",
        edge: float = 1.0,
        r: float = 0.0,
    ) -> None:
        """Fills a box, with rounded corners if `r` is given."""
        if r <= 0:
            self.poly([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour, shade, texture, edge)
            return
        points: list[Point] = []
        corners = ((x1 - r, y0 + r, -90), (x1 - r, y1 - r, 0), (x0 + r, y1 - r, 90))
        for cx, cy, start in (*corners, (x0 + r, y0 + r, 180)):
            for k in range(5):
                a = math.radians(start + 22.5 * k)
                points.append((cx + r * math.cos(a), cy + r * math.sin(a)))
        self.poly(points, colour, shade, texture, edge)

    def line(
        self, points: Sequence[Point], width: float, colour: RGB, curved: bool = False
    ) -> None:
        """Draws a line with round ends; `curved` rounds its bends."""
        path = smooth(points, 6, closed=False) if curved else points
        pixels = [self.at(x, y) for x, y in path]
        for x, y in pixels:
            self.extent.add(x, y, width * self.size / 2)
        if self.canvas is not None:
            self.canvas.stroke(pixels, width * self.size, colour, self.number)

    def limb(self, points: Sequence[Point], w0: float, w1: float, colour: RGB) -> None:
        """Draws a shaded limb that tapers from width w0 to w1 along the points."""
        path = smooth(points, 4, closed=False)
        left: list[Point] = []
        right: list[Point] = []
        for i, (x, y) in enumerate(path):
            ax, ay = path[max(0, i - 1)]
            bx, by = path[min(len(path) - 1, i + 1)]
            length = math.hypot(bx - ax, by - ay) or 1.0
            nx, ny = -(by - ay) / length, (bx - ax) / length
            w = (w0 + (w1 - w0) * i / (len(path) - 1)) / 2
            left.append((x + nx * w, y + ny * w))
            right.append((x - nx * w, y - ny * w))
        tip, (qx, qy) = path[-1], path[-2]
        d = math.hypot(tip[0] - qx, tip[1] - qy) or 1.0
        cap = (tip[0] + (tip[0] - qx) / d * w1 * 0.45, tip[1] + (tip[1] - qy) / d * w1 * 0.45)
        self.poly([*left, cap, *reversed(right)], colour, "cyl", "", 0.8)
