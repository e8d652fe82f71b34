"""Who is answered, and how much at a time."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from lexsearch.server.guard import Guard
from lexsearch.server.options import ServerOptions
from lexsearch.server.problems import Problem

SECRET = "a secret of enough letters"


def is_problem(response: Any, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example:8080", "", "127.0.0.1:x", "[::1", "192.168.1.7"],
)
def test_a_strange_name_is_refused(client: TestClient, host: str) -> None:
    is_problem(client.get("/v1/status", headers={"host": host}), 421, "host")


@pytest.mark.parametrize("host", ["localhost", "localhost:9", "127.0.0.1:8080", "[::1]:8080"])
def test_its_own_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/v1/status", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_pages_of_other_sites_are_refused(client: TestClient, headers: dict[str, str]) -> None:
    is_problem(client.get("/v1/status", headers=headers), 403, "origin")


def test_no_answer_allows_other_sites_to_read_it(client: TestClient) -> None:
    found = client.get("/v1/status", headers={"origin": "http://localhost:8080"})
    assert found.status_code == 200
    assert not [name for name in found.headers if name.startswith("access-control")]
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["content-security-policy"].startswith("default-src 'none'")
    assert found.headers["cache-control"] == "no-store"
    assert "server" not in found.headers


@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", "Bearer wrong", f"Basic {SECRET}", SECRET, f"Bearer {SECRET}x",
     f"Bearer {SECRET[:-1]}", "Bearer \xff\xfe"],
)  # fmt: skip
def test_without_the_token_nothing_is_told(client_of: Any, given: str | None) -> None:
    client = client_of(token=SECRET)
    headers = {} if given is None else {"authorization": given.encode("latin-1")}
    for route in ("/v1/search?q=car", "/v1/status", "/metrics", "/readyz", "/openapi.json", "/x"):
        found = client.get(route, headers=headers)
        is_problem(found, 401, "token")
        assert found.headers["www-authenticate"].startswith("Bearer")
    assert client.get("/healthz", headers=headers).json() == {"status": "ok"}


def test_with_the_token_everything_is_told(client_of: Any) -> None:
    client = client_of(token=SECRET)
    found = client.get("/v1/search?q=car", headers={"authorization": f"bearer {SECRET}"})
    assert found.json()["hits"][0]["path"].endswith(".jpg")
    assert (
        "directory"
        in client.get("/v1/status", headers={"authorization": f"Bearer {SECRET}"}).json()
    )


@pytest.mark.parametrize("name", ["forwarded", "x-forwarded-for", "via"])
def test_through_a_proxy_without_a_token_no_paths_are_told(client: TestClient, name: str) -> None:
    headers = {name: "for=192.0.2.1"}
    hit = client.get("/v1/search?q=car", headers=headers).json()["hits"][0]
    assert not {"path", "path_bytes", "also"} & set(hit)
    assert not {"directory", "roots"} & set(client.get("/v1/status", headers=headers).json())
    facts = client.get(f"/v1/pictures/{hit['id']}", headers=headers).json()
    assert not {"path", "also"} & set(facts)
    why = client.get(f"/v1/pictures/{hit['id']}/explanation?q=car", headers=headers).json()
    assert "path" not in why


def test_a_body_that_says_it_is_too_large_is_not_read(client: TestClient) -> None:
    found = client.post("/v1/search", content=b"", headers={"content-length": "20000001"})
    is_problem(found, 413, "too-large")


def test_a_body_that_grows_too_large_is_not_read_on(client_of: Any) -> None:
    client = client_of(max_body=1_000)
    is_problem(client.post("/v1/search", content=iter([b"x" * 600, b"x" * 600])), 413, "too-large")


async def call(
    guard: Guard, *, path: str = "/v1/x", receive: Any = None
) -> tuple[int, dict[bytes, bytes]]:
    """One request to a guard around any application."""

    async def body() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "path": path, "method": "GET", "state": {},
        "headers": [(b"host", b"localhost")],
    }  # fmt: skip
    await guard(scope, receive or body, send)
    return sent[0]["status"], dict(sent[0]["headers"])


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def endless(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.sleep(60)


def test_a_body_that_does_not_arrive_is_given_up(completed: Any) -> None:
    async def never() -> dict[str, Any]:
        await asyncio.sleep(60)
        raise AssertionError

    status, headers = completed(call(Guard(nothing, ServerOptions(body_s=0.05)), receive=never))
    assert status == 408
    assert headers[b"connection"] == b"close"


def test_a_request_that_takes_too_long_is_given_up(completed: Any) -> None:
    status, headers = completed(call(Guard(endless, ServerOptions(request_s=0.05))))
    assert status == 503
    assert headers[b"retry-after"] == b"1"


def test_when_there_is_no_room_it_says_when_to_come_again_but_stays_healthy(completed: Any) -> None:
    guard = Guard(endless, ServerOptions(in_flight=2))

    async def scene() -> list[int]:
        statuses: list[int] = []

        async def ask(path: str) -> None:
            async def body() -> dict[str, Any]:
                return {"type": "http.request", "body": b"", "more_body": False}

            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])
                    assert message["status"] == 204 or (b"retry-after", b"1") in message["headers"]

            scope = {
                "type": "http", "path": path, "method": "GET", "state": {},
                "headers": [(b"host", b"localhost")],
            }  # fmt: skip
            await guard(scope, body, send)

        waiting = [asyncio.create_task(ask("/v1/x")) for _ in range(2)]
        await asyncio.sleep(0.05)
        await ask("/v1/x")
        guard.app = nothing
        await ask("/healthz")
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await ask("/v1/x")  # their places are free again
        return statuses

    assert completed(scene()) == [503, 204, 204]


def test_too_many_uploads_at_a_time_are_told_to_wait(client_of: Any, photos: Path) -> None:
    client = client_of()
    house = client.app.app.app.state.house
    for _ in range(house.options.decoding):
        assert house._decoding.acquire(blocking=False)
    try:
        found = client.post("/v1/search/picture", content=b"\xff\xd8\xff")
        is_problem(found, 429, "decoding")
        assert int(found.headers["retry-after"]) >= 1
    finally:
        for _ in range(house.options.decoding):
            house._decoding.release()
    assert client.post("/v1/search/picture", content=b"\xff\xd8\xff").status_code == 400


def test_the_log_tells_no_queries_unless_it_is_asked_to(
    client_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("lexsearch.server").propagate = True
    with caplog.at_level(logging.INFO, "lexsearch.server"):
        quiet = client_of()
        quiet.get("/v1/search", params={"q": "a secret car"})
        quiet.post("/v1/search", json={"query": "a secret boat"})
        assert "200 GET /v1/search " in caplog.text
        assert "secret" not in caplog.text
        client_of(log_queries=True).post("/v1/search", json={"query": "a\nsecret \x1b[2Jboat"})
    last = caplog.messages[-1]
    assert "secret" in last
    assert "\n" not in last
    assert "\x1b" not in last


def test_metrics_count_by_route_and_never_by_id(client_of: Any) -> None:
    client = client_of()
    client.get("/v1/search?q=car")
    client.get("/v1/pictures/0000000000000000")
    client.get("/nonsense")
    text = client.get("/metrics").text
    assert 'lexsearch_requests_total{method="GET",route="/v1/search",status="200"} 1.0' in text
    assert 'route="/v1/pictures/{id}",status="404"' in text
    assert 'route="other",status="404"' in text
    assert 'lexsearch_search_stage_seconds_count{stage="total"} 1.0' in text
    assert "0000000000000000" not in text


def test_a_failure_tells_nothing_of_itself(
    client_of: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_of()
    client.app.app.app.state.house.keeper.use = lambda job: 1 / 0
    found = client.get("/v1/status")
    is_problem(found, 500, "internal")
    assert "division" not in found.text


def test_an_index_that_is_not_there_is_said_to_be(client_of: Any, tmp_path: Path) -> None:
    from lexsearch.settings import Settings

    client = client_of(of=Settings(tmp_path, tmp_path, db=str(tmp_path / "none")))
    found = client.get("/v1/search?q=car")
    is_problem(found, 503, "index-missing")
    assert str(tmp_path) not in found.text
    is_problem(client.get("/readyz"), 503, "index-missing")


def test_a_problem_document_has_the_members_of_the_standard() -> None:
    import json

    document = json.loads(Problem(404, "no-picture", "no picture").body())
    assert set(document) == {"type", "title", "status", "code", "detail"}
