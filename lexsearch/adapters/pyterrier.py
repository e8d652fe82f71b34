"""A db, or a pipeline of its stages, as a PyTerrier transformer. Needs no Java."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyterrier as pt

from lexsearch.api import LexSearch
from lexsearch.errors import UsageError
from lexsearch.query import Query
from lexsearch.results import SearchResults
from lexsearch.stages import Stage

CHANNELS = ("lexical", "dense", "late", "fused")


class LexSearchTransformer(pt.Transformer):
    """Queries to ranked pictures; given pictures to the same ones, reranked.

    A frame with `qid` and `query` is searched; one with `docno` too is reranked: only the pictures
    named there are scored, so transformers over stages join by `>>` as the stages do. Rows of the
    result have `qid`, `query`, `docno`, `score`, `rank` (from 0, as PyTerrier counts), `path`, and
    the score of every channel (None where not computed).

    Args:
        source: a stage or a pipeline of stages, or a db, for its hybrid search.
        num_results: pictures for each query.
        literal: texts are taken as they are; False = in the grammar of the search box.
    """

    def __init__(
        self, source: LexSearch | Stage, *, num_results: int = 1000, literal: bool = True
    ) -> None:
        super().__init__()
        self.stage = source.stages.hybrid if isinstance(source, LexSearch) else source
        self.num_results = num_results
        self.literal = literal

    def transform(self, inp: pd.DataFrame) -> pd.DataFrame:
        """The results of every query, in the order of the queries.

        Raises:
            UsageError: a column is missing, or a `docno` that no picture of the db has.
        """
        if missing := {"qid", "query"} - set(inp.columns):
            raise UsageError(f"the frame has no column {sorted(missing)[0]!r}")
        asked = inp.drop_duplicates("qid")
        queries = [self._query(text) for text in asked["query"]]
        if "docno" not in inp.columns:
            found = self.stage.search_many(queries, top_k=self.num_results)
        else:
            given = {qid: list(rows) for qid, rows in inp.groupby("qid")["docno"]}
            found = [
                self.stage.rerank(query, given[qid], top_k=self.num_results)
                for qid, query in zip(asked["qid"], queries, strict=True)
            ]
        rows: list[dict[str, Any]] = []
        for qid, text, results in zip(asked["qid"], asked["query"], found, strict=True):
            rows += _rows(qid, text, results)
        columns = ["qid", "query", "docno", "score", "rank", "path", *CHANNELS]
        return pd.DataFrame(rows, columns=columns)

    def _query(self, text: str | Query) -> Query:
        if isinstance(text, Query):
            return text
        return Query.text(text) if self.literal else Query.parse(text)

    def __repr__(self) -> str:
        return f"LexSearchTransformer({self.stage!r})"


def _rows(qid: str, text: str, results: SearchResults) -> list[dict[str, Any]]:
    return [
        {
            "qid": qid,
            "query": text,
            "docno": hit.docid,
            "score": hit.score,
            "rank": hit.rank - 1,
            "path": hit.path,
            **{name: hit.scores.get(name) for name in CHANNELS},
        }
        for hit in results
    ]
