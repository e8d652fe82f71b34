"""What one address of the search page asks for: parsed, printed, and turned into a query."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

from lexsearch.engine import MODES, Mode
from lexsearch.errors import UsageError
from lexsearch.query import Filter, Picture, Query

PAGE = 24  # pictures shown at first, and more at every step
MOST = 480  # pictures one search shows
UNLIKE = 0.5  # what a picture counts against the query, beside the query's 1
FILTERS = ("after", "before", "camera", "path", "type", "near", "box")
MAX_FACTOR = 4.0


@dataclass(frozen=True, slots=True)
class Request:
    """One search, as the address bar holds it.

    Attributes:
        text: the search box.
        mode: `hybrid` or a channel.
        weights: word -> factor on its own weight.
        must, exclude: words that pictures carry, or do not.
        filters: name of a filter -> value.
        like: id of the picture whose like is wanted; empty for none.
        unlike: ids of pictures to move away from.
        upload: name under which an uploaded picture is kept; empty for none.
        stacked: whether nearly equal pictures are shown as one.
        shown: pictures wanted.
        cutoff: score under which pictures are hidden; None for none.
    """

    PARAMS: ClassVar = frozenset(
        (
            *("q", "mode", "w", "must", "not", *FILTERS, "like", "unlike", "upload", "stack"),
            *("n", "cutoff"),
        )
    )

    text: str = ""
    mode: Mode = "hybrid"
    weights: Mapping[str, float] = field(default_factory=dict)
    must: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)
    like: str = ""
    unlike: tuple[str, ...] = ()
    upload: str = ""
    stacked: bool = False
    shown: int = PAGE
    cutoff: float | None = None

    @classmethod
    def from_params(cls, params: Mapping[str, str]) -> Request:
        """The request of an address; what cannot be read is left out, never an error."""
        mode = params.get("mode", "hybrid")
        shown = _number(params.get("n", ""))
        return cls(
            text=params.get("q", ""),
            mode=mode if mode in MODES else "hybrid",
            weights=_weights(params.get("w", "")),
            must=_names(params.get("must", "")),
            exclude=_names(params.get("not", "")),
            filters={name: params[name] for name in FILTERS if params.get(name)},
            like=params.get("like", ""),
            unlike=_names(params.get("unlike", "")),
            upload=params.get("upload", ""),
            stacked=params.get("stack") == "1",
            shown=PAGE if shown is None else int(min(max(shown, PAGE), MOST)),
            cutoff=_number(params.get("cutoff", "")),
        )

    def to_params(self) -> dict[str, str]:
        """The address of this request: only what differs from an empty one."""
        found = {
            "q": self.text,
            "mode": "" if self.mode == "hybrid" else self.mode,
            "w": ",".join(f"{word}:{factor:g}" for word, factor in self.weights.items()),
            "must": ",".join(self.must),
            "not": ",".join(self.exclude),
            **self.filters,
            "like": self.like,
            "unlike": ",".join(self.unlike),
            "upload": self.upload,
            "stack": "1" if self.stacked else "",
            "n": "" if self.shown == PAGE else str(self.shown),
            "cutoff": "" if self.cutoff is None else f"{self.cutoff:.6g}",
        }
        return {name: value for name, value in found.items() if value}

    def changed(self, **changes: object) -> Request:
        """This request with other values."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def ban(self, word: str) -> Request:
        """This request with a word banned; one that is banned already, also in the text, not."""
        freed = self._without_ban(word)
        is_new = freed == self
        return freed.changed(
            exclude=(*freed.exclude, word) if is_new else freed.exclude,
            must=tuple(other for other in self.must if other != word),
            cutoff=None,
        )

    def pin(self, word: str) -> Request:
        """This request with a word that pictures must carry; a pinned one not any more."""
        kept = tuple(other for other in self.must if other != word)
        must = kept if word in self.must else (*kept, word)
        return self._without_ban(word).changed(must=must, cutoff=None)

    def _without_ban(self, word: str) -> Request:
        key = word.casefold()
        kept = tuple(other for other in self.exclude if other.casefold() != key)
        return self.changed(text=without_exclusion(self.text, word), exclude=kept)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to rank by."""
        return not (self.text.strip() or self.like or self.upload or self.weights or self.must)

    def filter(self) -> Filter:
        """The conditions of the form; those in the text come on top."""
        known = {f.name for f in fields(Filter)} - {"meta"}  # no text, and has no place in a form
        given: dict[str, Any] = {n: v for n, v in self.filters.items() if n in known}
        return Filter(**given)

    def query(self, picture_of: Callable[[str], Picture], uploaded: Picture | None = None) -> Query:
        """The query that the request stands for.

        Args:
            picture_of: the picture with an id.
            uploaded: the picture that was dropped on the page.

        Raises:
            UsageError: an uploaded picture is named but not there any more.
        """
        query = Query.parse(self.text)
        if self.like:
            query = query + Query.image(picture_of(self.like))
        if self.upload:
            if uploaded is None:
                raise UsageError("the picture of this search is gone; drop it on the page again")
            query = query + Query.image(uploaded)
        if not query.parts and (self.weights or self.must):
            query = query + Query.words(dict(self.weights) or dict.fromkeys(self.must, 1.0))
            weights: Mapping[str, float] = {}
        else:
            weights = self.weights
        for id in self.unlike:
            query = query - UNLIKE * Query.image(picture_of(id))
        return query.with_(
            must=self.must, exclude=self.exclude, weights=weights, filters=self.filter()
        )

    def command(self, path_of: Callable[[str], bytes], db: str) -> str | None:
        """The command line of the same search; None where there is none.

        Args:
            path_of: the path of the picture with an id.
            db: what `--db` gets; `default` is left out.
        """
        if self.unlike or self.upload:
            return None
        words = ["lexsearch", "search"]
        if self.like:
            words += ["-i", os.fsdecode(path_of(self.like))]
        words += ["--mode", self.mode] if self.mode != "hybrid" else []
        words += ["--group-duplicates"] if self.stacked else []
        for word, factor in self.weights.items():
            words += ["--weight", f"{word}={factor:g}"]
        for word in self.must:
            words += ["--must", word]
        for word in self.exclude:
            words += ["--not", word]
        if self.filters:
            words += ["--filter", " ".join(map(_pair, self.filters.items()))]
        words += ["--db", db] if db != "default" else []
        if self.text:
            words += ["--", self.text] if self.text.startswith("-") else [self.text]
        return shlex.join(words)

    def python(self, path_of: Callable[[str], bytes], db: str) -> str:
        """Lines of Python for the same search."""
        parts = [f"Query.parse({self.text!r})"] if self.text.strip() else []
        if self.like:
            parts.append(f"Query.image({os.fsdecode(path_of(self.like))!r})")
        if self.upload:
            parts.append('Query.image("your picture")')
        weights = dict(self.weights)
        if not parts:
            parts.append(f"Query.words({weights or dict.fromkeys(self.must, 1.0)!r})")
            weights = {}
        query = " + ".join(parts)
        for id in self.unlike:
            query += f" - {UNLIKE} * Query.image({os.fsdecode(path_of(id))!r})"
        given = {
            "must": list(self.must),
            "exclude": list(self.exclude),
            "weights": weights,
        }
        with_ = [f"{name}={value!r}" for name, value in given.items() if value]
        if self.filters:
            inner = ", ".join(f"{name}={value!r}" for name, value in self.filters.items())
            with_.append(f"filters=Filter({inner})")
        if with_:
            query = f"({query}).with_({', '.join(with_)})"
        names = "Filter, LexSearch, Query" if self.filters else "LexSearch, Query"
        mode = f", mode={self.mode!r}" if self.mode != "hybrid" else ""
        return (
            f"from lexsearch import {names}\n\n"
            f"with LexSearch.open({db!r}) as db:\n"
            f"    for hit in db.search({query}{mode}, top_k={self.shown}):\n"
            "        print(hit.score, hit.path)\n"
        )


def without_exclusion(text: str, word: str) -> str:
    """The text without its parts `-word`, in any case; those inside quotes are letters."""
    pattern = re.compile(rf"(?<!\S)-{re.escape(word)}(?!\S)\s*", re.IGNORECASE)
    position = 0
    while (found := pattern.search(text, position)) is not None:
        shorter = text[: found.start()] + text[found.end() :]
        if len(Query.parse(shorter).exclude) < len(Query.parse(text).exclude):
            text = shorter.rstrip() if found.end() == len(text) else shorter
        else:
            position = found.end()
    return text


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in text.split(",") if name))


def _weights(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for pair in text.split(","):
        word, colon, number = pair.rpartition(":")
        factor = _number(number)
        if colon and word and factor is not None:
            found[word] = min(max(factor, -MAX_FACTOR), MAX_FACTOR)
    return found


def _pair(item: tuple[str, str]) -> str:
    text = f"{item[0]}:{item[1]}"
    return f'"{text}"' if any(letter.isspace() for letter in text) else text
