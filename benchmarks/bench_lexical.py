"""Word search: the compiled index against the best of SciPy, Seismic and Lucene.

python -m benchmarks.bench_lexical [--images N] [--peers scipy_csc,seismic,lucene] [--json] [--save]

Vectors are made up: with the word statistics of the bundled model (`bundled_words`), or those
of the design's measurements (`synthetic_words`, --vectors themes).

Everything runs in one thread of one process: three
rounds, in each of which every engine answers all queries. Times are of the processor, not of the
clock on the wall, and a query counts with its fastest round, so that other work on the machine
disturbs less. Ratios are peer over ours, medians. Peers:

    scipy_csc  columns of one float32 CSC matrix @ weights, then argpartition: the oracle
    impact     the NumPy index of this package
    seismic    Seismic, approximate, its bare search (extra `seismic`)
    lucene     Lucene with Anserini's impact scoring, its bare search of a query that is made
               already (extra `lucene`)
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse

from benchmarks import bundled_words, synthetic_words
from benchmarks.record import lower_bound, peer, save, shaped
from benchmarks.synthetic_words import VOCABULARY
from benchmarks.timing import read_rate
from lexsearch.errors import ModelMissing
from lexsearch.registry import build
from lexsearch.stores.lexical.impact_numba import DERIVE_FROM, NumbaImpactIndex, warm_up
from lexsearch.stores.segment_data import lexical_sections
from lexsearch.types import FloatArray, IntArray, SparseVectors

SEGMENT = 62_500  # images
POSTING = 3  # bytes of one in the smallest form that an exact scan can read: row u16, impact u8
K, ROUNDS = 100, 3
FIRST_QUERY = """
import json, time
import numpy as np
from lexsearch.stores.lexical import auto
from lexsearch.types import SparseVectors
rows = np.arange(auto.SMALL + 2)
one = SparseVectors(rows[:2], np.zeros(1, np.int32), np.ones(1, np.float32), 9)
index = auto.build(vocab_size=9)
index.add(rows[:-1], SparseVectors(rows, rows[:-1].astype(np.int32) % 9,
                                   np.ones(len(rows) - 1, np.float32), 9))
