"""Paints the ground, walls and distance of each place."""

from random import Random

from .canvas import Canvas
from .colours import RGB, dark, jitter, light, mix, named
from .pen import Pen
from .sky import paint_sky


def _pen(canvas: Canvas) -> Pen:
    return Pen(canvas, 0, 0, canvas.height, number=-1)


def _ground(canvas: Canvas, y: float, colour: RGB, texture: str, shade: str = "up") -> None:
    p = _pen(canvas)
    p.rect(-0.1, y, 1.5, 1.1, colour, shade, texture, 0)


def _hills(canvas: Canvas, rng: Random, y: float, rise: float, colour: RGB, n: int = 6) -> None:
    points = [(-0.3, y + 0.1), (-0.3, y)]
    points += [(1.9 * k / n - 0.2, y - rng.uniform(0.1, 1.0) * rise) for k in range(n + 1)]
    _pen(canvas).blob([*points, (1.9, y), (1.9, y + 0.1)], colour, "v", "ground", 0)


def _tufts(canvas: Canvas, rng: Random, y: float, colour: RGB, n: int) -> None:
    p = _pen(canvas)
    for _ in range(n):
        v = y + (1 - y) * rng.random() ** 0.8
        x, s = rng.uniform(0, 1.34), 0.01 + 0.025 * (v - y)
        for k in (-1, 0, 1):
            p.line(
                [(x, v), (x + k * s * 0.5, v - s * 1.4)],
                0.003,
                mix(colour, (30, 60, 20), rng.random() * 0.5),
            )


def field(canvas: Canvas, rng: Random, hour: str, weather: str) -> None:
    """A meadow with hills."""
    paint_sky(canvas, rng, hour, weather, 0.5)
    green = jitter((104, 162, 66), rng, 2)
    _hills(canvas, rng, 0.52, 0.14, mix(green, (110, 150, 170), 0.5))
    _hills(canvas, rng, 0.54, 0.07, mix(green, (120, 150, 90), 0.4))
    _ground(canvas, 0.52, green, "ground")
    _tufts(canvas, rng, 0.54, green, 60)


def night(canvas: Canvas, rng: Random, hour: str, weather: str) -> None:
    """A dark meadow under the stars."""
    paint_sky(canvas, rng, "night", weather, 0.58)
    _hills(canvas, rng, 0.62, 0.12, (28, 40, 76))
    _ground(canvas, 0.6, jitter((52, 84, 74), rng, 2), "ground")
    _tufts(canvas, rng, 0.62, (60, 96, 80), 40)


def beach(canvas: Canvas, rng: Random, hour: str, weather: str) -> None:
    """Sand, a strip of sea, waves at the edge."""
    low = paint_sky(canvas, rng, hour, weather, 0.36)
    sea = mix(jitter((40, 132, 176), rng, 2), low, 0.15)
    p = _pen(canvas)
    p.rect(-0.1, 0.36, 1.5, 0.58, sea, "up", "water", 0)
    sand = jitter((228, 200, 146), rng)
    _ground(canvas, 0.56, sand, "grain", "flat")
    edge = [(1.7 * k / 8 - 0.15, 0.555 + rng.uniform(-0.012, 0.016)) for k in range(9)]
    p.blob([*edge, (1.6, 0.52), (-0.2, 0.52)], mix(sea, (255, 255, 255), 0.25), "flat", "water", 0)
    p.line(edge, 0.012, (250, 252, 252), True)
    for _ in range(14):
        x, y = rng.uniform(0, 1.33), rng.uniform(0.64, 0.98)
        p.ellipse(
            x,
            y,
            0.008,
            0.005,
            mix(sand, rng.choice([(255, 255, 255), (120, 90, 70)]), 0.5),
            "round",
            "",
            0,
        )


def sea(canvas: Canvas, rng: Random, hour: str, weather: str) -> None:
    """Open water up to the horizon."""
    low = paint_sky(canvas, rng, hour, weather, 0.42)
    water = mix(jitter((32, 108, 160), rng, 2), low, 0.12)
    p = _pen(canvas)
    p.rect(-0.1, 0.42, 1.5, 1.1, water, "v", "water", 0)
    for _ in range(46):
        y = 0.44 + 0.56 * rng.random()
        x, s = rng.uniform(-0.05, 1.35), 0.015 + 0.07 * (y - 0.42)
        curve = [
            (x - s, y),
            (x - s * 0.4, y - s * 0.14),
            (x + s * 0.4, y + s * 0.05),
            (x + s, y - s * 0.08),
        ]
        p.line(
            curve,
            0.003 + 0.006 * (y - 0.42),
            mix(water, (255, 255, 255), rng.uniform(0.2, 0.55)),
            True,
        )


