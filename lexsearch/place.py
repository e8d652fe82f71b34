"""Places on the earth as conditions: a circle around a point, or a box of degrees."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Protocol

from lexsearch.errors import UsageError

EARTH_KM = 6371.0088  # mean radius
HALF_ROUND_KM = math.pi * EARTH_KM  # no two places are farther apart
ROUNDING = 1e-9  # share, and degrees, that arithmetic may be off
RADIUS_KM = 5.0  # of a circle without one
_RADIUS = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(km|m|mi)?", re.IGNORECASE)
_IN_KM = {"km": 1.0, "m": 0.001, "mi": 1.609344}
_DEGREES = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{1,15})?")


class Area(Protocol):
    """A part of the earth."""

    @property
    def latitudes(self) -> tuple[float, float]:
        """Degrees between which all of it lies, south and north."""
        ...

    def holds(self, latitude: float, longitude: float) -> bool:
        """Whether a place in degrees lies in it, its edge included."""
        ...


@dataclass(frozen=True, slots=True)
class Circle:
    """All places within `radius_km` of one, along the surface of a sphere."""

    latitude: float
    longitude: float
    radius_km: float

    @property
    def latitudes(self) -> tuple[float, float]:
        """See `Area`."""
        reach = math.degrees(self.radius_km / EARTH_KM) * (1 + ROUNDING) + ROUNDING
        return self.latitude - reach, self.latitude + reach

    def holds(self, latitude: float, longitude: float) -> bool:
        """See `Area`."""
        return distance_km(self.latitude, self.longitude, latitude, longitude) <= self.radius_km


@dataclass(frozen=True, slots=True)
class Box:
    """All places between two parallels and two meridians; west > east crosses 180 degrees."""

    south: float
    west: float
    north: float
    east: float

    @property
    def latitudes(self) -> tuple[float, float]:
        """See `Area`."""
        return self.south, self.north

    def holds(self, latitude: float, longitude: float) -> bool:
        """See `Area`."""
        if not self.south <= latitude <= self.north:
            return False
        if self.west <= self.east:
            return self.west <= longitude <= self.east
        return longitude >= self.west or longitude <= self.east


def distance_km(
    latitude: float, longitude: float, to_latitude: float, to_longitude: float
) -> float:
    """Kilometres between two places in degrees, on a sphere of the mean radius of the earth.

    >>> round(distance_km(48.2082, 16.3738, 48.1486, 17.1077))
    55

    Source: the haversine formula, Sinnott 1984, Virtues of the haversine.
    """
    a, b = math.radians(latitude), math.radians(to_latitude)
    turn = math.radians(to_longitude - longitude)
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(turn / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(half, 1.0)))


def circle(text: str) -> Circle:
    """The circle `LATITUDE,LONGITUDE[,RADIUS]`; the radius in km, m or mi, 5 km without one.

    >>> circle("48.2,16.37,800m")
    Circle(latitude=48.2, longitude=16.37, radius_km=0.8)

    Raises:
        UsageError: it is none.
    """
    numbers = text.split(",")
    place = _degrees(numbers[:2], (90.0, 180.0))
    radius = _radius_km(numbers[2]) if len(numbers) == 3 else RADIUS_KM
    if place is None or radius is None or len(numbers) > 3:
        raise UsageError(
            f"near:{text} is no place; expected degrees north and east and how far around, such "
            "as near:48.2,16.37,5km (km, m or mi; -90 to 90 north, -180 to 180 east)"
        )
    return Circle(place[0], place[1], radius)


def box(text: str) -> Box:
    """The box `SOUTH,WEST,NORTH,EAST`.

    >>> box("48,16,48.5,17").holds(48.2, 16.37)
    True

    Raises:
        UsageError: it is none.
    """
    edges = _degrees(text.split(","), (90.0, 180.0, 90.0, 180.0))
    if edges is None or edges[0] > edges[2]:
        raise UsageError(
            f"box:{text} is no box; expected its southern, western, northern and eastern edge in "
            "degrees, such as box:48,16,48.5,17"
        )
    return Box(edges[0], edges[1], edges[2], edges[3])


def areas(near: str | None, within: str | None) -> tuple[Area, ...]:
    """What two conditions ask for; a place must lie in all of them.

    Raises:
        UsageError: one of them is no place.
    """
    found: list[Area] = [] if near is None else [circle(near)]
    return (*found, box(within)) if within is not None else tuple(found)


def _degrees(texts: list[str], limits: tuple[float, ...]) -> tuple[float, ...] | None:
    """The numbers, or None where one is none, too large, missing or too many."""
    if len(texts) != len(limits) or not all(map(_DEGREES.fullmatch, texts)):
        return None
    numbers = tuple(float(text) for text in texts)
    fits = all(abs(number) <= limit for number, limit in zip(numbers, limits, strict=True))
    return numbers if fits else None


def _radius_km(text: str) -> float | None:
    found = _RADIUS.fullmatch(text)
    return None if found is None else float(found[1]) * _IN_KM[(found[2] or "km").lower()]
