"""Draws birds, fish, insects and small or wild animals."""

from random import Random

from .animals import INK, WHITE, eye, legs
from .canvas import Point
from .colours import RGB, dark, light, mix
from .kind import Kind
from .pen import Pen


def bird(p: Pen, r: Random, c: RGB) -> None:
    """A bird in flight with spread wings, or one wing raised."""
    beak = (244, 170, 40)
    up = r.uniform(0.0, 0.25)
    far = [(0.05, -0.5), (0.2, -0.85 - up), (0.34, -0.98), (0.3, -0.6), (0.2, -0.46)]
    p.blob(far, dark(c, 0.3), "round")
    p.poly(
        [(-0.34, -0.42), (-0.78, -0.6), (-0.74, -0.44), (-0.8, -0.3), (-0.34, -0.3)],
        dark(c, 0.2),
        "v",
    )
    body = [(-0.42, -0.38), (-0.1, -0.54), (0.25, -0.54), (0.44, -0.42), (0.2, -0.2), (-0.2, -0.22)]
    p.blob(body, c, "round", "grain")
    p.ellipse(0.1, -0.27, 0.24, 0.09, light(c, 0.55), "round", "", 0)
    p.ellipse(0.4, -0.52, 0.17, 0.15, c, "round", "grain", 0.8)
    p.poly([(0.53, -0.58), (0.75, -0.48), (0.52, -0.45)], beak, "v")
    eye(p, 0.45, -0.55, 0.036)
    wing = [
        (-0.2, -0.42),
        (-0.44, -0.8 - up),
        (-0.42, -1.0),
        (-0.1, -0.92 - up * 0.5),
        (0.1, -0.66),
        (0.18, -0.42),
    ]
    p.blob(wing, dark(c, 0.1), "h", "fur")
    for k in range(3):
        p.line([(-0.3 + k * 0.12, -0.88 + k * 0.05), (-0.08 + k * 0.07, -0.5)], 0.014, dark(c, 0.4))


def owl(p: Pen, r: Random, c: RGB) -> None:
    """An owl with large eyes."""
    for s in (-1, 1):
        p.poly([(s * 0.28, -0.8), (s * 0.3, -1.03), (s * 0.08, -0.88)], c, "flat")
    p.blob(
        [
            (0, -0.95),
            (0.3, -0.85),
            (0.34, -0.4),
            (0.2, -0.06),
            (-0.2, -0.06),
            (-0.34, -0.4),
            (-0.3, -0.85),
        ],
        c,
        "round",
        "fur",
    )
    p.ellipse(0, -0.34, 0.2, 0.27, light(c, 0.5), "round", "", 0)
    for row in range(3):
        for k in range(-1, 2):
            x, y = k * 0.11 + (row % 2) * 0.04 - 0.02, -0.48 + row * 0.12
            p.line([(x - 0.04, y), (x, y + 0.04), (x + 0.04, y)], 0.018, dark(c, 0.25))
    for s in (-1, 1):
        p.blob(
            [(s * 0.3, -0.6), (s * 0.4, -0.35), (s * 0.26, -0.1), (s * 0.2, -0.4)],
            dark(c, 0.2),
            "round",
            "fur",
        )
        p.ellipse(s * 0.14, -0.73, 0.145, 0.145, light(c, 0.65), "round", "", 0.6)
        p.ellipse(s * 0.13, -0.73, 0.09, 0.09, (246, 186, 40), "round", "", 0.6)
        p.dot(s * 0.12, -0.73, 0.05, INK)
        p.dot(s * 0.12 - 0.02, -0.755, 0.018, WHITE)
        for toe in (-0.05, 0.0, 0.05):
            p.ellipse(s * 0.12 + toe, -0.03, 0.03, 0.035, (230, 150, 40), "round", "", 0.5)
    p.poly([(-0.05, -0.68), (0.05, -0.68), (0, -0.56)], (230, 150, 40), "v")


def duck(p: Pen, r: Random, c: RGB) -> None:
    """A duck seen from the side."""
    bill = (240, 140, 30)
    for x in (-0.1, 0.1):
        p.line([(x, -0.2), (x + 0.02, -0.03)], 0.05, bill)
        p.poly([(x - 0.04, 0), (x + 0.16, 0), (x + 0.04, -0.06)], bill, "flat")
    body = [(-0.62, -0.62), (-0.4, -0.5), (0, -0.52), (0.3, -0.6), (0.44, -0.4), (0.26, -0.16)]
    p.blob([*body, (-0.2, -0.14), (-0.48, -0.3)], c, "round", "fur")
    p.limb([(0.22, -0.45), (0.3, -0.66), (0.3, -0.78)], 0.26, 0.2, c)
    p.ellipse(0.32, -0.82, 0.18, 0.17, c, "round", "fur", 0.8)
    p.blob([(0.44, -0.86), (0.62, -0.8), (0.68, -0.74), (0.46, -0.72)], bill, "v")
    eye(p, 0.38, -0.87, 0.034)
    p.blob(
        [(-0.46, -0.5), (-0.1, -0.48), (0.12, -0.4), (-0.06, -0.24), (-0.3, -0.28)],
        dark(c, 0.15),
        "v",
        "fur",
    )


