"""The server is what its OpenAPI document says: everything that it allows is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "5")  # for each route
SECRET = "a secret of enough letters"
# A request of the right form may still name a word or a picture that does not exist, or bytes
# that are no picture.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = [200, 400, 404, 410]
[parameters]
id = "{id}"
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("token", "phases"), [("", "examples,fuzzing"), (SECRET, "examples,coverage,fuzzing,stateful")]
)
def test_every_answer_to_every_request_is_as_described(
    served: Callable[..., Any], client: TestClient, tmp_path: Path, token: str, phases: str
) -> None:
    pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    id = client.get("/v1/search", params={"q": "a car"}).json()["hits"][0]["id"]
    (tmp_path / "config.toml").write_text(CONFIG.format(id=id))
    server = served(LEXSEARCH_TOKEN=token)
    known = ["-H", f"Authorization: Bearer {token}"] if token else []
    run = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--no-color",
            "--config-file", str(tmp_path / "config.toml"),
            "run", f"{server.url}/openapi.json", *known,
            "--max-examples", EXAMPLES, "--seed", "1", "--phases", phases,
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=280,
        check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-8_000:] + run.stderr[-2_000:]
    assert "17 selected / 17 total" in run.stdout
    assert "Traceback" not in server.log.read_text()


def test_every_route_describes_its_errors_as_problems(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                kinds = list(response["content"])
                if int(status) >= 400:
                    assert kinds == ["application/problem+json"], (path, status)
            assert {"422", "421", "413", "503"} <= set(operation["responses"]), path
            assert operation["summary"]
            assert operation["description"]


def test_examples_of_the_document_are_answered(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    shapes = document["components"]["schemas"]
    for shape, route in (("SearchRequest", "/v1/search"), ("BatchRequest", "/v1/search/batch")):
        assert shapes[shape]["examples"]
        for example in shapes[shape]["examples"]:
            assert client.post(route, json=example).status_code == 200, example


def test_a_server_without_a_token_describes_none(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert "securitySchemes" not in document["components"]
    assert "401" not in document["paths"]["/v1/search"]["get"]["responses"]


def test_a_wrong_method_names_the_right_ones(client: TestClient) -> None:
    found = client.request("OPTIONS", "/v1/search")
    assert found.status_code == 405
    assert found.headers["allow"] == "GET, POST"


def test_no_page_that_loads_scripts_of_others_is_served(client: TestClient) -> None:
    assert client.get("/docs").status_code == 404
    assert client.get("/redoc").status_code == 404
