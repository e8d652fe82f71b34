"""Any body is answered or refused with a problem document; FUZZ_EXAMPLES says how many."""

from __future__ import annotations

import base64
import io
import json
import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
SEARCHES = ("search", "search/batch", "pictures/{}/explanation", "pictures/{}/heatmap")

_stream = io.BytesIO()
Image.new("RGB", (9, 6), (200, 30, 40)).save(_stream, "PNG")
SMALL = base64.b64encode(_stream.getvalue()).decode()
letters = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
words = st.sampled_from(["dog", "boat", "sand", "red", "sky", "tree", "house"])
factors = st.floats(-1e6, 1e6) | st.integers(-3, 3)
weights = st.dictionaries(words, factors, max_size=4)
queries = letters.map("dog {}".format) | st.sampled_from(
    ["a yellow boat -people", "after:2024-13", '2:dog "red car"', "-", '"', "near:1,2,3", "é" * 999]
)
pictures = st.sampled_from([SMALL, SMALL[:80], "!!!", "aGVsbG8=", ""]) | st.binary(max_size=40).map(
    lambda data: base64.b64encode(data).decode()
)
summands = (
    st.fixed_dictionaries({"text": queries}, optional={"weight": factors})
    | st.fixed_dictionaries({"words": weights.filter(len)}, optional={"weight": factors})
    | st.fixed_dictionaries({"picture": pictures}, optional={"weight": factors})
    | st.fixed_dictionaries({"id": st.from_regex("[0-7][0-9a-f]{15}", fullmatch=True)})
)
conditions = st.fixed_dictionaries(
    {},
    optional={
        "after": st.sampled_from(["2019", "2019-02-03", "2024-02-30"]),
        "path": st.sampled_from(["*", "scene_0", "[", "**/*.jpg"]),
        "type": st.just("jpeg"),
        "camera": letters.filter(len),
        "near": st.sampled_from(["1,2", "0,0,9", "91,0", "nan,1"]),
        "box": st.sampled_from(["1,2,3,4", "-9,-9,9,9", "1,2,3"]),
        "meta": st.dictionaries(letters.filter(len), letters | st.integers(), max_size=2),
    },
)
LOOKED_FOR = {
    "query": queries,
    "parts": st.lists(summands, max_size=3),
    "weights": weights,
    "must": st.lists(words, max_size=2),
    "exclude": st.lists(words, max_size=2),
    "filters": conditions,
}
MANNER = {
    "top_k": st.integers(1, 100),
    "mode": st.sampled_from(["lexical", "dense", "late", "hybrid"]),
    "cutoff": st.sampled_from(["none", "auto"]) | factors,
    "rerank": st.none() | st.integers(0, 10),
    "every_word": st.booleans(),
    "group_duplicates": st.booleans(),
}
DRAWN = {"words": st.lists(words, max_size=3)}
wanted = st.fixed_dictionaries({}, optional=LOOKED_FOR)
fitting = {
    "search": st.fixed_dictionaries({}, optional={**LOOKED_FOR, **MANNER}),
    "search/batch": st.fixed_dictionaries(
        {"queries": st.lists(wanted, min_size=1, max_size=3)}, optional=MANNER
    ),
    "pictures/{}/explanation": st.fixed_dictionaries(
        {}, optional={**LOOKED_FOR, **DRAWN, "patches": st.booleans()}
    ),
    "pictures/{}/heatmap": st.fixed_dictionaries({}, optional={**LOOKED_FOR, **DRAWN}),
}
LONG = "a" * 20_000
odd = st.sampled_from(["\ud800", LONG, "", "\x00", "1e999:x", float("nan"), float("inf"), 10**400])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | letters | odd,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(letters, inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from([*LOOKED_FOR, *MANNER, "words", "patches", "queries", "stranger"])


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, bytes]:
    """A path, and a body: mostly one that fits, some with one field of anything, some no JSON."""
    path = draw(st.sampled_from(SEARCHES))
    if draw(st.integers(0, 15)) == 0:
        return path, draw(
            st.binary(max_size=200) | anything.map(lambda one: json.dumps(one).encode())
        )
    body: dict[str, Any] = {"query": "a dog"} | draw(fitting[path])
    if "queries" in body:
        del body["query"]
    if draw(st.booleans()):
        body[draw(names)] = draw(anything)
    return path, json.dumps(body).encode()


@pytest.fixture(scope="module")
def some_id(client: Any) -> str:
    hits = client.post("/v1/search", json={"query": "dog"}).json()["hits"]
    return hits[0]["id"]  # type: ignore[no-any-return]


def test_any_body_is_answered_or_refused(client: Any, some_id: str) -> None:
    counts: Counter[int] = Counter()

    @settings(
        max_examples=EXAMPLES, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    @given(requests())
    def ask(request: tuple[str, bytes]) -> None:
        path, body = request
        place, kind = f"/v1/{path.format(some_id)}", {"content-type": "application/json"}
        found = client.post(place, content=body, headers=kind)
        counts[found.status_code] += 1
        assert found.status_code in (200, 400, 404, 413, 422), (found.status_code, found.text[:300])
        if found.status_code != 200:
            assert found.headers["content-type"] == "application/problem+json"
            assert len(found.content) < 30_000

    ask()
    print(dict(counts))
    assert counts[200] >= EXAMPLES // 10
    assert counts[422] >= EXAMPLES // 20
