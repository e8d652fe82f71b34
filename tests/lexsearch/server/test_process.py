"""The real server in a process of its own: starts, stops, strangers, a writer beside it."""

from __future__ import annotations

import concurrent.futures
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from lexsearch.cli.demo import corpus
from tests.lexsearch.server.asking import ask

ROOT = Path(__file__).parents[3]
SECRET = "a secret of enough letters"


def raw(server: Any, data: bytes, *, wait_s: float = 20.0) -> bytes:
    """What comes back for bytes that need be no HTTP; until the server closes."""
    with socket.create_connection((server.host, server.port), timeout=wait_s) as line:
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)
        found = b""
        while part := line.recv(65_536):
            found += part
        return found


def wait_until_ready(server: Any) -> None:
    end = time.monotonic() + 60
    while ask(server, "/readyz")[0] != 200:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_answers_until_it_is_told_to_stop(
    served: Callable[..., Any], number: int, code: int
) -> None:
    server = served()
    assert ask(server, "/healthz") == (200, {"status": "ok"})
    assert len(ask(server, "/v1/search?q=car")[1]["hits"]) == 5
    assert server.stop(number) == code
    log = server.log.read_text()
    assert "Traceback" not in log
    assert "200 GET /v1/search " in log
    assert "car" not in log


def test_a_request_in_flight_is_answered_before_it_stops(served: Callable[..., Any]) -> None:
    server = served()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, server, "/v1/search?q=car")  # the model is still being loaded
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        assert asked.result()[0] == 200
    assert server.stop() == 0


def test_it_is_up_before_its_model(served: Callable[..., Any]) -> None:
    server = served()
    assert ask(server, "/healthz")[0] == 200
    wait_until_ready(server)
    assert ask(server, "/readyz")[1] == {"status": "ready", "model": "warm"}


def test_an_idle_model_is_released_and_comes_back(served: Callable[..., Any]) -> None:
    server = served("--model-ttl", "0.3")
    assert ask(server, "/v1/search?q=car")[0] == 200
    end = time.monotonic() + 30
    while ask(server, "/readyz")[1]["model"] != "released":
        assert time.monotonic() < end
        time.sleep(0.1)
    assert len(ask(server, "/v1/search?q=car")[1]["hits"]) == 5


def test_queries_are_logged_only_when_asked_for(served: Callable[..., Any]) -> None:
    server = served("--log-queries")
    ask(server, "/v1/search?q=a%0Astrange%1b%5B2Jcar")
    server.stop()
    (line,) = [one for one in server.log.read_text().splitlines() if "/v1/search" in one]
    assert "strange" in line
    assert "\x1b" not in line


