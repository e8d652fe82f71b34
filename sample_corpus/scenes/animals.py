"""Draws four-legged animals."""

from random import Random

from .canvas import Point
from .colours import RGB, dark, light, mix
from .kind import Kind
from .pen import Pen

INK: RGB = (26, 22, 26)
WHITE: RGB = (246, 244, 240)


def eye(p: Pen, x: float, y: float, r: float, iris: RGB = INK) -> None:
    """Draws an eye with a glint."""
    p.dot(x, y, r, WHITE if iris != INK else INK)
    if iris != INK:
        p.dot(x, y, r * 0.78, iris)
        p.dot(x, y, r * 0.42, INK)
    p.dot(x - r * 0.3, y - r * 0.35, r * 0.32, WHITE)


def legs(
    p: Pen, r: Random, xs: tuple[float, ...], top: float, w: tuple[float, float], c: RGB, foot: RGB
) -> None:
    """Draws standing or walking legs with feet."""
    stride = r.uniform(0.0, 0.06)
    for i, x in enumerate(xs):
        swing = stride * (1 if i % 2 else -1)
        p.limb([(x, top), (x + swing * 0.3, top * 0.5), (x + swing, -0.02)], w[0], w[1], c)
        p.rect(x + swing - w[1] * 0.62, -0.05, x + swing + w[1] * 0.75, 0, foot, "v", r=0.018)


def cat_sitting(p: Pen, r: Random, c: RGB) -> None:
    """A cat that sits and looks at us."""
    pale, inner = light(c, 0.35), (236, 160, 160)
    tail = [(0.2, -0.06), (0.38, -0.08), (0.44, -0.24), (0.36, -0.4)]
    p.limb(tail, 0.1, 0.07, dark(c, 0.12))
    body = [(-0.13, -0.62), (0.13, -0.62), (0.24, -0.3), (0.27, -0.06), (0.16, 0), (-0.16, 0)]
    p.blob([*body, (-0.27, -0.06), (-0.24, -0.3)], c, "round", "fur")
    p.ellipse(0, -0.38, 0.1, 0.17, pale, "v", "fur", 0)
    for s in (-1, 1):
        p.limb(
            [(s * 0.09, -0.36), (s * 0.08, -0.16), (s * 0.08, -0.03)], 0.11, 0.09, light(c, 0.08)
        )
        p.ellipse(s * 0.09, -0.03, 0.075, 0.04, pale, "round")
        p.poly([(s * 0.24, -0.74), (s * 0.21, -1.03), (s * 0.04, -0.88)], c, "flat", "fur")
        p.poly([(s * 0.2, -0.79), (s * 0.19, -0.96), (s * 0.09, -0.87)], inner, "flat", "", 0)
    p.ellipse(0, -0.73, 0.26, 0.2, c, "round", "fur")
    stripe = dark(c, 0.35)
    if r.random() < 0.6:
        for x in (-0.07, 0, 0.07):
            p.line([(x, -0.92), (x * 0.8, -0.83)], 0.022, stripe)
        for y in (-0.3, -0.2, -0.42):
            p.line([(0.23, y), (0.14, y + 0.03)], 0.024, stripe)
            p.line([(-0.23, y), (-0.14, y + 0.03)], 0.024, stripe)
    cat_face(p, r, pale)


def cat_face(p: Pen, r: Random, pale: RGB) -> None:
    """Eyes, muzzle, nose and whiskers about (0, -0.73)."""
    iris = r.choice([(120, 178, 70), (226, 180, 50), (84, 150, 200)])
    for s in (-1, 1):
        p.ellipse(s * 0.1, -0.76, 0.055, 0.06, iris, "round", "", 0.6)
        p.ellipse(s * 0.1, -0.76, 0.018, 0.05, INK, "flat", "", 0)
        p.dot(s * 0.1 - 0.02, -0.785, 0.014, WHITE)
        p.ellipse(s * 0.05, -0.645, 0.065, 0.05, pale, "round", "", 0)
    p.poly([(-0.032, -0.69), (0.032, -0.69), (0, -0.655)], (214, 110, 120), "flat", "", 0.4)
    p.line([(0, -0.655), (-0.03, -0.62)], 0.01, INK)
    p.line([(0, -0.655), (0.03, -0.62)], 0.01, INK)
    for s in (-1, 1):
        for k in (-1, 0, 1):
            p.line([(s * 0.09, -0.65 + k * 0.015), (s * 0.33, -0.66 + k * 0.05)], 0.008, WHITE)


