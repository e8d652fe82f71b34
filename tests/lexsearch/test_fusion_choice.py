"""The rule in force: by name, learned, or the model's; and its arithmetic in hits."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lexsearch.bundle.writer import BundleWriter
from lexsearch.cli.options import FUSIONS as SPELLED
from lexsearch.engine import Engine
from lexsearch.errors import IndexDamaged, UsageError
from lexsearch.evaluation.indexed import indexed_folder
from lexsearch.explanation import explanation
from lexsearch.fusion_choice import FUSIONS, FusionChoice
from lexsearch.query import Query
from lexsearch.ranking.fusion_rules import NAMED, Rule, Scaled, Weighted
from lexsearch.ranking.learned_fusion import LearnedFusion
from lexsearch.ranking.learned_rules import FEATURES, Linear

WORDS_FIRST = Scaled("theoretical", {"lexical": 0.9, "dense": 0.05, "late": 0.05})
LINEAR = Linear(tuple(0.5 + i for i in range(len(FEATURES))), -1.0, 100)


@pytest.fixture
def snapshot(toy_model: Any, tmp_path: Path) -> Iterator[Any]:
    from PIL import Image

    (tmp_path / "p").mkdir()
    colours = {"red": (255, 0, 0), "green": (0, 255, 0), "mixed": (180, 90, 0), "blue": (0, 0, 255)}
    for name, colour in colours.items():
        Image.new("RGB", (16, 16), colour).save(tmp_path / f"p/{name}.png")
    with indexed_folder(tmp_path / "p", tmp_path / "db", toy_model) as engine:
        yield engine.snapshot


def learned(model: Any, rule: Rule = WORDS_FIRST, **changed: Any) -> str:
    fingerprints = changed.pop("fingerprints", model.identity.fingerprints)
    return LearnedFusion(rule, fingerprints, {"queries": 9}).to_text()


def held(model: Any, text: str | None) -> Any:
    """A snapshot that holds this text."""
    return SimpleNamespace(fusion=text, directory="db", identity=model.identity)


def test_the_command_line_spells_all_of_them() -> None:
    assert SPELLED == FUSIONS


def test_auto_is_what_was_learned_and_otherwise_the_models_weights(toy_model: Any) -> None:
    empty = held(toy_model, None)
    assert FusionChoice("auto", empty, toy_model).for_texts == Weighted(toy_model.fusion)
    full = held(toy_model, learned(toy_model))
    assert FusionChoice("auto", full, toy_model).for_texts == WORDS_FIRST
    assert FusionChoice("model", full, toy_model).for_texts == Weighted(toy_model.fusion)
    assert FusionChoice("rrf", full, toy_model).for_texts is NAMED["rrf"]


def test_what_was_learned_on_texts_is_for_texts(toy_model: Any) -> None:
    full = held(toy_model, learned(toy_model))
    choice = FusionChoice("auto", full, toy_model)
    text, words = Query.text("red"), Query.words({"red": 1.0})
    assert choice.for_query(text - Query.text("blue")) == WORDS_FIRST
    for other in (words, text + words, Query.image("x.png")):
        assert isinstance(choice.for_query(other), Weighted)
    assert FusionChoice("dbsf", full, toy_model).for_query(words) is NAMED["dbsf"]


def test_what_other_encoders_learned_is_not_used(toy_model: Any) -> None:
    other = held(toy_model, learned(toy_model, fingerprints={"dense": "other/1"}))
    assert isinstance(FusionChoice("auto", other, toy_model).for_texts, Weighted)
    with pytest.raises(UsageError, match="lexsearch fusion learn"):
        FusionChoice("learned", other, toy_model).for_texts  # noqa: B018


def test_a_name_that_is_none_and_a_text_that_is_none_are_said(toy_model: Any) -> None:
    empty: Any = held(toy_model, "{}")
    with pytest.raises(UsageError, match="'magic'; known: auto, model, learned, rrf"):
        FusionChoice("magic", empty, toy_model)
    with pytest.raises(IndexDamaged, match="lexsearch fusion forget --db db"):
        FusionChoice("auto", empty, toy_model).for_texts  # noqa: B018
    assert isinstance(FusionChoice("model", empty, toy_model).for_texts, Weighted)


@pytest.mark.parametrize("rule", [*NAMED.values(), WORDS_FIRST, LINEAR], ids=lambda r: r.name)
def test_hits_are_ranked_by_the_rule_and_say_how(rule: Rule, toy_model: Any, snapshot: Any) -> None:
    if rule in NAMED.values():
        engine = Engine(snapshot, toy_model, fusion=rule.name)
    else:
        with BundleWriter.open(
            snapshot.directory, identity=toy_model.identity, create=False
        ) as writer:
            writer.set_fusion(learned(toy_model, rule))
        snapshot = type(snapshot).open(snapshot.directory)
        engine = Engine(snapshot, toy_model)
    query = Query.text("red green")
    results = engine.search(query, k=4, every_word=True)
    assert results.fusion == rule.name
    encoded = engine.encode(query)
    found = engine.search_encoded(encoded, k=4, rule=rule)
    totals = dict(zip(found.candidates.tolist(), rule.totals(found.scores).tolist(), strict=True))
    assert [hit.score for hit in results] == sorted(totals.values(), reverse=True)
    for hit in results:
        assert hit.score == totals[int(hit.id, 16)] == hit.scores["fused"]
        assert sum(one.share for one in hit.shares) == pytest.approx(hit.score, rel=1e-6)
        assert hit.to_dict()["shares"]
        (record,) = snapshot.images([int(hit.id, 16)])
        said = explanation(engine, query, record, hit.raw_path, read_photo=False)
        assert said.fusion == rule.name
        assert said.fused == hit.score
        assert said.shares == hit.shares
        assert said.weights == {}
        assert said.candidates == 4
    plain = engine.search(query, k=4)
    assert all(hit.shares == () and "shares" not in hit.to_dict() for hit in plain)
    some = engine.search(query, k=4, with_shares=2)
    assert [hit.shares for hit in some] == [hit.shares for hit in results[:2]] + [(), ()]
    many = engine.search_many([query, Query.words({"red": 1.0})], k=4)
    assert [hit.id for hit in many[0]] == [hit.id for hit in results]
    if rule not in NAMED.values():
        snapshot.close()


def test_the_models_weights_explain_as_before(toy_model: Any, snapshot: Any) -> None:
    engine = Engine(snapshot, toy_model)
    (hit,) = engine.search(Query.text("red"), k=1, every_word=True)
    (record,) = snapshot.images([int(hit.id, 16)])
    said = explanation(engine, Query.text("red"), record, hit.raw_path, read_photo=False)
    assert (said.fusion, said.candidates) == ("model", 1)
    assert said.weights == dict(toy_model.fusion)
    assert said.shares == hit.shares
    assert said.fused == pytest.approx(sum(one.share for one in said.shares))


def test_a_picture_outside_of_the_candidates_is_explained_among_them(
    toy_model: Any, snapshot: Any
) -> None:
    engine = Engine(snapshot, toy_model, fusion="rrf")
    query = Query.text("red").with_(exclude=("green",))
    allowed = engine.allowed(query)
    assert allowed is not None
    outside = np.setdiff1d(snapshot.image_ids(), allowed)
    (record,) = snapshot.images([int(outside[0])])
    said = explanation(engine, query, record, record.paths[0], read_photo=False)
    assert said.candidates == len(allowed) + 1
    assert said.fused == pytest.approx(sum(one.share for one in said.shares))


def test_a_mode_of_one_channel_has_no_rule(toy_model: Any, snapshot: Any) -> None:
    engine = Engine(snapshot, toy_model, fusion="rrf")
    (hit,) = engine.search(Query.text("red"), k=1, mode="dense", every_word=True)
    assert hit.shares == ()
    assert hit.score == hit.scores["dense"]
