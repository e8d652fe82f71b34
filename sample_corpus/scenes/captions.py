"""Writes true sentences about a scene, short ones in many shapes and one long paragraph."""

from random import Random

from . import words as w
from .scene import Relation, Scene

_SAY: dict[str, tuple[str, ...]] = {
    "left of": ("to the left of", "left of", "on the left side of", "next to", "beside", "near"),
    "right of": ("to the right of", "right of", "on the right side of", "next to", "beside"),
    "on": ("on", "on top of", "on"),
    "under": ("under", "beneath", "under", "below"),
    "above": ("above", "over", "high above"),
    "in front of": ("in front of", "in front of", "just in front of"),
    "behind": ("behind", "in the background behind"),
}
_INVERSE = {"left of": "right of", "in front of": "behind"}


def captions(rng: Random, scene: Scene, count: int) -> list[str]:
    """Writes `count` different sentences."""
    shapes = [_plain, _there_is, _place_first, _noun_phrase, _all_listed, _with, _plain, _title]
    rng.shuffle(shapes)
    found: list[str] = []
    for k in range(60):
        text = w.sentence(shapes[k % len(shapes)](rng, scene))
        if text not in found:
            found.append(text)
        if len(found) == count:
            break
    return found


def main_relation(rng: Random, scene: Scene) -> Relation:
    """Picks a relation, sometimes seen from the other side."""
    relation = rng.choice(scene.relations)
    if relation.name in _INVERSE and rng.random() < 0.5:
        return Relation(relation.b, _INVERSE[relation.name], relation.a)
    return relation


def _pair(rng: Random, scene: Scene, verb: bool) -> str:
    """Says one relation: "a red car (is parked) in front of a house"."""
    relation = main_relation(rng, scene)
    a, b = scene.groups[relation.a], scene.groups[relation.b]
    first, second = w.phrase(rng, a), w.phrase(rng, b, rng.random() < 0.8)
    if relation.name == "holding":
        if verb:
            have = rng.choice(["holds", "is holding", "carries", "is holding up"])
            return f"{first} {have} {second}"
        return f"{first} {rng.choice(['holding', 'with', 'carrying'])} {second}"
    link = rng.choice(_SAY[relation.name])
    return f"{first} {w.verb(rng, scene, a) if verb else ''} {link} {second}"


def _rest(rng: Random, scene: Scene) -> str:
    """Names one group that no relation mentions; may be empty."""
    named = {r.a for r in scene.relations} | {r.b for r in scene.relations}
    others = [g for k, g in enumerate(scene.groups) if k not in named]
    return w.phrase(rng, rng.choice(others)) if others else ""


def _plain(rng: Random, scene: Scene) -> str:
    time = w.when(rng, scene) if rng.random() < 0.6 else ""
    return f"{_pair(rng, scene, True)} {w.where(rng, scene)} {time}"


def _there_is(rng: Random, scene: Scene) -> str:
    relation = main_relation(rng, scene)
    be = w.be(scene.groups[relation.a])
    a, b = scene.groups[relation.a], scene.groups[relation.b]
    link = {"holding": "with"}.get(relation.name) or rng.choice(_SAY[relation.name])
    place = w.where(rng, scene) if rng.random() < 0.7 else w.when(rng, scene)
    return f"there {be} {w.phrase(rng, a)} {link} {w.phrase(rng, b)} {place}"


def _place_first(rng: Random, scene: Scene) -> str:
    return f"{w.where(rng, scene)}, {_pair(rng, scene, True)} {w.when(rng, scene)}"


def _noun_phrase(rng: Random, scene: Scene) -> str:
    return f"{_pair(rng, scene, False)} {w.where(rng, scene)} {w.when(rng, scene)}"


def _all_listed(rng: Random, scene: Scene) -> str:
    groups = scene.groups[:]
    rng.shuffle(groups)
    parts = w.join([w.phrase(rng, g, rng.random() < 0.85) for g in groups])
    start = rng.choice(["", "", "", "a picture of ", "a view of ", "an illustration of "])
    time = w.when(rng, scene) if rng.random() < 0.4 else ""
    return f"{start}{parts} {w.where(rng, scene)} {time}"


def _with(rng: Random, scene: Scene) -> str:
    extra = _rest(rng, scene)
    text = _pair(rng, scene, rng.random() < 0.5)
    if extra:
        text += rng.choice([", with ", "; there is also ", ", and also "]) + extra
    return f"{text} {w.where(rng, scene)}" if not extra else f"{w.where(rng, scene)}, {text}"


