"""Turns single facts of a scene into English phrases: objects, verbs, place, hour, weather."""

from random import Random

from .kinds import KINDS
from .scene import Group, Scene

NUMBERS = {1: "a", 2: "two", 3: "three", 4: "four"}
FACING = {"horse", "cow", "elephant", "car", "bus", "truck", "train", "bicycle", "aeroplane",
          "helicopter", "duck", "bird", "fish", "turtle", "giraffe", "rabbit", "pig"}  # fmt: skip
SWIMMERS = {"fish", "turtle"}


def article(words: str) -> str:
    """Puts "a" or "an" before the words."""
    return ("an " if words[0] in "aeio" or words.startswith("umb") else "a ") + words


def noun(rng: Random, group: Group, synonyms: bool = True) -> str:
    """Names the kind of a group, in the plural if there are several."""
    kind = KINDS[group.kind]
    if synonyms and kind.words and rng.random() < 0.25:
        word = rng.choice(kind.words)
        return word if group.count == 1 else _plural(word)
    return kind.name if group.count == 1 else kind.many


def _plural(word: str) -> str:
    if word.endswith("y"):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch")) else "s")


def wears(group: Group) -> bool:
    """Tells whether the colour is that of the clothes."""
    return "person" in KINDS[group.kind].classes


def phrase(rng: Random, group: Group, colour: bool = True, synonyms: bool = True) -> str:
    """Describes a group: "two red cars", "a woman in a blue dress"."""
    name = noun(rng, group, synonyms)
    after = ""
    if colour and group.colour:
        if wears(group):
            dress = "dress" if group.kind in ("woman", "girl") else "shirt"
            after = f" in {article(f'{group.colour} {dress}')}"
            if group.count > 1:
                after = f" in {group.colour} {'dresses' if dress == 'dress' else 'shirts'}"
            elif rng.random() < 0.3:
                after = f" in {group.colour}"
        else:
            name = f"{group.colour} {name}"
    if group.count == 1:
        unique = {"sun": "the sun", "moon": "the moon"}
        return unique.get(group.kind, article(name)) + after
    return f"{NUMBERS[group.count]} {name}{after}"


def the(rng: Random, group: Group) -> str:
    """Refers to a group that was named before."""
    return "the " + noun(rng, group, False)


def be(group: Group) -> str:
    """Conjugates to be."""
    return "is" if group.count == 1 else "are"


def verb(rng: Random, scene: Scene, group: Group) -> str:
    """Picks a verb that is true of a group in this scene."""
    kind, one = KINDS[group.kind], group.count == 1
    if group.items[0].floats or group.kind in ("bird", "butterfly"):
        return _flying(rng, scene, group)
    options = ["is", "can be seen"] if one else ["are", "can be seen"]
    if group.kind in ("cat", "dog", "rabbit", "bear", "owl"):
        options += ["rests", "waits"] if one else ["rest", "wait"]
    elif "animal" in kind.classes:
        options += ["stands"] if one and group.kind not in SWIMMERS else []
    elif group.kind in ("car", "bus", "truck", "bicycle"):
        options += ["is parked", "has stopped"] if one else ["are parked", "have stopped"]
    elif wears(group) or "building" in kind.classes or kind.size > 0.45:
        options += ["stands"] if one else ["stand"]
    elif "plant" in kind.classes and scene.background.name not in ("room", "kitchen"):
        options += ["grows"] if one else ["grow"]
    return rng.choice(options)


def _flying(rng: Random, scene: Scene, group: Group) -> str:
    one = group.count == 1
    if scene.background.name == "underwater":
        return "swims" if one else "swim"
    if group.kind in ("sun", "moon", "star"):
        return "shines" if one else "shine"
    if group.kind in ("balloon", "hot-air balloon"):
        return "floats" if one else "float"
    if group.kind in ("bird", "butterfly", "aeroplane", "helicopter", "kite"):
        return "flies" if one else "fly"
    return be(group)


def where(rng: Random, scene: Scene) -> str:
    """Names the place."""
    return rng.choice(scene.background.phrases)


def when(rng: Random, scene: Scene) -> str:
    """Names the hour or the weather; may be empty."""
    if scene.background.inside or scene.background.name in ("underwater", "night"):
        return ""
    options: list[str] = []
    if scene.hour == "sunset":
        options += ["at sunset", "in the evening", "at dusk"]
    if scene.hour == "night":
        options += ["at night", "after dark"]
    if scene.weather == "rain":
        options += ["in the rain", "on a rainy day" if scene.hour == "day" else "while it rains"]
    if scene.weather == "snowfall":
        options += ["while snow is falling", "during snowfall", "as it snows"]
    if scene.weather == "cloudy" and scene.hour == "day":
        options += ["on a cloudy day", "under grey clouds", "under a grey sky"]
    if scene.weather == "clear" and scene.hour == "day" and scene.background.name != "forest":
        options += ["on a clear day", "under a blue sky", "in fine weather", ""]
    return rng.choice(options) if options else ""


def join(parts: list[str]) -> str:
    """Joins phrases with commas and "and"."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def sentence(text: str) -> str:
    """Cleans spaces, raises the first letter, ends with a full stop."""
    text = " ".join(text.split()).replace(" ,", ",")
    return text[0].upper() + text[1:] + "."
