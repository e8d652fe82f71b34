"""Draws things that drive, sail and fly."""

from random import Random

from .colours import RGB, dark, light
from .kind import Kind
from .pen import Pen

GLASS: RGB = (176, 214, 232)
TYRE: RGB = (40, 40, 44)
METAL: RGB = (190, 194, 200)
LAMP: RGB = (255, 236, 150)


def wheel(p: Pen, x: float, y: float, r: float, rim: RGB = METAL) -> None:
    """Draws a car wheel about (x, y)."""
    p.ellipse(x, y, r, r, TYRE, "round", "", 0.6)
    p.ellipse(x, y, r * 0.58, r * 0.58, rim, "round", "", 0)
    for k in range(3):
        q = p.part(x, y, 1, k * 1.05)
        q.line([(-r * 0.5, 0), (r * 0.5, 0)], r * 0.1, dark(rim, 0.4))
    p.dot(x, y, r * 0.18, dark(rim, 0.5))


def window(p: Pen, x0: float, y0: float, x1: float, y1: float) -> None:
    """Draws a pane with a reflection."""
    p.rect(x0, y0, x1, y1, GLASS, "v", "", 0.8, min(0.04, (x1 - x0) / 4))
    w = x1 - x0
    gleam = [(x0 + w * 0.5, y0 + 0.01), (x0 + w * 0.75, y0 + 0.01), (x0 + w * 0.45, y1 - 0.01)]
    p.poly([*gleam, (x0 + w * 0.2, y1 - 0.01)], light(GLASS, 0.5), "flat", "", 0)


def car(p: Pen, r: Random, c: RGB) -> None:
    """A car seen from the side."""
    roof = r.uniform(-0.98, -0.86)
    back = r.uniform(-0.95, -0.62)
    cabin = [
        (back, -0.55),
        (back + 0.2, roof + 0.04),
        (-0.1, roof),
        (0.3, roof + 0.02),
        (0.68, -0.56),
    ]
    p.poly(cabin, c, "v")
    pane = [(back + 0.12, -0.56), (back + 0.25, roof + 0.1), (-0.14, roof + 0.08), (-0.14, -0.56)]
    p.poly(pane, GLASS, "h", "", 0.8)
    p.poly(
        [(-0.06, -0.56), (-0.06, roof + 0.08), (0.26, roof + 0.1), (0.54, -0.56)],
        GLASS,
        "h",
        "",
        0.8,
    )
    p.poly(
        [(0.06, -0.57), (0.16, roof + 0.1), (0.24, roof + 0.1), (0.16, -0.57)],
        light(GLASS, 0.5),
        "flat",
        "",
        0,
    )
    body = [(-1.14, -0.5), (-1.0, -0.58), (0.62, -0.57), (1.05, -0.5), (1.16, -0.36), (1.14, -0.16)]
    p.poly([*body, (-1.12, -0.16), (-1.17, -0.3)], c, "gloss")
    p.rect(-1.16, -0.2, 1.16, -0.13, dark(c, 0.5), "v", "", 0)
    p.line([(-0.1, -0.55), (-0.1, -0.2)], 0.014, dark(c, 0.45))
    p.line([(-0.02, -0.46), (0.1, -0.46)], 0.03, dark(c, 0.4))
    p.ellipse(1.06, -0.4, 0.07, 0.06, LAMP, "round", "", 0.6)
    p.rect(-1.15, -0.46, -1.06, -0.36, (214, 50, 44), "v", "", 0.5)
    for x in (-0.64, 0.66):
        p.ellipse(x, -0.2, 0.25, 0.24, dark(c, 0.65), "flat", "", 0)
        wheel(p, x, -0.19, 0.19)


def bus(p: Pen, r: Random, c: RGB) -> None:
    """A bus with a row of windows."""
    n = r.randint(4, 5)
    p.rect(-1.2, -1.0, 1.2, -0.14, c, "v", "", 1, 0.08)
    p.rect(-1.2, -0.42, 1.2, -0.32, light(c, 0.65), "v", "", 0)
    step = 1.9 / n
    for k in range(n):
        window(p, -1.1 + k * step, -0.86, -1.1 + (k + 0.84) * step, -0.52)
    window(p, 0.86, -0.86, 1.17, -0.5)
    p.rect(0.5, -0.5, 0.76, -0.15, GLASS, "h", "", 0.8)
    p.line([(0.63, -0.5), (0.63, -0.15)], 0.02, dark(c, 0.5))
    p.ellipse(1.14, -0.26, 0.05, 0.05, LAMP, "round", "", 0.5)
    p.rect(-1.2, -0.2, 1.2, -0.13, dark(c, 0.55), "v", "", 0)
    for x in (-0.74, 0.34):
        wheel(p, x, -0.16, 0.16)


