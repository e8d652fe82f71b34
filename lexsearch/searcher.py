"""An open db under the names that Pyserini's searchers have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lexsearch.engine import Mode
from lexsearch.errors import UsageError
from lexsearch.query import Filter, Query
from lexsearch.results import SearchHit, display_path
from lexsearch.types import docid

if TYPE_CHECKING:
    from lexsearch.bundle.records import ImageRecord
    from lexsearch.searching import Searching


@dataclass(frozen=True, slots=True)
class Document:
    """A picture as a document.

    Attributes:
        record: what the db knows of it.
        words: its heaviest words, heaviest first.
    """

    record: ImageRecord
    words: tuple[str, ...]

    def docid(self) -> str:
        """Its id, as hits have it."""
        return self.record.ids[0] if self.record.ids else docid(self.record.image_id)

    id = docid

    def contents(self) -> str:
        """What it says: its words."""
        return " ".join(self.words)

    def get(self, field: str) -> Any:
        """A field of `raw`, or None."""
        return self._fields().get(field)

    def raw(self) -> str:
        """Everything as one JSON object: id, path, contents, metadata."""
        return json.dumps(self._fields(), ensure_ascii=False)

    def _fields(self) -> dict[str, Any]:
        record = self.record
        facts = {"taken": record.taken, "camera": record.camera, "gps": record.gps}
        return {
            "id": self.docid(),
            "path": display_path(record.paths[0]),
            "contents": self.contents(),
            "width": record.width,
            "height": record.height,
            **{name: value for name, value in facts.items() if value is not None},
            **record.meta,
        }


class Searcher:
    """Searches a db in the calling habits of Pyserini; made by `LexSearch.as_searcher`.

    Texts are taken literally, as topics are. Threads may share it.

    Args:
        db: is searched, and stays open when the searcher is closed.
        mode: `lexical`, `dense`, `late` or `hybrid`.
        filters: conditions on all searches.
    """

    def __init__(
        self, db: Searching, *, mode: Mode = "hybrid", filters: Filter | None = None
    ) -> None:
        self._db: Searching | None = db
        self.mode = mode
        self.filters = filters

    def __enter__(self) -> Searcher:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def search(
        self, q: str | Query, k: int = 10, *, fields: Mapping[str, float] | None = None
    ) -> list[SearchHit]:
        """The k best pictures, best first; a hit has `docid` and `score`.

        Args:
            q: a text, taken literally, or a query.
            k: results wanted, >= 1.
            fields: weights of channels, such as `{"lexical": 0.3, "dense": 0.7}`; the scores of
                each are brought to [0, 1] and summed, in place of the mode.

        Raises:
            UsageError: see `LexSearch.search`.
        """
        return self._many([q], k, fields)[0]

    def batch_search(
        self,
        queries: Sequence[str | Query],
        qids: Sequence[str],
        k: int = 10,
        threads: int = 0,
        *,
        fields: Mapping[str, float] | None = None,
    ) -> dict[str, list[SearchHit]]:
        """`search` for each query: qid -> hits, in the order of the queries.

        threads: searches at a time; 0 = encode all together, and as many as the settings say.

        Raises:
            UsageError: as in `search`; or other numbers of queries and qids, or a qid twice.
        """
        if len(queries) != len(qids) or len(set(qids)) != len(qids):
            raise UsageError(
                f"{len(queries)} queries with {len(qids)} qids, of which {len(set(qids))} differ; "
                "expected one for each query"
            )
        if threads < 1:
            found = self._many(queries, k, fields)
        else:
            with ThreadPoolExecutor(threads) as pool:
                found = list(pool.map(lambda q: self._many([q], k, fields)[0], queries))
        return dict(zip(qids, found, strict=True))

    def doc(self, docid: str) -> Document | None:
        """The picture with that id, None where there is none."""
        db = self._opened()
        try:
            record = db.picture(docid)
        except UsageError:
            return None
        vectors = db.current(lambda engine: engine.stored_words(record.image_id))
        return Document(record, tuple(vectors))

    @property
    def num_docs(self) -> int:
        """Pictures in the db."""
        return len(self._opened())

    def close(self) -> None:
        """Let go of the db, which stays open."""
        self._db = None

    def _opened(self) -> Searching:
        if self._db is None:
            raise UsageError("the searcher is closed; make another with LexSearch.as_searcher")
        return self._db

    def _many(
        self, queries: Sequence[str | Query], k: int, fields: Mapping[str, float] | None
    ) -> list[list[SearchHit]]:
        db = self._opened()
        asked = [Query.text(q) if isinstance(q, str) else q for q in queries]
        if fields is None:
            found = db.search_many(asked, top_k=k, mode=self.mode, filters=self.filters)
        else:
            found = db.stages.weighted(fields).search_many(asked, top_k=k, filters=self.filters)
        return [list(one.hits) for one in found]
