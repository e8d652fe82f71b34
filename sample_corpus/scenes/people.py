"""Draws men, women and children."""

from dataclasses import dataclass
from random import Random

from .animals import INK
from .colours import HAIR, RGB, SKIN, dark, jitter, light, named
from .kind import Kind
from .pen import Pen


@dataclass(frozen=True)
class Build:
    """Proportions and looks of a person."""

    head: float
    shoulder: float
    hip: float
    skirt: bool = False
    long_hair: bool = False
    beard: bool = False
    bald: bool = False


def _face(p: Pen, r: Random, b: Build, skin: RGB, hair: RGB) -> None:
    h = b.head
    y = -1 + h
    p.ellipse(0, y, h * 0.8, h * 0.94, skin, "round")
    for s in (-1, 1):
        p.ellipse(s * h * 0.78, y + h * 0.05, h * 0.14, h * 0.2, skin, "round", "", 0.5)
        p.dot(s * h * 0.3, y - h * 0.02, h * 0.1, INK)
        p.line(
            [(s * h * 0.18, y - h * 0.24), (s * h * 0.42, y - h * 0.26)], h * 0.07, dark(hair, 0.2)
        )
        p.ellipse(s * h * 0.46, y + h * 0.28, h * 0.15, h * 0.1, (232, 130, 120), "flat", "", 0)
    p.line(
        [(0, y + h * 0.02), (h * 0.07, y + h * 0.2), (-h * 0.02, y + h * 0.22)],
        h * 0.06,
        dark(skin, 0.25),
    )
    if b.beard:
        jaw = [
            (-h * 0.74, y + h * 0.1),
            (-h * 0.4, y + h * 0.34),
            (h * 0.4, y + h * 0.34),
            (h * 0.74, y + h * 0.1),
        ]
        p.blob(
            [*jaw, (h * 0.55, y + h * 0.8), (0, y + h * 1.05), (-h * 0.55, y + h * 0.8)],
            hair,
            "round",
            "fur",
            0,
        )
    p.line(
        [(-h * 0.26, y + h * 0.44), (0, y + h * 0.56), (h * 0.26, y + h * 0.44)],
        h * 0.09,
        (176, 60, 66),
        True,
    )
    part = r.uniform(-0.3, 0.3) * h
    if b.bald:
        for s in (-1, 1):
            p.ellipse(s * h * 0.72, y - h * 0.08, h * 0.14, h * 0.3, hair, "round", "fur", 0)
        return
    top = [
        (-h * 0.86, y + h * 0.1),
        (-h * 0.9, y - h * 0.5),
        (-h * 0.4, y - h * 1.0),
        (h * 0.4, y - h * 1.0),
    ]
    rest = [
        (h * 0.9, y - h * 0.5),
        (h * 0.86, y + h * 0.1),
        (h * 0.66, y - h * 0.34),
        (part, y - h * 0.46),
    ]
    p.blob([*top, *rest, (-h * 0.66, y - h * 0.34)], hair, "round", "fur")


