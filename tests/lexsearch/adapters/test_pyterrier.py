"""Pipelines with the real PyTerrier."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

pt = pytest.importorskip("pyterrier", reason="pyterrier is not installed")
import pandas as pd  # noqa: E402

from lexsearch import LexSearch, Query  # noqa: E402
from lexsearch.adapters.pyterrier import LexSearchTransformer  # noqa: E402
from lexsearch.errors import UsageError  # noqa: E402

# PyTerrier's own calls of pandas.
pytestmark = pytest.mark.filterwarnings("ignore:The (inplace|copy) keyword")
TOPICS = pd.DataFrame({"qid": ["q1", "q2"], "query": ["red", "green blue"]})


def listed(frame: Any, qid: str) -> list[tuple[str, float]]:
    rows = frame[frame["qid"] == qid].sort_values("rank")
    return list(zip(rows["docno"], rows["score"], strict=True))


def test_queries_become_ranked_documents(db: LexSearch) -> None:
    found = LexSearchTransformer(db)(TOPICS)
    for qid, text in zip(TOPICS["qid"], TOPICS["query"], strict=True):
        hits = db.search(Query.text(text), top_k=1000)
        assert listed(found, qid) == [(hit.docid, hit.score) for hit in hits]
    assert found["rank"].tolist() == [0, 1, 2, 3] * 2
    assert found["docno"][0] == "red"
    assert found["path"][0].endswith("red.png")
    assert pt.model.add_ranks(found.drop(columns="rank"))["rank"].tolist() == found["rank"].tolist()


def test_its_operators_and_ours_give_one_pipeline(db: LexSearch) -> None:
    s = db.stages
    theirs = LexSearchTransformer(s.lexical) % 2 >> LexSearchTransformer(s.late)
    found = theirs(TOPICS)
    for qid, text in zip(TOPICS["qid"], TOPICS["query"], strict=True):
        ours = (s.lexical % 2 >> s.late).search(Query.text(text))
        assert listed(found, qid) == [(hit.docid, hit.score) for hit in ours]
    union = (LexSearchTransformer(s.lexical) % 2 | LexSearchTransformer(s.dense) % 2)(TOPICS)
    assert set(union["docno"]) <= {"red", "green", "blue", "white"}


def test_an_experiment_measures_it(db: LexSearch) -> None:
    qrels = pd.DataFrame({"qid": ["q1", "q2"], "docno": ["red", "green"], "label": [1, 1]})
    stages = [LexSearchTransformer(db), LexSearchTransformer(db.stages.lexical)]
    table = pt.Experiment(stages, TOPICS, qrels, ["recip_rank"], names=["hybrid", "lexical"])
    assert table["recip_rank"][0] > 0.7


def test_no_query_gives_an_empty_frame_with_its_columns(db: LexSearch) -> None:
    found = LexSearchTransformer(db)(TOPICS.head(0))
    assert len(found) == 0
    assert {"qid", "query", "docno", "score", "rank"} <= set(found.columns)


def test_what_it_cannot_use_is_named(db: LexSearch) -> None:
    transformer = LexSearchTransformer(db, literal=False)
    assert "hybrid" in repr(transformer)
    with pytest.raises(UsageError, match="no column 'query'"):
        transformer.transform(TOPICS[["qid"]])
    with pytest.raises(UsageError, match="no picture 'x'"):
        transformer.transform(TOPICS.assign(docno="x"))
    assert "red" not in set(transformer.search("blue -red")["docno"])


def test_it_starts_no_java() -> None:
    code = (
        "import lexsearch.adapters.pyterrier, pyterrier as pt, sys\n"
        "assert not pt.java.started()\nassert 'jnius' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
