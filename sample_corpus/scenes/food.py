"""Draws fruit, dishes and drinks."""

import math
from random import Random

from .colours import RGB, dark, light, mix, named
from .kind import Kind
from .pen import Pen

LEAF: RGB = (78, 150, 62)


def apple(p: Pen, r: Random, c: RGB) -> None:
    """An apple with a stalk and a leaf."""
    p.blob(
        [
            (0, -0.76),
            (0.3, -0.84),
            (0.48, -0.56),
            (0.38, -0.16),
            (0.14, -0.01),
            (0, -0.05),
            (-0.14, -0.01),
            (-0.38, -0.16),
            (-0.48, -0.56),
            (-0.3, -0.84),
        ],
        c,
        "round",
        "grain",
    )
    p.line([(0, -0.74), (0.03, -0.88), (0.08, -0.98)], 0.045, (96, 64, 40), True)
    p.blob([(0.05, -0.84), (0.18, -0.98), (0.38, -0.98), (0.26, -0.84)], LEAF, "v")
    p.ellipse(-0.22, -0.6, 0.08, 0.13, light(c, 0.7), "round", "", 0, 0.4)


def pear(p: Pen, r: Random, c: RGB) -> None:
    """A pear."""
    p.blob(
        [
            (0, -0.9),
            (0.15, -0.8),
            (0.2, -0.55),
            (0.38, -0.3),
            (0.28, -0.04),
            (0, 0),
            (-0.28, -0.04),
            (-0.38, -0.3),
            (-0.2, -0.55),
            (-0.15, -0.8),
        ],
        c,
        "round",
        "grain",
    )
    p.line([(0, -0.88), (0.05, -1.0)], 0.045, (96, 64, 40))
    p.blob([(0.03, -0.9), (0.14, -1.0), (0.3, -0.94), (0.18, -0.86)], LEAF, "v")


def banana(p: Pen, r: Random, c: RGB) -> None:
    """A bunch of two or three bananas."""
    for k in range(r.choice([2, 3])):
        q = p.part(-0.5, -0.86, 1, -0.16 * k)
        shade = mix(c, (250, 236, 130), 0.15 * k)
        q.blob(
            [
                (0, 0),
                (0.1, 0.34),
                (0.42, 0.6),
                (0.86, 0.56),
                (1.02, 0.42),
                (0.98, 0.56),
                (0.8, 0.78),
                (0.36, 0.82),
                (-0.02, 0.52),
                (-0.1, 0.04),
            ],
            shade,
            "v",
            "grain",
        )
        q.line([(0.02, 0.36), (0.36, 0.7), (0.8, 0.68)], 0.022, dark(shade, 0.16), True)
        q.dot(1.0, 0.47, 0.05, (70, 52, 36))
    p.limb([(-0.48, -0.78), (-0.54, -0.98)], 0.16, 0.1, (130, 104, 44))


def pizza(p: Pen, r: Random, c: RGB) -> None:
    """A pizza on a plate, seen at a slant."""
    p.ellipse(0, -0.4, 1.0, 0.4, (228, 228, 232), "round")
    p.ellipse(0, -0.46, 0.86, 0.36, (204, 146, 78), "round", "grain")
    p.ellipse(0, -0.48, 0.74, 0.3, (206, 70, 40), "round", "", 0)
    p.ellipse(0, -0.48, 0.7, 0.28, (248, 206, 96), "round", "stone", 0)
    for k in range(7):
        a = k * 0.9 + r.uniform(-0.15, 0.15)
        d = 0.48 if k < 5 else 0.12
        x, y = math.cos(a * 1.4) * d, -0.48 + math.sin(a * 1.4) * d * 0.4
        p.ellipse(x, y, 0.13, 0.06, (190, 48, 40), "round", "", 0.6)
    for _ in range(8):
        a, d = r.uniform(0, 6.28), r.uniform(0.1, 0.6)
        x, y = math.cos(a) * d, -0.48 + math.sin(a) * d * 0.4
        p.ellipse(x, y, 0.05, 0.022, (60, 130, 56), "flat", "", 0, r.uniform(0, 3))