def truck(p: Pen, r: Random, c: RGB) -> None:
    """A truck: a cab and a box."""
    box = r.choice([(236, 234, 228), (214, 216, 220), light(c, 0.55)])
    p.rect(-1.15, -1.0, 0.42, -0.26, box, "v", "", 1)
    for k in range(1, 6):
        p.line([(-1.15 + k * 0.26, -0.97), (-1.15 + k * 0.26, -0.3)], 0.012, dark(box, 0.22))
    p.rect(-1.16, -0.28, 1.0, -0.16, (70, 70, 76), "v", "", 0)
    p.poly(
        [(0.48, -0.86), (0.86, -0.86), (1.04, -0.52), (1.1, -0.46), (1.1, -0.18), (0.48, -0.18)],
        c,
        "gloss",
    )
    p.poly([(0.6, -0.78), (0.83, -0.78), (0.97, -0.52), (0.6, -0.52)], GLASS, "h", "", 0.8)
    p.line([(0.62, -0.42), (0.72, -0.42)], 0.03, dark(c, 0.45))
    p.ellipse(1.06, -0.33, 0.05, 0.055, LAMP, "round", "", 0.5)
    for x in (-0.82, -0.42, 0.76):
        wheel(p, x, -0.17, 0.17)


def train(p: Pen, r: Random, c: RGB) -> None:
    """A steam locomotive with one carriage."""
    trim = r.choice([(220, 180, 60), (200, 50, 44), (60, 62, 70)])
    p.rect(-1.9, -0.1, 1.25, -0.05, (110, 104, 100), "v", "", 0)
    p.rect(-1.85, -0.88, -0.72, -0.2, dark(c, 0.1), "v", "", 1, 0.05)
    p.rect(-1.9, -0.95, -0.68, -0.86, dark(c, 0.45), "v", "", 0.8, 0.03)
    for k in range(3):
        window(p, -1.74 + k * 0.35, -0.76, -1.48 + k * 0.35, -0.48)
    p.line([(-0.75, -0.22), (-0.5, -0.22)], 0.06, (50, 50, 54))
    p.rect(-0.55, -1.0, 0.0, -0.2, c, "h", "", 1)
    p.rect(-0.62, -1.06, 0.07, -0.97, dark(c, 0.45), "v", "", 0.8)
    window(p, -0.44, -0.86, -0.12, -0.56)
    p.rect(0.0, -0.74, 0.95, -0.26, c, "cylv", "", 1, 0.04)
    p.ellipse(0.95, -0.5, 0.1, 0.24, dark(c, 0.4), "round")
    for x in (0.22, 0.56):
        p.rect(x, -0.75, x + 0.06, -0.25, trim, "cylv", "", 0)
    p.poly(
        [(0.66, -0.72), (0.68, -0.96), (0.62, -1.08), (0.88, -1.08), (0.82, -0.96), (0.84, -0.72)],
        (60, 60, 66),
        "cyl",
    )
    p.ellipse(0.4, -0.76, 0.1, 0.1, trim, "round")
    p.poly([(0.96, -0.24), (1.22, -0.02), (0.8, -0.02)], trim, "v")
    for x in (-1.6, -1.2, -0.9, -0.32, 0.1, 0.46, 0.78):
        rad = 0.18 if -0.5 < x < 0.6 else 0.12
        wheel(p, x, -rad, rad, trim)
    p.line([(-0.32, -0.15), (0.46, -0.15)], 0.04, METAL)


