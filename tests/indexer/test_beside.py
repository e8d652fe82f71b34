"""`lexsearch index --model OTHER` on an index: searches go on, then they switch."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from indexer.pipeline import IndexOptions, index_folders
from lexsearch.api import LexSearch
from lexsearch.bundle import editions
from lexsearch.bundle.check import check
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.cli import main
from lexsearch.errors import WrongModel

Paint = Callable[..., Path]
ROOT = Path(__file__).parents[2]
BESIDE = IndexOptions(beside=True, batch_size=2, isolate=False)


class Other:
    """The toy model under another name, with dense vectors of its own."""

    def __init__(self, model: Any, name: str = "other") -> None:
        self._model = model
        fingerprints = dict(model.identity.fingerprints) | {"dense": f"{name}/d/1"}
        self.identity = replace(model.identity, name=name, fingerprints=fingerprints)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


@pytest.fixture
def db(tmp_path: Path, photos: Path, toy_model: Any) -> Path:
    index_folders([photos], directory=tmp_path / "db", model=toy_model)
    return tmp_path / "db"


def held(db: Path) -> tuple[str, int]:
    with Snapshot.open(db) as snapshot:
        return snapshot.identity.name, len(snapshot)


def test_a_run_with_another_model_switches_when_it_is_complete(
    db: Path, photos: Path, toy_model: Any
) -> None:
    seen = []
    report = index_folders(
        [photos], directory=db, model=Other(toy_model), options=BESIDE,
        on_progress=lambda progress: seen.append(held(db)),
    )  # fmt: skip
    assert set(seen) == {("toy", 5)}
    assert held(db) == ("other", 5)
    assert report.encoded == 5
    assert "'toy' made is kept until: lexsearch clean" in report.notes[-1]
    again = index_folders([photos], directory=db, model=Other(toy_model), options=BESIDE)
    assert (again.encoded, again.unchanged, again.notes) == (0, 5, ())
    assert editions.numbers(db) == [1]


def test_without_asking_for_it_another_model_is_refused(
    db: Path, photos: Path, toy_model: Any
) -> None:
    with pytest.raises(WrongModel, match="--model other"):
        index_folders([photos], directory=db, model=Other(toy_model))
    assert held(db) == ("toy", 5)


def test_a_stopped_run_goes_on_and_switches_then(db: Path, photos: Path, toy_model: Any) -> None:
    answers = iter([False, True])
    report = index_folders(
        [photos], directory=db, model=Other(toy_model), options=BESIDE, stop=lambda: next(answers)
    )
    assert report.interrupted
    assert held(db) == ("toy", 5)
    assert [one["state"] for one in editions.summary(db)] == ["unfinished"]
    report = index_folders([photos], directory=db, model=Other(toy_model), options=BESIDE)
    assert report.encoded == 3
    assert held(db) == ("other", 5)


def test_every_root_of_the_index_is_encoded_not_only_the_one_named(
    tmp_path: Path, db: Path, photos: Path, paint: Paint, toy_model: Any
) -> None:
    paint(tmp_path / "more" / "x.png", 77)
    index_folders([tmp_path / "more"], directory=db, model=toy_model)
    index_folders([tmp_path / "more"], directory=db, model=Other(toy_model), options=BESIDE)
    assert held(db) == ("other", 6)


def test_a_root_that_is_away_holds_the_switch_back(
    tmp_path: Path, db: Path, photos: Path, paint: Paint, toy_model: Any
) -> None:
    paint(tmp_path / "more" / "x.png", 77)
    index_folders([tmp_path / "more"], directory=db, model=toy_model)
    photos.rename(tmp_path / "away")
    report = index_folders(
        [tmp_path / "more"], directory=db, model=Other(toy_model), options=BESIDE
    )
    assert "is not there or empty, so searches go on with 'toy'" in report.notes[-1]
    assert held(db) == ("toy", 6)
    photos.mkdir()  # where a disk is mounted at other times
    report = index_folders([photos], directory=db, model=Other(toy_model), options=BESIDE)
    assert "is not there or empty" in report.notes[-1]
    assert held(db) == ("toy", 6)
    photos.rmdir()
    (tmp_path / "away").rename(photos)
    report = index_folders(
        [tmp_path / "more"], directory=db, model=Other(toy_model), options=BESIDE
    )
    assert report.encoded == 5
    assert held(db) == ("other", 6)
    shutil.rmtree(photos)
    pruned = replace(BESIDE, prune=True)
    index_folders([tmp_path / "more"], directory=db, model=Other(toy_model, "3rd"), options=pruned)
    assert held(db) == ("3rd", 1)


def test_an_open_search_moves_to_the_new_model(
    db: Path, photos: Path, toy_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Other(toy_model)
    monkeypatch.setattr("lexsearch.opened.build", lambda group, name, **rest: other)
    with LexSearch.open(db, model=toy_model) as index:
        assert index.search("red", top_k=3).hits
        index_folders([photos], directory=db, model=other, options=BESIDE)
        assert len(index.search("red", top_k=5).hits) == 5  # still from the old one
        assert index.model.identity.name == "toy"
        editions.remove(db, 0, disk=editions.Disk())
        assert index.reload()
        assert index.model.identity.name == "other"
        assert len(index.search("red", top_k=5).hits) == 5
        assert not index.reload()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills as POSIX does")
def test_a_killed_run_loses_neither_and_the_same_command_goes_on(
    tmp_path: Path, db: Path, paint: Paint, photos: Path, plugin: Path
) -> None:
    for i in range(5, 16):
        paint(photos / f"{i}.png", i)
    paths = os.pathsep.join([str(plugin), str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [
        sys.executable, "-m", "lexsearch.cli", "index", str(photos), "--db", str(db),
        "--model", "slow", "--batch-size", "2",
    ]  # fmt: skip
    # `slow` calls itself toy: give the first edition another name to be told apart.
    shutil.rmtree(db)
    with LexSearch.create(db, model=Other(_toy())) as index:
        index.index(photos, isolate=False)
    committed = 0
    for trial in range(2):
        process = subprocess.Popen(
            command, cwd=ROOT, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("committed") and int(line.split()[1]) > committed:
                break
        time.sleep(0.3 * trial)
        process.kill()
        process.wait()
        process.stderr.close()
        assert held(db) == ("other", 16)
        assert check(db, read_data=True).problems == ()
        with Snapshot.open(db / "editions" / "0001") as begun:
            assert len(begun) > committed
            committed = len(begun)
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths}
    )
    assert done.returncode == 0, done.stderr
    assert f"{16 - committed} encoded" in done.stdout
    assert held(db) == ("toy", 16)
    assert check(db, read_data=True).problems == ()


def _toy() -> Any:
    from tests.conftest import ToyModel

    return ToyModel()


def test_the_command_builds_beside_says_so_and_cleans(
    tmp_path: Path,
    photos: Path,
    plugin: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.syspath_prepend(str(plugin))
    monkeypatch.setenv("LEXSEARCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LEXSEARCH_CACHE_DIR", str(tmp_path / "cache"))
    db = ["--db", str(tmp_path / "db")]
    assert main(["index", str(photos), "--model", "toy", *db]) == 0
    capsys.readouterr()
    assert main(["index", str(photos), "--model", "mini", "--dry-run", "--json", *db]) == 0
    assert json.loads(capsys.readouterr().out)["to_encode"] == 5
    assert main(["index", str(photos), "--model", "mini", *db]) == 0
    assert "searches are answered with 'mini' now" in capsys.readouterr().err
    assert main(["status", "--json", *db]) == 0
    (old,) = json.loads(capsys.readouterr().out)["editions"]
    assert (old["number"], old["state"], old["model"]) == (0, "replaced", "toy")
    assert old["bytes"] > 10_000
    assert main(["status", *db]) == 0
    assert "by toy, kept until: lexsearch clean" in capsys.readouterr().out
    assert main(["search", "red", "--format", "paths", *db]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 5
    assert main(["clean", "--dry-run", "--json", *db]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["bytes"] >= old["bytes"]
    assert (tmp_path / "db" / "catalog.sqlite").exists()
    assert main(["clean", "--json", *db]) == 0
    assert not (tmp_path / "db" / "catalog.sqlite").exists()
    assert not (tmp_path / "db" / "segments").exists()
    assert main(["index", str(photos), *db]) == 0  # the model is remembered
    assert "5 unchanged" in capsys.readouterr().out
    assert main(["check", "--read-data", *db]) == 0
    assert capsys.readouterr().out.startswith("5 photos, 0 problems")


def test_clean_keeps_what_is_unfinished_unless_told(
    db: Path,
    photos: Path,
    toy_model: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LEXSEARCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LEXSEARCH_CACHE_DIR", str(tmp_path / "cache"))
    answers = iter([False, True])
    index_folders(
        [photos], directory=db, model=Other(toy_model), options=BESIDE, stop=lambda: next(answers)
    )
    assert main(["clean", "--db", str(db)]) == 0
    assert editions.numbers(db) == [1]
    assert main(["clean", "--unfinished", "--db", str(db)]) == 0
    assert editions.numbers(db) == []
    assert held(db) == ("toy", 5)
    capsys.readouterr()
