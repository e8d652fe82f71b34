"""Decides who may ask and how much at a time, before anything of the request is looked at."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lexsearch.server.options import ServerOptions
from lexsearch.server.problems import BUSY_S, Problem

Headers: TypeAlias = "dict[bytes, list[bytes]]"
OPEN_PATHS = frozenset({"/healthz"})  # answer without a token: they tell nothing
LIGHT_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})  # answer even when there is no room


class Guard:
    """An ASGI application around another one.

    In this order: the name the server is addressed by, the page that the request comes from, the
    token, the size of the body, its arrival, room to work on it, and the time that takes.
    """

    def __init__(self, app: ASGIApp, options: ServerOptions) -> None:
        self.app = app
        self.options = options
        self._token = _digest(options.token.encode("ascii"))
        self._reading = 0
        self._working = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the application answer."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # no web sockets here
            return
        watched = _Watched(send)
        try:
            await self._guarded(scope, receive, watched)
        except Problem as problem:
            if watched.started:  # too late to say anything but that it ended
                raise
            scope["state"]["problem"] = problem.code
            await answer(problem, send)

    async def _guarded(self, scope: Scope, receive: Receive, send: _Watched) -> None:
        headers = _headers(scope)
        self._check_host(headers)
        self._check_origin(headers)
        if scope["path"] not in OPEN_PATHS:
            self._check_token(headers)
        self._check_length(headers)
        async with self._room("_reading", self.options.reading):
            body = await self._body(receive)
        if scope["path"] in LIGHT_PATHS:
            await self.app(scope, _Replay(body, receive), send)
            return
        async with self._room("_working", self.options.in_flight):
            await self._within_time(scope, _Replay(body, receive), send)

    async def _within_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        seconds = self.options.request_s
        try:
            async with asyncio.timeout(seconds):
                await self.app(scope, receive, send)
        except TimeoutError as error:
            said = f"no answer within {seconds:g} s; ask for less"
            raise Problem(503, "timeout", said, retry_s=BUSY_S) from error

    def _check_host(self, headers: Headers) -> None:
        given = [_text(value) for value in headers.get(b"host", [])]
        name = _host_name(given[0]) if len(given) == 1 else ""
        if not name or not self.options.answers_to(name):
            raise Problem(
                421, "host", "this server is not called so; name it with: --allowed-host NAME"
            )

    def _check_origin(self, headers: Headers) -> None:
        """Pages of other sites may send requests without asking; they get no answer."""
        site = [_text(value) for value in headers.get(b"sec-fetch-site", [])]
        origins = [_text(value) for value in headers.get(b"origin", [])]
        foreign = "cross-site" in site or not all(self._is_own(origin) for origin in origins)
        if foreign:
            raise Problem(403, "origin", "pages of other sites get no answers here")

    def _is_own(self, origin: str) -> bool:
        try:
            name = urlsplit(origin).hostname
        except ValueError:
            return False
        return name is not None and self.options.answers_to(name)

    def _check_token(self, headers: Headers) -> None:
        if not self.options.token:
            return
        given = headers.get(b"authorization", [])
        scheme, _, secret = (given[0] if len(given) == 1 else b"").partition(b" ")
        right = hmac.compare_digest(_digest(secret.strip()), self._token)
        if scheme.lower() != b"bearer" or not right:
            raise Problem(
                401,
                "token",
                "send the token of this server as: Authorization: Bearer TOKEN",
                headers={"www-authenticate": 'Bearer realm="lexsearch"'},
            )

    def _check_length(self, headers: Headers) -> None:
        for value in headers.get(b"content-length", []):
            if value.isdigit() and int(value[:20]) > self.options.max_body:
                raise self._too_large()

    def _too_large(self) -> Problem:
        most = self.options.max_body
        said = f"the body has more than {most:,} bytes, which are allowed at most"
        return Problem(413, "too-large", said, headers={"connection": "close"})

    async def _body(self, receive: Receive) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.options.body_s):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Problem(408, "gone", "the client left", headers=_CLOSE)
                    part = message.get("body", b"")
                    size += len(part)
                    if size > self.options.max_body:
                        raise self._too_large()
                    parts.append(part)
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError as error:
            said = f"the body did not arrive within {self.options.body_s:g} s"
            raise Problem(408, "slow", said, headers=_CLOSE) from error

    @contextlib.asynccontextmanager
    async def _room(self, counter: str, most: int) -> AsyncIterator[None]:
        if getattr(self, counter) >= most:
            said = f"{most} requests are being worked on already"
            raise Problem(503, "busy", said, retry_s=BUSY_S)
        setattr(self, counter, getattr(self, counter) + 1)
        try:
            yield
        finally:
            setattr(self, counter, getattr(self, counter) - 1)


async def answer(problem: Problem, send: Send) -> None:
    """Send a problem document."""
    headers = problem.header_list()
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": problem.body()})


class _Watched:
    """`send` that knows whether an answer has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        self.started = True
        await self._send(message)


class _Replay:
    """`receive` for a body that is here already."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Any:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        return await self._receive()


_CLOSE = {"connection": "close"}


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()


def _headers(scope: Scope) -> Headers:
    found: Headers = {}
    for name, value in scope["headers"]:
        found.setdefault(name.lower(), []).append(value)
    return found


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _host_name(host: str) -> str:
    """The name in a Host header, without its port; empty for nonsense."""
    if host.startswith("["):
        name, bracket, port = host.partition("]")
        name = name + bracket if bracket else ""
        port = port.removeprefix(":") if port.startswith(":") or not port else "x"
    else:
        name, _, port = host.partition(":")
    return name if not port or (port.isascii() and port.isdigit()) else ""
