"""Describes a kind of object: its words, size, colours, where it may stand, how it is drawn."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from .colours import RGB
from .pen import Pen

Draw = Callable[[Pen, Random, RGB], None]


@dataclass(frozen=True)
class Kind:
    """One kind of object.

    Attributes:
        name: the word in queries and in objects.tsv.
        draw: draws it into a pen, base at y = 0.
        size: height as a share of the picture's height when it stands in front.
        colours: names from the palette; "" means that its colour is not mentioned.
        place: "ground", "air", "water", "wall" or "small" (may stand on a table).
        classes: wider words that are true of it.
        words: other names for captions.
        plural: the plural, when it is not name + "s".
        inside: whether it also belongs in a room.
        outside: whether it belongs under the sky.
        top: share of the width and the height of a surface that carries small things.
    """

    name: str
    draw: Draw
    size: float
    colours: tuple[str, ...] = ("",)
    place: str = "ground"
    classes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    plural: str = ""
    inside: bool = False
    outside: bool = True
    top: tuple[float, float] | None = None

    @property
    def many(self) -> str:
        """The plural."""
        return self.plural or self.name + "s"
