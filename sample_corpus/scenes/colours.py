"""Names the colours of objects and turns a name into a jittered RGB value."""

import colorsys
from random import Random

RGB = tuple[int, int, int]

PALETTE: dict[str, list[RGB]] = {
    "red": [(204, 40, 38), (188, 28, 44), (220, 52, 46)],
    "blue": [(44, 92, 196), (36, 72, 168), (58, 118, 214)],
    "green": [(58, 148, 62), (44, 128, 72), (86, 164, 58)],
    "yellow": [(240, 204, 48), (246, 214, 72), (232, 192, 36)],
    "orange": [(238, 132, 36), (232, 116, 28), (244, 148, 54)],
    "purple": [(126, 62, 168), (108, 52, 150), (142, 80, 186)],
    "pink": [(240, 138, 176), (236, 120, 164), (246, 156, 190)],
    "brown": [(126, 80, 46), (108, 68, 40), (142, 94, 58)],
    "black": [(42, 42, 48), (36, 34, 40), (50, 50, 54)],
    "white": [(242, 240, 236), (236, 236, 240), (246, 242, 232)],
    "grey": [(138, 140, 146), (124, 128, 134), (152, 152, 154)],
}

SKIN: list[RGB] = [(250, 214, 182), (236, 188, 150), (200, 146, 108), (150, 100, 70), (106, 70, 50)]
HAIR: list[RGB] = [(40, 30, 26), (92, 58, 32), (150, 104, 56), (214, 172, 92), (170, 80, 40)]


def clamp(value: float) -> int:
    """Rounds a channel value into 0..255."""
    return max(0, min(255, round(value)))


def mix(a: RGB, b: RGB, t: float) -> RGB:
    """Blends two colours; t = 0 gives `a`, t = 1 gives `b`."""
    return (
        clamp(a[0] + (b[0] - a[0]) * t),
        clamp(a[1] + (b[1] - a[1]) * t),
        clamp(a[2] + (b[2] - a[2]) * t),
    )


def dark(c: RGB, t: float = 0.3) -> RGB:
    """Moves a colour towards a cool black."""
    return mix(c, (14, 12, 30), t)


def light(c: RGB, t: float = 0.3) -> RGB:
    """Moves a colour towards a warm white."""
    return mix(c, (255, 252, 240), t)


def jitter(c: RGB, rng: Random, amount: float = 1.0) -> RGB:
    """Shifts hue, saturation and value a little."""
    h, s, v = colorsys.rgb_to_hsv(c[0] / 255, c[1] / 255, c[2] / 255)
    h = (h + rng.uniform(-0.012, 0.012) * amount) % 1.0
    s = min(1.0, max(0.0, s * (1 + rng.uniform(-0.1, 0.1) * amount)))
    v = min(1.0, max(0.0, v * (1 + rng.uniform(-0.08, 0.06) * amount)))
    r, g, b = colorsys.hsv_to_rgb(h, s, v)
    return (clamp(r * 255), clamp(g * 255), clamp(b * 255))


def named(name: str, rng: Random) -> RGB:
    """Picks one shade of a named colour."""
    return jitter(rng.choice(PALETTE[name]), rng)