def street(canvas: Canvas, rng: Random, hour: str, weather: str) -> None:
    """A road before a row of town houses."""
    paint_sky(canvas, rng, hour, weather, 0.5)
    p = _pen(canvas)
    x = -0.05
    while x < 1.36:
        w, top = rng.uniform(0.16, 0.26), rng.uniform(0.08, 0.24)
        wall = jitter(
            rng.choice([(196, 160, 132), (176, 116, 96), (206, 194, 172), (150, 160, 172)]), rng, 2
        )
        wall = mix(wall, (170, 176, 186), 0.35)
        p.rect(x, top, x + w, 0.56, wall, "h", "grain", 0)
        p.rect(x - 0.005, top - 0.02, x + w + 0.005, top, dark(wall, 0.3), "v", "", 0)
        for row in range(4):
            for k in range(3):
                wx, wy = x + w * (0.12 + 0.29 * k), top + 0.04 + row * 0.095
                if wy < 0.44:
                    glass = (
                        (255, 224, 140) if hour != "day" and rng.random() < 0.5 else (128, 156, 178)
                    )
                    p.rect(wx, wy, wx + w * 0.18, wy + 0.055, mix(glass, wall, 0.15), "v", "", 0)
        x += w
    p.rect(-0.1, 0.55, 1.5, 0.63, (178, 174, 168), "v", "stone", 0)
    p.rect(-0.1, 0.62, 1.5, 0.64, (140, 136, 132), "v", "", 0)
    wet = -0.25 if weather == "rain" else 0.0
    _ground(
        canvas, 0.64, light((92, 92, 98), wet) if wet >= 0 else dark((92, 92, 98), -wet), "grain"
    )
    for k in range(-1, 5):
        p.poly(
            [
                (k * 0.34, 0.81),
                (k * 0.34 + 0.17, 0.81),
                (k * 0.34 + 0.16, 0.83),
                (k * 0.34 - 0.01, 0.83),
            ],
            (226, 222, 206),
            "flat",
            "grain",
            0,
        )


def room(canvas: Canvas, rng: Random, hour: str, weather: str) -> None:
    """A living room: wall, window, floor, rug."""
    wall = jitter(
        rng.choice([(222, 206, 178), (186, 206, 204), (206, 190, 202), (204, 212, 184)]), rng, 2
    )
    p = _pen(canvas)
    p.rect(-0.1, -0.1, 1.5, 0.66, wall, "h", "grain", 0)
    if rng.random() < 0.5:
        for k in range(12):
            p.rect(k * 0.12, 0, k * 0.12 + 0.05, 0.6, light(wall, 0.18), "v", "", 0)
    x = rng.choice([0.12, 0.9])
    p.rect(x - 0.02, 0.08, x + 0.32, 0.42, (246, 242, 234), "v", "", 0.5)
    glass: RGB = {"day": (160, 208, 236), "sunset": (248, 186, 130), "night": (30, 38, 80)}[hour]
    p.rect(x, 0.1, x + 0.3, 0.4, glass, "v", "", 0)
    p.line([(x + 0.15, 0.1), (x + 0.15, 0.4)], 0.012, (246, 242, 234))
    p.line([(x, 0.25), (x + 0.3, 0.25)], 0.012, (246, 242, 234))
    curtain = jitter(rng.choice([(190, 120, 110), (120, 140, 170), (150, 150, 120)]), rng, 2)
    for cx in (x - 0.07, x + 0.29):
        p.rect(cx, 0.05, cx + 0.08, 0.46, curtain, "cyl", "fur", 0)
    p.rect(-0.1, 0.62, 1.5, 0.66, light(wall, 0.5), "v", "", 0)
    boards = jitter(rng.choice([(168, 120, 78), (142, 98, 66), (190, 150, 106)]), rng, 2)
    _ground(canvas, 0.66, boards, "wood")
    for k in range(1, 6):
        p.line(
            [(-0.1, 0.66 + k * k * 0.011), (1.5, 0.66 + k * k * 0.011)], 0.003, dark(boards, 0.3)
        )
    if rng.random() < 0.6:
        rug = named(rng.choice(["red", "blue", "green", "grey"]), rng)
        p.ellipse(0.67, 0.84, 0.52, 0.1, mix(rug, wall, 0.4), "v", "fur", 0)
        p.ellipse(0.67, 0.84, 0.45, 0.08, mix(rug, wall, 0.65), "v", "fur", 0)