def _title(rng: Random, scene: Scene) -> str:
    groups = scene.groups[:3]
    nouns = [w.phrase(rng, g, True) for g in groups]
    time = w.when(rng, scene)
    return f"{w.join(nouns)} {time} {w.where(rng, scene)}"


def long_caption(rng: Random, scene: Scene) -> str:
    """Writes a paragraph of more than 100 words."""
    names = [w.phrase(rng, g, True, False) for g in scene.groups]
    total = sum(g.count for g in scene.groups)
    parts = [f"this illustration shows {w.join(names)} {w.where(rng, scene)}"]
    if time := w.when(rng, scene):
        parts.append(f"the scene takes place {time}")
    for relation in scene.relations:
        parts.append(_both_ways(rng, scene, relation))
    for k, _ in enumerate(scene.groups):
        parts.append(_position(rng, scene, k))
    parts.append(_extremes(rng, scene))
    parts.append(_colours(scene))
    parts.append(
        f"altogether {total} objects of {len(scene.groups)} kinds are clearly visible here"
    )
    parts += _facing(rng, scene)
    parts.append(
        "the whole picture is drawn with soft shading, gentle highlights and a light grain, "
        "and the objects keep their distance from its edges"
        if _clear_of_edges(scene)
        else "the whole picture is drawn with soft shading, gentle highlights and a light grain"
    )
    parts.append(
        f"whoever looks for {w.join(names)} {scene.background.phrases[0]} "
        "will find all of that in it"
    )
    text = " ".join(w.sentence(part) for part in parts if part)
    k = 0
    fillers = (
        "There is no frame around the picture, and no date is printed in its corner.",
        "Light falls from one side, which makes the round parts look solid and close.",
        "Darker tones at the lower edges of the things give them weight and depth.",
    )
    while len(text.split()) <= 104:
        text += " " + fillers[k]
        k += 1
    return text


def _clear_of_edges(scene: Scene) -> bool:
    boxes = [g.box() for g in scene.groups]
    return all(
        b[0] > 0.03 and b[1] > 0.03 and b[2] < scene.width - 0.03 and b[3] < 0.97 for b in boxes
    )


def _both_ways(rng: Random, scene: Scene, relation: Relation) -> str:
    a, b = scene.groups[relation.a], scene.groups[relation.b]
    one, two = w.the(rng, a), w.the(rng, b)
    be_a, be_b = w.be(a), w.be(b)
    return {
        "left of": f"{one} {be_a} to the left of {two}, so {two} {be_b} on the right of {one}",
        "in front of": f"{one} {be_a} in front of {two}, and {two} {be_b} behind {one}",
        "on": f"{one} {be_a} on top of {two}, and {two} carries {'it' if a.count == 1 else 'them'}",
        "under": f"{one} {be_a} under {two}, which rises above {'it' if a.count == 1 else 'them'}",
        "above": f"{one} {be_a} above {two}, and {two} {be_b} below {one}",
        "holding": f"{one} holds {two} in one hand and looks towards us",
    }[relation.name]


def _position(rng: Random, scene: Scene, index: int) -> str:
    group = scene.groups[index]
    b = group.box()
    x, y = (b[0] + b[2]) / 2 / scene.width, (b[1] + b[3]) / 2
    side = "left part" if x < 0.37 else ("right part" if x > 0.63 else "middle")
    level = "upper half" if y < 0.5 else "lower half"
    name = f"{w.phrase(rng, group, True, False)} {w.be(group)}"
    return f"{name} in the {side} of the picture, in its {level}"


def _extremes(rng: Random, scene: Scene) -> str:
    def tall(k: int) -> float:
        b = scene.groups[k].items[0].box()
        return b[3] - b[1]

    order = sorted(range(len(scene.groups)), key=tall)
    low, high = scene.groups[order[0]], scene.groups[order[-1]]
    if tall(order[0]) > 0.8 * tall(order[-1]):
        return ""
    return f"{w.the(rng, high)} {w.be(high)} drawn taller than {w.the(rng, low)}"


def _colours(scene: Scene) -> str:
    parts = [
        f"{g.colour} for the {'clothes of the ' if w.wears(g) else ''}{w.noun(Random(0), g, False)}"
        for g in scene.groups
        if g.colour
    ]
    return f"the main colours are {w.join(parts)}" if parts else ""


def _facing(rng: Random, scene: Scene) -> list[str]:
    found: list[str] = []
    for group in scene.groups:
        if group.count == 1 and group.kind in w.FACING:
            side = "left" if group.items[0].flip else "right"
            found.append(f"{w.the(rng, group)} points towards the {side} edge of the picture")
    return found
