"""A small real index of sample pictures, and servers over it: in this process, and in their own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra `server` is not installed")

from starlette.testclient import TestClient

from lexsearch import LexSearch
from lexsearch.cli.demo import corpus
from lexsearch.server.application import create_app
from lexsearch.server.options import ServerOptions
from lexsearch.settings import Settings

ROOT = Path(__file__).parents[3]
PICTURES = ("scene_014.jpg", "scene_037.jpg", "scene_041.jpg", "scene_054.jpg", "scene_098.jpg")
START_S = 60


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name in PICTURES:
        shutil.copy(corpus() / name, folder / name)
    shutil.copy(corpus() / PICTURES[0], folder / "cópy of 14\nline.jpg")
    return folder


@pytest.fixture(scope="session")
def made_db(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    directory = tmp_path_factory.mktemp("made") / "db"
    with LexSearch.create(directory) as db:
        assert db.index(photos).encoded == len(PICTURES)
    return directory


@pytest.fixture
def settings(tmp_path: Path, made_db: Path) -> Settings:
    return Settings(tmp_path / "data", tmp_path / "cache", db=str(made_db))


@pytest.fixture
def own_settings(tmp_path: Path, made_db: Path) -> Settings:
    """Of a copy of the index, which a test may change."""
    shutil.copytree(made_db, tmp_path / "own")
    return Settings(tmp_path / "data", tmp_path / "cache", db=str(tmp_path / "own"))


@pytest.fixture
def client_of(settings: Settings) -> Iterator[Callable[..., TestClient]]:
    """Makes clients of servers in this process: `client_of(token=...)`."""
    opened: list[TestClient] = []

    def make(*, of: Settings | None = None, **options: Any) -> TestClient:
        app = create_app(of or settings, ServerOptions(**options))
        client = TestClient(app, base_url="http://127.0.0.1:8080", raise_server_exceptions=False)
        opened.append(client.__enter__())
        return client

    yield make
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture(scope="module")
def client(made_db: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Of a server that listens on this computer only."""
    place = tmp_path_factory.mktemp("served")
    app = create_app(Settings(place / "data", place / "cache", db=str(made_db)), ServerOptions())
    with TestClient(app, base_url="http://127.0.0.1:8080", raise_server_exceptions=False) as made:
        yield made


class Served:
    """`lexsearch serve` in a process of its own."""

    def __init__(
        self,
        db: Path,
        place: Path,
        *words: str,
        program: Sequence[str] = ("-m", "lexsearch.cli"),
        **environment: str,
    ) -> None:
        self.log = place / "log"
        place.mkdir(parents=True, exist_ok=True)
        self._log = self.log.open("wb")
        self.process = subprocess.Popen(
            [
                sys.executable,
                *program,
                "serve",
                "--db",
                str(db),
                "--port",
                "0",
                *words,
            ],
            stdout=subprocess.PIPE,
            stderr=self._log,
            # A shell ignores SIGINT in what it starts in the background, and so would this.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "LEXSEARCH_DATA_DIR": str(place / "data"),
                "LEXSEARCH_CACHE_DIR": str(place / "cache"),
                **environment,
            },
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        found = re.search(r"http://(\S+):(\d+)", line)
        assert found, self.log.read_text()
        self.host, self.port = found[1], int(found[2])
        self.url = found[0]

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=START_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()
        return code


@pytest.fixture
def served(made_db: Path, tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts servers: `served("--log-queries", db=...)`; they are stopped with the test."""
    running: list[Served] = []

    def start(*words: str, db: Path | None = None, **more: Any) -> Served:
        one = Served(db or made_db, tmp_path / f"server{len(running)}", *words, **more)
        running.append(one)
        return one

    yield start
    for one in running:
        if one.process.returncode is None:
            one.stop()
