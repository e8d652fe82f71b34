"""All measures of a model in one object."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lexsearch.errors import UsageError
from lexsearch.evaluation.model_report import ReportPlaces, model_report


@pytest.fixture
def places(save: Any, tmp_path: Path) -> ReportPlaces:
    """Four pictures of one colour each, and one with a red quarter and its mask."""
    for name in ("red", "green", "blue", "white"):
        save(f"photos/{name}.png", [name] * 4)
    captions = "".join(
        f"{name}.png\t{text}\n"
        for name in ("red", "green", "blue", "white")
        for text in (name, f"a {name} picture")
    )
    (tmp_path / "captions.tsv").write_text(captions)
    (tmp_path / "labels.tsv").write_text("red.png\tred\ngreen.png\tgreen\nblue.png\tblue\n")
    mask = np.zeros((16, 16), np.uint8)
    mask[:8, :8] = 1
    for folder in ("corpus", "seg"):
        save(f"{folder}/images/a.png", ("red", "green", "green", "green"))
        save(f"{folder}/masks/a.png", mask)
    (tmp_path / "corpus" / "objects.tsv").write_text("a.png\ta.png\tred\n")
    (tmp_path / "seg" / "classes.tsv").write_text("1\tred\n")
    return ReportPlaces(
        photos=tmp_path / "photos",
        captions=tmp_path / "captions.tsv",
        corpus=tmp_path / "corpus",
        segments=tmp_path / "seg",
        labelled=tmp_path / "photos",
        labels=tmp_path / "labels.tsv",
        classes=["red", "green"],
    )


def test_every_measure_that_has_data_is_in_the_report(toy_model: Any, places: ReportPlaces) -> None:
    said: list[str] = []
    report = model_report(toy_model, places, uncut=toy_model, resamples=20, say=said.append)
    assert json.loads(json.dumps(report)) == report
    assert said == ["retrieval", "words", "pointing", "patchdis", "labels"]
    assert set(report) == {
        "model", "bootstrap", "retrieval", "joined", "words", "pruning", "pointing", "patchdis",
        "labels",
    }  # fmt: skip
    assert report["retrieval"]["modes"]["hybrid"]["R@1"] == 1.0
    assert (report["retrieval"]["queries"], report["joined"]["queries"]) == (8, 4)
    assert report["joined"]["best_single_caption"] == 1.0
    assert report["joined"]["gain_over_single"] == 0.0
    assert report["words"]["text"]["share"] == 1.0
    assert report["pruning"]["stored"]["4"]["loss"] == 0.0
    assert report["pointing"]["centre"]["accuracy"] == 1.0
    assert report["patchdis"]["text"]["set"]["miou"] == 1.0
    assert report["labels"]["classes"] == ["red", "green"]
    assert report["labels"]["images"] == 2


def test_what_has_no_data_is_left_out(toy_model: Any, places: ReportPlaces) -> None:
    found = model_report(toy_model, ReportPlaces(corpus=places.corpus), resamples=0)
    assert set(found) == {"model", "bootstrap", "pointing"}


def test_a_folder_without_its_table_is_refused(toy_model: Any, places: ReportPlaces) -> None:
    with pytest.raises(UsageError, match="photos was given without"):
        model_report(toy_model, ReportPlaces(photos=places.photos))
