"""One open db for many requests: newest commit, none dropped, released when idle."""

from __future__ import annotations

import shutil
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lexsearch import LexSearch, Query
from lexsearch.cli.demo import corpus
from lexsearch.errors import IndexMissing, StorageError
from lexsearch.server.keeper import Keeper
from lexsearch.settings import Settings


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def add(settings: Settings, name: str, place: Path) -> None:
    photo = shutil.copy(corpus() / name, place / name)
    with LexSearch.open(settings.db, settings=settings) as db:
        db.index(photo)


def count(db: LexSearch) -> int:
    return len(db)


def test_a_commit_is_seen_by_the_next_request_and_loads_no_model_again(
    own_settings: Settings, tmp_path: Path
) -> None:
    keeper = Keeper(own_settings)
    before = keeper.use(count)
    add(own_settings, "scene_117.jpg", tmp_path)
    assert keeper.use(count) == before + 1
    assert keeper.loads == 1
    keeper.close()


def test_a_request_in_flight_keeps_the_commit_it_began_with(
    own_settings: Settings, tmp_path: Path
) -> None:
    keeper = Keeper(own_settings)
    with keeper.borrowed() as old:
        before = len(old)
        add(own_settings, "scene_117.jpg", tmp_path)
        assert keeper.use(count) == before + 1
        assert len(old.engine.search(Query.text("a boat"), k=50)) == before
        assert old.picture(old.engine.search(Query.text("a boat"), k=1)[0].id).paths
    with pytest.raises(StorageError, match="closed"):  # given back: closed for good
        old.snapshot.is_stale()
    keeper.close()


def test_an_idle_model_is_released_and_loaded_when_it_is_needed(settings: Settings) -> None:
    clock = Clock()
    keeper = Keeper(settings, ttl_s=300, clock=clock)
    model = weakref.ref(keeper.use(lambda db: db.model))
    clock.now = 299
    assert not keeper.release_if_idle()
    clock.now = 301
    assert keeper.release_if_idle()
    assert not keeper.is_warm
    assert model() is None
    assert keeper.use(count) == 5
    assert keeper.loads == 2
    keeper.close()


def test_a_model_in_use_is_never_released(settings: Settings) -> None:
    clock = Clock()
    keeper = Keeper(settings, ttl_s=1, clock=clock)
    with keeper.borrowed():
        clock.now = 1_000
        assert not keeper.release_if_idle()
    assert not keeper.release_if_idle()  # it was used just now
    keeper.close()


def test_a_ttl_of_zero_keeps_it_for_ever(settings: Settings) -> None:
    clock = Clock()
    keeper = Keeper(settings, ttl_s=0, clock=clock)
    keeper.use(count)
    clock.now = 1e9
    assert not keeper.release_if_idle()
    keeper.close()


def test_many_first_requests_load_one_model(settings: Settings) -> None:
    keeper = Keeper(settings)
    together = threading.Barrier(8)

    def ask(_: int) -> int:
        together.wait()
        return keeper.use(count)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [5] * 8
    assert keeper.loads == 1
    keeper.close()


def test_threads_get_the_answers_of_one_thread(settings: Settings) -> None:
    keeper = Keeper(settings)
    texts = [
        f"{colour} {thing}" for colour in ("a red", "blue") for thing in ("car", "boat", "cat")
    ]

    def ask(text: str) -> list[tuple[str, float]]:
        found = keeper.use(lambda db: db.engine.search(Query.text(text), k=5))
        return [(hit.id, hit.score) for hit in found]

    expected = {text: ask(text) for text in texts}
    with ThreadPoolExecutor(8) as pool:
        for text, found in zip(texts * 20, pool.map(ask, texts * 20), strict=True):
            assert found == expected[text]
    keeper.close()


def test_without_an_index_the_error_is_that_of_opening_one(tmp_path: Path) -> None:
    keeper = Keeper(Settings(tmp_path, tmp_path, db=str(tmp_path / "none")))
    with pytest.raises(IndexMissing):
        keeper.use(count)
    with LexSearch.create(tmp_path / "none"):
        pass
    assert keeper.use(count) == 0  # made meanwhile; an empty index is no error
    keeper.close()


def test_after_closing_nothing_is_opened(settings: Settings) -> None:
    keeper = Keeper(settings)
    keeper.close()
    with pytest.raises(IndexMissing, match="stopped"):
        keeper.use(count)
