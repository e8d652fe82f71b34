"""What a server answered, as values of the library; loads no numeric library."""

from __future__ import annotations

import base64
import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lexsearch.errors import ServerTooNew
from lexsearch.explain.contribution import Contribution
from lexsearch.explained import Explained, Rows
from lexsearch.ranking.share import Share
from lexsearch.results import SearchHit, SearchResults

SHOWN_META = ("taken", "camera", "gps", "width", "height")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ServedExplanation(Explained):
    """What a server says of an answer.

    Attributes:
        grid: rows and columns of patches; None where the server cannot read the photo any more.
        word_maps: of the words that were asked for, else of those that speak most.
        notes: sentences for the user.
    """

    grid: list[int] | None
    word_maps: Mapping[str, Rows] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def maps(self, words: Sequence[str] = ()) -> dict[str, Rows]:
        """See `Explained.maps`; of words that the server was asked for."""
        return {one: self.word_maps[one] for one in words or self.word_maps if self.grid}

    def _size(self) -> list[int] | None:
        return self.grid


@contextlib.contextmanager
def _as_known() -> Iterator[None]:
    """Says what an answer in another form means."""
    try:
        yield
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ServerTooNew(
            f"the server's answer is not as this lexsearch knows it ({error!r}); use the same "
            "version on both sides"
        ) from error


def results(answer: Mapping[str, Any]) -> SearchResults:
    """Hits and what the search said of itself, of the shape `Results`.

    Raises:
        ServerTooNew: it has another shape.
    """
    with _as_known():
        cutoff = answer["cutoff"]
        return SearchResults(
            tuple(_hit(one) for one in answer["hits"]),
            answer["query"],
            answer["mode"],
            answer["seconds"],
            tuple(answer["notes"]),
            float("-inf") if cutoff is None else float(cutoff),
            int(answer["excluded"]),
            answer.get("fusion", "model"),
        )


def explained(answer: Mapping[str, Any], query: str) -> ServedExplanation:
    """An explanation, of the shape `Explained`; see `results`."""
    with _as_known():
        scores, region = answer["scores"], answer["region"]
        left, top, right, bottom = (float(edge) for edge in region)
        return ServedExplanation(
            query=query,
            raw_path=_raw_path(answer),
            id=answer["id"],
            terms=_terms(answer),
            lexical=scores["lexical"],
            dense=scores["dense"],
            late=scores["late"],
            fused=float(scores["fused"]),
            weights=answer["weights"],
            fusion=answer["fusion"],
            shares=tuple(_share(share) for share in answer["shares"]),
            candidates=int(answer["candidates"]),
            region=(left, top, right, bottom),
            grid=answer["grid"],
            word_maps=answer["maps"],
            notes=tuple(answer["notes"]),
        )


def _raw_path(one: Mapping[str, Any]) -> bytes:
    """The path; the id where the server keeps paths to itself."""
    if "path_bytes" in one:
        return base64.b64decode(one["path_bytes"])
    return str(one.get("path", one["id"])).encode("utf-8")


def _terms(one: Mapping[str, Any]) -> tuple[Contribution, ...]:
    return tuple(Contribution(-1, **term) for term in one["terms"])


def _hit(one: Mapping[str, Any]) -> SearchHit:
    return SearchHit(
        rank=int(one["rank"]),
        id=one["id"],
        raw_path=_raw_path(one),
        score=one["score"],
        scores=one["scores"],
        terms=_terms(one),
        shares=tuple(_share(share) for share in one.get("shares") or ()),
        also=tuple(one.get("also", ())),
        meta={name: _fact(one.get(name)) for name in SHOWN_META},
        below_cutoff=one["below_cutoff"],
    )


def _share(one: Mapping[str, Any]) -> Share:
    value = math.inf if one["value"] is None else one["value"]
    return Share(one["channel"], one["what"], value, one["share"], one.get("weight"))


def _fact(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