def cat_walking(p: Pen, r: Random, c: RGB) -> None:
    """A cat seen from the side, tail up."""
    pale = light(c, 0.35)
    lift = r.uniform(-0.08, 0.12)
    tail = [(-0.5, -0.5), (-0.68, -0.62), (-0.7, -0.85 - lift), (-0.58, -1.0 - lift)]
    p.limb(tail, 0.1, 0.07, dark(c, 0.1))
    legs(p, r, (-0.4, 0.24), -0.4, (0.15, 0.08), dark(c, 0.25), dark(pale, 0.2))
    body = [(-0.55, -0.5), (-0.3, -0.64), (0.1, -0.6), (0.36, -0.66), (0.4, -0.4), (0.1, -0.32)]
    p.blob([*body, (-0.35, -0.3), (-0.53, -0.36)], c, "round", "fur")
    legs(p, r, (-0.47, 0.3), -0.42, (0.16, 0.085), c, pale)
    if r.random() < 0.6:
        for x in (-0.35, -0.22, -0.09, 0.04):
            p.line([(x, -0.6), (x + 0.03, -0.46)], 0.03, dark(c, 0.35))
    head = p.part(0.46, -0.22, 0.82)
    for s in (-1, 1):
        head.poly([(s * 0.24, -0.74), (s * 0.21, -1.03), (s * 0.04, -0.88)], c, "flat", "fur")
        ear = [(s * 0.2, -0.79), (s * 0.19, -0.96), (s * 0.09, -0.87)]
        head.poly(ear, (236, 160, 160), "flat", "", 0)
    head.ellipse(0, -0.73, 0.26, 0.2, c, "round", "fur")
    cat_face(head, r, pale)


def cat(p: Pen, r: Random, c: RGB) -> None:
    """A cat in one of two poses."""
    (cat_sitting if r.random() < 0.6 else cat_walking)(p, r, c)


def dog_head(p: Pen, r: Random, c: RGB) -> None:
    """A dog's head looking right, about (0, 0)."""
    ear, snout = dark(c, 0.38), light(c, 0.2)
    p.ellipse(0, 0, 0.21, 0.19, c, "round", "fur")
    p.blob([(0.08, -0.02), (0.3, -0.02), (0.36, 0.07), (0.26, 0.15), (0.04, 0.15)], snout, "round")
    p.ellipse(0.345, 0.02, 0.045, 0.038, INK, "round", "", 0)
    if r.random() < 0.6:
        p.ellipse(0.22, 0.19, 0.04, 0.075, (226, 96, 110), "v", "", 0.5)
    p.line([(0.1, 0.13), (0.2, 0.13), (0.31, 0.1)], 0.014, INK, True)
    eye(p, 0.1, -0.05, 0.036)
    p.blob(
        [(-0.1, -0.16), (0.0, -0.12), (-0.0, 0.08), (-0.08, 0.24), (-0.19, 0.12)],
        ear,
        "round",
        "fur",
    )


def dog_standing(p: Pen, r: Random, c: RGB) -> None:
    """A dog seen from the side."""
    wag = r.uniform(-0.12, 0.1)
    p.limb([(-0.5, -0.62), (-0.64, -0.74), (-0.72, -0.92 + wag)], 0.1, 0.05, c)
    legs(p, r, (-0.36, 0.26), -0.42, (0.15, 0.09), dark(c, 0.3), dark(c, 0.2))
    body = [(-0.54, -0.58), (-0.3, -0.7), (0.15, -0.68), (0.42, -0.74), (0.44, -0.45), (0.2, -0.34)]
    p.blob([*body, (-0.2, -0.38), (-0.5, -0.4)], c, "round", "fur")
    legs(p, r, (-0.44, 0.34), -0.46, (0.18, 0.1), c, light(c, 0.25))
    if r.random() < 0.4:
        p.ellipse(-0.15, -0.57, 0.16, 0.1, dark(c, 0.4), "round", "fur", 0)
    p.limb([(0.34, -0.6), (0.44, -0.78)], 0.28, 0.24, c)
    collar = r.choice([(200, 40, 40), (40, 90, 190), (240, 190, 40)])
    p.line([(0.3, -0.78), (0.52, -0.66)], 0.05, collar)
    dog_head(p.part(0.52, -0.9), r, c)