start = time.perf_counter()
index.search(one, 10)
first = time.perf_counter()
index.warm_up()
ready = time.perf_counter()
index.search(one, 10)
print(json.dumps([first - start, ready - first, time.perf_counter() - ready, time.process_time()]))
"""
# Ids and scores of the k best; a peer without scores gives NaN.
Engine = Callable[[SparseVectors], tuple[IntArray, FloatArray]]
Vectors = Callable[[int, int, int], SparseVectors]


def made_up(kind: str) -> tuple[Vectors, Vectors]:
    """What makes pictures, and what makes queries: (number, words, seed) -> vectors."""
    if kind == "themes":
        made = synthetic_words.themes()
        return partial(synthetic_words.pictures, made), partial(synthetic_words.queries, made)
    model = build("encoders.models", "mini")
    return partial(bundled_words.pictures, model), partial(bundled_words.queries, model)


def corpus(pictures: Vectors, images: int, words: int) -> list[dict[str, Any]]:
    """Segments of made-up pictures."""
    return [
        dict(lexical_sections(pictures(min(SEGMENT, images - start), words, 100 + number)))
        for number, start in enumerate(range(0, images, SEGMENT))
    ]


def scipy_engine(segments: list[dict[str, Any]], ids: IntArray, k: int) -> Engine:
    """Columns of one matrix, exact; ties by id."""
    parts = [
        scipy.sparse.csr_matrix(
            (s["fwd_weights"].astype(np.float32), s["fwd_ids"].astype(np.int32), s["fwd_ptr"]),
            shape=(len(s["fwd_ptr"]) - 1, VOCABULARY),
        )
        for s in segments
    ]
    matrix = scipy.sparse.csc_matrix(scipy.sparse.vstack(parts))

    def search(query: SparseVectors) -> tuple[IntArray, FloatArray]:
        words, weights = query.row(0)
        totals = matrix[:, words] @ weights
        best = np.argpartition(totals, len(totals) - k)[len(totals) - k :]
        best = best[np.lexsort((ids[best], -totals[best]))]
        return ids[best], totals[best]

    return search


def seismic_engine(index: Any, k: int) -> Engine:
    """The bare search of Seismic without the exact scores that our store adds."""
    import seismic

    bare, kind = index._index(), seismic.get_seismic_string()
    names = np.array([str(word) for word in range(VOCABULARY)], dtype=kind)
    ids = index._blocks.table.ids

    def search(query: SparseVectors) -> tuple[IntArray, FloatArray]:
        words, weights = query.row(0)
        hits = bare.search("", names[words], weights, k, index._query_cut, index._heap_factor)
        rows = np.array([int(row) for _, _, row in hits], dtype=np.int64)
        return ids[rows], np.full(len(rows), np.nan, np.float32)

    return search


def lucene_engine(index: Any, k: int) -> Engine:
    """The bare search of Lucene; its query is made in the first round, so not in the fastest."""
    searcher, made = index._up_to_date(), {}
    ids = index._blocks.table.ids
    reader = searcher.getIndexReader()
    row_of = index._java("org.apache.lucene.index.MultiDocValues").getNumericValues(reader, "row")
    rows = np.array([[row_of.nextDoc(), row_of.longValue()] for _ in range(reader.numDocs())])
    of_place = np.zeros(rows[:, 0].max() + 1, dtype=np.int64)
    of_place[rows[:, 0]] = rows[:, 1]

    def search(query: SparseVectors) -> tuple[IntArray, FloatArray]:
        if id(query) not in made:
            made[id(query)] = index._query(*query.row(0), None)
        hits = searcher.search(made[id(query)], k).scoreDocs
        places = np.array([hit.doc for hit in hits], dtype=np.int64)
        return ids[of_place[places]], np.full(len(places), np.nan, np.float32)

    return search


def index_engine(index: Any, k: int) -> Engine:
    """A word index of this package."""

    def search(query: SparseVectors) -> tuple[IntArray, FloatArray]:
        found = index.search(query, k)
        return found.ids, found.scores

    return search


def engine_of(name: str, segments: list[dict[str, Any]], ids: IntArray, k: int) -> Engine:
    """The engine behind a peer's name.

    Raises:
        ModelMissing: it is not available here.
    """
    if name == "scipy_csc":
        return scipy_engine(segments, ids, k)
    if name not in ("impact", "seismic", "lucene"):
        raise ModelMissing(f"the peer {name!r} is not available")
    index = build("stores.lexical", name, vocab_size=VOCABULARY)
    fill(index, segments, ids)
    engine = {"seismic": seismic_engine, "lucene": lucene_engine}.get(name, index_engine)
    return engine(index, k)


def fill(index: Any, segments: list[dict[str, Any]], ids: IntArray) -> None:
    """Attach all segments."""
    start = 0
    for sections in segments:
        count = len(sections["fwd_ptr"]) - 1
        index.attach(ids[start : start + count], sections)
        start += count


def times(engines: dict[str, Engine], asked: list[SparseVectors]) -> dict[str, FloatArray]:
    """Milliseconds of every engine by query: the fastest of the rounds."""
    best = {name: np.full(len(asked), np.inf) for name in engines}
    for _ in range(ROUNDS):
        for name, search in engines.items():
            for i, query in enumerate(asked):
                start = time.process_time()
                search(query)
                seconds = time.process_time() - start
                best[name][i] = min(best[name][i], 1000 * seconds)
    return best


def spread(values: FloatArray) -> dict[str, float]:
    """Median, 99th percentile and maximum."""
    points = np.percentile(values, [50, 99, 100]).tolist()
    return {
        name: round(point, 3) for name, point in zip(("p50", "p99", "max"), points, strict=True)
    }


def first_query() -> dict[str, dict[str, float]]:
    """Seconds of a fresh process over many images: nothing compiled yet, then cached."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        place = {**os.environ, "NUMBA_CACHE_DIR": folder}
        for state in ("compiling", "cached"):
            run = subprocess.run(
                [sys.executable, "-c", FIRST_QUERY],
                env=place, capture_output=True, text=True, check=True,
            )  # fmt: skip
            names = ("first_search_s", "machine_code_ready_s", "search_then_s", "processor_s")
            seconds = [round(number, 4) for number in json.loads(run.stdout)]
            found[state] = dict(zip(names, seconds, strict=True))
    return found


def postings(segments: list[dict[str, Any]], asked: list[SparseVectors]) -> int:
    """How many postings the words of all queries have together."""
    held = sum(np.diff(s["inv_ptr"].astype(np.int64)) for s in segments)
    return sum(int(held[query.row(0)[0]].sum()) for query in asked)


