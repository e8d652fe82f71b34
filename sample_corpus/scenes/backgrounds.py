"""Lists the places where scenes happen: how they look, what they are called, what they contain."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from . import scenery
from .canvas import Canvas

Paint = Callable[[Canvas, Random, str, str], None]


@dataclass(frozen=True)
class Background:
    """A place where scenes happen.

    Attributes:
        name: the word in tables and tests.
        paint: paints it.
        ground: where the base of an object may lie, from far to near, as shares of the height.
        hours: hours of the day that suit it.
        weathers: weathers that suit it.
        phrases: how captions call it.
        query: how queries call it.
        contains: what its backdrop shows besides the objects.
        inside: whether it lies under a roof.
    """

    name: str
    paint: Paint
    ground: tuple[float, float]
    hours: tuple[str, ...]
    weathers: tuple[str, ...]
    phrases: tuple[str, ...]
    query: str
    contains: tuple[str, ...] = ()
    inside: bool = False


_OPEN = ("day", "day", "day", "sunset")
_SKY = ("clear", "clear", "cloudy", "rain")
BACKGROUNDS: dict[str, Background] = {
    b.name: b
    for b in (
        Background(
            "beach",
            scenery.beach,
            (0.7, 0.96),
            _OPEN,
            ("clear", "clear", "cloudy"),
            ("on the beach", "on a sandy beach", "on the sand by the sea", "at the seaside"),
            "on the beach",
            ("sea", "sand"),
        ),
        Background(
            "field",
            scenery.field,
            (0.68, 0.96),
            _OPEN,
            _SKY,
            ("in a green field", "in a meadow", "on the grass", "in a grassy field"),
            "in a field",
            ("grass", "hill"),
        ),
        Background(
            "street",
            scenery.street,
            (0.68, 0.95),
            ("day", "day", "sunset", "night"),
            _SKY,
            ("on a street", "on a city street", "in the street", "on a road in town"),
            "in the street",
            ("building",),
        ),
        Background(
            "night",
            scenery.night,
            (0.74, 0.96),
            ("night",),
            ("clear",),
            (
                "under the night sky",
                "under a starry sky",
                "at night under the stars",
                "on a dark meadow at night",
            ),
            "at night",
        ),
        Background(
            "room",
            scenery.room,
            (0.8, 0.97),
            ("day", "day", "sunset", "night"),
            ("clear",),
            ("in a room", "in a living room", "indoors", "inside a room"),
            "in a room",
            (),
            True,
        ),
        Background(
            "kitchen",
            scenery.kitchen,
            (0.74, 0.96),
            ("day",),
            ("clear",),
            ("on a kitchen counter", "on the worktop in a kitchen", "in a kitchen"),
            "in a kitchen",
            (),
            True,
        ),
        Background(
            "snow",
            scenery.snow,
            (0.68, 0.96),
            _OPEN,
            ("clear", "cloudy", "snowfall", "snowfall"),
            (
                "in the snow",
                "on snowy ground",
                "in a snowy landscape",
                "in a white winter landscape",
            ),
            "in the snow",
            ("hill",),
        ),
        Background(
            "sea",
            scenery.sea,
            (0.6, 0.94),
            _OPEN,
            ("clear", "clear", "cloudy", "rain"),
            ("on the sea", "on the open sea", "on blue water", "out at sea"),
            "on the sea",
        ),
        Background(
            "forest",
            scenery.forest,
            (0.72, 0.96),
            ("day",),
            ("clear", "clear", "rain"),
            ("in a forest", "in the woods", "among the trees of a forest"),
            "in the forest",
            ("tree", "plant"),
        ),
        Background(
            "mountains",
            scenery.mountains,
            (0.7, 0.96),
            _OPEN,
            _SKY,
            (
                "in the mountains",
                "in front of snowy mountains",
                "in a mountain valley",
                "with mountains in the background",
            ),
            "in the mountains",
            ("mountain",),
        ),
        Background(
            "desert",
            scenery.desert,
            (0.68, 0.96),
            _OPEN,
            ("clear",),
            ("in the desert", "on desert sand", "in a sandy desert", "among the dunes"),
            "in the desert",
            ("sand",),
        ),
        Background(
            "park",
            scenery.park,
            (0.68, 0.96),
            _OPEN,
            _SKY,
            ("in a park", "on a lawn in the park", "in the park"),
            "in the park",
            ("grass",),
        ),
        Background(
            "underwater",
            scenery.underwater,
            (0.94, 0.98),
            ("day",),
            ("clear",),
            ("under water", "underwater", "deep in the sea", "at the bottom of the sea"),
            "under water",
        ),
    )
}
