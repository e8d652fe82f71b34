"""Routes that search: by text, by parts, by an uploaded picture, many at a time."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi import Query as Parameter

from lexsearch.api import LexSearch
from lexsearch.grouping import NEAR_BITS, SPARE, first_of_each
from lexsearch.query import Query
from lexsearch.results import SearchResults
from lexsearch.server import answers
from lexsearch.server.answers import Json
from lexsearch.server.house import House, house_of
from lexsearch.server.queries import filter_of, parsed, query_of, remember
from lexsearch.server.shapes import (
    MAX_TOP,
    BatchRequest,
    BatchResults,
    Finite,
    Manner,
    Mode,
    Results,
    SearchRequest,
    Text,
)
from lexsearch.types import image_id_of

router = APIRouter(prefix="/v1", tags=["search"])

Top = Annotated[int, Parameter(ge=1, le=MAX_TOP, description="Pictures wanted.")]
Cutoff = Annotated[Literal["none", "auto"] | Finite, Parameter(description="Where relevance ends.")]
Conditions = Annotated[
    str | None,
    Parameter(
        alias="filter",
        description="Conditions, such as `after:2024 camera:fuji`.",
        max_length=1_024,
        examples=["type:jpeg"],
    ),
]
UPLOAD = {
    "requestBody": {
        "description": "The picture file itself: JPEG, PNG, WebP, GIF, BMP or TIFF.",
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "image/*": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


def found(
    db: LexSearch, query: Query, manner: Manner, leave_out: frozenset[int] = frozenset()
) -> SearchResults:
    """The answer to one query."""
    most = manner.top_k * SPARE if manner.group_duplicates else manner.top_k
    results = db.engine.search(
        query,
        k=most,
        mode=manner.mode,
        cutoff=manner.cutoff,
        rerank=manner.rerank,
        leave_out=leave_out,
        every_word=manner.every_word,
    )
    return _grouped(db, results, manner)


def _grouped(db: LexSearch, results: SearchResults, manner: Manner) -> SearchResults:
    if not manner.group_duplicates:
        return results
    kept = first_of_each(results.hits, db.near_duplicates(NEAR_BITS))[: manner.top_k]
    return replace(results, hits=tuple(kept))


async def answer(
    request: Request, house: House, query: Query, manner: Manner, own: frozenset[int] = frozenset()
) -> Json:
    """Search, count, and answer."""
    remember(request, [query])
    paths = house.shows_paths(request)

    def job(db: LexSearch) -> dict[str, Any]:
        results = found(db, query, manner, own)
        house.count(results)
        return answers.results(results, db.snapshot.generation, paths=paths)

    return Json(await house.run(job))


@router.get("/search", response_model=Results, summary="Search by text")
async def search_by_text(
    request: Request,
    q: Annotated[Text, Parameter(description="In the grammar of the command line, without paths.",
                                 min_length=1, examples=["a yellow boat -people"])],
    top_k: Top = 10,
    mode: Mode = "hybrid",
    cutoff: Cutoff = "none",
    filters: Conditions = None,
) -> Json:  # fmt: skip
    """The best pictures for a text such as `dog on sand -people after:2024`."""
    query = parsed(q).with_(filters=filter_of(filters))
    manner = Manner(top_k=top_k, mode=mode, cutoff=cutoff)
    return await answer(request, house_of(request), query, manner)


@router.post("/search", response_model=Results, summary="Search by texts, words and pictures")
async def search(request: Request, wanted: SearchRequest) -> Json:
    """The best pictures for a sum of texts, weighted words and pictures, with conditions."""
    house = house_of(request)
    return await answer(request, house, await query_of(wanted, house), wanted)


@router.post(
    "/search/picture",
    response_model=Results,
    summary="Search by an uploaded picture",
    openapi_extra=UPLOAD,
)
async def search_by_picture(
    request: Request,
    top_k: Top = 10,
    mode: Mode = "hybrid",
    cutoff: Cutoff = "none",
    filters: Conditions = None,
    every_word: bool = False,
    group_duplicates: bool = False,
    leave_out_same: Annotated[
        bool, Parameter(description="Leave out the picture itself, when it is in the index.")
    ] = False,
) -> Json:
    """Pictures like the uploaded one. It is decoded in a process of its own and not kept."""
    house = house_of(request)
    picture = await request.body()
    query = Query.image(await house.picture(picture)).with_(filters=filter_of(filters))
    manner = Manner(
        top_k=top_k,
        mode=mode,
        cutoff=cutoff,
        every_word=every_word,
        group_duplicates=group_duplicates,
    )
    same = image_id_of(hashlib.sha256(picture).digest())
    own = frozenset([same]) if leave_out_same else frozenset[int]()
    return await answer(request, house, query, manner, own)


@router.post("/search/batch", response_model=BatchResults, summary="Many searches at once")
async def search_many(request: Request, wanted: BatchRequest) -> Json:
    """What `POST /v1/search` gives for each query, in less time."""
    house = house_of(request)
    queries = [await query_of(one, house) for one in wanted.queries]
    remember(request, queries)
    paths = house.shows_paths(request)

    def job(db: LexSearch) -> dict[str, Any]:
        if wanted.every_word:
            lists = [found(db, query, wanted) for query in queries]
        else:
            most = wanted.top_k * SPARE if wanted.group_duplicates else wanted.top_k
            lists = db.engine.search_many(
                queries, k=most, mode=wanted.mode, cutoff=wanted.cutoff, rerank=wanted.rerank
            )
            lists = [_grouped(db, one, wanted) for one in lists]
        for one in lists:
            house.count(one)
        generation = db.snapshot.generation
        return {
            "schema": 1,
            "results": [answers.results(one, generation, paths=paths) for one in lists],
        }

    return Json(await house.run(job))
