"""Results of the library as JSON, in full precision; paths only for those who may have them."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from lexsearch.bundle.records import ImageRecord
from lexsearch.explain.contribution import Contribution
from lexsearch.explained import Explanation
from lexsearch.ranking.share import Share
from lexsearch.results import SearchHit, SearchResults, display_path
from lexsearch.server.shapes import SCHEMA
from lexsearch.types import docid

PATCH_WORDS = 8
CHANNELS = ("lexical", "dense", "late", "fused")


class Json(Response):
    """A JSON answer; never holds NaN."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """In ASCII, so that lone surrogates of a strange query cannot break it."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def results(found: SearchResults, generation: int, *, paths: bool) -> dict[str, Any]:
    """Shape `Results`."""
    return {
        "schema": SCHEMA,
        "query": found.query,
        "mode": found.mode,
        "generation": generation,
        "hits": [hit(one, paths=paths) for one in found],
        "notes": list(found.notes),
        "cutoff": found.cutoff if math.isfinite(found.cutoff) else None,
        "excluded": found.excluded,
        "seconds": dict(found.seconds),
        "fusion": found.fusion,
    }


def hit(found: SearchHit, *, paths: bool) -> dict[str, Any]:
    """Shape `Hit`."""
    return {
        **{name: value for name, value in found.meta.items() if value is not None},
        "rank": found.rank,
        "id": found.id,
        "score": found.score,
        "scores": {name: found.scores.get(name) for name in CHANNELS},
        "terms": [term(one) for one in found.terms],
        "shares": [share(one) for one in found.shares] or None,
        "below_cutoff": bool(found.below_cutoff),
        **({**path_fields(found.raw_path), "also": list(found.also)} if paths else {}),
    }


def term(one: Contribution) -> dict[str, Any]:
    """Shape `Term`."""
    return {
        "word": one.word,
        "query": one.query,
        "image": one.image,
        "contribution": one.contribution,
    }


def share(one: Share) -> dict[str, Any]:
    """Shape `Share`."""
    return {
        "channel": one.channel,
        "what": one.what,
        "value": float(one.value) if math.isfinite(one.value) else None,
        "share": float(one.share),
        "weight": None if one.weight is None else float(one.weight),
    }


def path_fields(path: bytes) -> dict[str, str]:
    """`path`, and `path_bytes` if that is not the whole truth."""
    fields = {"path": display_path(path)}
    try:
        path.decode("utf-8")
    except UnicodeDecodeError:
        fields["path_bytes"] = base64.b64encode(path).decode("ascii")
    return fields


def facts(record: ImageRecord, *, paths: bool) -> dict[str, Any]:
    """Shape `Facts`."""
    known = {name: getattr(record, name) for name in ("taken", "camera", "gps", "width", "height")}
    named = path_fields(record.paths[0]) | {"also": [display_path(p) for p in record.paths[1:]]}
    return {
        "id": docid(record.image_id),
        **(named if paths else {}),
        **{name: value for name, value in known.items() if value is not None},
    }


def explained(
    found: Explanation, *, words: Sequence[str], patches: bool, notes: Sequence[str], paths: bool
) -> dict[str, Any]:
    """Shape `Explained`.

    Args:
        found: by the library.
        words: that maps are wanted of; none = the three that speak most.
        patches: give the words of every patch.
        notes: for the user.
        paths: give the path.
    """
    seen = found.patches is not None
    scores = {"lexical": found.lexical, "dense": found.dense, "late": found.late}
    return {
        "schema": SCHEMA,
        "query": found.query,
        "id": found.id,
        **(path_fields(found.raw_path) if paths else {}),
        "scores": {**scores, "fused": found.fused},
        "weights": dict(found.weights),
        "fusion": found.fusion,
        "shares": [share(one) for one in found.shares],
        "candidates": found.candidates,
        "region": list(found.region),
        "terms": [term(one) for one in found.terms],
        "grid": list(found.grid) if seen else None,
        "maps": found.maps(words),
        "patches": _patches(found) if patches and seen else None,
        "notes": list(notes),
    }


def _patches(found: Explanation) -> list[list[dict[str, Any]]]:
    rows, columns = found.grid
    return [
        [
            {"word": one.word, "weight": one.weight}
            for one in found.patch_terms(row, column, top_k=PATCH_WORDS)
        ]
        for row in range(rows)
        for column in range(columns)
    ]


def listed(words: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Shape `WordWeights` or `WordCounts`."""
    return {"schema": SCHEMA, "words": list(words)}
