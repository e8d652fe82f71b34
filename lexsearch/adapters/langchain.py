"""A db, or a pipeline of its stages, as a LangChain retriever."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field

from lexsearch.api import LexSearch
from lexsearch.query import Filter, Query
from lexsearch.results import SearchHit


class LexSearchRetriever(BaseRetriever):
    """Texts to documents, one for each picture.

    The content of a document is what the picture says: its heaviest words. Its `id` is the docid of
    the hit; its metadata are `path`, `score`, `rank`, the scores by channel, and those of the hit.

    Attributes:
        db: is searched.
        top_k: documents wanted.
        stage: a pipeline of the db's stages; None = the hybrid search.
        filters: conditions on all searches.
        words: how many words a document has.
        literal: texts are taken as they are; False = in the grammar of the search box.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    db: LexSearch
    top_k: int = Field(default=10, ge=1)
    stage: Any = None
    filters: Filter | None = None
    words: int = Field(default=20, ge=0)
    literal: bool = True

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        stage = self.db.stages.hybrid if self.stage is None else self.stage
        asked = Query.text(query) if self.literal else Query.parse(query)
        return [
            self._document(hit)
            for hit in stage.search(asked, top_k=self.top_k, filters=self.filters)
        ]

    def _document(self, hit: SearchHit) -> Document:
        words = self.db.words(hit, top_k=self.words)
        facts = {name: value for name, value in hit.meta.items() if value is not None}
        scores = {name: value for name, value in hit.scores.items() if value is not None}
        own = {"path": hit.path, "score": hit.score, "rank": hit.rank, "scores": scores}
        content = ", ".join(one.word for one in words)
        return Document(page_content=content, id=hit.docid, metadata={**facts, **own})
