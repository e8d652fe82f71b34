"""Draws toys, instruments and things of the sky."""

import math
from random import Random

from .colours import RGB, dark, light, mix, named
from .kind import Kind
from .pen import Pen

WOOD: RGB = (150, 100, 58)
INK: RGB = (36, 34, 40)


def guitar(p: Pen, r: Random, c: RGB) -> None:
    """An acoustic guitar standing upright."""
    p.rect(-0.035, -0.86, 0.035, -0.4, (80, 52, 34), "cyl", "wood", 0.8)
    p.poly(
        [(-0.055, -0.85), (-0.065, -1.0), (0.065, -1.0), (0.055, -0.85)], (60, 40, 30), "v", "wood"
    )
    for s in (-1, 1):
        for y in (-0.97, -0.92, -0.88):
            p.dot(s * 0.085, y, 0.017, (214, 206, 190))
    body = [
        (-0.03, -0.54),
        (-0.15, -0.53),
        (-0.19, -0.43),
        (-0.14, -0.34),
        (-0.22, -0.24),
        (-0.24, -0.12),
        (-0.15, -0.02),
        (0, 0),
    ]
    p.blob([*body, *[(-x, y) for x, y in reversed(body[1:-1])], (0.03, -0.54)], c, "round", "wood")
    p.ellipse(0, -0.34, 0.075, 0.075, (50, 34, 28), "v", "", 0.8)
    p.rect(-0.085, -0.15, 0.085, -0.12, (60, 40, 30), "v", "", 0.6)
    for x in (-0.018, 0.0, 0.018):
        p.line([(x, -0.94), (x, -0.13)], 0.006, (236, 230, 214))


def drum(p: Pen, r: Random, c: RGB) -> None:
    """A drum with lacing and two sticks."""
    p.rect(-0.5, -0.7, 0.5, -0.1, c, "cyl")
    p.ellipse(0, -0.1, 0.5, 0.1, c, "cyl")
    for k in range(6):
        x = -0.46 + k * 0.155
        p.line([(x, -0.66), (x + 0.08, -0.1), (x + 0.155, -0.66)], 0.02, (246, 236, 206))
    p.rect(-0.52, -0.18, 0.52, -0.08, (226, 190, 80), "cyl")
    p.rect(-0.52, -0.74, 0.52, -0.64, (226, 190, 80), "cyl")
    p.ellipse(0, -0.74, 0.52, 0.13, (246, 240, 226), "v")
    for s in (-1, 1):
        p.line([(s * 0.04, -0.76), (s * 0.5, -1.0)], 0.04, WOOD)
        p.dot(s * 0.04, -0.76, 0.045, WOOD)


def book(p: Pen, r: Random, c: RGB) -> None:
    """An open book."""
    p.poly(
        [(-1.0, -0.72), (0, -0.62), (1.0, -0.72), (1.04, -0.06), (0, 0.0), (-1.04, -0.06)], c, "v"
    )
    for s in (-1, 1):
        page = [
            (0, -0.74),
            (s * 0.4, -0.98),
            (s * 0.94, -0.9),
            (s * 0.97, -0.16),
            (s * 0.45, -0.24),
            (0, -0.08),
        ]
        p.poly(page, (250, 246, 232), "v" if s > 0 else "h", "grain")
        for k in range(5):
            y = -0.8 + k * 0.11
            p.line(
                [(s * 0.16, y + 0.02), (s * 0.48, y - 0.05), (s * 0.82, y - 0.02)],
                0.022,
                (120, 116, 120),
            )
    p.line([(0, -0.74), (0, -0.06)], 0.02, (170, 160, 140))


def ball(p: Pen, r: Random, c: RGB) -> None:
    """A ball with a stripe, a star or panels."""
    p.ellipse(0, -0.5, 0.5, 0.5, c, "round")
    pale, kind = (250, 248, 240), r.choice(["stripe", "star", "panels"])
    if kind == "stripe":
        p.blob(
            [(-0.48, -0.6), (0, -0.52), (0.48, -0.6), (0.48, -0.4), (0, -0.3), (-0.48, -0.4)],
            pale,
            "round",
            "",
            0,
        )
    elif kind == "star":
        star_shape(p, 0, -0.5, 0.3, pale)
    else:
        for s in (-1, 1):
            curve = [(s * 0.3, -0.9), (s * 0.14, -0.7), (s * 0.14, -0.3), (s * 0.3, -0.1)]
            p.line(curve, 0.06, pale, True)
    p.ellipse(-0.17, -0.72, 0.1, 0.07, light(c, 0.8), "round", "", 0, -0.5)


def star_shape(p: Pen, x: float, y: float, s: float, c: RGB) -> None:
    """Fills a five-pointed star about (x, y)."""
    points = []
    for k in range(10):
        a, d = -math.pi / 2 + k * math.pi / 5, s if k % 2 == 0 else s * 0.42
        points.append((x + math.cos(a) * d, y + math.sin(a) * d))
    p.poly(points, c, "round", "", 0.8)


