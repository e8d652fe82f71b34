"""An index that a stranger made: nothing in it is waited for, followed, run or left open."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lexsearch import LexSearch
from lexsearch.bundle.check import check
from lexsearch.bundle.repair import repair
from lexsearch.cli import main
from lexsearch.errors import LexsearchError

FILES = (
    "FORMAT.json", ".reserve", "catalog.sqlite", "catalog.sqlite-wal", "write.lock", "write.holder",
    "segments", "editions", "seg.json", "ids.lxi", "lexical.lxs", "dense.lxd", "tokens.lxt",
)  # fmt: skip
PATIENCE_S = 5


def fifo(path: Path, outside: Path) -> None:
    os.mkfifo(path)


def link_to_fifo(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "fifo")


def link_to_file(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "secret")


def loop(path: Path, outside: Path) -> None:
    path.symlink_to(path.name)


def folder(path: Path, outside: Path) -> None:
    path.mkdir()


def listening(path: Path, outside: Path) -> None:
    with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)


def endless(path: Path, outside: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        pytest.skip("making a device needs root")


class Hung(Exception):
    """An operation waited."""


@contextlib.contextmanager
def patience() -> Iterator[None]:
    def ring(*_: object) -> None:
        raise Hung

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(PATIENCE_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def uses(directory: Path, model: Any) -> dict[str, Callable[[], object]]:
    def search() -> object:
        with LexSearch.open(directory, model=model) as db:
            return [hit.path for hit in db.search("red", top_k=9)], db.status(), db.skipped()

    def write() -> object:
        with LexSearch.open(directory, model=model) as db:
            return db.delete(["nobody"])

    words = ["--db", str(directory)]
    return {
        "search": search,
        "check": lambda: check(directory, read_data=True),
        "plan": lambda: repair(directory, dry_run=True),
        "write": write,
        "status": lambda: main(["status", *words]),
        "upgrade": lambda: main(["upgrade", *words]),
        "repair": lambda: repair(directory),
    }


@pytest.mark.parametrize(
    "plant", [fifo, link_to_fifo, link_to_file, loop, folder, listening, endless],
    ids=lambda plant: plant.__name__,
)  # fmt: skip
def test_what_is_no_file_is_refused_and_not_waited_for(
    damaged_library: Any, tmp_path: Path, plant: Callable[[Path, Path], None],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    library = damaged_library
    library.make({b"/photos/1.jpg": "1", b"/photos/2.jpg": "2"})
    outside = tmp_path / "outside"
    outside.mkdir()
    os.mkfifo(outside / "fifo")
    (outside / "secret").write_bytes(b"not for lexsearch")
    sound = tmp_path / "sound"
    library.directory.rename(sound)
    for name in FILES:
        for what in uses(library.directory, library.model):
            shutil.rmtree(library.directory, ignore_errors=True)
            shutil.copytree(sound, library.directory)
            found = sorted(library.directory.rglob(name))
            place = found[0] if found else library.directory / name
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)
            plant(place, outside)
            with patience():
                try:
                    uses(library.directory, library.model)[what]()
                except LexsearchError as error:
                    assert str(error), (name, what)
                except Exception as error:
                    raise AssertionError(f"{what} with {name}: {error!r}") from error
    assert "Traceback" not in capsys.readouterr().err
    assert (outside / "secret").read_bytes() == b"not for lexsearch"
    assert sorted(one.name for one in outside.iterdir()) == ["fifo", "secret"]


HOSTILE_PATHS = (
    b"/photos/a\0b.jpg", b"/dev/zero", b"../../etc/passwd", b"", b"/" + b"x" * 100_000,
    b"/photos/\x1b]0;owned\x07.jpg", b"/proc/self/mem", b"/photos/..",
)  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE_PATHS, ids=lambda path: repr(path[:16]))
def test_a_path_that_is_none_is_shown_and_never_a_defect(
    damaged_library: Any, tmp_path: Path, path: bytes
) -> None:
    library = damaged_library
    library.make({path: "1", b"/photos/2.jpg": "2"})
    with LexSearch.open(library.directory, model=library.model) as db:
        for use in (
            lambda: db.search("red", top_k=9),
            lambda: db.like(path),
            lambda: db.explain("red", path),
            lambda: db.words(path),
            lambda: db.duplicates(),
            lambda: db.status(),
        ):
            with patience(), contextlib.suppress(LexsearchError):
                use()
        hits = db.search("red", top_k=9)
        assert len(hits) == 2
        for hit in hits:
            with patience(), contextlib.suppress(LexsearchError):
                db.explain("red", hit)
    assert check(library.directory, read_data=True).images == 2