def penguin(p: Pen, r: Random, c: RGB) -> None:
    """A penguin: dark back, white belly, orange feet."""
    feet = (244, 160, 40)
    for s in (-1, 1):
        p.ellipse(s * 0.14, -0.03, 0.13, 0.045, feet, "round")
        swing = r.uniform(0, 0.14)
        p.blob(
            [
                (s * 0.24, -0.68),
                (s * (0.42 + swing), -0.34),
                (s * (0.38 + swing), -0.26),
                (s * 0.24, -0.4),
            ],
            dark(c, 0.1),
            "h",
        )
    p.blob(
        [
            (0, -1.0),
            (0.2, -0.9),
            (0.28, -0.6),
            (0.3, -0.25),
            (0.16, -0.03),
            (-0.16, -0.03),
            (-0.3, -0.25),
            (-0.28, -0.6),
            (-0.2, -0.9),
        ],
        c,
        "round",
        "grain",
    )
    p.ellipse(0, -0.36, 0.21, 0.31, WHITE, "round", "", 0)
    for s in (-1, 1):
        p.ellipse(s * 0.08, -0.8, 0.095, 0.09, WHITE, "round", "", 0)
        p.dot(s * 0.07, -0.82, 0.032, INK)
        p.dot(s * 0.07 - 0.01, -0.835, 0.011, WHITE)
        p.ellipse(s * 0.16, -0.64, 0.06, 0.05, (250, 200, 60), "round", "", 0)
    p.poly([(-0.07, -0.77), (0.07, -0.77), (0, -0.68)], feet, "v")


def fish(p: Pen, r: Random, c: RGB) -> None:
    """A fish with fins, scales and a tail."""
    fin, belly = dark(c, 0.2), light(c, 0.4)
    p.blob([(-0.5, -0.5), (-0.95, -0.85), (-0.84, -0.5), (-0.95, -0.14)], fin, "h")
    p.blob([(-0.2, -0.72), (0.0, -1.0), (0.3, -0.94), (0.34, -0.7)], fin, "v")
    p.blob([(0.0, -0.26), (-0.1, -0.02), (0.18, -0.12), (0.24, -0.26)], fin, "v")
    p.blob(
        [(-0.58, -0.5), (-0.2, -0.78), (0.3, -0.8), (0.66, -0.52), (0.34, -0.24), (-0.2, -0.22)],
        c,
        "round",
        "grain",
    )
    if r.random() < 0.6:
        for x in (-0.22, 0.02):
            p.blob(
                [
                    (x, -0.76),
                    (x + 0.09, -0.76),
                    (x + 0.11, -0.5),
                    (x + 0.08, -0.25),
                    (x, -0.25),
                    (x + 0.03, -0.5),
                ],
                WHITE,
                "v",
                "",
                0,
            )
    for row in range(2):
        for k in range(4):
            x, y = -0.3 + k * 0.14 + row * 0.05, -0.58 + row * 0.15
            p.line([(x, y - 0.06), (x + 0.05, y), (x, y + 0.06)], 0.014, dark(c, 0.28), True)
    p.line([(0.36, -0.72), (0.3, -0.5), (0.36, -0.3)], 0.022, dark(c, 0.4), True)
    p.blob([(0.1, -0.5), (-0.12, -0.42), (-0.06, -0.32), (0.12, -0.36)], belly, "h")
    eye(p, 0.48, -0.58, 0.058, (40, 60, 80))
    p.line([(0.64, -0.48), (0.56, -0.44)], 0.02, dark(c, 0.55))


