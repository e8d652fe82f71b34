"""Every picture ranks all captions, by the definitions of CLIP and FILIP."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lexsearch.evaluation.image_to_text import run_pictures, text_judgements
from lexsearch.evaluation.indexed import ids_of, indexed_folder
from lexsearch.evaluation.retrieval import Caption, figures, per_query
from lexsearch.query import Query
from lexsearch.ranking.maxsim import mean_max_similarity
from lexsearch.types import docid

TEXTS = [
    ("red.png", "red"), ("red.png", "a red picture"), ("blue.png", "blue"),
    ("mixed.png", "red green"), ("mixed.png", "white"), ("mixed.png", "dark"),
]  # fmt: skip
CAPTIONS = [Caption(str(10 - i), file, text) for i, (file, text) in enumerate(TEXTS)]


@pytest.fixture
def world(toy_model: Any, save: Any, tmp_path: Path) -> Iterator[SimpleNamespace]:
    save("p/red.png", ("red",) * 4)
    save("p/blue.png", ("blue",) * 4)
    save("p/mixed.png", ("red", "green", "red", "green"))
    folder = tmp_path / "p"
    with indexed_folder(folder, tmp_path / "db", toy_model) as engine:
        ids = ids_of(engine.snapshot, folder, (one.file for one in CAPTIONS))
        yield SimpleNamespace(engine=engine, ids=ids, folder=folder)


def test_all_captions_are_ranked_in_every_mode(world: Any) -> None:
    told: list[int] = []
    found = run_pictures(world.engine, CAPTIONS, world.ids, world.folder, on_progress=told.append)
    assert set(found) == {"lexical", "dense", "late", "hybrid"}
    for outcome in found.values():
        assert list(outcome.run) == [docid(i) for i in dict.fromkeys(world.ids.values())]
        assert all(len(scores) == len(CAPTIONS) for scores in outcome.run.values())
        assert next(iter(outcome.run[docid(world.ids["red.png"])])) in ("9", "10")
    assert told == [1, 2, 3]


def test_late_interaction_is_the_mean_over_patches(world: Any) -> None:
    """Not the mean over tokens, which a search by text takes."""
    found = run_pictures(world.engine, CAPTIONS, world.ids, world.folder)["late"]
    patches = world.engine.encode(Query.image(world.folder / "mixed.png")).tokens.item(0)
    scores = found.run[docid(world.ids["mixed.png"])]
    for one in CAPTIONS:
        tokens = world.engine.model.encode_texts([one.text]).tokens.item(0)
        assert scores[one.qid] == pytest.approx(mean_max_similarity(patches, tokens), abs=1e-5)


def test_any_own_caption_among_the_first_counts(world: Any) -> None:
    qrels = text_judgements(CAPTIONS, world.ids)
    assert qrels[docid(world.ids["red.png"])] == {"10": 1, "9": 1}
    red = docid(world.ids["red.png"])
    run = {red: {"8": 3.0, "9": 2.0, "10": 1.0}}  # ranks 2 and 3 of two
    (row,) = per_query(run, {red: qrels[red]})
    ideal = 1 + 1 / np.log2(3)
    assert row == pytest.approx([0, 1, 1, (1 / np.log2(3) + 1 / np.log2(4)) / ideal, 1 / 2])


def test_the_figures_are_those_of_ir_measures(world: Any) -> None:
    ir_measures = pytest.importorskip("ir_measures", reason="ir-measures is not installed")
    from lexsearch.evaluation.runs import strict

    qrels = text_judgements(CAPTIONS, world.ids)
    found = run_pictures(world.engine, CAPTIONS, world.ids, world.folder)
    names = {"R@1": "Success@1", "R@5": "Success@5", "nDCG@10": "nDCG@10", "RR": "RR"}
    for mode, outcome in found.items():
        run = {qid: strict(scores) for qid, scores in outcome.run.items()}
        theirs = ir_measures.calc_aggregate(
            [ir_measures.parse_measure(name) for name in names.values()], qrels, run
        )
        ours = figures({mode: outcome}, qrels)[mode]
        for name, other in names.items():
            assert ours[name] == pytest.approx(theirs[ir_measures.parse_measure(other)], abs=1e-9)


def test_two_files_of_the_same_bytes_are_one_picture() -> None:
    captions = [Caption("1", "a", "x"), Caption("2", "b", "y")]
    assert text_judgements(captions, {"a": 5, "b": 5}) == {docid(5): {"1": 1, "2": 1}}
