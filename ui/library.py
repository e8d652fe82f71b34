"""The open db behind all pages: one lock, the newest commit, remembered vectors, thumbnails."""

from __future__ import annotations

import base64
import contextlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lexsearch.api import LexSearch
from lexsearch.bundle.location import db_directory
from lexsearch.catalog.step import CATALOG_FILE
from lexsearch.errors import IndexMissing
from lexsearch.pictures import load_for_display
from lexsearch.registry import build
from lexsearch.settings import Settings
from lexsearch.thumbnails import SIDE, Thumbnails
from lexsearch.types import docid
from ui import muted
from ui.overview import Overview, overview
from ui.remembering import RememberingModel
from ui.request import Request
from ui.stacks import stacks

if TYPE_CHECKING:
    from PIL.Image import Image

    from lexsearch.bundle.records import ImageRecord
    from lexsearch.protocols import Vocabulary
    from lexsearch.query import Query
    from lexsearch.results import SearchHit, SearchResults

READY_THUMBS = 1_024  # thumbnails kept in memory, some 15 kB each
QUERY_SIDE = 448  # longest side of a picture that is part of a query
UPLOADS = 16  # uploaded pictures kept; older ones must be dropped again
CHUNK = 4_096  # records read at a time; other sessions get in between


@dataclass(frozen=True, slots=True)
class WordState:
    """One word of a query, as its pill shows it.

    Attributes:
        word: in the spelling of the vocabulary.
        weight: in the query as the model reads it; 0 where the user added the word.
        factor: what the user makes of it; 1 = as it is.
        images: pictures that carry the word.
        pinned, banned: whether pictures must, or must not, carry it.
    """

    word: str
    weight: float
    factor: float
    images: int
    pinned: bool
    banned: bool


