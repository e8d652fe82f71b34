"""Invents scenes: chooses objects that suit a place and arranges them."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from random import Random

from .backgrounds import BACKGROUNDS
from .habitats import DEEP, FLYERS, KITCHEN, ONLY, SEA, TREES
from .kinds import KINDS
from .scene import Box, Group, Item, Relation, Scene, new_item, new_scene

_NO_PICNIC = ("street", "night", "snow", "desert", "forest", "mountains", "field")
_WEIGHTS = (("beside", 36), ("front", 14), ("on", 12), ("under", 13), ("above", 15), ("hold", 10))


class Planner:
    """Arranges one scene; `used` makes rarely drawn kinds more likely."""

    def __init__(self, rng: Random, scene: Scene, used: Counter[str] | None = None) -> None:
        self.rng = rng
        self.scene = scene
        self.used = used
        self.scale = 1.0 if scene.width > 1 else 0.72
        self.place = scene.background.name

    def choose(self, names: list[str]) -> str:
        """Picks a kind that the scene does not have yet."""
        fresh = [name for name in names if name not in self.scene.kinds()]
        if not fresh:
            raise Cramped
        used = self.used
        if used is not None:
            least = sorted(fresh, key=lambda name: used[name] + self.rng.random())
            fresh = least[: max(1, len(least) // 4)]
        return self.rng.choice(fresh)

    def pool(self, low: float = 0.0, high: float = 1.0) -> list[str]:
        """Lists kinds that may stand here, by size."""
        names: list[str] = []
        for name, kind in KINDS.items():
            if not low <= kind.size < high:
                continue
            if self.place in ("sea", "underwater", "kitchen"):
                suits = name in {"sea": SEA, "underwater": DEEP, "kitchen": KITCHEN}[self.place]
            elif self.place == "room":
                suits = kind.inside and kind.place in ("ground", "small")
            else:
                here = self.place in ONLY.get(name, (self.place,))
                suits = (
                    kind.outside and here and (kind.place in ("ground", "small") or name == "boat")
                )
            odd = "food" in kind.classes and self.place in _NO_PICNIC and kind.place == "small"
            if suits and not (odd and self.rng.random() < 0.93):
                names.append(name)
        return names

    def group(self, kind: str, count: int = 1) -> Group:
        """Adds a group of a kind in one of its colours."""
        taken = {g.colour for g in self.scene.groups}
        colours = [c for c in KINDS[kind].colours if c not in taken] or list(KINDS[kind].colours)
        if self.place in ("snow",) and len(colours) > 1:
            colours = [c for c in colours if c != "white"]
        if self.scene.hour == "night" and len(colours) > 1:
            colours = [c for c in colours if c != "black"]
        colour = self.rng.choice(colours)
        number = len(self.scene.groups)
        items = [new_item(self.rng, kind, colour, number) for _ in range(count)]
        if count > 1:
            for item in items:
                item.rgb = items[0].rgb
        group = Group(kind, colour, items)
        self.scene.groups.append(group)
        return group

    def count(self, kind: str) -> int:
        """Picks how many objects a group has."""
        if KINDS[kind].size > 0.36 or self.rng.random() > 0.24:
            return 1
        return self.rng.choice([2, 2, 3, 3, 4])

    def depth(self, kind: str, front: float | None = None) -> float:
        """Picks where on the ground a kind stands; large things stand farther back."""
        low, high = self.scene.background.ground
        if self.place == "underwater" and kind == "fish":
            return self.rng.uniform(0.3, 0.86)
        t = self.rng.uniform(0.3, 1.0) if front is None else front
        if KINDS[kind].size > 0.45 and front is None:
            t = self.rng.uniform(0.05, 0.6)
        return low + (high - low) * t

    def size(self, kind: str, y: float) -> float:
        """The height of a kind whose base lies at y."""
        low, high = self.scene.background.ground
        near = 0.78 + 0.22 * max(0.0, (y - low) / (high - low))
        small = 1.25 if KINDS[kind].size < 0.2 else 1.0
        close = 1.4 if self.place == "kitchen" else 1.0
        return KINDS[kind].size * near * small * close * self.scale * self.rng.uniform(0.92, 1.15)

    def row(self, groups: list[Group]) -> None:
        """Sets groups side by side, in a random order, without overlap."""
        order = groups[:]
        self.rng.shuffle(order)
        items: list[Item] = []
        for group in order:
            y, size = self.depth(group.kind), 0.0
            size = self.size(group.kind, y)
            for item in group.items:
                item.y = y + self.rng.uniform(-0.012, 0.012)
                item.size = size * self.rng.uniform(0.94, 1.04)
                item.floats = self.place == "underwater" and item.kind == "fish"
                items.append(item)
        self._spread(items)
        for left, right in pairwise(order):
            a, b = groups.index(left), groups.index(right)
            base = len(self.scene.groups) - len(groups)
            self.scene.relations.append(Relation(base + a, "left of", base + b))

    def _spread(self, items: list[Item]) -> None:
        room = self.scene.width * 0.94
        widths = [b[2] - b[0] for b in (item.box() for item in items)]
        total = sum(widths) + 0.02 * len(items)
        if total > room:
            shrink = room / total
            if shrink < 0.5:
                raise Cramped
            for item in items:
                item.size *= shrink
            widths = [w * shrink for w in widths]
        slack = self.scene.width - sum(widths)
        cuts = sorted(self.rng.uniform(0.0, 1.0) for _ in range(len(items)))
        gaps = [cuts[0], *(b - a for a, b in pairwise(cuts))]
        even = 1 / (len(items) + 1)
        x = 0.0
        for item, w, gap in zip(items, widths, gaps, strict=True):
            x += slack * (0.45 * gap + 0.55 * even)
            centre(item, x + w / 2)
            x += w

    def beside(self) -> None:
        """Two or three groups next to each other."""
        first = self.choose(self.pool())
        groups = [self.group(first, self.count(first))]
        for _ in range(2 if self.rng.random() < 0.3 else 1):
            name = self.choose(self.pool())
            groups.append(self.group(name, self.count(name) if groups[0].count == 1 else 1))
        self.row(groups)

    def front(self) -> None:
        """A small thing before a large one."""
        names = [n for n in self.pool(low=0.3) if _backdrop(n)]
        big = self.group(self.choose(names)).items[0]
        name = self.choose(self.pool(high=0.4))
        small = self.group(name).items[0]
        big.y = self.depth(big.kind, self.rng.uniform(0.0, 0.15))
        big.size = self.size(big.kind, big.y) * 1.18
        centre(big, self.scene.width * self.rng.uniform(0.35, 0.65))
        small.y = self.depth(name, self.rng.uniform(0.75, 1.0))
        small.size = self.size(name, small.y) * 0.85
        b = big.box()
        centre(small, b[0] + (b[2] - b[0]) * self.rng.uniform(0.25, 0.75))
        if area(overlap(small.box(), b)) > 0.45 * area(b):
            raise Cramped
        self.scene.relations.append(Relation(1, "in front of", 0))

    def on(self) -> None:
        """Small things on a table, a bench or a sofa."""
        base = self.group(self.choose([n for n in self.pool() if KINDS[n].top])).items[0]
        base.y = self.depth(base.kind, self.rng.uniform(0.3, 0.8))
        base.size = self.size(base.kind, base.y) * 1.12
        centre(base, self.scene.width * self.rng.uniform(0.36, 0.64))
        share, rise = KINDS[base.kind].top or (0.8, 1.0)
        things = ["cat", "hat", "book", "owl", *[n for n in KINDS if KINDS[n].place == "small"]]
        if self.place in ("sea", "underwater"):
            raise Cramped
        b = base.box()
        half = (b[2] - b[0]) * share / 2
        shift = self.rng.uniform(-0.5, 0.5)
        count = 2 if self.rng.random() < 0.45 else 1
        for k in range(count):
            item = self.group(self.choose([n for n in things if KINDS[n].size < 0.35])).items[0]
            item.y = base.y - base.size * rise + 0.006 * k
            item.size = KINDS[item.kind].size * self.scale * self.rng.uniform(0.8, 0.95)
            w = item.box()[2] - item.box()[0]
            item.size *= min(1.0, half * (1.5 if count == 1 else 0.85) / w)
            spot = shift if count == 1 else (-0.5, 0.5)[k]
            centre(item, (b[0] + b[2]) / 2 + spot * half)
            item.order = 1
            self.scene.relations.append(Relation(len(self.scene.groups) - 1, "on", 0))

    def under(self) -> None:
        """Something below a tree, a table or an umbrella."""
        roofs = [n for n in self.pool() if n in (*TREES, "table", "umbrella")]
        roof = self.group(self.choose(roofs)).items[0]
        roof.y = self.depth(roof.kind, self.rng.uniform(0.3, 0.7))
        clear, reach, grow = {"table": (0.62, 0.0, 1.25), "umbrella": (0.5, 0.3, 1.75)}.get(
            roof.kind, (0.36, 0.22, 1.3)
        )
        roof.size = min(self.size(roof.kind, roof.y) * grow, roof.y - 0.03)
        centre(roof, self.scene.width * self.rng.uniform(0.35, 0.65))
        small = self.choose(
            [n for n in self.pool(high=0.45) if n not in ("table", "umbrella", "car", "bench")]
        )
        item = self.group(small).items[0]
        box = item.box()
        tall = (box[3] - box[1]) / item.size
        wide = (box[2] - box[0]) / item.size
        width = {"table": 1.4, "umbrella": 0.58}.get(roof.kind, 0.42) * roof.size
        item.size = min(clear * roof.size / tall, width / wide, KINDS[small].size * 1.2)
        if item.size < 0.1:
            raise Cramped
        item.y = roof.y + (0.012 if roof.kind != "table" else -0.01)
        centre(item, roof.x + self.rng.choice([-1, 1]) * reach * roof.size)
        item.order = 1
        self.scene.relations.append(Relation(1, "under", 0))

    def above(self) -> None:
        """Something in the air over something on the ground."""
        low = self.group(self.choose(self.pool(high=0.56))).items[0]
        low.y = self.depth(low.kind, self.rng.uniform(0.5, 1.0))
        low.size = min(self.size(low.kind, low.y), 0.46)
        centre(low, self.scene.width * self.rng.uniform(0.3, 0.7))
        fly = self.choose([n for n in self.fliers() if n not in ("sun", "moon", "star")])
        item = self.group(fly).items[0]
        item.size = KINDS[fly].size * self.rng.uniform(1.0, 1.4) * self.scale
        item.floats = True
        space = low.box()[1] - 0.04
        if space < item.size:
            item.size = space
        if item.size < 0.1:
            raise Cramped
        item.y = low.box()[1] - 0.02 - self.rng.random() * max(0.0, space - item.size)
        b = low.box()
        centre(item, (b[0] + b[2]) / 2 + self.rng.uniform(-0.12, 0.12))
        self.scene.relations.append(Relation(1, "above", 0))

    def fliers(self) -> list[str]:
        """Lists what may be in the air here."""
        if self.place == "underwater":
            return ["fish"]
        if self.place in ("room", "kitchen"):
            return ["balloon", "butterfly"]
        if self.place == "forest":
            return ["bird", "butterfly", "balloon"]
        names = list(FLYERS)
        if self.scene.hour == "night":
            return ["moon", "star", "hot-air balloon", "aeroplane"]
        if self.scene.weather == "clear":
            names += ["sun", "rainbow"] if self.scene.hour == "day" else []
        return [n for n in names if self.place in ONLY.get(n, (self.place,)) or n == "rainbow"]

    def hold(self) -> None:
        """A person with a balloon, a kite, an umbrella or a flower in the hand."""
        people = [n for n in self.pool() if "person" in KINDS[n].classes]
        if not people:
            raise Cramped
        who = self.group(self.choose(people)).items[0]
        who.pose = "hold"
        who.y = self.depth(who.kind, self.rng.uniform(0.6, 1.0))
        who.size = self.size(who.kind, who.y) * 0.95
        held = ["balloon", "flower", "umbrella", "kite", "tulip", "ice cream", "balloon"]
        if self.place == "room":
            held = ["balloon", "flower", "tulip", "ice cream"]
        item = self.group(self.choose(held)).items[0]
        item.size = {"balloon": 0.36, "umbrella": 0.5, "kite": 0.26}.get(
            item.kind, 0.2
        ) * self.scale
        item.floats, item.order = True, 1
        centre(who, self.scene.width * self.rng.uniform(0.3, 0.7))
        x, y = who.mark("hand")
        item.x, item.y = x, y + (0.04 * item.size if item.kind != "umbrella" else 0.2 * item.size)
        if item.box()[1] < 0.0:
            raise Cramped
        self.scene.relations.append(Relation(0, "holding", 1))

    def extras(self) -> None:
        """Adds something on the ground or in the air where there is room."""
        if self.place not in ("kitchen", "underwater") and self.rng.random() < 0.45:
            name = self.choose([n for n in self.pool(high=0.7) if KINDS[n].size < 0.7])
            group = self.group(name)
            item = group.items[0]
            item.y = self.depth(name)
            item.size = self.size(name, item.y) * 0.9
            self._drop_in(
                group, lambda: centre(item, self.rng.uniform(0.1, self.scene.width - 0.1))
            )
        if len(self.scene.groups) < 4 and self.rng.random() < (
            0.55 if self.place != "room" else 0.4
        ):
            name = (
                "clock"
                if self.place == "room" and self.rng.random() < 0.8
                else self.choose(self.fliers())
            )
            count = (
                self.rng.choice([1, 1, 2, 3])
                if name in ("bird", "butterfly", "balloon", "star", "fish")
                else 1
            )
            if name not in self.scene.kinds():
                group = self.group(name, count)
                self._drop_in(group, lambda: self._fly(group))

    def _fly(self, group: Group) -> None:
        for k, item in enumerate(group.items):
            item.floats = True
            item.size = KINDS[group.kind].size * self.scale * self.rng.uniform(0.8, 1.1)
            item.y = self.rng.uniform(0.04, 0.2) + item.size
            step = 0.24 * self.scale * k
            centre(
                item,
                self.rng.uniform(0.12, self.scene.width - 0.12)
                if k == 0
                else group.items[0].x + step,
            )

    def _drop_in(self, group: Group, place: Callable[[], None]) -> None:
        others = [i.box() for g in self.scene.groups for i in g.items if g is not group]
        for _ in range(10):
            place()
            boxes = [item.box() for item in group.items]
            free = all(area(overlap(a, b)) < 0.02 * area(a) for a in boxes for b in others)
            if free and all(inside(b, self.scene.width) for b in boxes):
                return
        self.scene.groups.remove(group)


def _backdrop(name: str) -> bool:
    wide = {"building", "tree"} & set(KINDS[name].classes)
    return bool(wide) or name in ("tree", "bus", "truck", "tent", "fountain", "sofa", "train")


class Cramped(Exception):
    """The objects do not fit; the caller tries another scene."""


def centre(item: Item, x: float) -> None:
    """Moves an object so that its box is centred at x."""
    b = item.box()
    item.x += x - (b[0] + b[2]) / 2


def overlap(a: Box, b: Box) -> Box:
    """The common part of two boxes."""
    return (max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))


def area(b: Box) -> float:
    """The area of a box; 0 if it is empty."""
    return max(0.0, b[2] - b[0]) * max(0.0, b[3] - b[1])


def inside(b: Box, width: float, slack: float = 0.005) -> bool:
    """Tells whether a box lies in the picture."""
    return b[0] >= -slack and b[1] >= -slack and b[2] <= width + slack and b[3] <= 1 + slack


def plan(
    rng: Random, background: str = "", portrait: bool = False, used: Counter[str] | None = None
) -> Scene:
    """Invents a scene, trying again until everything fits."""
    for _ in range(400):
        place = background or rng.choice(list(BACKGROUNDS))
        scene = new_scene(rng, place, portrait)
        planner = Planner(rng, scene, used)
        names, weights = zip(*_WEIGHTS, strict=True)
        way = rng.choices(names, weights)[0]
        if place in ("kitchen", "underwater") and way not in ("beside", "above"):
            way = "beside"
        try:
            {
                "beside": planner.beside,
                "front": planner.front,
                "on": planner.on,
                "under": planner.under,
                "above": planner.above,
                "hold": planner.hold,
            }[way]()
            planner.extras()
        except Cramped:
            continue
        if all(inside(item.box(), scene.width) for item in scene.items()):
            return scene
    raise Cramped(f"nothing fits: {background}")
