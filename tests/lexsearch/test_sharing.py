"""One db in many threads and processes, and a db that must not be touched."""

from __future__ import annotations

import os
import pickle
import signal
import sqlite3
import stat
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
from PIL import Image

from lexsearch import Filter, LexSearch, Query
from lexsearch.errors import UsageError

ROOT = Path(__file__).parents[2]
TESTS = Path(__file__).parents[1]
TEXTS = [
    "red",
    "green",
    "blue",
    "white",
    "red green",
    "blue white",
    "red blue green",
    "green white",
]
MODES = ("lexical", "dense", "late", "hybrid")


def pixels(count: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def db(tmp_path: Path, toy_model: Any) -> Iterator[LexSearch]:
    with LexSearch.create(tmp_path / "db", model=toy_model) as made:
        names = [f"p{i:03}" for i in range(300)]
        made.add(pixels(300), ids=names, metadata=[{"third": i % 3} for i in range(300)])
        yield made


def questions(count: int) -> list[tuple[Any, dict[str, Any]]]:
    """Queries of every kind; i-th alike for all callers."""
    rng = np.random.default_rng(11)
    pictures = pixels(6, seed=4)
    made: list[tuple[Any, dict[str, Any]]] = []
    for i in range(count):
        text = TEXTS[i % len(TEXTS)]
        query: Any = (
            text,
            Query.image(pictures[i % 6]),
            Query.text(text) + float(rng.random()) * Query.text(TEXTS[(i + 3) % 8]),
            f"{text} -white",
            Query.words({"red": 1.0, "green": float(rng.random())}),
        )[i % 5]
        mode = "lexical" if i % 5 == 4 else MODES[i % 4]
        filters = Filter(meta={"third": i % 3}) if i % 7 == 0 else None
        made.append((query, {"mode": mode, "filters": filters, "top_k": 1 + i % 20}))
    return made


def answer(db: LexSearch, question: tuple[Any, dict[str, Any]]) -> list[Any]:
    query, options = question
    found = db.search(query, **options)
    return [(hit.docid, hit.score, dict(hit.scores), hit.terms) for hit in found]


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


ADDING = """
    import sys, numpy as np
    sys.path.insert(0, {tests!r})
    from pathlib import Path
    from conftest import ToyModel
    from lexsearch import LexSearch
    rng = np.random.default_rng(9)
    with LexSearch.open(Path({db!r}), model=ToyModel()) as db:
        for i in range(30):
            db.add(
                rng.integers(0, 256, (4, 8, 8, 3), dtype=np.uint8),
                ids=[f"n{{i:02}}-{{j}}" for j in range(4)], isolate=False,
            )
            if i % 5 == 4:
                db.delete([f"n{{i - 2:02}}-0", f"p{{i:03}}"])
"""


def running(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


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


# A db that must not be touched


def everything(folder: Path) -> dict[str, Any]:
    """Every file below a folder with its bytes and times; of folders their times."""
    found: dict[str, Any] = {}
    for path in sorted([folder, *folder.rglob("*")]):
        state = path.lstat()
        data = path.read_bytes() if stat.S_ISREG(state.st_mode) else b""
        found[str(path)] = state.st_mtime_ns, state.st_ino, state.st_mode, data
    return found


def use_all(db: LexSearch) -> list[Any]:
    found = [answer(db, one) for one in questions(20)]
    found += [[h.docid for h in one] for one in db.search_many(TEXTS)]
    found.append([h.docid for h in (db.stages.lexical >> db.stages.late).search("red")])
    found.append(db.words("p001"))
    found.append(db.word_use.count("red"))
    found.append(db.explain("red", "p001", read_photo=False).fused)
    found.append([db.near_duplicates(), db.duplicates(), db.skipped(), db.ids()])
    found.append(db.status()["images"])
    return found


def test_a_db_opened_read_only_leaves_no_trace(
    db: LexSearch, tmp_path: Path, toy_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = use_all(db)
    db.close()
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(home))
    before = everything(tmp_path)
    with LexSearch.open(db.directory, model=toy_model, read_only=True) as reader:
        assert use_all(reader) == expected
        assert not reader.reload()
        assert everything(tmp_path) == before
    assert everything(tmp_path) == before


def test_a_db_opened_read_only_cannot_be_changed_through_it(
    db: LexSearch, toy_model: Any, tmp_path: Path
) -> None:
    with LexSearch.open(db.directory, model=toy_model, read_only=True) as reader:
        for change in (
            lambda: reader.add(pixels(1)),
            lambda: reader.delete(["p001"]),
            lambda: reader.index(tmp_path),
        ):
            with pytest.raises(UsageError, match="read_only=True"):
                change()
    assert len(db.ids()) == 300


def test_a_read_only_reader_sees_what_a_writer_commits_and_touches_nothing(
    db: LexSearch, toy_model: Any
) -> None:
    """The write-ahead log is not empty then, and its shared memory is the writer's alone."""
    from lexsearch.bundle.records import CommitBatch
    from lexsearch.bundle.writer import BundleWriter

    with LexSearch.open(db.directory, model=toy_model, read_only=True) as reader:
        with BundleWriter.open(db.directory, identity=toy_model.identity) as writer:
            writer.commit(CommitBatch(removed=[b"id:p000"]))
            assert (db.directory / "catalog.sqlite-wal").stat().st_size > 0
            before = everything(db.directory)
            assert len(reader.search("red", top_k=400)) == 300
            assert reader.reload()
            assert len(reader.search("red", top_k=400)) == 299
            assert not reader.reload()
            assert everything(db.directory) == before
        assert not reader.reload()
        assert len(reader) == 299


def test_a_read_only_reader_of_a_killed_writers_log(db: LexSearch, toy_model: Any) -> None:
    code = """
        import os, signal, sys
        sys.path.insert(0, {tests!r})
        from pathlib import Path
        from conftest import ToyModel
        from lexsearch.bundle.records import CommitBatch
        from lexsearch.bundle.writer import BundleWriter
        writer = BundleWriter.open(Path({db!r}), identity=ToyModel().identity)
        writer.commit(CommitBatch(removed=[b"id:p000", b"id:p001"]))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert running(code.format(tests=str(TESTS), db=str(db.directory))).wait() == -signal.SIGKILL
    db.close()
    before = everything(db.directory)
    assert any("wal" in name for name in before)
    with LexSearch.open(db.directory, model=toy_model, read_only=True) as reader:
        assert len(reader) == 298
        assert reader.ids()[0] == "p002"
    assert everything(db.directory) == before


def test_a_read_only_reader_never_sees_half_a_commit(db: LexSearch, toy_model: Any) -> None:
    writer = running(ADDING.format(tests=str(TESTS), db=str(db.directory)))
    seen: set[int] = set()
    with LexSearch.open(db.directory, model=toy_model, read_only=True) as reader:
        while writer.poll() is None:
            reader.reload()
            found = reader.search("red", top_k=1_000)
            assert len(found) == len(reader)
            seen.add(len(reader))
        assert writer.wait() == 0
        reader.reload()
        assert len(reader) == 300 + 30 * 4 - 6 * 2
    assert len(seen) > 3


def test_a_db_on_a_read_only_file_system_is_searched(
    db: LexSearch, tmp_path: Path, toy_model: Any
) -> None:
    expected = use_all(db)
    db.close()
    place = tmp_path / "mounted"
    place.mkdir()
    commands = (
        ["mount", "--bind", str(db.directory), str(place)],
        ["mount", "-o", "remount,ro,bind", str(place)],
    )
    try:
        for command in commands:
            if subprocess.run(command, capture_output=True, check=False).returncode:
                pytest.skip("this place lets nobody mount a file system")
        with pytest.raises(OSError, match="Read-only"):
            (place / "x").write_bytes(b"")
        for read_only in (False, True):
            with LexSearch.open(place, model=toy_model, read_only=read_only) as reader:
                assert use_all(reader) == expected
                assert not reader.reload()
    finally:
        subprocess.run(["umount", str(place)], capture_output=True, check=False)


def test_photos_of_a_reader_that_may_not_write_are_explained(
    tmp_path: Path, toy_model: Any
) -> None:
    Image.new("RGB", (16, 12), "red").save(tmp_path / "red.png")
    with LexSearch.create(tmp_path / "db", model=toy_model) as made:
        made.index(tmp_path / "red.png", isolate=False)
    before = everything(tmp_path)
    with LexSearch.open(tmp_path / "db", model=toy_model, read_only=True) as reader:
        assert reader.explain("red", reader.search("red")[0]).grid == (2, 2)
    assert everything(tmp_path) == before


def test_a_read_only_reader_looks_at_an_unchanged_catalog_only_once(
    db: LexSearch, toy_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lexsearch.bundle import snapshot

    past = 1_600_000_000_000_000_000
    for file in db.directory.glob("catalog.sqlite*"):
        os.utime(file, ns=(past, past))
    with LexSearch.open(db.directory, model=toy_model, read_only=True) as reader:
        assert not reader.reload()
        with monkeypatch.context() as patch:
            patch.setattr(snapshot, "connect", None)
            assert not reader.reload()
        db.add(pixels(1, seed=5), ids=["new"])
        assert reader.reload()
        assert "new" in reader.ids()
