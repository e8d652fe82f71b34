"""A file that is cut or cannot be read while it is open is an error, not the end of the process."""

from __future__ import annotations

import errno
import gc
import hashlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from lexsearch.bundle import file_bytes
from lexsearch.bundle.container import open_file, write_file
from lexsearch.bundle.file_bytes import READ_WHOLE, content, part, sha256_of
from lexsearch.errors import IndexDamaged, StorageError

ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "dense.lxd"
    write_file(path, "dense", ULID, {"values": np.arange(2 * READ_WHOLE, dtype=np.uint8)})
    return path


def test_a_part_and_a_digest_are_those_of_the_file(large: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.write_bytes(b"abc")
    for path in (large, small):
        known = path.read_bytes()
        data = content(path)
        assert bytes(part(path, data, 1, len(known))) == known[1:]
        assert bytes(part(path, data, 2, 2)) == b""
        assert sha256_of(path, data) == hashlib.sha256(known).hexdigest()


def test_a_file_that_is_cut_while_it_is_open_is_damaged(large: Path) -> None:
    """In a process of its own, which a mapping would take along."""
    code = f"""
        import os, sys
        from pathlib import Path
        import numpy as np
        from lexsearch.bundle.container import GuardedArrays
        from lexsearch.bundle.file_bytes import content, sha256_of
        from lexsearch.errors import IndexDamaged
        path = Path({str(large)!r})
        arrays = GuardedArrays(path, "dense", {ULID!r})
        data = content(path)
        os.truncate(path, {READ_WHOLE})
        for use in (
            lambda: arrays.touch("values", np.array([0]), np.array([len(arrays["values"])])),
            lambda: sha256_of(path, data),
        ):
            try:
                use()
            except IndexDamaged as error:
                print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith(f"{large}: it had ")
    assert "was cut since; see what is damaged with: lexsearch check" in second


def test_a_part_that_the_disk_cannot_give_is_named(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = os.pread

    def failing(descriptor: int, size: int, at: int) -> bytes:  # no disk fails at will
        if at == 2 << 20:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return plain(descriptor, size, at)

    monkeypatch.setattr(file_bytes.os, "pread", failing)
    open_file(large, "dense", ULID)
    with pytest.raises(StorageError, match=r"dense\.lxd cannot be read: Input/output error"):
        open_file(large, "dense", ULID, verify=True)


def test_a_missing_file_is_damage(tmp_path: Path) -> None:
    with pytest.raises(IndexDamaged, match="the file is missing"):
        content(tmp_path / "none")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="nothing here lists open files")
def test_a_file_is_closed_with_the_last_array_in_it(large: Path) -> None:
    def held() -> int:
        gc.collect()
        return sum(os.path.realpath(one) == str(large) for one in Path("/proc/self/fd").iterdir())

    array = open_file(large, "dense", ULID, verify=True)["values"]
    assert held() > 0
    assert int(array[5]) == 5
    del array
    assert held() == 0
