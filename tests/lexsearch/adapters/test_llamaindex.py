"""A retriever in the real LlamaIndex."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("llama_index.core", reason="llama-index-core is not installed")
from llama_index.core.schema import ImageNode, QueryBundle

from lexsearch import Filter, LexSearch, Query
from lexsearch.adapters.llamaindex import LexSearchRetriever


def test_texts_become_image_nodes(db: LexSearch) -> None:
    found = LexSearchRetriever(db, top_k=4).retrieve("red")
    hits = db.search("red", top_k=4)
    assert [(one.node.node_id, one.score) for one in found] == [(h.docid, h.score) for h in hits]
    nodes = {one.node.node_id: one.node for one in found}
    assert isinstance(nodes["red"], ImageNode)
    assert nodes["red"].image_path == next(h.path for h in hits if h.docid == "red")
    assert nodes["red"].metadata["name"] == "red"
    assert nodes["red"].text.startswith("red")
    assert nodes["white"].image_path is None  # its pixels were never in a file


def test_a_picture_in_the_query_counts(db: LexSearch) -> None:
    path = db.search("blue", top_k=1)[0].path
    found = LexSearchRetriever(db, top_k=4).retrieve(QueryBundle("red", image_path=path))
    hits = db.search(Query.text("red") + Query.image(path), top_k=4)
    assert [(one.node.node_id, one.score) for one in found] == [(h.docid, h.score) for h in hits]
    assert found[0].score != LexSearchRetriever(db).retrieve("red")[0].score


def test_stages_and_filters_reach_it(db: LexSearch, completed: Any) -> None:
    s = db.stages
    assert len(LexSearchRetriever(db, stage=s.lexical % 2 >> s.late).retrieve("red")) == 2
    few = LexSearchRetriever(db, filters=Filter(meta={"name": "white"}), literal=False)
    assert [one.node.node_id for one in few.retrieve("red")] == ["white"]
    assert completed(few.aretrieve("red"))[0].node.node_id == "white"