def measure(
    images: int,
    peers: list[str],
    *,
    words: int,
    query_words: int,
    k: int,
    count: int,
    derive_from: int,
    vectors: str = "bundled",
    compiling: bool = True,
) -> dict[str, Any]:
    """All figures of one run."""
    pictures, made_queries = made_up(vectors)
    segments = corpus(pictures, images, words)
    ids = np.random.default_rng(0).permutation(4 * images)[:images].astype(np.int64)
    asked_of = made_queries(count, query_words, 2)
    asked = [asked_of.select([i]) for i in range(count)]
    ours = NumbaImpactIndex(VOCABULARY, derive_from=derive_from)
    plain = NumbaImpactIndex(VOCABULARY, derive_from=images + 1)
    for index in (ours, plain):
        fill(index, segments, ids)
    plain.search(asked[0], k)
    warm_up()
    start = time.perf_counter()
    ours.search(asked[0], k)
    build_seconds = time.perf_counter() - start
    engines = {"ours": index_engine(ours, k), "scan": index_engine(plain, k)}
    missing: dict[str, str] = {}
    for name in peers:
        try:
            engines[name] = engine_of(name, segments, ids, k)
        except ModelMissing as error:
            missing[name] = f"not available: {error}"
    oracle = engines.get("scipy_csc") or scipy_engine(segments, ids, k)
    taken = times(engines, asked)
    wanted = [oracle(query) for query in asked]
    recall = dict.fromkeys(engines, 0.0)
    exact, fallen, scored = True, 0, []
    for query, (best, scores) in zip(asked, wanted, strict=True):
        for name, search in engines.items():
            found, found_scores = search(query)
            recall[name] += len(np.intersect1d(found, best)) / len(best) / count
            if name == "ours":
                fallen += ours.plan.fell_back
                scored.append(ours.plan.rows_scored)
                exact &= np.array_equal(found, best) and np.array_equal(found_scores, scores)
    ours_ms, touched = spread(taken["ours"]), postings(segments, asked) / count
    read = int(POSTING * touched)
    figures = {
        "vectors": vectors,
        "words": words,
        "query_words": query_words,
        "k": k,
        "queries": count,
        "postings_per_image": round(touched / images, 2),
        "by_bounds": images >= derive_from,
        "same_as_oracle_to_the_bit": exact,
        "scan_ms": spread(taken["scan"]),
        "worst_over_scan": round(float(np.max(taken["ours"] / taken["scan"])), 2),
        "fallbacks": fallen / count,
        "rows_scored": float(np.median(scored)),
        "edited_words_ms": spread(edited(ours, asked, k)),
        "derived_bytes": ours.derived_bytes,
        "segment_bytes": sum(array.nbytes for s in segments for array in s.values()),
        "build_s": round(build_seconds, 3),
        "first_query": first_query() if compiling else None,
    }
    found = {
        name: missing.get(name) or peer(spread(taken[name]), ours_ms, recall=round(recall[name], 4))
        for name in peers
    }
    least = lower_bound(1000 * read / read_rate(read), ours_ms, "reading the query's postings")
    made = shaped(images, ours_ms, found, recall=round(recall["ours"], 4), floor=least, **figures)
    if k != K:
        for one in (made, *(row for row in found.values() if not isinstance(row, str))):
            one[f"recall@{k}"] = one.pop("recall@100")
    return made


def edited(index: Any, asked: list[SparseVectors], k: int) -> FloatArray:
    """Milliseconds of the same search again with one weight doubled."""
    taken = np.zeros(len(asked))
    for i, query in enumerate(asked):
        index.search(query, k)
        query.weights[0] *= 2
        start = time.process_time()
        index.search(query, k)
        taken[i] = 1000 * (time.process_time() - start)
    return taken


def table(figures: dict[str, Any]) -> str:
    """The figures for people."""
    recall = f"recall@{figures['k']}"
    lines = [
        f"{figures['images']:,} images ({figures['vectors']}), {figures['words']} words, queries "
        f"of {figures['query_words']}, k = {figures['k']}, one thread",
        f"{'engine':12}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'ratio':>8}{'recall':>8}",
    ]
    rows = [("ours", {"ms": figures["ms"], "ratio": 1.0, recall: figures[recall]})]
    for name, row in [*rows, *figures["peers"].items()]:
        if isinstance(row, str):
            lines.append(f"{name:12}{row}")
            continue
        ms = row["ms"]
        lines.append(
            f"{name:12}{ms['p50']:9.3f}{ms['p99']:9.3f}{ms['max']:9.3f}"
            f"{row['ratio']:8.2f}{row[recall]:8.4f}"
        )
    rest = ("floor",
            "by_bounds", "same_as_oracle_to_the_bit", "scan_ms", "worst_over_scan", "fallbacks",
            "rows_scored", "edited_words_ms", "derived_bytes", "segment_bytes", "build_s",
            "first_query", "postings_per_image")  # fmt: skip
    lines += [f"{name}: {figures[name]}" for name in rest]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, and save when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--words", type=int, default=128, help="of an image")
    parser.add_argument("--query-words", type=int, default=64)
    parser.add_argument("-k", type=int, default=K, help="results; recall is of them")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--peers", default="scipy_csc", help="names, separated by commas")
    parser.add_argument("--vectors", choices=("bundled", "themes"), default="bundled")
    parser.add_argument("--derive-from", type=int, default=DERIVE_FROM, help="images")
    parser.add_argument("--first-query", action=argparse.BooleanOptionalAction, default=True,
                        help="also compile the machine code anew, some 20 s")  # fmt: skip
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args(arguments)
    figures = measure(
        options.images, [name for name in options.peers.split(",") if name],
        words=options.words, query_words=options.query_words, k=options.k, count=options.queries,
        derive_from=options.derive_from, vectors=options.vectors, compiling=options.first_query,
    )  # fmt: skip
    if options.save:
        save(f"bench_lexical_{options.vectors}_{options.images}", figures)
    print(json.dumps(figures) if options.json else table(figures))
    return figures


if __name__ == "__main__":
    main()
