"""A real server over real pictures, and a real browser; skips aloud where Chromium is missing."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lexsearch import LexSearch
from lexsearch.cli.demo import corpus

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PICTURES = ("scene_014.jpg", "scene_037.jpg", "scene_041.jpg", "scene_054.jpg", "scene_098.jpg")
# Names that would run a script, make a link or a formula, were they read as markup.
HOSTILE = (
    "<img src=x onerror=hacked()>.jpg",
    "[click](javascript:hacked()) **bold** $x^2$ :material-delete:.jpg",
)
WAIT_MS = 240_000  # a machine that is busy with other things may take that long


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    place = next((found for name in NAMES if (found := shutil.which(name))), None)
    if place is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=place, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def tab(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a tab at an address; a script error in it fails the test."""
    contexts: list[Any] = []
    errors: list[str] = []

    def open_(address: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> Any:
        scheme = "dark" if dark else "light"
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address, timeout=WAIT_MS)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name in PICTURES:
        shutil.copy(corpus() / name, folder / name)
    for source, name in zip(("scene_019.jpg", "scene_108.jpg"), HOSTILE, strict=True):
        shutil.copy(corpus() / source, folder / name)
    return folder


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Iterator[str]:
    """The address of the app over the pictures."""
    home = tmp_path_factory.mktemp("home")
    with LexSearch.create(home / "db") as db:
        db.index(photos)
    with served(home, home / "db") as address:
        yield address


@pytest.fixture(scope="session")
def serve() -> type[served]:
    """Starts the app: `with serve(home, db) as address`."""
    return served


@pytest.fixture
def hostile() -> tuple[str, ...]:
    """Names that must stay text."""
    return HOSTILE


@pytest.fixture(scope="session")
def dated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A db of pictures with dates and places, some of them nearly the same."""
    folder = tmp_path_factory.mktemp("dated")
    for place, name, year, gps in (
        ("sea", "scene_014.jpg", 2023, (41.0, 2.0)),
        ("sea", "scene_037.jpg", 2024, (45.0, 9.0)),
        ("town", "scene_041.jpg", 2024, None),
    ):
        (folder / place).mkdir(exist_ok=True)
        write_photo(corpus() / name, folder / place / name, year, gps)
    write_photo(corpus() / "scene_041.jpg", folder / "town" / "again.jpg", 2024, None, quality=60)
    directory = tmp_path_factory.mktemp("dated_db") / "db"
    with LexSearch.create(directory) as db:
        assert db.index(folder).encoded == 4
    return directory


def write_photo(
    source: Path,
    target: Path,
    year: int,
    gps: tuple[float, float] | None,
    *,
    quality: int = 92,
) -> None:
    """A sample picture as a camera would have written it, north and east."""
    exif = Image.Exif()
    exif[0x0110] = "Lumo X1"
    exif.get_ifd(0x8769)[0x9003] = f"{year}:06:01 12:00:00"
    if gps is not None:
        places = {1: "N", 2: (gps[0], 0.0, 0.0), 3: "E", 4: (gps[1], 0.0, 0.0)}
        exif.get_ifd(0x8825).update(places)
    with Image.open(source) as picture:
        picture.convert("RGB").save(target, exif=exif, quality=quality)


class served:
    """`lexsearch ui` as a user starts it, ended at the end."""

    def __init__(self, home: Path, db: Path) -> None:
        self.home, self.db = home, db

    def __enter__(self) -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        keep = {k: v for k, v in os.environ.items() if not k.startswith("LEXSEARCH_")}
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "lexsearch.cli",
                "ui",
                "--db",
                str(self.db),
                "--port",
                str(port),
            ],
            cwd=self.home,
            env={
                **keep,
                "HOME": str(self.home),
                "PYTHONPATH": str(ROOT),
                "XDG_DATA_HOME": f"{self.home}/data",
                "XDG_CACHE_HOME": f"{self.home}/cache",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith(f"the app is at http://127.0.0.1:{port}"), line
        return f"http://127.0.0.1:{port}"

    def __exit__(self, *error: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        assert self.process.stdout is not None
        self.process.stdout.close()
