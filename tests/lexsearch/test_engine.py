"""The query path over real stores and a snapshot in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from lexsearch import finding
from lexsearch.engine import Engine
from lexsearch.errors import ModelMissing, UsageError
from lexsearch.query import Filter, Query
from lexsearch.registry import names
from lexsearch.types import docid
from tests.lexsearch.memory_snapshot import MODES, PICTURES, RED, MemorySnapshot, ids, said


@pytest.fixture
def engine(toy_model: Any) -> Engine:
    return Engine(MemorySnapshot(toy_model, [PICTURES[:3], PICTURES[3:]]), toy_model)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["lexical", "dense", "late", "hybrid"])
def test_every_mode_finds_the_red_picture_first(mode: Any, engine: Engine) -> None:
    results = engine.search(Query.text("red"), k=3, mode=mode)
    assert ids(results)[0] == 10
    assert results[0].rank == 1
    assert [hit.score for hit in results] == sorted((h.score for h in results), reverse=True)


@pytest.mark.parametrize("mode", ["lexical", "dense", "late", "hybrid"])
@pytest.mark.parametrize("k", [1, 5, 50])
def test_every_mode_returns_k_hits_when_k_exist(mode: Any, k: int, engine: Engine) -> None:
    assert len(engine.search(Query.text("blue"), k=k, mode=mode)) == min(k, 5)


def test_the_fused_score_is_the_weighted_sum_of_the_channels(engine: Engine) -> None:
    weights: Mapping[str, float] = engine.model.fusion
    for hit in engine.search(Query.text("green red"), k=5):
        parts = [weights[name] * hit.scores[name] for name in ("lexical", "dense", "late")]
        assert hit.score == pytest.approx(sum(parts), abs=1e-5)
        assert hit.scores["fused"] == hit.score


def test_a_mode_of_one_channel_leaves_the_others_out(engine: Engine) -> None:
    hit = engine.search(Query.text("red"), k=1, mode="dense")[0]
    assert hit.scores["dense"] == hit.score
    assert hit.scores["lexical"] is hit.scores["late"] is hit.scores["fused"] is None


def test_results_do_not_depend_on_how_pictures_lie_in_segments(toy_model: Any) -> None:
    one = Engine(MemorySnapshot(toy_model, [PICTURES]), toy_model)  # type: ignore[arg-type]
    many = Engine(MemorySnapshot(toy_model, [[p] for p in PICTURES]), toy_model)  # type: ignore[arg-type]
    for mode in ("lexical", "dense", "late", "hybrid"):
        a = one.search(Query.text("green white"), k=5, mode=mode)  # type: ignore[arg-type]
        b = many.search(Query.text("green white"), k=5, mode=mode)  # type: ignore[arg-type]
        assert [(h.id, h.score) for h in a] == [(h.id, h.score) for h in b]


def test_the_words_of_a_hit_explain_its_lexical_score(engine: Engine) -> None:
    hit = engine.search(Query.text("red green"), k=1, mode="lexical")[0]
    assert {term.word for term in hit.terms} == {"red", "green"}
    assert sum(term.contribution for term in hit.terms) == pytest.approx(hit.score, abs=1e-6)


def test_an_excluded_word_takes_its_pictures_away_and_counts_them(engine: Engine) -> None:
    results = engine.search(Query.text("red").with_(exclude=["green"]), k=5)
    assert ids(results) == [10, 13]
    assert results.excluded == 3


def test_a_required_word_keeps_only_its_pictures(engine: Engine) -> None:
    results = engine.search(Query.text("red").with_(must=["blue", "white"]), k=5)
    assert set(ids(results)) == {13, 14}


def test_filters_are_applied_inside_the_search(engine: Engine) -> None:
    results = engine.search(Query.text("white").with_(filters=Filter(after="2024")), k=2)
    assert set(ids(results)) == {10, 11}


def test_words_alone_rank_by_their_weights(engine: Engine) -> None:
    results = engine.search(Query.words({"red": 1.0, "green": -1.0}), k=5, mode="lexical")
    assert ids(results)[0] == 10
    assert ids(results)[-1] == 12


def test_words_alone_have_no_dense_side(engine: Engine) -> None:
    with pytest.raises(UsageError, match="no dense side"):
        engine.search(Query.words({"red": 1.0}), k=5, mode="dense")
    assert len(engine.search(Query.words({"red": 1.0}), k=5, mode="hybrid")) == 5


def test_late_interaction_of_a_few_leaves_the_rest_to_the_list_minimum(engine: Engine) -> None:
    few = engine.search(Query.text("red"), k=5, rerank=2)
    assert sum(hit.scores["late"] is not None for hit in few) == 2
    none = engine.search(Query.text("red"), k=5, rerank=0)
    assert all(hit.scores["late"] is None for hit in none)
    assert ids(none)[0] == 10


def test_a_given_cutoff_marks_the_tail_and_drops_nothing(engine: Engine) -> None:
    results = engine.search(Query.text("red"), k=5, mode="dense", cutoff=0.5)
    assert len(results) == 5
    assert results.hidden == sum(hit.score < 0.5 for hit in results) > 0


def test_few_pictures_have_no_automatic_cutoff(engine: Engine) -> None:
    assert engine.search(Query.text("red"), k=5, cutoff="auto").hidden == 0


@pytest.mark.parametrize("k", [0, -1])
def test_fewer_than_one_result_is_an_error(k: int, engine: Engine) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        engine.search(Query.text("red"), k=k)


def test_an_unknown_mode_is_an_error_with_the_known_ones(engine: Engine) -> None:
    with pytest.raises(UsageError, match="'fuzzy'; known: lexical, dense, late, hybrid"):
        engine.search(Query.text("red"), k=1, mode="fuzzy")  # type: ignore[arg-type]


def test_a_picture_is_left_out_when_asked(engine: Engine) -> None:
    results = engine.search(Query.text("red"), k=5, leave_out=frozenset([10]))
    assert 10 not in ids(results)
    assert results.excluded == 0


def test_a_hit_shows_its_other_paths_and_its_seconds(engine: Engine) -> None:
    results = engine.search(Query.text("red"), k=1)
    assert results[0].path == "/p/10.png"
    assert results[0].also == ("/p/copy-\\xe9.png",)
    assert results[0].id == docid(10)
    assert {"encode", "lexical", "dense", "late", "fuse", "hits"} <= set(results.seconds)


def test_an_empty_collection_gives_an_empty_list(toy_model: Any) -> None:
    empty = Engine(MemorySnapshot(toy_model, []), toy_model)  # type: ignore[arg-type]
    empty.snapshot.image_ids = lambda: np.zeros(0, np.int64)  # type: ignore[method-assign]
    for mode in ("lexical", "dense", "late", "hybrid"):
        assert len(empty.search(Query.text("red"), k=5, mode=mode)) == 0  # type: ignore[arg-type]


def test_a_forced_late_kernel_reaches_the_store(toy_model: Any) -> None:
    engine = Engine(MemorySnapshot(toy_model, [PICTURES]), toy_model, late_kernel="cuda")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no token kernel is called 'cuda'"):
        engine.search(Query.text("red"), k=1, mode="late")


def test_edited_words_run_no_model_and_ask_dense_and_late_for_new_pictures_only(
    toy_model: Any,
) -> None:
    snapshot: Any = MemorySnapshot(toy_model, [PICTURES[:3], PICTURES[3:]])
    toy_model = type(toy_model)()
    toy_model.first_stage = 1
    engine = Engine(snapshot, toy_model)
    engine.search(Query.text("red"), k=2)
    asked: list[int] = []
    for store in (engine.dense, engine.tokens):
        score: Any = store.score
        store.score = lambda q, ids, score=score: asked.extend(ids.tolist()) or score(q, ids)  # type: ignore[method-assign]
    engine.dense.search = None  # type: ignore[assignment, method-assign]
    toy_model.encode_texts = None
    edited = Query.text("red").with_(weights={"red": 0.0, "white": 3.0})
    found = engine.search(edited, k=2)
    assert asked.count(14) == 2  # the white picture, new to both
    assert 10 not in asked
    fresh = type(toy_model)()
    fresh.first_stage = 1
    assert said(found) == said(Engine(snapshot, fresh).search(edited, k=2))


def test_another_filter_asks_anew(engine: Engine) -> None:
    assert len(engine.search(Query.text("red"), k=5)) == 5
    few = Query.text("red").with_(filters=Filter(after="2024"))
    assert set(ids(engine.search(few, k=5))) == {10, 11}
    assert len(engine.search(Query.text("red"), k=5)) == 5


def test_every_word_adds_up_where_the_shown_ones_are_few(engine: Engine) -> None:
    query = Query.text("red green") - Query.text("blue")
    hit = engine.search(query, k=5, every_word=True)[-1]
    assert any(term.contribution < 0 for term in hit.terms)
    total = sum(term.contribution for term in hit.terms)
    assert total == pytest.approx(hit.scores["lexical"], abs=1e-6)


BACKENDS = [(role, name) for role in ("lexical", "dense") for name in names(f"stores.{role}")]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("role", "name"), BACKENDS, ids=lambda v: v)
def test_a_filter_that_leaves_few_is_filled_by_every_backend_in_every_mode(
    role: Any, name: str, mode: Any, toy_model: Any
) -> None:
    """The admitted pictures are the worst of 300, so that no search over all would meet them."""
    snapshot: Any = MemorySnapshot(
        toy_model, [[(RED, RED)] * 150, [(RED, RED)] * 147 + PICTURES[2:]]
    )
    snapshot.few = np.array([307, 308, 309], dtype=np.int64)  # green, blue, white
    model = type(toy_model)()
    model.first_stage = 1
    engine = Engine(snapshot, model, stores={role: name})
    query = Query.text("red").with_(filters=Filter(after="2024", before="2025"))
    try:
        found = engine.search(query, k=3, mode=mode)
    except ModelMissing as error:
        pytest.skip(str(error))
    assert set(ids(found)) == {307, 308, 309}
    assert len(engine.search(query, k=2, mode=mode)) == 2
    assert len(engine.search(query, k=10, mode=mode)) == 3
    many = engine.search_many([query, query, Query.text("green")], k=3, mode=mode)
    assert [len(one) for one in many] == [3, 3, 3]
    assert said(many[0]) == said(found)


def test_a_filter_that_leaves_few_is_filled_by_late_interaction_of_a_large_db(
    toy_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "LATE_ALONE", 1)
    snapshot: Any = MemorySnapshot(toy_model, [[(RED, RED)] * 40, PICTURES[2:]])
    snapshot.few = np.array([50, 51, 52], dtype=np.int64)
    engine = Engine(snapshot, toy_model)
    query = Query.text("red").with_(filters=Filter(after="2024"))
    found = engine.search(query, k=3, mode="late")
    assert set(ids(found)) == {50, 51, 52}
    assert "late interaction scored" in found.notes[0]


def test_words_alone_open_the_word_index_only(toy_model: Any) -> None:
    engine = Engine(MemorySnapshot(toy_model, [PICTURES]), toy_model, threads=2)  # type: ignore[arg-type]
    engine.search(Query.words({"red": 1.0}), k=1)
    assert set(engine._stores._open) == {"lexical"}
    results = engine.search(Query.text("red"), k=1)
    assert set(engine._stores._open) == {"lexical", "dense", "tokens"}
    assert "open" in results.seconds
    assert "open" not in engine.search(Query.text("red"), k=1).seconds
