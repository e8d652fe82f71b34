"""What an open db can say about its answers, its pictures and its words."""

from __future__ import annotations

import os

import numpy as np

from lexsearch.engine import Engine
from lexsearch.explained import Explanation
from lexsearch.explanation import explanation
from lexsearch.opened import OpenDb
from lexsearch.pictures import absolute
from lexsearch.query import Query
from lexsearch.results import SearchHit, WordCount, WordWeight
from lexsearch.types import SparseVectors
from lexsearch.word_use import WordUse


class Explaining(OpenDb):
    """The part of `LexSearch` that explains."""

    def explain(
        self,
        query: str | Query,
        picture: str | bytes | os.PathLike[str] | SearchHit,
        *,
        read_photo: bool = True,
    ) -> Explanation:
        """Why an indexed picture answers a query: words, patches, arithmetic of the fusion.

        Args:
            query: as in `search`.
            picture: a hit, or the path or id of an indexed picture.
            read_photo: False = say what the index alone knows; `patches` is then None, and the
                file need not exist any more.

        Raises:
            UsageError: the picture is not in the db, or the file is gone.
        """
        wanted = Query.parse(query) if isinstance(query, str) else query

        def explained(engine: Engine) -> Explanation:
            record = self._record(picture, engine.snapshot)
            path = record.paths[0]
            if not isinstance(picture, SearchHit) and absolute(picture) in record.paths:
                path = absolute(picture)
            if read_photo:
                self._require_file(path)
            return explanation(engine, wanted, record, path, read_photo=read_photo)

        return self.current(explained)

    def words(
        self, picture: str | bytes | os.PathLike[str] | SearchHit, *, top_k: int = 20
    ) -> list[WordWeight]:
        """The heaviest stored words of an indexed picture.

        Raises:
            UsageError: the picture is not in the db.
        """

        def vectors(engine: Engine) -> SparseVectors:
            record = self._record(picture, engine.snapshot)
            return engine.lexical.vectors(np.array([record.image_id]))

        return self._heaviest(self.current(vectors), top_k)

    def query_words(self, query: str | Query, *, top_k: int = 20) -> list[WordWeight]:
        """The heaviest words of a query's vector; a str is taken literally."""
        query = Query.text(query) if isinstance(query, str) else query
        lexical = self.engine.encode(query).lexical
        return [] if lexical is None else self._heaviest(lexical, top_k)

    def _heaviest(self, vectors: SparseVectors, top_k: int) -> list[WordWeight]:
        ids, weights = vectors.row(0)
        vocabulary = self.model.vocabulary
        order = np.lexsort((ids, -weights))
        found = [
            WordWeight(vocabulary.words[int(ids[i])], float(weights[i]))
            for i in order
            if vocabulary.is_word(int(ids[i]))
        ]
        return found[:top_k]

    @property
    def word_use(self) -> WordUse:
        """How often every word of the vocabulary fires in this db; counted at the first use."""
        with self._lock:
            if "word_use" not in self._derived:
                model, engine = self.model, self.engine
                self._derived["word_use"] = WordUse.of(
                    engine.lexical,
                    engine.snapshot.image_ids(),
                    model.vocabulary,
                    fires=model.word_fires,
                )
            found: WordUse = self._derived["word_use"]
            return found

    def complete(self, prefix: str, *, top_k: int = 20) -> list[WordCount]:
        """Words of the vocabulary that start with a prefix, with their image counts."""
        counts = self.engine.lexical.document_frequency()
        vocabulary = self.model.vocabulary
        return [
            WordCount(vocabulary.words[i], int(counts[i]))
            for i in vocabulary.complete(prefix.lower(), top_k)
        ]
