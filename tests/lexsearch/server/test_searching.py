"""Search over HTTP: the same answers as in the library."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from lexsearch import LexSearch, Query, SearchResults

TEXT = "a red car in a street"


@pytest.fixture(scope="module")
def db(made_db: Path) -> Any:
    with LexSearch.open(made_db) as opened:
        yield opened


def pairs(found: SearchResults) -> list[tuple[str, float]]:
    return [(hit.id, hit.score) for hit in found]


def answered(response: Any) -> list[tuple[str, float]]:
    assert response.status_code == 200, response.text
    return [(hit["id"], hit["score"]) for hit in response.json()["hits"]]


@pytest.mark.parametrize("mode", ["lexical", "dense", "late", "hybrid"])
def test_a_text_is_answered_as_by_the_library(client: TestClient, db: LexSearch, mode: Any) -> None:
    found = client.get("/v1/search", params={"q": TEXT, "mode": mode, "top_k": 4})
    assert answered(found) == pairs(db.search(TEXT, mode=mode, top_k=4))


def test_a_hit_says_what_the_library_says(client: TestClient, db: LexSearch) -> None:
    (hit,) = client.get("/v1/search", params={"q": TEXT, "top_k": 1}).json()["hits"]
    (own,) = db.search(TEXT, top_k=1)
    assert hit["path"] == own.path
    assert hit["scores"] == dict(own.scores)
    assert [term["word"] for term in hit["terms"]] == [term.word for term in own.terms]
    assert hit["terms"][0]["contribution"] == own.terms[0].contribution
    assert hit["taken"] == own.meta["taken"]


def test_the_grammar_is_that_of_the_command_line(client: TestClient, db: LexSearch) -> None:
    text = "car 2:red -boat type:jpeg"
    found = client.get("/v1/search", params={"q": text})
    assert answered(found) == pairs(db.search(text))
    assert found.json()["excluded"] == db.search(text).excluded


def test_parts_conditions_and_weights_add_up(client: TestClient, db: LexSearch) -> None:
    wanted = {
        "query": "a car",
        "parts": [{"text": "a boat", "weight": -0.5}, {"words": {"red": 1.5}}],
        "must": ["red"],
        "exclude": ["snow"],
        "weights": {"car": 2.0},
        "filters": {"type": "jpeg"},
        "cutoff": "auto",
        "top_k": 4,
    }
    query = Query.parse("a car") + -0.5 * Query.text("a boat") + Query.words({"red": 1.5})
    from lexsearch import Filter

    query = query.with_(
        must=["red"], exclude=["snow"], weights={"car": 2.0}, filters=Filter(type="jpeg")
    )
    own = db.search(query, cutoff="auto", top_k=4)
    assert len(own)
    found = client.post("/v1/search", json=wanted)
    assert answered(found) == pairs(own)
    assert [hit["below_cutoff"] for hit in found.json()["hits"]] == [h.below_cutoff for h in own]
    assert found.json()["cutoff"] == (own.cutoff if own.cutoff > float("-inf") else None)


def test_words_alone_run_no_model(client: TestClient, db: LexSearch) -> None:
    found = client.post(
        "/v1/search", json={"parts": [{"words": {"car": 1.0, "boat": -1.0}}], "mode": "lexical"}
    )
    assert answered(found) == pairs(db.search_terms({"car": 1.0, "boat": -1.0}))


def test_an_uploaded_picture_is_answered_like_the_file(
    client: TestClient, db: LexSearch, photos: Path
) -> None:
    photo = photos / "scene_037.jpg"
    found = client.post("/v1/search/picture", content=photo.read_bytes())
    assert answered(found) == pairs(db.search(Query.image(photo)))
    others = client.post(
        "/v1/search/picture", content=photo.read_bytes(), params={"leave_out_same": "true"}
    )
    assert answered(others) == pairs(db.like(photo))


def test_a_picture_can_be_a_part_in_base64_or_by_id(
    client: TestClient, db: LexSearch, photos: Path
) -> None:
    photo = photos / "scene_037.jpg"
    encoded = base64.b64encode(photo.read_bytes()).decode()
    parts = [{"text": "a boat"}, {"picture": encoded, "weight": 0.5}]
    found = client.post("/v1/search", json={"parts": parts})
    assert answered(found) == pairs(db.search(Query.text("a boat") + 0.5 * Query.image(photo)))
    (best,) = db.search(Query.image(photo), top_k=1)
    by_id = client.post("/v1/search", json={"parts": [{"id": best.id}]})
    assert answered(by_id)[0][0] == best.id


def test_a_batch_gives_the_answers_of_single_searches(client: TestClient, db: LexSearch) -> None:
    texts = ["a red car", "a boat", "a red car"]
    body = {"queries": [{"query": text} for text in texts], "top_k": 3}
    found = client.post("/v1/search/batch", json=body).json()["results"]
    assert [one["query"] for one in found] == texts
    for one, text in zip(found, texts, strict=True):
        ids = [hit["id"] for hit in one["hits"]]
        assert ids == [hit.id for hit in db.search(text, top_k=3)]


def test_nearly_equal_pictures_can_be_left_out(client: TestClient, db: LexSearch) -> None:
    body = {"query": TEXT, "group_duplicates": True, "top_k": 3}
    found = client.post("/v1/search", json=body)
    groups = db.near_duplicates(6)
    shown = [hit["path"] for hit in found.json()["hits"]]
    assert all(sum(path in group for path in shown) <= 1 for group in groups)
    assert len(shown) == 3


def test_notes_reach_the_client(client: TestClient) -> None:
    found = client.get("/v1/search", params={"q": "xylophonist car"}).json()
    assert any("xylophonist" in note for note in found["notes"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "the query is empty"),
        ({"query": "-car"}, "only conditions"),
        ({"query": "car", "must": ["xqzw"]}, "'xqzw' is not among"),
        ({"query": "../../etc/secret.jpg"}, "opens no files by name"),
        ({"query": "~/photo.png car"}, "opens no files by name"),
        ({"query": "car", "filters": {"after": "2024"}, "mode": "nonsense"}, "mode"),
        ({"parts": [{"words": {"car": 1.0}}], "mode": "dense"}, "no dense side"),
        ({"parts": [{"picture": base64.b64encode(b"no picture").decode()}]}, "the upload"),
        ({"parts": [{"id": "0000000000000000"}]}, "no picture '0000000000000000' in the index"),
        ({"parts": [{"text": "a", "words": {"car": 1.0}}]}, "Extra inputs"),
        ({"parts": [{"words": {}}]}, "words"),
        ({"query": "car", "top_k": 0}, "top_k"),
        ({"query": "car", "top_k": 1_001}, "top_k"),
        ({"query": "car", "colour": 1}, "colour"),
        ({"query": "car", "top_k": "10"}, "top_k"),
    ],
)
def test_what_cannot_be_answered_says_why(
    client: TestClient, made_db: Path, body: dict[str, Any], said: str
) -> None:
    found = client.post("/v1/search", json=body)
    assert found.status_code in (400, 422), found.text
    assert found.headers["content-type"] == "application/problem+json"
    problem = found.json()
    assert said in json.dumps(problem)
    assert problem["status"] == found.status_code
    assert str(made_db) not in found.text


def test_an_empty_index_answers_with_nothing(client_of: Any, tmp_path: Path) -> None:
    from lexsearch.settings import Settings

    with LexSearch.create(tmp_path / "empty"):
        pass
    empty = client_of(of=Settings(tmp_path, tmp_path, db=str(tmp_path / "empty")))
    assert answered(empty.get("/v1/search", params={"q": "car"})) == []
