"""The explanation of one hit as the viewer shows it: values for the page, no markup."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lexsearch.cli.terminal import safe
from lexsearch.explain.alignment import arg_max_patch
from lexsearch.explained import Explanation
from lexsearch.results import WordWeight
from lexsearch.types import WHOLE, FloatArray
from ui.arithmetic import arithmetic
from ui.cards import file_name

if TYPE_CHECKING:
    from PIL.Image import Image

TERMS = 16  # words of the waterfall; the others are one bar
OWN_WORDS = 30  # words of the picture that are listed
PATCH_WORDS = 8
DIGITS = 4  # significant digits of the values of a map
# A word whose best patch has less than this share of its stored weight came from the whole picture.
FROM_A_PATCH = 0.98


def evidence(
    found: Explanation,
    own: Sequence[WordWeight],
    picture: Image | None,
    *,
    ranks: Mapping[str, int | None] | None = None,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Everything the viewer needs, in one value of some 50 kB beside the picture.

    Args:
        found: the explanation; without patches the maps are left out.
        own: the heaviest words stored for the picture.
        picture: to draw the maps on; None when the photo is gone.
        ranks: mode -> rank of the picture, None where it is not among those looked at.
        notes: sentences for the user.
    """
    shown, rest = found.terms[:TERMS], found.terms[TERMS:]
    words = [
        {
            "word": safe(term.word),
            "query": _digits(term.query),
            "image": _digits(term.image),
            "contribution": _digits(term.contribution, 6),
            **_where(found, term.word, term.image),
        }
        for term in shown
    ]
    all_words = [
        {
            "word": safe(one.word),
            "image": _digits(one.weight),
            **_where(found, one.word, one.weight),
        }
        for one in own[:OWN_WORDS]
    ]
    tokens = [
        {
            "text": safe(match.text),
            "share": _digits(match.share, 6),
            "map": _flat(match.heat),
            "best": _place(match.heat),
            "top": _digits(float(match.heat.max())),
        }
        for match in found.tokens
    ]
    return {
        "name": file_name(found.raw_path),
        "path": safe(found.path),
        "query": safe(found.query),
        "picture": None if picture is None else data_address(picture),
        "grid": None if found.patches is None else list(found.grid),
        "region": None if found.region == WHOLE else [_digits(edge) for edge in found.region],
        "token_grid": list(found.tokens[0].heat.shape) if found.tokens else None,
        "patches": patches(found),
        "words": words,
        "rest": {"count": len(rest), "contribution": math.fsum(t.contribution for t in rest)},
        "sum": math.fsum(term.contribution for term in found.terms),
        "lexical": found.lexical,
        "own": all_words,
        "tokens": tokens,
        "late": found.late,
        "arithmetic": arithmetic(found, ranks or {}),
        "word_scale": _scale([*(one["map"] for one in words), *(one["map"] for one in all_words)]),
        "token_scale": _scale([one["map"] for one in tokens]),
        "notes": [safe(note) for note in notes],
    }


def patches(found: Explanation) -> list[list[tuple[str, float]]] | None:
    """For every patch, row by row, its heaviest words; None without patches."""
    if found.patches is None:
        return None
    rows, columns = found.grid
    return [
        [
            (safe(one.word), _digits(one.weight))
            for one in found.patch_terms(row, column, top_k=PATCH_WORDS)
        ]
        for row in range(rows)
        for column in range(columns)
    ]


def data_address(picture: Image) -> str:
    """A picture as a data address, encoded anew and so without metadata."""
    held = io.BytesIO()
    picture.convert("RGB").save(held, format="JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(held.getvalue()).decode("ascii")


def _where(found: Explanation, word: str, weight: float) -> dict[str, Any]:
    """The map of a word, its strongest patch, and whether its weight comes from that patch."""
    if found.patches is None:
        return {"map": None, "best": None, "local": None}
    heat = found.heatmap(word)
    return {
        "map": _flat(heat),
        "best": _place(heat),
        "local": bool(float(heat.max()) >= FROM_A_PATCH * weight),
    }


def _flat(heat: FloatArray) -> list[float]:
    return [_digits(value) for value in heat.ravel().tolist()]


def _place(heat: FloatArray) -> int:
    row, column = arg_max_patch(heat)
    return row * int(heat.shape[1]) + column


def _scale(maps: Sequence[Any]) -> list[float] | None:
    """The common ends of the colours: least and largest value of all maps."""
    known = [value for one in maps if one is not None for value in one]
    if not known:
        return None
    low, high = float(np.min(known)), float(np.max(known))
    return [low, high if high > low else low + 1.0]


def _digits(value: float, count: int = DIGITS) -> float:
    return float(f"{value:.{count}g}")
