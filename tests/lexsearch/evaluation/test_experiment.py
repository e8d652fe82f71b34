"""Runs over a small db of the toy model."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lexsearch.engine import Engine
from lexsearch.errors import StorageError, UsageError
from lexsearch.evaluation.experiment import SearchRun, permitted_modes, read_times, run
from lexsearch.evaluation.indexed import ids_of, indexed_folder
from lexsearch.evaluation.runs import read_run
from lexsearch.query import Filter, Query
from lexsearch.types import docid


@pytest.fixture
def db(toy_model: Any, save: Any, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """Red, green, blue and white pictures; `ids` by colour."""
    for colour in ("red", "green", "blue", "white"):
        save(f"photos/{colour}.png", (colour,) * 4)
    with indexed_folder(tmp_path / "photos", tmp_path / "db", toy_model) as engine:
        files = [f"{colour}.png" for colour in ("red", "green", "blue", "white")]
        ids = ids_of(engine.snapshot, tmp_path / "photos", files)
        yield SimpleNamespace(engine=engine, ids={Path(f).stem: i for f, i in ids.items()})


def test_every_query_has_its_best_pictures_first(db: Any) -> None:
    found = run(db, {"a": "red", "b": Query.text("blue")}, k=2)
    assert [next(iter(scores)) for scores in found.scores.values()] == [
        docid(db.ids["red"]),
        docid(db.ids["blue"]),
    ]
    assert all(len(scores) == 2 for scores in found.to_dict().values())
    assert set(found.millis) == {"a", "b"}
    assert found.ms_p50 is not None


@pytest.mark.parametrize("mode", ["lexical", "dense", "late", "hybrid"])
def test_a_run_has_what_a_search_has_in_its_order(mode: Any, db: Any) -> None:
    hits = db.engine.search(Query.text("green picture"), k=4, mode=mode)
    scores = run(db, {"q": "green picture"}, k=4, mode=mode).scores["q"]
    assert list(scores) == [hit.id for hit in hits]
    assert list(scores.values()) == pytest.approx([hit.score for hit in hits], abs=1e-5)
    assert (np.diff(np.array(list(scores.values()), np.float32)) < 0).all()


def test_conditions_and_allowed_ids_both_hold(db: Any) -> None:
    wanted = Query.text("red").with_(exclude=("red",))
    allowed = np.sort(np.array([db.ids["red"], db.ids["blue"]]))
    found = run(db, {"q": wanted}, allowed=allowed).scores["q"]
    assert list(found) == [docid(db.ids["blue"])]
    nothing = Query.text("red").with_(filters=Filter(path="nowhere"))
    assert run(db, {"q": nothing}).scores == {"q": {}}


def test_a_query_is_prepared_and_progress_told(db: Any) -> None:
    told: list[int] = []
    turned = lambda query: Query.text("blue")  # noqa: E731
    found = run(db, {"q": "red"}, k=1, prepare=turned, on_progress=told.append)
    assert list(found.scores["q"]) == [docid(db.ids["blue"])]
    assert told == [1]


def test_an_empty_query_is_named_by_its_id(db: Any) -> None:
    with pytest.raises(UsageError, match="query 7: the query is empty"):
        run(db, {"6": "red", "7": "  "})
    with pytest.raises(UsageError, match="expected at least 1"):
        run(db, {"6": "red"}, k=0)


def test_no_query_gives_an_empty_run(db: Any, tmp_path: Path) -> None:
    nothing = run(db, {})
    assert (nothing.scores, nothing.ms_p50) == ({}, None)
    nothing.save(tmp_path / "r", times=True)
    assert (tmp_path / "r").read_text() == ""
    assert read_times(tmp_path / "r") is None


def test_a_run_is_saved_with_its_times(db: Any, tmp_path: Path) -> None:
    found = run(db, {"a": "red", "b": "blue"}, tag="mine")
    found.save(tmp_path / "r.trec", times=True)
    assert read_run(tmp_path / "r.trec") == found.scores
    assert (tmp_path / "r.trec").read_text().splitlines()[0].endswith(" mine")
    assert read_times(tmp_path / "r.trec") == found.ms_p50
    assert set(json.loads((tmp_path / "r.trec.json").read_text())["ms"]) == {"a", "b"}
    assert read_times(tmp_path / "other") is None
    (tmp_path / "r.trec.json").write_text("[]")
    with pytest.raises(UsageError, match=r"r\.trec\.json"):
        read_times(tmp_path / "r.trec")
    (tmp_path / "s.json").mkdir()
    with pytest.raises(StorageError, match="cannot be written"):
        SearchRun({}).save(tmp_path / "s", times=True)


def test_a_model_without_words_has_no_lexical_mode(db: Any) -> None:
    identity = db.engine.snapshot.identity
    assert permitted_modes(identity) == ("lexical", "dense", "late", "hybrid")
    dense = SimpleNamespace(fingerprints={"dense": "x"})
    assert permitted_modes(dense) == ("dense", "hybrid")  # type: ignore[arg-type]
    assert isinstance(db.engine, Engine)