def dog_sitting(p: Pen, r: Random, c: RGB) -> None:
    """A dog that sits, seen from the side."""
    p.limb([(-0.26, -0.08), (-0.46, -0.1), (-0.56, -0.24)], 0.1, 0.05, c)
    body = [(0.06, -0.68), (0.24, -0.6), (0.24, -0.3), (0.1, -0.02), (-0.28, 0), (-0.34, -0.22)]
    p.blob([*body, (-0.16, -0.5)], c, "round", "fur")
    p.ellipse(-0.16, -0.15, 0.17, 0.15, light(c, 0.06), "round", "fur", 0.6)
    for x in (0.12, 0.21):
        p.limb([(x, -0.45), (x + 0.02, -0.2), (x + 0.02, -0.03)], 0.12, 0.085, light(c, 0.1))
        p.ellipse(x + 0.05, -0.03, 0.08, 0.035, light(c, 0.25), "round")
    p.ellipse(-0.06, -0.03, 0.1, 0.035, light(c, 0.25), "round")
    p.line([(0.0, -0.68), (0.24, -0.6)], 0.05, r.choice([(200, 40, 40), (40, 90, 190)]))
    dog_head(p.part(0.16, -0.82), r, c)


def dog(p: Pen, r: Random, c: RGB) -> None:
    """A dog in one of two poses."""
    (dog_sitting if r.random() < 0.4 else dog_standing)(p, r, c)


def horse(p: Pen, r: Random, c: RGB) -> None:
    """A horse with mane and tail, seen from the side."""
    hair = dark(c, 0.6) if sum(c) > 240 else (90, 66, 44)
    if sum(c) > 600:
        hair = (196, 188, 176)
    far, hoof = dark(c, 0.28), (60, 50, 46)
    tail = [(-0.38, -0.62), (-0.5, -0.55), (-0.54, -0.35), (-0.5, -0.2), (-0.45, -0.36)]
    p.blob([*tail, (-0.42, -0.52)], hair, "round", "fur")
    legs(p, r, (-0.27, 0.24), -0.42, (0.11, 0.05), far, hoof)
    neck = [(0.16, -0.62), (0.3, -0.84), (0.4, -0.97), (0.5, -0.92), (0.46, -0.74), (0.36, -0.46)]
    p.blob(neck, c, "h", "fur")
    body = [(-0.4, -0.58), (-0.28, -0.68), (0, -0.64), (0.26, -0.68), (0.38, -0.52), (0.26, -0.38)]
    p.blob([*body, (0, -0.36), (-0.28, -0.4)], c, "round", "fur")
    legs(p, r, (-0.32, 0.3), -0.46, (0.13, 0.055), c, hoof)
    for x in (0.38, 0.44):
        p.poly([(x - 0.03, -0.96), (x + 0.02, -1.06), (x + 0.05, -0.94)], c, "flat")
    head = [
        (0.36, -0.97),
        (0.48, -0.98),
        (0.62, -0.82),
        (0.68, -0.74),
        (0.64, -0.67),
        (0.54, -0.71),
    ]
    p.blob([*head, (0.4, -0.84)], light(c, 0.05), "round", "fur")
    p.ellipse(0.645, -0.725, 0.04, 0.045, dark(c, 0.3), "round", "", 0)
    p.dot(0.65, -0.74, 0.012, INK)
    eye(p, 0.49, -0.885, 0.022)
    mane = [(0.42, -1.04), (0.34, -1.0), (0.2, -0.84), (0.1, -0.66), (0.2, -0.64), (0.3, -0.78)]
    p.blob([*mane, (0.37, -0.9)], hair, "round", "fur", 0.6)