def cake(p: Pen, r: Random, c: RGB) -> None:
    """A layered cake with candles on a stand."""
    cream = (252, 244, 226)
    p.ellipse(0, -0.07, 0.7, 0.08, (216, 218, 224), "cylv")
    p.rect(-0.55, -0.5, 0.55, -0.1, c, "cyl", "grain", 1, 0.04)
    p.rect(-0.55, -0.33, 0.55, -0.26, cream, "cyl", "", 0)
    p.rect(-0.38, -0.76, 0.38, -0.48, light(c, 0.25), "cyl", "grain", 1, 0.04)
    for w, y in ((0.55, -0.5), (0.38, -0.76)):
        p.ellipse(0, y, w, 0.05, cream, "v", "", 0.6)
        n = 7
        for k in range(n):
            x = -w + (k + 0.5) * 2 * w / n
            p.ellipse(x, y + 0.05, w / n * 0.9, 0.05 + 0.02 * (k % 2), cream, "v", "", 0)
    for k in range(r.choice([3, 4])):
        x = -0.24 + k * 0.16
        p.rect(
            x - 0.022,
            -0.92,
            x + 0.022,
            -0.76,
            named(r.choice(["red", "blue", "green"]), r),
            "cyl",
            "",
            0.5,
        )
        p.blob(
            [(x, -1.03), (x + 0.03, -0.95), (x, -0.91), (x - 0.03, -0.95)],
            (255, 190, 60),
            "v",
            "",
            0,
        )


def ice_cream(p: Pen, r: Random, c: RGB) -> None:
    """An ice cream cone with two or three scoops."""
    cone = (222, 166, 96)
    p.poly([(-0.22, -0.56), (0.22, -0.56), (0.0, 0.0)], cone, "h", "grain")
    for k in range(1, 4):
        p.line(
            [(-0.22 + k * 0.1, -0.56), (0.02 + k * 0.025, -0.08 - k * 0.07)], 0.014, dark(cone, 0.3)
        )
        p.line(
            [(0.22 - k * 0.1, -0.56), (-0.02 - k * 0.025, -0.08 - k * 0.07)], 0.014, dark(cone, 0.3)
        )
    p.ellipse(0, -0.64, 0.27, 0.18, c, "round", "grain")
    for x in (-0.18, 0, 0.18):
        p.ellipse(x, -0.54, 0.1, 0.06, c, "round", "", 0)
    p.ellipse(0, -0.84, 0.21, 0.16, light(c, 0.45), "round", "grain")
    p.ellipse(0.05, -0.99, 0.055, 0.055, (204, 36, 44), "round")


def cup(p: Pen, r: Random, c: RGB) -> None:
    """A cup of coffee with a handle and a saucer."""
    p.ellipse(0, -0.07, 0.66, 0.09, light(c, 0.4), "v")
    handle = [(0.36, -0.66), (0.6, -0.7), (0.66, -0.44), (0.5, -0.28), (0.3, -0.26)]
    p.line(handle, 0.1, dark(c, 0.12), True)
    p.blob(
        [(-0.42, -0.82), (0.42, -0.82), (0.38, -0.4), (0.24, -0.1), (-0.24, -0.1), (-0.38, -0.4)],
        c,
        "cyl",
    )
    p.ellipse(0, -0.82, 0.43, 0.11, light(c, 0.2), "v")
    p.ellipse(0, -0.81, 0.37, 0.08, (92, 58, 36), "v", "", 0.5)
    for x in (-0.12, 0.12):
        p.line(
            [(x, -0.9), (x + 0.05, -0.96), (x - 0.03, -1.02), (x + 0.02, -1.1)],
            0.03,
            (236, 236, 238),
            True,
        )


def bottle(p: Pen, r: Random, c: RGB) -> None:
    """A bottle with a label."""
    p.rect(-0.06, -1.0, 0.06, -0.92, (176, 130, 84), "cyl")
    p.blob(
        [
            (-0.065, -0.93),
            (0.065, -0.93),
            (0.07, -0.72),
            (0.19, -0.58),
            (0.2, -0.3),
            (0.19, -0.02),
            (-0.19, -0.02),
            (-0.2, -0.3),
            (-0.19, -0.58),
            (-0.07, -0.72),
        ],
        c,
        "cyl",
    )
    p.rect(-0.195, -0.46, 0.195, -0.18, (244, 236, 214), "cyl", "grain", 0.5)
    p.rect(-0.13, -0.36, 0.13, -0.28, dark(c, 0.1), "cyl", "", 0)
    p.line([(-0.11, -0.54), (-0.035, -0.72), (-0.03, -0.88)], 0.025, light(c, 0.65), True)


