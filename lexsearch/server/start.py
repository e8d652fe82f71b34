"""Runs the server until it is told to stop."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType

import uvicorn

from lexsearch.errors import UsageError
from lexsearch.server.application import create_app
from lexsearch.server.options import ServerOptions
from lexsearch.server.protocol import MAX_HEAD, PatientProtocol
from lexsearch.server.supervisor import supervised
from lexsearch.settings import Settings

BACKLOG = 2_048
GRACE_S = 35  # for requests in flight when the server is told to stop


def serve(
    settings: Settings,
    options: ServerOptions,
    say: Callable[[str], None],
    complain: Callable[[str], None],
) -> int:
    """Listen and answer until SIGTERM or Ctrl-C; requests in flight are finished first.

    On Linux a child answers; requests wait while a child that a signal ended is replaced.

    Args:
        settings: name the index.
        options: of the server.
        say: told the address once the server listens.
        complain: told when the server is started again.

    Returns:
        The exit code.

    Raises:
        UsageError: the address cannot be listened on.
        StorageError: the server was ended again and again soon after its start.
        KeyboardInterrupt: it was Ctrl-C.
    """
    with listen(options) as listening:
        say(f"http://{_shown(options.host)}:{listening.getsockname()[1]}")
        return supervised(lambda: _answer(settings, options, listening), complain)


def _answer(settings: Settings, options: ServerOptions, listening: socket.socket) -> None:
    """Answer what comes in at a socket, until told to stop."""
    _log_lines()
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings, options),
            http=PatientProtocol,
            ws="none",
            loop="asyncio",
            lifespan="on",
            h11_max_incomplete_event_size=MAX_HEAD,
            timeout_keep_alive=10,
            timeout_graceful_shutdown=GRACE_S,
            backlog=BACKLOG,
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_config=None,
        )
    )
    if threading.current_thread() is threading.main_thread():
        # uvicorn ends cleanly and then raises the signal again; being told to stop is no failure.
        # One that comes before uvicorn hears it ends the server as soon as it has started.
        signal.signal(signal.SIGTERM, partial(_stop, server))
    server.run(sockets=[listening])


def listen(options: ServerOptions) -> socket.socket:
    """The socket of a server.

    Raises:
        UsageError: the port is taken, or the host is not of this computer.
    """
    try:
        found = socket.getaddrinfo(
            options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, address = found[0]
        # asyncio sends small answers at once only on sockets that say they speak TCP; otherwise
        # each waits 40 ms for the client's acknowledgement of its first half.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise UsageError(f"no such host to listen on: {options.host!r} ({error})") from error
    try:
        if sys.platform != "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise UsageError(
            f"cannot listen on {options.host} port {options.port}: {error.strerror}; "
            "name another with: --port N"
        ) from error
    return listening


def _log_lines() -> None:
    """One line on stderr for each request; of uvicorn only what goes wrong."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    for name, level in (("lexsearch.server", logging.INFO), ("uvicorn.error", logging.ERROR)):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _stop(server: uvicorn.Server, number: int, frame: FrameType | None) -> None:
    server.should_exit = True