def cow(p: Pen, r: Random, c: RGB) -> None:
    """A cow with patches, horns and udder."""
    spot = INK if sum(c) > 500 else WHITE
    p.line([(-0.6, -0.7), (-0.68, -0.5), (-0.66, -0.3)], 0.035, dark(c, 0.3), True)
    p.ellipse(-0.66, -0.27, 0.035, 0.06, INK, "round", "", 0)
    legs(p, r, (-0.42, 0.28), -0.4, (0.14, 0.09), dark(c, 0.28), (50, 44, 44))
    p.ellipse(-0.26, -0.34, 0.12, 0.09, (240, 170, 170), "round")
    body = [(-0.62, -0.68), (-0.5, -0.8), (0, -0.76), (0.4, -0.8), (0.5, -0.6), (0.42, -0.4)]
    p.blob([*body, (0, -0.34), (-0.5, -0.38), (-0.62, -0.5)], c, "round", "fur")
    for _ in range(r.randint(3, 4)):
        x, y = r.uniform(-0.46, 0.28), r.uniform(-0.66, -0.5)
        s = r.uniform(0.07, 0.13)
        ring: list[Point] = [
            (-1.2, 0),
            (-0.4, -0.8),
            (0.6, -0.7),
            (1.1, 0.1),
            (0.4, 0.8),
            (-0.6, 0.7),
        ]
        p.blob([(x + u * s, y + v * s * 0.9) for u, v in ring], spot, "round", "fur", 0)
    legs(p, r, (-0.5, 0.36), -0.42, (0.16, 0.1), c, (60, 52, 50))
    for s in (-1, 1):
        horn = [(0.6 + s * 0.1, -0.94), (0.6 + s * 0.2, -0.98), (0.6 + s * 0.21, -1.08)]
        p.limb(horn, 0.06, 0.02, (232, 222, 196))
        p.ellipse(0.6 + s * 0.2, -0.86, 0.11, 0.05, dark(c, 0.2), "round", "", 0.8, s * 0.3)
    head = [(0.46, -0.94), (0.74, -0.94), (0.75, -0.78), (0.7, -0.6), (0.5, -0.6), (0.45, -0.78)]
    p.blob(head, c, "round", "fur")
    if r.random() < 0.6:
        p.ellipse(0.67, -0.84, 0.06, 0.08, spot, "round", "", 0)
    p.ellipse(0.6, -0.61, 0.14, 0.085, (240, 184, 176), "round")
    for s in (-1, 1):
        p.dot(0.6 + s * 0.055, -0.61, 0.018, (150, 80, 84))
        eye(p, 0.6 + s * 0.075, -0.81, 0.028)


def sheep(p: Pen, r: Random, c: RGB) -> None:
    """A woolly sheep with a dark or pale face."""
    face = r.choice([(58, 50, 52), (214, 184, 160), (80, 66, 60)])
    legs(p, r, (-0.3, 0.2), -0.35, (0.1, 0.08), dark(face, 0.2), INK)
    legs(p, r, (-0.38, 0.28), -0.35, (0.11, 0.085), face, INK)
    p.ellipse(0, -0.57, 0.47, 0.3, c, "round", "grain")
    spots = [
        (-0.42, -0.5),
        (-0.36, -0.68),
        (-0.18, -0.8),
        (0.04, -0.82),
        (0.26, -0.76),
        (0.4, -0.6),
    ]
    for x, y in [*spots, (0.36, -0.42), (0.16, -0.33), (-0.08, -0.3), (-0.3, -0.36)]:
        s = r.uniform(0.13, 0.17)
        p.ellipse(x, y, s, s * 0.9, c, "round", "grain", 0.5)
    for _ in range(9):
        x, y = r.uniform(-0.28, 0.24), r.uniform(-0.7, -0.42)
        p.ellipse(x, y, 0.13, 0.11, light(c, 0.1), "round", "grain", 0)
    p.ellipse(0.33, -0.72, 0.1, 0.045, face, "round", "", 0.6, 0.5)
    p.ellipse(0.5, -0.66, 0.13, 0.2, face, "round", "", 0.8, -0.35)
    p.ellipse(0.64, -0.78, 0.1, 0.04, face, "round", "", 0.6, -0.3)
    p.ellipse(0.44, -0.85, 0.13, 0.09, c, "round", "grain", 0.5)
    eye(p, 0.5, -0.7, 0.034, (120, 90, 40))
    p.dot(0.585, -0.54, 0.014, dark(face, 0.6))


