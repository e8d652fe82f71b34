"""Draws trees, flowers and other plants."""

import math
from random import Random

from .colours import RGB, dark, light, mix, named
from .kind import Kind
from .pen import Pen

BARK: RGB = (112, 78, 50)


def tree(p: Pen, r: Random, c: RGB) -> None:
    """A leafy tree with a round crown."""
    bark = mix(BARK, (90, 84, 80), r.random() * 0.6)
    p.poly(
        [(-0.12, 0), (-0.055, -0.16), (-0.05, -0.5), (0.05, -0.5), (0.055, -0.16), (0.13, 0)],
        bark,
        "cyl",
        "wood",
    )
    p.limb([(0.0, -0.38), (0.14, -0.56)], 0.05, 0.03, dark(bark, 0.1))
    p.limb([(0.0, -0.34), (-0.13, -0.54)], 0.05, 0.03, bark)
    wide = r.uniform(0.9, 1.15)
    lumps = [(-0.22, -0.5, 0.17), (0.22, -0.52, 0.17), (-0.27, -0.68, 0.17), (0.27, -0.68, 0.17)]
    lumps += [(0.0, -0.5, 0.2), (-0.14, -0.82, 0.17), (0.15, -0.82, 0.17), (0.0, -0.7, 0.24)]
    for k, (x, y, s) in enumerate(lumps):
        s *= r.uniform(0.9, 1.15)
        shade = dark(c, 0.22) if k < 2 else (light(c, 0.08) if k == 7 else c)
        x, y = x * wide + r.uniform(-0.03, 0.03), max(y, -1 + s * 0.95)
        p.ellipse(x, y, s * 1.1, s, shade, "round", "leaf", 0.5 if k < 5 else 0)


def apple_tree(p: Pen, r: Random, c: RGB) -> None:
    """A leafy tree with red fruit."""
    tree(p, r, c)
    for _ in range(9):
        a, d = r.uniform(0, 6.28), r.uniform(0.05, 0.28)
        p.ellipse(
            math.cos(a) * d,
            -0.66 + math.sin(a) * d * 0.8,
            0.032,
            0.034,
            (206, 40, 40),
            "round",
            "",
            0.4,
        )


def pine(p: Pen, r: Random, c: RGB) -> None:
    """A fir tree in layers."""
    p.rect(-0.045, -0.16, 0.045, 0, BARK, "cyl", "wood")
    w, n = r.uniform(0.27, 0.36), r.choice([4, 5])
    snow = r.random() < 0.25
    for k in range(n):
        f = 1 - k / (n + 0.6)
        base, tip = -0.1 - 0.72 * k / n, -0.1 - 0.72 * k / n - 0.2 - 0.18 * f
        tip = max(tip, -1.0)
        wide = w * f
        low = [
            (-wide, base),
            (-wide * 0.55, base + 0.02),
            (-wide * 0.2, base + 0.05),
            (wide * 0.2, base + 0.045),
        ]
        p.poly(
            [(0, tip), *low, (wide * 0.6, base + 0.02), (wide, base)],
            mix(c, (20, 70, 60), 0.25),
            "h",
            "leaf",
            0.7,
        )
        if snow:
            p.poly(
                [
                    (0, tip),
                    (-wide * 0.42, tip + (base - tip) * 0.46),
                    (0, tip + (base - tip) * 0.36),
                    (wide * 0.4, tip + (base - tip) * 0.44),
                ],
                (246, 250, 255),
                "flat",
                "",
                0,
            )