def test_another_host_makes_a_token_and_asks_for_it(served: Callable[..., Any]) -> None:
    server = served("--host", "0.0.0.0")
    server.host = "127.0.0.1"
    assert ask(server, "/v1/status")[0] == 401
    said = server.log.read_text()
    token = said.partition("token: ")[2].split()[0]
    assert len(token) >= 40
    assert "not encrypted" in said
    status, answer = ask(server, "/v1/status", Authorization=f"Bearer {token}")
    assert (status, answer["images"]) == (200, 5)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--host", "0.0.0.0", "--token", "short"], 2, "at least 16"),
        (["--host", "203.0.113.9", "--token", SECRET], 2, "cannot listen on 203.0.113.9"),
        (["--host", "no such host", "--token", SECRET], 2, "no such host"),
        (["--db", "./none"], 4, "lexsearch index"),
    ],
)
def test_what_cannot_be_served_is_said_at_once(
    made_db: Path, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    db = [] if "--db" in words else ["--db", str(made_db)]
    run = subprocess.run(
        [sys.executable, "-m", "lexsearch.cli", "serve", *db, *words],
        capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LEXSEARCH_DATA_DIR": str(tmp_path)},
    )  # fmt: skip
    assert run.returncode == code, run.stderr
    assert said in run.stderr
    assert "Traceback" not in run.stderr


def test_a_taken_port_is_named(served: Callable[..., Any], made_db: Path) -> None:
    server = served()
    run = subprocess.run(
        [sys.executable, "-m", "lexsearch.cli", "serve", "--db", str(made_db), "--port",
         str(server.port)],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert run.returncode == 2
    assert f"port {server.port}" in run.stderr
    assert "--port" in run.stderr


def test_strange_bytes_do_it_no_harm(served: Callable[..., Any]) -> None:
    server = served()
    host = b"Host: 127.0.0.1\r\n"
    for data in (
        b"\x00\xff\xfe nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\n\r\n",  # no host
        b"GET /v1/status HTTP/1.1\r\n" + host + b"Host: evil.example\r\n\r\n",
        b"GET http://evil.example/v1/status HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n" + host + b"\r\n",
        b"GET /v1/status HTTP/1.1\r\n" + host + b"X: " + b"y" * 40_000 + b"\r\n\r\n",
        b"POST /v1/search HTTP/1.1\r\n" + host + b"Content-Length: 99999999999\r\n\r\n",
        b"POST /v1/search HTTP/1.1\r\n" + host + b"Content-Length: -1\r\n\r\n",
        b"POST /v1/search HTTP/1.1\r\n" + host + b"Content-Length: 5\r\nTransfer-Encoding: chunked"
        b"\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n",
    ):
        found = raw(server, data)
        assert found[9:10] in (b"", b"4"), (data[:60], found[:200])
    for path in ("/../../etc/passwd", "/v1/../../etc/passwd", "/v1/pictures/%2e%2e%2fx/thumbnail"):
        assert ask(server, path)[0] in (404, 422)
    assert ask(server, "/v1/search?q=" + quote("🐕 \u202e\ud7ff" * 50))[0] == 200
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[" * 100_000, b"null", b"[]", b'"x"', b'{"query": 1}', b"\xff\xfe\x00",
        b'{"query": "car", "weights": {"car": NaN}}', b'{"query": "car", "cutoff": NaN}',
        b'{"query": "car", "weights": {"car": 1e999}}',
        b'{"parts": [{"words": {"car": -Infinity}}]}',
        b'{"query": "\\ud800", "must": ["\\udfff"]}', b'{"query": "car", "rerank": -1}',
        b'{"query": "car", "query": "car", "__proto__": {}}',
        b'{"query": "' + b"a" * 100_000 + b'"}',
        b'{"parts": [' + b'{"text":"a"},' * 40 + b'{"text":"a"}]}',
        b'{"parts": [{"picture": "!!!"}]}', b'{"parts": [{"id": "../../x"}]}',
    ],
)  # fmt: skip
def test_hostile_bodies_are_refused(client: Any, body: bytes) -> None:
    found = client.post("/v1/search", content=body, headers={"content-type": "application/json"})
    assert found.status_code in (400, 422), found.text
    assert found.headers["content-type"] == "application/problem+json"
    assert len(found.content) < 20_000


def test_a_text_of_any_letters_is_only_a_query(client: Any) -> None:
    for text in ("'; DROP TABLE image; --", "(a+)+$" * 200, "\u202e\u0000\x1b[2J", "ignore all",
                 "🐕‍🦺", "a" * 16_000):  # fmt: skip
        found = client.post("/v1/search", json={"query": text})
        assert found.status_code == 200, text[:30]
        assert len(found.json()["hits"]) == 5


def test_slow_and_idle_strangers_keep_nobody_waiting(served: Callable[..., Any]) -> None:
    server = served()
    wait_until_ready(server)
    lines = [socket.create_connection((server.host, server.port)) for _ in range(400)]
    try:
        for line in lines[:200]:
            line.sendall(b"GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
        start = time.monotonic()
        assert ask(server, "/v1/search?q=car")[0] == 200
        assert time.monotonic() - start < 2.0
        lines[0].settimeout(20.0)
        lines[-1].settimeout(20.0)
        assert lines[0].recv(1) == b""  # closed: its head did not end in time
        assert lines[-1].recv(1) == b""  # and this one never began
        assert time.monotonic() - start < 20.0
    finally:
        for line in lines:
            line.close()


def test_a_connection_that_is_kept_may_rest_and_ask_again(served: Callable[..., Any]) -> None:
    server = served()
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    for _ in range(3):
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b'{"status":"ok"}'
        time.sleep(0.2)
    connection.close()


@pytest.mark.slow
def test_searches_go_on_while_pictures_are_indexed(
    served: Callable[..., Any], made_db: Path, tmp_path: Path
) -> None:
    db = Path(shutil.copytree(made_db, tmp_path / "db"))
    photos = tmp_path / "more"
    photos.mkdir()
    files = sorted(file for file in corpus().iterdir() if file.suffix == ".jpg")[:60]
    for file in files:
        shutil.copy(file, photos)
    server = served(db=db)
    wait_until_ready(server)
    seen: list[tuple[int, int]] = []
    stop = False

    def client(_: int) -> None:
        while not stop:
            status, answer = ask(server, "/v1/search?q=a+red+car&top_k=200")
            assert status == 200, answer
            assert len(answer["hits"]) >= 5
            seen.append((answer["generation"], len(answer["hits"])))

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        running = [pool.submit(client, number) for number in range(3)]
        try:
            for part in (files[:20], files[20:40], files[40:]):  # three commits
                index = subprocess.run(
                    [sys.executable, "-m", "lexsearch.cli", "index",
                     *(str(photos / file.name) for file in part), "--db", str(db)],
                    capture_output=True, text=True, timeout=240, check=False,
                    env={**os.environ, "PYTHONPATH": str(ROOT)},
                )  # fmt: skip
                assert index.returncode == 0, index.stderr
            time.sleep(0.5)
        finally:
            stop = True
        for one in running:
            one.result()
    sizes: dict[int, set[int]] = {}
    for generation, hits in seen:
        sizes.setdefault(generation, set()).add(hits)
    assert all(len(found) == 1 for found in sizes.values())  # a commit is seen whole or not at all
    assert len(sizes) >= 4
    assert max(sizes[max(sizes)]) > 55
    assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()
