"""`--watch` indexes what changed once it has come to rest, and lets others in between."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from indexer.wake import NativeWaker, PollWaker, waker
from indexer.watch import Step, compare
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.errors import LexsearchError, UsageError

ROOT = Path(__file__).parents[2]
Paint = Callable[..., Path]
PATIENCE_S = 60.0
A, B = (1, 1, 1), (2, 2, 2)


@pytest.mark.parametrize(
    ("indexed", "before", "now", "expected"),
    [
        ({}, {}, {}, Step(False, frozenset(), frozenset())),
        ({}, {}, {b"x": A}, Step(False, frozenset({b"x"}), frozenset())),
        ({}, {b"x": A}, {b"x": A}, Step(True, frozenset(), frozenset())),
        ({}, {b"x": A}, {b"x": B}, Step(False, frozenset({b"x"}), frozenset())),
        ({b"x": A}, {b"x": A}, {b"x": A}, Step(False, frozenset(), frozenset())),
        ({b"x": A}, {b"x": A}, {b"x": B}, Step(False, frozenset({b"x"}), frozenset())),
        ({b"x": A}, {b"x": A}, {}, Step(False, frozenset(), frozenset({b"x"}))),
        ({b"x": A}, {}, {}, Step(True, frozenset(), frozenset())),
        ({}, {b"x": A}, {b"x": A, b"y": A}, Step(True, frozenset({b"y"}), frozenset())),
    ],
)
def test_only_what_two_walks_agree_on_is_ripe(
    indexed: dict[bytes, Any], before: dict[bytes, Any], now: dict[bytes, Any], expected: Step
) -> None:
    assert compare(indexed, before, now) == expected


def test_the_choice_of_the_waker(monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []
    found = waker("poll:2.5", [], notes.append)
    assert isinstance(found, PollWaker)
    assert found.seconds == 2.5
    assert isinstance(waker("poll", [], notes.append), PollWaker)
    for wrong in ("poll:", "poll:0", "poll:x", "often", "poll:1e9", ""):
        with pytest.raises(UsageError, match="expected --watch"):
            waker(wrong, [], notes.append)
    assert notes == []
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    assert isinstance(waker("auto", [], notes.append), PollWaker)
    assert "lexsearch[watch]" in notes[0]


def test_a_system_that_cannot_listen_is_polled(tmp_path: Path) -> None:
    def refuse(*roots: str, **options: object) -> Iterator[object]:
        raise OSError("OS file watch limit reached")
        yield

    notes: list[str] = []
    native = NativeWaker(refuse, [os.fsencode(tmp_path)], notes.append)
    native.wait(0.0, lambda: False)
    native.wait(0.1, lambda: False)
    assert "limit reached" in notes[0]
    native.wait(0.0, lambda: False)
    assert len(notes) == 1


class Watching:
    """`lexsearch index --watch` in a process of its own."""

    def __init__(self, plugin: Path, *words: str | Path) -> None:
        environment = {**os.environ, "PYTHONPATH": f"{plugin}{os.pathsep}{ROOT}"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "indexer.cli", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream: Any, lines: list[str]) -> None:
        lines.extend(iter(stream.readline, ""))

    def report(self, number: int) -> dict[str, Any]:
        """The report of a run, when it is there."""
        self.until(lambda: len(self.out) > number)
        found: dict[str, Any] = json.loads(self.out[number])
        return found

    def until(self, happened: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not happened():
            assert self.process.poll() is None, "".join(self.err)
            assert time.monotonic() < end, "".join([*self.out, *self.err])
            time.sleep(0.05)

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(PATIENCE_S)
        for reader in self._readers:
            reader.join()
        assert "Traceback" not in "".join(self.err)
        return code

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


@pytest.fixture(params=["--watch", "--watch=poll:0.3"])
def watching(
    request: pytest.FixtureRequest, plugin: Path, photos: Path, tmp_path: Path
) -> Iterator[Watching]:
    if request.param == "--watch":
        pytest.importorskip("watchfiles")
    words = (photos, "--db", tmp_path / "db", "--model", "toy", "--json", request.param)
    process = Watching(plugin, *words, "--exclude", "*.tmp.png")
    yield process
    process.close()


def indexed(tmp_path: Path) -> list[str]:
    with Snapshot.open(tmp_path / "db") as snapshot:
        records = snapshot.images([int(i) for i in snapshot.image_ids()])
    return sorted(os.path.basename(os.fsdecode(path)) for one in records for path in one.paths)


def test_a_day_in_the_life_of_a_watched_folder(
    watching: Watching, photos: Path, tmp_path: Path, paint: Paint, plugin: Path
) -> None:
    assert watching.report(0)["encoded"] == 5
    # excluded names wake nobody's index
    paint(photos / "a.tmp.png", 50)
    # half written, then whole: never seen in between
    whole = paint(tmp_path / "whole.png", 51, size=(200, 200)).read_bytes()
    growing = photos / "growing.png"
    for end in range(1, len(whole), max(1, len(whole) // 12)):
        growing.write_bytes(whole[:end])
        time.sleep(0.25)
    growing.write_bytes(whole)
    report = watching.report(1)
    assert (report["new"], report["encoded"], report["skipped"]) == (1, 1, [])
    # another run goes in between
    other = subprocess.run(
        [
            sys.executable, "-m", "indexer.cli", str(photos / "trip"), "--model", "toy",
            "--db", str(tmp_path / "db"), "--wait", "20",
        ],
        env={**os.environ, "PYTHONPATH": f"{plugin}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert other.returncode == 0, other.stderr
    # the root goes away and comes back
    shutil.rmtree(photos)
    watching.until(lambda: any("is not there" in line for line in watching.err))
    assert len(indexed(tmp_path)) == 6
    for i in range(4):
        paint(tmp_path / "again" / f"{i}.png", i)
    (tmp_path / "again").rename(photos)
    assert watching.report(2)["removed"] == 3
    assert indexed(tmp_path) == ["0.png", "1.png", "2.png", "3.png"]
    (photos / "3.png").rename(photos / "three.png")
    assert watching.report(3)["moved"] == 1
    assert watching.end() == 130
    assert len(watching.out) == 4
    assert "".join(watching.err).count("is not there") == 1


def test_a_second_writer_is_waited_for(
    watching: Watching, photos: Path, tmp_path: Path, paint: Paint, toy_model: Any
) -> None:
    from lexsearch.bundle.writer import BundleWriter

    watching.report(0)
    with BundleWriter.open(tmp_path / "db", identity=toy_model.identity):
        paint(photos / "late.png", 60)
        watching.until(lambda: any("waiting for it" in line for line in watching.err))
        assert len(watching.out) == 1
    assert watching.report(1)["new"] == 1
    assert watching.end() == 130


def test_a_watch_of_nothing_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lexsearch.cli import main

    words = ["index", str(tmp_path / "no"), "--db", str(tmp_path / "db"), "--watch=poll:0.1"]
    assert main(words) == LexsearchError.exit_code + 1 == 2
    assert "no such folder" in capsys.readouterr().err