def kitchen(canvas: Canvas, rng: Random, hour: str, weather: str) -> None:
    """A tiled wall above a wide worktop."""
    tile = jitter(rng.choice([(226, 234, 232), (206, 224, 230), (236, 226, 206)]), rng, 2)
    p = _pen(canvas)
    p.rect(-0.1, -0.1, 1.5, 0.6, tile, "h", "", 0)
    accent = named(rng.choice(["blue", "green", "orange", "red"]), rng)
    for row in range(5):
        for k in range(12):
            if rng.random() < 0.12:
                p.rect(
                    k * 0.12,
                    row * 0.12,
                    k * 0.12 + 0.12,
                    row * 0.12 + 0.12,
                    mix(tile, accent, 0.4),
                    "v",
                    "",
                    0,
                )
    for k in range(13):
        p.line([(k * 0.12, 0), (k * 0.12, 0.6)], 0.004, dark(tile, 0.18))
        p.line([(0, k * 0.12), (1.4, k * 0.12)], 0.004, dark(tile, 0.18)) if k < 5 else None
    top = jitter(rng.choice([(188, 142, 96), (150, 108, 74), (196, 190, 182)]), rng, 2)
    _ground(canvas, 0.6, top, "wood", "flat")
    p.rect(-0.1, 0.59, 1.5, 0.61, dark(top, 0.3), "v", "", 0)


def snow(canvas: Canvas, rng: Random, hour: str, weather: str) -> None:
    """Snow-covered ground with hills and small firs far away."""
    paint_sky(canvas, rng, hour, weather, 0.48)
    _hills(canvas, rng, 0.5, 0.16, (206, 218, 234))
    p = _pen(canvas)
    for _ in range(rng.randint(5, 12)):
        x, y, s = rng.uniform(0, 1.34), rng.uniform(0.46, 0.53), rng.uniform(0.04, 0.08)
        p.poly([(x, y - s), (x - s * 0.35, y), (x + s * 0.35, y)], (108, 136, 148), "h", "leaf", 0)
    _ground(canvas, 0.51, (232, 238, 248), "cloud", "up")
    for _ in range(5):
        x, y = rng.uniform(0, 1.34), rng.uniform(0.6, 0.95)
        p.ellipse(x, y, rng.uniform(0.15, 0.3), 0.016, (206, 218, 238), "v", "", 0)


def forest(canvas: Canvas, rng: Random, hour: str, weather: str) -> None:
    """A wood: trunks behind trunks, a floor of moss and leaves."""
    green = jitter((78, 124, 70), rng, 2)
    p = _pen(canvas)
    p.rect(-0.1, -0.1, 1.5, 0.62, mix(green, (206, 220, 180), 0.45), "v", "leaf", 0)
    for layer in range(3):
        fade = 0.55 - layer * 0.22
        for _ in range(7 - layer):
            x, w = rng.uniform(-0.05, 1.38), 0.018 + 0.014 * layer + rng.uniform(0, 0.012)
            bark = mix(jitter((92, 70, 52), rng, 2), (190, 206, 170), fade)
            base = 0.58 + layer * 0.025
            p.poly(
                [
                    (x - w, -0.05),
                    (x + w, -0.05),
                    (x + w * 1.1, base - 0.04),
                    (x + w * 1.7, base),
                    (x - w * 1.7, base),
                    (x - w * 1.1, base - 0.04),
                ],
                bark,
                "cyl",
                "wood",
                0,
            )
    for _ in range(16):
        x, s = rng.uniform(-0.05, 1.38), rng.uniform(0.1, 0.17)
        p.ellipse(
            x,
            rng.uniform(-0.08, 0.1),
            s * 1.3,
            s,
            dark(green, rng.uniform(0, 0.25)),
            "round",
            "leaf",
            0,
        )
    _ground(canvas, 0.6, mix(green, (112, 96, 56), 0.45), "leaf")
    for _ in range(9):
        x = rng.uniform(-0.05, 1.38)
        p.ellipse(
            x,
            0.6,
            rng.uniform(0.06, 0.13),
            rng.uniform(0.03, 0.06),
            dark(green, 0.15),
            "round",
            "leaf",
            0,
        )


