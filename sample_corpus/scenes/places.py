"""Draws buildings and other large fixed things."""

from random import Random

from .colours import RGB, dark, light, named
from .kind import Kind
from .pen import Pen

PANE: RGB = (150, 196, 222)
WARM: RGB = (255, 222, 130)


def brick_lines(p: Pen, x0: float, y0: float, x1: float, y1: float, c: RGB) -> None:
    """Draws courses over a wall."""
    rows = max(2, int((y1 - y0) / 0.07))
    for k in range(1, rows):
        y = y0 + (y1 - y0) * k / rows
        p.line([(x0, y), (x1, y)], 0.006, dark(c, 0.18))


def pane(p: Pen, x: float, y: float, w: float, h: float, lit: bool) -> None:
    """Draws a framed window with a cross."""
    p.rect(x - w / 2, y - h / 2, x + w / 2, y + h / 2, (240, 236, 226), "v", "", 0.8)
    p.rect(x - w * 0.4, y - h * 0.4, x + w * 0.4, y + h * 0.4, WARM if lit else PANE, "v", "", 0)
    p.line([(x, y - h * 0.4), (x, y + h * 0.4)], 0.016, (240, 236, 226))
    p.line([(x - w * 0.4, y), (x + w * 0.4, y)], 0.016, (240, 236, 226))


def house(p: Pen, r: Random, c: RGB) -> None:
    """A house with a roof, a door and windows."""
    roof = r.choice([(150, 62, 48), (96, 70, 60), (88, 96, 110), (70, 104, 84)])
    w, wall, lit = r.uniform(0.48, 0.62), -0.58, r.random() < 0.4
    chimney = r.choice([-1, 1]) * w * 0.55
    p.rect(chimney - 0.06, -0.96, chimney + 0.06, -0.66, (160, 84, 66), "h", "grain")
    p.rect(-w, wall, w, 0, c, "h", "grain")
    brick_lines(p, -w, wall, w, 0, c)
    peak = r.uniform(-1.0, -0.94)
    flat = r.choice([0.0, 0.25])
    p.poly(
        [(-w - 0.1, wall + 0.03), (-w * flat, peak), (w * flat, peak), (w + 0.1, wall + 0.03)],
        roof,
        "v",
        "wood",
    )
    door = named(r.choice(["brown", "red", "blue", "green"]), r)
    dx = r.choice([-0.25, 0.0, 0.25])
    p.rect(dx - 0.1, -0.34, dx + 0.1, 0, door, "h", "wood")
    p.dot(dx + 0.06, -0.16, 0.014, (240, 210, 90))
    p.rect(dx - 0.14, -0.02, dx + 0.14, 0.01, (150, 146, 140), "v", "", 0.5)
    for x in (-0.33, 0.33) if dx == 0 else (-dx, -dx * 0.15 - (0.0 if dx else 0)):
        pane(p, x, -0.32, 0.18, 0.22, lit)
    if flat == 0.0:
        p.ellipse(0, wall - 0.17, 0.075, 0.075, (240, 236, 226), "v", "", 0.8)
        p.ellipse(0, wall - 0.17, 0.052, 0.052, WARM if lit else PANE, "v", "", 0)


def barn(p: Pen, r: Random, c: RGB) -> None:
    """A barn with a broken roof line and a cross-braced door."""
    trim: RGB = (244, 240, 232)
    shape = [
        (-0.6, 0),
        (-0.6, -0.52),
        (-0.42, -0.84),
        (0, -1.0),
        (0.42, -0.84),
        (0.6, -0.52),
        (0.6, 0),
    ]
    p.poly(shape, c, "h", "grain")
    for k in range(-5, 6):
        p.line([(k * 0.11, -0.5), (k * 0.11, -0.01)], 0.008, dark(c, 0.25))
    for a, b in (((-0.64, -0.49), (-0.44, -0.86)), ((-0.44, -0.86), (0, -1.02))):
        for s in (1, -1):
            p.line([(a[0] * s, a[1]), (b[0] * s, b[1])], 0.07, (92, 86, 88))
    p.rect(-0.22, -0.42, 0.22, 0, dark(c, 0.15), "v", "", 0)
    ring = [(-0.22, -0.42), (0.22, -0.42), (0.22, -0.01), (-0.22, -0.01), (-0.22, -0.42)]
    p.line(ring, 0.03, trim)
    for s in (-1, 1):
        p.line([(s * 0.22, -0.42), (s * -0.22, -0.01)], 0.03, trim)
    p.rect(-0.1, -0.74, 0.1, -0.56, (60, 44, 40), "v", "", 0)
    p.line([(-0.1, -0.74), (0.1, -0.74), (0.1, -0.56), (-0.1, -0.56), (-0.1, -0.74)], 0.025, trim)


