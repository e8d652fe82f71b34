"""Makes queries of requests; what names a file on the server's disk is refused."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from fastapi import Request
from PIL import Image

from lexsearch.api import LexSearch
from lexsearch.errors import UsageError
from lexsearch.query import Filter, Query
from lexsearch.server.house import House
from lexsearch.server.shapes import PicturePart, QueryPart, TextPart, Wanted, WordsPart

QUERY_SIDE = 448  # longest side of a picture of the index that is part of a query


def parsed(text: str) -> Query:
    """The query of a text in the grammar of the search box.

    Raises:
        UsageError: it names a picture by its path.
    """
    query = Query.parse(text)
    if any(part.kind == "image" for part in query.parts):
        raise UsageError(
            "the query names a picture by its path, but a server opens no files by name; "
            "send the picture itself, or the id of one of the index"
        )
    return query


def filter_of(text: str | None) -> Filter | None:
    """Conditions such as `after:2024 camera:fuji`, or None."""
    return Filter.parse(text) if text else None


async def query_of(wanted: Wanted, house: House) -> Query:
    """The query that a request describes, with its pictures decoded.

    Raises:
        UsageError: a part of it is not usable.
        Problem: there is no room to decode a picture.
    """
    query = parsed(wanted.query) if wanted.query.strip() else Query()
    for part in wanted.parts:
        query = query + await _part(part, house) * part.weight
    return query.with_(
        must=wanted.must,
        exclude=wanted.exclude,
        weights=wanted.weights,
        filters=wanted.filters.filter(),
    )


async def _part(part: QueryPart, house: House) -> Query:
    if isinstance(part, TextPart):
        return Query.text(part.text)
    if isinstance(part, WordsPart):
        return Query.words(part.words)
    if isinstance(part, PicturePart):
        return Query.image(await house.picture(_bytes(part.picture)))
    return Query.image(await house.run(lambda db: of_index(db, part.id)))


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise UsageError(f"a picture is not valid base64: {error}") from error


def of_index(db: LexSearch, id: str) -> Image.Image:
    """A picture of the index, large enough to be a query."""
    return db.load_picture(id, side=QUERY_SIDE)


def remember(request: Request, queries: Sequence[Query]) -> None:
    """Keep what was asked for a log that wants it."""
    request.state.query = " | ".join(str(query) for query in queries)
