"""One db in many threads and processes."""

from __future__ import annotations

import os
import pickle
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lexsearch import LexSearch, Query
from tests.lexsearch.busy import (
    ADDING,
    ROOT,
    TESTS,
    TEXTS,
    answer,
    made,
    pixels,
    questions,
    running,
)


@pytest.fixture
def db(tmp_path: Path, toy_model: Any) -> Iterator[LexSearch]:
    with made(tmp_path / "db", toy_model) as opened:
        yield opened


def test_eight_threads_answer_as_one_does(db: LexSearch, toy_model: Any) -> None:
    asked = questions(200)
    expected = [answer(db, one) for one in asked]
    with LexSearch.open(db.directory, model=toy_model) as shared:  # nothing is open yet
        start = threading.Barrier(8)

        def work(number: int) -> list[Any]:
            start.wait()
            order = np.random.default_rng(number).permutation(len(asked))
            found: list[Any] = [None] * len(asked)
            for i in order.tolist():
                found[i] = answer(shared, asked[i])
            return found

        with ThreadPoolExecutor(8) as pool:
            for found in pool.map(work, range(8)):
                assert found == expected
        stores = shared.engine._stores._open
        assert set(stores) == {"lexical", "dense", "tokens"}


def test_threads_share_stages_batches_and_words(db: LexSearch, toy_model: Any) -> None:
    with LexSearch.open(db.directory, model=toy_model) as shared:
        pipeline = (shared.stages.lexical | shared.stages.dense) >> shared.stages.late % 9

        def work(i: int) -> list[Any]:
            many = shared.search_many(TEXTS, top_k=4)
            staged = pipeline.search(TEXTS[i % 8])
            words = shared.words(f"p{i:03}"), shared.word_use.count("red"), shared.complete("r")
            return [[[h.docid for h in one] for one in many], [h.docid for h in staged], words]

        expected = [work(i) for i in range(16)]
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(work, range(16))) == expected


def test_threads_search_and_reload_while_another_process_writes(
    db: LexSearch, toy_model: Any
) -> None:
    writer = running(ADDING.format(tests=str(TESTS), db=str(db.directory)))
    generations: set[int] = set()
    with LexSearch.open(db.directory, model=toy_model) as shared:

        def work(number: int) -> int:
            done = 0
            while writer.poll() is None or done < 20:
                query, options = questions(40)[(done + number) % 40]
                results = shared.search(query, **options)
                assert [h.rank for h in results] == list(range(1, len(results) + 1))
                assert all(h.docid[0] in "pn" for h in results)
                if number == 0 or done % 7 == number:
                    shared.reload()
                    generations.add(shared.snapshot.generation)
                done += 1
            return done

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(work, range(8))) >= 160
        assert writer.wait() == 0
        shared.reload()
        assert len(generations) > 3
        with LexSearch.open(db.directory, model=toy_model) as fresh:
            for one in questions(40):
                assert answer(shared, one) == answer(fresh, one)


def test_a_snapshot_that_nobody_reads_any_more_is_closed(db: LexSearch, toy_model: Any) -> None:
    with LexSearch.open(db.directory, model=toy_model) as shared:
        shared.search("red")
        old, engine = shared.snapshot, shared.engine
        db.add(pixels(1, seed=77), ids=["x"])
        assert shared.reload()
        assert len(engine.search(Query.text("red"), k=400).hits) == 300  # still in use here
        connection = old._connection
        del old, engine
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


# Processes


FORKING = """
    import multiprocessing, os, sys
    from pathlib import Path
    from lexsearch import LexSearch, Query

    def listed(db, text):
        return [(hit.id, round(hit.score, 6)) for hit in db.search(Query.text(text), top_k=5)]

    TEXTS = ["a dog on the sand", "a red house", "people at a table"]

    def child(db, expected, how):
        assert [listed(db, text) for text in TEXTS] == expected
        assert [[(h.id, round(h.score, 6)) for h in one] for one in
                db.search_many([Query.text(t) for t in TEXTS], top_k=5)] == expected
        db.reload()
        assert [listed(db, text) for text in TEXTS] == expected

    if __name__ == "__main__":
        db = LexSearch.open(Path({db!r}), read_only={read_only})
        expected = [listed(db, text) for text in TEXTS]
        db.search_many([Query.text(t) for t in TEXTS * 3])  # threads exist before the fork
        for how in ("fork", "spawn"):
            context = multiprocessing.get_context(how)
            workers = [context.Process(target=child, args=(db, expected, how)) for _ in range(2)]
            for one in workers:
                one.start()
            assert [listed(db, text) for text in TEXTS] == expected
            for one in workers:
                one.join(120)
                assert one.exitcode == 0, (how, one.exitcode)
        print("alike")
"""


@pytest.mark.parametrize("read_only", [False, True])
def test_forked_and_spawned_processes_answer_alike(tmp_path: Path, read_only: bool) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    corpus = sorted((ROOT / "sample_corpus" / "images").iterdir())[:12]
    with LexSearch.create(tmp_path / "db") as db:
        db.index(*corpus, isolate=False)
    script = tmp_path / "forking.py"
    code = FORKING.format(db=str(tmp_path / "db"), read_only=read_only)
    script.write_text(textwrap.dedent(code))
    run = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=200,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout == "alike\n"


def test_a_copy_by_pickle_opens_the_same_db(db: LexSearch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "_given_model", None)  # the toy cannot be imported by name
    again = pickle.loads(pickle.dumps(db))
    assert (again.directory, len(again), again.read_only) == (db.directory, 300, False)
    again.close()


def test_a_forked_child_does_not_use_the_files_of_its_parent(db: LexSearch) -> None:
    expected = [answer(db, one) for one in questions(10)]
    parent = db.snapshot
    child = os.fork()
    if child == 0:
        code = 1
        try:
            alike = [answer(db, one) for one in questions(10)] == expected
            code = 0 if alike and db.snapshot is not parent else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [answer(db, one) for one in questions(10)] == expected