def bicycle(p: Pen, r: Random, c: RGB) -> None:
    """A bicycle seen from the side."""
    rad, spoke = 0.36, (150, 152, 158)
    for x in (-0.6, 0.6):
        for k in range(6):
            q = p.part(x, -rad - 0.03, 1, k * 0.5236)
            q.line([(-rad, 0), (rad, 0)], 0.012, spoke)
        for k in range(24):
            q = p.part(x, -rad - 0.03, 1, k * 0.2618)
            q.line([(rad * 0.9914, -rad * 0.1305), (rad * 0.9914, rad * 0.1305)], 0.065, TYRE)
        p.dot(x, -rad - 0.03, 0.05, (90, 92, 98))
    rear, crank, seat, front, hub = (
        (-0.6, -0.39),
        (-0.08, -0.36),
        (-0.24, -0.84),
        (0.42, -0.82),
        (0.6, -0.39),
    )
    for a, b in (
        (rear, crank),
        (rear, seat),
        (crank, seat),
        (seat, front),
        (crank, front),
        (front, hub),
    ):
        p.line([a, b], 0.065, c)
    p.line([seat, (-0.27, -0.94)], 0.04, METAL)
    p.blob([(-0.44, -0.96), (-0.28, -1.0), (-0.1, -0.95), (-0.28, -0.92)], (60, 44, 38), "v")
    p.line([front, (0.38, -0.98), (0.52, -1.02), (0.56, -0.95)], 0.045, (80, 80, 86), True)
    p.ellipse(crank[0], crank[1], 0.085, 0.085, METAL, "round")
    p.line([(-0.16, -0.5), (0.0, -0.22)], 0.035, (80, 80, 86))
    p.line([(0.0, -0.22), (0.08, -0.22)], 0.05, TYRE)
    if r.random() < 0.4:
        p.poly(
            [(0.5, -0.9), (0.8, -0.9), (0.75, -0.68), (0.53, -0.68)], (190, 140, 80), "v", "wood"
        )


def boat(p: Pen, r: Random, c: RGB) -> None:
    """A sailing boat with two sails."""
    sail = r.choice([(248, 244, 232), (250, 236, 200), light(c, 0.6)])
    p.line([(0, -0.2), (0, -1.02)], 0.035, (120, 82, 50))
    belly = r.uniform(0.0, 0.08)
    p.blob(
        [(0.04, -0.98), (0.24 + belly, -0.66), (0.5, -0.3), (0.26, -0.27), (0.04, -0.28)], sail, "h"
    )
    p.poly([(-0.05, -0.94), (-0.05, -0.3), (-0.42, -0.3)], dark(sail, 0.06), "h")
    p.poly(
        [(0, -1.02), (0.18, -0.97), (0, -0.92)],
        r.choice([(214, 50, 44), (50, 90, 190)]),
        "flat",
        "",
        0.5,
    )
    hull = [(-0.62, -0.24), (0.68, -0.24), (0.56, -0.06), (0.42, 0), (-0.4, 0), (-0.54, -0.06)]
    p.poly(hull, c, "v", "wood")
    p.poly(
        [(-0.62, -0.25), (0.68, -0.25), (0.65, -0.19), (-0.6, -0.19)], light(c, 0.65), "v", "", 0.6
    )


def aeroplane(p: Pen, r: Random, c: RGB) -> None:
    """An aeroplane seen from the side."""
    white = (240, 242, 246)
    p.poly([(0.1, -0.56), (-0.1, -0.94), (0.04, -0.94), (0.4, -0.56)], dark(white, 0.2), "v")
    p.poly([(-0.98, -0.6), (-1.16, -1.02), (-0.92, -1.02), (-0.58, -0.62)], c, "v")
    p.blob(
        [
            (-1.12, -0.6),
            (-0.8, -0.68),
            (0.6, -0.68),
            (0.98, -0.58),
            (1.12, -0.46),
            (0.9, -0.36),
            (0.3, -0.32),
            (-0.6, -0.38),
        ],
        white,
        "v",
    )
    p.blob(
        [
            (-1.0, -0.54),
            (-0.5, -0.5),
            (0.4, -0.48),
            (1.1, -0.46),
            (0.9, -0.36),
            (0.3, -0.32),
            (-0.6, -0.38),
        ],
        c,
        "v",
        "",
        0,
    )
    for k in range(9):
        p.ellipse(-0.62 + k * 0.15, -0.57, 0.038, 0.042, (60, 90, 130), "v", "", 0)
    p.poly([(0.82, -0.62), (0.98, -0.57), (1.0, -0.5), (0.82, -0.52)], (60, 90, 130), "v", "", 0.5)
    p.poly([(-1.0, -0.56), (-1.22, -0.4), (-1.02, -0.4), (-0.72, -0.54)], dark(c, 0.2), "v")
    p.poly([(0.26, -0.46), (-0.36, 0.0), (-0.14, 0.0), (0.56, -0.44)], c, "h")
    p.ellipse(0.12, -0.2, 0.14, 0.07, METAL, "cylv")


