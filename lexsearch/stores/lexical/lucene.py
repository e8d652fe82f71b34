"""Word index by Lucene: weights as whole-number impacts, the format of Anserini and Pyserini.

For exchange and comparison, not for speed: queries of 64 words of like weight leave its skipping
nothing to skip. A word is the term `w<id>` of the field `contents`; the number of its occurrences
is its impact, the weight times `scale`, rounded, at least 1. Query weights stay floats.

Answers are those of the other indexes: what Lucene finds is scored exactly from the stored
weights, and more is asked of it until no image that it left out can be better. Rounding moves a
score by at most the sum of query weights / scale, so equal scores are not lost; they are in order
of the id. Rows that no query word meets, negative query weights and empty queries are left to
the exact scan.

With `folder` the index is written there, and Pyserini's LuceneImpactSearcher(folder, encoder)
opens it; its encoder gives {"w123": whole number}. Its documents are called by the 16 digits of
the image id. A search sees what was added and removed before it; both happen in one commit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lexsearch.ranking.topk import top_k
from lexsearch.stores.blocks import Blocks
from lexsearch.stores.impacts import SCALE, impacts
from lexsearch.stores.lexical import impact
from lexsearch.stores.lexical._jvm import java_class
from lexsearch.stores.lexical._segmented import SegmentedLexicalIndex, WordArray
from lexsearch.stores.row_table import BoolArray
from lexsearch.types import FloatArray, IntArray, Ranking, SparseVectors, docid

LUCENE = "org.apache.lucene"
# Which of Field's constructors is meant: name, text, kind.
FIELD = "(Ljava/lang/String;Ljava/lang/CharSequence;Lorg/apache/lucene/index/IndexableFieldType;)V"


def build(
    *,
    vocab_size: int,
    blocks: Blocks | None = None,
    folder: str | Path | None = None,
    scale: float = SCALE,
) -> LuceneWordIndex:
    """An index over a vocabulary of that many words: empty, or over blocks that others share.

    Args:
        folder: where the Lucene index is written, replacing one; None = in memory.
        scale: impacts per unit of weight, > 0.

    Raises:
        ModelMissing: no Anserini jar.
    """
    return LuceneWordIndex(vocab_size, blocks, folder=folder, scale=scale)


class LuceneWordIndex(SegmentedLexicalIndex):
    """A `LexicalIndex` whose searches Lucene narrows down."""

    def __init__(
        self, vocab_size: int, blocks: Blocks | None, *, folder: str | Path | None, scale: float
    ) -> None:
        super().__init__(vocab_size, impact.scorer, blocks)
        if not 0 < scale < 2**15:  # the heaviest float16 times this is still an int of Java
            raise ValueError(f"scale {scale}; expected more than 0 and less than {2**15}")
        self._scale = scale
        self._java = java = java_class()
        if folder is None:
            directory = java(f"{LUCENE}.store.ByteBuffersDirectory")()
        else:
            place = java("java.io.File")(str(folder)).toPath()
            directory = java(f"{LUCENE}.store.FSDirectory").open(place)
        settings = java("java.util.HashMap")
        analyzer = java(f"{LUCENE}.analysis.custom.CustomAnalyzer").builder()
        analyzer = analyzer.withTokenizer("whitespace", settings())
        analyzer = analyzer.addTokenFilter("delimitedTermFrequency", settings()).build()
        config = java(f"{LUCENE}.index.IndexWriterConfig")(analyzer)
        config.setOpenMode(java(f"{LUCENE}.index.IndexWriterConfig$OpenMode").CREATE)
        config.setUseCompoundFile(False)
        self._writer = java(f"{LUCENE}.index.IndexWriter")(directory, config)
        self._directory = directory
        self._contents = java(f"{LUCENE}.document.FieldType")()
        self._contents.setTokenized(True)
        self._contents.setOmitNorms(True)
        self._contents.setIndexOptions(java(f"{LUCENE}.index.IndexOptions").DOCS_AND_FREQS)
        self._written: BoolArray = np.zeros(0, dtype=np.bool_)  # rows that Lucene holds now
        self._searcher: Any = None
        java(f"{LUCENE}.search.IndexSearcher").setMaxClauseCount(max(1_024, vocab_size))

    def search(self, query: SparseVectors, k: int, *, allowed: IntArray | None = None) -> Ranking:
        """The k best live images by the product of weights, those that score 0 included."""
        words, weights = self._query_row(query)
        table = self._blocks.table
        rows = None if allowed is None else table.candidates(allowed)
        count = len(table) if rows is None else len(rows)
        if not 0 < k < count or not len(words) or weights.min() < 0:
            return super().search(query, k, allowed=allowed)
        # The error of impacts, and of float32 sums here and there: see `_skipping`.
        moved = float(weights.sum(dtype=np.float64)) / self._scale
        wanted = k
        while True:
            wanted = min(2 * wanted, count)
            found, promised = self.hits(words, weights, wanted, rows)
            if len(found) < k:
                return super().search(query, k, allowed=allowed)
            ids = table.ids[found]
            best = top_k(ids, self.score(query, ids), k, source="lexical")
            slack = moved + float(promised[0]) * (len(words) + 2) * 2.0**-22
            if len(found) < wanted or wanted == count or promised[-1] + slack < best.scores[-1]:
                return best

    def hits(
        self, words: WordArray, weights: FloatArray, count: int, rows: IntArray | None = None
    ) -> tuple[IntArray, FloatArray]:
        """What Lucene finds: rows and their scores by impacts / scale, best first.

        Args:
            words, weights: of the query, weights >= 0.
            count: how many are wanted.
            rows: only these may be found; None = all.
        """
        searcher = self._up_to_date()
        hits = searcher.search(self._query(words, weights, rows), count).scoreDocs
        places = np.array([hit.doc for hit in hits], dtype=np.int64)
        scores = np.array([hit.score for hit in hits], dtype=np.float32)
        found = np.zeros(len(places), dtype=np.int64)
        row_of = self._java(f"{LUCENE}.index.MultiDocValues").getNumericValues(
            searcher.getIndexReader(), "row"
        )
        for i in np.argsort(places).tolist():
            row_of.advance(int(places[i]))
            found[i] = row_of.longValue()
        return found, scores / np.float32(self._scale)

    def _query(self, words: WordArray, weights: FloatArray, rows: IntArray | None) -> Any:
        java = self._java
        clause = java(f"{LUCENE}.search.BooleanClause$Occur")
        term, by_term = java(f"{LUCENE}.index.Term"), java(f"{LUCENE}.search.TermQuery")
        boosted = java(f"{LUCENE}.search.BoostQuery")
        builder = java(f"{LUCENE}.search.BooleanQuery$Builder")()
        for word, weight in zip(words.tolist(), weights.tolist(), strict=True):
            builder.add(boosted(by_term(term("contents", f"w{word}")), weight), clause.SHOULD)
        if rows is not None:
            chosen = java(f"{LUCENE}.document.IntPoint").newSetQuery("row", *rows.tolist())
            builder.add(chosen, clause.FILTER)
            builder.setMinimumNumberShouldMatch(1)
        return builder.build()

    def _up_to_date(self) -> Any:
        """A searcher of what the rows are now."""
        java, table = self._java, self._blocks.table
        known = len(self._written)
        gone = np.flatnonzero(self._written & ~table.live[:known])
        if self._searcher is not None and known == table.size and not len(gone):
            return self._searcher
        point = java(f"{LUCENE}.document.IntPoint")
        if len(gone):
            self._writer.deleteDocuments(point.newSetQuery("row", *gone.tolist()))
        for block in self._blocks:
            if block.first + block.count > known:
                self._write(block.first, max(block.first, known), block.arrays)
        self._written = table.live.copy()
        self._writer.commit()
        reader = java(f"{LUCENE}.index.DirectoryReader").open(self._directory)
        if self._searcher is not None:
            self._searcher.getIndexReader().close()
        self._searcher = java(f"{LUCENE}.search.IndexSearcher")(
            reader, signature=f"(L{LUCENE.replace('.', '/')}/index/IndexReader;)V"
        )
        similarity = java("io.anserini.search.similarity.ImpactSimilarity")
        self._searcher.setSimilarity(similarity())
        self._searcher.setQueryCache(None)
        return self._searcher

    def _write(self, first: int, start: int, arrays: Any) -> None:
        """Add the live rows of a block from `start` on; both are rows of the store."""
        java, table = self._java, self._blocks.table
        document, field = java(f"{LUCENE}.document.Document"), java(f"{LUCENE}.document.Field")
        name, stored = (
            java(f"{LUCENE}.document.StringField"),
            java(f"{LUCENE}.document.Field$Store"),
        )
        number = java(f"{LUCENE}.document.NumericDocValuesField")
        point = java(f"{LUCENE}.document.IntPoint")
        # Anserini breaks ties by this column of the id.
        column, as_bytes = (
            java(f"{LUCENE}.document.BinaryDocValuesField"),
            java(f"{LUCENE}.util.BytesRef"),
        )
        pointers = np.asarray(arrays["fwd_ptr"], dtype=np.int64)
        for row in np.flatnonzero(table.live[start : first + len(pointers) - 1]).tolist():
            row += start
            own = slice(*pointers[row - first : row - first + 2].tolist())
            numbers = impacts(np.asarray(arrays["fwd_weights"][own]), self._scale)
            words = np.asarray(arrays["fwd_ids"][own])
            made = document()
            called = docid(int(table.ids[row]))
            made.add(name("id", called, stored.YES))
            made.add(column("id", as_bytes(called, signature="(Ljava/lang/CharSequence;)V")))
            made.add(number("row", row))
            made.add(point("row", row))
            text = " ".join(
                f"w{word}|{n}" for word, n in zip(words.tolist(), numbers.tolist(), strict=True)
            )
            made.add(field("contents", text, self._contents, signature=FIELD))
            self._writer.addDocument(made)
