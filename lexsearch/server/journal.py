"""Counts and logs every request, and adds the headers that every answer carries."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lexsearch.server.options import ServerOptions

logger = logging.getLogger("lexsearch.server")
METHODS = frozenset({"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"})
SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
MAX_LOGGED = 200  # letters of a query in the log
# Nothing that is answered may run, be framed, be read by other sites, be kept by caches or be
# guessed to be of another kind than it says.
ALWAYS = {
    b"x-content-type-options": b"nosniff",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}


class Metrics:
    """What `/metrics` tells."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "lexsearch_requests_total",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "lexsearch_request_seconds",
            "Seconds from the head of a request to the end of its answer.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.stages = Histogram(
            "lexsearch_search_stage_seconds",
            "Seconds of a search by stage.",
            ("stage",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "lexsearch_requests_in_flight", "Requests not answered yet.", registry=self.registry
        )

    def gauge(self, name: str, about: str, value: Callable[[], float]) -> None:
        """A further number, asked for when somebody looks."""
        Gauge(name, about, registry=self.registry).set_function(value)

    def text(self) -> bytes:
        """All of it in the text format of Prometheus."""
        return generate_latest(self.registry)


class Journal:
    """An ASGI application around another one; the outermost."""

    def __init__(self, app: ASGIApp, options: ServerOptions, metrics: Metrics) -> None:
        self.app = app
        self.options = options
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and note what came of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})
        status, size = 499, 0  # of a client that left before there was an answer

        async def watched(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                given = {name.lower() for name, _ in message["headers"]}
                missing = [pair for pair in ALWAYS.items() if pair[0] not in given]
                message["headers"] = [*message["headers"], *missing]
            else:
                size += len(message.get("body", b""))
            await send(message)

        start = time.perf_counter()
        with self.metrics.in_flight.track_inprogress():
            try:
                await self.app(scope, receive, watched)
            finally:
                self._note(scope, status, size, time.perf_counter() - start)

    def _note(self, scope: Scope, status: int, size: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if scope["method"] in METHODS else "other"
        self.metrics.requests.labels(method, route, str(status)).inc()
        self.metrics.seconds.labels(route).observe(seconds)
        line = f"{status} {method} {route} {1000 * seconds:.1f} ms {size} B"
        problem = scope["state"].get("problem")
        if problem:
            line += f" {problem}"
        if self.options.log_queries:
            asked = scope["state"].get("query")
            if asked is None and scope["query_string"]:
                asked = unquote_to_bytes(scope["query_string"]).decode("utf-8", "replace")
            if asked:
                line += f" query={asked[:MAX_LOGGED]!r}"
        logger.info(line)
