"""Pipelines of stages against the engine's own answers and the arithmetic of their definition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from lexsearch import Filter, LexSearch, Query
from lexsearch.channel_stages import Stages
from lexsearch.errors import UsageError
from lexsearch.ranking.normalise import theoretical_min_max
from lexsearch.stages import Stage
from lexsearch.types import Ranking

QUERIES = ("red", "green blue", "white", "red green blue white", "blue -red", "red type:png")


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory, session_toy_model: Any) -> Iterator[LexSearch]:
    folder = tmp_path_factory.mktemp("stages")
    photos = folder / "photos"
    photos.mkdir()
    rng = np.random.default_rng(7)
    for i in range(30):
        pixels = rng.integers(0, 256, (2, 2, 3), dtype=np.uint8)
        picture = Image.fromarray(pixels).resize((16, 16), Image.Resampling.NEAREST)
        picture.save(photos / f"{i:02}.{'png' if i % 2 else 'bmp'}")
    with LexSearch.create(folder / "db", model=session_toy_model) as made:
        made.index(photos, isolate=False)
        made.model.first_stage = 5  # type: ignore[misc]  # candidates are few: unions matter
        yield made
        del made.model.first_stage


@pytest.fixture
def s(db: LexSearch) -> Stages:
    return db.stages


def listed(results: Any) -> list[tuple[str, float]]:
    return [(hit.id, hit.score) for hit in results]


def scores(results: Any, name: str) -> dict[str, float]:
    return {hit.id: hit.scores[name] for hit in results}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("mode", ["lexical", "dense", "late", "hybrid"])
def test_a_stage_alone_answers_as_the_mode_does(db: LexSearch, query: str, mode: Any) -> None:
    alone = getattr(db.stages, mode).search(query, top_k=8)
    assert listed(alone) == listed(db.search(query, top_k=8, mode=mode))
    assert alone.mode == mode


@given(
    text=st.sampled_from(QUERIES),
    other=st.sampled_from(("", "green", "white")),
    weight=st.floats(-2, 2, allow_nan=False),
    k=st.integers(1, 40),
)
def test_the_hybrid_put_together_from_stages_is_the_hybrid_of_the_engine(
    db: LexSearch, text: str, other: str, weight: float, k: int
) -> None:
    assume(not other or abs(weight + 1) > 1e-3)  # a text less itself is refused
    s = db.stages
    query = Query.parse(text) + weight * Query.text(other) if other else Query.parse(text)
    wanted = db.search(query, top_k=k)
    composed = ((s.lexical | s.dense) >> s.hybrid).search(query, top_k=k)
    assert listed(composed) == listed(wanted)
    assert [hit.scores for hit in composed] == [hit.scores for hit in wanted]


def test_a_chain_reranks_the_candidates_of_its_first_stage(s: Stages) -> None:
    first = s.lexical.search("red blue", top_k=5)
    chained = (s.lexical % 5 >> s.late).search("red blue", top_k=30)
    assert {hit.id for hit in chained} == {hit.id for hit in first}
    late = scores(s.late.search("red blue", top_k=30), "late")
    assert listed(chained) == sorted(
        ((hit.id, late[hit.id]) for hit in first), key=lambda pair: (-pair[1], pair[0])
    )
    assert scores(chained, "lexical") == scores(first, "lexical")  # the first stage is remembered
    assert all(hit.scores["dense"] is None for hit in chained)


def test_a_sum_adds_scores_brought_to_one_scale(s: Stages) -> None:
    found = (0.3 * s.lexical + 0.7 * s.dense).search("red blue", top_k=30)
    ids = [hit.id for hit in found]
    lexical = theoretical_min_max(np.array([h.scores["lexical"] for h in found], "f4"), floor=0)
    dense = theoretical_min_max(np.array([h.scores["dense"] for h in found], "f4"), floor=-1)
    expected = 0.3 * lexical + 0.7 * dense
    assert [hit.score for hit in found] == pytest.approx(expected.tolist(), abs=1e-6)
    proposed = {h.id for stage in (s.lexical, s.dense) for h in stage.search("red blue", top_k=5)}
    assert set(ids) >= proposed  # what one proposes the other scores too
    assert scores(found, "fused") == {hit.id: hit.score for hit in found}


def test_weights_multiply_through_brackets(s: Stages) -> None:
    inner = 2 * (0.5 * s.lexical + s.dense)
    assert inner == s.lexical * 1.0 + 2 * s.dense
    assert listed(inner.search("red")) == listed((s.lexical + 2 * s.dense).search("red"))


def test_union_intersection_and_concatenation_of_lists(s: Stages) -> None:
    words, meaning = s.lexical % 4, s.dense % 4
    a = [hit.id for hit in words.search("red blue")]
    b = [hit.id for hit in meaning.search("red blue")]
    assert set(a) != set(b)
    assert {hit.id for hit in (words | meaning).search("red blue")} == {*a, *b}
    assert {hit.id for hit in (words & meaning).search("red blue")} == {*a} & {*b}
    rest = [one for one in b if one not in a]
    below = (words ^ meaning).search("red blue")
    assert [hit.id for hit in below] == a + rest
    assert [hit.score for hit in below] == sorted((h.score for h in below), reverse=True)


def test_a_union_alone_is_ranked_by_reciprocal_ranks(s: Stages) -> None:
    words, meaning = s.lexical % 4, s.dense % 4
    expected: dict[str, float] = {}
    for stage in (words, meaning):
        for rank, hit in enumerate(stage.search("red blue"), 1):
            expected[hit.id] = expected.get(hit.id, 0) + 1 / (60 + rank)
    found = (words | meaning).search("red blue")
    assert {hit.id: hit.score for hit in found} == pytest.approx(expected)


def test_a_cut_takes_the_best_and_reaches_deeper_than_the_first_stage(s: Stages) -> None:
    every = s.dense.search("red", top_k=20)
    assert listed((s.dense % 20).search("red", top_k=20)) == listed(every)
    assert listed((s.dense % 3).search("red", top_k=20)) == listed(every)[:3]
    assert listed((s.dense % 20 % 3).search("red")) == listed(every)[:3]


def test_python_binds_the_operators_as_the_text_says(s: Stages) -> None:
    a, b, c = s.lexical, s.dense, s.late
    assert (a | b >> c) == (a | (b >> c))
    assert ((a | b) >> c % 9) == ((a | b) >> (c % 9))
    assert (0.5 * a % 9) == ((0.5 * a) % 9)
    assert (a % 9 >> b) == ((a % 9) >> b)
    assert (a + b >> c) == ((a + b) >> c)
    assert (a | b ^ c & a) == (a | (b ^ (c & a)))
    assert (a >> b >> c) == (a >> (b >> c))


def leaves() -> st.SearchStrategy[str]:
    return st.sampled_from(["lexical", "dense", "late", "hybrid"])


def joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, st.sampled_from([">>", "|", "&", "^", "+"]), inner)
    return st.one_of(
        two.map(lambda t: f"(({t[0]}) {t[1]} ({t[2]}))"),
        st.tuples(st.sampled_from(["0.25", "3", "-0.5"]), inner).map(
            lambda t: f"({t[0]} * ({t[1]}))"
        ),
        st.tuples(inner, st.integers(1, 40)).map(lambda t: f"(({t[0]}) % {t[1]})"),
    )


@given(text=st.recursive(leaves(), joined, max_leaves=6))
def test_the_text_of_a_pipeline_is_the_pipeline(db: LexSearch, text: str) -> None:
    names = {name: getattr(db.stages, name) for name in ("lexical", "dense", "late", "hybrid")}
    stage: Stage = eval(text, names)
    assert eval(repr(stage), names) == stage
    found = stage.search("red blue", top_k=10)
    assert len(found) <= 10
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
    assert found.mode == repr(stage)


def test_the_text_has_only_the_brackets_it_needs(s: Stages) -> None:
    assert repr((s.lexical | s.dense) >> s.late % 100) == "(lexical | dense) >> late % 100"
    assert repr(0.3 * s.lexical + 0.7 * s.dense) == "0.3 * lexical + 0.7 * dense"
    assert repr(0.5 * (s.late % 3)) == "0.5 * (late % 3)"
    assert "lexical" in repr(s)


def test_candidates_come_as_ids_hits_results_or_a_ranking(db: LexSearch, s: Stages) -> None:
    first = s.dense.search("red", top_k=4)
    expected = listed((s.dense % 4 >> s.late).search("red"))
    numbers = np.array([int(hit.id, 16) for hit in first])
    ranking = Ranking(numbers, np.zeros(4, np.float32), "mine")
    for given_ in (first, list(first), [h.id for h in first], numbers.tolist(), ranking):
        assert listed(s.late.rerank("red", given_)) == expected  # type: ignore[arg-type]
    assert listed(s.late.rerank("red", first, top_k=2)) == expected[:2]
    assert listed(s.late.rerank("red", [])) == []
    everything = [h.id for h in db.search("red", top_k=30)]
    assert listed((s.lexical % 5).rerank("red", everything)) == listed(
        s.lexical.search("red", top_k=5)
    )


def test_the_conditions_of_a_query_hold_for_given_candidates_too(s: Stages) -> None:
    given_ = s.dense.search("red", top_k=10)
    kept = s.late.rerank("red", given_, filters=Filter(type="png"))
    assert {h.id for h in kept} == {h.id for h in given_ if h.path.endswith(".png")}


@pytest.mark.parametrize("id", ["f" * 16, "0" * 16, "no such id", 12])
def test_a_candidate_that_is_no_picture_is_an_error(s: Stages, id: Any) -> None:
    with pytest.raises(UsageError, match="no picture"):
        s.late.rerank("red", [id])


def test_many_queries_are_answered_like_one(s: Stages) -> None:
    pipeline = (s.lexical | s.dense) >> s.late % 6
    many = pipeline.search_many(QUERIES, top_k=6)
    assert [listed(one) for one in many] == [
        listed(pipeline.search(query, top_k=6)) for query in QUERIES
    ]
    assert pipeline.search_many([]) == []


def test_what_a_query_lacks_a_stage_says(s: Stages) -> None:
    words = Query.words({"red": 1.0})
    assert len(s.lexical.search(words)) == 10
    with pytest.raises(UsageError, match="no dense side"):
        (0.5 * s.lexical + 0.5 * s.dense).search(words)


def test_senseless_stages_are_refused(db: LexSearch, s: Stages, tmp_path: Any) -> None:
    with pytest.raises(UsageError, match="cut to 0"):
        s.late % 0
    with pytest.raises(UsageError, match="finite"):
        float("nan") * s.late
    with pytest.raises(TypeError, match="int"):
        s.late >> 3  # type: ignore[operator]
    with pytest.raises(UsageError, match="at least 1"):
        s.late.search("red", top_k=0)
    with (
        LexSearch.create(tmp_path / "other", model=db.model) as other,
        pytest.raises(UsageError, match="two dbs"),
    ):
        s.late >> other.stages.late


def test_an_empty_db_gives_an_empty_list(tmp_path: Any, session_toy_model: Any) -> None:
    with LexSearch.create(tmp_path / "db", model=session_toy_model) as empty:
        s = empty.stages
        for stage in (
            (s.lexical | s.dense) >> s.late % 3,
            0.5 * s.lexical + s.dense,
            s.late & s.dense,
        ):
            assert listed(stage.search("red")) == []