def lighthouse(p: Pen, r: Random, c: RGB) -> None:
    """A striped lighthouse."""
    white = (244, 242, 236)
    n = r.choice([5, 7])
    p.blob(
        [(-0.32, 0.0), (-0.26, -0.09), (0.0, -0.1), (0.28, -0.08), (0.34, 0.0), (0, 0.03)],
        (120, 114, 108),
        "round",
        "stone",
    )
    for k in range(n):
        a, b = k / n, (k + 1) / n
        wa, wb = 0.19 - 0.08 * a, 0.19 - 0.08 * b
        ya, yb = -0.05 - 0.69 * a, -0.05 - 0.69 * b
        p.poly(
            [(-wa, ya), (-wb, yb), (wb, yb), (wa, ya)], c if k % 2 == 0 else white, "cyl", "", 0.7
        )
    p.rect(-0.05, -0.2, 0.05, -0.05, (86, 62, 48), "v", "", 0.6)
    p.rect(-0.16, -0.77, 0.16, -0.73, (60, 62, 70), "cyl")
    p.rect(-0.09, -0.88, 0.09, -0.77, (255, 240, 160), "cyl")
    for x in (-0.09, 0.0, 0.09):
        p.line([(x, -0.88), (x, -0.77)], 0.012, (60, 62, 70))
    p.poly([(-0.12, -0.87), (0, -1.0), (0.12, -0.87)], c, "cyl")


def windmill(p: Pen, r: Random, c: RGB) -> None:
    """A windmill with four sails."""
    p.poly([(-0.24, 0), (-0.15, -0.62), (0.15, -0.62), (0.24, 0)], c, "cyl", "grain")
    brick_lines(p, -0.17, -0.6, 0.17, 0, c)
    p.blob(
        [(-0.17, -0.6), (-0.1, -0.72), (0, -0.76), (0.1, -0.72), (0.17, -0.6)],
        (120, 66, 50),
        "round",
    )
    p.rect(-0.06, -0.18, 0.06, 0, (96, 62, 42), "h", "wood")
    pane(p, 0, -0.36, 0.1, 0.11, False)
    start = r.uniform(0.2, 1.3)
    for k in range(4):
        q = p.part(0, -0.63, 1, start + k * 1.5708)
        q.line([(0, 0), (0.46, 0)], 0.025, (110, 78, 52))
        q.rect(0.1, 0.0, 0.46, 0.1, (240, 232, 214), "flat", "", 0.8)
        for j in range(4):
            q.line([(0.1 + j * 0.12, 0), (0.1 + j * 0.12, 0.1)], 0.01, (150, 116, 80))
        q.line([(0.1, 0.05), (0.46, 0.05)], 0.01, (150, 116, 80))
    p.dot(0, -0.63, 0.035, (90, 60, 40))


def castle(p: Pen, r: Random, c: RGB) -> None:
    """A castle with two towers and a gate."""
    flag = named(r.choice(["red", "blue", "yellow"]), r)
    p.rect(-0.45, -0.52, 0.45, 0, c, "v", "stone")
    for k in range(5):
        p.rect(-0.4 + k * 0.18, -0.6, -0.31 + k * 0.18, -0.51, c, "v", "stone", 0.8)
    for s in (-1, 1):
        x = s * 0.5
        p.rect(x - 0.15, -0.7, x + 0.15, 0, light(c, 0.08), "cyl", "stone")
        p.poly([(x - 0.19, -0.69), (x, -0.95), (x + 0.19, -0.69)], dark(flag, 0.1), "cyl")
        p.line([(x, -0.94), (x, -1.06)], 0.015, (70, 60, 60))
        p.poly([(x, -1.06), (x + 0.13, -1.02), (x, -0.98)], flag, "flat", "", 0.5)
        p.rect(x - 0.03, -0.5, x + 0.03, -0.36, (50, 46, 56), "v", "", 0)
    gate = [(-0.14, 0), (-0.14, -0.26), (-0.08, -0.35), (0.08, -0.35), (0.14, -0.26), (0.14, 0)]
    p.poly(gate, (84, 56, 40), "v", "wood")
    for x in (-0.07, 0.0, 0.07):
        p.line([(x, -0.32), (x, 0)], 0.012, (50, 34, 28))


def tent(p: Pen, r: Random, c: RGB) -> None:
    """A camping tent with an open flap."""
    p.poly([(0.14, -0.98), (0.98, -0.84), (1.1, -0.02), (0.5, 0)], dark(c, 0.22), "v")
    p.line([(1.02, -0.5), (1.3, 0)], 0.016, (220, 214, 200))
    p.line([(-0.3, -0.6), (-0.78, 0)], 0.016, (220, 214, 200))
    p.poly([(0.14, -1.0), (0.66, 0), (-0.6, 0)], c, "v", "grain")
    p.poly([(0.14, -0.86), (0.32, 0), (-0.2, 0)], (44, 38, 46), "v", "", 0.6)
    p.poly([(0.14, -0.86), (-0.02, -0.3), (-0.3, 0), (-0.2, 0)], light(c, 0.4), "h", "", 0.6)


