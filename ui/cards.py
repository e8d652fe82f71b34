"""Hits as the grid shows them: values for the page, no markup."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from lexsearch.cli.terminal import safe
from lexsearch.engine import CHANNELS
from lexsearch.results import SearchHit, SearchResults, display_path
from ui.arithmetic import SAID, by_channel, rule

REASONS = 3
LABELS = {"hybrid": "Hybrid", **{name: said.capitalize() for name, said in SAID.items()}}


def shares(hit: SearchHit, mode: str) -> dict[str, float]:
    """What every channel adds to the score of a hit; in one channel alone its score."""
    if mode == "hybrid":
        return by_channel(hit.shares)
    value = hit.scores.get(mode)
    return {} if value is None else {mode: value}


def told(parts: Mapping[str, float], score: float, fusion: str = "model") -> str:
    """The shares as a sentence."""
    total = sum(max(value, 0.0) for value in parts.values())
    if not total:
        return f"score {score:.3f}"
    text = ", ".join(
        f"{SAID[name]} {100 * max(value, 0.0) / total:.0f} %" for name, value in parts.items()
    )
    by = "" if fusion == "model" else f", by {rule(fusion)[0]}"
    return f"score {score:.3f}: {text}{by}"


def card(hit: SearchHit, thumb: str | None, found: SearchResults) -> dict[str, Any]:
    """One hit as JSON values; thumb: None = still being made, empty = no photo."""
    name = file_name(hit.raw_path)
    reasons = [safe(term.word) for term in hit.terms[:REASONS]]
    parts = shares(hit, found.mode)
    return {
        "id": hit.id,
        "rank": hit.rank,
        "name": name + (f"  ×{1 + len(hit.also)}" if hit.also else ""),
        "path": safe(hit.path),
        "alt": f"photo {name}" + (f", words: {', '.join(reasons)}" if reasons else ""),
        "score": hit.score,
        "shares": parts,
        "told": told(parts, hit.score, found.fusion),
        "reasons": reasons,
        "below": hit.below_cutoff,
        "thumb": thumb,
        "grade": None,
        "others": 0,
        "opened": False,
    }


def plain_card(
    id: str, path: bytes, thumb: str | None, *, text: Sequence[str] = ()
) -> dict[str, Any]:
    """A picture outside a search."""
    name = file_name(path)
    return {
        "id": id,
        "rank": 0,
        "name": name,
        "path": safe(display_path(path)),
        "alt": f"photo {name}",
        "score": 0.0,
        "shares": {},
        "told": "",
        "reasons": [safe(one) for one in text],
        "below": False,
        "thumb": thumb,
        "grade": None,
        "others": 0,
        "opened": False,
    }


def file_name(path: bytes) -> str:
    """The last part of a path, safe to show."""
    return safe(display_path(os.path.basename(path)))  # noqa: PTH119  (pathlib takes no bytes)


def grid(
    title: str,
    subtitle: str,
    hits: Sequence[Mapping[str, Any]],
    results: SearchResults | None = None,
    **more: Any,
) -> dict[str, Any]:
    """The data of the result grid."""
    auto = None
    if results is not None and results.cutoff > float("-inf"):
        auto = results.cutoff
    return {
        "title": title,
        "subtitle": subtitle,
        "hits": list(hits),
        "notes": [] if results is None else [safe(note) for note in results.notes],
        "scored": results is not None,
        "scores": [] if results is None else [hit.score for hit in results],
        "channels": [] if results is None else _channels(results),
        "auto": auto,
        "cutoff": None,
        "more": False,
        "judging": False,
        **more,
    }


def _channels(results: SearchResults) -> list[str]:
    if results.mode != "hybrid":
        return [results.mode]
    found = {n for hit in results for n, value in hit.scores.items() if value is not None}
    return [name for name in CHANNELS if name in found]