def mountains(canvas: Canvas, rng: Random, hour: str, weather: str) -> None:
    """Peaks with snow above a green valley."""
    low = paint_sky(canvas, rng, hour, weather, 0.5)
    p = _pen(canvas)
    rock = jitter((112, 116, 132), rng, 2)
    x = -0.15
    while x < 1.4:
        top, w = rng.uniform(0.1, 0.28), rng.uniform(0.2, 0.3)
        tone = mix(rock, low, 0.25)
        p.poly([(x - w, 0.56), (x, top), (x + w, 0.56)], tone, "h", "stone", 0)
        k = 0.28
        cap = [
            (x - w * k, top + (0.56 - top) * k),
            (x - w * 0.12, top + (0.56 - top) * 0.2),
            (x, top + (0.56 - top) * 0.3),
        ]
        p.poly(
            [
                *cap,
                (x + w * 0.12, top + (0.56 - top) * 0.2),
                (x + w * k, top + (0.56 - top) * k),
                (x, top),
            ],
            (246, 248, 252),
            "h",
            "",
            0,
        )
        x += rng.uniform(0.22, 0.36)
    green = jitter((96, 142, 78), rng, 2)
    _hills(canvas, rng, 0.56, 0.06, mix(green, (70, 110, 110), 0.45))
    _ground(canvas, 0.55, green, "ground")
    _tufts(canvas, rng, 0.57, green, 40)


def desert(canvas: Canvas, rng: Random, hour: str, weather: str) -> None:
    """Dunes under a wide sky."""
    paint_sky(canvas, rng, hour, weather, 0.48)
    sand = jitter((222, 172, 104), rng, 2)
    _hills(canvas, rng, 0.5, 0.12, mix(sand, (214, 150, 120), 0.5), 4)
    _hills(canvas, rng, 0.53, 0.06, dark(sand, 0.1), 3)
    _ground(canvas, 0.52, sand, "ground", "flat")
    p = _pen(canvas)
    for _ in range(12):
        x, y, s = rng.uniform(0, 1.3), rng.uniform(0.58, 0.97), rng.uniform(0.06, 0.16)
        p.line([(x - s, y), (x, y - 0.008), (x + s, y)], 0.004, dark(sand, 0.14), True)


def park(canvas: Canvas, rng: Random, hour: str, weather: str) -> None:
    """A mown lawn with a path and hedges."""
    paint_sky(canvas, rng, hour, weather, 0.46)
    green = jitter((96, 170, 80), rng, 2)
    p = _pen(canvas)
    for k in range(14):
        x = k * 0.105 + rng.uniform(-0.03, 0.03)
        p.ellipse(
            x,
            0.5,
            rng.uniform(0.07, 0.1),
            rng.uniform(0.06, 0.12),
            dark(green, rng.uniform(0.2, 0.4)),
            "round",
            "leaf",
            0,
        )
    _ground(canvas, 0.52, green, "ground")
    for k in range(4):
        p.rect(
            -0.1,
            0.53 + k * k * 0.03 + k * 0.03,
            1.5,
            0.55 + k * k * 0.035 + k * 0.035,
            light(green, 0.12),
            "flat",
            "ground",
            0,
        )
    x = rng.uniform(0.3, 1.0)
    path = [
        (x, 0.52),
        (x + 0.04, 0.52),
        (x + 0.1, 0.64),
        (x + 0.02, 0.8),
        (x + 0.1, 1.1),
        (x - 0.3, 1.1),
        (x - 0.2, 0.8),
        (x - 0.02, 0.64),
    ]
    p.blob(path, (216, 200, 166), "flat", "grain", 0)


def underwater(canvas: Canvas, rng: Random, hour: str, weather: str) -> None:
    """The sea floor, with weed and bubbles."""
    blue = jitter((36, 128, 178), rng, 3)
    p = _pen(canvas)
    p.rect(-0.1, -0.1, 1.5, 1.1, blue, "v", "cloud", 0)
    for _ in range(5):
        x, w = rng.uniform(0, 1.2), rng.uniform(0.03, 0.07)
        p.poly(
            [(x, -0.02), (x + w, -0.02), (x + w * 2.6 - 0.12, 0.75), (x - 0.16, 0.75)],
            mix(blue, (190, 230, 240), 0.14),
            "v",
            "",
            0,
        )
    for _ in range(9):
        x, h = rng.uniform(-0.05, 1.38), rng.uniform(0.16, 0.42)
        weed = [
            (x, 0.92),
            (x + 0.03, 0.92 - h * 0.35),
            (x - 0.02, 0.92 - h * 0.7),
            (x + 0.02, 0.92 - h),
        ]
        p.limb(weed, 0.03, 0.012, jitter((42, 128, 84), rng, 3))
    _hills(canvas, rng, 0.93, 0.05, mix((214, 190, 140), blue, 0.25))
    _ground(canvas, 0.9, mix((220, 196, 146), blue, 0.25), "grain")
    for _ in range(16):
        x, y, s = rng.uniform(0, 1.34), rng.uniform(0.05, 0.85), rng.uniform(0.004, 0.012)
        p.ellipse(x, y, s, s, (196, 230, 242), "round", "", 0)
