"""An index of toy pictures, and a disk that fails when told to."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest

from lexsearch.bundle.check import check
from lexsearch.bundle.disk import Disk
from lexsearch.bundle.records import CommitBatch, ContentRecord, FileRecord, SkippedFile
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.bundle.writer import BundleWriter
from lexsearch.types import Encoded


class Clock:
    """Seconds since 1970 that pass when told to; far ahead, so that nothing is too young."""

    now = 4_000_000_000.0

    def __call__(self) -> float:
        return self.now


class Library:
    """Writes toy pictures, named by a letter, into an index."""

    def __init__(self, directory: Path, model: Any) -> None:
        self.directory = directory
        self.model = model
        self.clock = Clock()

    def open(self, *, disk: Disk | None = None, **options: Any) -> BundleWriter:
        options = {"identity": self.model.identity} | options
        return BundleWriter.open(self.directory, disk=disk, clock=self.clock, **options)

    def snapshot(self) -> Snapshot:
        return Snapshot.open(self.directory)

    def digest(self, name: str) -> bytes:
        return hashlib.sha256(name.encode()).digest()

    def content(self, name: str, **details: Any) -> ContentRecord:
        return ContentRecord(self.digest(name), 8, 6, **details)

    def file(self, path: bytes, name: str) -> FileRecord:
        return FileRecord(path, 100 + len(path), 5_000, 2**64 - 7, self.digest(name), b"/photos")

    def vectors(self, names: list[str]) -> Encoded:
        pixels = np.zeros((len(names), 8, 8, 3), np.uint8)
        for i, name in enumerate(names):
            seed = int.from_bytes(self.digest(name)[:4], "big")
            pixels[i] = np.random.default_rng(seed).integers(0, 255, (8, 8, 3))
        encoded: Encoded = self.model.encode_pixels(pixels)
        return encoded

    def batch(
        self,
        files: Mapping[bytes, str] | None = None,
        *,
        encode: bool = True,
        removed: tuple[bytes, ...] = (),
        skipped: tuple[SkippedFile, ...] = (),
        details: Mapping[str, dict[str, Any]] | None = None,
    ) -> CommitBatch:
        """Paths with the picture at each; `encode` gives the vectors of the pictures too."""
        files = files or {}
        names = sorted(set(files.values())) if encode else []
        return CommitBatch(
            contents=[self.content(name, **(details or {}).get(name, {})) for name in names],
            vectors=self.vectors(names) if names else None,
            files=[self.file(path, name) for path, name in files.items()],
            removed=removed,
            skipped=skipped,
        )

    def make(self, *batches: Mapping[bytes, str]) -> None:
        with self.open() as writer:
            for files in batches:
                writer.commit(self.batch(files))

    def answers(self) -> dict[int, tuple[bytes, ...]]:
        """For every image its stored bytes in all roles, from wherever they lie."""
        found: dict[int, tuple[bytes, ...]] = {}
        with self.snapshot() as snapshot:
            for segment in snapshot.segments:
                words, dense = segment.sections("lexical"), segment.sections("dense")
                tokens = segment.sections("tokens")
                for row, image_id in enumerate(segment.image_ids.tolist()):
                    if segment.live is not None and not segment.live[row]:
                        continue
                    assert image_id not in found
                    a, b = (int(words["fwd_ptr"][row + i]) for i in (0, 1))
                    c, d = (int(tokens["offsets"][row + i]) for i in (0, 1))
                    found[image_id] = (
                        words["fwd_ids"][a:b].tobytes(),
                        words["fwd_weights"][a:b].tobytes(),
                        dense["values"][row].tobytes(),
                        tokens["values"][c:d].tobytes(),
                    )
            assert sorted(found) == snapshot.image_ids().tolist()
        return found

    def paths(self) -> list[bytes]:
        with self.snapshot() as snapshot:
            return sorted(
                path
                for record in snapshot.images(snapshot.image_ids().tolist())
                for path in record.paths
            )

    def is_sound(self) -> bool:
        report = check(self.directory, read_data=True)
        assert report.problems == ()
        return True


class Crash(BaseException):
    """Stands for the end of the process: nothing after it gets to run."""


class FaultyDisk(Disk):
    """Fails at the n-th call; a crash also fails every call after it."""

    def __init__(self, fail_at: int, error: BaseException) -> None:
        self.calls = 0
        self.fail_at = fail_at
        self.error = error

    @property
    def has_failed(self) -> bool:
        return self.calls >= self.fail_at

    def _count(self) -> None:
        self.calls += 1
        crashed = isinstance(self.error, Crash) and self.calls > self.fail_at
        if self.calls == self.fail_at or crashed:
            raise self.error

    def make_dir(self, path: Path) -> None:
        self._count()
        super().make_dir(path)

    def create(self, path: Path) -> BinaryIO:
        self._count()
        return super().create(path)

    def write(self, file: BinaryIO, data: Any) -> None:
        view = memoryview(data).cast("B")
        super().write(file, view[: len(view) // 2])
        self._count()
        super().write(file, view[len(view) // 2 :])

    def sync(self, file: BinaryIO) -> None:
        self._count()

    def sync_dir(self, path: Path) -> None:
        self._count()

    def rename(self, source: Path, target: Path) -> None:
        self._count()
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        self._count()
        super().remove(path)

    def remove_tree(self, path: Path) -> None:
        self._count()
        super().remove_tree(path)


class ForgetfulDisk(FaultyDisk):
    """Forgets at `lose` whatever no sync asked for: data becomes nothing, names become the old."""

    def __init__(self, fail_at: int, error: BaseException) -> None:
        super().__init__(fail_at, error)
        self.unwritten: set[Path] = set()
        self.undo: list[tuple[Path, Callable[[], object]]] = []  # by the folder that must be synced

    def make_dir(self, path: Path) -> None:
        super().make_dir(path)
        self.undo.append((path.parent, lambda: shutil.rmtree(path, ignore_errors=True)))

    def create(self, path: Path) -> BinaryIO:
        file = super().create(path)
        self.unwritten.add(path)
        self.undo.append((path.parent, lambda: path.unlink(missing_ok=True)))
        return file

    def sync(self, file: BinaryIO) -> None:
        super().sync(file)
        self.unwritten.discard(Path(file.name))

    def sync_dir(self, path: Path) -> None:
        super().sync_dir(path)
        self.undo = [(folder, undo) for folder, undo in self.undo if folder != path]

    def rename(self, source: Path, target: Path) -> None:
        before = target.read_bytes() if target.is_file() else None
        super().rename(source, target)
        inside = {path for path in self.unwritten if path.is_relative_to(source)}
        self.unwritten -= inside
        self.unwritten |= {target / path.relative_to(source) for path in inside}

        def back() -> None:
            if target.exists():
                target.replace(source)
            if before is not None:
                target.write_bytes(before)

        self.undo.append((target.parent, back))

    def lose(self) -> None:
        """The power goes."""
        for path in self.unwritten:
            if path.exists():
                path.write_bytes(b"")
        for _, undo in reversed(self.undo):
            undo()


@pytest.fixture
def library(tmp_path: Path, toy_model: Any) -> Iterator[Library]:
    """An index that does not exist yet; whatever a test made of it must be sound in the end."""
    made = Library(tmp_path / "index", toy_model)
    yield made
    if (made.directory / "FORMAT.json").exists():
        assert made.is_sound()


@pytest.fixture
def damaged_library(tmp_path: Path, toy_model: Any) -> Library:
    """Likewise, but a test may leave it damaged."""
    return Library(tmp_path / "index", toy_model)


@pytest.fixture
def faulty_disk() -> Callable[[int, BaseException], FaultyDisk]:
    return FaultyDisk


@pytest.fixture
def forgetful_disk() -> Callable[[int, BaseException], ForgetfulDisk]:
    return ForgetfulDisk


@pytest.fixture
def crash() -> BaseException:
    return Crash()


def tree(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != ".reserve"
    }


@pytest.fixture
def bytes_below() -> Callable[[Path], dict[str, bytes]]:
    """Content of every file below a folder, but for the reserve."""
    assert os.sep
    return tree