def butterfly(p: Pen, r: Random, c: RGB) -> None:
    """A butterfly with patterned wings."""
    spot = r.choice([WHITE, (250, 220, 90), dark(c, 0.5)])
    fold = r.uniform(0.75, 1.0)
    for s in (-1, 1):
        f = s * fold
        p.blob(
            [
                (f * 0.04, -0.55),
                (f * 0.3, -0.98),
                (f * 0.62, -0.96),
                (f * 0.6, -0.6),
                (f * 0.3, -0.46),
            ],
            c,
            "round",
            "grain",
        )
        p.blob(
            [
                (f * 0.04, -0.5),
                (f * 0.36, -0.46),
                (f * 0.5, -0.24),
                (f * 0.34, -0.02),
                (f * 0.14, -0.14),
            ],
            dark(c, 0.15),
            "round",
            "grain",
        )
        p.ellipse(f * 0.44, -0.8, 0.09, 0.09, spot, "round", "", 0)
        p.ellipse(f * 0.3, -0.24, 0.07, 0.07, spot, "round", "", 0)
        p.ellipse(f * 0.24, -0.64, 0.05, 0.06, dark(c, 0.5), "flat", "", 0)
        p.line([(f * 0.02, -0.78), (f * 0.12, -0.96), (f * 0.18, -1.0)], 0.018, INK, True)
    p.ellipse(0, -0.48, 0.045, 0.3, (50, 40, 40), "h", "", 0)
    p.dot(0, -0.78, 0.06, (50, 40, 40))


def rabbit(p: Pen, r: Random, c: RGB) -> None:
    """A sitting rabbit with long ears."""
    tilt = r.uniform(-0.25, 0.1)
    p.ellipse(-0.36, -0.16, 0.1, 0.1, light(c, 0.6), "round", "fur")
    p.blob(
        [(0.16, -0.5), (0.2, -0.2), (0.12, -0.02), (-0.26, -0.01), (-0.36, -0.24), (-0.16, -0.46)],
        c,
        "round",
        "fur",
    )
    p.ellipse(-0.15, -0.16, 0.17, 0.15, light(c, 0.08), "round", "fur", 0.6)
    p.ellipse(-0.04, -0.03, 0.16, 0.04, light(c, 0.25), "round")
    p.limb([(0.1, -0.3), (0.15, -0.14), (0.16, -0.03)], 0.1, 0.07, light(c, 0.1))
    for k, shade in ((0.0, dark(c, 0.2)), (0.11, c)):
        ear = p.part(0.1 + k, -0.68, 1, tilt + k)
        ear.ellipse(0, -0.18, 0.065, 0.2, shade, "round", "fur")
        ear.ellipse(0.005, -0.17, 0.03, 0.14, (240, 176, 180), "v", "", 0)
    p.ellipse(0.2, -0.57, 0.2, 0.17, c, "round", "fur")
    p.ellipse(0.33, -0.51, 0.09, 0.075, light(c, 0.4), "round", "", 0)
    p.ellipse(0.4, -0.55, 0.028, 0.022, (220, 110, 130), "flat", "", 0)
    eye(p, 0.24, -0.62, 0.036)
    for k in (-1, 1):
        p.line([(0.34, -0.51), (0.54, -0.5 + k * 0.05)], 0.008, WHITE)


def turtle(p: Pen, r: Random, c: RGB) -> None:
    """A turtle with a domed shell."""
    skin = mix((120, 168, 84), c, 0.25)
    p.poly([(-0.75, -0.28), (-1.0, -0.1), (-0.66, -0.14)], skin, "v")
    for x in (-0.5, 0.5):
        p.rect(x - 0.15, -0.3, x + 0.15, 0, dark(skin, 0.1), "v", r=0.06)
    p.limb([(0.6, -0.3), (0.84, -0.5), (0.94, -0.6)], 0.26, 0.2, skin)
    p.ellipse(1.0, -0.64, 0.2, 0.17, skin, "round")
    eye(p, 1.06, -0.7, 0.045)
    p.line([(1.06, -0.55), (1.18, -0.58)], 0.02, dark(skin, 0.5))
    p.blob(
        [(-0.8, -0.24), (-0.6, -0.7), (-0.1, -1.0), (0.4, -0.82), (0.76, -0.26), (0, -0.18)],
        c,
        "round",
        "grain",
    )
    for x, y, s in ((-0.08, -0.66, 0.22), (-0.44, -0.48, 0.17), (0.32, -0.52, 0.18)):
        hexagon: list[Point] = [(-1, 0), (-0.5, -0.9), (0.5, -0.9), (1, 0), (0.5, 0.9), (-0.5, 0.9)]
        p.poly([(x + u * s, y + v * s) for u, v in hexagon], dark(c, 0.28), "round", "", 0.8)
    p.rect(-0.86, -0.3, 0.84, -0.18, light(c, 0.25), "v", r=0.05)


