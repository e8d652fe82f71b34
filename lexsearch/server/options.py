"""What a server is told: where it listens, whom it answers, and how much at a time."""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
from dataclasses import dataclass, field

from lexsearch.errors import UsageError

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
LEAST_TOKEN = 16  # characters; a shorter secret can be guessed


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Limits and access of one server.

    Attributes:
        host, port: to listen on; port 0 = any free one.
        token: every request but `/healthz` must carry it; empty = none is asked for.
        allowed_hosts: further names under which the server may be addressed.
        model_ttl_s: idle seconds after which the model is released; 0 = never.
        log_queries: whether the log shows what was searched for.
        workers: searches that run at the same time.
        in_flight: requests that are worked on or wait for a worker; further ones get 503.
        reading: requests whose body is being received; further ones get 503.
        decoding: uploaded pictures that are decoded at the same time; further ones get 429.
        max_body: bytes of a request's body.
        body_s: seconds in which a body must have arrived.
        request_s: seconds after which a request is given up.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    token: str = field(default="", repr=False)
    allowed_hosts: frozenset[str] = frozenset()
    model_ttl_s: float = 300.0
    log_queries: bool = False
    workers: int = field(default_factory=lambda: max(2, min(8, os.cpu_count() or 1)))
    in_flight: int = 32
    reading: int = 32
    decoding: int = 4
    max_body: int = 20_000_000
    body_s: float = 15.0
    request_s: float = 30.0

    def __post_init__(self) -> None:
        if not self.is_local and not self.token:
            raise UsageError(f"a server on {self.host} needs a token; give one with: --token TOKEN")
        if self.token and (
            len(self.token) < LEAST_TOKEN
            or not self.token.isascii()
            or not self.token.isprintable()
        ):
            raise UsageError(
                f"the token has {len(self.token)} characters; expected at least {LEAST_TOKEN} "
                "ASCII characters without line breaks, such as those of: openssl rand -base64 32"
            )

    @property
    def is_local(self) -> bool:
        """Whether only programs on this computer can reach the server."""
        return is_loopback(self.host)

    def answers_to(self, host: str) -> bool:
        """Whether a request may name the server so, in its Host header without the port.

        A page of another site that points its own name at this computer (DNS rebinding) sends
        that name. So names must be known; addresses are no names.
        """
        name = host.removeprefix("[").removesuffix("]").lower()
        if name in LOCAL_NAMES or name == self.host.lower() or name in self.allowed_hosts:
            return True
        return not self.is_local and (_is_address(name) or name == socket.gethostname().lower())


def is_loopback(host: str) -> bool:
    """Whether a host to listen on is this computer alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def new_token() -> str:
    """A secret of 256 bits."""
    return secrets.token_urlsafe(32)