def person(p: Pen, r: Random, c: RGB, b: Build) -> None:
    """Draws a person from the front; `c` is the colour of the top or dress."""
    skin, hair = jitter(r.choice(SKIN), r), jitter(r.choice(HAIR), r)
    trousers = named(r.choice(["blue", "black", "brown", "grey"]), r)
    shoes = r.choice([(60, 44, 40), (40, 40, 48), (180, 60, 50), (230, 228, 222)])
    neck = -1 + b.head * 1.85
    hip_y = neck + (0 - neck) * 0.46
    sh, hw, hd = b.shoulder, b.hip, b.head
    if b.long_hair:
        p.blob(
            [
                (-hd * 0.9, -1 + hd * 0.6),
                (hd * 0.9, -1 + hd * 0.6),
                (hd * 1.05, neck + hd * 0.9),
                (-hd * 1.05, neck + hd * 0.9),
            ],
            dark(hair, 0.1),
            "round",
            "fur",
        )
    leg = skin if b.skirt else trousers
    step = r.uniform(0.01, 0.05)
    for s in (-1, 1):
        x = s * hw * 0.52
        p.limb(
            [(x, hip_y), (x + s * step * 0.5, hip_y * 0.5), (x + s * step, -0.03)],
            hw * 0.95,
            hw * 0.62,
            leg,
        )
        p.ellipse(x + s * (step + 0.02), -0.025, hw * 0.5, 0.03, shoes, "round")
    arms = [r.choice([0, 0, 1]), r.choice([0, 0, 0, 2])]
    if p.pose == "hold":
        arms = [0, 2]
    for s, pose in zip((-1, 1), arms, strict=True):
        drop = {0: (0.05, 0.3), 1: (0.14, 0.12), 2: (0.16, -0.14)}[pose]
        a = (s * (sh - 0.02), neck + 0.045)
        e = (s * (sh + drop[0] * 0.7), neck + 0.05 + (0.15 if pose < 2 else 0.06))
        h = (s * (sh + drop[0]), neck + 0.05 + drop[1])
        if pose == 2:
            p.marks["hand"] = p.at(*h)
        p.limb([a, e, h], 0.075, 0.055, skin)
        p.limb([a, (a[0] * 0.4 + e[0] * 0.6, a[1] * 0.4 + e[1] * 0.6)], 0.095, 0.085, dark(c, 0.12))
        p.ellipse(h[0], h[1], 0.034, 0.036, skin, "round", "", 0.6)
    p.rect(-hd * 0.3, neck - 0.06, hd * 0.3, neck + 0.03, dark(skin, 0.12), "v", "", 0)
    if b.skirt:
        flare = r.uniform(1.7, 2.2)
        hem = hip_y * r.uniform(0.42, 0.6)
        p.blob(
            [
                (-hw * 1.1, hip_y - 0.08),
                (hw * 1.1, hip_y - 0.08),
                (hw * flare, hem),
                (0, hem + 0.02),
                (-hw * flare, hem),
            ],
            c,
            "h",
            "grain",
        )
    torso = [(-sh * 0.6, neck), (sh * 0.6, neck), (sh, neck + 0.05), (hw * 1.12, hip_y + 0.02)]
    p.poly([*torso, (-hw * 1.12, hip_y + 0.02), (-sh, neck + 0.05)], c, "h", "grain")
    if not b.skirt and r.random() < 0.5:
        for k in (1, 2, 3):
            y = neck + (hip_y - neck) * k / 4
            p.line([(-hw * 1.1, y), (hw * 1.1, y)], 0.018, light(c, 0.5))
    elif b.skirt:
        p.line([(-hw * 1.1, hip_y - 0.06), (hw * 1.1, hip_y - 0.06)], 0.03, dark(c, 0.4))
    _face(p, r, b, skin, hair)


def man(p: Pen, r: Random, c: RGB) -> None:
    """A man in a shirt and trousers."""
    person(p, r, c, Build(0.085, 0.15, 0.1, beard=r.random() < 0.6, bald=r.random() < 0.25))


def woman(p: Pen, r: Random, c: RGB) -> None:
    """A woman with long hair in a dress."""
    person(p, r, c, Build(0.085, 0.115, 0.085, skirt=True, long_hair=True))


def boy(p: Pen, r: Random, c: RGB) -> None:
    """A boy: short hair, a large head."""
    person(p, r, c, Build(0.145, 0.15, 0.115))


def girl(p: Pen, r: Random, c: RGB) -> None:
    """A girl: two bunches, a dress, a large head."""
    hair = (120, 74, 40)
    for s in (-1, 1):
        p.ellipse(s * 0.17, -0.84, 0.07, 0.11, hair, "round", "fur", 0.8, s * -0.4)
        p.dot(s * 0.125, -0.9, 0.03, dark(c, 0.1))
    person(p, r, c, Build(0.145, 0.12, 0.1, skirt=True))


_TOP = ("red", "blue", "green", "yellow", "orange", "purple", "white", "black")
KINDS = [
    Kind("man", man, 0.62, _TOP, classes=("person",), plural="men", inside=True),
    Kind(
        "woman",
        woman,
        0.6,
        ("red", "blue", "green", "yellow", "pink", "purple", "white"),
        classes=("person",),
        plural="women",
        inside=True,
        words=("lady",),
    ),
    Kind("boy", boy, 0.44, _TOP, classes=("person", "child"), inside=True),
    Kind(
        "girl",
        girl,
        0.43,
        ("red", "blue", "pink", "yellow", "purple", "green"),
        classes=("person", "child"),
        inside=True,
    ),
]
