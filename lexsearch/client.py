"""Asks a running `lexsearch serve`; loads no numeric library, so that an answer is instant."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from lexsearch import served
from lexsearch.errors import (
    IndexDamaged,
    IndexMissing,
    IndexTooNew,
    IndexTooOld,
    LexsearchError,
    ModelMissing,
    ServerMissing,
    ServerRefused,
    ServerTooNew,
    StorageError,
    UsageError,
    WrongModel,
)
from lexsearch.image_id import docid, image_id_of
from lexsearch.own_ids import DOCID
from lexsearch.query import Filter, Query
from lexsearch.results import SCHEMA, SearchResults

CONNECT_S = 5.0
ANSWER_S = 60.0
MAX_PICTURE = 20_000_000  # bytes of an uploaded file
PNG = b"\x89PNG\r\n\x1a\n"
_KINDS: Mapping[str, type[LexsearchError]] = {
    "usage": UsageError,
    "form": UsageError,
    "too-large": UsageError,
    "no-picture": UsageError,
    "gone": UsageError,
    "wrong-model": WrongModel,
    "index-too-new": IndexTooNew,
    "index-too-old": IndexTooOld,
    "index-damaged": IndexDamaged,
    "index-missing": IndexMissing,
    "model-missing": ModelMissing,
    "storage": StorageError,
    "no-route": ServerTooNew,
}


class Client:
    """Searches on a server, with the results and errors of `LexSearch`.

    Args:
        address: such as `http://127.0.0.1:8080`; `https` where a proxy speaks it.
        token: what the server asks for, or nothing.

    Raises:
        UsageError: the address is none.
    """

    def __init__(self, address: str, *, token: str = "") -> None:
        try:
            parts = urlsplit(address if "//" in address else f"http://{address}")
            host, port = parts.hostname, parts.port
        except ValueError:  # a port or a bracket that is none
            host, port = None, None
        if not host or parts.scheme not in ("http", "https"):
            raise UsageError(
                f"{address!r} is no address of a server; expected such as http://127.0.0.1:8080"
            )
        self.address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._secure = parts.scheme == "https"
        self._host, self._port = host, port
        self._base = parts.path.rstrip("/") + "/v1"
        self._token = token

    def search(
        self,
        query: Query,
        *,
        top_k: int = 10,
        mode: str = "hybrid",
        cutoff: str | float = "none",
        rerank: int | None = None,
        every_word: bool = False,
        group_duplicates: bool = False,
    ) -> SearchResults:
        """As `LexSearch.search`.

        Raises:
            ServerMissing, ServerRefused, ServerTooNew: there is no such server, it refuses this
                client, or it speaks another version.
            LexsearchError: what `LexSearch.search` would raise.
        """
        manner = {
            "top_k": top_k,
            "mode": mode,
            "cutoff": _number(cutoff),
            "rerank": rerank,
            "every_word": every_word,
            "group_duplicates": group_duplicates,
        }
        found = served.results(self._ask("POST", "/search", {**_wanted(query), **manner}))
        notes = (*query.notes, *(note for note in found.notes if note not in query.notes))
        return replace(found, query=str(query), notes=notes)

    def like(
        self,
        picture: str | os.PathLike[str],
        *,
        top_k: int = 10,
        mode: str = "hybrid",
        cutoff: str | float = "none",
        every_word: bool = False,
        group_duplicates: bool = False,
    ) -> SearchResults:
        """As `LexSearch.like`; the picture is known by its bytes, not by its path."""
        asked = {
            "top_k": top_k,
            "mode": mode,
            "cutoff": _number(cutoff),
            "every_word": str(every_word).lower(),
            "group_duplicates": str(group_duplicates).lower(),
            "leave_out_same": "true",
        }
        found = served.results(
            self._ask("POST", f"/search/picture?{urlencode(asked)}", _file_bytes(picture))
        )
        return replace(found, query=os.fspath(picture))

    def explain(
        self, query: Query, picture: str | os.PathLike[str], *, words: Sequence[str] = ()
    ) -> served.ServedExplanation:
        """As `LexSearch.explain`, of a picture that the server's index holds.

        Args:
            query: as in `search`.
            picture: a file, known by its bytes wherever the server has it, or an id of 16 hex
                digits.
            words: that maps are wanted of; none = those that speak most for the picture.

        Raises:
            UsageError: the index of the server holds no such picture; a word is none.
            LexsearchError: as `search`.
        """
        answer = self._ask(*self._of(picture, "explanation"), _with_words(query, words))
        return served.explained(answer, str(query))

    def heatmap(
        self, query: Query, picture: str | os.PathLike[str], *, words: Sequence[str] = ()
    ) -> bytes:
        """A PNG of the picture with one heat map per word; see `explain`."""
        status, data = self._send(*self._of(picture, "heatmap"), _with_words(query, words))
        if status == 200 and data.startswith(PNG):
            return data
        self._parsed(status, data)  # raises what the server says
        raise self._stranger("no picture in the answer")

    def _of(self, picture: str | os.PathLike[str], what: str) -> tuple[str, str]:
        """Method and route of what is asked about a picture."""
        return "POST", f"/pictures/{_id_of(picture)}/{what}"

    def _ask(self, method: str, route: str, body: bytes | dict[str, Any] | None = None) -> Any:
        answer = self._parsed(*self._send(method, route, body))
        if answer.get("schema") != SCHEMA:
            raise ServerTooNew(
                f"the server at {self.address} answers in schema {answer.get('schema')!r}; this "
                f"lexsearch knows {SCHEMA}; use the same version on both sides"
            )
        return answer

    def _send(
        self, method: str, route: str, body: bytes | dict[str, Any] | None
    ) -> tuple[int, bytes]:
        headers = {"Accept": "application/json, image/png", "User-Agent": "lexsearch"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if isinstance(body, dict):
            headers["Content-Type"] = "application/json"
            body = json.dumps(body).encode("ascii")
        elif body is not None:
            headers["Content-Type"] = "application/octet-stream"
        return self._exchange(method, self._base + route, body, headers)

    def _parsed(self, status: int, data: bytes) -> dict[str, Any]:
        """An answer in JSON; what is none, or an error, is raised."""
        try:
            answer = json.loads(data)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self._stranger(f"status {status}, and not JSON")
        if status >= 400:
            raise self._error(status, answer)
        return answer

    def _exchange(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=CONNECT_S)
        try:
            try:
                connection.connect()
            except OSError as error:
                raise ServerMissing(
                    f"no server answers at {self.address} ({error.strerror or error}); start one "
                    "with: lexsearch serve"
                ) from error
            assert connection.sock is not None
            connection.sock.settimeout(ANSWER_S)
            # It may have answered before it read everything.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, target, body, dict(headers))
            response = connection.getresponse()
            return response.status, response.read()
        except TimeoutError as error:
            raise ServerMissing(
                f"the server at {self.address} did not answer within {ANSWER_S:.0f} s"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise self._stranger(type(error).__name__) from error
        finally:
            connection.close()

    def _error(self, status: int, answer: Mapping[str, Any]) -> LexsearchError:
        code, detail = answer.get("code"), str(answer.get("detail", ""))
        if code is None:
            return self._stranger(f"status {status}")
        if status == 401:
            given = "the token is not the one" if self._token else "a token is missing"
            return ServerRefused(
                f"the server at {self.address} asks for a token, and {given}; give it as "
                "LEXSEARCH_TOKEN"
            )
        if code in ("busy", "decoding", "timeout", "starting"):
            return ServerMissing(f"the server at {self.address} is busy: {detail}; try again")
        if code in ("host", "origin"):
            return ServerRefused(f"the server at {self.address} refuses: {detail}")
        if code == "no-route":
            detail = "it is of another version; use the same one on both sides"
        kind = _KINDS.get(str(code), LexsearchError)
        return kind(f"the server at {self.address} says: {detail}")

    def _stranger(self, found: str) -> ServerMissing:
        return ServerMissing(
            f"what answers at {self.address} is no lexsearch server ({found}); "
            "check the address, or start one with: lexsearch serve"
        )


def _wanted(query: Query) -> dict[str, Any]:
    return {
        "parts": [_part(part.kind, part.value, part.weight) for part in query.parts],
        "weights": dict(query.weights),
        "must": list(query.must),
        "exclude": list(query.exclude),
        "filters": _conditions(query.filters),
    }


def _conditions(filters: Filter) -> dict[str, Any]:
    given = {name: value for name, value in asdict(filters).items() if value}
    if "meta" in given:
        given["meta"] = dict(filters.meta)
    return given


def _part(kind: str, value: Any, weight: float) -> dict[str, Any]:
    if kind == "image":
        return {"picture": base64.b64encode(_file_bytes(value)).decode("ascii"), "weight": weight}
    return {kind: dict(value) if kind == "words" else value, "weight": weight}


def _file_bytes(picture: object) -> bytes:
    if not isinstance(picture, str | os.PathLike):
        raise UsageError("only pictures in files can be sent to a server")
    path = Path(picture).expanduser()
    try:
        if path.stat().st_size > MAX_PICTURE:
            raise UsageError(
                f"{path} has {path.stat().st_size:,} bytes; a server takes at most {MAX_PICTURE:,}"
            )
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"no such picture: {path} ({error.strerror})") from error


def _number(cutoff: str | float) -> str | float:
    """A cut-off as JSON has it; the infinite ones as the largest numbers it may have."""
    return cutoff if isinstance(cutoff, str) else max(-1e6, min(1e6, cutoff))


def _id_of(picture: str | os.PathLike[str]) -> str:
    path = Path(picture).expanduser()
    try:
        with path.open("rb") as file:
            return docid(image_id_of(hashlib.file_digest(file, "sha256").digest()))
    except OSError as error:
        if isinstance(picture, str) and DOCID.fullmatch(picture):
            return picture
        raise UsageError(
            f"no such picture: {path} ({error.strerror}); give a file, or an id of 16 hex digits"
        ) from error


def _with_words(query: Query, words: Sequence[str]) -> dict[str, Any]:
    return {**_wanted(query), "words": list(dict.fromkeys(words))}
