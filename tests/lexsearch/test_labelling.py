"""Labels by prompts: the arithmetic, what is kept, the filter and the files."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from lexsearch import LexSearch
from lexsearch.bundle.labels_file import LABELS_FILE, read_labels
from lexsearch.cli import label as cli_label
from lexsearch.errors import IndexDamaged, UsageError
from lexsearch.labelling import checked_classes, label_pictures
from lexsearch.sidecars import sidecar, write_sidecar
from lexsearch.types import DenseVectors

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


@pytest.fixture
def db(tmp_path: Path, toy_model: Any) -> Iterator[LexSearch]:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (32, 24), colour).save(folder / f"{name}.png")
        Image.new("RGB", (30, 24), colour).save(folder / f"{name} too.png")
    with LexSearch.create(tmp_path / "db", model=toy_model) as opened:
        opened.index(folder)
        yield opened


def by_name(db: LexSearch, labels: Any) -> dict[str, str]:
    records = db.snapshot.images([key for key, *_ in labels])
    return {
        Path(os.fsdecode(record.paths[0])).stem: name
        for record, (_, name, _, _) in zip(records, labels, strict=True)
    }


@pytest.mark.parametrize("mode", [None, "dense", "late", "lexical", "hybrid"])
def test_every_picture_gets_the_class_it_resembles(db: LexSearch, mode: Any) -> None:
    labels = db.label(["red", "green", "blue"], templates=["{}"], mode=mode)
    assert by_name(db, labels) == {n: n.split()[0] for c in COLOURS for n in (c, f"{c} too")}
    assert (labels.lead > 0).all()
    assert labels.score.dtype == labels.lead.dtype == np.float32


def test_scores_are_means_over_prompts_and_leads_are_differences(db: LexSearch) -> None:
    one = db.label(["red", "green"], templates=["{}"], mode="dense")
    other = db.label(["red", "green"], templates=["red {}"], mode="dense")
    both = db.label(["red", "green"], templates=["{}", "red {}"], mode="dense")
    same = (one.best == other.best) & (one.best == both.best)
    assert same.any()
    wanted = (one.score + other.score)[same] / 2
    np.testing.assert_allclose(both.score[same], wanted, rtol=1e-6)


def test_equal_classes_go_to_the_first_and_lead_by_nothing(db: LexSearch) -> None:
    twins = db.label(["Red", "red"], templates=["{}"], mode="dense")
    assert twins.best.tolist() == [0] * 6
    assert twins.lead.tolist() == [0.0] * 6


def test_centring_takes_off_what_a_class_scores_everywhere(db: LexSearch) -> None:
    classes = ["red", "red green blue", "blue"]
    ids = db.snapshot.image_ids()
    dense = db.model.encode_texts(classes).dense
    assert dense is not None
    rows = [db.engine.dense.score(DenseVectors(dense.values[i : i + 1]), ids) for i in range(3)]
    scores = np.stack(rows).T
    plain = db.label(classes, templates=["{}"], mode="dense")
    centred = db.label(classes, templates=["{}"], mode="dense", centre=True)
    assert plain.best.tolist() == scores.argmax(axis=1).tolist()
    assert centred.best.tolist() == (scores - scores.mean(axis=0)).argmax(axis=1).tolist()
    assert centred.centred


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([], "at least two"),
        (["one"], "at least two"),
        (["a", "a "], "at least two"),
        (["a", " "], "no name"),
    ],
)
def test_classes_that_cannot_be_told_apart_are_refused(classes: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        checked_classes(classes)


def test_an_empty_index_has_no_labels(tmp_path: Path, toy_model: Any) -> None:
    with LexSearch.create(tmp_path / "none", model=toy_model) as db:
        assert len(db.label(["red", "green"])) == 0
        assert list(label_pictures(db.engine, ["red", "green"], centre=True)) == []


def test_kept_labels_are_a_filter(db: LexSearch) -> None:
    with pytest.raises(UsageError, match="have no labels"):
        db.search("red label:red")
    db.label(["red", "green", "Sky_blue"], templates=["{}"], keep=True)
    found = db.search("red label:green", top_k=9)
    assert {Path(hit.path).stem for hit in found} == {"green", "green too"}
    with pytest.raises(UsageError, match=r"no class is called 'cow'.*red, green"):
        db.search("red label:cow")
    db.label(["red", "not red"], templates=["{}"], keep=True)
    with pytest.raises(UsageError, match="no class is called 'green'"):
        LexSearch.open(db.directory, model=db.model).search("red label:green")


def test_an_unsure_picture_has_no_label(db: LexSearch) -> None:
    labels = db.label(["red", "green"], templates=["{}"])
    least = float(np.sort(labels.lead)[3])
    sure = db.label(["red", "green"], templates=["{}"], min_lead=least, keep=True)
    assert 0 < len(sure) < len(labels)
    kept = read_labels(db.directory)
    assert kept is not None
    assert set(kept.of) == set(sure.ids.tolist())


@pytest.mark.parametrize("damage", [b"", b"{", b'{"schema":1}\n'])
def test_damaged_labels_are_named_with_the_cure(db: LexSearch, damage: bytes) -> None:
    db.label(["red", "green"], keep=True)
    path = db.directory / LABELS_FILE
    path.write_bytes(damage)
    with pytest.raises(IndexDamaged, match="label the pictures again"):
        db.search("red label:green")
    db.label(["red", "green"], keep=True)
    assert len(db.search("red label:red")) + len(db.search("red label:green")) == 6


def test_the_command_prints_csv_json_and_a_table(
    db: LexSearch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        cli_label, "open_db", lambda _: LexSearch.open(db.directory, model=db.model)
    )
    classes = tmp_path / "classes.txt"
    classes.write_text("red\ngreen\nblue\n", encoding="utf-8")
    base = ["--classes", str(classes), "--template", "{}"]

    def out(*more: str) -> str:
        done = CliRunner().invoke(cli_label.command, [*base, *more])
        assert done.exit_code == 0, done.output
        return done.stdout

    rows = list(csv.DictReader(out("--format", "csv").splitlines()))
    assert {Path(row["path"]).stem: row["label"] for row in rows}["blue too"] == "blue"
    found = json.loads(out("--format", "json"))
    assert [one["label"] for one in found["labels"]] == [row["label"] for row in rows]
    assert "6 pictures by dense" in out()
    photo = tmp_path / "photos" / "red.png.xmp"
    photo.write_text("mine", encoding="utf-8")
    out("--xmp")
    assert photo.read_text(encoding="utf-8") == "mine"
    made = ElementTree.parse(tmp_path / "photos" / "red too.png.xmp")
    item = made.find(".//{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li")
    assert item is not None
    assert item.text == "red"


def test_a_sidecar_holds_any_keyword_as_text(tmp_path: Path) -> None:
    text = sidecar(['<b>&"', "naïve 犬", "\x00bell\x07"])
    items = ElementTree.fromstring(text.encode()).iter(
        "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"
    )
    assert [item.text for item in items] == ['<b>&"', "naïve 犬", "bell"]
    odd = os.fsencode(tmp_path) + b"/\xff.jpg"
    assert write_sidecar(odd, ["a"])
    assert not write_sidecar(odd, ["b"])
