"""Errors as a client sees them: problem details (RFC 9457), without paths and tracebacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lexsearch.errors import (
    IndexDamaged,
    IndexMissing,
    IndexTooNew,
    IndexTooOld,
    LexsearchError,
    ModelMissing,
    StorageError,
    UsageError,
    WrongModel,
)

MEDIA_TYPE = "application/problem+json"
KIND = "urn:lexsearch:problem:"  # + the code
TITLES = {
    400: "The query cannot be answered",
    401: "A token is needed",
    403: "Refused",
    404: "Not found",
    405: "Method not allowed",
    408: "The request took too long to arrive",
    410: "The photo is gone",
    413: "The request is too large",
    415: "Not a supported kind of content",
    421: "Not a name of this server",
    422: "The request does not have the described form",
    429: "Too many pictures at a time",
    500: "Internal error",
    503: "The server cannot answer now",
}
# Kind of error -> status, name in the answer, and the sentence that replaces one with paths.
_STATES: tuple[tuple[type[LexsearchError], str, str], ...] = (
    (WrongModel, "wrong-model", "the index was made by another model; index again"),
    (IndexTooNew, "index-too-new", "a newer lexsearch wrote the index; upgrade the server"),
    (IndexTooOld, "index-too-old", "an older lexsearch wrote the index; run: lexsearch upgrade"),
    (IndexDamaged, "index-damaged", "the index is damaged; run: lexsearch check"),
    (IndexMissing, "index-missing", "there is no index; make one with: lexsearch index PATH"),
    (ModelMissing, "model-missing", "the model of the index is not installed on the server"),
    (StorageError, "storage", "the server's disk did not answer"),
)
BUSY_S = 1  # Retry-After of a server that has no room now
BROKEN_S = 30  # and of one that somebody must mend


class Problem(Exception):
    """An answer that is an error.

    Attributes:
        status: of HTTP.
        code: short name of the kind of error, for programs.
        detail: a sentence for people; holds nothing that the client may not know.
        retry_s: seconds after which it is worth trying again, or None.
        headers: further headers.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        retry_s: int | None = None,
        errors: list[dict[str, Any]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_s = retry_s
        self.errors = errors
        self.headers = headers or {}

    def body(self) -> bytes:
        """The problem document in UTF-8."""
        document: dict[str, Any] = {
            "type": f"{KIND}{self.code}",
            "title": TITLES.get(self.status, "Error"),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.errors is not None:
            document["errors"] = self.errors
        return json.dumps(document).encode("ascii")

    def header_list(self) -> list[tuple[bytes, bytes]]:
        """Headers of the answer."""
        body = self.body()
        headers = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), **self.headers}
        if self.retry_s is not None:
            headers["retry-after"] = str(self.retry_s)
        return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]


def problem_of(error: Exception, directory: Path) -> Problem:
    """The problem behind an error of the library; the folder of the index is not named in it."""
    for kind, code, detail in _STATES:
        if isinstance(error, kind):
            return Problem(503, code, detail, retry_s=BROKEN_S)
    if isinstance(error, OSError):
        return Problem(503, "storage", "the server's disk did not answer", retry_s=BROKEN_S)
    if isinstance(error, UsageError):
        return Problem(400, "usage", str(error).replace(str(directory), "the index"))
    return Problem(500, "internal", "the server failed; its log says why")
