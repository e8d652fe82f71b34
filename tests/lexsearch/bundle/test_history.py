"""Any sequence of commits, crashes, merges and repairs agrees with a dictionary."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lexsearch.bundle import compact
from lexsearch.bundle.check import check
from lexsearch.bundle.repair import repair
from lexsearch.types import image_id_of

PATHS = st.sampled_from([b"/a.jpg", b"/b.jpg", b"/c\xe9.jpg", b"/d.jpg", b"/e.jpg"])
NAMES = st.sampled_from(["red", "green", "blue", "white"])


@pytest.fixture
def machine_parts(toy_model: Any, faulty_disk: Any, crash: BaseException, library: Any) -> Any:
    return type(library), toy_model, faulty_disk, type(crash)


def test_history(machine_parts: Any) -> None:
    make_library, model, faulty_disk, crash = machine_parts

    class History(RuleBasedStateMachine):
        @initialize()
        def start(self) -> None:
            self.folder = Path(tempfile.mkdtemp())
            self.library = make_library(self.folder / "index", model)
            self.files: dict[bytes, str] = {}
            self.library.open().close()

        def teardown(self) -> None:
            if hasattr(self, "folder"):
                shutil.rmtree(self.folder)

        @rule(files=st.dictionaries(PATHS, NAMES, min_size=1))
        def add(self, files: dict[bytes, str]) -> None:
            with self.library.open() as writer:
                writer.commit(self.library.batch(files))
            self.files |= files

        @rule(path=PATHS, name=NAMES)
        def add_what_is_stored(self, path: bytes, name: str) -> None:
            with self.library.open() as writer:
                if self.library.digest(name) in writer.known_contents():
                    writer.commit(self.library.batch({path: name}, encode=False))
                    self.files[path] = name

        @rule(paths=st.sets(PATHS, min_size=1))
        def remove(self, paths: set[bytes]) -> None:
            with self.library.open() as writer:
                writer.commit(self.library.batch(removed=tuple(paths)))
            self.files = {p: name for p, name in self.files.items() if p not in paths}

        @rule(files=st.dictionaries(PATHS, NAMES, min_size=1), n=st.integers(1, 40))
        def crash(self, files: dict[bytes, str], n: int) -> None:
            disk = faulty_disk(10**9, crash())
            writer = self.library.open(disk=disk)
            disk.calls, disk.fail_at = 0, n
            try:
                writer.commit(self.library.batch(files))
                self.files |= files
            except crash:
                pass
            finally:
                writer.close()

        @rule(seconds=st.sampled_from([0, compact.KEEP_REMOVED_S + 1]))
        def merge(self, seconds: int) -> None:
            self.library.clock.now += seconds
            with self.library.open() as writer:
                writer.compact()

        @rule()
        def lose_a_checksum(self) -> None:
            """A repair keeps every path when only the settings are damaged."""
            import sqlite3

            with sqlite3.connect(self.library.directory / "catalog.sqlite") as connection:
                connection.execute("UPDATE config SET crc = 1 WHERE key = 'generation'")
            connection.close()
            assert check(self.library.directory, read_data=True).problems
            assert repair(self.library.directory).forgotten == 0

        @invariant()
        def the_index_agrees(self) -> None:
            if not hasattr(self, "library"):
                return
            assert self.library.is_sound()
            assert self.library.paths() == sorted(self.files)
            expected = {image_id_of(self.library.digest(name)) for name in self.files.values()}
            assert set(self.library.answers()) == expected

    History.TestCase.settings = settings(
        max_examples=int(os.environ.get("TEST_EXAMPLES", "12")),
        stateful_step_count=int(os.environ.get("TEST_STEPS", "15")),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    History.TestCase().runTest()
