"""Keeps one index open and its model warm, for many requests at a time.

A request borrows the open db and gives it back. A new commit is opened beside the old one, which
is closed when the last request that borrowed it is done; so none is dropped. After some idle time
everything is let go, and opened again when somebody asks.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from lexsearch.api import LexSearch
from lexsearch.bundle.location import db_directory
from lexsearch.bundle.snapshot import ATTEMPTS
from lexsearch.errors import IndexDamaged, IndexMissing
from lexsearch.query import Query
from lexsearch.settings import Settings

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Held:
    """An open db and how many requests use it."""

    db: LexSearch
    users: int = 0
    retired: bool = False


class Keeper:
    """The open db of a server; safe in many threads.

    Args:
        settings: name the db.
        ttl_s: idle seconds after which db and model are let go; 0 = never.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        ttl_s: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.directory = db_directory(settings.db, data_dir=settings.data_dir)
        self.loads = 0  # how often a model was loaded
        self._ttl_s = ttl_s
        self._clock = clock
        self._lock = threading.Lock()  # guards the fields below, for moments
        self._opening = threading.Lock()  # held while a db is opened, for seconds
        self._held: _Held | None = None
        self._last_use = clock()
        self._closed = False

    @property
    def is_warm(self) -> bool:
        """Whether the model is in memory."""
        return self._held is not None

    def use(self, job: Callable[[LexSearch], T]) -> T:
        """The result of a job on the newest commit.

        A merge may take files away that an older commit needs; the job is then run again on a
        newer one.

        Raises:
            IndexMissing, IndexDamaged, IndexTooNew, WrongModel: as `LexSearch.open`.
        """
        for _ in range(ATTEMPTS - 1):
            with self.borrowed() as db:
                generation = db.snapshot.generation
                try:
                    return job(db)
                except (IndexDamaged, IndexMissing):
                    if not db.snapshot.is_stale():
                        raise
            self._renew(generation)
        with self.borrowed() as db:
            return job(db)

    @contextmanager
    def borrowed(self) -> Iterator[LexSearch]:
        """The db at its newest commit; it stays open while it is borrowed."""
        held = self._borrow()
        try:
            yield held.db
        finally:
            with self._lock:
                held.users -= 1
                self._last_use = self._clock()
                if held.retired and held.users == 0:
                    held.db.close()

    def release_if_idle(self) -> bool:
        """Let the db and the model go if nobody has used them for long; returns whether it did."""
        with self._lock:
            held = self._held
            idle = self._clock() - self._last_use
            if held is None or held.users or not self._ttl_s or idle < self._ttl_s:
                return False
            self._held = None
            held.db.close()
        del held
        gc.collect()
        return True

    def close(self) -> None:
        """Let everything go, for good."""
        with self._opening, self._lock:
            self._closed = True
            held, self._held = self._held, None
            if held is not None:
                held.retired = True
                if not held.users:
                    held.db.close()

    def _borrow(self) -> _Held:
        while True:
            with self._lock:
                held = self._held
                if held is not None:
                    held.users += 1
            if held is None:
                self._renew(None)
                continue
            # Whoever comes while a newer commit is being opened is served from this one.
            if held.db.snapshot.is_stale() and not self._opening.locked():
                generation = held.db.snapshot.generation
                self._give_back(held)
                self._renew(generation)
                continue
            return held

    def _give_back(self, held: _Held) -> None:
        with self._lock:
            held.users -= 1
            if held.retired and held.users == 0:
                held.db.close()

    def _renew(self, seen: int | None) -> None:
        """Open the newest commit, unless another thread has done so since `seen`."""
        with self._opening:
            if self._closed:
                raise IndexMissing("the server is being stopped")
            old = self._held
            if old is not None and old.db.snapshot.generation != seen:
                return
            fresh = self._open(old)
            with self._lock:
                self._held = fresh
                self._last_use = self._clock()
                if old is not None:
                    old.retired = True
                    if old.users == 0:
                        old.db.close()

    def _open(self, old: _Held | None) -> _Held:
        db = LexSearch.open(self.directory, settings=self.settings)
        try:
            if old is not None and old.db.snapshot.identity == db.snapshot.identity:
                snapshot, model = db.snapshot, old.db.model
                db = LexSearch(db.directory, snapshot, self.settings, model=model)
            else:
                self.loads += 1
            engine = db.engine  # the stores and the model, before two threads could ask for them
            if len(db):
                engine.search(Query.text("a photo"), k=1)
        except BaseException:
            db.close()
            raise
        return _Held(db)
