"""Asks a server that runs in a process of its own."""

from __future__ import annotations

import http.client
import json
from typing import Any


def ask(server: Any, route: str, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    try:
        connection.request("GET", route, headers=headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()
