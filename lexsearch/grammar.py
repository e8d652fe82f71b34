"""The grammar of the search box: one string becomes one query; nothing here ever raises.

dog beach            text
"red car"            text kept together; signs and colons inside are letters
-people              no picture that carries the word
2:sunset             twice the model's weight for the word
after:2024-06        a filter; names: after before taken year path type camera
                     label near box
near:48.2,16.37,5km  taken within 5 km of a place; box:48,16,48.5,17 south, west, north, east
./ref.jpg            a picture (starts with ./ ../ / or ~, ends like a picture)
dog + ./ref.jpg - people     sums of queries
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from lexsearch.errors import UsageError
from lexsearch.place import areas
from lexsearch.query import FILTER_NAMES, Filter, Query

MAX_QUERY_CHARS = 4096
# Every summand costs one pass of a model; signs beyond are letters.
MAX_PARTS = 32
PICTURE_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif",
)  # fmt: skip
_WEIGHT = re.compile(r"(\d{1,4}(?:\.\d{1,4})?):([^\W\d_][\w'-]*)")
_WORD = re.compile(r"[^\W\d_][\w'-]*")
_DATE = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2}(?:T\d{2}(?::\d{2}(?::\d{2})?)?)?)?)?")

_FULL = f"a query has at most {MAX_PARTS} parts; the rest counts as text"


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of the text between white space, or inside quotes."""

    text: str
    quoted: bool


def cut(text: str) -> tuple[str, tuple[str, ...]]:
    """The text in NFC, at most MAX_QUERY_CHARS long, and a note if it was longer."""
    count = len(text)
    text = unicodedata.normalize("NFC", text[: 4 * MAX_QUERY_CHARS])  # NFC makes texts shorter
    if len(text) <= MAX_QUERY_CHARS:
        return text, ()
    note = f"the query has {count:,} characters; only the first {MAX_QUERY_CHARS:,} count"
    return text[:MAX_QUERY_CHARS], (note,)


def split_words(text: str) -> Iterator[Word]:
    """Words in order; an unbalanced quote is a letter."""
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        if text[position] == '"':
            end = text.find('"', position + 1)
            if end > position + 1:
                yield Word(text[position + 1 : end], quoted=True)
                position = end + 1
                continue
        stop = position
        while stop < len(text) and not text[stop].isspace():
            stop += 1
        yield Word(text[position:stop], quoted=False)
        position = stop


def filter_of(name: str, value: str) -> Filter:
    """The filter that `name:value` stands for; name is one of FILTER_NAMES."""
    if name == "after":
        return Filter(after=value)
    if name == "before":
        return Filter(before=value)
    if name in ("taken", "year"):
        return Filter(after=value, before=next_moment(value))
    if name == "path":
        return Filter(path=value)
    if name == "type":
        return Filter(type=value.lower().lstrip("."))
    if name == "label":
        return Filter(label=value)
    if name == "near":
        return Filter(near=value)
    if name == "box":
        return Filter(box=value)
    return Filter(camera=value)


def date_numbers(date: str) -> list[int]:
    """The year, month and day that a date or a beginning of one names, as far as it does.

    >>> date_numbers("2024-06"), date_numbers("2024-12-31T10:00"), date_numbers("June")
    ([2024, 6], [2024, 12, 31], [])
    """
    return [int(part) for part in date[:10].split("-") if part.isdecimal()]


def next_moment(date: str) -> str:
    """The first moment after the year, month or day that `date` names.

    >>> next_moment("2024"), next_moment("2024-12"), next_moment("2024-12-31")
    ('2025', '2025-01', '2024-12-32')
    """
    numbers = date_numbers(date)
    if not numbers:
        return date
    if len(numbers) == 2 and numbers[1] >= 12:
        return f"{numbers[0] + 1:04d}-01"
    numbers[-1] += 1
    return "-".join([f"{numbers[0]:04d}", *(f"{number:02d}" for number in numbers[1:])])


def _is_filter(word: Word) -> bool:
    name, colon, value = word.text.partition(":")
    if word.quoted or not colon or not value or name not in FILTER_NAMES:
        return False
    if name in ("after", "before", "taken", "year"):
        return bool(_DATE.fullmatch(value))
    return name not in ("near", "box") or _is_place(name, value)


def _is_place(name: str, value: str) -> bool:
    try:
        areas(value if name == "near" else None, value if name == "box" else None)
    except UsageError:
        return False
    return True


def _is_picture(word: Word) -> bool:
    lowered = word.text.lower()
    return lowered.startswith(("./", "../", "/", "~")) and lowered.endswith(PICTURE_SUFFIXES)


def parse(text: str) -> Query:
    """The query that a line of the search box stands for."""
    text, notes = cut(text)
    query = Query(notes=notes)
    phrase: list[str] = []
    sign = 1.0
    room = MAX_PARTS - 1  # for the last phrase

    def flush() -> Query:
        if not phrase:
            return query
        part = Query.text(" ".join(phrase)) * sign
        phrase.clear()
        return query + part

    for word in split_words(text):
        excluded = word.text.removeprefix("-")
        weight = _WEIGHT.fullmatch(word.text)
        is_full = len(query.parts) + bool(phrase) >= room
        if not word.quoted and word.text in ("+", "-") and (phrase or query.parts):
            if is_full:
                query = replace(query, notes=(*notes, _FULL))
                continue
            query = flush()
            sign = 1.0 if word.text == "+" else -1.0
        elif word.quoted:
            phrase.append(word.text)
        elif excluded != word.text and _WORD.fullmatch(excluded):
            query = replace(query, exclude=(*query.exclude, excluded))
        elif weight is not None:
            phrase.append(weight[2])
            query = replace(query, weights={**query.weights, weight[2]: float(weight[1])})
        elif _is_filter(word):
            name, _, value = word.text.partition(":")
            query = replace(query, filters=query.filters.merge(filter_of(name, value)))
        elif _is_picture(word) and not is_full:
            query = flush()
            query = query + Query.image(word.text) * sign
        else:
            phrase.append(word.text)
    return flush()
