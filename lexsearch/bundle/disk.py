"""Every durable change of the index folder outside SQLite goes through here."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

Bytes = bytes | bytearray | memoryview


class Disk:
    """The file system, one method per call that can fail; tests put a failing one in its place.

    A file is complete on the disk only after `sync`, its name only after `sync_dir` on the
    folder that holds it. A failed `sync` is never tried again on the same file: the system may
    have dropped the data, so the file is given up and written anew.
    """

    def make_dir(self, path: Path) -> None:
        """Make one folder, which must not exist."""
        path.mkdir()

    def create(self, path: Path) -> BinaryIO:
        """Open a new file for writing; it must not exist."""
        return path.open("xb", buffering=0)

    def write(self, file: BinaryIO, data: Bytes) -> None:
        """Append all of the data."""
        rest = memoryview(data).cast("B")
        while len(rest):
            rest = rest[file.write(rest) :]

    def sync(self, file: BinaryIO) -> None:
        """Wait until the file's data is on the disk."""
        if sys.platform == "darwin":
            import fcntl

            fcntl.fcntl(file.fileno(), fcntl.F_FULLFSYNC)
            return
        os.fsync(file.fileno())

    def sync_dir(self, path: Path) -> None:
        """Wait until the names in a folder are on the disk."""
        if sys.platform == "win32":
            return  # folders cannot be opened there; NTFS journals names
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file or folder its final name; a file that has it already is replaced."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """Remove one file, if it is there."""
        path.unlink(missing_ok=True)

    def remove_tree(self, path: Path) -> None:
        """Remove a folder with what is in it; links in it are removed, not followed."""
        shutil.rmtree(path)


def sync_tree(disk: Disk, folder: Path) -> None:
    """Wait until a folder with all that is in it is on the disk."""
    for inner in sorted(folder.rglob("*"), reverse=True):
        if inner.is_dir() and not inner.is_symlink():
            disk.sync_dir(inner)
        elif inner.is_file() and not inner.is_symlink():
            with inner.open("r+b") as file:
                disk.sync(file)
    disk.sync_dir(folder)


def write_new(disk: Disk, path: Path, chunks: Iterable[Bytes]) -> None:
    """Write a new file and wait until its data is on the disk."""
    with disk.create(path) as file:
        for chunk in chunks:
            disk.write(file, chunk)
        disk.sync(file)


@contextlib.contextmanager
def new_folder(disk: Disk, final: Path) -> Iterator[Path]:
    """A folder to write into, which gets its name, durably, when the block is done.

    When the block fails nothing of it is left under either name.
    """
    temporary = final.with_name(final.name + ".tmp")
    try:
        disk.make_dir(temporary)
        yield temporary
        disk.sync_dir(temporary)
        disk.rename(temporary, final)
        disk.sync_dir(final.parent)
    except BaseException:
        for place in (temporary, final):
            with contextlib.suppress(OSError):
                disk.remove_tree(place)
        raise


def replace_file(disk: Disk, path: Path, data: bytes) -> None:
    """Write a file under a temporary name, then give it its name; old or new, never half."""
    temporary = path.with_name(path.name + ".tmp")
    disk.remove(temporary)
    write_new(disk, temporary, [data])
    disk.rename(temporary, path)
    disk.sync_dir(path.parent)