class Library:
    """One db, shared by all sessions; every use of it goes through `use`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.name = settings.db
        self.directory = db_directory(settings.db, data_dir=settings.data_dir)
        self.thumbnails = Thumbnails(settings.cache_dir)
        self._lock = threading.RLock()
        self._db: LexSearch | None = None
        self._opened: tuple[int, int] | None = None
        self._model: RememberingModel | None = None
        self._overview: Overview | None = None
        self._ready: OrderedDict[str, str] = OrderedDict()
        self._uploads: OrderedDict[str, Image] = OrderedDict()
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="thumbnails")

    @contextlib.contextmanager
    def use(self) -> Iterator[LexSearch]:
        """The db at its newest commit, for one thread at a time.

        Raises:
            IndexMissing, IndexDamaged, IndexTooNew, WrongModel: as `LexSearch.open`.
        """
        with self._lock:
            if self._db is not None and self._opened != self._on_disk():
                self._db.close()  # moved away, or another index lies there
                self._db = None
            if self._db is not None:
                before = self._db.snapshot.identity
                if self._db.reload() and self._db.snapshot.identity != before:
                    self._db.close()  # indexed anew by another model
                    self._db = None
            if self._db is None:
                self._opened = self._on_disk()
                db = LexSearch.open(self.directory, settings=self.settings)
                self._model = RememberingModel(build("encoders.models", db.snapshot.identity.name))
                self._db = LexSearch(db.directory, db.snapshot, self.settings, model=self._model)
            yield self._db

    def _on_disk(self) -> tuple[int, int] | None:
        """What tells the file of the catalog from any other; None where there is none."""
        try:
            found = (self.directory / CATALOG_FILE).stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def exists(self) -> bool:
        """Whether there is a db."""
        try:
            with self.use():
                return True
        except IndexMissing:
            return False

    @property
    def model_runs(self) -> int:
        """How often the model was run so far."""
        return 0 if self._model is None else self._model.runs

    def query(self, request: Request) -> Query:
        """The query of a request.

        Raises:
            UsageError: a picture of it is gone.
        """
        query = request.query(self.picture, self._uploads.get(request.upload))
        silent = [w for w in muted.load(self.settings, self.directory) if w not in query.weights]
        if not silent or all(part.kind == "words" for part in query.parts):
            return query
        return query.with_(weights=dict.fromkeys(silent, 0.0))

    def search(self, request: Request, *, top_k: int, explained: int = 0) -> SearchResults:
        """The best pictures for a request; the pictures it names are left out.

        explained: so many of the best say what their score is made of.

        Raises:
            UsageError: as `LexSearch.search`.
        """
        query = self.query(request)
        own = {request.like, *request.unlike} - {""}
        shares = explained + len(own) if explained else 0
        with self.use() as db:
            found = db.search(query, top_k=top_k + len(own), mode=request.mode, with_shares=shares)
        return leave_out(found, own, top_k)

    def stacked(self, found: SearchResults, bits: int) -> list[list[SearchHit]]:
        """The hits in groups of nearly equal pictures; see `ui.stacks`."""
        with self.use() as db:
            records = db.snapshot.images([int(hit.id, 16) for hit in found])
        hashes = {docid(record.image_id): record.thumb_hash for record in records}
        return stacks(found.hits, hashes, bits)

    def browse(self, query: Query, *, most: int) -> tuple[list[ImageRecord], int]:
        """The newest pictures that meet the conditions of a query, and how many meet them.

        Raises:
            UsageError: a condition names an unknown word, or a path that is none.
        """
        newest = self.overview().newest
        with self.use() as db:
            admitted = db.engine.allowed(query)
            ids = db.snapshot.image_ids() if admitted is None else admitted
            shown = newest[np.isin(newest, ids)][:most]
            return db.snapshot.images(shown.tolist()), len(ids)

    def overview(self) -> Overview:
        """What the library holds; counted anew after a commit."""
        with self.use() as db:
            generation, ids = db.snapshot.generation, db.snapshot.image_ids().tolist()
            roots = db.snapshot.roots()
        held = self._overview
        if held is None or held.generation != generation:
            held = self._overview = overview(generation, roots, self._records(ids))
        return held

    def cameras(self) -> list[str]:
        """Cameras of the pictures, the busiest first."""
        return list(self.overview().cameras)

    def _records(self, ids: Sequence[int]) -> Iterator[ImageRecord]:
        for start in range(0, len(ids), CHUNK):
            with self.use() as db:
                records = db.snapshot.images(ids[start : start + CHUNK])
            yield from records

    def words(self, request: Request, *, most: int) -> list[WordState]:
        """The words of a request, heaviest first: those the model gives and those edited."""
        query = self.query(request)
        plain = replace(query, must=(), exclude=(), weights={})
        with self.use() as db:
            own = db.query_words(plain, top_k=most) if plain.parts else []
            use, vocabulary = db.word_use, db.model.vocabulary
        words = {one.word: one.weight for one in own}
        given = query.weights
        if query.parts and all(part.kind == "words" for part in query.parts):
            given = request.weights  # the words are the query: a factor is the weight itself
            words = dict.fromkeys(words, 1.0)
        factors = {_spelled(vocabulary, w): factor for w, factor in given.items()}
        silent = {_spelled(vocabulary, w) for w in factors if w not in request.weights}
        pinned = {_spelled(vocabulary, word) for word in query.must}
        banned = {_spelled(vocabulary, word) for word in query.exclude}
        for word in (*factors, *sorted(pinned | banned)):
            words.setdefault(word, 0.0)
        return [
            WordState(
                word,
                weight,
                factors.get(word, 1.0 if weight else 0.0),
                use.count(word),
                word in pinned,
                word in banned,
            )
            for word, weight in words.items()
            if weight or word not in silent or factors[word]
        ]

    def picture(self, id: str) -> Image:
        """The picture with an id, large enough to be a query."""
        with self.use() as db:
            return db.load_picture(id, side=QUERY_SIDE)

    def path(self, id: str) -> bytes:
        """The first path of the picture with an id."""
        with self.use() as db:
            return db.picture(id).paths[0]

    def keep_upload(self, name: str, picture: Image) -> None:
        """Remember a picture that was dropped on the page, small."""
        small = picture.copy()
        small.thumbnail((QUERY_SIDE, QUERY_SIDE))
        with self._lock:
            self._uploads[name] = small
            while len(self._uploads) > UPLOADS:
                self._uploads.popitem(last=False)

    def upload(self, name: str) -> Image | None:
        """A picture that was dropped on the page, or None."""
        return self._uploads.get(name)

    def thumbs(self, ids: Sequence[str], *, wait_s: float | None = None) -> dict[str, str]:
        """Thumbnails as data addresses, by id; empty where the photo cannot be read.

        Args:
            ids: of the db.
            wait_s: give what is ready by then; None = wait for all of them.
        """
        found: dict[str, str] = {}
        missing: list[str] = []
        for id in ids:
            address = self._ready.get(id) or self._from_disk(id)
            if address is None:
                missing.append(id)
            else:
                found[id] = address
        if not missing:
            return found
        with self.use() as db:
            records = {id: db.picture(id) for id in missing}
        jobs = {
            id: self._pool.submit(self._make, id, tuple(record.paths), record.width, record.height)
            for id, record in records.items()
        }
        end = None if wait_s is None else time.monotonic() + wait_s
        for id, job in jobs.items():
            with contextlib.suppress(TimeoutError):
                left = None if end is None else max(0.0, end - time.monotonic())
                found[id] = job.result(timeout=left)
        return found

    def forget_thumbnails(self) -> None:
        """Let go of the thumbnails in memory."""
        with self._lock:
            self._ready.clear()

    def _from_disk(self, id: str) -> str | None:
        data = self.thumbnails.cached(id)
        return None if data is None else self._keep(id, data)

    def _make(self, id: str, paths: tuple[bytes, ...], width: int, height: int) -> str:
        if id in self._ready:
            return self._ready[id]
        path = next((p for p in paths if os.path.exists(p)), paths[0])  # noqa: PTH110
        data = self.thumbnails.make(
            id, lambda side: load_for_display(path, width, height, side=side), SIDE
        )
        return "" if data is None else self._keep(id, data)

    def _keep(self, id: str, data: bytes) -> str:
        address = "data:image/webp;base64," + base64.b64encode(data).decode("ascii")
        with self._lock:
            self._ready[id] = address
            while len(self._ready) > READY_THUMBS:
                self._ready.popitem(last=False)
        return address


def leave_out(found: SearchResults, ids: set[str], top_k: int) -> SearchResults:
    """The results without some pictures, ranked anew, at most `top_k`."""
    kept = [hit for hit in found if hit.id not in ids][:top_k]
    hits = tuple(replace(hit, rank=rank) for rank, hit in enumerate(kept, start=1))
    return replace(found, hits=hits)


def _spelled(vocabulary: Vocabulary, word: str) -> str:
    found = vocabulary.lookup(word)
    return word if found is None else vocabulary.words[found]


def open_library(db: str | None = None) -> Library:
    """The library that the settings of this process name."""
    return Library(Settings.load(db=db))
