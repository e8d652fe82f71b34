"""Single pictures over HTTP: never the photo, always by id."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from lexsearch import LexSearch
from lexsearch.settings import Settings

TEXT = "a red car"


@pytest.fixture(scope="module")
def id(client: TestClient) -> str:
    return str(client.get("/v1/search", params={"q": TEXT}).json()["hits"][0]["id"])


def test_facts_name_all_paths_of_a_picture(client: TestClient, made_db: Path) -> None:
    with LexSearch.open(made_db) as db:
        twice = next(hit for hit in db.search(TEXT, top_k=5) if hit.also)
    facts = client.get(f"/v1/pictures/{twice.id}").json()
    assert facts["path"] == twice.path
    assert facts["also"] == list(twice.also)
    assert facts["width"] == twice.meta["width"]


def test_a_thumbnail_is_small_and_says_nothing_of_place_and_camera(
    client: TestClient, id: str
) -> None:
    found = client.get(f"/v1/pictures/{id}/thumbnail", params={"side": 160})
    assert found.headers["content-type"] == "image/webp"
    with Image.open(io.BytesIO(found.content)) as picture:
        assert max(picture.size) == 160
        assert not picture.getexif()
        assert not {"exif", "xmp", "icc_profile"} & set(picture.info)
    assert found.content == client.get(f"/v1/pictures/{id}/thumbnail?side=160").content


@pytest.mark.parametrize("side", ["0", "321", "100000", "-1", "x"])
def test_only_a_few_sizes_of_thumbnails_exist(client: TestClient, id: str, side: str) -> None:
    assert client.get(f"/v1/pictures/{id}/thumbnail", params={"side": side}).status_code == 422


def test_the_words_of_a_picture_are_those_of_the_library(
    client: TestClient, id: str, made_db: Path
) -> None:
    with LexSearch.open(made_db) as db:
        own = db.words(db.picture(id).paths[0], top_k=7)
    found = client.get(f"/v1/pictures/{id}/words", params={"top_k": 7}).json()["words"]
    assert [(one["word"], one["weight"]) for one in found] == [(w.word, w.weight) for w in own]


def test_similar_pictures_leave_out_the_picture_itself(client: TestClient, id: str) -> None:
    hits = client.get(f"/v1/pictures/{id}/similar").json()["hits"]
    assert len(hits) == 4
    assert id not in [hit["id"] for hit in hits]


def test_an_explanation_adds_up(client: TestClient, id: str) -> None:
    why = client.get(f"/v1/pictures/{id}/explanation", params={"q": TEXT, "patches": "true"}).json()
    assert sum(t["contribution"] for t in why["terms"]) == pytest.approx(why["scores"]["lexical"])
    fused = sum(why["weights"][name] * why["scores"][name] for name in why["weights"])
    assert fused == pytest.approx(why["scores"]["fused"])
    rows, columns = why["grid"]
    assert len(why["patches"]) == rows * columns
    assert all(len(map_) == rows for map_ in why["maps"].values())
    assert len(why["maps"]) == 3


def test_maps_of_named_words_are_given(client: TestClient, id: str) -> None:
    asked = {"q": TEXT, "word": ["car", "street"]}
    assert set(client.get(f"/v1/pictures/{id}/explanation", params=asked).json()["maps"]) == {
        "car",
        "street",
    }
    unknown = client.get(f"/v1/pictures/{id}/explanation", params={"q": TEXT, "word": "xqzw"})
    assert unknown.status_code == 400


def test_a_heat_map_is_a_picture(client: TestClient, id: str) -> None:
    found = client.get(f"/v1/pictures/{id}/heatmap", params={"q": TEXT, "word": "car"})
    assert found.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(found.content)) as picture:
        picture.load()
        assert picture.width > picture.height  # the photo and one map beside it


def test_a_sum_of_parts_is_explained_by_post(client: TestClient, id: str) -> None:
    parts = [{"text": "a car"}, {"words": {"street": 1.0}, "weight": 0.5}]
    asked = {"parts": parts, "words": ["street"]}
    why = client.post(f"/v1/pictures/{id}/explanation", json=asked).json()
    assert list(why["maps"]) == ["street"]
    assert sum(share["share"] for share in why["shares"]) == pytest.approx(why["scores"]["fused"])
    assert why["fusion"] == "model"
    assert why["region"] == [0.0, 0.0, 1.0, 1.0]
    drawn = client.post(f"/v1/pictures/{id}/heatmap", json=asked)
    assert drawn.content.startswith(b"\x89PNG")
    one = {"query": TEXT, "patches": True}
    posted = client.post(f"/v1/pictures/{id}/explanation", json=one).json()
    got = client.get(f"/v1/pictures/{id}/explanation", params={"q": TEXT, "patches": "true"}).json()
    assert posted == got
    named = {"query": "./secret.jpg"}
    for route in ("explanation", "heatmap"):
        assert client.post(f"/v1/pictures/{id}/{route}", json=named).status_code == 400
        assert client.post(f"/v1/pictures/{id}/{route}", json={}).status_code == 400


def test_a_photo_that_is_gone_is_said_to_be(
    client_of: Any, own_settings: Settings, tmp_path: Path
) -> None:
    import shutil

    from lexsearch.cli.demo import corpus

    photo = Path(shutil.copy(corpus() / "scene_117.jpg", tmp_path / "gone.jpg"))
    with LexSearch.open(own_settings.db, settings=own_settings) as db:
        db.index(photo)
        id = next(hit.id for hit in db.search("x", top_k=9) if hit.path == str(photo))
    photo.unlink()
    client = client_of(of=own_settings)
    for route in ("thumbnail", "heatmap?q=car", "similar"):
        found = client.get(f"/v1/pictures/{id}/{route}")
        assert found.status_code == 410, route
        assert found.json()["code"] == "gone"
        assert str(tmp_path) not in found.text
    why = client.get(f"/v1/pictures/{id}/explanation?q=car").json()
    assert why["terms"]
    assert why["grid"] is None
    assert why["notes"]


@pytest.mark.parametrize(
    "id",
    [
        "0000000000000000", "../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "ffffffffffffffff",
        "763A0D2A754E856E", "763a0d2a754e856", "763a0d2a754e856e%00", "%F0%9F%90%95", "-1",
        "763a0d2a754e856e%0d%0aX-Evil:1", "*", "' OR 1=1 --",
    ],
)  # fmt: skip
@pytest.mark.parametrize("route", ["", "/thumbnail", "/words", "/similar", "/heatmap?q=car"])
def test_what_is_no_id_of_this_index_is_not_found(client: TestClient, id: str, route: str) -> None:
    found = client.get(f"/v1/pictures/{id}{route}")
    assert found.status_code in (404, 422)
    assert found.headers["content-type"] == "application/problem+json"
    assert "x-evil" not in found.headers
