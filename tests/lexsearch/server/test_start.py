"""The socket of a server."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from lexsearch.errors import UsageError
from lexsearch.server.options import ServerOptions
from lexsearch.server.start import listen


def test_answers_are_sent_at_once(completed: Any) -> None:
    """Without TCP_NODELAY every answer waits some 40 ms for an acknowledgement."""

    async def accepted_without_delay() -> bool:
        found = asyncio.get_running_loop().create_future()

        class Accepted(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                held = transport.get_extra_info("socket")
                found.set_result(held.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                transport.close()

        listening = listen(ServerOptions(port=0))
        server = await asyncio.get_running_loop().create_server(Accepted, sock=listening)
        with socket.create_connection(listening.getsockname()):
            answer = await found
        server.close()
        await server.wait_closed()
        return bool(answer)

    assert completed(accepted_without_delay())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_port_0_takes_any(host: str) -> None:
    with listen(ServerOptions(host, port=0)) as listening:
        assert listening.getsockname()[1] > 0


def test_a_taken_port_is_an_error_with_the_option() -> None:
    with (
        listen(ServerOptions(port=0)) as first,
        pytest.raises(UsageError, match=f"port {first.getsockname()[1]}.*--port"),
    ):
        listen(ServerOptions(port=first.getsockname()[1]))
