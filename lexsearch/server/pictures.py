"""Routes of single pictures of the index, by id: facts, thumbnail, words, explanation, heat map."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import numpy as np
from fastapi import APIRouter, Path, Request
from fastapi import Query as Parameter
from fastapi.responses import Response

from lexsearch.api import LexSearch
from lexsearch.bundle.records import ImageRecord
from lexsearch.errors import LexsearchError, UsageError
from lexsearch.explained import Explanation
from lexsearch.explanation import explanation
from lexsearch.pictures import load_for_display
from lexsearch.query import Query
from lexsearch.server import answers
from lexsearch.server.answers import Json
from lexsearch.server.house import House, house_of
from lexsearch.server.problems import Problem
from lexsearch.server.queries import of_index, parsed, query_of, remember
from lexsearch.server.searching import Top, answer
from lexsearch.server.shapes import (
    MAX_MAPS,
    MAX_WORD,
    Explained,
    ExplanationRequest,
    Facts,
    HeatmapRequest,
    Id,
    Manner,
    Mode,
    Results,
    Text,
    WordWeights,
)

T = TypeVar("T")
router = APIRouter(prefix="/v1/pictures/{id}", tags=["pictures"])
SIDES = (160, 320, 640)  # of thumbnails; few, so that the cache stays small
PictureId = Annotated[Id, Path()]
Asked = Annotated[
    Text,
    Parameter(
        min_length=1,
        description="In the grammar of the command line, without paths.",
        examples=["a yellow boat"],
    ),
]
Words = Annotated[
    list[Annotated[str, Parameter(min_length=1, max_length=MAX_WORD)]],
    Parameter(alias="word", max_length=MAX_MAPS, description="Words to draw. Default: the three "
              "that speak most for the picture.", examples=[["boat"]]),
]  # fmt: skip
PNG: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
        "description": "A PNG file.",
    }
}
WEBP: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"image/webp": {"schema": {"type": "string", "format": "binary"}}},
        "description": "A WebP file without metadata.",
    }
}


def known(db: LexSearch, id: str) -> ImageRecord:
    """What is known of the picture with an id.

    Raises:
        Problem: there is none.
    """
    try:
        return db.picture(id)
    except UsageError as error:
        raise Problem(404, "no-picture", f"no picture {id} in the index") from error


@router.get("", response_model=Facts, summary="What is known of a picture")
async def facts(request: Request, id: PictureId) -> Json:
    """Size, date, camera and place; paths for those who may have them."""
    house = house_of(request)
    paths = house.shows_paths(request)
    return Json(await house.run(lambda db: answers.facts(known(db, id), paths=paths)))


@router.get(
    "/thumbnail", response_class=Response, responses=WEBP, summary="A small copy of a picture"
)
async def thumbnail(
    request: Request,
    id: PictureId,
    side: Annotated[int, Parameter(description=f"Longest side: one of {SIDES}.",
                                   json_schema_extra={"enum": list(SIDES)})] = 320,
) -> Response:  # fmt: skip
    """Encoded anew from upright pixels, so without metadata; never the photo itself."""
    if side not in SIDES:
        raise Problem(422, "form", f"no thumbnails of {side} pixels; expected one of {SIDES}")
    house = house_of(request)

    def job(db: LexSearch) -> bytes:
        record = known(db, id)
        data = house.thumbnails.cached(id, side)
        if data is None:
            data = house.thumbnails.make(id, _loader(record), side)
        if data is None:
            raise _gone(id)
        return data

    data = await house.run(job)
    headers = {"cache-control": "private, max-age=86400"}  # the id is a digest of the photo
    return Response(data, media_type="image/webp", headers=headers)


@router.get("/words", response_model=WordWeights, summary="What a picture says")
async def words(request: Request, id: PictureId, top_k: Top = 20) -> Json:
    """The heaviest stored words of a picture."""

    def job(db: LexSearch) -> dict[str, Any]:
        image_id = known(db, id).image_id
        stored = db.engine.lexical.vectors(np.array([image_id], dtype=np.int64))
        ids, weights = stored.row(0)
        vocabulary = db.model.vocabulary
        order = np.lexsort((ids, -weights))
        heaviest = [i for i in order.tolist() if vocabulary.is_word(int(ids[i]))][:top_k]
        return answers.listed(
            [{"word": vocabulary.words[int(ids[i])], "weight": float(weights[i])} for i in heaviest]
        )

    return Json(await house_of(request).run(job))


@router.get("/similar", response_model=Results, summary="Pictures like this one")
async def similar(request: Request, id: PictureId, top_k: Top = 10, mode: Mode = "hybrid") -> Json:
    """The best pictures for this one as a query; the picture itself is left out."""
    house = house_of(request)

    def load(db: LexSearch) -> tuple[int, Any]:
        return known(db, id).image_id, _readable(id, lambda: of_index(db, id))

    image_id, picture = await house.run(load)
    manner = Manner(top_k=top_k, mode=mode)
    return await answer(request, house, Query.image(picture), manner, frozenset([image_id]))


@router.get("/explanation", response_model=Explained, summary="Why a picture answers a query")
async def explain(
    request: Request,
    id: PictureId,
    q: Asked,
    word: Words = [],  # noqa: B006  (never changed; the form that FastAPI documents)
    patches: Annotated[bool, Parameter(description="Also the words of every patch.")] = False,
) -> Json:
    """Words and channels behind the score, and where in the picture the words are.

    Without the photo itself the index still knows words and scores; patches and maps are missing
    then, and a note says so.
    """
    return await _explained(request, id, parsed(q), word, patches=patches)


@router.post(
    "/explanation", response_model=Explained, summary="Why a picture answers texts and pictures"
)
async def explain_any(request: Request, id: PictureId, wanted: ExplanationRequest) -> Json:
    """The same for a sum of texts, weighted words and pictures."""
    query = await query_of(wanted, house_of(request))
    return await _explained(request, id, query, wanted.words, patches=wanted.patches)


@router.get(
    "/heatmap", response_class=Response, responses=PNG, summary="Where the words of a query are"
)
async def heatmap(request: Request, id: PictureId, q: Asked, word: Words = []) -> Response:  # noqa: B006
    """A picture: the photo, small, and one heat map for each word on a scale that all share."""
    return await _drawn(request, id, parsed(q), word)


@router.post(
    "/heatmap",
    response_class=Response,
    responses=PNG,
    summary="Where the words of texts and pictures are",
)
async def heatmap_any(request: Request, id: PictureId, wanted: HeatmapRequest) -> Response:
    """The same for a sum of texts, weighted words and pictures."""
    query = await query_of(wanted, house_of(request))
    return await _drawn(request, id, query, wanted.words)


async def _explained(
    request: Request, id: str, query: Query, words: list[str], *, patches: bool
) -> Json:
    house: House = house_of(request)
    remember(request, [query])
    paths = house.shows_paths(request)

    def job(db: LexSearch) -> dict[str, Any]:
        why, notes = _explanation(db, query, id)
        _check_words(why, words)
        return answers.explained(why, words=words, patches=patches, notes=notes, paths=paths)

    return Json(await house.run(job))


async def _drawn(request: Request, id: str, query: Query, words: list[str]) -> Response:
    remember(request, [query])

    def job(db: LexSearch) -> bytes:
        why, _ = _explanation(db, query, id)
        if why.patches is None:
            raise _gone(id)
        _check_words(why, words)
        if not words and not why.shown_words():
            raise UsageError("no word of the query fires on this photo; name one")
        held = io.BytesIO()
        _readable(id, lambda: why.draw(words)).save(held, format="PNG")
        return held.getvalue()

    return Response(await house_of(request).run(job), media_type="image/png")


def _explanation(db: LexSearch, query: Query, id: str) -> tuple[Explanation, list[str]]:
    record = known(db, id)
    path = next((p for p in record.paths if os.path.exists(p)), None)  # noqa: PTH110
    if path is not None:
        try:
            return explanation(db.engine, query, record, path, read_photo=True), []
        except OSError:
            pass
        except UsageError as error:
            if type(error) is UsageError:  # of the query, not of the photo
                raise
    why = explanation(db.engine, query, record, record.paths[0], read_photo=False)
    return why, ["the photo cannot be read any more; only what the index knows is shown"]


def _check_words(why: Explanation, words: list[str]) -> None:
    for word in words:
        if why.vocabulary.lookup(word) is None:
            raise UsageError(f"{word!r} is not in the vocabulary; see words with: GET /v1/words")


def _loader(record: ImageRecord) -> Callable[[int], Any]:
    path = next((p for p in record.paths if os.path.exists(p)), record.paths[0])  # noqa: PTH110
    return lambda side: load_for_display(path, record.width, record.height, side=side)


def _readable(id: str, load: Callable[[], T]) -> T:
    try:
        return load()
    except (LexsearchError, OSError) as error:
        raise _gone(id) from error


def _gone(id: str) -> Problem:
    return Problem(410, "gone", f"the file of picture {id} cannot be read any more")
