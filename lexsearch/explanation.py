"""Builds the explanation of one hit from the engine's own vectors and scores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from lexsearch.bundle.records import ImageRecord
from lexsearch.engine import MODES, Engine
from lexsearch.explain.terms import contributions
from lexsearch.explain.token_matches import TokenMatch, token_matches
from lexsearch.explained import Explanation
from lexsearch.grammar import cut
from lexsearch.patch_sequence import grid_of
from lexsearch.pictures import load_for_display, load_pixels
from lexsearch.query import Part, Query
from lexsearch.query_encoder import EncodedQuery
from lexsearch.ranking.fusion_rules import Weighted
from lexsearch.region import seen
from lexsearch.types import PatchWords, docid


def explanation(
    engine: Engine, query: Query, record: ImageRecord, raw_path: bytes, *, read_photo: bool
) -> Explanation:
    """Why a picture answers a query; see `LexSearch.explain`."""
    model = engine.model
    encoded = engine.encode(query)
    ids = np.array([record.image_id], dtype=np.int64)
    rule = engine.fusion.for_query(query)
    if isinstance(rule, Weighted):  # the picture alone says it all
        found = engine.search_encoded(encoded, k=1, allowed=ids, rule=rule)
    else:  # ranks and scales are those among the candidates of the search
        found = engine.search_encoded(
            encoded, k=1, allowed=engine.allowed(query), rule=rule, also=ids
        )
    place = int(np.searchsorted(found.candidates, record.image_id))
    assert found.rule is not None  # the mode is hybrid
    scores = {name: float(values[place]) for name, values in found.scores.items()}
    stored = engine.lexical.vectors(ids)
    terms = (
        tuple(contributions(encoded.lexical, stored, model.vocabulary))
        if encoded.lexical is not None
        else ()
    )
    patches = model.encode_patches(load_pixels(raw_path, model.pixel_spec)) if read_photo else None
    return Explanation(
        query=str(query),
        raw_path=raw_path,
        id=docid(record.image_id),
        terms=terms,
        lexical=scores.get("lexical"),
        dense=scores.get("dense"),
        late=scores.get("late"),
        fused=float(found.totals[place]),
        weights=(
            {name: found.rule.weights[name] for name in scores}
            if isinstance(found.rule, Weighted)
            else {}
        ),
        patches=patches,
        vocabulary=model.vocabulary,
        load_picture=lambda: load_for_display(raw_path, record.width, record.height),
        tokens=tuple(_matches(engine, query, encoded, record, patches)),
        fusion=found.rule.name,
        shares=found.rule.shares(found.scores, place),
        candidates=len(found.candidates),
        region=seen((record.width, record.height), model.pixel_spec),
    )


def _matches(
    engine: Engine,
    query: Query,
    encoded: EncodedQuery,
    record: ImageRecord,
    patches: PatchWords | None,
) -> list[TokenMatch]:
    if encoded.tokens is None:
        return []
    stored = engine.tokens.vectors(np.array([record.image_id], dtype=np.int64)).item(0)
    spec, shapes = engine.model.pixel_spec, []
    if spec.fit == "patches":
        shapes = [patches.grid] if patches is not None else []
        shapes.append(grid_of(record.width, record.height, spec))
    grid = _grid(len(stored), shapes)
    return token_matches(encoded.tokens, stored, grid, _texts(engine, query))


def _grid(tokens: int, shapes: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Rows and columns of stored tokens: the first shape that they fill, a square, or a line."""
    side = round(tokens**0.5)
    for rows, columns in (*shapes, (side, side)):
        if rows * columns == tokens:
            return rows, columns
    return 1, tokens


def _texts(engine: Engine, query: Query) -> list[str]:
    """What stands behind every token of a query, in the order in which its parts are joined."""
    texts: list[str] = []
    for part in query.parts:
        if part.kind == "image":
            count = _patches_of(engine, query, part)
            texts.extend(f"patch {i + 1}" for i in range(count))
        elif part.kind == "text" and isinstance(part.value, str) and part.value.strip():
            texts.extend(engine.model.token_texts(cut(part.value)[0]))
    return texts


def _patches_of(engine: Engine, query: Query, part: Part) -> int:
    """How many tokens a picture in a query has."""
    if engine.model.pixel_spec.fit != "patches":
        return engine.model.identity.tokens_per_image
    alone = replace(query, parts=(replace(part, weight=1.0),), feedback=None)
    tokens = engine.encode(alone).tokens
    return 0 if tokens is None else len(tokens.values)


def ranks(engine: Engine, query: Query, image_id: int, *, depth: int = 1_000) -> dict[str, int]:
    """The rank of a picture in every mode that the query has a side for.

    Args:
        engine: over the db.
        query: its conditions are left aside.
        image_id: the picture.
        depth: how far down every list is looked; a mode without the picture there is left out.
    """
    encoded = engine.encode(query)
    sides = {"lexical": encoded.lexical, "dense": encoded.dense, "late": encoded.tokens}
    rule = engine.fusion.for_query(query)
    found: dict[str, int] = {}
    for mode in MODES:
        if mode == "hybrid" or sides[mode] is not None:
            found_by = engine.search_encoded(encoded, k=depth, mode=mode, rule=rule)
            ids = found_by.ranking.ids
            place = np.flatnonzero(ids == image_id)
            if len(place):
                found[mode] = int(place[0]) + 1
    return found