def helicopter(p: Pen, r: Random, c: RGB) -> None:
    """A helicopter with its rotor turning."""
    p.poly([(-1.0, -0.62), (-0.2, -0.7), (-0.2, -0.44), (-1.0, -0.54)], c, "v")
    p.poly([(-1.02, -0.6), (-1.16, -0.88), (-0.98, -0.88), (-0.88, -0.6)], dark(c, 0.15), "v")
    q = p.part(-1.04, -0.66, 1, r.uniform(0, 1.5))
    for s in (-1, 1):
        q.ellipse(s * 0.1, 0, 0.1, 0.025, (80, 82, 90), "flat", "", 0)
    p.blob(
        [
            (-0.36, -0.66),
            (0, -0.82),
            (0.4, -0.76),
            (0.64, -0.46),
            (0.5, -0.2),
            (0, -0.16),
            (-0.3, -0.3),
        ],
        c,
        "round",
    )
    p.blob(
        [(0.2, -0.72), (0.42, -0.68), (0.58, -0.46), (0.5, -0.38), (0.2, -0.4)], GLASS, "h", "", 0.8
    )
    window(p, -0.12, -0.66, 0.1, -0.4)
    p.rect(0.0, -0.94, 0.08, -0.8, (90, 92, 98), "cyl")
    p.ellipse(0.04, -0.96, 0.86, 0.03, (110, 112, 120), "flat", "", 0)
    for x in (-0.14, 0.34):
        p.line([(x, -0.2), (x - 0.02, -0.04)], 0.035, (80, 82, 90))
    p.line([(-0.4, -0.03), (0.5, -0.03), (0.62, -0.08)], 0.045, (80, 82, 90), True)


def hot_air_balloon(p: Pen, r: Random, c: RGB) -> None:
    """A hot-air balloon with a striped envelope and a basket."""
    other = r.choice([(250, 226, 90), (246, 244, 240), light(c, 0.55), (240, 140, 50)])
    for x in (-0.16, -0.05, 0.05, 0.16):
        p.line([(x * 1.3, -0.36), (x * 0.7, -0.14)], 0.012, (110, 84, 60))
    rings = [(1.0, c), (0.7, other), (0.4, c), (0.13, other)]
    for w, shade in rings:
        half = [(0.2, -0.98), (0.38, -0.8), (0.38, -0.62), (0.24, -0.42), (0.12, -0.33)]
        right = [(x * w, y) for x, y in half]
        left = [(-x, y) for x, y in reversed(right)]
        p.blob([*right, *left], shade, "round", "", 1 if w == 1.0 else 0.4)
    p.rect(-0.12, -0.15, 0.12, 0, (168, 116, 64), "v", "wood", r=0.03)
    p.rect(-0.13, -0.17, 0.13, -0.13, (120, 80, 46), "v", "", 0.5)


_PAINT = ("red", "blue", "green", "yellow", "white", "black", "orange", "grey")
KINDS = [
    Kind("car", car, 0.25, _PAINT, classes=("vehicle",)),
    Kind(
        "bus",
        bus,
        0.36,
        ("red", "yellow", "blue", "green", "orange"),
        classes=("vehicle",),
        plural="buses",
    ),
    Kind(
        "truck",
        truck,
        0.36,
        ("red", "blue", "green", "yellow", "orange"),
        classes=("vehicle",),
        words=("lorry",),
    ),
    Kind("train", train, 0.27, ("red", "green", "blue", "black"), classes=("vehicle",)),
    Kind(
        "bicycle",
        bicycle,
        0.36,
        ("red", "blue", "green", "yellow", "purple", "orange"),
        classes=("vehicle",),
        words=("bike",),
    ),
    Kind(
        "boat",
        boat,
        0.42,
        ("red", "blue", "white", "brown", "green", "yellow"),
        "water",
        ("vehicle",),
        words=("sailboat",),
    ),
    Kind(
        "aeroplane",
        aeroplane,
        0.2,
        ("red", "blue", "orange", "green"),
        "air",
        ("vehicle",),
        words=("airplane", "plane"),
    ),
    Kind("helicopter", helicopter, 0.22, ("red", "yellow", "blue", "green"), "air", ("vehicle",)),
    Kind(
        "hot-air balloon",
        hot_air_balloon,
        0.4,
        ("red", "blue", "purple", "green"),
        "air",
        ("vehicle",),
    ),
]
