"""HTTP/1.1 with a deadline for the head of a request, against clients that send it for ever."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 10.0  # seconds from the first byte, or from connecting, to the end of the head
MAX_HEAD = 16 * 1024  # bytes


class PatientProtocol(H11Protocol):
    """uvicorn's protocol; a connection on which no request is complete in time is closed."""

    head_s = HEAD_S

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock."""
        super().connection_made(transport)
        self._start()

    def data_received(self, data: bytes) -> None:
        """Stop the clock when a head is complete; start it with the first byte of the next."""
        before = self.scope
        if self._deadline is None and (self.cycle is None or self.cycle.response_complete):
            self._start()
        super().data_received(data)
        if self.scope is not before:
            self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop()
        super().connection_lost(exc)

    def _start(self) -> None:
        self._stop()
        self._deadline = self.loop.call_later(self.head_s, self._late)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()
