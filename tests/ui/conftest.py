"""A small real db of sample pictures, and the app over it without a browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lexsearch import LexSearch
from lexsearch.cli.demo import corpus
from lexsearch.settings import Settings
from ui.library import Library

PICTURES = ("scene_014.jpg", "scene_037.jpg", "scene_041.jpg", "scene_054.jpg", "scene_098.jpg")


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name in PICTURES:
        shutil.copy(corpus() / name, folder / name)
    shutil.copy(corpus() / PICTURES[0], folder / "copy *of* [it](http---x).jpg")
    (folder / "broken <b>.jpg").write_bytes(b"\xff\xd8\xff no picture")
    return folder


@pytest.fixture(scope="session")
def made_db(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    directory = tmp_path_factory.mktemp("made") / "db"
    with LexSearch.create(directory) as db:
        report = db.index(photos)
    assert report.encoded == len(PICTURES)
    assert len(report.skipped) == 1
    return directory


@pytest.fixture
def settings(tmp_path: Path, made_db: Path) -> Settings:
    return Settings(tmp_path / "data", tmp_path / "cache", db=str(made_db))


@pytest.fixture
def books(settings: Settings) -> Library:
    return Library(settings)


PAGE = """
from ui.state import guarded
from ui.views import {name}

with guarded():
    {name}.draw()
"""


@pytest.fixture
def app(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """Draws one page: `app("search", q="car")`; `db` takes the place of the small one."""

    def draw(name: str, db: str | None = None, **params: str) -> AppTest:
        monkeypatch.setenv("LEXSEARCH_DB", db or settings.db)
        monkeypatch.setenv("LEXSEARCH_DATA_DIR", str(settings.data_dir))
        monkeypatch.setenv("LEXSEARCH_CACHE_DIR", str(settings.cache_dir))
        page = AppTest.from_string(PAGE.format(name=name), default_timeout=120)
        for key, value in params.items():
            page.query_params[key] = value
        return page.run()

    return draw


@pytest.fixture
def texts() -> Callable[[Any], str]:
    """Gives all that a page says in elements of Streamlit's own."""

    def read(page: Any) -> str:
        kinds = ("text", "info", "warning", "error", "header", "subheader", "code")
        return "\n".join(str(one.value) for kind in kinds for one in getattr(page, kind))

    return read


@pytest.fixture
def component() -> Callable[[Any, str], dict[str, Any]]:
    """Gives the data that reached one of our components on a page."""

    def read(page: Any, name: str) -> dict[str, Any]:
        for node in page.main:
            proto = getattr(node, "proto", None)
            if proto is not None and getattr(proto, "component_name", "") == f"lexsearch.{name}":
                found: dict[str, Any] = json.loads(proto.json)
                return found
        raise AssertionError(f"no {name} on the page")

    return read
