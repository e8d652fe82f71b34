"""Many queries at once, and channels side by side, answer as one query and one channel do."""

from __future__ import annotations

from typing import Any

import pytest

from lexsearch import finding
from lexsearch.engine import Engine
from lexsearch.errors import UsageError
from lexsearch.query import Filter, Query
from tests.lexsearch.memory_snapshot import MODES, PICTURES, MemorySnapshot, said


@pytest.fixture
def engine(toy_model: Any) -> Engine:
    return Engine(MemorySnapshot(toy_model, [PICTURES[:3], PICTURES[3:]]), toy_model)  # type: ignore[arg-type]


ASKED = [
    Query.text("red"),
    Query.text("green red") - Query.text("blue"),
    Query.text("white").with_(exclude=["green"]),
    Query.text("blue").with_(filters=Filter(after="2024")),
    Query.text("red").with_(weights={"green": 2.0}),
    Query.text("red"),
    Query.text("purple"),
]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("mode", MODES)
def test_many_queries_answer_as_one_by_one(mode: Any, threads: int, toy_model: Any) -> None:
    snapshot: Any = MemorySnapshot(toy_model, [PICTURES[:3], PICTURES[3:]])
    together = Engine(snapshot, toy_model, threads=threads)
    many = together.search_many(ASKED, k=3, mode=mode, cutoff=0.5)
    assert len(many) == len(ASKED)
    for query, found in zip(ASKED, many, strict=True):
        alone = Engine(snapshot, toy_model).search(query, k=3, mode=mode, cutoff=0.5)
        assert said(found) == said(alone)
        assert (found.query, found.mode, found.notes) == (alone.query, alone.mode, alone.notes)
        assert (found.cutoff, found.excluded) == (alone.cutoff, alone.excluded)


def test_many_queries_run_the_model_once_for_all_texts(toy_model: Any) -> None:
    calls: list[list[str]] = []
    model = type(toy_model)()
    encode_texts = model.encode_texts
    model.encode_texts = lambda texts: calls.append(list(texts)) or encode_texts(texts)
    engine = Engine(MemorySnapshot(model, [PICTURES]), model)  # type: ignore[arg-type]
    engine.search_many(ASKED, k=1)
    assert calls == [["red", "green red", "blue", "white", "purple"]]
    engine.search_many(ASKED[:2], k=1)
    assert len(calls) == 1


def test_queries_with_one_filter_are_searched_together(toy_model: Any) -> None:
    snapshot: Any = MemorySnapshot(toy_model, [PICTURES[:3], PICTURES[3:]])
    engine = Engine(snapshot, toy_model)
    filters = Filter(type="png")
    asked = [Query.of(Query.text(text), filters) for text in ("red", "blue", "white")]
    calls: list[tuple[int, list[int] | None]] = []
    search_many = engine.dense.search_many  # type: ignore[attr-defined]

    def counted(queries: Any, k: int, *, allowed: Any = None) -> Any:
        calls.append((len(queries), None if allowed is None else allowed.tolist()))
        return search_many(queries, k, allowed=allowed)

    engine.dense.search_many = counted  # type: ignore[attr-defined]
    found = engine.search_many([*asked, Query.text("red"), Query.text("blue")], k=2)
    assert calls == [(3, [10, 11]), (2, None)]
    for query, one in zip(asked, found, strict=False):
        assert said(one) == said(Engine(snapshot, toy_model).search(query, k=2))


def test_warming_up_opens_everything_and_changes_no_answer(toy_model: Any) -> None:
    snapshot: Any = MemorySnapshot(toy_model, [PICTURES])
    engine = Engine(snapshot, toy_model)
    engine.warm_up()
    assert engine._stores.opener("hybrid") is None
    again = engine.search(Query.text("green"), k=3)
    assert said(again) == said(Engine(snapshot, toy_model).search(Query.text("green"), k=3))


def test_many_queries_share_their_seconds_evenly(engine: Engine) -> None:
    many = engine.search_many(ASKED, k=1)
    assert {tuple(found.seconds.items()) for found in many} == {tuple(many[0].seconds.items())}
    assert many[0].seconds["total"] > 0


def test_no_query_gives_no_result_and_a_bad_one_is_an_error(engine: Engine) -> None:
    assert engine.search_many([], k=1) == []
    with pytest.raises(UsageError, match="the query is empty"):
        engine.search_many([Query.text("red"), Query.text(" ")], k=1)


@pytest.mark.parametrize("mode", MODES)
def test_channels_side_by_side_answer_as_one_after_the_other(
    mode: Any, toy_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot: Any = MemorySnapshot(toy_model, [PICTURES[:3], PICTURES[3:]])
    alone = Engine(snapshot, toy_model, threads=1).search(Query.text("red blue"), k=4, mode=mode)
    monkeypatch.setattr(finding, "SIDE_BY_SIDE_FROM", 0)
    apart = Engine(snapshot, toy_model, threads=2).search(Query.text("red blue"), k=4, mode=mode)
    assert said(apart) == said(alone)


def test_an_error_in_a_thread_reaches_the_caller(toy_model: Any) -> None:
    engine = Engine(
        MemorySnapshot(toy_model, [PICTURES]),  # type: ignore[arg-type]
        toy_model, stores={"dense": "no-such-store"}, threads=2,
    )  # fmt: skip
    with pytest.raises(UsageError, match="'no-such-store'"):
        engine.search(Query.text("red"), k=1)


def test_the_total_covers_every_stage_of_one_thread(toy_model: Any) -> None:
    engine = Engine(MemorySnapshot(toy_model, [PICTURES]), toy_model, threads=1)  # type: ignore[arg-type]
    seconds = dict(engine.search(Query.text("red"), k=3).seconds)
    total = seconds.pop("total")
    assert sum(seconds.values()) <= total
