"""What is searched for: texts, pictures and words, summed, with conditions."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from lexsearch.errors import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

    from lexsearch.feedback import Feedback
    from lexsearch.types import PixelArray

# A path, a Pillow image, uint8 (height, width, 3) in RGB, or the bytes of a file.
Picture: TypeAlias = "str | os.PathLike[str] | Image | PixelArray | bytes"
MAX_WORDS = 512  # of a query by words
FILTER_NAMES = (
    *("after", "before", "taken", "year", "path", "type", "camera", "label", "near", "box"),
)

FACTS = ("after", "before", "path", "type", "camera", "label", "near", "box")  # fields of a text


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions on the photo itself; every one given must hold.

    Attributes:
        after: taken at or after this ISO date or a beginning of one (`2024`, `2024-06-01`).
        before: taken before this moment.
        path: glob over the whole path; `*` also crosses folders. Without a wildcard it is a
            part of the path.
        type: file type by suffix, such as `jpeg`; `jpg` and `jpeg` are the same.
        camera: part of the camera's name, any case.
        label: a class that `lexsearch label --keep` gave, any case, `_` for blanks.
        near: taken within a circle, `LATITUDE,LONGITUDE[,RADIUS]` in degrees north and east; the
            radius in km, m or mi, 5 km without one.
        box: taken within a box, `SOUTH,WEST,NORTH,EAST` in degrees; west > east crosses 180.
        meta: values by name, of what a program said of a picture that it added: equal to it, or in
            a list there. Kept as pairs.
    """

    after: str | None = None
    before: str | None = None
    path: str | None = None
    type: str | None = None
    camera: str | None = None
    label: str | None = None
    near: str | None = None
    box: str | None = None
    meta: Mapping[str, Any] | tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "meta", tuple(sorted(dict(self.meta).items(), key=lambda pair: pair[0]))
        )

    def __bool__(self) -> bool:
        return bool(self.meta) or any(getattr(self, name) is not None for name in FACTS)

    def merge(self, other: Filter) -> Filter:
        """Both conditions; where both set one field, the other's value wins."""
        changes = {name: value for name in FACTS if (value := getattr(other, name)) is not None}
        return replace(self, **changes, meta={**dict(self.meta), **dict(other.meta)})

    @classmethod
    def parse(cls, text: str) -> Filter:
        """A filter from `name:value` pairs such as `after:2024 camera:fuji`.

        Raises:
            UsageError: a pair is not of that form, its name is unknown, or its place is none.
        """
        from lexsearch.grammar import filter_of, split_words
        from lexsearch.place import areas

        result = cls()
        for word in split_words(text):
            name, colon, value = word.text.partition(":")
            if not colon or not value or name not in FILTER_NAMES:
                raise UsageError(
                    f"{word.text!r} is no filter; expected name:value with a name of "
                    f"{', '.join(FILTER_NAMES)}"
                )
            result = result.merge(filter_of(name, value))
        areas(result.near, result.box)
        return result


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One summand of a query."""

    kind: Literal["text", "image", "words"]
    value: str | Picture | Mapping[str, float]
    weight: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A sum of parts with conditions; built by `text`, `image`, `words` or `parse`.

    >>> q = Query.text("dog") + 0.5 * Query.text("sand") - Query.text("people")
    >>> [(part.value, part.weight) for part in q.parts]
    [('dog', 1.0), ('sand', 0.5), ('people', -1.0)]

    Attributes:
        parts: the summands, in the order given.
        must: words that a picture must carry.
        exclude: words that a picture must not carry.
        weights: word -> factor on the model's own weight of that word; 0 drops the word, a
            negative factor counts against it. A word the model does not give gets the factor
            times the heaviest weight of the query.
        filters: conditions on the photos.
        notes: what was done to the text on the way, for the user to read.
        feedback: expand the words by those of the best pictures of a first search.
    """

    parts: tuple[Part, ...] = ()
    must: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    filters: Filter = field(default_factory=Filter)
    notes: tuple[str, ...] = ()
    feedback: Feedback | None = None

    @classmethod
    def text(cls, text: str) -> Query:
        """A text, taken literally; what is too long is cut, with a note."""
        from lexsearch.grammar import cut

        text, notes = cut(text.encode("utf-8", "replace").decode("utf-8"))  # no lone surrogates
        return cls(parts=(Part("text", text),), notes=notes)

    @classmethod
    def image(cls, picture: Picture) -> Query:
        """A picture: a path, a Pillow image, an array uint8 (height, width, 3), bytes of a file."""
        return cls(parts=(Part("image", picture),))

    @classmethod
    def words(cls, weights: Mapping[str, float]) -> Query:
        """Words of the vocabulary with their weights; runs no model.

        Raises:
            UsageError: no word, more than MAX_WORDS, or a weight that is not finite.
        """
        if not weights:
            raise UsageError("a query by words needs at least one word")
        if len(weights) > MAX_WORDS:
            raise UsageError(f"a query of {len(weights):,} words; at most {MAX_WORDS} are allowed")
        for word, weight in weights.items():
            if not abs(weight) < float("inf"):
                raise UsageError(f"the weight of {word!r} is {weight}; expected a finite number")
        return cls(parts=(Part("words", dict(weights)),))

    @classmethod
    def parse(cls, text: str) -> Query:
        """A query in the grammar of the search box (see `lexsearch.grammar`); never raises."""
        from lexsearch.grammar import parse

        return parse(text)

    @classmethod
    def of(cls, query: str | Query, filters: Filter | None = None) -> Query:
        """A query with further conditions; a str is parsed."""
        wanted = cls.parse(query) if isinstance(query, str) else query
        return wanted if filters is None else wanted.with_(filters=filters)

    def __add__(self, other: Query) -> Query:
        return Query(
            parts=self.parts + other.parts,
            must=self.must + other.must,
            exclude=self.exclude + other.exclude,
            weights={**self.weights, **other.weights},
            filters=self.filters.merge(other.filters),
            notes=self.notes + other.notes,
            feedback=self.feedback or other.feedback,
        )

    def __mul__(self, factor: float) -> Query:
        if not abs(factor) < float("inf"):
            raise UsageError(f"a query was multiplied by {factor}; expected a finite number")
        return replace(
            self, parts=tuple(replace(part, weight=part.weight * factor) for part in self.parts)
        )

    __rmul__ = __mul__

    def __neg__(self) -> Query:
        return self * -1.0

    def __sub__(self, other: Query) -> Query:
        return self + -other

    def with_(
        self,
        *,
        must: Sequence[str] = (),
        exclude: Sequence[str] = (),
        weights: Mapping[str, float] | None = None,
        filters: Filter | None = None,
        feedback: Feedback | None = None,
    ) -> Query:
        """This query with further conditions, or with feedback."""
        return replace(
            self,
            must=self.must + tuple(must),
            exclude=self.exclude + tuple(exclude),
            weights={**self.weights, **(weights or {})},
            filters=self.filters.merge(filters or Filter()),
            feedback=feedback or self.feedback,
        )

    def __str__(self) -> str:
        shown: list[str] = []
        for part in self.parts:
            if part.kind == "words" and isinstance(part.value, Mapping):
                text = " ".join(f"{weight:g}:{word}" for word, weight in part.value.items())
            elif isinstance(part.value, str | os.PathLike):
                text = os.fspath(part.value)
            else:
                text = "<picture>"
            sign = "- " if part.weight < 0 else ("+ " if shown else "")
            factor = "" if abs(part.weight) == 1.0 else f"{abs(part.weight):g} * "
            shown.append(f"{sign}{factor}{text}")
        shown.extend(f"-{word}" for word in self.exclude)
        return " ".join(shown)