def bridge(p: Pen, r: Random, c: RGB) -> None:
    """An arched bridge over a stream."""
    p.blob(
        [(-0.95, 0.0), (-0.4, -0.12), (0.4, -0.12), (0.95, 0.0), (0.4, 0.06), (-0.4, 0.06)],
        (86, 150, 190),
        "v",
        "water",
        0,
    )
    arch = [
        (-1.3, 0),
        (-1.3, -0.34),
        (-0.8, -0.58),
        (0, -0.74),
        (0.8, -0.58),
        (1.3, -0.34),
        (1.3, 0),
    ]
    inner = [
        (0.85, 0),
        (0.66, -0.24),
        (0.34, -0.42),
        (0, -0.48),
        (-0.34, -0.42),
        (-0.66, -0.24),
        (-0.85, 0),
    ]
    p.poly([*arch, *inner], c, "v", "stone")
    for k in range(9):
        x = -1.2 + k * 0.3
        y = -0.34 - 0.4 * (1 - (x / 1.3) ** 2)
        p.line([(x, y), (x, y - 0.22)], 0.05, dark(c, 0.15))
    rail = [(-1.25, -0.54), (-0.8, -0.78), (0, -0.97), (0.8, -0.78), (1.25, -0.54)]
    p.line(rail, 0.06, dark(c, 0.25), True)


def snowman(p: Pen, r: Random, c: RGB) -> None:
    """A snowman with a carrot nose; the colour is that of its scarf."""
    snow = (244, 248, 254)
    for s in (-1, 1):
        p.line(
            [(s * 0.16, -0.5), (s * 0.36, -0.62 - r.uniform(0, 0.1)), (s * 0.44, -0.6)],
            0.025,
            (96, 66, 46),
        )
        p.line([(s * 0.36, -0.62), (s * 0.42, -0.7)], 0.018, (96, 66, 46))
    p.ellipse(0, -0.2, 0.27, 0.21, snow, "round", "grain")
    p.ellipse(0, -0.49, 0.2, 0.17, snow, "round", "grain")
    p.ellipse(0, -0.74, 0.15, 0.14, snow, "round", "grain")
    p.blob(
        [(-0.15, -0.66), (0, -0.61), (0.15, -0.66), (0.14, -0.59), (0, -0.55), (-0.14, -0.59)],
        c,
        "v",
        "fur",
    )
    p.poly([(0.06, -0.6), (0.15, -0.6), (0.17, -0.38), (0.09, -0.38)], dark(c, 0.1), "v", "fur")
    for y in (-0.48, -0.41, -0.28):
        p.dot(0, y, 0.02, (40, 38, 44))
    for s in (-1, 1):
        p.dot(s * 0.055, -0.78, 0.02, (34, 32, 38))
    p.poly([(0, -0.76), (0, -0.71), (0.16, -0.72)], (240, 130, 40), "v", "", 0.6)
    p.rect(-0.18, -0.87, 0.18, -0.84, (44, 42, 50), "v", "", 0.6)
    p.rect(-0.11, -1.02, 0.11, -0.85, (44, 42, 50), "cyl", "", 0.6)
    p.rect(-0.11, -0.9, 0.11, -0.86, c, "cyl", "", 0)


def fountain(p: Pen, r: Random, c: RGB) -> None:
    """A stone fountain with jets of water."""
    water = (150, 206, 236)
    for s in (-1, 1):
        for k in (0.16, 0.3):
            jet = [(0, -0.86), (s * k * 0.6, -1.0 + k * 0.2), (s * k, -0.8), (s * k * 1.15, -0.5)]
            p.line(jet, 0.028, light(water, 0.4), True)
    p.rect(-0.09, -0.7, 0.09, -0.2, c, "cyl", "stone")
    p.blob([(-0.38, -0.56), (0.38, -0.56), (0.22, -0.44), (-0.22, -0.44)], c, "v", "stone")
    p.ellipse(0, -0.55, 0.34, 0.05, water, "v", "water", 0.5)
    p.rect(-0.05, -0.86, 0.05, -0.55, c, "cyl", "stone")
    p.rect(-0.72, -0.24, 0.72, 0, c, "cyl", "stone", r=0.05)
    p.ellipse(0, -0.24, 0.7, 0.07, water, "v", "water")


KINDS = [
    Kind(
        "house",
        house,
        0.55,
        ("white", "yellow", "red", "blue", "pink", "grey", "green"),
        classes=("building",),
    ),
    Kind("barn", barn, 0.52, ("red", "brown", "white"), classes=("building",)),
    Kind("lighthouse", lighthouse, 0.72, ("red", "blue", "black", "green"), classes=("building",)),
    Kind("windmill", windmill, 0.64, ("white", "brown", "grey", "red"), classes=("building",)),
    Kind("castle", castle, 0.58, ("grey", "brown", "pink"), classes=("building",)),
    Kind("tent", tent, 0.34, ("green", "orange", "blue", "red", "yellow")),
    Kind("bridge", bridge, 0.32, ("grey", "brown", "red"), plural="bridges"),
    Kind("snowman", snowman, 0.5, plural="snowmen"),
    Kind("fountain", fountain, 0.44, ("grey",)),
]
