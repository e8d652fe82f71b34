"""Routes about the server itself: health, readiness, metrics, what the index holds, its words."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Query as Parameter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST

from lexsearch import __version__
from lexsearch.api import LexSearch
from lexsearch.results import display_path
from lexsearch.server import answers
from lexsearch.server.answers import Json
from lexsearch.server.house import house_of
from lexsearch.server.searching import Top
from lexsearch.server.shapes import MAX_WORD, Health, Ready, Status, WordCounts

health_router = APIRouter(tags=["service"])
router = APIRouter(prefix="/v1", tags=["service"])
TEXT: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {CONTENT_TYPE_LATEST: {"schema": {"type": "string"}}},
        "description": "Text format of Prometheus.",
    }
}


@health_router.get("/healthz", response_model=Health, summary="Does the server run?")
async def health() -> Json:
    """Answers always, without a token."""
    return Json({"status": "ok"})


@health_router.get("/readyz", response_model=Ready, summary="Can it answer?")
async def ready(request: Request) -> Json:
    """503 until index and model have been opened once; a released model is loaded on demand."""
    house = house_of(request)
    if house.failure is not None:
        raise house.failure
    return Json({"status": "ready", "model": "warm" if house.keeper.is_warm else "released"})


@health_router.get(
    "/metrics", response_class=Response, responses=TEXT, summary="Numbers for Prometheus"
)
async def metrics(request: Request) -> Response:
    """Requests by route and status, seconds by route and by stage of a search."""
    return Response(house_of(request).metrics.text(), media_type=CONTENT_TYPE_LATEST)


@router.get("/status", response_model=Status, summary="What the index holds")
async def status(request: Request) -> Json:
    """Numbers of pictures, files and bytes, and the model that made the index."""
    house = house_of(request)
    paths = house.shows_paths(request)

    def job(db: LexSearch) -> dict[str, Any]:
        snapshot = db.snapshot
        places = {
            "directory": str(db.directory),
            "roots": [display_path(root) for root in snapshot.roots()],
        }
        return {
            "schema": 1,
            "version": __version__,
            "model": snapshot.identity.name,
            "fingerprints": dict(snapshot.identity.fingerprints),
            "generation": snapshot.generation,
            **snapshot.counts(),
            **(places if paths else {}),
        }

    return Json(await house.run(job))


@router.get("/words", response_model=WordCounts, summary="Words that begin so")
async def words(
    request: Request,
    prefix: Annotated[
        str, Parameter(max_length=MAX_WORD, description="First letters.", examples=["umb"])
    ] = "",
    top_k: Top = 20,
) -> Json:
    """Words of the vocabulary with the number of pictures that carry them."""

    def job(db: LexSearch) -> dict[str, Any]:
        found = db.complete(prefix, top_k=top_k)
        return answers.listed([{"word": one.word, "images": one.images} for one in found])

    return Json(await house_of(request).run(job))
