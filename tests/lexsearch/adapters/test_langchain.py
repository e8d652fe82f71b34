"""A retriever in the real LangChain."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("langchain_core", reason="langchain-core is not installed")
from langchain_core.runnables import RunnableLambda

from lexsearch import Filter, LexSearch
from lexsearch.adapters.langchain import LexSearchRetriever


def test_texts_become_documents_of_words(db: LexSearch) -> None:
    found = LexSearchRetriever(db=db, top_k=3).invoke("red")
    hits = db.search("red", top_k=3)
    assert [one.id for one in found] == [hit.docid for hit in hits]
    first = found[0]
    assert first.id == "red"
    assert first.page_content.split(", ") == [word.word for word in db.words(hits[0])]
    assert first.metadata["path"].endswith("red.png")
    assert first.metadata["name"] == "red"
    assert (first.metadata["score"], first.metadata["rank"]) == (hits[0].score, 1)
    assert set(first.metadata["scores"]) == {"lexical", "dense", "late", "fused"}


def test_stages_filters_and_the_grammar_reach_it(db: LexSearch) -> None:
    s = db.stages
    one = LexSearchRetriever(db=db, stage=s.lexical % 2 >> s.late, words=1)
    assert len(one.invoke("red")) == 2
    assert "," not in one.invoke("red")[0].page_content
    few = LexSearchRetriever(db=db, filters=Filter(meta={"name": "white"}))
    assert [doc.id for doc in few.invoke("red")] == ["white"]
    assert "green" not in [
        d.id for d in LexSearchRetriever(db=db, literal=False).invoke("red -green")
    ]
    with pytest.raises(ValueError, match="top_k"):
        LexSearchRetriever(db=db, top_k=0)


def test_it_is_a_part_of_a_chain(db: LexSearch, completed: Any) -> None:
    chain = LexSearchRetriever(db=db) | RunnableLambda(lambda docs: [doc.id for doc in docs])
    assert chain.invoke("blue")[0] == "blue"
    assert [ids[0] for ids in chain.batch(["red", "green"])] == ["red", "green"]
    assert completed(chain.ainvoke("white"))[0] == "white"