def palm(p: Pen, r: Random, c: RGB) -> None:
    """A palm tree with a leaning trunk."""
    lean = r.uniform(0.08, 0.2)
    trunk = [(0, 0), (lean * 0.3, -0.26), (lean * 0.75, -0.52), (lean * 1.2, -0.76)]
    p.limb(trunk, 0.09, 0.055, (156, 116, 76))
    for k in range(9):
        t = k / 9
        x, y = lean * 1.2 * t**1.2, -0.02 - 0.74 * t
        p.line([(x - 0.04 + 0.012 * t, y), (x + 0.04 - 0.012 * t, y - 0.012)], 0.01, (110, 78, 50))
    q = p.part(lean * 1.2, -0.76)
    leaves = [
        (-0.42, 0.12),
        (0.42, 0.12),
        (-0.44, -0.05),
        (0.44, -0.05),
        (-0.3, -0.2),
        (0.3, -0.2),
        (0.04, -0.24),
    ]
    for k, (x, y) in enumerate(leaves):
        shade = dark(c, 0.2) if k < 2 else mix(c, (150, 190, 70), r.random() * 0.3)
        y += r.uniform(-0.02, 0.03)
        over = [(0, 0), (x * 0.35, y * 0.5 - 0.13), (x * 0.75, y - 0.06), (x, y + 0.06)]
        under = [(x * 0.7, y + 0.02), (x * 0.35, y * 0.5 - 0.02)]
        q.blob([*over, *under], shade, "v", "leaf", 0.6)
        q.line(
            [(0, 0), (x * 0.4, y * 0.5 - 0.075), (x * 0.95, y + 0.03)],
            0.008,
            dark(shade, 0.35),
            True,
        )
    for x in (-0.04, 0.04):
        q.ellipse(x, 0.04, 0.04, 0.045, (110, 74, 44), "round")


def flower(p: Pen, r: Random, c: RGB) -> None:
    """A flower with petals, a stem and leaves."""
    stem, n = (70, 136, 62), r.choice([5, 6, 8, 10])
    bend = r.uniform(-0.06, 0.06)
    p.limb([(0, 0), (bend, -0.35), (0, -0.68)], 0.05, 0.035, stem)
    for s, y in ((-1, -0.14), (1, -0.26)):
        p.blob(
            [(0, y), (s * 0.16, y - 0.16), (s * 0.32, y - 0.16), (s * 0.16, y - 0.02)], stem, "v"
        )
    for k in range(n):
        q = p.part(0, -0.7, 1, 2 * math.pi * k / n)
        wide = 1.6 / n * 0.36 + 0.015
        q.blob([(0, 0), (-wide, -0.18), (0, -0.3), (wide, -0.18)], c, "round", "", 0.8)
    core = (250, 206, 60) if abs(c[0] - 240) + abs(c[1] - 204) > 60 else (130, 78, 40)
    p.ellipse(0, -0.7, 0.1, 0.1, core, "round", "grain", 0.6)


def tulip(p: Pen, r: Random, c: RGB) -> None:
    """A tulip with long leaves."""
    stem = (76, 142, 70)
    p.limb([(0, 0), (r.uniform(-0.05, 0.05), -0.35), (0, -0.68)], 0.055, 0.045, stem)
    for s in (-1, 1):
        p.blob([(0, -0.02), (s * 0.08, -0.3), (s * 0.24, -0.6), (s * 0.2, -0.24)], stem, "v")
    p.blob(
        [(-0.1, -0.94), (0, -1.0), (0.1, -0.94), (0.08, -0.66), (-0.08, -0.66)], dark(c, 0.2), "v"
    )
    for s in (-1, 1):
        p.blob(
            [
                (s * 0.19, -0.98),
                (s * 0.02, -0.84),
                (s * -0.03, -0.66),
                (s * 0.1, -0.63),
                (s * 0.2, -0.76),
            ],
            c,
            "round",
        )


def cactus(p: Pen, r: Random, c: RGB) -> None:
    """A cactus with two arms."""
    for s, y, up in ((-1, -0.36, r.uniform(0.26, 0.4)), (1, -0.46, r.uniform(0.2, 0.36))):
        p.limb([(s * 0.08, y), (s * 0.22, y), (s * 0.29, y - 0.06)], 0.13, 0.13, c)
        p.rect(s * 0.29 - 0.065, y - up, s * 0.29 + 0.065, y, c, "cyl", "", 0.8, 0.06)
    p.rect(-0.125, -1.0, 0.125, 0.0, c, "cyl", "", 1, 0.11)
    for k in (-0.07, 0.0, 0.07):
        p.line([(k, -0.93), (k, -0.02)], 0.011, dark(c, 0.3))
    for _ in range(14):
        x, y = r.uniform(-0.1, 0.1), r.uniform(-0.93, -0.05)
        p.line([(x - 0.018, y - 0.01), (x + 0.018, y + 0.01)], 0.009, light(c, 0.7))
    if r.random() < 0.6:
        p.ellipse(0, -1.0, 0.07, 0.05, (238, 100, 150), "round")


