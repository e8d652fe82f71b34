"""Draws furniture, lamps and clocks."""

import math
from random import Random

from .colours import RGB, dark, light
from .kind import Kind
from .pen import Pen

INK: RGB = (36, 34, 40)


def table(p: Pen, r: Random, c: RGB) -> None:
    """A table with four legs; things can lie on it."""
    for x in (-0.78, 0.78):
        p.rect(x * 0.82 - 0.05, -0.9, x * 0.82 + 0.05, -0.1, dark(c, 0.35), "cyl", "wood", 0.7)
    p.poly(
        [(-0.94, -1.0), (0.94, -1.0), (1.12, -0.78), (-1.12, -0.78)], light(c, 0.12), "v", "wood"
    )
    p.rect(-1.12, -0.78, 1.12, -0.68, c, "v", "wood")
    for x in (-1.02, 1.02):
        p.rect(x - 0.06, -0.68, x + 0.06, 0, c, "cyl", "wood")


def chair(p: Pen, r: Random, c: RGB) -> None:
    """A chair with a slatted back."""
    for x in (-0.16, 0.26):
        p.rect(x - 0.03, -0.5, x + 0.03, -0.08, dark(c, 0.35), "cyl", "wood", 0.7)
    for x in (-0.24, 0.2):
        p.rect(x - 0.035, -1.0, x + 0.035, -0.44, c, "cyl", "wood", 0.8)
    for y in (-0.94, -0.8, -0.66):
        p.rect(-0.24, y - 0.045, 0.2, y + 0.035, light(c, 0.08), "v", "wood", 0.8)
    p.poly(
        [(-0.26, -0.54), (0.24, -0.54), (0.34, -0.42), (-0.32, -0.42)], light(c, 0.15), "v", "wood"
    )
    p.rect(-0.32, -0.42, 0.34, -0.36, c, "v", "wood")
    for x in (-0.28, 0.3):
        p.rect(x - 0.035, -0.37, x + 0.035, 0, c, "cyl", "wood")


def sofa(p: Pen, r: Random, c: RGB) -> None:
    """A sofa with cushions."""
    for x in (-0.95, 0.95):
        p.rect(x - 0.05, -0.12, x + 0.05, 0, (80, 56, 40), "v")
    p.rect(-1.0, -1.0, 1.0, -0.2, dark(c, 0.08), "v", "fur", 1, 0.14)
    for x in (-0.43, 0.43):
        p.rect(x - 0.42, -0.94, x + 0.42, -0.42, c, "round", "fur", 0.8, 0.1)
        p.rect(x - 0.43, -0.5, x + 0.43, -0.26, light(c, 0.1), "v", "fur", 0.9, 0.07)
    for s in (-1, 1):
        x = s * 1.0
        p.rect(x - 0.16, -0.66, x + 0.16, -0.06, c, "round", "fur", 1, 0.12)
    p.rect(-0.86, -0.26, 0.86, -0.08, c, "v", "fur", 0.9)


def bench(p: Pen, r: Random, c: RGB) -> None:
    """A park bench."""
    for x in (-0.85, 0.85):
        p.line([(x, -0.98), (x, 0)], 0.08, INK)
        p.line([(x, -0.5), (x + 0.14, -0.44), (x + 0.14, 0)], 0.07, INK)
    for y in (-0.98, -0.8, -0.62):
        p.rect(-1.05, y, 1.05, y + 0.12, c, "v", "wood")
    p.poly(
        [(-1.05, -0.48), (1.05, -0.48), (1.16, -0.34), (-1.1, -0.34)], light(c, 0.1), "v", "wood"
    )
    p.rect(-1.1, -0.34, 1.16, -0.28, dark(c, 0.15), "v", "wood")


def lamp(p: Pen, r: Random, c: RGB) -> None:
    """A standing lamp, switched on."""
    p.ellipse(0, -0.03, 0.16, 0.035, (90, 74, 60), "v")
    p.rect(-0.018, -0.7, 0.018, -0.03, (150, 126, 84), "cyl", "", 0.6)
    p.ellipse(0, -0.66, 0.06, 0.06, (255, 246, 190), "round", "", 0)
    p.poly([(-0.13, -1.0), (0.13, -1.0), (0.25, -0.68), (-0.25, -0.68)], c, "cyl", "grain")
    p.poly(
        [(-0.2, -0.76), (0.2, -0.76), (0.24, -0.69), (-0.24, -0.69)], light(c, 0.4), "cyl", "", 0
    )


def clock(p: Pen, r: Random, c: RGB) -> None:
    """A round clock."""
    p.ellipse(0, -0.5, 0.5, 0.5, c, "round")
    p.ellipse(0, -0.5, 0.41, 0.41, (250, 248, 240), "round", "", 0.6)
    for k in range(12):
        a = k * math.pi / 6
        x, y = math.cos(a), math.sin(a)
        d = 0.29 if k % 3 == 0 else 0.33
        p.line(
            [(x * d, -0.5 + y * d), (x * 0.37, -0.5 + y * 0.37)], 0.03 if k % 3 == 0 else 0.018, INK
        )
    for length, width in ((0.2, 0.045), (0.31, 0.03)):
        a = r.uniform(0, 6.28)
        p.line([(0, -0.5), (math.cos(a) * length, -0.5 + math.sin(a) * length)], width, INK)
    p.dot(0, -0.5, 0.035, (190, 40, 40))


KINDS = [
    Kind(
        "table",
        table,
        0.32,
        ("brown", "white", "blue"),
        classes=("furniture",),
        inside=True,
        top=(0.85, 0.88),
    ),
    Kind(
        "chair",
        chair,
        0.4,
        ("brown", "red", "blue", "green", "white"),
        classes=("furniture",),
        inside=True,
    ),
    Kind(
        "sofa",
        sofa,
        0.34,
        ("red", "blue", "green", "grey", "purple"),
        classes=("furniture",),
        inside=True,
        outside=False,
        words=("couch",),
        top=(0.6, 0.42),
    ),
    Kind(
        "bench",
        bench,
        0.28,
        ("brown", "green", "red"),
        classes=("furniture",),
        plural="benches",
        top=(0.7, 0.42),
    ),
    Kind("lamp", lamp, 0.56, ("yellow", "red", "white", "green"), inside=True, outside=False),
    Kind(
        "clock", clock, 0.2, ("red", "blue", "brown", "black"), "wall", inside=True, outside=False
    ),
]
