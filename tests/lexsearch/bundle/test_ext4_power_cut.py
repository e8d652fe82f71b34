"""A real file system that loses what no fsync asked for: ext4 in a file, shut down under a writer.

Needs root and loop devices; skipped aloud elsewhere. `test_power_cut.py` asks the same of a disk
in memory, at every call.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lexsearch.bundle.check import check
from lexsearch.bundle.snapshot import Snapshot
from lexsearch.bundle.writer import BundleWriter

ROOT = Path(__file__).parents[3]
SHUTDOWN, WITHOUT_LOG = 0x8004587D, (2).to_bytes(4, sys.byteorder)  # EXT4_IOC_SHUTDOWN
OPTIONS = ("commit=300", "data=writeback,noauto_da_alloc,commit=300")
WRITER = """
import hashlib, sys
from pathlib import Path
sys.path.insert(0, "tests")
import numpy as np
from conftest import ToyModel
from lexsearch.bundle.records import CommitBatch, ContentRecord, FileRecord
from lexsearch.bundle.writer import BundleWriter

model = ToyModel()
with BundleWriter.open(Path(sys.argv[1]), identity=model.identity) as writer:
    for i in range(100_000):
        digest = hashlib.sha256(b"%d" % i).digest()
        vectors = model.encode_pixels(np.full((1, 8, 8, 3), i % 256, np.uint8))
        file = FileRecord(b"/%08d.jpg" % i, 1, 1, 1, digest, b"/")
        writer.commit(CommitBatch([ContentRecord(digest, 8, 8)], vectors, [file]))
        print(i + 1, flush=True)
"""
can_mount = (
    sys.platform == "linux"
    and os.geteuid() == 0
    and Path("/dev/loop-control").exists()
    and shutil.which("mkfs.ext4") is not None
)


@pytest.fixture
def remount(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a new ext4 with options, and again when called again."""
    disk, place = tmp_path / "disk", tmp_path / "mount"
    place.mkdir()
    with disk.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", disk], check=True)

    def mount(options: str) -> Path:
        if place.is_mount():
            subprocess.run(["umount", place], check=True)
        subprocess.run(["mount", "-o", f"loop,{options}", disk, place], check=True)
        return place

    yield mount
    if place.is_mount():
        subprocess.run(["umount", place], check=True)


@pytest.mark.skipif(not can_mount, reason="mounting needs root, loop devices and mkfs.ext4")
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("after", [1, 6])
def test_what_was_reported_before_the_power_went_is_there(
    remount: Callable[[str], Path], toy_model: Any, options: str, after: int
) -> None:
    place = remount(options)
    directory = place / "new" / "index"
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(directory)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    reported = [int(process.stdout.readline()) for _ in range(after)]
    handle = os.open(place, os.O_RDONLY)
    fcntl.ioctl(handle, SHUTDOWN, WITHOUT_LOG)
    os.close(handle)
    process.kill()
    process.stdout.close()
    process.wait()
    remount(options)
    assert check(directory, read_data=True).problems == ()
    with Snapshot.open(directory) as snapshot:
        images = snapshot.images(snapshot.image_ids().tolist())
    assert len(images) >= max(reported)
    assert sorted(one.paths[0] for one in images) == [b"/%08d.jpg" % i for i in range(len(images))]
    with BundleWriter.open(directory, identity=toy_model.identity) as writer:
        assert len(writer.known_contents()) == len(images)