def mushroom(p: Pen, r: Random, c: RGB) -> None:
    """A mushroom with a spotted cap."""
    pale: RGB = (244, 234, 214)
    p.blob(
        [(-0.14, -0.52), (0.14, -0.52), (0.16, -0.2), (0.22, -0.02), (-0.22, -0.02), (-0.16, -0.2)],
        pale,
        "cyl",
        "grain",
    )
    p.ellipse(0, -0.48, 0.4, 0.09, dark(pale, 0.22), "v")
    p.blob(
        [
            (-0.54, -0.5),
            (-0.44, -0.78),
            (0, -1.0),
            (0.44, -0.78),
            (0.54, -0.5),
            (0.3, -0.44),
            (0, -0.46),
            (-0.3, -0.44),
        ],
        c,
        "round",
    )
    for x, y, s in (
        (-0.24, -0.74, 0.08),
        (0.06, -0.86, 0.075),
        (0.3, -0.68, 0.07),
        (0.02, -0.6, 0.07),
        (-0.38, -0.57, 0.05),
    ):
        p.ellipse(x, y, s * 1.1, s * 0.9, (250, 246, 236), "round", "", 0.4)


def potted_plant(p: Pen, r: Random, c: RGB) -> None:
    """A leafy plant in a pot; the colour is that of the pot."""
    leaf = named("green", r)
    for k in range(9):
        a = -2.75 + 2.36 * k / 8 + r.uniform(-0.1, 0.1)
        x, y = math.cos(a) * r.uniform(0.3, 0.4), -0.4 + math.sin(a) * r.uniform(0.42, 0.58)
        shade = mix(leaf, (150, 196, 90), r.random() * 0.5)
        nx, ny = -(y + 0.4) * 0.22, x * 0.22
        mx, my = x * 0.6, -0.4 + (y + 0.4) * 0.6
        p.blob([(0, -0.4), (mx + nx, my + ny), (x, y), (mx - nx, my - ny)], shade, "round", "", 0.7)
        p.line([(0, -0.4), (x * 0.9, -0.4 + (y + 0.4) * 0.9)], 0.01, dark(shade, 0.3))
    p.poly([(-0.24, -0.4), (0.24, -0.4), (0.17, 0), (-0.17, 0)], c, "cyl", "grain")
    p.rect(-0.27, -0.46, 0.27, -0.36, c, "cyl", "", 1, 0.02)


_BLOOM = ("red", "yellow", "pink", "purple", "orange", "white", "blue")
KINDS = [
    Kind("tree", tree, 0.66, ("green", "green", "orange"), classes=("plant",)),
    Kind("fir tree", pine, 0.62, ("green",), classes=("plant", "tree"), words=("pine tree",)),
    Kind("palm tree", palm, 0.66, ("green",), classes=("plant", "tree")),
    Kind("apple tree", apple_tree, 0.62, ("green",), classes=("plant", "tree")),
    Kind("flower", flower, 0.3, _BLOOM, classes=("plant",)),
    Kind("tulip", tulip, 0.3, ("red", "yellow", "pink", "purple"), classes=("plant", "flower")),
    Kind("cactus", cactus, 0.42, ("green",), classes=("plant",), plural="cacti"),
    Kind("mushroom", mushroom, 0.24, ("red", "brown", "orange", "purple"), classes=("plant",)),
    Kind(
        "potted plant",
        potted_plant,
        0.34,
        ("brown", "blue", "white", "red"),
        classes=("plant",),
        inside=True,
        outside=False,
    ),
]
