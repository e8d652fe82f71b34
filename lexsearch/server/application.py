"""Puts the server together: routes, errors, the OpenAPI document, the guard and the journal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from lexsearch import __version__
from lexsearch.errors import LexsearchError
from lexsearch.server import pictures, searching, service
from lexsearch.server.guard import Guard
from lexsearch.server.house import House, house_of
from lexsearch.server.journal import Journal
from lexsearch.server.options import ServerOptions
from lexsearch.server.problems import BUSY_S, MEDIA_TYPE, TITLES, Problem, problem_of
from lexsearch.server.shapes import ProblemDetails
from lexsearch.settings import Settings

logger = logging.getLogger("lexsearch.server")
GENERAL = (400, 403, 405, 408, 413, 421, 422, 500, 503)  # what any route may answer
DESCRIPTION = """Hybrid image search that shows which words fired where.

Pictures are named by id, 16 hex digits; photos themselves are never sent. Errors are problem
details (RFC 9457) with a `code` for programs. A server that has no room answers 503, or 429 when
too many uploaded pictures are being decoded, with the seconds to wait in `Retry-After`.
"""


def create_app(settings: Settings, options: ServerOptions) -> ASGIApp:
    """The server of the index that the settings name, as an ASGI application."""
    house = House(settings, options)
    app = FastAPI(
        title="lexsearch",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,  # pages of Swagger UI and ReDoc load scripts from other sites
        redoc_url=None,
        lifespan=_lifespan,
        redirect_slashes=False,
    )
    app.state.house = house
    problems = _described(options)
    app.include_router(service.health_router, responses=problems)
    app.include_router(service.router, responses=problems)
    app.include_router(searching.router, responses=problems | _described_as(429))
    app.include_router(pictures.router, responses=problems | _described_as(404, 410, 429))
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(LexsearchError, _on_error)
    app.add_exception_handler(OSError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_wrong_form)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_error)
    app.openapi = lambda: _document(app, options)  # type: ignore[method-assign]
    return Journal(Guard(app, options), options, house.metrics)


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    house: House = app.state.house
    warming = asyncio.create_task(house.warm_up())
    sweeping = asyncio.create_task(house.sweep())
    try:
        yield
    finally:
        warming.cancel()
        sweeping.cancel()
        await asyncio.to_thread(house.close)


def _answer(request: Request, problem: Problem) -> Response:
    request.state.problem = problem.code
    response = Response(problem.body(), status_code=problem.status)
    response.raw_headers = problem.header_list()
    return response


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return _answer(request, error)


async def _on_error(request: Request, error: Exception) -> Response:
    problem = problem_of(error, house_of(request).keeper.directory)
    if problem.status >= 500 and isinstance(error, LexsearchError | OSError):
        logger.error("%s: %s", problem.code, error)
    return _answer(request, problem)


async def _on_wrong_form(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [
        {"where": ".".join(str(step) for step in one["loc"])[:200], "what": str(one["msg"])[:300]}
        for one in error.errors()[:20]
    ]
    first = f"{faults[0]['where']}: {faults[0]['what']}" if faults else "not as described"
    return _answer(request, Problem(422, "form", first, errors=faults))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = {404: "no-route", 405: "method", 400: "form"}
    said = TITLES.get(error.status_code, str(error.detail))
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if error.status_code == 405:
        headers["allow"] = ", ".join(_methods(request))
    code = known.get(error.status_code, "http")
    return _answer(request, Problem(error.status_code, code, said, headers=headers))


def _methods(request: Request) -> list[str]:
    """What may be done at an address; the router names the methods of one of its routes only."""
    paths = request.app.openapi()["paths"]
    for template, operations in paths.items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), request.url.path):
            return sorted(method.upper() for method in operations)
    return []


def _described_as(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {s: {"model": ProblemDetails, "description": TITLES[s]} for s in statuses}


def _described(options: ServerOptions) -> dict[int | str, dict[str, Any]]:
    return _described_as(*GENERAL, *((401,) if options.token else ()))


def _document(app: FastAPI, options: ServerOptions) -> dict[str, Any]:
    """The OpenAPI document; problems under their own kind of content, tokens where asked for."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _describe(operation, needs_token=bool(options.token) and path != "/healthz")
    if options.token:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    app.openapi_schema = document
    return document


def _describe(operation: dict[str, Any], *, needs_token: bool) -> None:
    if needs_token:
        operation["security"] = [{"token": []}]
    else:
        operation["responses"].pop("401", None)
    for status, response in operation["responses"].items():
        if int(status) < 400:
            continue
        content = response.get("content", {})
        if "application/json" in content:
            content[MEDIA_TYPE] = content.pop("application/json")
        if status in ("429", "503"):
            response["headers"] = {
                "Retry-After": {
                    "description": "Seconds to wait.",
                    "schema": {"type": "integer", "minimum": BUSY_S},
                    "required": True,
                }
            }
