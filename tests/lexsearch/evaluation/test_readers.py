"""Karpathy splits in their three layouts, and objects like those of ir_datasets."""

import json
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lexsearch.errors import UsageError
from lexsearch.evaluation.readers import read_collection, read_dataset, read_karpathy
from lexsearch.evaluation.retrieval import Caption
from lexsearch.types import docid


def sentence(number: int, text: str) -> dict[str, Any]:
    return {"sentid": number, "imgid": 0, "raw": text, "tokens": text.lower().split()}


def image(name: str, split: str, *sentences: dict[str, Any], **more: Any) -> dict[str, Any]:
    ids = [one["sentid"] for one in sentences]
    return {"filename": name, "split": split, "sentences": sentences, "sentids": ids, **more}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Pictures as COCO, Flickr30k and a nested folder have them."""
    for name in ("val2014/one.jpg", "two.jpg", "deep/er/three.jpg"):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path


def write(place: Path, *images: dict[str, Any]) -> Path:
    path = place / "dataset.json"
    path.write_text(json.dumps({"images": images, "dataset": "x"}), encoding="utf-8")
    return path


def test_the_asked_split_is_read_wherever_its_pictures_lie(place: Path) -> None:
    path = write(
        place,
        image("one.jpg", "test", sentence(5, "Ein Hund.\n"), sentence(6, "a dog"),
              filepath="val2014", cocoid=9),
        image("gone.jpg", "train", sentence(7, "not here")),
        image("two.jpg", "test", sentence(8, "two")),
        image("three.jpg", "val", sentence(9, "three")),
    )  # fmt: skip
    assert read_karpathy(path, place / "images") == [
        Caption("5", "val2014/one.jpg", "Ein Hund."),
        Caption("6", "val2014/one.jpg", "a dog"),
        Caption("8", "two.jpg", "two"),
    ]
    assert read_karpathy(path, place / "images", split="val") == [
        Caption("9", "deep/er/three.jpg", "three")
    ]
    assert len(read_karpathy(path, place / "images", limit=1)) == 1


def test_a_collection_is_told_by_its_ending(place: Path) -> None:
    path = write(place, image("two.jpg", "test", sentence(1, "two")))
    assert read_collection(path, place / "images") == [Caption("1", "two.jpg", "two")]
    (place / "c.tsv").write_text("two.jpg\ttwo\n")
    assert read_collection(place / "c.tsv", place / "images") == [Caption("1", "two.jpg", "two")]
    with pytest.raises(UsageError, match="--split is for"):
        read_collection(place / "c.tsv", place / "images", split="val")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([image("one.jpg", "val", sentence(1, "x"))], "no split 'test'; it has: val"),
        ([image("none.jpg", "test", sentence(1, "x"))], "'none.jpg', which is not below"),
        ([image("two.jpg", "test", sentence(1, "x"), sentence(1, "y"))], "same sentid"),
        ([{"split": "test", "filename": "two.jpg"}], "lacks 'sentences'"),
        ([{"split": "test", "sentences": []}], "lacks 'filename'"),
        ([], "no split"),
    ],
)
def test_what_is_wrong_with_a_split_is_said(
    images: list[dict[str, Any]], message: str, place: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        read_karpathy(write(place, *images), place / "images")


def test_a_name_that_two_pictures_have_is_refused(place: Path) -> None:
    (place / "images/other").mkdir()
    (place / "images/other/three.jpg").write_bytes(b"")
    path = write(place, image("three.jpg", "test", sentence(1, "x")))
    with pytest.raises(UsageError, match="is 2 files below"):
        read_karpathy(path, place / "images")


@pytest.mark.parametrize("text", ["{", "[]", '{"images": 3}', '{"images": [3]}'])
def test_a_file_of_another_layout_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text(text)
    with pytest.raises(UsageError, match=r"d\.json is no"):
        read_karpathy(tmp_path / "d.json", tmp_path)
    with pytest.raises(UsageError, match="no such file of captions"):
        read_karpathy(tmp_path / "none.json", tmp_path)


Doc = namedtuple("Doc", "doc_id path")
Topic = namedtuple("Topic", "query_id text")
Qrel = namedtuple("Qrel", "query_id doc_id relevance iteration")


def dataset(
    docs: list[Any] | None = None, topics: list[Any] | None = None, qrels: list[Any] | None = None
) -> Any:
    return SimpleNamespace(
        docs_iter=lambda: iter(docs or [Doc("d1", Path("a.jpg")), Doc("d2", "b.jpg")]),
        queries_iter=lambda: iter(topics or [Topic("1", "dog")]),
        qrels_iter=lambda: iter(qrels or [Qrel("1", "d2", 2, "0"), Qrel("1", "d1", 0, "0")]),
    )


def test_an_object_like_ir_datasets_becomes_topics_and_qrels() -> None:
    found = read_dataset(dataset())
    assert found.topics == {"1": "dog"}
    assert found.files == {"d1": "a.jpg", "d2": "b.jpg"}
    assert found.qrels({"a.jpg": 7, "b.jpg": 8}) == {"1": {docid(8): 2, docid(7): 0}}
    assert found.qrels({"a.jpg": 7, "b.jpg": 7}) == {"1": {docid(7): 2}}


def test_other_names_of_fields_are_understood() -> None:
    topic = SimpleNamespace(query_id=3, default_text=lambda: "sea")
    doc = SimpleNamespace(doc_id=4, file_name="x.png")
    found = read_dataset(dataset([doc], [topic], [Qrel(3, 4, 1, "0")]))
    assert (found.topics, found.files) == ({"3": "sea"}, {"4": "x.png"})
    assert found.judged == {"3": {"4": 1}}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"qrels": [Qrel("9", "d1", 1, "0")]}, "query '9'"),
        ({"qrels": [Qrel("1", "d9", 1, "0")]}, "document 'd9'"),
        ({"docs": [Doc("d1", "a"), Doc("d1", "b")]}, "'d1' occurs twice"),
        ({"docs": [SimpleNamespace(doc_id="d1")]}, "names no picture"),
        ({"docs": [SimpleNamespace(path="d1")]}, "has no doc_id"),
        ({"topics": [SimpleNamespace(query_id="1")]}, "has no text"),
    ],
)
def test_what_is_wrong_with_a_data_set_is_said(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_dataset(dataset(**wrong))