def bread(p: Pen, r: Random, c: RGB) -> None:
    """A loaf of bread with cuts."""
    p.blob(
        [
            (-0.8, -0.1),
            (-0.86, -0.6),
            (-0.5, -0.92),
            (0, -1.0),
            (0.5, -0.92),
            (0.86, -0.6),
            (0.8, -0.1),
            (0, -0.02),
        ],
        (198, 132, 66),
        "round",
        "grain",
    )
    for k in range(4):
        x = -0.5 + k * 0.33
        p.blob(
            [(x - 0.12, -0.86), (x + 0.04, -0.8), (x + 0.14, -0.48), (x - 0.02, -0.6)],
            (240, 208, 150),
            "v",
            "",
            0.4,
        )


def carrot(p: Pen, r: Random, c: RGB) -> None:
    """A carrot with green leaves."""
    for k in (-0.5, -0.18, 0.18, 0.5):
        q = p.part(0, -0.66, 1, k)
        q.blob([(0, 0.04), (-0.07, -0.2), (0, -0.38), (0.07, -0.2)], LEAF, "v", "leaf", 0.7)
    p.blob(
        [(-0.2, -0.62), (0, -0.7), (0.2, -0.62), (0.12, -0.3), (0, 0.0), (-0.12, -0.3)],
        c,
        "cyl",
        "grain",
    )
    for k in range(4):
        y = -0.54 + k * 0.11
        p.line([(-0.12 + k * 0.03, y), (-0.02, y + 0.015)], 0.018, dark(c, 0.25))


def strawberry(p: Pen, r: Random, c: RGB) -> None:
    """A strawberry with seeds."""
    p.blob(
        [
            (0, -0.82),
            (0.3, -0.84),
            (0.46, -0.6),
            (0.3, -0.22),
            (0, 0),
            (-0.3, -0.22),
            (-0.46, -0.6),
            (-0.3, -0.84),
        ],
        c,
        "round",
    )
    for row in range(4):
        for k in range(4 - row):
            x = (k - (3 - row) / 2) * 0.19
            p.ellipse(x, -0.64 + row * 0.16, 0.022, 0.036, (250, 220, 120), "flat", "", 0)
    for k in range(5):
        q = p.part(0, -0.82, 1, -1.4 + k * 0.7)
        q.blob([(0, 0.06), (-0.09, -0.06), (0, -0.24), (0.09, -0.06)], LEAF, "v")


KINDS = [
    Kind("apple", apple, 0.17, ("red", "green", "yellow"), "small", ("food", "fruit"), inside=True),
    Kind("pear", pear, 0.19, ("green", "yellow"), "small", ("food", "fruit"), inside=True),
    Kind("banana", banana, 0.17, ("yellow",), "small", ("food", "fruit"), inside=True),
    Kind(
        "strawberry",
        strawberry,
        0.17,
        ("red",),
        "small",
        ("food", "fruit"),
        plural="strawberries",
        inside=True,
    ),
    Kind("pizza", pizza, 0.15, ("",), "small", ("food",), inside=True),
    Kind("cake", cake, 0.26, ("pink", "brown", "white", "yellow"), "small", ("food",), inside=True),
    Kind(
        "ice cream",
        ice_cream,
        0.26,
        ("pink", "brown", "green", "white"),
        "small",
        ("food",),
        inside=True,
        plural="ice creams",
    ),
    Kind(
        "loaf of bread",
        bread,
        0.16,
        ("",),
        "small",
        ("food",),
        inside=True,
        plural="loaves of bread",
    ),
    Kind("carrot", carrot, 0.22, ("orange",), "small", ("food", "vegetable"), inside=True),
    Kind(
        "cup",
        cup,
        0.18,
        ("white", "red", "blue", "yellow", "green"),
        "small",
        ("drink",),
        words=("mug",),
        inside=True,
    ),
    Kind(
        "bottle", bottle, 0.28, ("green", "brown", "blue", "red"), "small", ("drink",), inside=True
    ),
]
