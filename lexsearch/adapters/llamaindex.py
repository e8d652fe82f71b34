"""A db, or a pipeline of its stages, as a LlamaIndex retriever."""

from __future__ import annotations

from llama_index.core.callbacks import CallbackManager
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import ImageNode, NodeWithScore, QueryBundle

from lexsearch.api import LexSearch
from lexsearch.own_ids import is_key
from lexsearch.query import Filter, Query
from lexsearch.results import SearchHit
from lexsearch.stages import Stage


class LexSearchRetriever(BaseRetriever):
    """Texts to image nodes with scores.

    A node's id is the docid of the hit, its text the heaviest words of the picture, `image_path`
    the file (None where the picture was added from memory); its metadata are those of the hit. A
    query bundle with an `image_path` is searched by that picture together with the text.

    Args:
        db: is searched.
        top_k: nodes wanted.
        stage: a pipeline of the db's stages; None = the hybrid search.
        filters: conditions on all searches.
        words: how many words a node has.
        literal: texts are taken as they are; False = in the grammar of the search box.
        callback_manager: of LlamaIndex.
    """

    def __init__(
        self,
        db: LexSearch,
        *,
        top_k: int = 10,
        stage: Stage | None = None,
        filters: Filter | None = None,
        words: int = 20,
        literal: bool = True,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        self._db = db
        self._top_k = top_k
        self._stage = db.stages.hybrid if stage is None else stage
        self._filters = filters
        self._words = words
        self._literal = literal
        super().__init__(callback_manager=callback_manager)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        text = query_bundle.query_str
        asked = Query.text(text) if self._literal else Query.parse(text)
        if query_bundle.image_path:
            asked = asked + Query.image(query_bundle.image_path)
        found = self._stage.search(asked, top_k=self._top_k, filters=self._filters)
        return [NodeWithScore(node=self._node(hit), score=hit.score) for hit in found]

    def _node(self, hit: SearchHit) -> ImageNode:
        words = self._db.words(hit, top_k=self._words)
        facts = {name: value for name, value in hit.meta.items() if value is not None}
        scores = {name: value for name, value in hit.scores.items() if value is not None}
        return ImageNode(
            id_=hit.docid,
            text=", ".join(one.word for one in words),
            image_path=None if is_key(hit.raw_path) else hit.path,
            metadata={**facts, "path": hit.path, "scores": scores},
        )
