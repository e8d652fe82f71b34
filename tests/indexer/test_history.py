"""Whatever happens to a folder, in any number of runs, the answers are those of a fresh index."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from indexer.pipeline import IndexOptions, index_folders
from lexsearch import LexSearch
from lexsearch.bundle.check import check
from lexsearch.bundle.writer import BundleWriter

NAMES = st.sampled_from(["a.png", "b.png", "c.jpg", "trip/d.png", "trip/\udce9.png"])
SEEDS = st.integers(0, 7)
QUERIES = ("red", "green white", "blue -red")
Paint = Callable[..., Path]


class Cut(BaseException):
    """The run ends here."""


class Fragile:
    """A model that ends the run at a batch, and counts what it encodes."""

    def __init__(self, model: Any, *, dies_at: int | None = None) -> None:
        self._model = model
        self._dies_at = dies_at
        self.encoded = 0
        self._batches = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def encode_pixels(self, pixels: Any) -> Any:
        if self._batches == self._dies_at:
            raise Cut
        self._batches += 1
        self.encoded += len(pixels)
        return self._model.encode_pixels(pixels)


def answers(directory: Path, model: Any) -> list[Any]:
    """Every hit of some queries in every mode, and every other path of it."""
    with LexSearch.open(directory, model=model) as db:
        return [
            (query, mode, hit.path, hit.id, hit.score, hit.also)
            for query in QUERIES
            for mode in ("lexical", "dense", "late", "hybrid")
            for hit in db.search(query, top_k=50, mode=mode)
        ]


@pytest.mark.slow
def test_history(paint: Paint, toy_model: Any) -> None:
    class History(RuleBasedStateMachine):
        @initialize()
        def start(self) -> None:
            self.place = Path(tempfile.mkdtemp())
            self.photos, self.db = self.place / "photos", self.place / "db"
            paint(self.photos / "first.png", 99)
            self.held: set[bytes] = set()
            self.index()

        def teardown(self) -> None:
            if hasattr(self, "place"):
                try:
                    self.run_and_compare()  # how else would the last steps be seen?
                finally:
                    shutil.rmtree(self.place)

        def files(self) -> dict[str, bytes]:
            """The dictionary that the index must agree with: path and bytes."""
            found = self.photos.rglob("*")
            return {os.fsencode(p).decode("latin-1"): p.read_bytes() for p in found if p.is_file()}

        def index(self, directory: Path | None = None, **options: Any) -> Fragile:
            model = Fragile(toy_model)
            chosen = IndexOptions(batch_size=2, prune=True, **options)
            index_folders([self.photos], directory=directory or self.db, model=model,
                          options=chosen)  # fmt: skip
            return model

        @rule(name=NAMES, seed=SEEDS)
        def add_or_change(self, name: str, seed: int) -> None:
            paint(self.photos / name, seed)

        @rule(which=st.integers(0, 5))
        def delete(self, which: int) -> None:
            here = sorted(self.files())
            if here:
                Path(os.fsdecode(here[which % len(here)].encode("latin-1"))).unlink()

        @rule(source=NAMES, place=NAMES)
        def rename(self, source: str, place: str) -> None:
            if (self.photos / source).exists():
                (self.photos / place).parent.mkdir(exist_ok=True)
                (self.photos / source).replace(self.photos / place)

        @rule(source=NAMES, place=NAMES)
        def duplicate(self, source: str, place: str) -> None:
            if (self.photos / source).exists() and source != place:
                (self.photos / place).parent.mkdir(exist_ok=True)
                shutil.copy(self.photos / source, self.photos / place)

        @rule(name=NAMES, when=st.integers(1, 10**9))
        def touch(self, name: str, when: int) -> None:
            if (self.photos / name).exists():
                os.utime(self.photos / name, (when, when))

        @rule(name=NAMES)
        def spoil(self, name: str) -> None:
            if (self.photos / name).exists():
                (self.photos / name).write_bytes(b"no picture at all")

        @rule(batch=st.integers(0, 2))
        def crash(self, batch: int) -> None:
            model = Fragile(toy_model, dies_at=batch)
            try:
                index_folders([self.photos], directory=self.db, model=model,
                              options=IndexOptions(batch_size=1, prune=True))  # fmt: skip
            except Cut:
                assert check(self.db, read_data=True).problems == ()

        @rule()
        def merge(self) -> None:
            with BundleWriter.open(self.db, identity=toy_model.identity) as writer:
                writer.compact()

        @rule()
        def run_and_compare(self) -> None:
            self.index()
            assert self.index().encoded == 0
            fresh = self.place / "fresh"
            self.index(fresh)
            assert answers(self.db, toy_model) == answers(fresh, toy_model)
            shutil.rmtree(fresh)
            assert check(self.db, read_data=True).problems == ()
            with LexSearch.open(self.db, model=toy_model) as db:
                known = {p for i in db.snapshot.images(db.snapshot.image_ids().tolist())
                         for p in i.paths}  # fmt: skip
            good = {p for p, data in self.files().items() if data != b"no picture at all"}
            assert {path.decode("latin-1") for path in known} == good

    History.TestCase.settings = settings(
        max_examples=int(os.environ.get("TEST_EXAMPLES", "6")),
        stateful_step_count=int(os.environ.get("TEST_STEPS", "14")),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    History.TestCase().runTest()