def giraffe(p: Pen, r: Random, c: RGB) -> None:
    """A giraffe with a long spotted neck."""
    spot = (150, 92, 44)
    p.line([(-0.3, -0.5), (-0.36, -0.36), (-0.35, -0.28)], 0.025, dark(c, 0.3), True)
    legs(p, r, (-0.2, 0.13), -0.4, (0.08, 0.045), dark(c, 0.25), (80, 60, 50))
    p.blob(
        [(0.02, -0.52), (0.22, -0.84), (0.28, -0.92), (0.35, -0.88), (0.32, -0.7), (0.22, -0.4)],
        c,
        "h",
    )
    p.blob(
        [(-0.31, -0.5), (-0.2, -0.56), (0.1, -0.58), (0.24, -0.46), (0.14, -0.34), (-0.24, -0.34)],
        c,
        "round",
    )
    legs(p, r, (-0.25, 0.18), -0.42, (0.09, 0.05), c, (90, 70, 56))
    places = [
        (-0.2, -0.47),
        (-0.08, -0.5),
        (0.04, -0.44),
        (-0.15, -0.38),
        (0.13, -0.5),
        (-0.02, -0.38),
    ]
    for x, y in [
        *places,
        (0.17, -0.62),
        (0.22, -0.71),
        (0.27, -0.8),
        (0.24, -0.58),
        (0.29, -0.68),
        (0.14, -0.41),
    ]:
        s = r.uniform(0.024, 0.036)
        p.poly(
            [(x - s, y - s * 0.4), (x + s * 0.2, y - s * 1.1), (x + s, y), (x + s * 0.2, y + s)],
            spot,
            "flat",
            "",
            0,
        )
    for x in (0.27, 0.31):
        p.line([(x, -0.93), (x - 0.01, -1.0)], 0.018, dark(c, 0.3))
        p.dot(x - 0.01, -1.0, 0.016, (90, 60, 40))
    p.ellipse(0.22, -0.92, 0.06, 0.022, c, "round", "", 0.6, 0.4)
    p.blob(
        [(0.24, -0.94), (0.34, -0.95), (0.45, -0.87), (0.44, -0.82), (0.33, -0.85), (0.26, -0.86)],
        c,
        "round",
    )
    eye(p, 0.33, -0.91, 0.015)


def bear(p: Pen, r: Random, c: RGB) -> None:
    """A bear sitting upright."""
    snout = light(c, 0.4)
    p.blob(
        [(-0.2, -0.66), (0.2, -0.66), (0.34, -0.3), (0.26, -0.02), (-0.26, -0.02), (-0.34, -0.3)],
        c,
        "round",
        "fur",
    )
    p.ellipse(0, -0.3, 0.19, 0.23, light(c, 0.25), "round", "fur", 0)
    for s in (-1, 1):
        p.ellipse(s * 0.26, -0.08, 0.16, 0.1, c, "round", "fur")
        p.ellipse(s * 0.29, -0.08, 0.07, 0.07, snout, "round", "", 0)
        p.limb([(s * 0.24, -0.58), (s * 0.36, -0.4), (s * 0.3, -0.24)], 0.17, 0.15, dark(c, 0.08))
        p.ellipse(s * 0.2, -0.94, 0.09, 0.09, c, "round", "fur")
        p.ellipse(s * 0.2, -0.93, 0.05, 0.05, dark(c, 0.3), "round", "", 0)
    p.ellipse(0, -0.79, 0.27, 0.21, c, "round", "fur")
    p.ellipse(0, -0.72, 0.12, 0.1, snout, "round", "", 0)
    p.ellipse(0, -0.77, 0.045, 0.032, INK, "round", "", 0)
    p.line([(0, -0.74), (0, -0.69)], 0.012, INK)
    for s in (-1, 1):
        eye(p, s * 0.12, -0.84, 0.03)


_BRIGHT = ("red", "blue", "yellow", "green", "white", "black", "orange")
KINDS = [
    Kind("bird", bird, 0.17, _BRIGHT, "air", ("animal", "bird")),
    Kind("owl", owl, 0.27, ("brown", "grey", "white"), "small", ("animal", "bird")),
    Kind("duck", duck, 0.24, ("yellow", "white", "brown"), "ground", ("animal", "bird")),
    Kind("penguin", penguin, 0.33, ("black", "black", "blue"), "ground", ("animal", "bird")),
    Kind(
        "fish",
        fish,
        0.17,
        ("orange", "blue", "red", "yellow", "green", "purple"),
        "water",
        ("animal",),
        plural="fish",
    ),
    Kind(
        "butterfly",
        butterfly,
        0.15,
        ("blue", "orange", "yellow", "pink", "purple", "red"),
        "air",
        ("animal", "insect"),
        plural="butterflies",
    ),
    Kind(
        "rabbit",
        rabbit,
        0.3,
        ("white", "brown", "grey", "black"),
        "ground",
        ("animal", "pet"),
        words=("bunny",),
    ),
    Kind("turtle", turtle, 0.18, ("green", "brown"), "ground", ("animal",)),
    Kind("giraffe", giraffe, 0.66, ("yellow", "orange"), "ground", ("animal",)),
    Kind("bear", bear, 0.42, ("brown", "black", "white"), "ground", ("animal",)),
]