def pig(p: Pen, r: Random, c: RGB) -> None:
    """A pig with a snout and a curly tail."""
    curl = [
        (-0.56, -0.5),
        (-0.66, -0.58),
        (-0.7, -0.48),
        (-0.62, -0.46),
        (-0.66, -0.6),
        (-0.76, -0.62),
    ]
    p.line(curl, 0.035, dark(c, 0.15), True)
    legs(p, r, (-0.3, 0.22), -0.3, (0.16, 0.12), dark(c, 0.25), (110, 80, 80))
    p.ellipse(-0.06, -0.5, 0.54, 0.34, c, "round", "grain")
    legs(p, r, (-0.42, 0.34), -0.3, (0.19, 0.13), c, (120, 84, 84))
    for s in (-1, 1):
        x = 0.5 + s * 0.17
        p.poly([(x - 0.09, -0.8), (x + s * 0.09, -1.0), (x + 0.09, -0.76)], dark(c, 0.1), "flat")
    p.ellipse(0.5, -0.6, 0.27, 0.25, c, "round", "grain")
    p.ellipse(0.54, -0.53, 0.13, 0.1, dark(c, 0.12), "round")
    for s in (-1, 1):
        p.ellipse(0.54 + s * 0.045, -0.53, 0.02, 0.035, dark(c, 0.5), "flat", "", 0)
        eye(p, 0.5 + s * 0.12, -0.69, 0.032)


def elephant(p: Pen, r: Random, c: RGB) -> None:
    """An elephant with trunk, tusk and a big ear."""
    p.line([(-0.6, -0.6), (-0.67, -0.4), (-0.65, -0.28)], 0.035, dark(c, 0.2), True)
    for x in (-0.36, 0.2):
        p.rect(x - 0.1, -0.45, x + 0.1, 0, dark(c, 0.28), "h", "grain", r=0.03)
    body = [(-0.6, -0.5), (-0.5, -0.84), (-0.1, -0.98), (0.3, -0.9), (0.46, -0.6), (0.3, -0.3)]
    p.blob([*body, (-0.1, -0.24), (-0.5, -0.28)], c, "round", "grain")
    for x in (-0.46, 0.3):
        p.rect(x - 0.11, -0.45, x + 0.11, 0, c, "cyl", "grain", r=0.03)
        for k in (-0.06, 0, 0.06):
            p.ellipse(x + k, -0.025, 0.026, 0.022, light(c, 0.5), "flat", "", 0)
    up = r.random() < 0.35
    low = [(0.72, -0.62), (0.84, -0.4), (0.82, -0.16), (0.92, -0.08)]
    high = [(0.72, -0.6), (0.92, -0.5), (1.02, -0.7), (0.96, -0.96)]
    p.limb(high if up else low, 0.22, 0.09, c)
    p.ellipse(0.56, -0.76, 0.25, 0.24, c, "round", "grain", 0.8)
    p.limb([(0.68, -0.56), (0.78, -0.46), (0.9, -0.46)], 0.06, 0.02, (246, 240, 220))
    ear = [(0.44, -0.92), (0.24, -0.98), (0.14, -0.74), (0.22, -0.5), (0.4, -0.5), (0.48, -0.7)]
    p.blob(ear, dark(c, 0.12), "round", "grain")
    p.blob(
        [(x * 0.75 + 0.09, y * 0.75 - 0.18) for x, y in ear],
        mix(c, (220, 150, 150), 0.3),
        "round",
        "",
        0,
    )
    eye(p, 0.62, -0.8, 0.026)


_FUR = ("black", "white", "grey", "orange", "brown")
KINDS = [
    Kind("cat", cat, 0.34, _FUR, classes=("animal", "pet"), inside=True, words=("kitty",)),
    Kind(
        "dog",
        dog,
        0.36,
        ("black", "white", "brown", "grey", "yellow"),
        classes=("animal", "pet"),
        inside=True,
        words=("puppy",),
    ),
    Kind("horse", horse, 0.52, ("brown", "white", "black", "grey"), classes=("animal",)),
    Kind("cow", cow, 0.4, ("white", "brown", "black"), classes=("animal",)),
    Kind("sheep", sheep, 0.33, ("white", "black", "brown"), classes=("animal",), plural="sheep"),
    Kind("pig", pig, 0.32, ("pink", "brown"), classes=("animal",)),
    Kind("elephant", elephant, 0.52, ("grey", "grey", "blue", "pink"), classes=("animal",)),
]
