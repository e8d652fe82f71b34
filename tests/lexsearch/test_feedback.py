"""Pseudo-relevance feedback: the formulas, and the way through a search."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lexsearch.engine import Engine
from lexsearch.errors import UsageError
from lexsearch.evaluation.indexed import indexed_folder
from lexsearch.explanation import explanation
from lexsearch.feedback import METHODS, Feedback, expanded
from lexsearch.query import Filter, Query
from lexsearch.types import SparseVectors


def rows(*many: dict[int, float]) -> SparseVectors:
    return SparseVectors.from_rows(
        [(np.array(list(r), np.int32), np.array(list(r.values()), np.float32)) for r in many], 8
    )


def words(vectors: SparseVectors) -> dict[int, float]:
    ids, weights = vectors.row(0)
    return dict(zip(ids.tolist(), weights.tolist(), strict=True))


QUERY = rows({0: 3.0, 1: 4.0})
PICTURES = rows({0: 1.0, 2: 1.0}, {2: 2.0})
SCORES = np.array([3.0, 1.0], np.float32)


def test_rocchio_adds_the_mean_of_unit_vectors_and_keeps_the_length() -> None:
    found = words(expanded(QUERY, PICTURES, SCORES, Feedback("rocchio", weight=0.5)))
    root = np.sqrt(2)
    raw = {0: 3 / 5 + 0.5 * (1 / root) / 2, 1: 4 / 5, 2: 0.5 * (1 / root + 1) / 2}
    length = np.sqrt(sum(v**2 for v in raw.values()))
    assert found == pytest.approx({key: 5 * value / length for key, value in raw.items()})


def test_rm3_mixes_with_the_shares_of_the_scores() -> None:
    found = words(expanded(QUERY, PICTURES, SCORES, Feedback("rm3", weight=0.4)))
    lent = {0: 0.75 * 0.5, 2: 0.75 * 0.5 + 0.25 * 1.0}
    raw = {0: 0.6 * 3 / 7 + 0.4 * lent[0], 1: 0.6 * 4 / 7, 2: 0.4 * lent[2]}
    length = np.sqrt(sum(v**2 for v in raw.values()))
    assert found == pytest.approx({key: 5 * value / length for key, value in raw.items()})


def test_rm3_counts_scores_below_zero_from_the_least() -> None:
    low = expanded(QUERY, PICTURES, np.array([-1.0, -2.0], np.float32), Feedback("rm3"))
    first = expanded(QUERY, PICTURES.select([0]), SCORES[:1], Feedback("rm3"))
    assert words(low) == pytest.approx(words(first))  # the second has no share
    even = expanded(QUERY, PICTURES, np.zeros(2, np.float32), Feedback("rm3"))
    assert words(even) != words(low)


@pytest.mark.parametrize("method", METHODS)
def test_only_the_heaviest_words_are_taken(method: str) -> None:
    many = rows({2: 0.1, 3: 0.9, 4: 0.5, 5: 0.5})
    found = words(expanded(QUERY, many, SCORES[:1], Feedback(method, words=2)))
    assert set(found) == {0, 1, 3, 4}  # of equal weights the smaller id


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("query", "pictures", "weight"),
    [
        (QUERY, PICTURES, 0.0),
        (QUERY, rows(), 0.5),
        (QUERY, rows({}), 0.5),
        (rows({}), rows({2: 1.0}), 0.5),
        (rows({2: -1.0}), rows({2: 1.0}), 0.5),
    ],
    ids=["weight 0", "no picture", "no words in it", "empty query", "only unwanted words"],
)
def test_where_nothing_can_be_lent_the_query_stays(
    query: SparseVectors, pictures: SparseVectors, weight: float, method: str
) -> None:
    scores = np.ones(len(pictures), np.float32)
    assert expanded(query, pictures, scores, Feedback(method, weight=weight)) is query


@pytest.mark.parametrize("method", METHODS)
def test_an_unwanted_word_is_not_lent_back(method: str) -> None:
    query = rows({0: 3.0, 2: -4.0})
    found = words(expanded(query, PICTURES, SCORES, Feedback(method)))
    assert found[2] < 0
    assert set(found) == {0, 2}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "magic"}, "'magic'"),
        ({"docs": 0}, "0 photos"),
        ({"words": 0}, "0 words"),
        ({"weight": 1.5}, "1.5"),
        ({"weight": float("nan")}, "nan"),
    ],
)
def test_values_outside_of_their_range_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Feedback(**wrong)


@pytest.fixture
def engine(toy_model: Any, tmp_path: Path) -> Iterator[Engine]:
    """Three pictures that are red and green, one red, one green, one blue."""
    (tmp_path / "p").mkdir()
    halves = {"a": (200, 200, 0), "b": (210, 200, 0), "c": (220, 210, 0), "red": (255, 0, 0),
              "green": (0, 255, 0), "blue": (0, 0, 255)}  # fmt: skip
    for name, colour in halves.items():
        Image.new("RGB", (16, 16), colour).save(tmp_path / f"p/{name}.png")
    with indexed_folder(tmp_path / "p", tmp_path / "db", toy_model) as made:
        yield made


@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
@pytest.mark.parametrize("method", METHODS)
def test_a_search_with_feedback_is_a_search_with_the_expanded_words(
    method: str, mode: Any, engine: Engine
) -> None:
    how = Feedback(method, docs=3)
    query = Query.text("red")
    first = engine.search(query, k=3, mode=mode)
    ids = np.array([int(hit.id, 16) for hit in first])
    scores = np.array([hit.score for hit in first], np.float32)
    plain = engine.encode(query).lexical
    assert plain is not None
    by_hand = expanded(plain, engine.lexical.vectors(ids), scores, how)
    fed = query.with_(feedback=how)
    encoded = engine.encode(fed, mode=mode)
    assert encoded.lexical is not None
    assert words(encoded.lexical) == pytest.approx(words(by_hand))
    assert "green" in [engine.model.vocabulary.words[i] for i in words(by_hand)]
    results = engine.search(fed, k=6, mode=mode, every_word=True)
    assert any(f"({method})" in note for note in results.notes)
    assert "feedback" in results.seconds
    for hit in results:
        assert sum(t.contribution for t in hit.terms) == pytest.approx(hit.scores["lexical"])
    (again,) = engine.search_many([fed], k=6, mode=mode)
    assert [(hit.id, hit.score) for hit in again] == [(hit.id, hit.score) for hit in results]
    ranking = engine.ranking(fed, k=6, mode=mode)
    assert ranking.scores.tolist() == [hit.score for hit in results]


def test_the_explanation_has_the_expanded_words(engine: Engine) -> None:
    query = Query.text("red").with_(feedback=Feedback(docs=3))
    (hit,) = engine.search(query, k=1)
    (record,) = engine.snapshot.images([int(hit.id, 16)])
    said = explanation(engine, query, record, hit.raw_path, read_photo=False)
    assert said.fused == pytest.approx(hit.score)
    assert [term.word for term in said.terms] == ["red", "white"]  # white was lent


def test_other_channels_and_conditions_are_left_alone(engine: Engine) -> None:
    query = Query.text("red").with_(feedback=Feedback())
    for mode in ("dense", "late"):
        plain = engine.search(Query.text("red"), k=6, mode=mode)  # type: ignore[arg-type]
        fed = engine.search(query, k=6, mode=mode)  # type: ignore[arg-type]
        assert [hit.score for hit in fed] == [hit.score for hit in plain]
    nowhere = query.with_(filters=Filter(path="nowhere"))
    assert len(engine.search(nowhere, k=3)) == 0
    only_blue = query.with_(exclude=("red", "green"))
    assert [hit.path[-8:] for hit in engine.search(only_blue, k=3)] == ["blue.png"]


def test_feedback_stays_with_the_query() -> None:
    how = Feedback("rm3")
    query = Query.text("a").with_(feedback=how)
    assert (query + Query.text("b")).feedback is how
    assert (Query.text("b") + query).feedback is how
    assert (2 * query).with_(must=("a",)).feedback is how
    assert Query.text("a").feedback is None
