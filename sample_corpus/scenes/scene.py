"""States what a scene contains: objects, their groups, their relations, place, hour, weather."""

from dataclasses import dataclass, field
from random import Random

from .backgrounds import BACKGROUNDS, Background
from .canvas import Canvas, Point, Style
from .colours import RGB, dark, named
from .kinds import KINDS
from .pen import Extent, Pen
from .sky import tint, weather_veil

Box = tuple[float, float, float, float]


@dataclass
class Item:
    """One object of a scene, in units of the picture's height."""

    kind: str
    colour: str
    rgb: RGB
    seed: int
    group: int
    x: float = 0.0
    y: float = 0.0
    size: float = 0.3
    flip: bool = False
    pose: str = ""
    order: float = 0.0
    floats: bool = False

    def measure(self) -> Pen:
        """Draws without a canvas to learn the object's extent and marks."""
        pen = Pen(pose=self.pose, flip=self.flip)
        KINDS[self.kind].draw(pen, Random(self.seed), self.rgb)
        return pen

    def box(self) -> Box:
        """The object's bounding box."""
        e: Extent = self.measure().extent
        s = self.size
        return (self.x + e.x0 * s, self.y + e.y0 * s, self.x + e.x1 * s, self.y + e.y1 * s)

    def mark(self, name: str) -> Point:
        """The place of a mark such as the hand."""
        x, y = self.measure().marks[name]
        return (self.x + x * self.size, self.y + y * self.size)


@dataclass
class Group:
    """One or more objects of the same kind and colour."""

    kind: str
    colour: str
    items: list[Item]

    @property
    def count(self) -> int:
        """How many objects."""
        return len(self.items)

    def box(self) -> Box:
        """The box around all objects of the group."""
        boxes = [item.box() for item in self.items]
        lows, highs = [b[:2] for b in boxes], [b[2:] for b in boxes]
        return (
            min(b[0] for b in lows),
            min(b[1] for b in lows),
            max(b[0] for b in highs),
            max(b[1] for b in highs),
        )


@dataclass
class Relation:
    """Group `a` stands in this relation to group `b` ("left of", "on", "under" and so on)."""

    a: int
    name: str
    b: int


@dataclass
class Scene:
    """Everything that is true of a picture."""

    background: Background
    hour: str
    weather: str
    width: float
    seed: int
    style: Style
    groups: list[Group] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)

    def items(self) -> list[Item]:
        """All objects, in the order in which they are painted."""
        flat = [item for group in self.groups for item in group.items]
        return sorted(flat, key=lambda item: (item.order, item.y))

    def kinds(self) -> list[str]:
        """The kinds of the groups."""
        return [group.kind for group in self.groups]


def new_scene(rng: Random, background: str, portrait: bool) -> Scene:
    """Chooses hour, weather and drawing style for a place."""
    place = BACKGROUNDS[background]
    style = Style(
        outline=rng.choice([0.0, 0.0022, 0.0034, 0.005]),
        light_left=rng.random() < 0.5,
        texture=1.0,
        offset=rng.randrange(10_000),
    )
    hour, weather = rng.choice(place.hours), rng.choice(place.weathers)
    if hour == "sunset" and weather == "cloudy":
        weather = "clear"
    width = 0.75 if portrait else 4 / 3
    return Scene(place, hour, weather, width, rng.randrange(2**31), style)


def new_item(rng: Random, kind: str, colour: str, group: int) -> Item:
    """Makes an object that is not yet placed."""
    shade = named(colour or rng.choice(["red", "blue", "green", "purple"]), rng)
    item = Item(kind, colour, shade, rng.randrange(2**31), group)
    item.flip = rng.random() < 0.5 and kind not in ("clock", "book")
    return item


def paint(scene: Scene, height: int) -> Canvas:
    """Paints the scene; `height` is that of the supersampled canvas."""
    canvas = Canvas(round(height * scene.width), height, scene.style)
    rng = Random(scene.seed)
    scene.background.paint(canvas, rng, scene.hour, scene.weather)
    for number, item in enumerate(scene.items(), start=1):
        if not item.floats:
            _shadow(canvas, scene, item)
        pen = Pen(canvas, item.x * height, item.y * height, item.size * height, number=number)
        pen.flip, pen.pose = item.flip, item.pose
        KINDS[item.kind].draw(pen, Random(item.seed), item.rgb)
    weather_veil(canvas, rng, scene.weather)
    tint(canvas, rng, scene.hour, scene.weather)
    return canvas


def _shadow(canvas: Canvas, scene: Scene, item: Item) -> None:
    x0, y0, x1, _ = item.box()
    h, side = canvas.height, 1 if scene.style.light_left else -1
    w = (x1 - x0) * (0.3 if item.kind in _THIN else 0.56)
    x = ((x0 + x1) / 2 if item.kind not in _THIN else item.x) + side * w * 0.16
    tone = dark((60, 60, 70), 0.6) if scene.background.name != "snow" else (80, 100, 150)
    rise = min(0.035, 0.05 * (item.y - y0))
    canvas.spot(x * h, (item.y - 0.003) * h, w * h, max(rise, 0.012) * h, tone, 0.55)


_THIN = {"tree", "apple tree", "fir tree", "palm tree", "flower", "tulip", "umbrella", "carrot"}
