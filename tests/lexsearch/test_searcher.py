"""A db in the calling habits of Pyserini."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lexsearch import Filter, LexSearch, Query
from lexsearch.errors import UsageError

QUERIES = ["red", "green -red", "white blue", "", "red"]


@pytest.fixture
def db(tmp_path: Path, toy_model: Any) -> Iterator[LexSearch]:
    rng = np.random.default_rng(2)
    pictures = rng.integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    with LexSearch.create(tmp_path / "db", model=toy_model) as made:
        made.add(
            pictures,
            ids=[f"d{i}" for i in range(20)],
            metadata=[{"even": i % 2 == 0} for i in range(20)],
            isolate=False,
        )
        yield made


def listed(hits: Any) -> list[tuple[str, float]]:
    return [(hit.docid, hit.score) for hit in hits]


def test_a_search_is_a_literal_search_of_the_db(db: LexSearch) -> None:
    with db.as_searcher() as searcher:
        assert searcher.num_docs == 20
        for text in ("red", "green -red"):
            hits = searcher.search(text, k=5)
            assert listed(hits) == listed(db.search(Query.text(text), top_k=5))
        assert len(searcher.search("red", 3)) == 3
        assert searcher.search(Query.words({"red": 1.0}))[0].docid.startswith("d")


@pytest.mark.parametrize("threads", [0, 1, 4])
def test_a_batch_gives_each_qid_its_hits(db: LexSearch, threads: int) -> None:
    searcher = db.as_searcher(mode="dense", filters=Filter(meta={"even": True}))
    texts = ["red", "green -red", "white blue", "red"]
    found = searcher.batch_search(texts, ["q1", "q2", "q3", "q4"], k=4, threads=threads)
    assert list(found) == ["q1", "q2", "q3", "q4"]
    for qid, text in zip(found, texts, strict=True):
        assert listed(found[qid]) == listed(searcher.search(text, k=4))
        assert all(int(hit.docid[1:]) % 2 == 0 for hit in found[qid])
    assert searcher.batch_search([], []) == {}


def test_fields_weigh_the_channels(db: LexSearch) -> None:
    s = db.stages
    found = db.as_searcher().search("red", k=6, fields={"lexical": 0.3, "dense": 0.7})
    assert listed(found) == listed((0.3 * s.lexical + 0.7 * s.dense).search("red", top_k=6))
    for fields in ({"title": 1.0}, {}):
        with pytest.raises(UsageError, match="known: lexical, dense, late, hybrid"):
            db.as_searcher().search("red", fields=fields)


def test_a_document_has_its_words_and_its_metadata(db: LexSearch) -> None:
    searcher = db.as_searcher()
    doc = searcher.doc("d3")
    assert doc is not None
    fields = json.loads(doc.raw())
    assert (doc.docid(), doc.id(), fields["id"], fields["path"]) == ("d3", "d3", "d3", "id:d3")
    assert fields["even"] is False
    assert doc.get("even") is False
    assert doc.get("none") is None
    assert doc.contents().split() == [word.word for word in db.words("d3")]
    assert searcher.doc("nobody") is None
    assert searcher.doc("no body") is None


def test_what_cannot_be_asked_is_refused(db: LexSearch) -> None:
    searcher = db.as_searcher()
    for qids in (["a"], ["a", "a"]):
        with pytest.raises(UsageError, match="expected one for each query"):
            searcher.batch_search(["red", "green"], qids)
    with pytest.raises(UsageError, match="empty"):
        searcher.batch_search(["red", " "], ["a", "b"], threads=2)
    searcher.close()
    with pytest.raises(UsageError, match="closed"):
        searcher.search("red")
    assert len(db.search("red")) == 10  # the db stays open
