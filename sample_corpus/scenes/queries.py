"""Makes queries of several sorts and finds the scenes that satisfy them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from random import Random

from .kinds import KINDS
from .scene import Group, Scene
from .words import NUMBERS, article, wears

Test = Callable[[Scene], bool]
_CLASS_WORDS = {
    "animal": "animals",
    "vehicle": "vehicles",
    "person": "people",
    "food": "food",
    "fruit": "fruit",
    "furniture": "furniture",
    "building": "buildings",
    "plant": "plants",
    "child": "children",
    "bird": "birds",
    "toy": "toys",
    "instrument": "musical instruments",
    "tree": "trees",
    "pet": "pets",
}
_WEATHER = {"rain": "rain", "snowfall": "falling snow", "cloudy": "grey clouds"}
_LINKS = {
    "left of": "left of",
    "in front of": "in front of",
    "on": "on",
    "under": "under",
    "above": "above",
    "holding": "with",
}
# Words whose things may also be part of a backdrop, so that facts cannot settle them.
_VAGUE = {"star", "sun", "rainbow"}


@dataclass
class Query:
    """A query with its number and the test of a scene."""

    number: str
    text: str
    test: Test


def matches(group: Group, word: str) -> bool:
    """Tells whether a word names a group: its kind or a wider class."""
    return word == group.kind or word in KINDS[group.kind].classes


def shows(scene: Scene, word: str) -> bool:
    """Tells whether a scene shows a thing, among its objects or in its backdrop."""
    return word in scene.background.contains or any(matches(g, word) for g in scene.groups)


def shows_coloured(scene: Scene, colour: str, word: str) -> bool:
    """Tells whether a scene shows a thing in a colour."""
    return any(matches(g, word) and g.colour == colour for g in scene.groups)


def related(scene: Scene, a: str, name: str, b: str) -> bool:
    """Tells whether a relation holds, as stated or as the boxes show."""
    for k, one in enumerate(scene.groups):
        for j, two in enumerate(scene.groups):
            if k == j or not matches(one, a) or not matches(two, b):
                continue
            if any((r.a, r.name, r.b) == (k, name, j) for r in scene.relations):
                return True
            if name == "left of" and one.box()[2] <= two.box()[0]:
                return True
    return False


def at_sunset(scene: Scene, place: str) -> bool:
    """Tells whether a scene shows a place at sunset."""
    return scene.hour == "sunset" and scene.background.name == place


def in_weather(scene: Scene, weather: str, place: str) -> bool:
    """Tells whether a scene shows a place in some weather."""
    return scene.weather == weather and scene.background.name == place


def counted(scene: Scene, kind: str, count: int) -> bool:
    """Tells whether a scene shows exactly so many things of a kind together."""
    return any(g.kind == kind and g.count == count for g in scene.groups)


def make_queries(rng: Random, scenes: list[Scene]) -> list[Query]:
    """Makes queries from what the scenes hold, so that each has an answer."""
    found: dict[str, Test] = {}
    for texts, limit in (
        (_kinds(), 28),
        (_coloured(scenes), 24),
        (_in_places(scenes), 22),
        (_relations(scenes), 24),
        (_classes(scenes), 24),
        (_hours(scenes), 10),
        (_counts(scenes), 8),
    ):
        pairs = sorted(texts, key=lambda pair: pair[0])
        rng.shuffle(pairs)
        kept = 0
        for text, test in pairs:
            hits = sum(test(scene) for scene in scenes)
            if kept < limit and text not in found and 0 < hits <= len(scenes) // 3:
                found[text] = test
                kept += 1
    return [Query(f"q{k + 1:03d}", text, test) for k, (text, test) in enumerate(found.items())]


def judge(query: Query, scenes: list[Scene]) -> list[int]:
    """Lists the scenes that satisfy a query."""
    return [k for k, scene in enumerate(scenes) if query.test(scene)]


def _kinds() -> list[tuple[str, Test]]:
    names = [name for name in KINDS if name not in _VAGUE]
    return [(name, partial(shows, word=name)) for name in names]


def _coloured(scenes: list[Scene]) -> Iterable[tuple[str, Test]]:
    pairs = {(g.colour, g.kind) for s in scenes for g in s.groups if g.colour}
    found: list[tuple[str, Test]] = []
    for colour, kind in sorted(pairs):
        if "person" in KINDS[kind].classes:
            dress = "dress" if kind in ("woman", "girl") else "shirt"
            text = f"{kind} in {article(f'{colour} {dress}')}"
        else:
            text = f"{colour} {kind}"
        if kind not in _VAGUE:
            found.append((text, partial(shows_coloured, colour=colour, word=kind)))
    return found


def _in_places(scenes: list[Scene]) -> Iterable[tuple[str, Test]]:
    found: dict[str, Test] = {}
    for scene in scenes:
        place = scene.background
        for group in scene.groups:
            if group.kind in _VAGUE or place.name == "night":
                continue
            text = f"{article(group.kind)} {place.query}"

            def test(s: Scene, n: str = group.kind, p: str = place.name) -> bool:
                return s.background.name == p and shows(s, n)

            found[text] = test
    return found.items()


def _relations(scenes: list[Scene]) -> Iterable[tuple[str, Test]]:
    found: dict[str, Test] = {}
    for scene in scenes:
        for r in scene.relations:
            a, b = scene.groups[r.a], scene.groups[r.b]
            if a.count + b.count > 2 or {a.kind, b.kind} & _VAGUE:
                continue
            first = article(a.kind if wears(a) or not a.colour else f"{a.colour} {a.kind}")

            def test(s: Scene, x: Group = a, n: str = r.name, y: Group = b) -> bool:
                fits = wears(x) or shows_coloured(s, x.colour, x.kind)
                return fits and related(s, x.kind, n, y.kind)

            found[f"{first} {_LINKS[r.name]} {article(b.kind)}"] = test
    return found.items()


def _classes(scenes: list[Scene]) -> Iterable[tuple[str, Test]]:
    found: dict[str, Test] = {}
    for name, word in _CLASS_WORDS.items():
        for scene in scenes:
            place = scene.background

            def test(s: Scene, n: str = name, p: str = place.name) -> bool:
                return s.background.name == p and shows(s, n)

            if name not in place.contains:
                found[f"{word} {place.query}"] = test
        if name in ("fruit", "child", "furniture", "instrument", "toy"):
            found[word] = partial(shows, word=name)
    return found.items()


def _hours(scenes: list[Scene]) -> Iterable[tuple[str, Test]]:
    found: dict[str, Test] = {}
    for scene in scenes:
        place = scene.background
        if place.inside or place.name in ("underwater", "night", "forest"):
            continue
        if scene.hour == "sunset":
            found[f"sunset {place.query}"] = partial(at_sunset, place=place.name)
        if scene.weather in _WEATHER and scene.weather != "cloudy":
            found[f"{_WEATHER[scene.weather]} {place.query}"] = partial(
                in_weather, weather=scene.weather, place=place.name
            )
    return found.items()


def _counts(scenes: list[Scene]) -> Iterable[tuple[str, Test]]:
    found: dict[str, Test] = {}
    for scene in scenes:
        for group in scene.groups:
            if group.count > 1 and group.kind not in _VAGUE:
                text = f"{NUMBERS[group.count]} {KINDS[group.kind].many}"
                found[text] = partial(counted, kind=group.kind, count=group.count)
    return found.items()