def hat(p: Pen, r: Random, c: RGB) -> None:
    """A hat with a band."""
    p.ellipse(0, -0.16, 0.98, 0.17, c, "v", "wood")
    p.blob(
        [
            (-0.5, -0.18),
            (-0.46, -0.7),
            (-0.2, -0.98),
            (0.2, -0.98),
            (0.46, -0.7),
            (0.5, -0.18),
            (0, -0.1),
        ],
        c,
        "round",
        "wood",
    )
    band = r.choice([(60, 50, 50), (200, 50, 50), (246, 240, 230)])
    p.poly(
        [(-0.5, -0.38), (0, -0.3), (0.5, -0.38), (0.51, -0.2), (0, -0.11), (-0.51, -0.2)],
        band,
        "cyl",
        "",
        0.6,
    )


def kite(p: Pen, r: Random, c: RGB) -> None:
    """A kite with a tail of bows."""
    other = r.choice([(250, 220, 80), (246, 244, 238), light(c, 0.5), (70, 150, 220)])
    q = p.part(0.1, -0.36, 1, 0.35)
    tail = [(0, 0.02), (-0.1, 0.14), (0.04, 0.24), (-0.08, 0.36)]
    q.line(tail, 0.018, (90, 80, 80), True)
    for x, y in tail[1:]:
        for s in (-1, 1):
            q.poly(
                [(x, y), (x + s * 0.08, y - 0.04), (x + s * 0.08, y + 0.04)], other, "flat", "", 0.5
            )
    q.poly([(0, -0.64), (0.3, -0.36), (0, 0.02), (-0.3, -0.36)], c, "h")
    q.poly([(0, -0.64), (0.3, -0.36), (0, -0.36)], other, "v", "", 0.5)
    q.poly([(0, 0.02), (-0.3, -0.36), (0, -0.36)], other, "v", "", 0.5)
    q.line([(0, -0.64), (0, 0.02)], 0.018, (100, 76, 60))
    q.line([(-0.3, -0.36), (0.3, -0.36)], 0.018, (100, 76, 60))


def balloon(p: Pen, r: Random, c: RGB) -> None:
    """A balloon on a string."""
    sway = r.uniform(-0.08, 0.08)
    p.line([(0, -0.42), (sway, -0.3), (-sway, -0.15), (0.02, 0)], 0.014, (240, 236, 230), True)
    p.blob(
        [
            (0, -1.0),
            (0.2, -0.92),
            (0.26, -0.74),
            (0.15, -0.53),
            (0, -0.44),
            (-0.15, -0.53),
            (-0.26, -0.74),
            (-0.2, -0.92),
        ],
        c,
        "round",
    )
    p.poly([(0, -0.46), (0.05, -0.4), (-0.05, -0.4)], dark(c, 0.2), "flat")
    p.ellipse(-0.1, -0.84, 0.05, 0.075, light(c, 0.8), "round", "", 0, 0.4)


def umbrella(p: Pen, r: Random, c: RGB) -> None:
    """An open umbrella or parasol on its stick."""
    other = light(c, 0.6) if r.random() < 0.5 else dark(c, 0.14)
    p.line([(0, -0.9), (0, -0.02)], 0.035, (110, 80, 56))
    p.line([(0, -0.98), (0, -0.9)], 0.03, (80, 60, 50))
    p.blob(
        [
            (-0.66, -0.52),
            (-0.56, -0.74),
            (-0.3, -0.9),
            (0, -0.95),
            (0.3, -0.9),
            (0.56, -0.74),
            (0.66, -0.52),
            (0.34, -0.58),
            (0, -0.54),
            (-0.34, -0.58),
        ],
        c,
        "round",
    )
    for s in (-1, 1):
        p.blob(
            [(0, -0.95), (s * 0.24, -0.8), (s * 0.34, -0.58), (s * 0.2, -0.56), (s * 0.1, -0.56)],
            other,
            "round",
            "",
            0,
        )
        p.line([(0, -0.95), (s * 0.24, -0.8), (s * 0.35, -0.58)], 0.012, dark(c, 0.4), True)


def gift(p: Pen, r: Random, c: RGB) -> None:
    """A wrapped present with a ribbon and a bow."""
    ribbon = r.choice([(250, 224, 90), (246, 244, 240), (220, 50, 60), (60, 130, 210)])
    if sum(abs(a - b) for a, b in zip(ribbon, c, strict=True)) < 160:
        ribbon = mix(dark(c, 0.5), (250, 250, 240), 0.1 if sum(c) > 380 else 0.85)
    p.rect(-0.48, -0.66, 0.48, 0, c, "h", "grain")
    p.rect(-0.09, -0.66, 0.09, 0, ribbon, "v", "", 0.5)
    p.rect(-0.54, -0.78, 0.54, -0.62, light(c, 0.1), "v")
    p.rect(-0.1, -0.78, 0.1, -0.62, ribbon, "v", "", 0.5)
    for s in (-1, 1):
        p.blob([(0, -0.78), (s * 0.12, -1.0), (s * 0.34, -0.98), (s * 0.3, -0.82)], ribbon, "round")
    p.ellipse(0, -0.8, 0.07, 0.06, dark(ribbon, 0.15), "round")


