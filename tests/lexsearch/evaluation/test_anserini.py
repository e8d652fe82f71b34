"""Words of an index as a collection of Anserini, queries as its topics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lexsearch.api import LexSearch
from lexsearch.cli import main
from lexsearch.errors import UsageError
from lexsearch.evaluation import anserini
from lexsearch.types import docid

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "violet": (200, 0, 255), "none": (1, 1, 1)}


@pytest.fixture
def index(tmp_path: Path, toy_model: Any) -> LexSearch:
    (tmp_path / "photos").mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (16, 16), colour).save(tmp_path / "photos" / f"{name}.png")
    made = LexSearch.create(tmp_path / "db", model=toy_model)
    made.index(tmp_path / "photos")
    return made


def documents(folder: Path) -> dict[str, dict[str, int]]:
    lines = (folder / "collection" / "docs.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert all(set(record) == {"id", "contents", "vector"} for record in records)
    assert all(record["contents"] == "" for record in records)
    return {record["id"]: record["vector"] for record in records}


def test_every_photo_is_a_document_of_its_stored_words(index: LexSearch, tmp_path: Path) -> None:
    made = anserini.export(index.engine, tmp_path / "out", scale=100)
    found = documents(tmp_path / "out")
    ids = index.snapshot.image_ids()
    assert list(found) == [docid(i) for i in ids.tolist()]
    stored = index.engine.lexical.vectors(ids)
    words = index.model.vocabulary.words
    for i, image_id in enumerate(ids.tolist()):
        pairs = zip(*(part.tolist() for part in stored.row(i)), strict=True)
        assert found[docid(image_id)] == {words[w]: max(1, round(x * 100)) for w, x in pairs}
    assert (made.images, made.wordless, made.scale) == (4, 1, 100)
    assert "1 pictures have no word" in made.notes[0]
    manifest = json.loads((tmp_path / "out" / "export.json").read_text())
    assert manifest["fingerprint"] == "toy/l/1"
    assert manifest["postings"] == sum(map(len, found.values()))


def test_topics_carry_the_weights_of_the_encoded_query(index: LexSearch, tmp_path: Path) -> None:
    texts = {"q1": "red and blue", "q2": "nothing known", "ü": "green"}
    anserini.export(index.engine, tmp_path / "out", texts, query_scale=10)
    lines = (tmp_path / "out" / "topics.jsonl").read_text(encoding="utf-8").splitlines()
    half = round(10 / 2**0.5)
    assert [json.loads(line) for line in lines] == [
        {"qid": "q1", "contents": "red and blue", "vector": {"blue": half, "red": half}},
        {"qid": "q2", "contents": "nothing known", "vector": {}},
        {"qid": "ü", "contents": "green", "vector": {"green": 10}},
    ]


def test_what_was_written_is_read_again(index: LexSearch, tmp_path: Path) -> None:
    anserini.export(index.engine, tmp_path / "out", {"q": "red"})
    words = index.model.vocabulary.words
    names, read = anserini.read_vectors(tmp_path / "out" / "collection" / "docs.jsonl", "id", words)
    stored = index.engine.lexical.vectors(index.snapshot.image_ids())
    assert names == [docid(i) for i in index.snapshot.image_ids().tolist()]
    assert read.indices.tolist() == stored.indices.tolist()
    assert np.abs(read.weights / 256 - stored.weights).max() <= 0.5 / 256
    with pytest.raises(UsageError, match=r"docs.jsonl:1 is not of this vocabulary"):
        anserini.read_vectors(tmp_path / "out" / "collection" / "docs.jsonl", "id", ["dog"])


def test_scores_beyond_float32_are_said(index: LexSearch, tmp_path: Path) -> None:
    made = anserini.export(
        index.engine, tmp_path / "out", {"q": "red"}, scale=20_000, query_scale=20_000
    )
    assert "scores may reach 400,000,000" in made.notes[-1]


def test_words_that_lucene_would_cut_get_a_number() -> None:
    assert anserini.terms(["dog", "hot dog", "##ish", "", "x" * 256, "Ä"]) == [
        "dog", "w1", "##ish", "w3", "w4", "Ä",
    ]  # fmt: skip
    assert anserini.terms(["w1", "hot dog"]) == ["w0", "w1"]
    assert anserini.terms(["dog", "dog"]) == ["w0", "w1"]


@pytest.mark.parametrize("scale", [0.0, -1.0, 40_000.0, float("nan")])
def test_a_scale_that_is_of_no_use_is_refused(
    index: LexSearch, tmp_path: Path, scale: float
) -> None:
    with pytest.raises(UsageError, match="--scale is"):
        anserini.export(index.engine, tmp_path / "out", scale=scale)
    assert not (tmp_path / "out").exists()


def test_a_folder_in_use_is_left_alone(index: LexSearch, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("kept")
    with pytest.raises(UsageError, match="not an empty folder"):
        anserini.export(index.engine, tmp_path / "out")
    assert (tmp_path / "out" / "mine.txt").read_text() == "kept"


def test_an_empty_index_gives_an_empty_collection(tmp_path: Path, toy_model: Any) -> None:
    with LexSearch.create(tmp_path / "db", model=toy_model) as empty:
        made = anserini.export(empty.engine, tmp_path / "out")
    assert made.images == 0
    assert documents(tmp_path / "out") == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"q1 a dog\n", ":1 is 'q1 a dog'; expected: qid TAB text"),
        (b"q1\ta dog\n\nq2\t \n", ":3 is"),
        (b"q 1\ta dog\n", ":1 is"),
        (b"q1\ta\nq1\tb\n", ":2: the qid 'q1' occurs twice"),
        (b"q1\t\xff\n", "is not UTF-8 text"),
    ],
)
def test_lines_that_are_no_topic_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "t.tsv").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        anserini.read_topic_texts(tmp_path / "t.tsv")
    assert message in str(caught.value)


def test_topics_are_read_in_order_with_any_letters(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_bytes("\ufeff7\tein Hund\r\na\tперро\tmit Tab\n".encode())
    assert anserini.read_topic_texts(tmp_path / "t.tsv") == {
        "7": "ein Hund", "a": "перро\tmit Tab",
    }  # fmt: skip


def test_the_command_writes_a_real_index(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEXSEARCH_DB", str(tmp_path / "db"))
    pictures = tmp_path / "photos"
    pictures.mkdir()
    for i, colour in enumerate(COLOURS.values()):
        Image.new("RGB", (64, 64), colour).save(pictures / f"{i}.png")
    assert main(["index", str(pictures), "--model", "mini", "--db", f"{tmp_path}/db"]) == 0
    (tmp_path / "t.tsv").write_text("1\ta red picture\n")
    capsys.readouterr()
    out = tmp_path / "words"
    words = ["export", "anserini", str(out), "--db", f"{tmp_path}/db"]
    assert main([*words, "--topics", f"{tmp_path}/t.tsv", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["images"], told["topics"], told["model"]) == (4, 1, "mini")
    assert sum(map(len, documents(out).values())) == told["postings"] > 0
    assert main(words) == 2
    assert "not an empty folder" in capsys.readouterr().err