def suitcase(p: Pen, r: Random, c: RGB) -> None:
    """A suitcase with straps."""
    p.line([(-0.18, -0.78), (-0.16, -0.95), (0.16, -0.95), (0.18, -0.78)], 0.06, INK, True)
    p.rect(-0.66, -0.8, 0.66, -0.04, c, "v", "grain", 1, 0.09)
    for x in (-0.36, 0.36):
        p.rect(x - 0.06, -0.8, x + 0.06, -0.04, dark(c, 0.4), "v", "", 0.5)
        p.rect(x - 0.08, -0.5, x + 0.08, -0.4, (222, 190, 90), "v", "", 0.5)
        p.dot(x, -0.03, 0.045, INK)


def traffic_light(p: Pen, r: Random, c: RGB) -> None:
    """A traffic light on its pole."""
    p.rect(-0.03, -0.5, 0.03, 0, (90, 92, 98), "cyl")
    p.ellipse(0, -0.01, 0.12, 0.025, (80, 82, 88), "v")
    p.rect(-0.14, -1.0, 0.14, -0.46, (50, 52, 58), "h", "", 1, 0.05)
    on = r.randrange(3)
    for k, shade in enumerate([(226, 50, 44), (246, 190, 40), (60, 190, 90)]):
        tone = shade if k == on else dark(shade, 0.35)
        p.ellipse(0, -0.9 + k * 0.17, 0.075, 0.075, tone, "round", "", 0.5)
    del c


def moon(p: Pen, r: Random, c: RGB) -> None:
    """A crescent moon."""
    outer = [
        (math.cos(a) * 0.5, -0.5 + math.sin(a) * 0.5) for a in [0.9 + k * 0.28 for k in range(17)]
    ]
    inner = [
        (0.18 + math.cos(a) * 0.4, -0.5 + math.sin(a) * 0.42)
        for a in [5.15 - k * 0.32 for k in range(13)]
    ]
    p.poly([*outer, *inner], c, "round", "stone", 0.6)


def sun(p: Pen, r: Random, c: RGB) -> None:
    """The sun with rays."""
    n, turn = r.choice([10, 12]), r.uniform(0, 0.5)
    for k in range(n):
        q = p.part(0, -0.5, 1, turn + 2 * math.pi * k / n)
        q.poly([(-0.07, -0.33), (0, -0.52), (0.07, -0.33)], (252, 200, 70), "flat", "", 0)
    p.ellipse(0, -0.5, 0.32, 0.32, c, "round", "", 0)


def star(p: Pen, r: Random, c: RGB) -> None:
    """A large five-pointed star."""
    star_shape(p.part(0, -0.5, 1, r.uniform(-0.3, 0.3)), 0, 0, 0.52, c)


def rainbow(p: Pen, r: Random, c: RGB) -> None:
    """A rainbow as a wide arch."""
    for k, name in enumerate(["red", "orange", "yellow", "green", "blue", "purple"]):
        a, b = 1 - k * 0.055, 1 - (k + 1) * 0.055
        steps = [math.pi * j / 24 for j in range(25)]
        out = [(-math.cos(t) * a * 1.1, -math.sin(t) * a) for t in steps]
        inn = [(-math.cos(t) * b * 1.1, -math.sin(t) * b) for t in reversed(steps)]
        p.poly([*out, *inn], light(named(name, r), 0.2), "v", "", 0)
    del c


_TOY = ("red", "blue", "green", "yellow", "orange", "purple", "pink")
KINDS = [
    Kind(
        "guitar",
        guitar,
        0.5,
        ("brown", "orange", "red", "black"),
        classes=("instrument",),
        inside=True,
    ),
    Kind("drum", drum, 0.26, ("red", "blue", "green"), "small", ("instrument",), inside=True),
    Kind("book", book, 0.14, ("red", "blue", "green", "brown"), "small", inside=True),
    Kind("ball", ball, 0.16, _TOY, "small", ("toy",), inside=True),
    Kind("hat", hat, 0.17, ("brown", "yellow", "black", "red", "blue"), "small", inside=True),
    Kind("kite", kite, 0.3, ("red", "blue", "green", "yellow", "purple", "pink"), "air", ("toy",)),
    Kind("balloon", balloon, 0.36, _TOY, "air", ("toy",), inside=True),
    Kind(
        "umbrella",
        umbrella,
        0.46,
        ("red", "blue", "yellow", "green", "purple", "pink", "black"),
        words=("parasol",),
    ),
    Kind(
        "gift box", gift, 0.23, _TOY, "small", plural="gift boxes", words=("present",), inside=True
    ),
    Kind("suitcase", suitcase, 0.26, ("brown", "red", "blue", "black"), "small", inside=True),
    Kind("traffic light", traffic_light, 0.52, ("",)),
    Kind("moon", moon, 0.19, ("yellow",), "air"),
    Kind("sun", sun, 0.22, ("yellow",), "air"),
    Kind("star", star, 0.14, ("yellow",), "air"),
    Kind("rainbow", rainbow, 0.42, ("",), "air"),
]
